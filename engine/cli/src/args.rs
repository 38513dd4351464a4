//! What was typed. Parsing only; nothing is done here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Canary analysis and rollout gate: promote, hold or rollback, with the evidence.
#[derive(Debug, Parser)]
#[command(name = "davy", version, long_version = crate::version::LONG, about, max_term_width = 110, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Says more on stderr; twice: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Shows no live view and no progress on stderr; warnings and errors are still said
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judges a canary against its baseline and exits 0 promote, 1 rollback, 3 hold
    Gate(GateArgs),
    /// Judges recordings again: the same inputs give the same bytes
    Replay(ReplayArgs),
    /// Writes what a source holds of both arms and the history, to be replayed later
    Record(RecordArgs),
    /// Says what a source holds, what the rules will be able to see in it, and what is missing
    Doctor(DoctorArgs),
    /// Checks, shows and starts rule files
    Rules(RulesArgs),
    /// Prints a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Writes manual pages, one for each command
    #[command(hide = true)]
    Man {
        /// Directory for the pages
        #[arg(value_name = "DIRECTORY")]
        folder: PathBuf,
    },
    /// Says in plain sentences why a report says what it says, and what would have changed it
    Explain(ExplainArgs),
    /// Shows a report again in another form
    Report(ReportArgs),
}

/// What an analysis compares.
#[derive(Debug, Args)]
pub struct AnalysisArgs {
    /// Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds for both arms
    #[arg(long, value_name = "FILE")]
    pub rules: Option<String>,
    /// Labels of the baseline, in place of the rules' `arms.baseline`
    #[arg(long, value_name = "LABEL=VALUE[,…]")]
    pub baseline: Option<String>,
    /// Labels of the canary, in place of the rules' `arms.canary`
    #[arg(long, value_name = "LABEL=VALUE[,…]")]
    pub canary: Option<String>,
    /// A value for {{ NAME }} in the rules
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// When the analysis began: RFC 3339 or seconds since the epoch. Default: the canary's first sample
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// When traffic was shifted and to which weight: TIME=WEIGHT; begins a new traffic step
    #[arg(long = "weight", value_name = "TIME=WEIGHT")]
    pub weights: Vec<String>,
}

/// Where the measurements are.
#[derive(Debug, Args)]
pub struct PrometheusArgs {
    /// Base URL of a Prometheus-compatible server (may hold user:password@, which is never printed)
    #[arg(long, value_name = "URL", env = "DAVY_PROMETHEUS", hide_env_values = true, required_unless_present = "otlp_files")]
    pub prometheus: Option<String>,
    /// In place of a server: what a collector's file exporter wrote (JSON lines, or protobuf), or a directory of such files
    #[arg(long = "otlp-file", value_name = "PATH")]
    pub otlp_files: Vec<PathBuf>,
    #[command(flatten)]
    pub access: AccessArgs,
}

/// How to speak with the server.
#[derive(Debug, Args)]
pub struct AccessArgs {
    /// Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// File that holds the password, read again for every request
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    pub token_file: Option<PathBuf>,
    /// Another header for every request, such as X-Scope-OrgID: tenant
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// PEM file of the authorities to trust in place of the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client certificate
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// PEM file of the client certificate's key
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
    /// How long one query may take
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub query_timeout: String,
    /// The largest answer that is read, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub max_body: u64,
}

/// How the answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// One screen for people
    Text,
    /// The report, schema davy.report/v1
    Json,
    /// One JSON object per judged window as it is judged, and the report at the end
    Jsonl,
    /// For summaries and comments
    Markdown,
    /// JUnit XML, as GitLab and Jenkins read it
    Junit,
    /// Text and annotations for GitHub Actions; appends to $GITHUB_STEP_SUMMARY and $GITHUB_OUTPUT
    Github,
}

