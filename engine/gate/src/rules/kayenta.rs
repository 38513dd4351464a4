//! `kayenta` and `compare`: what Kayenta is asked, for `decision.method: kayenta` and for the comparison in reports.

use davy_judge::fixed_horizon::kayenta::{EffectSize, Measure, NanStrategy, Outliers, Settings};
use davy_judge::kayenta::{KayentaMetric, KayentaPolicy};
use davy_judge::rule::{Direction, OnBreach};

use crate::rules::decode::{Decoder, Fields};
use crate::rules::rule_set::{DecisionMethod, KayentaRule, MetricRule, RuleSet};
use crate::rules::yaml::{Node, Value};

/// Keys of `kayenta`.
pub const KAYENTA_KEYS: [&str; 4] = ["pass", "marginal", "interval", "weights"];
/// Keys of a metric's `kayenta`.
pub const KAYENTA_METRIC_KEYS: [&str; 7] = ["nan", "outliers", "effect_size", "critical", "must_have_data", "muted", "groups"];
/// Keys of `effect_size`.
pub const EFFECT_SIZE_KEYS: [&str; 5] = ["measure", "allowed_increase", "allowed_decrease", "critical_increase", "critical_decrease"];
/// Words for `nan`.
pub const NAN: [(&str, NanStrategy); 2] = [("remove", NanStrategy::Remove), ("replace", NanStrategy::Replace)];
/// Words for `measure`.
pub const MEASURE: [(&str, Measure); 2] = [("mean_ratio", Measure::MeanRatio), ("cles", Measure::Cles)];
/// Words for `compare`.
const COMPARE: [(&str, ()); 1] = [("kayenta", ())];

/// Kayenta itself has no defaults; these are those of its handbooks' examples.
pub const DEFAULT_PASS: f64 = 95.0;
/// See [`DEFAULT_PASS`].
pub const DEFAULT_MARGINAL: f64 = 75.0;
/// The group of metrics that name none: a metric without a group would not count.
pub const DEFAULT_GROUP: &str = "metrics";
/// The metric's own are the longest names that are shown; a group's may be as long.
const LONGEST_GROUP: usize = 80;
const LEAST_INTERVAL_MS: i64 = 1_000;
const MOST_INTERVAL_MS: i64 = 14 * 86_400_000;

impl Default for KayentaRule {
    fn default() -> Self {
        KayentaRule { pass: DEFAULT_PASS, marginal: DEFAULT_MARGINAL, interval_ms: None, weights: Vec::new() }
    }
}

/// What Kayenta is asked of a metric that says nothing of it.
pub fn default_metric(worse: Direction, on_breach: OnBreach) -> KayentaMetric {
    KayentaMetric {
        settings: Settings { direction: worse, ..Settings::default() },
        muted: on_breach == OnBreach::Warn,
        groups: vec![DEFAULT_GROUP.to_owned()],
    }
}

/// Reads `kayenta`.
pub fn decode_kayenta(decoder: &mut Decoder<'_>, node: Option<&Node>) -> KayentaRule {
    let mut rule = KayentaRule::default();
    let Some(fields) = node.and_then(|node| decoder.mapping(node, "kayenta", &KAYENTA_KEYS)) else { return rule };
    for (key, score) in [("pass", &mut rule.pass), ("marginal", &mut rule.marginal)] {
        if let Some(node) = fields.get(key) {
            *score = between(decoder, node, &format!("kayenta.{key}"), 100.0).unwrap_or(*score);
        }
    }
    if rule.marginal > rule.pass {
        let message = format!("expected kayenta.marginal to be at most kayenta.pass ({}), found {}", rule.pass, rule.marginal);
        decoder.error(fields.span(), message, "a score between both holds");
    }
    if let Some(interval) = fields.get("interval") {
        rule.interval_ms = decoder.duration_ms(interval, "kayenta.interval", LEAST_INTERVAL_MS, MOST_INTERVAL_MS);
    }
    if let Some(weights) = fields.get("weights") {
        rule.weights = decode_weights(decoder, weights);
    }
    rule
}

fn decode_weights(decoder: &mut Decoder<'_>, node: &Node) -> Vec<(String, f64)> {
    let Value::Mapping(entries) = &node.value else {
        let message = format!("expected groups with their weights for kayenta.weights, found {}", node.describe());
        decoder.error(node.span, message, "write `{ latency: 40, errors: 60 }`");
        return Vec::new();
    };
    let mut weights: Vec<(String, f64)> =
        entries.iter().filter_map(|entry| Some((entry.key.clone(), between(decoder, &entry.value, "a group's weight", 100.0)?))).collect();
    weights.sort_by(|one, other| one.0.cmp(&other.0));
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if sum > 100.0 + 1e-9 {
        decoder.error(
            node.span,
            format!("expected weights of at most 100 together, found {sum}"),
            "groups without a weight share the rest",
        );
    }
    weights
}

fn between(decoder: &mut Decoder<'_>, node: &Node, what: &str, most: f64) -> Option<f64> {
    let number = decoder.number(node, what, "`75`")?;
    if (0.0..=most).contains(&number) {
        return Some(number);
    }
    decoder.error(node.span, format!("expected 0 to {most} for {what}, found {}", node.describe()), "");
    None
}

