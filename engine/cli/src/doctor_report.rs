//! What `davy doctor` found, as one screen of text and as JSON (`davy.doctor/v1`).

use davy_gate::forecast::{Forecast, MetricForecast, Remedy, RemedyKind, Share};
use davy_gate::number::number;
use davy_gate::plan::Plan;
use davy_gate::render::Look;
use davy_gate::rules::rule_set::Unit;
use davy_gate::words;
use davy_judge::arm::{Arm, PerArm};
use davy_judge::rule::{OnBreach, Tolerance};
use davy_judge::verdict::Obstacle;
use davy_sources::align::AlignedWindow;
use davy_sources::samples::Span;
use davy_sources::selector::matchers_text;
use serde_json::{Value, json};

use crate::time::clock_text;

/// A metric must be there in this share of the windows.
const PRESENT: f64 = 0.8;

/// What one arm shows.
#[derive(Debug, Clone)]
pub struct ArmFacts {
    /// Live instances.
    pub instances: usize,
    /// Requests per second; none: no metric counts them.
    pub per_second: Option<f64>,
    /// The share of windows in which each metric is there.
    pub present: Vec<f64>,
}

/// What the source holds.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Host and port.
    pub place: String,
    /// What was looked at.
    pub past_span: Span,
    /// The baseline's instances in it.
    pub past_instances: usize,
    /// What the arms show: the baseline in the past, the canary now.
    pub arms: PerArm<ArmFacts>,
    /// The canary's traffic was assumed: by the caller's share, or as one instance's.
    pub assumed_share: Option<Option<f64>>,
    /// The baseline's windows.
    pub past: Vec<AlignedWindow>,
    /// Requests per window, one per metric.
    pub traffic: Vec<PerArm<f64>>,
    /// What the source said beside.
    pub notes: Vec<String>,
    /// Why an arm is empty.
    pub hints: Vec<String>,
}

impl Facts {
    /// What is missing for required metrics.
    pub fn lacks(&self, plan: &Plan) -> Vec<String> {
        let mut lacks = Vec::new();
        for (metric, rule) in plan.rules.metrics.iter().enumerate().filter(|(_, metric)| metric.rule.required) {
            for arm in Arm::BOTH {
                // A canary that is not there yet is no fault of the metric's.
                let facts = self.arms.get(arm);
                let is_there = arm == Arm::Baseline || facts.instances > 0;
                let present = facts.present.get(metric).copied().unwrap_or(0.0);
                if is_there && present < PRESENT {
                    let found = if present > 0.0 {
                        format!("in {} % of the windows only", (present * 100.0).round())
                    } else {
                        "in no window".to_owned()
                    };
                    lacks.push(format!("{}: the {} shows it {found}", rule.rule.name, arm.name()));
                }
            }
        }
        lacks
    }
}

fn percent(share: Share) -> String {
    let (lower, upper) = share.interval();
    format!("{} % ({}–{})", (share.value() * 100.0).round(), (lower * 100.0).round(), (upper * 100.0).round())
}

fn minutes(plan: &Plan, windows: usize) -> String {
    words::duration(plan.warmup_ms + windows as i64 * plan.step_ms)
}

/// One screen.
pub fn to_text(plan: &Plan, facts: &Facts, forecast: Option<&Forecast>, is_healthy: bool, look: Look) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        text.push_str(words.trim_end());
        text.push('\n');
    };
    line(format!("{}  {} at {}", if is_healthy { "READY" } else { "NOT READY" }, plan.rules.name, facts.place));
    line(format!(
        "  windows of {}, {} of warm-up, deadline {}: {} to judge",
        words::duration(plan.step_ms),
        words::duration(plan.warmup_ms),
        words::duration(plan.rules.window.deadline_ms),
        words::windows(plan.rules.window.judged_at(plan.step_ms)),
    ));
    let with_data = facts.past.iter().filter(|window| window.instances.baseline > 0).count();
    let with_data = if with_data == facts.past.len() { String::new() } else { format!(" ({with_data} with data)") };
    let label = plan.fetch.instance.as_ref().map_or_else(|| "no label names an instance".to_owned(), |label| format!("by {label}"));
    line(format!(
        "  history {} UTC to {} UTC: {}{with_data}, {} ({label})",
        clock_text(facts.past_span.start_ms),
        clock_text(facts.past_span.end_ms),
        words::windows(facts.past.len()),
        instances(facts.past_instances),
    ));
    for arm in Arm::BOTH {
        line(format!("  {:<8} {}: {}", arm.name(), one_line(&matchers_text(plan.rules.arms.get(arm))), arm_text(facts, arm)));
    }
    line(String::new());
    match forecast {
        None => line("Nothing can be foreseen: the baseline shows nothing in the history.".to_owned()),
        Some(forecast) => push_forecast(&mut line, plan, forecast),
    }
    let lacks = facts.lacks(plan);
    if !lacks.is_empty() || !facts.hints.is_empty() {
        line(String::new());
        line("What is missing:".to_owned());
        lacks.iter().chain(&facts.hints).for_each(|words| line(format!("  {}", one_line(words))));
    }
    let mut notes: Vec<String> = facts.notes.clone();
    if let Some(forecast) = forecast {
        for (metric, rule) in forecast.metrics.iter().zip(&plan.rules.metrics) {
            notes.extend(notes_of(metric).into_iter().map(|note| format!("{}: {note}", rule.rule.name)));
        }
    }
    if !notes.is_empty() {
        line(String::new());
        notes.dedup();
        notes.iter().for_each(|note| line(format!("  note: {}", one_line(note))));
    }
    if look.ascii { ascii(&text) } else { text }
}

