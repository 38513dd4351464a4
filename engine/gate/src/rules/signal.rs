//! Where a metric's numbers come from: exactly one of `histogram`, `ratio`, `rate` and `promql`.

use davy_judge::rule::Kind;
use davy_sources::samples::{Matcher, Selector};
use davy_sources::selector::check_template;

use crate::rules::decode::{Decoder, Fields};
use crate::rules::level::Dimension;
use crate::rules::matchers::decode_matchers;
use crate::rules::quantity::{Quantity, number_text};
use crate::rules::rule_set::{MetricSignal, Unit};
use crate::rules::suggest::one_of;
use crate::rules::yaml::Node;

/// Keys of which a metric has exactly one.
pub const SIGNAL_KEYS: [&str; 4] = ["histogram", "ratio", "rate", "promql"];
/// Keys of `ratio`.
pub const RATIO_KEYS: [&str; 2] = ["events", "total"];
/// Words for `unit`.
pub const UNIT: [(&str, Unit); 2] = [("s", Unit::Seconds), ("ms", Unit::Milliseconds)];

/// A signal and what follows from it.
pub struct DecodedSignal {
    /// Where the numbers come from.
    pub signal: MetricSignal,
    /// What they are.
    pub kind: Kind,
    /// Which units fit.
    pub dimension: Dimension,
}

/// Reads a metric's signal with its `quantile` and `where`.
pub fn decode_signal(decoder: &mut Decoder<'_>, fields: Fields<'_>, name: &str) -> Option<DecodedSignal> {
    let present: Vec<&str> = SIGNAL_KEYS.into_iter().filter(|key| fields.get(key).is_some()).collect();
    let where_matchers = decode_where(decoder, fields, present.contains(&"promql"));
    let quantile = decode_quantile(decoder, fields, &present);
    let unit = decode_unit(decoder, fields, &present);
    let key = match present.as_slice() {
        [only] => *only,
        [] => {
            if !decoder.is_partial {
                let help = "add `histogram` (with `quantile`), `ratio`, `rate` or `promql`";
                decoder.error(fields.span(), format!("metric `{name}` has no source: expected {}", one_of(&SIGNAL_KEYS)), help);
            }
            return None;
        }
        [_, second, ..] => {
            let message = format!("metric `{name}` has several sources: {}", present.join(", "));
            decoder.error(fields.key_span(second), message, "keep one of them, or make two metrics");
            return None;
        }
    };
    let node = fields.get(key)?;
    match key {
        "histogram" => {
            let selector = decode_selector(decoder, node, "histogram").and_then(|selector| check_histogram(decoder, node, selector))?;
            let named = dimension_of_histogram(&selector.name);
            warn_of_other_unit(decoder, fields, &selector.name, unit);
            let dimension = unit.map_or(named, Dimension::Time);
            let signal = MetricSignal::Histogram(selector.with(&where_matchers?));
            Some(DecodedSignal { signal, kind: Kind::Quantile(quantile?), dimension })
        }
        "ratio" => {
            let (events, total) = decode_ratio(decoder, node)?;
            let matchers = where_matchers?;
            let signal = MetricSignal::Ratio { events: events.with(&matchers), total: total.with(&matchers) };
            Some(DecodedSignal { signal, kind: Kind::Ratio, dimension: Dimension::Ratio })
        }
        "rate" => {
            let selector = decode_selector(decoder, node, "rate")?;
            Some(DecodedSignal {
                signal: MetricSignal::Rate(selector.with(&where_matchers?)),
                kind: Kind::Rate,
                dimension: Dimension::Rate,
            })
        }
        _ => {
            let expression = decode_promql(decoder, node)?;
            let dimension = unit.map_or(Dimension::Free, Dimension::Time);
            Some(DecodedSignal { signal: MetricSignal::Promql(expression), kind: Kind::Scalar, dimension })
        }
    }
}

fn decode_where(decoder: &mut Decoder<'_>, fields: Fields<'_>, is_promql: bool) -> Option<Vec<Matcher>> {
    let Some(node) = fields.get("where") else { return Some(Vec::new()) };
    if is_promql {
        let help = "write the matchers into the expression, beside `{{arm}}`";
        decoder.error(fields.key_span("where"), "`where` cannot be added to a `promql` expression", help);
        return None;
    }
    decode_matchers(decoder, node, "where")
}

fn decode_quantile(decoder: &mut Decoder<'_>, fields: Fields<'_>, present: &[&str]) -> Option<f64> {
    let Some(node) = fields.get("quantile") else {
        if present == ["histogram"] && !decoder.is_partial {
            decoder.error(fields.key_span("histogram"), "`histogram` without `quantile`", "add for instance `quantile: 0.99`");
        }
        return None;
    };
    if !present.contains(&"histogram") && !present.is_empty() {
        decoder.error(fields.key_span("quantile"), "`quantile` belongs to `histogram`", "remove it");
        return None;
    }
    let quantity = decoder.quantity(node, "quantile", "`0.99`")?;
    let number = match quantity {
        Quantity::Plain(number) => number,
        Quantity::Percent(share) => share * 100.0,
        Quantity::PercentagePoints(_) | Quantity::Seconds(_) => f64::NAN,
    };
    if matches!(quantity, Quantity::Plain(_)) && number > 0.0 && number < 1.0 {
        return Some(number);
    }
    let help =
        if number > 1.0 && number < 100.0 { format!("write `{}`", number_text(number / 100.0)) } else { "write it like `0.99`".to_owned() };
    decoder.error(node.span, format!("expected a number between 0 and 1 for quantile, found {}", node.describe()), help);
    None
}

