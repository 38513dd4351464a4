//! The shape of rule files as a JSON Schema, for editors. It accepts whatever the reader accepts; what needs a whole file to
//! be seen (units that fit, arms that differ) only the reader knows.
//!
//! These types describe and are never filled: reading is by hand, to report every mistake with its place.

use std::borrow::Cow;
use std::collections::BTreeMap;

mod kayenta;

pub use kayenta::{DecisionMethodWord, EffectSizeFile, KayentaFile, KayentaMetricFile, MeasureWord, NanWord, PeerWord};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Where the schema lives in the repository.
pub const SCHEMA_PATH: &str = "rules/schema/davy-v1.schema.json";

/// The schema as it is checked in.
pub fn schema_text() -> String {
    let mut schema = schemars::schema_for!(RulesFile);
    schema.insert("title".to_owned(), "Davy rules".into());
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema always serializes");
    text.push('\n');
    text
}

/// A value in which a variable may stand.
const VARIABLE: &str = r".*\{\{.*";

fn text_like(pattern: &str, description: &str) -> Schema {
    json_schema!({ "type": "string", "pattern": format!("^({pattern}|{VARIABLE})$"), "description": description })
}

fn schema_tag() -> Schema {
    json_schema!({ "const": "davy/v1", "description": "The format's version." })
}

fn duration() -> Schema {
    text_like(r"\s*([0-9.]+\s*(d|h|m|s|ms|us|µs|ns)\s*)+", "A duration, such as `90s` or `1h30m`.")
}

fn share() -> Schema {
    text_like(r"[0-9.]+\s*%", "A share, such as `1%`.")
}

fn value() -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "number" },
            { "type": "string", "pattern": format!("^([-+]?[0-9.]+([eE][-+]?[0-9]+)?\\s*(%|pp)?|([0-9.]+\\s*(d|h|m|s|ms|us|µs|ns)\\s*)+|{VARIABLE})$") }
        ]
    })
}

fn count() -> Schema {
    json_schema!({ "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": format!("^([0-9]+|{VARIABLE})$") }] })
}

fn number() -> Schema {
    json_schema!({ "anyOf": [{ "type": "number", "exclusiveMinimum": 0 }, { "type": "string", "pattern": format!("^([0-9.]+|{VARIABLE})$") }] })
}

fn percent_number() -> Schema {
    json_schema!({ "anyOf": [{ "type": "number", "minimum": 0, "maximum": 100 }, { "type": "string", "pattern": format!("^([0-9.]+|{VARIABLE})$") }] })
}

fn effect_number() -> Schema {
    json_schema!({ "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": format!("^([0-9.]+|{VARIABLE})$") }] })
}

fn outliers() -> Schema {
    json_schema!({ "anyOf": [{ "const": "keep" }, { "type": "number", "minimum": 0 }, { "type": "string", "pattern": format!("^([0-9.]+|{VARIABLE})$") }] })
}

fn quantile() -> Schema {
    json_schema!({ "anyOf": [{ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }, { "type": "string", "pattern": format!("^(0?\\.[0-9]+|{VARIABLE})$") }] })
}

fn traffic_share() -> Schema {
    json_schema!({ "anyOf": [{ "type": "number", "exclusiveMinimum": 0 }, { "type": "string", "pattern": format!("^([0-9.]+\\s*%?|{VARIABLE})$") }] })
}

/// Declares a value whose schema a function makes.
macro_rules! described_by {
    ($($(#[$doc:meta])* $name:ident = $make:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $make()
            }
        }
    )*};
}

described_by! {
    /// The format.
    SchemaTag = schema_tag;
    /// A duration with its unit.
    DurationText = duration;
    /// A share in percent.
    ShareText = share;
    /// A level or a tolerance with its unit.
    LevelText = value;
    /// A whole number.
    Count = count;
    /// A number above 0.
    Number = number;
    /// A number between 0 and 1.
    QuantileNumber = quantile;
    /// A share of traffic.
    TrafficShare = traffic_share;
    /// A score or a weight, 0 to 100.
    PercentNumber = percent_number;
    /// An effect, from 0.
    EffectNumber = effect_number;
    /// `keep`, or a factor.
    OutliersValue = outliers;
}

