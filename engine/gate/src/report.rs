//! The report: everything that a person or a program may want to know of one analysis, schema `davy.report/v1`.
//!
//! Built from the run alone, so that a replay gives the same bytes; only `timings` tells of the transport.

use davy_judge::arm::Arm;
use davy_judge::rule::{Direction, Kind, OnBreach};
use davy_judge::verdict::{ArmSummary, Cause, Decision, Effect, EffectKind, Finding, Obstacle, Verdict};
use davy_sources::samples::Matcher;
use davy_sources::source::Source;
use serde::{Deserialize, Serialize};

use crate::exemplars::ExemplarReport;
use crate::number::{Number, number, seconds};
use crate::pipeline::{Run, streams_of};
use crate::queries::queries_of;
use crate::rules::rule_set::{MetricRule, Mode, Unit};
use crate::sentence;

mod read;
mod slices;

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
    /// sample_ratio_mismatch, instances_lost, no_data, too_many_missing, not_yet or too_few_windows.
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

/// A judged metric with what was asked of it: what sentences and renderings work on.
pub struct Judged<'a> {
    /// What was asked.
    pub rule: &'a MetricRule,
    /// What it means.
    pub finding: &'a Finding,
    /// What its slices are called, in the order of their indices.
    pub slices: Vec<String>,
}

/// Builds the report of a run as it stands. `at_deadline`: no more windows will come.
pub fn report<S: Source>(run: &Run<'_, S>, at_deadline: bool) -> Report {
    let plan = run.plan();
    let decision = run.analysis().decision(at_deadline || run.is_at_deadline());
    let metrics = plan.rules.metrics.iter().zip(&decision.findings).enumerate();
    let judged: Vec<Judged<'_>> =
        metrics.map(|(index, (rule, finding))| Judged { rule, finding, slices: slices::names(run, index) }).collect();
    let is_shadow = plan.rules.mode == Mode::Shadow;
    let action = if is_shadow { Verdict::Promote } else { decision.verdict };
    let reason = sentence::verdict(plan, &decision, &judged);
    let findings = judged.iter().enumerate().map(|(index, metric)| finding_report(run, index, metric, &decision)).collect();
    let score = number(decision.score);
    Report {
        schema: SCHEMA,
        analysis_id: plan.id(),
        verdict: decision.verdict.name(),
        action: action.name(),
        verdict_code: code(decision.verdict),
        score,
        summary: summary(action, score, &reason, is_shadow),
        reason,
        cause: cause_report(&decision.cause, &judged),
        evidence: WholeEvidence {
            ln_harm: number(decision.ln_harm),
            ln_harm_needed: number(-plan.rules.decision.false_rollback.ln()),
            ln_safe_needed: number(-plan.rules.decision.false_promote.ln()),
        },
        mode: if is_shadow { "shadow" } else { "enforce" },
        is_final: decision.is_final,
        rules: RulesRef { name: plan.rules.name.clone(), version: plan.rules.version.clone() },
        window: WindowRange {
            start: seconds(plan.start_ms),
            end: seconds(run.judged_to_ms()),
            step: seconds(plan.step_ms),
            deadline: seconds(plan.deadline_ms),
            warmup: seconds(plan.warmup_ms),
            judged: decision.windows,
            judged_in_step: decision.windows_in_step,
            traffic_steps: decision.steps,
            wanted: plan.rules.window.min_windows,
        },
        arms: ArmTexts { baseline: matchers_text(&plan.fetch.arms.baseline), canary: matchers_text(&plan.fetch.arms.canary) },
        findings,
        warnings: warnings(run, &decision, &judged),
        timings: None,
    }
}

fn code(verdict: Verdict) -> i8 {
    match verdict {
        Verdict::Promote => 1,
        Verdict::Hold => 0,
        Verdict::Rollback => -1,
    }
}

