//! The rule file that a fit gives, with comments: what is judged without rules, and what `davy rules init` keeps of it.

use std::fmt::Write as _;

use davy_judge::arm::{Arm, PerArm};
use davy_sources::samples::{MatchOp, Matcher};

use crate::discovery::{Fit, MetricFit};
use crate::rules::canonical::{brief_metric, matchers_yaml, quoted_text};
use crate::rules::quantity::duration_text;

/// How many names of series are shown.
const SHOWN_NAMES: usize = 8;
/// Labels that name a service.
const SERVICE_LABELS: [&str; 8] =
    ["service", "service_name", "app", "app_kubernetes_io_name", "destination_workload", "deployment", "job", "exported_job"];

/// What the source said beside the preset.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The spacing of samples, ms.
    pub scrape_ms: Option<i64>,
    /// The windows' length that follows from it, ms.
    pub step_ms: Option<i64>,
    /// The label that names an instance.
    pub instance: Option<String>,
}

/// A rule file that judges what a fit found. `Err`: nothing of it can be judged.
pub fn rule_file(fit: &Fit, found: &Found) -> String {
    let (kept, left_out) = fit.split();
    let preset = fit.candidate.preset;
    let arms = &fit.candidate.rules.arms;
    let mut yaml = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        yaml,
        "# Rules for what this source holds: the preset {}, {}.\n# What every key means: docs/rules.md. Check with `davy rules check`, see the whole with `davy rules show`.\nschema: {}\nname: {}\n",
        preset.name,
        lower_first(preset.about),
        crate::rules::SCHEMA,
        quoted_text(service(arms).unwrap_or(preset.name)),
    );
    write_arms(&mut yaml, arms);
    write_settings(&mut yaml, found);
    yaml.push_str("metrics:\n");
    for metric in kept {
        write_kept(&mut yaml, metric);
    }
    if !left_out.is_empty() {
        let _ = writeln!(yaml, "\n  # Of the preset these are left out:");
    }
    for metric in left_out {
        let why = metric.lacks.clone().unwrap_or_else(|| "the baseline does not have it, so there is nothing to compare with".to_owned());
        let _ = writeln!(yaml, "  # {}: {}", metric.metric.rule.name, one_line(&why));
    }
    yaml
}

/// The service's name, where both arms are of one service.
fn service(arms: &PerArm<Vec<Matcher>>) -> Option<&str> {
    SERVICE_LABELS.iter().find_map(|label| {
        let named =
            arms.canary.iter().find(|matcher| matcher.label == *label && matcher.op == MatchOp::Equal && !matcher.value.is_empty())?;
        arms.baseline.contains(named).then_some(named.value.as_str())
    })
}

fn write_arms(yaml: &mut String, arms: &PerArm<Vec<Matcher>>) {
    if arms.baseline.is_empty() || arms.canary.is_empty() {
        return;
    }
    let differing = arms.baseline.iter().find(|baseline| {
        baseline.op == MatchOp::Equal
            && arms
                .canary
                .iter()
                .any(|canary| canary.op == MatchOp::Equal && canary.label == baseline.label && canary.value != baseline.value)
    });
    match differing {
        Some(differing) => {
            let value =
                |arm: Arm| arms.get(arm).iter().find(|matcher| matcher.label == differing.label).map_or("", |found| found.value.as_str());
            let _ = writeln!(
                yaml,
                "# What tells the arms apart. A value in double braces is given with each rollout: `--var baseline=VALUE --var canary=VALUE`\n# (here {} and {}); `--baseline LABEL=VALUE --canary LABEL=VALUE` replace it altogether.",
                one_line(&quoted_text(value(Arm::Baseline))),
                one_line(&quoted_text(value(Arm::Canary))),
            );
        }
        None => yaml.push_str("# What tells the arms apart; `--baseline LABEL=VALUE --canary LABEL=VALUE` replace it.\n"),
    }
    yaml.push_str("arms:\n");
    for arm in Arm::BOTH {
        let label = differing.map(|matcher| matcher.label.as_str());
        let _ = writeln!(yaml, "  {}: {}", arm.name(), matchers_yaml(arms.get(arm), label.map(|label| (label, arm.name()))));
    }
    yaml.push_str("  # expected_split: { baseline: 95, canary: 5 }   # with it throughput is judged against each arm's share\n\n");
}

