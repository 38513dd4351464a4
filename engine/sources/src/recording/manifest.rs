//! The manifest: what was asked, why, and what came back besides samples.

use davy_judge::arm::PerArm;
use davy_judge::verdict::Verdict;

use crate::exemplars::{Exemplar, ExemplarRequest};
use crate::samples::{FetchPlan, Part, Span};

/// What this program writes and reads.
pub const SCHEMA: &str = "davy.recording/v1";

/// What the caller knows of an analysis and the samples do not tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct About {
    /// The service's name.
    pub service: String,
    /// What this recording shows, for people.
    pub label: Option<String>,
    /// The resolved rules, as YAML text.
    pub rules: String,
    /// The version of the rules as they were written. The resolved text also names what the source chose (step, instance
    /// label), and so has another version.
    pub rules_version: Option<String>,
    /// The caller's `--start`, ms since the epoch.
    pub start_ms: Option<i64>,
    /// The traffic weights that the caller gave, ascending by time.
    pub weights: Vec<Weight>,
    /// Where each metric was written, which the resolved rules do not tell any more.
    pub places: Vec<RulePlace>,
    /// The clock when a live gate stopped waiting for its source, ms since the epoch; none where it was interrupted, or
    /// never waited. A deadline at or before it has passed, also when the windows up to it never came.
    pub waited_until_ms: Option<i64>,
    /// What `replay --check` compares with.
    pub expected: Option<Expected>,
}

/// Where a metric was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePlace {
    /// The metric's name.
    pub metric: String,
    /// The file as it was named, or `presets/NAME`.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// From this time on the canary was given this weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// When, ms since the epoch.
    pub time_ms: i64,
    /// The canary's weight, as the caller gave it.
    pub weight: f64,
}

/// Which verdict a replay should give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// This one, and attributed to this metric where one is named.
    Verdict {
        /// The verdict.
        verdict: Verdict,
        /// The metric's name.
        metric: Option<String>,
    },
    /// Any but this one.
    Not(Verdict),
}

/// What was asked, why, and what came back besides samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// What the caller knows.
    pub about: About,
    /// What was fetched.
    pub plan: FetchPlan,
    /// What was fetched of the analysis; from the first fetch's start to the last one's end.
    pub run: Span,
    /// What was fetched of the history, where there is one.
    pub history: Option<Span>,
    /// One per stream and part that was fetched, by part, then stream.
    pub streams: Vec<StreamRecord>,
    /// What the source said of an arm that is empty.
    pub explanations: PerArm<Option<String>>,
    /// Requests by their trace that were asked for beside the samples; only answers that hold any.
    pub exemplars: Vec<KeptExemplars>,
    /// Where the samples are.
    pub storage: Storage,
}

/// What came back for exemplars.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptExemplars {
    /// What was asked for.
    pub request: ExemplarRequest,
    /// What came back.
    pub found: Vec<Exemplar>,
}

/// What came back for one stream in one part, besides samples.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamRecord {
    /// Index into the plan's streams.
    pub stream: usize,
    /// What it was for.
    pub part: Part,
    /// The queries as sent, each once.
    pub queries: Vec<String>,
    /// What the server warned of.
    pub warnings: Vec<Remark>,
    /// What a reader should know.
    pub notes: Vec<Remark>,
    /// Fetches that failed and were not made good by a later one.
    pub failures: Vec<Failure>,
}

/// Something that was said of the answer to a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What was fetched.
    pub span: Span,
    /// What was said.
    pub text: String,
}

/// A fetch that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was to be fetched.
    pub span: Span,
    /// Where it failed.
    pub place: String,
    /// How it failed.
    pub text: String,
}

/// Where the samples are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// `series.csv` and `samples.csv`: text, for eyes and diffs.
    Csv {
        /// The series' names.
        series: StoredFile,
        /// Their samples.
        samples: StoredFile,
    },
    /// `series.csv` and `samples.parquet`.
    Parquet {
        /// The series' names.
        series: StoredFile,
        /// Their samples.
        samples: StoredFile,
    },
    /// Verbatim `query_range` bodies.
    Bodies(Vec<Body>),
}

/// What a file must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Rows, without the heading.
    pub rows: usize,
    /// SHA-256 of the file, in hexadecimal. None in a recording that was written by hand: then it is not compared.
    pub sha256: Option<String>,
}

/// One verbatim body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Index into the plan's streams.
    pub stream: usize,
    /// What it is for.
    pub part: Part,
    /// The file's name, inside the recording.
    pub file: String,
}
