//! What is said of Kayenta, as YAML; nothing where it is what it would be by default.

use davy_judge::fixed_horizon::kayenta::{EffectSize, Outliers};
use davy_judge::kayenta::KayentaMetric;

use super::{quoted_text, word};
use crate::rules::kayenta::{MEASURE, NAN, default_metric};
use crate::rules::quantity::duration_text;
use crate::rules::rule_set::{KayentaRule, MetricRule};

/// The value of `kayenta`.
pub(super) fn kayenta_yaml(rule: &KayentaRule) -> Option<String> {
    if *rule == KayentaRule::default() {
        return None;
    }
    let mut parts = vec![format!("pass: {}", rule.pass), format!("marginal: {}", rule.marginal)];
    if let Some(interval_ms) = rule.interval_ms {
        parts.push(format!("interval: {}", duration_text(interval_ms)));
    }
    if !rule.weights.is_empty() {
        let weights: Vec<String> = rule.weights.iter().map(|(group, weight)| format!("{}: {weight}", quoted_text(group))).collect();
        parts.push(format!("weights: {{ {} }}", weights.join(", ")));
    }
    Some(format!("{{ {} }}", parts.join(", ")))
}

/// The value of a metric's `kayenta`.
pub(super) fn kayenta_metric_yaml(metric: &MetricRule) -> Option<String> {
    let KayentaMetric { settings, muted, groups } = &metric.kayenta;
    let usual = default_metric(metric.rule.worse, metric.rule.on_breach);
    if metric.kayenta == usual {
        return None;
    }
    let mut parts = vec![format!("nan: {}", word(&NAN, settings.nan))];
    if let Outliers::Remove(factor) = settings.outliers {
        parts.push(format!("outliers: {factor}"));
    }
    let EffectSize { measure, allowed, critical } = settings.effect_size;
    parts.push(format!(
        "effect_size: {{ measure: {}, allowed_increase: {}, allowed_decrease: {}, critical_increase: {}, critical_decrease: {} }}",
        word(&MEASURE, measure),
        allowed.increase,
        allowed.decrease,
        critical.increase,
        critical.decrease
    ));
    parts.push(format!("critical: {}, must_have_data: {}, muted: {muted}", settings.critical, settings.must_have_data));
    let names: Vec<String> = groups.iter().map(|group| quoted_text(group)).collect();
    parts.push(format!("groups: [{}]", names.join(", ")));
    Some(format!("{{ {} }}", parts.join(", ")))
}