fn instances(count: usize) -> String {
    format!("{count} instance{}", if count == 1 { "" } else { "s" })
}

fn arm_text(facts: &Facts, arm: Arm) -> String {
    let found = facts.arms.get(arm);
    let seen = match found.per_second {
        Some(per_second) => format!("{} requests/s, {}", words::digits(per_second), instances(found.instances)),
        None if found.instances > 0 => instances(found.instances),
        None => "not there".to_owned(),
    };
    match (arm, facts.assumed_share) {
        (Arm::Baseline, _) | (Arm::Canary, None) => seen,
        (Arm::Canary, Some(Some(share))) => format!("{seen}; forecast for {} % of the traffic", words::digits(share * 100.0)),
        (Arm::Canary, Some(None)) => format!("{seen}; forecast as if it saw one instance's traffic (--share says otherwise)"),
    }
}

fn push_forecast(line: &mut impl FnMut(String), plan: &Plan, forecast: &Forecast) {
    let half = forecast.promoted_after.map(|windows| format!(", half of those within {}", minutes(plan, windows))).unwrap_or_default();
    line(format!(
        "A good canary is promoted before the deadline in {} of {} futures{half}; rolled back in {}.",
        percent(forecast.promoted),
        forecast.promoted.trials,
        percent(forecast.rolled_back)
    ));
    for (why, share) in forecast.held_for.iter().take(3) {
        line(format!("  held in {}: {why}", percent(*share)));
    }
    line(String::new());
    let rows: Vec<[String; 5]> = forecast
        .metrics
        .iter()
        .zip(&plan.rules.metrics)
        .map(|(metric, rule)| {
            let (seen, after) = seen_text(plan, metric, rule.unit);
            let noise =
                metric.typical.noise.scale.map_or_else(|| "not learned".to_owned(), |scale| format!("{} %", words::digits(scale * 100.0)));
            [
                format!("{}{}", rule.rule.name, if rule.rule.on_breach == OnBreach::Rollback { "" } else { " (no rollback)" }),
                metric.level.map_or_else(|| "nothing".to_owned(), |level| words::value(level, rule.unit)),
                noise,
                format!("{seen}{after}"),
                if rule.rule.required { format!("{} %", (metric.waiting.value() * 100.0).round()) } else { "not required".to_owned() },
            ]
        })
        .collect();
    let head = ["metric", "baseline", "noise", "smallest regression seen", "good, yet not shown safe"].map(str::to_owned);
    let widths: Vec<usize> =
        (0..5).map(|column| std::iter::once(&head).chain(&rows).map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    for row in std::iter::once(&head).chain(&rows) {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count()))).collect();
        line(format!("  {}", cells.join("  ")));
    }
    if forecast.promotes() {
        return;
    }
    line(String::new());
    if forecast.remedies.is_empty() {
        line("Nothing that was tried has a good canary promoted in time (wider tolerance, ignore_below, deadline, traffic).".to_owned());
        return;
    }
    line("Any one of these has a good canary promoted in time:".to_owned());
    for remedy in &forecast.remedies {
        line(format!("  {}: in {} of {}", remedy_text(plan, remedy), percent(remedy.promoted), remedy.promoted.trials));
    }
}

fn seen_text(plan: &Plan, metric: &MetricForecast, unit: Unit) -> (String, String) {
    match (&metric.detection, metric.tried) {
        (Some(detection), _) => {
            let change = detection.ratio.map(|ratio| format!(" ({})", words::change(ratio))).unwrap_or_default();
            (
                format!("{}{change}", words::value(detection.value, unit)),
                format!(" after {} in {}", minutes(plan, detection.windows), percent(detection.found)),
            )
        }
        (None, Some(tried)) => (format!("none, up to {}", words::value(tried, unit)), String::new()),
        (None, None) => ("none: it has no level".to_owned(), String::new()),
    }
}

fn remedy_text(plan: &Plan, remedy: &Remedy) -> String {
    let name = |metric: usize| plan.rules.metrics[metric].rule.name.clone();
    match &remedy.kind {
        RemedyKind::Tolerance(tolerances) => {
            let texts: Vec<String> = tolerances
                .iter()
                .map(|(metric, tolerance)| match tolerance {
                    Tolerance::Relative(share) => format!("{} tolerance: {}%", name(*metric), words::digits(share * 100.0)),
                    Tolerance::Absolute(value) => {
                        format!("{} tolerance: {}", name(*metric), words::value(*value, plan.rules.metrics[*metric].unit))
                    }
                })
                .collect();
            texts.join(" and ")
        }
        RemedyKind::IgnoreBelow(levels) => {
            let texts: Vec<String> = levels
                .iter()
                .map(|(metric, level)| {
                    format!("{} ignore_below: {}", name(*metric), words::value(*level, plan.rules.metrics[*metric].unit).replace(' ', ""))
                })
                .collect();
            texts.join(" and ")
        }
        RemedyKind::Deadline(deadline_ms) => format!("window deadline: {}", words::duration(*deadline_ms).replace(' ', "")),
        RemedyKind::Traffic(times) => format!("{} times the canary's traffic", words::digits(*times)),
    }
}

