//! The answer as OpenMetrics text: GitLab's `artifacts:reports:metrics`, a textfile collector, a push gateway.

use crate::number::Number;
use crate::render::case::Case;
use crate::report::{FindingReport, Report};

struct Family {
    name: &'static str,
    help: &'static str,
    samples: Vec<String>,
}

/// Gauges without times, so that two runs can be compared line by line; ends with `# EOF`.
pub fn to_metrics(cases: &[Case<'_>]) -> String {
    let mut families = [
        ("davy_verdict", "1 promote, 0 hold, -1 rollback."),
        ("davy_score", "0 rollback to 100 promote."),
        ("davy_error", "1 where no analysis took place."),
        ("davy_windows_judged", "Windows judged."),
        ("davy_value", "What an arm showed, in the unit that the label names."),
        ("davy_effect", "The effect (a ratio canary / baseline, or a difference), and what is not refuted."),
        ("davy_outcome", "1 pass, 0 inconclusive or suspect, -1 breach."),
        ("davy_evidence_ln", "Natural logarithm of the odds that the canary is worse, or not worse, than tolerated."),
    ]
    .map(|(name, help)| Family { name, help, samples: Vec::new() });
    for case in cases {
        let mut labels = vec![("service", case.outcome.map_or("", |report| report.rules.name.as_str()))];
        if !case.name.is_empty() {
            labels.push(("recording", case.name));
        }
        match case.outcome {
            Ok(report) => whole(&mut families, report, &labels),
            Err(_) => push(&mut families, "davy_error", &labels, 1.0),
        }
    }
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        text.push_str(&format!("# TYPE {} gauge\n# HELP {} {}\n{}", family.name, family.name, family.help, family.samples.concat()));
    }
    text.push_str("# EOF\n");
    text
}

fn whole(families: &mut [Family], report: &Report, labels: &[(&str, &str)]) {
    push(families, "davy_error", labels, 0.0);
    push(families, "davy_verdict", labels, f64::from(report.verdict_code));
    push(families, "davy_score", labels, report.score.get());
    push(families, "davy_windows_judged", labels, report.window.judged as f64);
    for finding in &report.findings {
        let mut labels = labels.to_vec();
        labels.push(("metric", &finding.metric));
        one(families, finding, &labels);
    }
}

fn one(families: &mut [Family], finding: &FindingReport, labels: &[(&str, &str)]) {
    let outcome = match finding.outcome {
        "pass" => 1.0,
        "breach" => -1.0,
        _ => 0.0,
    };
    push(families, "davy_outcome", labels, outcome);
    let with =
        |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> { labels.iter().copied().chain(more.iter().copied()).collect() };
    for (arm, shown) in [("baseline", &finding.baseline), ("canary", &finding.canary)] {
        push_some(families, "davy_value", &with(&[("arm", arm), ("unit", shown.unit)]), shown.value);
    }
    if let Some(effect) = &finding.effect {
        for (bound, value) in [("estimate", effect.estimate), ("lower", effect.lower), ("upper", effect.upper)] {
            push_some(families, "davy_effect", &with(&[("kind", effect.kind), ("bound", bound)]), value);
        }
    }
    push(families, "davy_evidence_ln", &with(&[("of", "harm")]), finding.evidence.ln_harm.get());
    push(families, "davy_evidence_ln", &with(&[("of", "safety")]), finding.evidence.ln_safe.get());
}

fn push_some(families: &mut [Family], name: &str, labels: &[(&str, &str)], value: Option<Number>) {
    if let Some(value) = value {
        push(families, name, labels, value.get());
    }
}

fn push(families: &mut [Family], name: &str, labels: &[(&str, &str)], value: f64) {
    let pairs: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
    let value = if value == f64::INFINITY { "+Inf".to_owned() } else { value.to_string() };
    for family in families.iter_mut().filter(|family| family.name == name) {
        family.samples.push(format!("{name}{{{}}} {value}\n", pairs.join(",")));
    }
}

/// A label's value: backslash, quote and line break are escaped, as the format says.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