fn decode_unit(decoder: &mut Decoder<'_>, fields: Fields<'_>, present: &[&str]) -> Option<Unit> {
    let node = fields.get("unit")?;
    if let [only @ ("ratio" | "rate")] = present {
        let message = format!("`unit` belongs to `histogram` and `promql`, not to `{only}`");
        decoder.error(fields.key_span("unit"), message, "remove it");
        return None;
    }
    decoder.choice(node, "unit", &UNIT)
}

/// The rule's word counts, but a name that says otherwise is probably an inherited `unit` under a new histogram.
fn warn_of_other_unit(decoder: &mut Decoder<'_>, fields: Fields<'_>, name: &str, unit: Option<Unit>) {
    let Some((unit, named)) = unit.zip(unit_in_name(name)) else { return };
    if unit != named {
        let said = |unit: Unit| if unit == Unit::Milliseconds { "milliseconds" } else { "seconds" };
        let message = format!("`{name}` is read in {}, but its name says {}", said(unit), said(named));
        decoder.warn(fields.key_span("unit"), message, "remove `unit` (or write `unit: ~`) unless the name is wrong");
    }
}

fn decode_selector(decoder: &mut Decoder<'_>, node: &Node, what: &str) -> Option<Selector> {
    let raw = decoder.raw(node, &format!("a metric name with matchers for {what}"))?;
    let filled = decoder.variables.fill_promql(raw, false);
    let text = decoder.filled(node.span, filled)?;
    match Selector::parse(&text) {
        Ok(selector) => Some(selector),
        Err(message) => {
            decoder.error(node.span, format!("{what}: {message}"), "");
            None
        }
    }
}

fn check_histogram(decoder: &mut Decoder<'_>, node: &Node, selector: Selector) -> Option<Selector> {
    for suffix in ["_bucket", "_count", "_sum"] {
        if let Some(base) = selector.name.strip_suffix(suffix) {
            let message = format!("expected the histogram's base name, found `{}`", selector.name);
            decoder.error(node.span, message, format!("write `{base}`; Davy adds `_bucket` itself where the histogram is classic"));
            return None;
        }
    }
    if selector.matchers.iter().any(|matcher| matcher.label == "le") {
        decoder.error(node.span, "`le` cannot be matched: all buckets are needed", "remove the matcher");
        return None;
    }
    Some(selector)
}

/// The unit with which a name ends, by Prometheus' own conventions.
fn unit_in_name(name: &str) -> Option<Unit> {
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    if ends(&["_milliseconds", "_millis", "_ms"]) {
        Some(Unit::Milliseconds)
    } else if ends(&["_seconds"]) {
        Some(Unit::Seconds)
    } else {
        None
    }
}

/// Histograms that are times by their name; others take the unit that their rule writes.
pub fn dimension_of_histogram(name: &str) -> Dimension {
    match unit_in_name(name) {
        Some(unit) => Dimension::Time(unit),
        None if name.contains("duration") || name.contains("latency") => Dimension::Time(Unit::Seconds),
        None => Dimension::Free,
    }
}

fn decode_ratio(decoder: &mut Decoder<'_>, node: &Node) -> Option<(Selector, Selector)> {
    let fields = decoder.mapping(node, "ratio", &RATIO_KEYS)?;
    let mut selectors = [None, None];
    for (key, selector) in RATIO_KEYS.into_iter().zip(&mut selectors) {
        match fields.get(key) {
            Some(written) => *selector = decode_selector(decoder, written, &format!("ratio.{key}")),
            None if decoder.is_partial => {}
            None => {
                let help = "write `{ events: …, total: … }`: the bad ones among all";
                decoder.error(fields.span(), format!("`ratio` without `{key}`"), help);
            }
        }
    }
    let [Some(events), Some(total)] = selectors else { return None };
    if events == total {
        let help = "events are the bad ones among total; add a matcher, for instance `{code=~\"5..\"}`";
        decoder.error(fields.key_span("events"), "events and total select the same series", help);
        return None;
    }
    Some((events, total))
}

fn decode_promql(decoder: &mut Decoder<'_>, node: &Node) -> Option<String> {
    let raw = decoder.raw(node, "a PromQL expression for promql")?;
    let filled = decoder.variables.fill_promql(raw, true);
    let text = decoder.filled(node.span, filled)?.trim().to_owned();
    match check_template(&text) {
        Ok(shape) => {
            if !shape.without_arm.is_empty() {
                let message = format!("the same for both arms: {}", shape.without_arm.join(", "));
                decoder.warn(node.span, message, "add `{{arm}}` to its matchers unless it is meant so");
            }
            Some(text)
        }
        Err(message) => {
            decoder.error(node.span, format!("promql: {message}"), "");
            None
        }
    }
}
