//! `metrics`: one rule each.

use davy_judge::rule::{Direction, Kind, Method, OnBreach, Rule, Tolerance};

use crate::rules::by::decode_by;
use crate::rules::decode::{Decoder, Fields};
use crate::rules::diagnostic::Severity;
use crate::rules::kayenta::decode_kayenta_metric;
use crate::rules::level::{Dimension, Level, decode_level, decode_tolerance};
use crate::rules::rule_set::{DecisionMethod, MetricRule, Unit};
use crate::rules::signal::{DecodedSignal, decode_signal};
use crate::rules::source_text::Span;
use crate::rules::yaml::{Node, Value};

/// Keys of a metric.
pub const METRIC_KEYS: [&str; 18] = [
    "name",
    "histogram",
    "quantile",
    "ratio",
    "rate",
    "promql",
    "unit",
    "where",
    "by",
    "worse",
    "tolerance",
    "ignore_below",
    "limit",
    "on_breach",
    "required",
    "weight",
    "method",
    "kayenta",
];

/// Words for `worse`.
pub const WORSE: [(&str, Direction); 3] = [("higher", Direction::Higher), ("lower", Direction::Lower), ("either", Direction::Either)];
/// Words for `on_breach`.
pub const ON_BREACH: [(&str, OnBreach); 3] = [("rollback", OnBreach::Rollback), ("hold", OnBreach::Hold), ("warn", OnBreach::Warn)];
/// Words for `method`.
pub const METHOD: [(&str, Method); 4] =
    [("auto", Method::Auto), ("calibrated", Method::Calibrated), ("uncalibrated", Method::Uncalibrated), ("counts", Method::Counts)];

/// Every metric has the same say unless the rules say otherwise.
pub const DEFAULT_WEIGHT: f64 = 1.0;
const MOST_WEIGHT: f64 = 1_000_000.0;
/// Longest name of a metric, in characters: it stands in tables, file names and labels.
const LONGEST_NAME: usize = 80;
/// More metrics in one analysis than anybody reads.
const MOST_METRICS: usize = 500;

/// What the rest of the file says that matters to a metric.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The arms' traffic shares are known.
    pub has_split: bool,
    /// What the verdict comes from.
    pub method: DecisionMethod,
}

/// Reads `metrics`.
pub fn decode_metrics(decoder: &mut Decoder<'_>, root: Span, node: Option<&Node>, asked: Asked) -> Vec<MetricRule> {
    let errors_before = decoder.diagnostics.len();
    let items = match node {
        Some(node) => match decoder.sequence(node, "metrics") {
            Some(items) => items,
            None => return Vec::new(),
        },
        None => &[],
    };
    if items.is_empty() && !decoder.is_partial {
        let span = node.map_or(root, |node| node.span);
        decoder.error(span, "no metric to judge", "add `metrics`, or extend a preset: `extends: [presets/prom-http]`");
        return Vec::new();
    }
    if items.len() > MOST_METRICS {
        decoder.error(items[MOST_METRICS].span, format!("expected at most {MOST_METRICS} metrics, found {}", items.len()), "");
        return Vec::new();
    }
    let mut metrics: Vec<MetricRule> = Vec::new();
    let mut names: Vec<(String, Span)> = Vec::new();
    for item in items {
        let Some(fields) = decoder.mapping(item, "a metric", &METRIC_KEYS) else { continue };
        let name = decode_name(decoder, fields, &names);
        if let Some(name) = &name {
            names.push((name.clone(), fields.get("name").map_or(fields.span(), |node| node.span)));
        }
        let shown = name.clone().unwrap_or_else(|| "?".to_owned());
        let metric = decode_metric(decoder, fields, &shown, asked);
        metrics.extend(metric.filter(|_| name.is_some()));
    }
    let has_new_errors = decoder.diagnostics.len() > errors_before
        && decoder.diagnostics[errors_before..].iter().any(|found| found.severity == Severity::Error);
    // With a broken metric among them nobody knows whether it would have been the required one.
    let counts = |metric: &MetricRule| match asked.method {
        DecisionMethod::Davy => metric.rule.required,
        DecisionMethod::Kayenta => !metric.kayenta.muted,
    };
    if !has_new_errors && !decoder.is_partial && !metrics.iter().any(counts) {
        if asked.method == DecisionMethod::Kayenta {
            let help = "let one metric have `kayenta: { muted: false }`";
            decoder.error(node.map_or(root, |node| node.span), "every metric is muted, so Kayenta would judge none", help);
            return metrics;
        }
        let help = "let one metric have `on_breach: rollback` or `required: true`";
        decoder.error(node.map_or(root, |node| node.span), "no metric is required, so nothing could ever be shown safe", help);
    }
    metrics
}