/// How the answer is shown, and where else it is written.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// What stdout gets
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Also writes a report, whole or not at all: text, json, jsonl, markdown, junit, html, metrics (OpenMetrics) or dotenv
    #[arg(long = "report", value_name = "KIND=PATH")]
    pub reports: Vec<String>,
    /// Says why in plain sentences, and what would have changed the answer (on stderr where stdout is not text)
    #[arg(long)]
    pub explain: bool,
    /// Also shows in text and Markdown whose judgement the same windows would have had; it changes nothing
    #[arg(long, value_enum, value_name = "JUDGE")]
    pub compare: Option<Peer>,
}

/// Another judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// Kayenta, in a single look at the end
    Kayenta,
}

/// How a check is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// For people, with line and caret
    Text,
    /// An array of diagnostics
    Json,
}

/// What an exit code is made of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HoldAs {
    /// Exit 1
    Fail,
    /// Exit 3
    Hold,
    /// Exit 0, where no data are missing
    Pass,
}

/// What an exit code is made of an analysis that never took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Exit 4
    Fail,
    /// Exit 3
    Hold,
    /// Exit 1
    Rollback,
}

/// Arguments of `davy gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    #[command(flatten)]
    pub analysis: AnalysisArgs,
    #[command(flatten)]
    pub prometheus: PrometheusArgs,
    /// Judges what is there now and exits, instead of waiting for a verdict
    #[arg(long, conflicts_with = "end")]
    pub once: bool,
    /// Judges the past up to this time: RFC 3339 or seconds since the epoch
    #[arg(long, value_name = "TIME", requires = "start")]
    pub end: Option<String>,
    /// Writes a recording of everything that was judged
    #[arg(long, value_name = "PATH")]
    pub record: Option<PathBuf>,
    #[command(flatten)]
    pub show: ShowArgs,
    /// What a hold exits with
    #[arg(long, value_enum, default_value_t = HoldAs::Hold)]
    pub hold_as: HoldAs,
    /// What an unreachable source exits with
    #[arg(long, value_enum, default_value_t = OnError::Fail)]
    pub on_error: OnError,
}

/// Arguments of `davy record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    #[command(flatten)]
    pub analysis: AnalysisArgs,
    #[command(flatten)]
    pub prometheus: PrometheusArgs,
    /// Records up to this time: RFC 3339 or seconds since the epoch. Default: now
    #[arg(long, value_name = "TIME", requires = "start")]
    pub end: Option<String>,
    /// What the recording shows, for people
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// The verdict that `replay --check` shall expect: promote, hold, rollback, or not-rollback and so on
    #[arg(long, value_name = "VERDICT")]
    pub expect: Option<String>,
    /// The metric that the expected rollback is attributed to
    #[arg(long, value_name = "NAME", requires = "expect")]
    pub expect_metric: Option<String>,
    /// Replaces what is at PATH
    #[arg(long)]
    pub replace: bool,
    /// Where to write it: a directory that does not exist yet
    pub path: PathBuf,
}

/// How a diagnosis is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoctorOutput {
    /// One screen for people
    Text,
    /// For programs, schema davy.doctor/v1
    Json,
}

/// Arguments of `davy doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Base URL of a Prometheus-compatible server (may hold user:password@, which is never printed)
    #[arg(value_name = "URL", env = "DAVY_PROMETHEUS", hide_env_values = true)]
    pub url: String,
    #[command(flatten)]
    pub access: AccessArgs,
    /// Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds
    #[arg(long, value_name = "FILE")]
    pub rules: Option<String>,
    /// Labels of the baseline, in place of the rules' `arms.baseline`
    #[arg(long, value_name = "LABEL=VALUE[,…]")]
    pub baseline: Option<String>,
    /// Labels of the canary, in place of the rules' `arms.canary`; it need not be there yet
    #[arg(long, value_name = "LABEL=VALUE[,…]")]
    pub canary: Option<String>,
    /// A value for {{ NAME }} in the rules
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// The canary's share of all traffic. Default: what it sees now, else as much as one instance of the baseline
    #[arg(long, value_name = "PERCENT")]
    pub share: Option<String>,
    /// How many futures of a good canary are judged; a third as many for each regression and remedy
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    pub trials: u32,
    #[arg(long, value_enum, default_value_t = DoctorOutput::Text)]
    pub output: DoctorOutput,
}

