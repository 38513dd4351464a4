//! `tolerance`, `ignore_below` and `limit`: values whose unit must fit what the metric measures.

use davy_judge::rule::Tolerance;

use crate::rules::decode::Decoder;
use crate::rules::quantity::{Quantity, number_text};
use crate::rules::rule_set::Unit;
use crate::rules::yaml::Node;

/// What a metric's values are, before its rule is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Latencies; the unit is seconds or milliseconds.
    Time(Unit),
    /// Events among requests.
    Ratio,
    /// Requests per second; judged against the baseline only.
    Rate,
    /// Unknown: the units that the rule writes decide.
    Free,
}

impl Dimension {
    /// The unit of values whose rule names none.
    pub fn unit(self) -> Unit {
        match self {
            Dimension::Time(unit) => unit,
            Dimension::Ratio => Unit::Ratio,
            Dimension::Rate => Unit::PerSecond,
            Dimension::Free => Unit::Plain,
        }
    }
}

/// A value in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: Unit,
}

/// Reads `tolerance`. The unit is that of an absolute tolerance.
pub fn decode_tolerance(decoder: &mut Decoder<'_>, node: &Node, dimension: Dimension) -> Option<(Tolerance, Option<Unit>)> {
    let quantity = decoder.quantity(node, "tolerance", example(dimension, true))?;
    let absolute = |level: Level| (Tolerance::Absolute(level.value), Some(level.unit));
    let found = match (quantity, dimension) {
        (Quantity::Percent(share), _) => Some((Tolerance::Relative(share), None)),
        (Quantity::Seconds(seconds), Dimension::Time(unit)) => Some(absolute(time(seconds, unit))),
        (Quantity::Seconds(seconds), Dimension::Free) => Some(absolute(time(seconds, Unit::Seconds))),
        (Quantity::PercentagePoints(points), Dimension::Ratio | Dimension::Free) => {
            Some(absolute(Level { value: points, unit: Unit::Ratio }))
        }
        (Quantity::Plain(value), Dimension::Free) => Some(absolute(Level { value, unit: Unit::Plain })),
        (
            Quantity::Plain(_) | Quantity::PercentagePoints(_) | Quantity::Seconds(_),
            Dimension::Time(_) | Dimension::Ratio | Dimension::Rate,
        ) => None,
    };
    let Some((tolerance, unit)) = found else {
        let percent = match quantity {
            Quantity::Plain(number) if number <= 1.0 => format!("{}%", number_text(number * 100.0)),
            Quantity::Plain(number) => format!("{}%", number_text(number)),
            Quantity::Percent(_) | Quantity::PercentagePoints(_) | Quantity::Seconds(_) => "10%".to_owned(),
        };
        let (what, help) = match dimension {
            Dimension::Time(_) => ("a latency", format!("write `{percent}` (of the baseline) or an absolute one like `5ms`")),
            Dimension::Ratio => ("a ratio", format!("write `{percent}` (of the baseline's rate) or percentage points like `0.2pp`")),
            Dimension::Rate => ("a rate", format!("write `{percent}` (of the baseline)")),
            Dimension::Free => ("a metric", format!("write `{percent}`")),
        };
        decoder.error(node.span, format!("expected a tolerance with a unit that fits {what}, found {}", node.describe()), help);
        return None;
    };
    let size = match tolerance {
        Tolerance::Relative(size) | Tolerance::Absolute(size) => size,
    };
    if size < 0.0 {
        decoder.error(node.span, format!("expected a tolerance of at least 0, found {}", node.describe()), "");
        return None;
    }
    if size == 0.0 {
        let help = "a canary exactly like its baseline can hardly ever be shown better than it; write at least `1%`";
        decoder.warn(node.span, "a tolerance of 0 leaves no room for a promotion", help);
    }
    Some((tolerance, unit))
}

