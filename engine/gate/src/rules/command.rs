//! The library half of `davy rules check|show|schema|init`: text in, text out, no terminal.

use std::path::{Path, PathBuf};

use crate::rules::diagnostic::{Diagnostic, Diagnostics, Severity, render};
use crate::rules::extends::SCHEMA;
use crate::rules::load::{load_file, load_path, load_preset};
use crate::rules::presets::preset as shipped_preset;
use crate::rules::rule_set::{MetricRule, MetricSignal, Options, RuleSet};
use crate::rules::schema::schema_text;
use crate::rules::variables::Unset;

/// How a check is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckFormat {
    /// For people.
    Text {
        /// With terminal colours.
        colour: bool,
    },
    /// One array of diagnostics.
    Json,
}

/// What came of checking rule files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What to print.
    pub text: String,
    /// Mistakes: with any, the files cannot be used (exit 2).
    pub errors: usize,
    /// What is allowed but probably not meant.
    pub warnings: usize,
}

/// Checks rule files; `presets/NAME` is understood too. Variables that are not given stand for themselves, so that a file
/// can be checked without a rollout at hand.
pub fn check(paths: &[PathBuf], options: &Options, format: CheckFormat) -> Checked {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut lines = String::new();
    for path in paths {
        match load_any(path, options, Unset::NameItself) {
            Ok(rules) => {
                lines.push_str(&format!("{}: {}\n", path.display(), summary(&rules)));
                found.extend(rules.warnings);
            }
            Err(Diagnostics(mistakes)) => found.extend(mistakes),
        }
    }
    let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let warnings = found.len() - errors;
    let text = match format {
        CheckFormat::Text { colour } => format!("{}{lines}", render(&found, colour)),
        CheckFormat::Json => format!("{}\n", Diagnostics(found).to_json()),
    };
    Checked { text, errors, warnings }
}

/// The rules with presets, variables and defaults resolved, as YAML; the version and where each metric was written stand in
/// comments.
///
/// # Errors
/// Every mistake in any of the files.
pub fn show(path: &Path, options: &Options) -> Result<String, Diagnostics> {
    let rules = load_any(path, options, Unset::Refuse)?;
    let mut text = format!("# {}\n", summary(&rules));
    for MetricRule { rule, place, .. } in &rules.metrics {
        if let Some(place) = place {
            text.push_str(&format!("# {} from {}:{}\n", rule.name, place.file, place.line));
        }
    }
    text.push_str(&rules.to_yaml());
    Ok(text)
}

/// The JSON Schema of rule files, for editors.
pub fn schema() -> String {
    schema_text()
}

/// A rule file to start from, for a service and a preset's name.
///
/// # Errors
/// There is no such preset.
pub fn init(name: &str, preset: &str) -> Result<String, Diagnostics> {
    let plain = preset.strip_prefix("presets/").unwrap_or(preset);
    let rules = load_preset(plain, &Options::default())?;
    let shipped = shipped_preset(plain).expect("it was loaded");
    let about = shipped.about;
    let [baseline, canary] = ["baseline", "canary"].map(|arm| shipped.arm.replace("ARM", arm));
    let shown = serde_json::to_string(name).expect("a text always serializes");
    let metrics: Vec<String> =
        rules.metrics.iter().map(|metric| format!("#   {}: {}", metric.rule.name, source_text(&metric.signal))).collect();
    Ok(format!(
        "# What every key means: docs/rules.md. Check with `davy rules check`, see the whole with `davy rules show`.
schema: {SCHEMA}
name: {shown}

# {about}:
{}
extends: [presets/{plain}]

# Labels that tell the arms apart. A value in double braces is given with each rollout: `--var baseline=v1`.
arms:
  baseline: {{ {baseline} }}
  canary: {{ {canary} }}
  # expected_split: {{ baseline: 95, canary: 5 }}

# history: {{ last: 4h, instance: pod }}
# window: {{ step: 60s, warmup: 5m, deadline: 60m, min_windows: 10 }}
# decision: {{ mode: shadow }}   # say the verdict, but never stop a rollout

metrics:
  # What is written here is laid over the preset's metric of the same name.
  - name: {}
    tolerance: 10%
    # limit: 800ms
",
        metrics.join("\n"),
        rules.metrics.first().map_or("latency_p99", |metric| metric.rule.name.as_str()),
    ))
}