fn cause_report(cause: &Cause, judged: &[Judged<'_>]) -> CauseReport {
    let names = |metrics: &[usize]| metrics.iter().map(|metric| judged[*metric].rule.rule.name.clone()).collect();
    let (kind, metrics) = match cause {
        Cause::Harm(metrics) => ("harm", names(metrics)),
        Cause::Breaker(metric) => ("breaker", names(&[*metric])),
        Cause::Vanished => ("vanished", Vec::new()),
        Cause::InstancesLost { .. } => ("instances_lost", Vec::new()),
        Cause::Safe => ("safe", names(&required(judged))),
        Cause::AtDeadline => ("at_deadline", Vec::new()),
        Cause::HoldBreach(metric) => ("hold_breach", names(&[*metric])),
        Cause::CommonIncident(metric) => ("common_incident", names(&[*metric])),
        Cause::BaselineBeyondLimit(metric) => ("baseline_beyond_limit", names(&[*metric])),
        Cause::SampleRatioMismatch { .. } => ("sample_ratio_mismatch", Vec::new()),
        Cause::NoData(_) => ("no_data", Vec::new()),
        Cause::TooManyMissing(metric) => ("too_many_missing", names(&[*metric])),
        Cause::NotYet(metrics) => ("not_yet", names(metrics)),
        Cause::TooFewWindows { .. } => ("too_few_windows", Vec::new()),
    };
    CauseReport { kind, metrics }
}

fn required(judged: &[Judged<'_>]) -> Vec<usize> {
    (0..judged.len()).filter(|index| judged[*index].rule.rule.required).collect()
}

fn summary(action: Verdict, score: Number, reason: &str, is_shadow: bool) -> Summary {
    let prefix = if is_shadow { "SHADOW: " } else { "" };
    let mut text = format!("{prefix}{reason}");
    // Room for the two other fields and JSON's own signs; escapes may double a byte.
    let room = SUMMARY_BYTES - 128;
    while serde_json::to_string(&text).map_or(usize::MAX, |json| json.len()) > room {
        let keep = text.chars().count().saturating_sub(16);
        text = text.chars().take(keep).collect();
        text.push('…');
    }
    Summary { verdict: action.name(), score, reason: text }
}

fn warnings<S: Source>(run: &Run<'_, S>, decision: &Decision, judged: &[Judged<'_>]) -> Vec<String> {
    let mut lines: Vec<String> = decision.also.iter().filter_map(|cause| sentence::aside(cause, judged)).collect();
    let mut streams: Vec<(usize, &str)> = run.doubts().iter().map(|doubt| (doubt.stream, doubt.text.as_str())).collect();
    streams.sort_unstable();
    streams.dedup();
    lines.extend(judged.iter().filter_map(slices::absent));
    lines.extend(streams.into_iter().map(|(_, text)| format!("windows left out, since the answer may be incomplete: {text}")));
    lines
}

fn finding_report<S: Source>(run: &Run<'_, S>, index: usize, judged: &Judged<'_>, decision: &Decision) -> FindingReport {
    let Judged { rule, finding, .. } = judged;
    let plan = run.plan();
    let arm = |arm: Arm| arm_report(finding.arms.get(arm), rule.unit);
    let series = |arm: Arm| finding.series.get(arm).iter().map(|value| value.map(number)).collect();
    let mut notes: Vec<String> = Vec::new();
    for (stream, text) in run.notes() {
        if streams_of(&plan.fetch.signals[index]).contains(stream) && !notes.contains(text) {
            notes.push(text.clone());
        }
    }
    notes.sort();
    FindingReport {
        metric: rule.rule.name.clone(),
        rule: rule.place.as_ref().map(|place| RuleRef { file: place.file.clone(), line: place.line, column: place.column }),
        kind: kind_text(rule.rule.kind),
        quantile: match rule.rule.kind {
            Kind::Quantile(quantile) => Some(number(quantile)),
            Kind::Ratio | Kind::Rate | Kind::Scalar => None,
        },
        worse: worse_text(rule.rule.worse),
        weight: number(rule.rule.weight),
        outcome: finding.outcome.name(),
        obstacle: finding.obstacle.map(obstacle_text),
        on_breach: on_breach_text(finding.on_breach),
        required: finding.required,
        baseline: arm(Arm::Baseline),
        canary: arm(Arm::Canary),
        effect: finding.effect.as_ref().map(effect_report),
        tolerance: rule.rule.tolerance.map(|tolerance| sentence::tolerance(tolerance, rule.unit)),
        tolerated: finding.tolerated.filter(|_| finding.effect.is_some()).map(number),
        limit: finding.effective_limit.map(number),
        ignore_below: finding.effective_ignore_below.map(number),
        judged_at: finding.judged_at_bound.map(number),
        evidence: Evidence::of(finding.ln_harm, finding.ln_safe),
        method: finding.method,
        noise: NoiseReport {
            calibrated: finding.noise.calibrated,
            scale: finding.noise.scale.map(number),
            dependence: finding.noise.dependence.map(number),
            dispersion: finding.noise.dispersion.map(number),
            offset: finding.noise.offset.map(number),
            rows: finding.noise.rows,
            windows: finding.noise.windows,
            notes: finding.noise.notes.clone(),
        },
        remaining_windows: finding.remaining_windows,
        queries: queries_of(plan, index),
        warnings: notes,
        reason: sentence::finding(judged, decision),
        series: SeriesReport {
            end: run.ends_ms().iter().map(|end_ms| seconds(*end_ms)).collect(),
            baseline: series(Arm::Baseline),
            canary: series(Arm::Canary),
            ln_harm: finding.harm_trace.iter().copied().map(number).collect(),
            ln_safe: finding.safe_trace.iter().copied().map(number).collect(),
        },
        slices: slices::slices(run, index, judged),
        instances: slices::instances(judged),
        exemplars: Vec::new(),
    }
}

fn arm_report(shown: &ArmSummary, unit: Unit) -> ArmReport {
    ArmReport {
        value: shown.value.map(number),
        at_least: shown.at_least,
        unit: unit_text(unit),
        requests: shown.requests.map(number),
        windows: shown.windows,
    }
}

fn effect_report(effect: &Effect) -> EffectReport {
    EffectReport {
        kind: match effect.kind {
            EffectKind::Ratio => "ratio",
            EffectKind::Difference => "difference",
        },
        estimate: effect.estimate.map(number),
        lower: effect.lower.map(number),
        upper: effect.upper.map(number),
    }
}

/// The unit's symbol; empty where the metric's own is not known.
pub fn unit_text(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Milliseconds => "ms",
        Unit::Ratio => "ratio",
        Unit::PerSecond => "1/s",
        Unit::Plain => "",
    }
}

fn kind_text(kind: Kind) -> Word {
    match kind {
        Kind::Quantile(_) => "quantile",
        Kind::Ratio => "ratio",
        Kind::Rate => "rate",
        Kind::Scalar => "value",
    }
}

fn worse_text(worse: Direction) -> Word {
    match worse {
        Direction::Higher => "higher",
        Direction::Lower => "lower",
        Direction::Either => "either",
    }
}

fn obstacle_text(obstacle: Obstacle) -> Word {
    match obstacle {
        Obstacle::NoData(_) => "no_data",
        Obstacle::TooManyMissing => "too_many_missing",
        Obstacle::TooCoarse => "too_coarse",
        Obstacle::NoHistory => "no_history",
    }
}

fn on_breach_text(on_breach: OnBreach) -> &'static str {
    match on_breach {
        OnBreach::Rollback => "rollback",
        OnBreach::Hold => "hold",
        OnBreach::Warn => "warn",
    }
}

/// Matchers as people write them.
pub fn matchers_text(matchers: &[Matcher]) -> String {
    davy_sources::selector::matchers_text(matchers)
}
