//! The report: everything that a person or a program may want to know of one analysis, schema `davy.report/v1`.
//!
//! Built from the run alone, so that a replay gives the same bytes; only `timings` tells of the transport.

use serde::{Deserialize, Serialize};

use crate::exemplars::ExemplarReport;
use crate::number::Number;

mod build;
mod kayenta;
mod read;
mod slices;

pub use build::{Judged, matchers_text, report, unit_text};
pub use kayenta::{KayentaGroupReport, KayentaMetricReport, KayentaReport};
pub use read::{ReadError, from_json};
pub use slices::{InstanceReport, SliceReport};

/// The report's schema.
pub const SCHEMA: &str = "davy.report/v1";
/// The longest `summary`, in bytes: controllers keep it in small places.
pub const SUMMARY_BYTES: usize = 1024;

/// A word of a closed set, which readers of a report check.
pub type Word = &'static str;

/// One analysis, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    #[serde(deserialize_with = "read::schema")]
    pub schema: Word,
    /// A hash of the inputs.
    pub analysis_id: String,
    /// promote, hold or rollback.
    #[serde(deserialize_with = "read::verdict")]
    pub verdict: Word,
    /// What the caller should do: the verdict, or promote in shadow mode.
    #[serde(deserialize_with = "read::verdict")]
    pub action: Word,
    /// 1 promote, 0 hold, −1 rollback.
    pub verdict_code: i8,
    /// 0..=100.
    pub score: Number,
    /// One sentence.
    pub reason: String,
    /// The same for programs.
    pub cause: CauseReport,
    /// The evidence of the whole, and what a verdict needs.
    pub evidence: WholeEvidence,
    /// enforce or shadow.
    #[serde(deserialize_with = "read::mode")]
    pub mode: Word,
    /// Whether the analysis has ended.
    pub is_final: bool,
    /// The rules.
    pub rules: RulesRef,
    /// The judged windows.
    pub window: WindowRange,
    /// The arms' matchers.
    pub arms: ArmTexts,
    /// One per metric.
    pub findings: Vec<FindingReport>,
    /// What Kayenta says of the same windows; not there where no window was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kayenta: Option<KayentaReport>,
    /// What a reader should know of the whole.
    pub warnings: Vec<String>,
    /// The same in at most a kilobyte.
    pub summary: Summary,
    /// How the answer came about; not part of what must be equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
}

/// Why the verdict is what it is, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseReport {
    /// harm, breaker, vanished, safe, at_deadline, hold_breach, common_incident, baseline_beyond_limit,
    /// sample_ratio_mismatch, instances_lost, no_data, too_many_missing, not_yet or too_few_windows; where Kayenta decides also
    /// kayenta_pass, kayenta_marginal, kayenta_fail, kayenta_unjudged or kayenta_not_yet.
    #[serde(deserialize_with = "read::cause")]
    pub kind: Word,
    /// The metrics that it rests on; empty where it is no metric's.
    pub metrics: Vec<String>,
}

/// Evidence of harm over all metrics that may roll back, and what a verdict needs. Natural logarithms of odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WholeEvidence {
    /// The weighted mean of the evidences of harm.
    pub ln_harm: Number,
    /// From here on it is a rollback; also what a single metric's breach needs.
    pub ln_harm_needed: Number,
    /// From here on a metric is shown safe.
    pub ln_safe_needed: Number,
}

/// Which rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesRef {
    /// Their name.
    pub name: String,
    /// Their version.
    pub version: String,
}

/// Which windows, in seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowRange {
    /// When the analysis began.
    pub start: Number,
    /// The end of the last window looked at.
    pub end: Number,
    /// A window's length in seconds.
    pub step: Number,
    /// When a hold becomes what the rules say, seconds since the epoch.
    pub deadline: Number,
    /// What is skipped from the canary's first sample, and at each traffic step, in seconds.
    pub warmup: Number,
    /// Windows judged, without warm-up.
    pub judged: usize,
    /// Windows judged in the present traffic step.
    pub judged_in_step: usize,
    /// Traffic steps so far.
    pub traffic_steps: usize,
    /// Windows wanted before a promotion.
    pub wanted: usize,
}

