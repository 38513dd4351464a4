//! `breaker`: rolls back at once on a gross difference, without statistics.

use davy_judge::rule::Breaker;

use crate::rules::decode::Decoder;
use crate::rules::yaml::{Node, Value};

/// Keys of `breaker`.
pub const BREAKER_KEYS: [&str; 3] = ["ratio", "windows", "min_events"];

/// Twice as bad for three windows in a row with thirty events each: at most 0.5 % of good canaries in our measurements.
pub const DEFAULT_BREAKER: Breaker = Breaker { ratio: 2.0, windows: 3, min_events: 30.0 };

/// Reads `breaker`: a mapping, `true`, or `false` for none. On by default.
pub fn decode_breaker(decoder: &mut Decoder<'_>, node: Option<&Node>) -> Option<Breaker> {
    let mut breaker = DEFAULT_BREAKER;
    let Some(node) = node else { return Some(breaker) };
    if let Value::Scalar { .. } = node.value {
        return decoder.boolean(node, "breaker (or a mapping)")?.then_some(breaker);
    }
    let fields = decoder.mapping(node, "breaker", &BREAKER_KEYS)?;
    if let Some(ratio) = fields.get("ratio")
        && let Some(number) = decoder.number(ratio, "breaker.ratio", "`2`")
    {
        if number > 1.0 {
            breaker.ratio = number;
        } else {
            decoder.error(
                ratio.span,
                format!("expected a factor above 1 for breaker.ratio, found {}", ratio.describe()),
                "2 means twice as bad",
            );
        }
    }
    if let Some(windows) = fields.get("windows")
        && let Some(count) = decoder.count(windows, "breaker.windows", 1, 1_000)
    {
        breaker.windows = usize::try_from(count).expect("at most 1,000");
    }
    if let Some(events) = fields.get("min_events")
        && let Some(count) = decoder.count(events, "breaker.min_events", 1, 1_000_000_000)
    {
        #[expect(clippy::cast_precision_loss, reason = "at most a billion")]
        let least = count as f64;
        breaker.min_events = least;
    }
    Some(breaker)
}
