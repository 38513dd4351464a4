//! Resolved rules as YAML: for people (`davy rules show`), for recordings, and as what a version is the hash of.

mod kayenta;

use std::fmt::Write as _;

use davy_judge::arm::Arm;
use davy_judge::rule::{Direction, Kind, OnBreach, Tolerance};
use davy_sources::samples::{MatchOp, Matcher, Selector};
use davy_sources::selector::matchers_text;
use sha2::{Digest as _, Sha256};

use crate::rules::decision::{AT_DEADLINE, METHOD as DECISION_METHOD, MODE, ON_MISSING};
use crate::rules::extends::SCHEMA;
use crate::rules::level::Dimension;
use crate::rules::metric::{METHOD, ON_BREACH, WORSE};
use crate::rules::quantity::{duration_text, seconds_text, share_text};
use crate::rules::rule_set::{DecisionMethod, HistoryRule, MetricRule, MetricSignal, RuleSet, Unit};
use crate::rules::signal::{UNIT, dimension_of_histogram};
use crate::rules::variables::escape_text;

/// Hexadecimal digits of a version: enough to tell a company's rule sets apart, short enough to read aloud.
const VERSION_DIGITS: usize = 12;

impl RuleSet {
    /// The rules with everything resolved and every default written out. Reading it again gives an equal rule set.
    pub fn to_yaml(&self) -> String {
        self.write(true, true)
    }

    /// The same without what only reports show and nothing is decided by: what an analysis' number and its draws come from.
    pub fn decisive_yaml(&self) -> String {
        self.write(true, false)
    }

    fn write(&self, with_arms: bool, with_comparison: bool) -> String {
        let mut yaml = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(yaml, "schema: {SCHEMA}\nname: {}", quoted_text(&self.name));
        self.write_arms(&mut yaml, with_arms);
        self.write_settings(&mut yaml);
        let with_kayenta = with_comparison || self.decision.method == DecisionMethod::Kayenta;
        if let Some(settings) = kayenta::kayenta_yaml(&self.kayenta).filter(|_| with_kayenta) {
            let _ = writeln!(yaml, "kayenta: {settings}");
        }
        if self.compares_kayenta && with_comparison {
            yaml.push_str("compare: [kayenta]\n");
        }
        yaml.push_str("metrics:\n");
        for metric in &self.metrics {
            write_metric(&mut yaml, metric);
            if let Some(settings) = kayenta::kayenta_metric_yaml(metric).filter(|_| with_kayenta) {
                let _ = writeln!(yaml, "    kayenta: {settings}");
            }
        }
        yaml
    }

    fn write_arms(&self, yaml: &mut String, with_arms: bool) {
        let mut lines = Vec::new();
        for arm in Arm::BOTH {
            let matchers = self.arms.get(arm);
            if with_arms && !matchers.is_empty() {
                lines.push(format!("  {}: {}", arm.name(), matchers_yaml(matchers, None)));
            }
        }
        if let Some(split) = self.expected_split {
            lines.push(format!("  expected_split: {{ baseline: {}, canary: {} }}", split.baseline, split.canary));
        }
        if !lines.is_empty() {
            let _ = writeln!(yaml, "arms:\n{}", lines.join("\n"));
        }
    }