/// What a reader must know of a metric's forecast.
fn notes_of(metric: &MetricForecast) -> Vec<String> {
    let mut notes = metric.typical.noise.notes.clone();
    match metric.typical.obstacle {
        Some(Obstacle::TooCoarse) => {
            notes.push("no bucket bound is near enough to the quantile, or values are rounded too coarsely: add buckets".to_owned())
        }
        Some(Obstacle::NoHistory) => notes.push("its method needs a history".to_owned()),
        Some(Obstacle::TooManyMissing) => notes.push("more than a fifth of its windows are missing".to_owned()),
        Some(Obstacle::NoData(_)) | None => {}
    }
    if metric.is_made_up {
        notes.push("no instances to play the canary, so its futures are as quiet as chance alone: a best case".to_owned());
    }
    notes
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn ascii(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '–' | '−' => '-',
            '×' => 'x',
            'µ' => 'u',
            '±' => '~',
            c => c,
        })
        .collect()
}

/// The same for programs.
pub fn to_json(plan: &Plan, facts: &Facts, forecast: Option<&Forecast>, is_healthy: bool) -> String {
    let seconds = |windows: usize| (plan.warmup_ms + windows as i64 * plan.step_ms) as f64 / 1e3;
    let metrics: Vec<Value> = forecast
        .iter()
        .flat_map(|forecast| forecast.metrics.iter().zip(&plan.rules.metrics))
        .map(|(metric, rule)| {
            json!({
                "metric": rule.rule.name,
                "required": rule.rule.required,
                "baseline": metric.level.map(number),
                "method": metric.typical.method,
                "noise": {
                    "calibrated": metric.typical.noise.calibrated,
                    "scale": metric.typical.noise.scale.map(number),
                    "dependence": metric.typical.noise.dependence.map(number),
                },
                "not_shown_safe": share_json(metric.waiting),
                "detects": metric.detection.as_ref().map(|detection| json!({
                    "canary": number(detection.value),
                    "ratio": detection.ratio.map(number),
                    "found": share_json(detection.found),
                    "median_secs": number(seconds(detection.windows)),
                })),
                "tried_up_to": metric.tried.map(number),
                "best_case": metric.is_made_up,
                "notes": notes_of(metric),
            })
        })
        .collect();
    let arm = |arm: Arm| {
        let found = facts.arms.get(arm);
        json!({
            "matchers": matchers_text(plan.rules.arms.get(arm)),
            "instances": found.instances,
            "requests_per_second": found.per_second.map(number),
        })
    };
    let document = json!({
        "schema": "davy.doctor/v1",
        "ready": is_healthy,
        "rules": { "name": plan.rules.name, "version": plan.rules.version },
        "window": {
            "step_secs": plan.step_ms as f64 / 1e3,
            "warmup_secs": plan.warmup_ms as f64 / 1e3,
            "deadline_secs": plan.rules.window.deadline_ms as f64 / 1e3,
            "judged": plan.rules.window.judged_at(plan.step_ms),
        },
        "history": {
            "windows": facts.past.len(),
            "instances": facts.past_instances,
            "label": plan.fetch.instance,
            "start_ms": facts.past_span.start_ms,
            "end_ms": facts.past_span.end_ms,
        },
        "arms": { "baseline": arm(Arm::Baseline), "canary": arm(Arm::Canary), "canary_assumed": facts.assumed_share.is_some() },
        "good_canary": forecast.map(|forecast| json!({
            "promoted": share_json(forecast.promoted),
            "rolled_back": share_json(forecast.rolled_back),
            "held_for": forecast.held_for.iter().map(|(why, share)| json!({ "why": why, "share": share_json(*share) })).collect::<Vec<_>>(),
            "median_secs": forecast.promoted_after.map(|windows| number(seconds(windows))),
        })),
        "metrics": metrics,
        "remedies": forecast.map(|forecast| forecast.remedies.iter().map(|remedy| json!({
            "what": remedy_text(plan, remedy),
            "promoted": share_json(remedy.promoted),
        })).collect::<Vec<_>>()),
        "missing": facts.lacks(plan).into_iter().chain(facts.hints.iter().cloned()).collect::<Vec<_>>(),
        "notes": facts.notes,
    });
    format!("{document:#}\n")
}

fn share_json(share: Share) -> Value {
    let (lower, upper) = share.interval();
    json!({ "share": number(share.value()), "lower": number(lower), "upper": number(upper), "trials": share.trials })
}
