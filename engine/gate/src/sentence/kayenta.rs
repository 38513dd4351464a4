//! What Kayenta says, in sentences.

use davy_judge::fixed_horizon::kayenta::{Classification, Classified, Zeroed};
use davy_judge::kayenta::{KayentaCause, KayentaLook};

use crate::report::Judged;
use crate::rules::RuleSet;
use crate::rules::quantity::duration_text;
use crate::words;

/// Why an analysis that Kayenta decides stands as it does.
pub fn verdict(cause: KayentaCause, look: &KayentaLook, rules: &RuleSet) -> String {
    let (pass, marginal) = (words::digits(rules.kayenta.pass), words::digits(rules.kayenta.marginal));
    let score = look.scored.score;
    let failing = failing(look, rules);
    let failing = if failing.is_empty() { String::new() } else { format!(": {failing}") };
    match cause {
        KayentaCause::Pass => format!("Kayenta's score is {score}, {pass} or more, and every metric that counts was judged{failing}"),
        KayentaCause::Marginal => {
            format!("Kayenta's score is {score}, at least marginal ({marginal}) and below pass ({pass}){failing}; a person decides")
        }
        KayentaCause::Fail => format!("Kayenta's score is {score}, below marginal ({marginal}){failing}"),
        KayentaCause::Unjudged => {
            let missing = unjudged(&look.unjudged, look, rules);
            let missing = if missing.is_empty() { "anything: every metric is muted".to_owned() } else { missing };
            format!("Kayenta's score is {score}, but it could not judge {missing}; what is missing never promotes")
        }
        KayentaCause::NotYet => {
            let looks = match rules.kayenta.interval_ms {
                Some(interval_ms) => format!("; every {} it may roll back", duration_text(interval_ms)),
                None => String::new(),
            };
            format!("Kayenta's score is {score} so far after {}{failing}; it decides at the deadline{looks}", words::windows(look.windows))
        }
    }
}

/// What Kayenta would have said, or says: `Kayenta would have said Fail 66.67 …: latency_p99 is High (+41 %)`.
pub fn comparison(look: &KayentaLook, rules: &RuleSet, decides: bool) -> String {
    let says = if decides { "Kayenta says" } else { "Kayenta would have said" };
    let failing = failing(look, rules);
    let failing = if failing.is_empty() { String::new() } else { format!(": {failing}") };
    // What failed for want of data, or made the score 0, was minded.
    let is_passed_over = |metric: &usize| !look.failed.contains(metric) && look.scored.zeroed != Some(Zeroed::NoData);
    let passed_over: Vec<usize> = look.unjudged.iter().copied().filter(|metric| decides || is_passed_over(metric)).collect();
    let unjudged = unjudged(&passed_over, look, rules);
    let unjudged = match (unjudged.is_empty(), decides) {
        (true, _) => String::new(),
        (false, true) => format!("; it could not judge {unjudged}"),
        // A person who compares should know what its score passes over.
        (false, false) => format!("; it would not have minded what is missing: {unjudged}"),
    };
    format!(
        "{says} {} {} (pass {}, marginal {}) in a single look at {}{failing}{unjudged}",
        look.grade.name(),
        look.scored.score,
        words::digits(rules.kayenta.pass),
        words::digits(rules.kayenta.marginal),
        words::windows(look.windows),
    )
}

/// The counted metrics that failed, and why the score is 0 where that is no sum.
fn failing(look: &KayentaLook, rules: &RuleSet) -> String {
    let mut parts: Vec<String> = look
        .failed
        .iter()
        .map(|metric| {
            let critical = if look.metrics[*metric].critical { "critical " } else { "" };
            format!("{critical}{} is {}", rules.metrics[*metric].rule.name, label(&look.metrics[*metric]))
        })
        .collect();
    if look.scored.zeroed == Some(Zeroed::NoData) {
        parts.push("half of the metrics or more have no data, which makes it 0".to_owned());
    }
    parts.join(", ")
}

/// `latency_p99 (Nodata) and error_rate (Error)`.
fn unjudged(metrics: &[usize], look: &KayentaLook, rules: &RuleSet) -> String {
    let text = |metric: &usize| {
        let why = match look.metrics[*metric].classification {
            Classification::NoData | Classification::NoDataFail => "an arm has no data",
            Classification::Error => "Error: too few values",
            Classification::Pass | Classification::High | Classification::Low => "more than a fifth of the windows are missing",
        };
        format!("{} ({why})", rules.metrics[*metric].rule.name)
    };
    let texts: Vec<String> = metrics.iter().map(text).collect();
    words::list(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// `High (+41 % by means)`.
fn label(found: &Classified) -> String {
    let name = found.classification.name();
    match found.ratio.filter(|_| matches!(found.classification, Classification::High | Classification::Low)) {
        Some(ratio) if ratio > 0.0 => format!("{name} ({} by means)", words::change(ratio)),
        Some(_) | None => name.to_owned(),
    }
}

/// What one metric's label means.
pub fn finding(judged: &Judged<'_>, found: &Classified) -> String {
    let name = &judged.rule.rule.name;
    let unit = judged.rule.unit;
    let values = super::values(&judged.finding.arms, unit);
    let muted = if judged.rule.kayenta.muted { "; muted, so it does not count" } else { "" };
    let critical = if found.critical { ", and critical: it fails the canary as a whole" } else { "" };
    let said = match found.classification {
        Classification::Pass => "Pass".to_owned(),
        Classification::High | Classification::Low => format!("{}{critical}", label(found)),
        Classification::NoData => format!("Nodata: an arm has no values{critical}"),
        Classification::NoDataFail => "NodataFailMetric: an arm has no values, and it must have some".to_owned(),
        Classification::Error => "Error: its test has no answer for so few values".to_owned(),
    };
    let interval = found.interval.map_or_else(String::new, |interval| {
        let text = |value: f64| words::difference(value, unit);
        format!("; 98 % interval of the windows' shift {} to {}", text(interval.lower), text(interval.upper))
    });
    format!("{name}: Kayenta says {said}{values}{interval}{muted}")
}