fn load_any(path: &Path, options: &Options, unset: Unset) -> Result<RuleSet, Diagnostics> {
    let preset = path.to_str().and_then(|text| text.strip_prefix("presets/")).filter(|_| !path.exists());
    match (preset, unset) {
        (Some(name), _) => load_preset(name, options),
        (None, Unset::Refuse) => load_file(path, options),
        (None, Unset::NameItself) => load_path(path, options, unset),
    }
}

fn summary(rules: &RuleSet) -> String {
    let count = rules.metrics.len();
    let required = rules.metrics.iter().filter(|metric| metric.rule.required).count();
    let plural = if count == 1 { "" } else { "s" };
    format!("{} (version {}), {count} metric{plural}, {required} required before a promotion", rules.name, rules.version)
}

fn source_text(signal: &MetricSignal) -> String {
    match signal {
        MetricSignal::Histogram(selector) => format!("histogram {selector}"),
        MetricSignal::Ratio { events, total } => format!("{events} of {total}"),
        MetricSignal::Rate(selector) => format!("rate of {selector}"),
        MetricSignal::Promql(expression) => expression.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::load::load_str;
    use crate::rules::presets::preset_names;

    fn fixtures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/rules")
    }

    #[test]
    fn a_check_needs_no_variables() {
        let path = fixtures().join("valid/sketch.yaml");
        let checked = check(&[path], &Options::default(), CheckFormat::Text { colour: false });
        assert_eq!((checked.errors, checked.warnings), (0, 0), "{}", checked.text);
        assert!(checked.text.contains("4 metrics, 2 required"), "{}", checked.text);
    }

    #[test]
    fn all_files_are_checked() {
        let paths = ["invalid/units.yaml", "invalid/sources.yaml", "valid/warnings.yaml", "nowhere.yaml"].map(|name| fixtures().join(name));
        let text = check(&paths, &Options::default(), CheckFormat::Text { colour: false });
        assert_eq!((text.errors, text.warnings), (29, 9), "{}", text.text);
        let json = check(&paths, &Options::default(), CheckFormat::Json);
        let read: serde_json::Value = serde_json::from_str(&json.text).unwrap();
        assert_eq!(read.as_array().unwrap().len(), 38);
        assert_eq!(read[0]["severity"], "error");
        assert_eq!(read[0]["line"], 3);
        assert!(read[0]["file"].as_str().unwrap().ends_with("units.yaml"));
    }

    #[test]
    fn what_is_shown_can_be_used() {
        let text = show(Path::new("presets/prom-http"), &Options::default()).unwrap();
        assert!(text.contains("# latency_p99 from presets/prom-http:"), "{text}");
        assert_eq!(load_str("shown", &text, &Options::default()), load_preset("prom-http", &Options::default()));
    }

    #[test]
    fn a_first_file_is_valid_whatever_the_name() {
        let names = preset_names().into_iter().map(|preset| ("checkout", preset)).chain([("a \"b\": {c}", "presets/otel-http")]);
        for (name, preset) in names {
            let text = init(name, preset).unwrap();
            let variables = ["baseline", "canary", "ingress"].map(|name| (name.to_owned(), name.to_owned())).into();
            let rules =
                load_str("init", &text, &Options { variables, ..Options::default() }).unwrap_or_else(|found| panic!("{found}\n{text}"));
            assert_eq!(rules.name, name);
            assert_eq!(rules.warnings, vec![], "{text}");
            assert!(rules.missing_arms().is_empty());
        }
        assert!(init("x", "prom-htp").unwrap_err().to_text().contains("did you mean `prom-http`"));
    }
}