fn decode_name(decoder: &mut Decoder<'_>, fields: Fields<'_>, names: &[(String, Span)]) -> Option<String> {
    let Some(node) = fields.get("name") else {
        decoder.error(fields.span(), "a metric without `name`", "add for instance `name: latency_p99`");
        return None;
    };
    let name = decoder.text(node, "a metric's name")?;
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/'));
    if !is_plain || name.chars().count() > LONGEST_NAME {
        let message = format!(
            "expected a metric's name of at most {LONGEST_NAME} letters, digits, `_`, `-`, `.`, `:` and `/`, found {}",
            node.describe()
        );
        decoder.error(node.span, message, "");
        return None;
    }
    if let Some((_, first)) = names.iter().find(|(known, _)| *known == name) {
        let place = decoder.texts.place(*first);
        decoder.error(
            node.span,
            format!("a second metric `{name}`; the first is at {}:{}", place.file, place.line),
            "give it another name",
        );
        return None;
    }
    Some(name)
}

fn decode_metric(decoder: &mut Decoder<'_>, fields: Fields<'_>, name: &str, asked: Asked) -> Option<MetricRule> {
    let signal = decode_signal(decoder, fields, name);
    let kind = signal.as_ref().map(|signal| signal.kind);
    // Without a known signal any unit is let through: one mistake, one message.
    let dimension = signal.as_ref().map_or(Dimension::Free, |signal| signal.dimension);
    let worse = decode_worse(decoder, fields, name, kind);
    let levels = decode_levels(decoder, fields, dimension, worse);
    check_asks(decoder, fields, name, asked.method);
    check_levels(decoder, fields, &levels, worse, signal.is_some());
    let on_breach = decode_on_breach(decoder, fields, kind, asked.has_split);
    let required = fields.get("required").and_then(|node| decoder.boolean(node, "required"));
    let weight = decode_weight(decoder, fields, on_breach);
    let method = decode_method(decoder, fields, kind);
    let by = decode_by(decoder, fields, kind, levels.tolerance);
    let kayenta = decode_kayenta_metric(decoder, fields, worse.unwrap_or(Direction::Higher), on_breach);
    let DecodedSignal { signal, kind, .. } = signal?;
    Some(MetricRule {
        rule: Rule {
            name: name.to_owned(),
            kind,
            worse: worse?,
            tolerance: levels.tolerance,
            ignore_below: levels.ignore_below,
            limit: levels.limit,
            on_breach,
            required: required.unwrap_or(on_breach == OnBreach::Rollback),
            weight,
            method,
        },
        signal,
        by,
        unit: levels.unit,
        kayenta,
        place: Some(decoder.texts.place(fields.span())),
    })
}

fn decode_worse(decoder: &mut Decoder<'_>, fields: Fields<'_>, name: &str, kind: Option<Kind>) -> Option<Direction> {
    if let Some(node) = fields.get("worse") {
        return decoder.choice(node, "worse", &WORSE);
    }
    match kind {
        Some(Kind::Rate) => {
            let help = "write `worse: lower` for throughput, `worse: higher` for something that should be rare";
            decoder.error(fields.span(), format!("metric `{name}` is a rate and does not say which way is worse"), help);
            None
        }
        Some(Kind::Quantile(_) | Kind::Ratio | Kind::Scalar) | None => Some(Direction::Higher),
    }
}

struct Levels {
    tolerance: Option<Tolerance>,
    ignore_below: Option<f64>,
    limit: Option<f64>,
    unit: Unit,
    is_sound: bool,
}

fn decode_levels(decoder: &mut Decoder<'_>, fields: Fields<'_>, dimension: Dimension, worse: Option<Direction>) -> Levels {
    let mut unit: Option<(Unit, &str)> = None;
    let mut levels = Levels { tolerance: None, ignore_below: None, limit: None, unit: dimension.unit(), is_sound: true };
    if let Some(node) = fields.get("tolerance") {
        match decode_tolerance(decoder, node, dimension) {
            Some((tolerance, its_unit)) => {
                check_relative(decoder, node, tolerance, worse);
                levels.tolerance = Some(tolerance);
                unit = its_unit.map(|unit| (unit, "tolerance"));
            }
            None => levels.is_sound = false,
        }
    }
    for key in ["ignore_below", "limit"] {
        let Some(node) = fields.get(key) else { continue };
        let Some(Level { value, unit: its_unit }) = decode_level(decoder, node, key, dimension) else {
            levels.is_sound = false;
            continue;
        };
        match unit {
            Some((known, other)) if known != its_unit => {
                let help = "write all of one metric's levels in the same unit";
                decoder.error(node.span, format!("{key} and {other} have different units"), help);
                levels.is_sound = false;
            }
            Some(_) => {}
            None => unit = Some((its_unit, key)),
        }
        match key {
            "limit" => levels.limit = Some(value),
            _ => levels.ignore_below = Some(value),
        }
    }
    levels.unit = unit.map_or(levels.unit, |(unit, _)| unit);
    levels
}

/// `ln(1 − tolerance)` must exist where lower is worse.
fn check_relative(decoder: &mut Decoder<'_>, node: &Node, tolerance: Tolerance, worse: Option<Direction>) {
    let is_downward = matches!(worse, Some(Direction::Lower | Direction::Either));
    if let Tolerance::Relative(share) = tolerance
        && is_downward
        && share >= 1.0
    {
        let message = format!("expected a tolerance below 100% where lower is worse, found {}", node.describe());
        decoder.error(node.span, message, "with 100% the metric could vanish and still be tolerated");
    }
}

