//! One sentence for each answer, such as a tired person understands at night.

pub mod kayenta;

use davy_judge::arm::{Arm, PerArm};
use davy_judge::rule::{Direction, Kind, OnBreach, Tolerance};
use davy_judge::verdict::{ArmSummary, Cause, Decision, Effect, EffectKind, InstanceFinding, Obstacle, Outcome, SliceFinding, Verdict};

use crate::plan::Plan;
use crate::report::{Judged, matchers_text};
use crate::rules::rule_set::{MetricRule, Unit};
use crate::words;

/// Why the verdict is what it is.
pub fn verdict(plan: &Plan, decision: &Decision, judged: &[Judged<'_>]) -> String {
    match &decision.cause {
        Cause::Harm(metrics) => harm(metrics, judged),
        Cause::Breaker(metric) => format!("{}, so clearly in several windows in a row that the breaker fired", effect(&judged[*metric])),
        Cause::Safe => safe(judged),
        Cause::AtDeadline if decision.verdict == Verdict::Rollback => {
            "the deadline came without enough evidence, and the rules say `at_deadline: rollback`".to_owned()
        }
        Cause::AtDeadline => {
            "the deadline came; nothing is missing, nothing looks bad, and the rules say `at_deadline: promote`".to_owned()
        }
        Cause::NoData(empty) => no_data(plan, *empty, decision.windows),
        Cause::NotYet(metrics) => not_yet(metrics, judged, decision),
        Cause::Kayenta(cause) => decision.kayenta.as_ref().map(|look| kayenta::verdict(*cause, look, &plan.rules)).unwrap_or_default(),
        other @ (Cause::Vanished
        | Cause::InstancesLost { .. }
        | Cause::HoldBreach(_)
        | Cause::CommonIncident(_)
        | Cause::BaselineBeyondLimit(_)
        | Cause::SampleRatioMismatch { .. }
        | Cause::TooManyMissing(_)
        | Cause::TooFewWindows { .. }) => standing(other, judged).unwrap_or_default(),
    }
}

/// What stands beside the first cause; none where it says nothing new.
pub fn aside(cause: &Cause, judged: &[Judged<'_>]) -> Option<String> {
    match cause {
        Cause::NotYet(_) | Cause::TooFewWindows { .. } | Cause::NoData(_) | Cause::Kayenta(_) => None,
        Cause::Harm(_)
        | Cause::Breaker(_)
        | Cause::Safe
        | Cause::AtDeadline
        | Cause::Vanished
        | Cause::InstancesLost { .. }
        | Cause::HoldBreach(_)
        | Cause::CommonIncident(_)
        | Cause::BaselineBeyondLimit(_)
        | Cause::SampleRatioMismatch { .. }
        | Cause::TooManyMissing(_) => standing(cause, judged),
    }
}

fn standing(cause: &Cause, judged: &[Judged<'_>]) -> Option<String> {
    let name = |metric: &usize| judged[*metric].rule.rule.name.as_str();
    Some(match cause {
        Cause::Vanished => "the canary sent data and then vanished, while the baseline goes on".to_owned(),
        Cause::InstancesLost { before, now: 0 } => format!(
            "nothing of the canary came in the last window, {before} of its instances sent data before in this traffic step; see whether it is down, or whether the source failed"
        ),
        Cause::InstancesLost { before, now } => format!(
            "half of the canary's instances or more are silent: {before} sent data before in this traffic step, {now} did in the last window; see whether they crashed, or whether the source lost them"
        ),
        Cause::HoldBreach(metric) => format!("{}, and the rules say `on_breach: hold`", effect(&judged[*metric])),
        Cause::CommonIncident(metric) => format!(
            "common incident: {} of the baseline itself is worse than its own history by more than twice the tolerance; compare again when it is over",
            name(metric)
        ),
        Cause::BaselineBeyondLimit(metric) => {
            format!("{} is beyond its limit in both arms, so the limit tells nothing of the canary", name(metric))
        }
        Cause::SampleRatioMismatch { expected, actual } => format!(
            "sample-ratio mismatch: the canary should see {} of the requests and sees {}; mend the traffic split before you trust a comparison",
            words::value(*expected, Unit::Ratio),
            words::value(*actual, Unit::Ratio)
        ),
        Cause::TooManyMissing(metric) => {
            let finding = judged[*metric].finding;
            format!(
                "{}: more than a fifth of the windows are missing (baseline {} of {}, canary {} of {} present)",
                name(metric),
                finding.arms.baseline.windows,
                finding.windows,
                finding.arms.canary.windows,
                finding.windows
            )
        }
        Cause::TooFewWindows { judged, wanted } => {
            format!("{} of {} judged so far in this traffic step", words::windows(*judged), wanted)
        }
        Cause::Harm(_) | Cause::Breaker(_) | Cause::Safe | Cause::AtDeadline | Cause::NoData(_) | Cause::NotYet(_) | Cause::Kayenta(_) => {
            return None;
        }
    })
}

fn harm(metrics: &[usize], judged: &[Judged<'_>]) -> String {
    let Some(worst) = metrics.first() else { return "the evidence of harm suffices".to_owned() };
    let first = &judged[*worst];
    let others: Vec<&str> = metrics[1..].iter().map(|metric| judged[*metric].rule.rule.name.as_str()).collect();
    let others = if others.is_empty() { String::new() } else { format!("; so is {}", words::list(&others)) };
    format!("{}, evidence {}{}{others}", effect(first), words::odds(first.finding.ln_harm), where_it_is(first))
}

/// The slice that is named, where one is: `; worst in route="/pay": is ×4.1 (…)`.
fn where_it_is(judged: &Judged<'_>) -> String {
    let mut named = judged.named_slices();
    let Some(worst) = named.next() else { return String::new() };
    let more = named.count();
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    format!("; it stands out in {}, evidence {}{more}", slice(judged, worst), words::odds(worst.ln_harm))
}

/// The worst slice that keeps a metric from passing: `error_rate waits for route="/pay": is ×4.1 (…), evidence of harm 300 to 1`.
fn waits_for(judged: &Judged<'_>) -> Option<String> {
    let worst = judged.finding.slices.iter().find(|found| found.keeps_waiting)?;
    let name = &judged.rule.rule.name;
    Some(format!("{name} waits for {}, evidence of harm {}", slice(judged, worst), words::odds(worst.ln_harm)))
}

/// What one instance showed: `is +230 % (100 ms → 330 ms)`.
pub fn instance(judged: &Judged<'_>, found: &InstanceFinding) -> String {
    let arms = PerArm { baseline: judged.finding.arms.baseline, canary: found.canary };
    match &found.effect {
        Some(shown) => format!("{}{}", estimate(shown, judged.rule), values(&arms, judged.rule.unit)),
        None => "cannot be compared".to_owned(),
    }
}

/// What one slice of a metric showed: `route="/pay": is ×4.1 (1 % → 4.1 %)`.
pub fn slice(judged: &Judged<'_>, found: &SliceFinding) -> String {
    let Judged { rule, .. } = judged;
    let name = judged.slice_name(found.slice);
    let said = match (&found.effect, found.obstacle) {
        (None, Some(Obstacle::NoData(PerArm { baseline: true, canary: true }))) => "neither arm has data".to_owned(),
        (None, Some(Obstacle::NoData(PerArm { baseline: true, .. }))) => "the baseline has no data".to_owned(),
        (None, Some(Obstacle::NoData(_))) => "the canary has no data".to_owned(),
        (None, _) => "cannot be compared".to_owned(),
        (Some(shown), _) => {
            let bounds = bounds(shown, rule.unit).map(|bounds| format!("; {bounds}")).unwrap_or_default();
            format!("{}{}{bounds}", estimate(shown, rule), values(&found.arms, rule.unit))
        }
    };
    format!("{name}: {said}")
}

fn safe(judged: &[Judged<'_>]) -> String {
    let required: Vec<&Judged<'_>> = judged.iter().filter(|metric| metric.rule.rule.required).collect();
    let names: Vec<&str> = required.iter().map(|metric| metric.rule.rule.name.as_str()).collect();
    let weakest = required.iter().map(|metric| metric.finding.ln_safe).reduce(|left, right| if left < right { left } else { right });
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb} shown to be within tolerance, evidence {} or better", words::list(&names), words::odds(weakest.unwrap_or(0.0)))
}

fn no_data(plan: &Plan, empty: PerArm<bool>, judged: usize) -> String {
    let text = |arm: Arm| format!("the {} ({})", arm.name(), matchers_text(plan.fetch.arms.get(arm)));
    match (empty.baseline, empty.canary) {
        // Perhaps nobody looked: the analysis has only begun.
        (true, true) if judged == 0 => {
            format!("no whole window has been judged: nothing of {} or {} has been seen yet", text(Arm::Baseline), text(Arm::Canary))
        }
        (true, true) => format!("neither {} nor {} has any data", text(Arm::Baseline), text(Arm::Canary)),
        (true, false) => format!("{} has no data", text(Arm::Baseline)),
        (false, _) => format!("{} has no data", text(Arm::Canary)),
    }
}

fn not_yet(metrics: &[usize], judged: &[Judged<'_>], decision: &Decision) -> String {
    let names: Vec<&str> = metrics.iter().map(|metric| judged[*metric].rule.rule.name.as_str()).collect();
    if names.is_empty() {
        return "no metric is required, so nothing can be shown to be safe".to_owned();
    }
    let longest = metrics.iter().map(|metric| judged[*metric].finding.remaining_windows).max().flatten();
    let more = match longest {
        Some(windows) if !decision.is_final => format!("; at this pace about {} more", words::windows(windows)),
        Some(_) | None => String::new(),
    };
    let waits = metrics.iter().find_map(|metric| waits_for(&judged[*metric]));
    let slices = waits.map_or_else(String::new, |slice| format!("; {slice}"));
    format!("not enough evidence yet on {} after {}{more}{slices}", words::list(&names), words::windows(decision.windows))
}

/// What one metric's comparison means.
pub fn finding(judged: &Judged<'_>, decision: &Decision) -> String {
    let finding = judged.finding;
    if let Some(classified) = &finding.kayenta {
        return kayenta::finding(judged, classified);
    }
    match finding.outcome {
        Outcome::Breach => {
            let consequence = match finding.on_breach {
                OnBreach::Rollback => "",
                OnBreach::Hold => "; `on_breach: hold`",
                OnBreach::Warn => "; `on_breach: warn`",
            };
            format!("{}, evidence {}{}{consequence}", effect(judged), words::odds(finding.ln_harm), where_it_is(judged))
        }
        Outcome::Suspect if judged.named_slices().next().is_some() => {
            format!(
                "{}, evidence {}{}; that keeps the canary from promotion",
                effect(judged),
                words::odds(finding.ln_harm),
                where_it_is(judged)
            )
        }
        Outcome::Suspect => format!(
            "{}, evidence {}: enough for itself, but not for the analysis, which weighs it among {} metrics",
            effect(judged),
            words::odds(finding.ln_harm),
            decision.findings.iter().filter(|other| other.on_breach == OnBreach::Rollback).count()
        ),
        Outcome::Pass => format!("{}, shown to be within tolerance, evidence {}", effect(judged), words::odds(finding.ln_safe)),
        Outcome::Inconclusive => inconclusive(judged),
    }
}

fn inconclusive(judged: &Judged<'_>) -> String {
    let finding = judged.finding;
    if let Some(obstacle) = finding.obstacle {
        return match obstacle {
            Obstacle::NoData(PerArm { baseline: true, canary: true }) => "neither arm has data".to_owned(),
            Obstacle::NoData(PerArm { baseline: true, .. }) => "the baseline has no data".to_owned(),
            Obstacle::NoData(_) => "the canary has no data".to_owned(),
            Obstacle::TooManyMissing => format!(
                "more than a fifth of the windows are missing: baseline {} of {}, canary {} of {} present",
                finding.arms.baseline.windows, finding.windows, finding.arms.canary.windows, finding.windows
            ),
            Obstacle::TooCoarse => match judged.rule.rule.kind {
                Kind::Quantile(_) => {
                    "too coarse: no bucket bound is near the quantile; add bounds around it, or use a native histogram".to_owned()
                }
                Kind::Ratio | Kind::Rate | Kind::Scalar => {
                    "too coarse: the values are rounded to steps larger than the tolerance, so nothing can be shown to be safe".to_owned()
                }
            },
            Obstacle::NoHistory => {
                format!("`method: calibrated` needs history: {}", finding.noise.notes.first().map_or("there is none", String::as_str))
            }
        };
    }
    if finding.windows == 0 {
        return "no window was judged yet".to_owned();
    }
    if finding.baseline_beyond_limit {
        return format!("{}; the baseline is beyond the limit too", effect(judged));
    }
    if let Some(slice) = waits_for(judged) {
        return format!("{}; {slice}", effect(judged));
    }
    let more = match finding.remaining_windows {
        Some(windows) => format!("about {} more at this pace", words::windows(windows)),
        None => "no end in sight at this pace".to_owned(),
    };
    format!("{}; not enough evidence yet, {more}", effect(judged))
}

/// `latency_p99 is 52 % higher (at least 44 %, 10 % tolerated)`.
fn effect(judged: &Judged<'_>) -> String {
    let name = &judged.rule.rule.name;
    let finding = judged.finding;
    let unit = judged.rule.unit;
    let Some(shown) = &finding.effect else {
        return match (finding.arms.canary.value, judged.rule.rule.limit) {
            (Some(value), Some(limit)) => {
                format!("{name} of the canary is {} (limit {})", words::value(value, unit), words::value(limit, unit))
            }
            (Some(value), None) => format!("{name} of the canary is {}", words::value(value, unit)),
            (None, _) => format!("{name} cannot be compared"),
        };
    };
    let mut asides = Vec::new();
    if let Some(tolerance) = judged.rule.rule.tolerance {
        asides.push(format!("{} tolerated", signed_tolerance(tolerance, judged)));
    }
    asides.extend(bounds(shown, unit));
    format!("{name} {}{}; {}", estimate(shown, judged.rule), values(&finding.arms, unit), asides.join(", "))
}

/// `is +52 %`, of a rate `is +52 % of its expected share`.
fn estimate(shown: &Effect, rule: &MetricRule) -> String {
    let share = if rule.rule.kind == Kind::Rate { " of its expected share" } else { "" };
    match shown.estimate {
        Some(estimate) => format!("is {}{share}", effect_text(shown, estimate, rule.unit)),
        None => format!("cannot be estimated{share}"),
    }
}

fn effect_text(shown: &Effect, value: f64, unit: Unit) -> String {
    match shown.kind {
        EffectKind::Ratio => words::change(value),
        EffectKind::Difference => words::difference(value, unit),
    }
}

/// ` (100 ms → 152 ms)`, or nothing.
fn values(arms: &PerArm<ArmSummary>, unit: Unit) -> String {
    match (arms.baseline.value, arms.canary.value) {
        (Some(baseline), Some(canary)) => {
            let at_least = if arms.canary.at_least { "at least " } else { "" };
            format!(" ({} → {at_least}{})", words::value(baseline, unit), words::value(canary, unit))
        }
        (_, _) => String::new(),
    }
}

/// `between … and …`, one of the two, or none.
fn bounds(shown: &Effect, unit: Unit) -> Option<String> {
    let text = |value: f64| effect_text(shown, value, unit);
    match (shown.lower, shown.upper) {
        (Some(lower), Some(upper)) => Some(format!("between {} and {}", text(lower), text(upper))),
        (Some(lower), None) => Some(format!("at least {}", text(lower))),
        (None, Some(upper)) => Some(format!("at most {}", text(upper))),
        (None, None) => None,
    }
}

fn signed_tolerance(tolerance: Tolerance, judged: &Judged<'_>) -> String {
    let sign = match judged.rule.rule.worse {
        Direction::Higher => "+",
        Direction::Lower => "−",
        Direction::Either => "±",
    };
    format!("{sign}{}", self::tolerance(tolerance, judged.rule.unit))
}

/// A tolerance as the rules say it.
pub fn tolerance(tolerance: Tolerance, unit: Unit) -> String {
    match (tolerance, unit) {
        (Tolerance::Relative(relative), _) => format!("{} %", words::digits(relative * 100.0)),
        (Tolerance::Absolute(absolute), Unit::Ratio) => format!("{} pp", words::digits(absolute * 100.0)),
        (Tolerance::Absolute(absolute), Unit::Seconds | Unit::Milliseconds | Unit::PerSecond | Unit::Plain) => words::value(absolute, unit),
    }
}
