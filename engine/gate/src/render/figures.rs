//! A finding's figures in words: the same in every rendering.

use crate::number::Number;
use crate::report::{ArmReport, EffectReport, FindingReport, Report};
use crate::rules::rule_set::Unit;
use crate::words;

/// The unit that a report names.
pub fn unit_of(finding: &FindingReport) -> Unit {
    match finding.canary.unit {
        "s" => Unit::Seconds,
        "ms" => Unit::Milliseconds,
        "ratio" => Unit::Ratio,
        "1/s" => Unit::PerSecond,
        _ => Unit::Plain,
    }
}

/// An arm's value with its unit; `no data`.
pub fn arm(finding: &FindingReport, arm: &ArmReport) -> String {
    match arm.value {
        Some(value) => format!("{}{}", if arm.at_least { "at least " } else { "" }, words::value(value.get(), unit_of(finding))),
        None => "no data".to_owned(),
    }
}

/// One value of the effect: `+47 %`, `+12 ms`.
pub fn effect_value(finding: &FindingReport, effect: &EffectReport, value: Number) -> String {
    if effect.kind == "ratio" { words::change(value.get()) } else { words::difference(value.get(), unit_of(finding)) }
}

/// The best single value of the effect; `–` where there is none.
pub fn estimate(finding: &FindingReport) -> String {
    let shown = finding.effect.as_ref().and_then(|effect| Some(effect_value(finding, effect, effect.estimate?)));
    shown.unwrap_or_else(|| "–".to_owned())
}

/// What is not refuted: `+30 % to +87 %`, `at least −91 %`, `anything`.
pub fn interval(finding: &FindingReport) -> String {
    let Some(effect) = &finding.effect else { return "–".to_owned() };
    let text = |value| effect_value(finding, effect, value);
    match (effect.lower, effect.upper) {
        (Some(lower), Some(upper)) => format!("{} to {}", text(lower), text(upper)),
        (Some(lower), None) => format!("at least {}", text(lower)),
        (None, Some(upper)) => format!("at most {}", text(upper)),
        (None, None) => "anything".to_owned(),
    }
}

/// The tolerance with its sign, as the rules say it; the limit where there is no tolerance.
pub fn tolerated(finding: &FindingReport) -> String {
    let sign = match finding.worse {
        "higher" => "+",
        "lower" => "−",
        _ => "±",
    };
    match (&finding.tolerance, finding.limit) {
        (Some(tolerance), _) => format!("{sign}{tolerance}"),
        (None, Some(limit)) => format!("limit {}", words::value(limit.get(), unit_of(finding))),
        (None, None) => "–".to_owned(),
    }
}

/// `required`, or what a breach does.
pub fn role(finding: &FindingReport) -> &'static str {
    if finding.required { "required" } else { finding.on_breach }
}

/// A sign that says the outcome without colour.
pub fn sign(outcome: &str) -> &'static str {
    match outcome {
        "pass" | "promote" => "✓",
        "breach" | "rollback" => "✗",
        "suspect" => "▲",
        "error" => "!",
        _ => "…",
    }
}

/// `ROLLBACK`, `HOLD so far`, `ROLLBACK (SHADOW: the action is promote)`.
pub fn headline(report: &Report) -> String {
    let so_far = if report.is_final { "" } else { " so far" };
    let shadow = if report.mode == "shadow" { format!(" (SHADOW: the action is {})", report.action) } else { String::new() };
    format!("{}{so_far}{shadow}", report.verdict.to_uppercase())
}

/// What was compared, over how much.
pub fn scope(report: &Report) -> String {
    format!(
        "canary {} against baseline {}; {} of {} judged; score {}",
        report.arms.canary,
        report.arms.baseline,
        words::windows(report.window.judged),
        words::duration((report.window.step.get() * 1e3).round() as i64),
        words::digits(report.score.get()),
    )
}

/// Metrics in breach that matter to the verdict.
pub fn failed(report: &Report) -> Vec<&str> {
    let matters = |finding: &&FindingReport| finding.outcome == "breach" && finding.on_breach != "warn";
    report.findings.iter().filter(matters).map(|finding| finding.metric.as_str()).collect()
}

/// A time in seconds since the epoch, as `2026-01-31 12:00:00 UTC`.
pub fn time(seconds: f64, format: &str) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "saturating; times are far below the bound")]
    let stamp = jiff::Timestamp::from_millisecond((seconds * 1e3).round() as i64);
    stamp.map_or_else(|_| seconds.to_string(), |time| time.strftime(format).to_string())
}