/// Kayenta compares arms without either level.
fn check_asks(decoder: &mut Decoder<'_>, fields: Fields<'_>, name: &str, method: DecisionMethod) {
    let nothing_asked = fields.get("tolerance").is_none() && fields.get("limit").is_none();
    if nothing_asked && method == DecisionMethod::Davy && !decoder.is_partial {
        let help = "add `tolerance` (against the baseline), `limit` (on the canary alone) or both";
        decoder.error(fields.span(), format!("metric `{name}` asks nothing: neither tolerance nor limit"), help);
    }
}

fn check_levels(decoder: &mut Decoder<'_>, fields: Fields<'_>, levels: &Levels, worse: Option<Direction>, has_signal: bool) {
    let nothing_asked = fields.get("tolerance").is_none() && fields.get("limit").is_none();
    let is_upward = matches!(worse, Some(Direction::Higher) | None);
    if fields.get("ignore_below").is_some() && !is_upward {
        let message = "`ignore_below` goes with `worse: higher` only: where lower is worse, a small value is no relief";
        decoder.error(fields.key_span("ignore_below"), message, "remove it");
    } else if fields.get("ignore_below").is_some() && fields.get("tolerance").is_none() && !nothing_asked {
        let message = "`ignore_below` without `tolerance` changes nothing: there is no comparison to leave out";
        decoder.error(fields.key_span("ignore_below"), message, "add `tolerance`, or remove it");
    }
    if fields.get("limit").is_some() && worse == Some(Direction::Either) {
        let help = "say `worse: higher` or `worse: lower`, or make two metrics";
        decoder.error(fields.key_span("limit"), "`limit` needs a direction, found `worse: either`", help);
    }
    if let (Some(ignore_below), Some(limit), true, true) = (levels.ignore_below, levels.limit, levels.is_sound, has_signal && is_upward)
        && ignore_below >= limit
    {
        let help = "make the limit higher, or ignore_below lower";
        decoder.error(
            fields.key_span("ignore_below"),
            "`ignore_below` is not below `limit`: the same value would be fine and a breach",
            help,
        );
    }
}

/// A rate without known shares compares instances, which differ for many innocent reasons: it may warn, not decide.
fn decode_on_breach(decoder: &mut Decoder<'_>, fields: Fields<'_>, kind: Option<Kind>, has_split: bool) -> OnBreach {
    let is_rate = kind == Some(Kind::Rate);
    let Some(node) = fields.get("on_breach") else {
        return match (is_rate, has_split) {
            (true, true) => OnBreach::Hold,
            (true, false) => OnBreach::Warn,
            (false, _) => OnBreach::Rollback,
        };
    };
    let on_breach = decoder.choice(node, "on_breach", &ON_BREACH).unwrap_or(OnBreach::Rollback);
    if is_rate && !has_split && on_breach != OnBreach::Warn {
        let help = "add `arms.expected_split`, or write `on_breach: warn`";
        decoder.warn(node.span, "without expected_split a rate is compared per live instance, which is too rough to decide by", help);
    }
    on_breach
}

fn decode_weight(decoder: &mut Decoder<'_>, fields: Fields<'_>, on_breach: OnBreach) -> f64 {
    let Some(node) = fields.get("weight") else { return DEFAULT_WEIGHT };
    let Some(weight) = decoder.number(node, "weight", "`2`") else { return DEFAULT_WEIGHT };
    if !(weight > 0.0 && weight <= MOST_WEIGHT) {
        let help = "to leave a metric out of the decision, write `on_breach: warn`";
        decoder.error(node.span, format!("expected a weight above 0 and at most {MOST_WEIGHT}, found {}", node.describe()), help);
        return DEFAULT_WEIGHT;
    }
    if on_breach != OnBreach::Rollback {
        let help = "only metrics with `on_breach: rollback` share their evidence; the others are tested alone";
        decoder.warn(fields.key_span("weight"), "`weight` has no effect here", help);
    }
    weight
}

fn decode_method(decoder: &mut Decoder<'_>, fields: Fields<'_>, kind: Option<Kind>) -> Method {
    let Some(node) = fields.get("method") else { return Method::Auto };
    if matches!(&node.value, Value::Scalar { text, .. } if text == "kayenta") {
        let help = "write `decision: { method: kayenta }`, and what Kayenta is asked of the metric under `kayenta`";
        decoder.error(node.span, "`kayenta` is no method of one metric: its verdict is one score of all", help);
        return Method::Auto;
    }
    let method = decoder.choice(node, "method", &METHOD).unwrap_or(Method::Auto);
    let has_counts = matches!(kind, Some(Kind::Ratio | Kind::Quantile(_)) | None);
    if method == Method::Counts && !has_counts {
        let help = "write `auto`, `calibrated` or `uncalibrated`";
        decoder.error(node.span, "`counts` needs events among requests: a `ratio` or a `histogram`", help);
    }
    method
}