/// A rule file.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RulesFile {
    /// The format's version: `davy/v1`.
    pub schema: SchemaTag,
    /// The service's name, shown in reports. Required but in files that are only extended.
    #[schemars(length(min = 1, max = 100))]
    pub name: Option<String>,
    /// Presets (`presets/prom-http`) and files (relative to this one) to lay under this file, later ones over earlier ones.
    pub extends: Option<Vec<String>>,
    /// Label matchers that tell the arms apart. The command line and webhooks may set them instead.
    pub arms: Option<ArmsFile>,
    /// Where the service's ordinary noise is learned; `false` turns it off. On by default.
    pub history: Option<HistorySwitch>,
    /// The grid of windows, the warm-up and the deadline.
    pub window: Option<WindowFile>,
    /// How often a verdict may be wrong, and what a hold becomes.
    pub decision: Option<DecisionFile>,
    /// Rolls back at once on a gross difference, without statistics; `false` turns it off. On by default.
    pub breaker: Option<BreakerSwitch>,
    /// Thresholds and weights of Kayenta's score, for `decision.method: kayenta` and for the comparison in reports.
    pub kayenta: Option<KayentaFile>,
    /// Whose judgement on the same windows reports for people also show.
    pub compare: Option<Vec<PeerWord>>,
    /// What is judged, one rule each.
    pub metrics: Option<Vec<MetricFile>>,
}

/// Label matchers that tell the arms apart.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ArmsFile {
    /// What runs today.
    pub baseline: Option<MatchersFile>,
    /// What shall replace it.
    pub canary: Option<MatchersFile>,
    /// The shares of traffic that the arms should see, in any unit.
    pub expected_split: Option<SplitFile>,
}

/// Shares of traffic, in any unit.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SplitFile {
    /// The baseline's share.
    pub baseline: TrafficShare,
    /// The canary's share.
    pub canary: TrafficShare,
}

/// Label matchers: `{ label: value }`, or a text such as `a="b",c=~"d"`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum MatchersFile {
    /// By label.
    Labels(BTreeMap<String, LabelValue>),
    /// As text.
    Text(String),
}

/// A value, `=~regex`, `!=value`, `!~regex`, or a list of values of which any matches. Empty: series without the label.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum LabelValue {
    /// A value.
    Text(String),
    /// A value that YAML reads as a number.
    Number(f64),
    /// A value that YAML reads as a boolean.
    Boolean(bool),
    /// Any of these.
    Any(Vec<PlainValue>),
}

/// A value, taken literally.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum PlainValue {
    /// A value.
    Text(String),
    /// A value that YAML reads as a number.
    Number(f64),
    /// A value that YAML reads as a boolean.
    Boolean(bool),
}

/// On with details, or on or off.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum HistorySwitch {
    /// On or off.
    Switch(bool),
    /// On.
    On(HistoryFile),
}

/// Where the service's ordinary noise is learned.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HistoryFile {
    /// How far back before the start. Default 4h.
    pub last: Option<DurationText>,
    /// The label that names an instance. Default: the usual ones are tried.
    pub instance: Option<String>,
    /// How many pseudo-canaries at most. Default 6.
    pub pseudo_canaries: Option<Count>,
    /// The most samples that history may take. Default 2000000.
    pub max_samples: Option<Count>,
    /// Whose history, where it is not the baseline's.
    pub from: Option<MatchersFile>,
}

/// The grid of windows, the warm-up and the deadline.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct WindowFile {
    /// The windows' length. Default: the smallest that holds four scrapes, at least 15s.
    pub step: Option<DurationText>,
    /// What is skipped at the start and at each traffic step. Default: the longer of 3m and 5 windows.
    pub warmup: Option<DurationText>,
    /// When a hold becomes `at_deadline`, from the start. Default 1h.
    pub deadline: Option<DurationText>,
    /// Windows judged in the present traffic step before a promotion. Default 10.
    pub min_windows: Option<Count>,
}

/// How often a verdict may be wrong, and what a hold becomes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DecisionFile {
    /// What the verdict comes from: evidence, or Kayenta's score for those who move. Default davy.
    pub method: Option<DecisionMethodWord>,
    /// How often a canary that is no worse than tolerated may be rolled back. Default 1%.
    pub false_rollback: Option<ShareText>,
    /// How often a canary that is worse than tolerated may be promoted. Default 5%.
    pub false_promote: Option<ShareText>,
    /// What a hold becomes at the deadline. Default hold.
    pub at_deadline: Option<AtDeadlineWord>,
    /// What a canary that vanished means. Default hold.
    pub on_missing: Option<OnMissingWord>,
    /// Whether the verdict is acted on. Default enforce.
    pub mode: Option<ModeWord>,
}