impl DoctorArgs {
    /// As an analysis that would begin now.
    pub fn analysis(&self) -> AnalysisArgs {
        AnalysisArgs {
            rules: self.rules.clone(),
            baseline: self.baseline.clone(),
            canary: self.canary.clone(),
            variables: self.variables.clone(),
            start: None,
            weights: Vec::new(),
        }
    }
}

/// Arguments of `davy replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Recordings, or directories that hold some; with --rules also what a collector's file exporter wrote
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Judges by these rules instead of the recorded ones: a YAML file, or presets/NAME
    #[arg(long, value_name = "FILE")]
    pub rules: Option<String>,
    /// A value for {{ NAME }} in --rules
    #[arg(long = "var", value_name = "NAME=VALUE", requires = "rules")]
    pub variables: Vec<String>,
    /// Shows the verdict after each window, as polling would have seen it
    #[arg(long)]
    pub as_of: bool,
    /// Compares with the recorded expectations and exits 5 on a difference
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub show: ShowArgs,
}

/// Arguments of `davy explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Reports as JSON (`--report json=PATH`); - is stdin
    #[arg(required = true, value_name = "REPORT")]
    pub paths: Vec<PathBuf>,
}

/// Arguments of `davy report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Reports as JSON (`--report json=PATH`); - is stdin
    #[arg(required = true, value_name = "REPORT")]
    pub paths: Vec<PathBuf>,
    /// In which form: text, json, jsonl, markdown, junit, html, metrics or dotenv
    #[arg(long, value_name = "KIND", default_value = "text")]
    pub to: String,
    /// Also shows in text and Markdown whose judgement the same windows would have had
    #[arg(long, value_enum, value_name = "JUDGE")]
    pub compare: Option<Peer>,
}

/// Arguments of `davy rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// What to do with rule files.
    #[command(subcommand)]
    pub command: RulesCommand,
}

/// What to do with rule files.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Says everything that is wrong with rule files; exits 2 if anything is
    Check {
        /// Rule files, or presets/NAME
        #[arg(required = true)]
        files: Vec<String>,
        /// A value for {{ NAME }}
        #[arg(long = "var", value_name = "NAME=VALUE")]
        variables: Vec<String>,
        #[arg(long, value_enum, default_value_t = CheckOutput::Text)]
        output: CheckOutput,
    },
    /// Prints a rule file with extends, variables and defaults resolved
    Show {
        /// A rule file, or presets/NAME
        file: String,
        /// A value for {{ NAME }}
        #[arg(long = "var", value_name = "NAME=VALUE")]
        variables: Vec<String>,
    },
    /// Prints the JSON Schema for editors
    Schema,
    /// Writes a rule file with comments, to begin with
    Init {
        /// Where to; it must not exist yet
        #[arg(default_value = "davy.yaml")]
        path: PathBuf,
        /// The preset to extend
        #[arg(long, value_name = "NAME", default_value = "prom-http")]
        preset: String,
        #[command(flatten)]
        source: Box<InitSource>,
    },
}

/// A source whose metrics the new rules shall fit.
#[derive(Debug, Args)]
pub struct InitSource {
    /// Writes the rules that `davy gate` would choose by itself for this server, in place of a preset's
    #[arg(long, value_name = "URL", requires = "baseline", requires = "canary", conflicts_with = "preset")]
    pub from_prometheus: Option<String>,
    /// Labels of the baseline
    #[arg(long, value_name = "LABEL=VALUE[,…]", requires = "from_prometheus")]
    pub baseline: Option<String>,
    /// Labels of the canary
    #[arg(long, value_name = "LABEL=VALUE[,…]", requires = "from_prometheus")]
    pub canary: Option<String>,
    #[command(flatten)]
    pub access: AccessArgs,
}

impl RulesArgs {
    /// Whether the command asks a server.
    pub fn asks_a_source(&self) -> bool {
        matches!(&self.command, RulesCommand::Init { source, .. } if source.from_prometheus.is_some())
    }
}