/// Reads a metric's `kayenta`.
pub fn decode_kayenta_metric(decoder: &mut Decoder<'_>, fields: Fields<'_>, worse: Direction, on_breach: OnBreach) -> KayentaMetric {
    let mut metric = default_metric(worse, on_breach);
    let Some(fields) = fields.get("kayenta").and_then(|node| decoder.mapping(node, "a metric's kayenta", &KAYENTA_METRIC_KEYS)) else {
        return metric;
    };
    let settings = &mut metric.settings;
    if let Some(node) = fields.get("nan") {
        settings.nan = decoder.choice(node, "kayenta.nan", &NAN).unwrap_or(settings.nan);
    }
    if let Some(node) = fields.get("outliers") {
        settings.outliers = decode_outliers(decoder, node);
    }
    if let Some(node) = fields.get("effect_size") {
        settings.effect_size = decode_effect_size(decoder, node);
    }
    for (key, flag) in
        [("critical", &mut settings.critical), ("must_have_data", &mut settings.must_have_data), ("muted", &mut metric.muted)]
    {
        if let Some(node) = fields.get(key) {
            *flag = decoder.boolean(node, &format!("kayenta.{key}")).unwrap_or(*flag);
        }
    }
    if let Some(node) = fields.get("groups") {
        metric.groups = decode_groups(decoder, node).unwrap_or(metric.groups);
    }
    metric
}

/// `keep`, or the factor beyond which outliers are removed.
fn decode_outliers(decoder: &mut Decoder<'_>, node: &Node) -> Outliers {
    if matches!(&node.value, Value::Scalar { text, .. } if text == "keep") {
        return Outliers::Keep;
    }
    let number = decoder.number(node, "kayenta.outliers", "`keep`, or `3` to remove what lies beyond 3 interquartile ranges");
    match number {
        Some(factor) if (0.0..=1e6).contains(&factor) => Outliers::Remove(factor),
        Some(_) => {
            decoder.error(node.span, format!("expected `keep` or a factor from 0 for kayenta.outliers, found {}", node.describe()), "");
            Outliers::Keep
        }
        None => Outliers::Keep,
    }
}

fn decode_effect_size(decoder: &mut Decoder<'_>, node: &Node) -> EffectSize {
    let mut size = EffectSize::of(Measure::default());
    let Some(fields) = decoder.mapping(node, "effect_size", &EFFECT_SIZE_KEYS) else { return size };
    if let Some(node) = fields.get("measure") {
        size = EffectSize::of(decoder.choice(node, "effect_size.measure", &MEASURE).unwrap_or_default());
    }
    let most = match size.measure {
        Measure::MeanRatio => 1e6,
        Measure::Cles => 1.0,
    };
    for (key, threshold) in [
        ("allowed_increase", &mut size.allowed.increase),
        ("allowed_decrease", &mut size.allowed.decrease),
        ("critical_increase", &mut size.critical.increase),
        ("critical_decrease", &mut size.critical.decrease),
    ] {
        if let Some(node) = fields.get(key) {
            *threshold = between(decoder, node, &format!("effect_size.{key}"), most).unwrap_or(*threshold);
        }
    }
    size
}

fn decode_groups(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<String>> {
    let items = decoder.sequence(node, "kayenta.groups")?;
    if items.is_empty() {
        decoder.error(node.span, "expected a group at least, found none", "to leave the metric out of the score, write `muted: true`");
        return None;
    }
    let mut groups: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        let group = decoder.text(item, "a group's name")?;
        let length = group.chars().count();
        if length == 0 || length > LONGEST_GROUP || group.chars().any(char::is_control) {
            decoder.error(item.span, format!("expected a group's name of 1 to {LONGEST_GROUP} characters, found {}", item.describe()), "");
            return None;
        }
        if groups.contains(&group) {
            decoder.error(item.span, format!("the group `{group}` stands twice"), "keep one of them");
            return None;
        }
        groups.push(group);
    }
    Some(groups)
}

/// Reads `compare`: whose judgement reports also show. True: Kayenta's.
pub fn decode_compare(decoder: &mut Decoder<'_>, node: Option<&Node>) -> bool {
    let Some(items) = node.and_then(|node| decoder.sequence(node, "compare")) else { return false };
    let mut compares = false;
    for item in items {
        compares |= decoder.choice(item, "compare", &COMPARE).is_some();
    }
    compares
}

/// What only the whole file shows.
pub fn check_kayenta(decoder: &mut Decoder<'_>, root: Fields<'_>, rule: &KayentaRule, method: DecisionMethod, metrics: &[MetricRule]) {
    let place = root.get("kayenta").map_or(root.span(), |node| node.span);
    let is_used = |group: &String| metrics.iter().any(|metric| !metric.kayenta.muted && metric.kayenta.groups.contains(group));
    if !decoder.is_partial {
        for (group, _) in rule.weights.iter().filter(|(group, _)| !is_used(group)) {
            let help = "name it in a metric's `kayenta: { groups: […] }`, or take its weight away: its share of the score is lost";
            decoder.warn(place, format!("no metric counts in the group `{group}`"), help);
        }
    }
    if rule.interval_ms.is_some() && method == DecisionMethod::Davy {
        let help = "write `decision: { method: kayenta }`, or remove it: the comparison in reports is a single look";
        decoder.warn(place, "`kayenta.interval` has no effect here", help);
    }
}

impl RuleSet {
    /// What Kayenta is asked at a step in milliseconds, above 0.
    pub fn kayenta_policy(&self, step_ms: i64) -> KayentaPolicy {
        let look_every =
            self.kayenta.interval_ms.map(|interval_ms| usize::try_from(interval_ms / step_ms.max(1)).unwrap_or(usize::MAX).max(1));
        KayentaPolicy {
            metrics: self.metrics.iter().map(|metric| metric.kayenta.clone()).collect(),
            weights: self.kayenta.weights.clone(),
            pass: self.kayenta.pass,
            marginal: self.kayenta.marginal,
            look_every,
        }
    }
}