/// What a hold becomes at the deadline.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum AtDeadlineWord {
    /// It stays a hold.
    Hold,
    /// It becomes a rollback.
    Rollback,
    /// It becomes a promotion where nothing is missing and nothing looks bad.
    Promote,
}

/// What a canary that vanished means.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum OnMissingWord {
    /// A hold.
    Hold,
    /// A rollback.
    Rollback,
}

/// Whether the verdict is acted on.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum ModeWord {
    /// The action is the verdict.
    Enforce,
    /// The verdict is only said; the action is always promote.
    Shadow,
}

/// On with details, or on or off.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum BreakerSwitch {
    /// On or off.
    Switch(bool),
    /// On.
    On(BreakerFile),
}

/// The fast breaker.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BreakerFile {
    /// How many times worse. Default 2.
    pub ratio: Option<Number>,
    /// In how many windows in a row. Default 3.
    pub windows: Option<Count>,
    /// With how many events in each at least. Default 30.
    pub min_events: Option<Count>,
}

/// One metric and what is asked of it. Exactly one of `histogram`, `ratio`, `rate` and `promql`, here or in what is extended.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MetricFile {
    /// Unique in the set; a metric of the same name in an extended file is what this one is laid over.
    pub name: PlainValue,
    /// A histogram's base name with matchers, classic or native.
    pub histogram: Option<String>,
    /// Which quantile of the histogram, such as 0.99.
    pub quantile: Option<QuantileNumber>,
    /// Events among requests.
    pub ratio: Option<RatioFile>,
    /// A counter with matchers: its rate.
    pub rate: Option<String>,
    /// An expression with `{{arm}}` among a selector's matchers, and perhaps `{{step}}`.
    pub promql: Option<String>,
    /// The unit of a histogram's buckets or an expression's values, where they are times and the name does not say so.
    pub unit: Option<UnitWord>,
    /// Matchers that are added to every selector of the metric.
    #[schemars(rename = "where")]
    pub where_: Option<MatchersFile>,
    /// Labels by whose values the metric is judged in slices as well, such as `[route]`; not for `promql`.
    #[schemars(length(max = 4))]
    pub by: Option<Vec<PlainValue>>,
    /// Which way is bad. Default higher; a rate must say it.
    pub worse: Option<WorseWord>,
    /// How much worse than the baseline counts as no harm: `10%` of it, or absolute (`5ms`, `0.2pp`).
    pub tolerance: Option<LevelText>,
    /// At or below this the canary is fine whatever the baseline does.
    pub ignore_below: Option<LevelText>,
    /// On the canary alone.
    pub limit: Option<LevelText>,
    /// What a breach does. Default rollback; for a rate hold with expected_split, else warn.
    pub on_breach: Option<OnBreachWord>,
    /// Must be shown safe before a promotion. Default: true exactly when on_breach is rollback.
    pub required: Option<bool>,
    /// Its share of the evidence. Default 1.
    pub weight: Option<Number>,
    /// Which evidence to use. Default auto: the best that the data allow.
    pub method: Option<MethodWord>,
    /// What Kayenta is asked of it, for `decision.method: kayenta` and for the comparison in reports.
    pub kayenta: Option<KayentaMetricFile>,
}

/// Events among requests.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RatioFile {
    /// The bad ones: a counter with matchers.
    pub events: Option<String>,
    /// All of them: a counter with matchers.
    pub total: Option<String>,
}

/// The unit of times.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum UnitWord {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
}

/// Which way is bad.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum WorseWord {
    /// Latency, errors, CPU.
    Higher,
    /// Throughput.
    Lower,
    /// Any lasting difference.
    Either,
}

/// What a breach does.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum OnBreachWord {
    /// Ends the analysis with a rollback.
    Rollback,
    /// Keeps the analysis from promoting while it stands.
    Hold,
    /// Is said, and changes nothing.
    Warn,
}

/// Which evidence to use.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum MethodWord {
    /// The best that the data allow.
    Auto,
    /// Noise learned from history.
    Calibrated,
    /// Symmetry alone.
    Uncalibrated,
    /// Conditional binomial evidence; for ratios and histograms.
    Counts,
}