/// Reads `limit` or `ignore_below`: a level above 0, or for a metric of unknown unit any number.
pub fn decode_level(decoder: &mut Decoder<'_>, node: &Node, key: &str, dimension: Dimension) -> Option<Level> {
    if dimension == Dimension::Rate {
        let help = "remove it: a rate is judged against the baseline only; for an absolute level use `promql`";
        decoder.error(node.span, format!("`{key}` has no meaning for a rate"), help);
        return None;
    }
    let quantity = decoder.quantity(node, key, example(dimension, false))?;
    let found = match (quantity, dimension) {
        (Quantity::Seconds(seconds), Dimension::Time(unit)) => Some(time(seconds, unit)),
        (Quantity::Seconds(seconds), Dimension::Free) => Some(time(seconds, Unit::Seconds)),
        (Quantity::Percent(share), Dimension::Ratio | Dimension::Free) => Some(Level { value: share, unit: Unit::Ratio }),
        (Quantity::Plain(value), Dimension::Free) => Some(Level { value, unit: Unit::Plain }),
        (Quantity::PercentagePoints(_), _)
        | (Quantity::Seconds(_), Dimension::Ratio | Dimension::Rate)
        | (Quantity::Percent(_), Dimension::Time(_) | Dimension::Rate)
        | (Quantity::Plain(_), Dimension::Time(_) | Dimension::Ratio | Dimension::Rate) => None,
    };
    let Some(level) = found else {
        let (what, help) = mismatch(quantity, dimension);
        decoder.error(node.span, format!("expected {what} for {key}, found {}", node.describe()), help);
        return None;
    };
    let is_possible = match level.unit {
        Unit::Seconds | Unit::Milliseconds => level.value > 0.0,
        Unit::Ratio => level.value > 0.0 && level.value <= 1.0,
        Unit::PerSecond | Unit::Plain => true,
    };
    if !is_possible {
        let bounds = if level.unit == Unit::Ratio { "above 0% and at most 100%" } else { "above 0" };
        decoder.error(node.span, format!("expected a level {bounds} for {key}, found {}", node.describe()), "");
        return None;
    }
    Some(level)
}

fn mismatch(quantity: Quantity, dimension: Dimension) -> (&'static str, String) {
    match (dimension, quantity) {
        (Dimension::Time(_), Quantity::Plain(number)) => {
            // Above 10 it was hardly meant in seconds.
            let meant = if number > 10.0 {
                format!("`{}ms` or `{}s`", number_text(number), number_text(number / 1000.0))
            } else {
                format!("`{}s` or `{}ms`", number_text(number), number_text(number * 1000.0))
            };
            ("a latency with a unit (us, ms or s)", format!("write {meant}"))
        }
        (Dimension::Time(_), _) => ("a latency (us, ms or s)", "write it like `800ms`".to_owned()),
        (Dimension::Ratio, Quantity::Plain(number)) => {
            let percent = if number <= 1.0 { number * 100.0 } else { number };
            ("a share of all requests with a unit (%)", format!("write `{}%`", number_text(percent)))
        }
        (Dimension::Ratio, Quantity::PercentagePoints(points)) => {
            ("a share of all requests in %", format!("write `{}%`; pp is for a difference, so for tolerance", number_text(points * 100.0)))
        }
        (Dimension::Ratio, _) => ("a share of all requests in %", "write it like `0.5%`".to_owned()),
        (Dimension::Rate | Dimension::Free, _) => {
            ("a level", "pp is for a difference, so for tolerance; write a number, `0.5%` or `800ms`".to_owned())
        }
    }
}

/// What a value looks like.
fn example(dimension: Dimension, is_tolerance: bool) -> &'static str {
    match (dimension, is_tolerance) {
        (Dimension::Time(_), true) => "`10%` or `5ms`",
        (Dimension::Time(_), false) => "`800ms`",
        (Dimension::Ratio, true) => "`50%` or `0.2pp`",
        (Dimension::Ratio, false) => "`0.5%`",
        (Dimension::Rate, _) => "`10%`",
        (Dimension::Free, true) => "`10%`, `5ms`, `0.2pp` or a bare number",
        (Dimension::Free, false) => "`800ms`, `0.5%` or a bare number",
    }
}

/// Seconds in the metric's own unit.
fn time(seconds: f64, unit: Unit) -> Level {
    let value = match unit {
        // Rounded, so that `0.8s` is 800 and printing it gives the same again.
        Unit::Milliseconds => number_text(seconds * 1000.0).parse().unwrap_or(seconds * 1000.0),
        Unit::Seconds | Unit::Ratio | Unit::PerSecond | Unit::Plain => seconds,
    };
    Level { value, unit }
}
