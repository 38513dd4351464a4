//! What would have changed a metric's answer: read off the interval, which holds every effect that is not refuted.

use crate::render::figures;
use crate::report::{EffectReport, FindingReport, Report};
use crate::words;

/// Sentences.
pub fn changes(report: &Report, finding: &FindingReport) -> Vec<String> {
    let mut sentences = Vec::new();
    if finding.method == "kayenta" && finding.obstacle.is_none() {
        sentences.push(match finding.outcome {
            "breach" => {
                "an effect size below which it passes (`kayenta: { effect_size: … }`); the test itself has no tolerance.".to_owned()
            }
            "pass" => "a larger shift, or more windows of the same one.".to_owned(),
            _ => "more values in both arms.".to_owned(),
        });
        return sentences;
    }
    if let Some(obstacle) = finding.obstacle {
        sentences.push(match obstacle {
            "no_data" => "data. Until both arms have some, nothing can be shown; look at the labels and the queries.".to_owned(),
            "too_many_missing" => "more complete data: at most a fifth of the windows may be missing in either arm.".to_owned(),
            "too_coarse" => format!("finer data: {}.", finding.reason),
            _ => "history: an instance label, and at least 120 windows of the baseline's past over all pseudo-canaries.".to_owned(),
        });
        return sentences;
    }
    if let Some(effect) = &finding.effect {
        sentences.extend(tolerances(finding, effect));
        if !finding.slices.is_empty() && !sentences.is_empty() {
            sentences.push("That is read off all slices together; one that stands out counts for itself.".to_owned());
        }
    }
    if finding.outcome == "inconclusive" {
        sentences.extend(waiting(report, finding));
        sentences.extend(levels(finding));
        if !finding.noise.calibrated && finding.method == "uncalibrated" {
            sentences.push("With history the same windows would say more.".to_owned());
        }
    }
    if sentences.is_empty() {
        sentences.push("only other data.".to_owned());
    }
    sentences
}

/// The tolerances at which it would pass, and be in breach.
fn tolerances(finding: &FindingReport, effect: &EffectReport) -> Vec<String> {
    // Towards worse: how far the canary surely is, and how far it could be at most.
    let (surely, at_most) = match finding.worse {
        "higher" => (effect.lower, effect.upper),
        "lower" => (effect.upper, effect.lower),
        // Either way is bad: the interval's ends are both evidence of harm, and tell nothing of a pass.
        _ => return Vec::new(),
    };
    let towards_worse = |value: f64| match (effect.kind, finding.worse) {
        ("ratio", "lower") => 1.0 - value,
        ("ratio", _) => value - 1.0,
        (_, "lower") => -value,
        (_, _) => value,
    };
    let text = |value: f64, round: fn(f64) -> f64| {
        if effect.kind == "ratio" {
            // Rounded to the side on which the sentence stays true.
            format!("{} %", words::digits(round(value * 100.0)))
        } else {
            words::difference(value, figures::unit_of(finding)).trim_start_matches('+').to_owned()
        }
    };
    let mut sentences = Vec::new();
    match surely.map(|value| towards_worse(value.get())) {
        Some(harm) if harm > 0.01 => {
            sentences.push(format!("At any tolerance below about {} it is shown to be worse.", text(harm, f64::floor)))
        }
        Some(_) | None => {}
    }
    match at_most.map(|value| towards_worse(value.get())) {
        Some(worst) if worst <= 0.0 => sentences.push("It would have passed without any tolerance.".to_owned()),
        Some(worst) if finding.outcome == "pass" => {
            sentences.push(format!("It would have passed down to a tolerance of about {}.", text(worst, f64::ceil)));
        }
        Some(worst) => sentences.push(format!("At a tolerance of about {} or more it would pass by now.", text(worst, f64::ceil))),
        None if finding.outcome == "pass" => {}
        None => sentences.push("No tolerance would let it pass by now.".to_owned()),
    }
    sentences
}

/// How long it would take, and whether there is so much time.
fn waiting(report: &Report, finding: &FindingReport) -> Vec<String> {
    let step = report.window.step.get();
    let left = ((report.window.deadline.get() - report.window.end.get()) / step).floor().max(0.0);
    match finding.remaining_windows {
        Some(windows) => {
            let time = words::duration((windows as f64 * step * 1e3).round() as i64);
            let enough = if windows as f64 <= left {
                "before the deadline".to_owned()
            } else {
                format!("but the deadline leaves {}", words::windows(left as usize))
            };
            vec![format!("At this pace it takes about {} more ({time}), {enough}.", words::windows(windows))]
        }
        None => vec!["At this pace waiting does not help.".to_owned()],
    }
}

/// The shortcut that helps most where little happens: a level below which nobody cares.
fn levels(finding: &FindingReport) -> Option<String> {
    let value = finding.canary.value?.get();
    let unit = figures::unit_of(finding);
    if finding.worse != "higher" {
        return None;
    }
    match finding.ignore_below {
        Some(level) if value > level.get() => None,
        Some(_) => Some("The canary is below `ignore_below`; more traffic would show it sooner.".to_owned()),
        None => Some(format!("If nobody minds about {}, an `ignore_below` well above it would show it sooner.", words::value(value, unit))),
    }
}