    fn write_settings(&self, yaml: &mut String) {
        let _ = writeln!(yaml, "history: {}", self.history.as_ref().map_or("false".to_owned(), history_yaml));
        let mut window = Vec::new();
        if let Some(step_ms) = self.window.step_ms {
            window.push(format!("step: {}", duration_text(step_ms)));
        }
        if let Some(warmup_ms) = self.window.warmup_ms {
            window.push(format!("warmup: {}", duration_text(warmup_ms)));
        }
        window.push(format!("deadline: {}", duration_text(self.window.deadline_ms)));
        window.push(format!("min_windows: {}", self.window.min_windows));
        let _ = writeln!(yaml, "window: {{ {} }}", window.join(", "));
        let method = match self.decision.method {
            DecisionMethod::Davy => String::new(),
            method @ DecisionMethod::Kayenta => format!("method: {}, ", word(&DECISION_METHOD, method)),
        };
        let _ = writeln!(
            yaml,
            "decision: {{ {method}false_rollback: {}, false_promote: {}, at_deadline: {}, on_missing: {}, mode: {} }}",
            share_text(self.decision.false_rollback, "%"),
            share_text(self.decision.false_promote, "%"),
            word(&AT_DEADLINE, self.decision.at_deadline),
            word(&ON_MISSING, self.decision.on_missing),
            word(&MODE, self.mode),
        );
        match self.breaker {
            Some(breaker) => {
                let davy_judge::rule::Breaker { ratio, windows, min_events } = breaker;
                let _ = writeln!(yaml, "breaker: {{ ratio: {ratio}, windows: {windows}, min_events: {min_events} }}");
            }
            None => yaml.push_str("breaker: false\n"),
        }
    }
}

/// The version of what the rules ask; see [`RuleSet::version`].
pub fn version_of(rules: &RuleSet) -> String {
    let digest = Sha256::digest(rules.write(false, false).as_bytes());
    let mut version: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    version.truncate(VERSION_DIGITS);
    version
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map(|(word, _)| *word).expect("every value has its word")
}

fn history_yaml(history: &HistoryRule) -> String {
    let mut parts = vec![format!("last: {}", duration_text(history.last_ms))];
    if let Some(instance) = &history.instance {
        parts.push(format!("instance: {}", quoted_text(instance)));
    }
    parts.push(format!("pseudo_canaries: {}", history.pseudo_canaries));
    parts.push(format!("max_samples: {}", history.max_samples));
    if let Some(from) = &history.from {
        parts.push(format!("from: {}", matchers_yaml(from, None)));
    }
    format!("{{ {} }}", parts.join(", "))
}

/// A mapping, or where a label stands twice the text form. `variable`: a label, and the variable that stands for its value
/// (where no label stands twice).
pub(crate) fn matchers_yaml(matchers: &[Matcher], variable: Option<(&str, &str)>) -> String {
    let is_repeated = matchers.windows(2).any(|pair| pair[0].label == pair[1].label);
    if is_repeated {
        return quoted(&brace_safe(&matchers_text(matchers)));
    }
    let parts: Vec<String> = matchers
        .iter()
        .map(|matcher| match variable {
            Some((label, name)) if label == matcher.label => format!("{}: \"{{{{ {name} }}}}\"", quoted(label)),
            Some(_) | None => format!("{}: {}", quoted(&matcher.label), matcher_yaml(matcher)),
        })
        .collect();
    format!("{{ {} }}", parts.join(", "))
}

fn matcher_yaml(matcher: &Matcher) -> String {
    let needs_sign = matcher.op != MatchOp::Equal || matcher.value.starts_with(['=', '!']);
    let sign = if needs_sign { matcher.op.symbol() } else { "" };
    quoted(&format!("{sign}{}", escape_text(&matcher.value)))
}