/// The arms' matchers as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmTexts {
    /// Of the baseline.
    pub baseline: String,
    /// Of the canary.
    pub canary: String,
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingReport {
    /// Its name.
    pub metric: String,
    /// Where its rule was written; null where a recording does not tell.
    pub rule: Option<RuleRef>,
    /// quantile, ratio, rate or value.
    #[serde(deserialize_with = "read::metric_kind")]
    pub kind: Word,
    /// Which quantile, of a quantile.
    pub quantile: Option<Number>,
    /// higher, lower or either.
    #[serde(deserialize_with = "read::worse")]
    pub worse: Word,
    /// Its share of the whole's evidence, before it is divided by the sum of all.
    pub weight: Number,
    /// pass, breach, suspect or inconclusive.
    #[serde(deserialize_with = "read::outcome")]
    pub outcome: Word,
    /// Why it is inconclusive, where it is more than want of evidence: no_data, too_many_missing, too_coarse or no_history.
    #[serde(deserialize_with = "read::obstacle")]
    pub obstacle: Option<Word>,
    /// What a breach does.
    #[serde(deserialize_with = "read::on_breach")]
    pub on_breach: Word,
    /// Whether a promotion needs it.
    pub required: bool,
    /// What the baseline showed.
    pub baseline: ArmReport,
    /// What the canary showed.
    pub canary: ArmReport,
    /// The effect, none without data or without a tolerance.
    pub effect: Option<EffectReport>,
    /// As the rules say it.
    pub tolerance: Option<String>,
    /// The tolerated effect in force: a ratio, or a difference.
    pub tolerated: Option<Number>,
    /// The limit in force, in the metric's unit.
    pub limit: Option<Number>,
    /// `ignore_below` in force, in the metric's unit.
    pub ignore_below: Option<Number>,
    /// The bucket bound that a quantile was judged at, in the metric's unit.
    pub judged_at: Option<Number>,
    /// Evidence as odds; null where it is beyond what a number holds.
    pub evidence: Evidence,
    /// Which engines gave it.
    #[serde(deserialize_with = "read::method")]
    pub method: Word,
    /// By which noise it was discounted.
    pub noise: NoiseReport,
    /// A projection.
    pub remaining_windows: Option<usize>,
    /// The rendered queries.
    pub queries: Vec<String>,
    /// What a reader should know.
    pub warnings: Vec<String>,
    /// One sentence.
    pub reason: String,
    /// Each judged window's values; null: missing.
    pub series: SeriesReport,
    /// The metric's slices, worst first; not there where its rule has no `by`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<SliceReport>,
    /// The worst of the canary's instances, worst first; not there where it has fewer than two, or they have no names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceReport>,
    /// A few requests of the canary by their trace, those with the largest values first: of the worst metric alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemplars: Vec<ExemplarReport>,
}

/// Where a metric's rule was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    /// The file as it was named, or presets/NAME.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// What an arm showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmReport {
    /// In `unit`; null without data.
    pub value: Option<Number>,
    /// The value is the histogram's highest bound: the truth is at least that.
    pub at_least: bool,
    /// s, ratio, 1/s, or empty.
    #[serde(deserialize_with = "read::unit")]
    pub unit: Word,
    /// Requests, where the metric counts them.
    pub requests: Option<Number>,
    /// Windows with data.
    pub windows: usize,
}

/// The effect and its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectReport {
    /// ratio (canary / baseline) or difference (canary − baseline).
    #[serde(deserialize_with = "read::effect_kind")]
    pub kind: Word,
    /// The best single value.
    pub estimate: Option<Number>,
    /// Everything below is refuted.
    pub lower: Option<Number>,
    /// Everything above is refuted.
    pub upper: Option<Number>,
}

/// Evidence, as odds and as their natural logarithm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// That the canary is worse than tolerated.
    pub harm: Number,
    /// That it is not.
    pub safe: Number,
    /// ln of `harm`.
    pub ln_harm: Number,
    /// ln of `safe`.
    pub ln_safe: Number,
}

/// The noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseReport {
    /// Learned from history.
    pub calibrated: bool,
    /// Robust sd of one window's log ratio.
    pub scale: Option<Number>,
    /// Variance of long sums over that of independent windows.
    pub dependence: Option<Number>,
    /// Overdispersion of counts.
    pub dispersion: Option<Number>,
    /// Lasting offset between arms, ln.
    pub offset: Option<Number>,
    /// Pseudo-canaries.
    pub rows: usize,
    /// Windows of history.
    pub windows: usize,
    /// Why there is none, or how it was made.
    pub notes: Vec<String>,
}

/// Each judged window's values and the evidence after it, all of one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesReport {
    /// The windows' ends, seconds since the epoch.
    pub end: Vec<Number>,
    /// The baseline's values.
    pub baseline: Vec<Option<Number>>,
    /// The canary's.
    pub canary: Vec<Option<Number>>,
    /// ln of the evidence of harm after each.
    pub ln_harm: Vec<Number>,
    /// ln of the evidence of safety after each.
    pub ln_safe: Vec<Number>,
}

/// The whole in at most [`SUMMARY_BYTES`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The action (what controllers read).
    #[serde(deserialize_with = "read::verdict")]
    pub verdict: Word,
    /// 0..=100.
    pub score: Number,
    /// One sentence, cut where it is long.
    pub reason: String,
}

/// How the answer came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Wall time of the whole, in seconds.
    pub elapsed_secs: f64,
    /// Retries and other transport notes.
    pub notes: Vec<String>,
}
