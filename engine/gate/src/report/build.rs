//! A report made of a run.

use davy_judge::arm::Arm;
use davy_judge::kayenta::KayentaCause;
use davy_judge::rule::{Direction, Kind, OnBreach};
use davy_judge::verdict::{ArmSummary, Cause, Decision, Effect, EffectKind, Finding, Obstacle, Verdict};
use davy_sources::samples::Matcher;
use davy_sources::source::Source;

use super::kayenta::kayenta_report;
use super::{
    ArmReport, ArmTexts, CauseReport, EffectReport, Evidence, FindingReport, NoiseReport, Report, RuleRef, RulesRef, SCHEMA, SUMMARY_BYTES,
    SeriesReport, Summary, WholeEvidence, WindowRange, Word, slices,
};
use crate::number::{Number, number, seconds};
use crate::pipeline::{Run, streams_of};
use crate::queries::queries_of;
use crate::rules::rule_set::{MetricRule, Mode, Unit};
use crate::sentence;

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
        cause: cause_report(&decision, &judged),
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
        kayenta: kayenta_report(run, &decision),
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

fn cause_report(decision: &Decision, judged: &[Judged<'_>]) -> CauseReport {
    let names = |metrics: &[usize]| metrics.iter().map(|metric| judged[*metric].rule.rule.name.clone()).collect();
    let (kind, metrics) = match &decision.cause {
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
        Cause::Kayenta(cause) => {
            let look = decision.kayenta.as_ref();
            let failed = || names(look.map_or(&[][..], |look| look.failed.as_slice()));
            match cause {
                KayentaCause::Pass => ("kayenta_pass", names(&required(judged))),
                KayentaCause::Marginal => ("kayenta_marginal", failed()),
                KayentaCause::Fail => ("kayenta_fail", failed()),
                KayentaCause::Unjudged => ("kayenta_unjudged", names(look.map_or(&[][..], |look| look.unjudged.as_slice()))),
                KayentaCause::NotYet => ("kayenta_not_yet", Vec::new()),
            }
        }
    };
    CauseReport { kind, metrics }
}

fn required(judged: &[Judged<'_>]) -> Vec<usize> {
    (0..judged.len()).filter(|index| judged[*index].finding.required).collect()
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

pub(super) fn arm_report(shown: &ArmSummary, unit: Unit) -> ArmReport {
    ArmReport {
        value: shown.value.map(number),
        at_least: shown.at_least,
        unit: unit_text(unit),
        requests: shown.requests.map(number),
        windows: shown.windows,
    }
}

pub(super) fn effect_report(effect: &Effect) -> EffectReport {
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

pub(super) fn obstacle_text(obstacle: Obstacle) -> Word {
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