fn write_settings(yaml: &mut String, found: &Found) {
    if let Some(step_ms) = found.step_ms {
        let scraped = found.scrape_ms.map_or_else(|| "nobody knows".to_owned(), duration_text);
        let _ =
            writeln!(yaml, "# Samples come every {scraped}; a window holds at least four.\nwindow: {{ step: {} }}", duration_text(step_ms));
        yaml.push_str("# window: { warmup: 5m, deadline: 60m, min_windows: 10 }\n\n");
    }
    match &found.instance {
        Some(instance) => {
            let _ = writeln!(
                yaml,
                "# Noise is learned from how the baseline's instances differ; this label tells them apart.\nhistory: {{ instance: {} }}\n",
                quoted_text(instance)
            );
        }
        None => yaml.push_str(
            "# No label that names an instance was found (pod, instance), so noise is not learned and verdicts are slower.\n# history: { instance: pod }\n\n",
        ),
    }
}

fn write_kept(yaml: &mut String, metric: &MetricFit) {
    for note in &metric.notes {
        let _ = writeln!(yaml, "  # {}", one_line(note));
    }
    let holders = match (metric.arms.baseline, metric.arms.canary) {
        (true, true) => None,
        (true, false) => Some("the canary does not have it (yet)"),
        (false, true) => Some("the baseline does not have it (yet)"),
        (false, false) => Some("neither arm has it (yet)"),
    };
    if let Some(holders) = holders {
        let _ = writeln!(yaml, "  # When this was written {holders}.");
    }
    yaml.push_str(&brief_metric(&metric.metric));
}

/// What to say where no preset fits: what was looked for, what is there that looks alike, and how to write a rule for it.
pub fn nothing_fits(looked_for: &[(&str, Vec<String>)], alike: &[String], place: &str) -> String {
    let mut text = format!("none of the presets fits what {place} holds, so rules must be written; looked for:\n");
    for (preset, names) in looked_for {
        let _ = writeln!(text, "  {preset}: {}", names.join(", "));
    }
    let histogram = alike.iter().find_map(|name| name.strip_suffix("_bucket"));
    let counter = alike.iter().find(|name| name.ends_with("_total")).or_else(|| alike.iter().find(|name| name.ends_with("_count")));
    if alike.is_empty() {
        text.push_str("no series there has a name with duration, latency, request, rpc or http in it");
    } else {
        let more = alike.len().saturating_sub(SHOWN_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let first: Vec<String> = alike.iter().take(SHOWN_NAMES).map(|name| one_line(name)).collect();
        let _ = write!(text, "what looks alike there: {}{more}", first.join(", "));
    }
    let _ = write!(
        text,
        "\nwrite a file such as this, try it with `davy rules check FILE`, and give it by --rules:\n\n    schema: davy/v1\n    name: my-service\n    metrics:\n      - name: latency_p99\n        histogram: {}\n        quantile: 0.99\n        tolerance: 10%\n      - name: error_rate\n        ratio: {{ events: '{}{{code=~\"5..\"}}', total: {} }}\n        tolerance: 100%\n        ignore_below: 0.1%",
        one_line(histogram.unwrap_or("http_request_duration_seconds")),
        one_line(counter.map_or("http_requests_total", String::as_str)),
        one_line(counter.map_or("http_requests_total", String::as_str)),
    );
    text
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        // Not an abbreviation.
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        (Some(_) | None, _) => text.to_owned(),
    }
}