fn write_metric(yaml: &mut String, metric: &MetricRule) {
    let MetricRule { rule, signal, by, unit, kayenta: _, place: _ } = metric;
    let _ = writeln!(yaml, "  - name: {}", quoted_text(&rule.name));
    let mut line = |key: &str, value: String| {
        let _ = writeln!(yaml, "    {key}: {value}");
    };
    match signal {
        MetricSignal::Histogram(selector) => line("histogram", selector_yaml(selector)),
        MetricSignal::Ratio { events, total } => {
            line("ratio", format!("{{ events: {}, total: {} }}", selector_yaml(events), selector_yaml(total)));
        }
        MetricSignal::Rate(selector) => line("rate", selector_yaml(selector)),
        MetricSignal::Promql(expression) => line("promql", quoted(expression)),
    }
    if let Kind::Quantile(quantile) = rule.kind {
        line("quantile", format!("{quantile}"));
    }
    if let Some(word) = written_unit(metric) {
        line("unit", word.to_owned());
    }
    if !by.is_empty() {
        let labels: Vec<String> = by.iter().map(|label| quoted_text(label)).collect();
        line("by", format!("[{}]", labels.join(", ")));
    }
    line("worse", word(&WORSE, rule.worse).to_owned());
    match rule.tolerance {
        Some(Tolerance::Relative(share)) => line("tolerance", share_text(share, "%")),
        Some(Tolerance::Absolute(value)) if *unit == Unit::Ratio => line("tolerance", share_text(value, "pp")),
        Some(Tolerance::Absolute(value)) => line("tolerance", level_text(value, *unit)),
        None => {}
    }
    if let Some(value) = rule.ignore_below.filter(|_| rule.worse == Direction::Higher) {
        line("ignore_below", level_text(value, *unit));
    }
    if let Some(value) = rule.limit {
        line("limit", level_text(value, *unit));
    }
    line("on_breach", word(&ON_BREACH, rule.on_breach).to_owned());
    line("required", rule.required.to_string());
    line("weight", format!("{}", rule.weight));
    line("method", word(&METHOD, rule.method).to_owned());
}

/// `unit`, where neither a histogram's name nor the levels' own units tell it.
fn written_unit(metric: &MetricRule) -> Option<&'static str> {
    let MetricRule { rule, signal, unit, .. } = metric;
    let named = match signal {
        MetricSignal::Histogram(selector) => dimension_of_histogram(&selector.name),
        MetricSignal::Promql(_) => Dimension::Free,
        MetricSignal::Ratio { .. } | MetricSignal::Rate(_) => return None,
    };
    let has_levels = matches!(rule.tolerance, Some(Tolerance::Absolute(_))) || rule.ignore_below.is_some() || rule.limit.is_some();
    // Levels that are times make a metric of unknown unit one of seconds.
    let told = if named == Dimension::Free && has_levels { Unit::Seconds } else { named.unit() };
    UNIT.iter().find(|(_, known)| known == unit && *unit != told).map(|(word, _)| *word)
}

/// A metric without what would be so by default: for files that people go on with.
pub(crate) fn brief_metric(metric: &MetricRule) -> String {
    let mut whole = String::new();
    write_metric(&mut whole, metric);
    let rule = &metric.rule;
    let is_rate = rule.kind == Kind::Rate;
    let mut defaults = vec!["    weight: 1".to_owned(), "    method: auto".to_owned()];
    let usual = if is_rate { OnBreach::Warn } else { OnBreach::Rollback };
    if rule.on_breach == usual {
        defaults.push(format!("    on_breach: {}", word(&ON_BREACH, usual)));
    }
    if rule.required == (rule.on_breach == OnBreach::Rollback) {
        defaults.push(format!("    required: {}", rule.required));
    }
    if !is_rate {
        defaults.push("    worse: higher".to_owned());
    }
    whole.lines().filter(|line| !defaults.iter().any(|usual| usual == line)).map(|line| format!("{line}\n")).collect()
}

fn level_text(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => seconds_text(value),
        Unit::Milliseconds => format!("{value}ms"),
        Unit::Ratio => share_text(value, "%"),
        Unit::PerSecond | Unit::Plain => format!("{value}"),
    }
}

fn selector_yaml(selector: &Selector) -> String {
    quoted(&brace_safe(&selector.to_string()))
}

/// PromQL in which no two braces look like a variable; inside its strings `\x7b` is a brace.
fn brace_safe(promql: &str) -> String {
    promql.replace("{{", "{\\x7b")
}

pub(crate) fn quoted_text(text: &str) -> String {
    quoted(&escape_text(text))
}

/// A double-quoted YAML scalar on one line.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // YAML breaks lines at some of these and forbids others.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