/// Text of a server in a comment or on a terminal: one line, nothing that a terminal obeys.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use davy_sources::prometheus::Holding;

    use super::*;
    use crate::discovery::candidates;
    use crate::rules::presets::PRESETS;
    use crate::rules::{Options, load_str};

    fn matchers(pairs: &[(&str, &str)]) -> Vec<Matcher> {
        let equal = |(label, value): &(&str, &str)| Matcher { label: (*label).to_owned(), op: MatchOp::Equal, value: (*value).to_owned() };
        pairs.iter().map(equal).collect()
    }

    fn options() -> Options {
        Options {
            baseline: Some(matchers(&[("app", "shop \"{{x}}\""), ("version", "v1")])),
            canary: Some(matchers(&[("app", "shop \"{{x}}\""), ("version", "v2")])),
            ..Options::default()
        }
    }

    fn file(preset: &str, labels: &[&str], found: &Found) -> (Fit, String) {
        let candidate = candidates(&options()).into_iter().find(|candidate| candidate.preset.name == preset).expect("a preset");
        let everything = PerArm { baseline: true, canary: true };
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let holding = Holding { held: everything, named: everything, anywhere: true, labels };
        let holdings = vec![holding; candidate.plan.streams.len()];
        let fit = Fit::new(candidate, &holdings);
        let text = rule_file(&fit, found);
        (fit, text)
    }

    #[test]
    fn the_file_asks_what_the_preset_asks() {
        let found = Found { scrape_ms: Some(15_000), step_ms: Some(60_000), instance: Some("pod".to_owned()) };
        for preset in PRESETS {
            let labels: Vec<String> = candidates(&options()).iter().flat_map(labels_of).collect();
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let (fit, text) = file(preset.name, &labels, &found);
            let variables = [("baseline", "v1"), ("canary", "v2")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let read =
                load_str("file", &text, &Options { variables, ..Options::default() }).unwrap_or_else(|found| panic!("{found}\n{text}"));
            assert_eq!(read.metrics, fit.candidate.rules.metrics, "{text}");
            assert_eq!(read.arms, fit.candidate.rules.arms, "{text}");
            assert_eq!((read.window.step_ms, read.history.and_then(|history| history.instance)), (Some(60_000), Some("pod".to_owned())));
            assert_eq!(read.name, "shop \"{{x}}\"");
        }
    }

    /// Every label that a preset's selectors match.
    fn labels_of(candidate: &crate::discovery::Candidate) -> Vec<String> {
        use crate::rules::MetricSignal::{Histogram, Promql, Rate, Ratio};
        let selectors = candidate.rules.metrics.iter().flat_map(|metric| match metric.signal.clone() {
            Histogram(selector) | Rate(selector) => vec![selector],
            Ratio { events, total } => vec![events, total],
            Promql(_) => Vec::new(),
        });
        selectors.flat_map(|selector| selector.matchers).map(|matcher| matcher.label).collect()
    }

    #[test]
    fn what_is_left_out_says_why() {
        let (_, text) = file("prom-http", &["version\nx"], &Found::default());
        assert!(text.contains("# error_rate: its events are found by the label code"), "{text}");
        assert!(text.contains("# history: { instance: pod }") && !text.contains("version\nx"), "{text}");
        assert!(load_str("file", &text, &options()).is_ok(), "{text}");
    }

    #[test]
    fn where_nothing_fits_the_message_can_be_copied() {
        let alike = ["app_latency_seconds_bucket", "app_latency_seconds_count", "app_hits_total"].map(str::to_owned);
        let text = nothing_fits(&[("prom-http", vec!["http_requests_total".to_owned()])], &alike, "prometheus at x");
        let yaml: String = text
            .lines()
            .skip_while(|line| !line.contains("schema:"))
            .map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line)))
            .collect();
        let rules = load_str("copied", &yaml, &options()).unwrap_or_else(|found| panic!("{found}\n{yaml}"));
        assert!(rules.to_yaml().contains("app_latency_seconds") && rules.to_yaml().contains("app_hits_total"), "{yaml}");
    }
}
