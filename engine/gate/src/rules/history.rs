//! `history`: where the service's ordinary noise is learned.

use crate::rules::decode::Decoder;
use crate::rules::matchers::decode_matchers;
use crate::rules::rule_set::HistoryRule;
use crate::rules::yaml::{Node, Value};

/// Keys of `history`.
pub const HISTORY_KEYS: [&str; 5] = ["last", "instance", "pseudo_canaries", "max_samples", "from"];

/// Four hours: 240 windows of a minute, twice what a profile needs at least.
pub const DEFAULT_LAST_MS: i64 = 4 * 3_600_000;
/// Six disjoint groups show how instances differ; more cost queries and hardly narrow it.
pub const DEFAULT_PSEUDO_CANARIES: usize = 6;
/// Two million samples: 30 instances, 15 buckets and 4 h at 15 s, and about 100 MB while they are aligned.
pub const DEFAULT_MAX_SAMPLES: u64 = 2_000_000;
/// With fewer rows, lasting differences between instances cannot be told from a bad canary.
const FEW_PSEUDO_CANARIES: u64 = 4;

const LEAST_LAST_MS: i64 = 60_000;
const MOST_LAST_MS: i64 = 30 * 86_400_000;

impl Default for HistoryRule {
    fn default() -> Self {
        HistoryRule {
            last_ms: DEFAULT_LAST_MS,
            instance: None,
            pseudo_canaries: DEFAULT_PSEUDO_CANARIES,
            max_samples: DEFAULT_MAX_SAMPLES,
            from: None,
        }
    }
}

/// Reads `history`: a mapping, `true`, or `false` for none. On by default.
pub fn decode_history(decoder: &mut Decoder<'_>, node: Option<&Node>) -> Option<HistoryRule> {
    let mut history = HistoryRule::default();
    let Some(node) = node else { return Some(history) };
    if let Value::Scalar { .. } = node.value {
        return decoder.boolean(node, "history (or a mapping)")?.then_some(history);
    }
    let fields = decoder.mapping(node, "history", &HISTORY_KEYS)?;
    if let Some(last) = fields.get("last") {
        history.last_ms = decoder.duration_ms(last, "history.last", LEAST_LAST_MS, MOST_LAST_MS).unwrap_or(history.last_ms);
    }
    if let Some(instance) = fields.get("instance") {
        history.instance = decoder.text(instance, "a label's name for history.instance");
        if history.instance.as_deref() == Some("") {
            decoder.error(instance.span, "expected a label's name for history.instance, found nothing", "");
        }
    }
    if let Some(rows) = fields.get("pseudo_canaries")
        && let Some(count) = decoder.count(rows, "history.pseudo_canaries", 1, 50)
    {
        if count < FEW_PSEUDO_CANARIES {
            let message = format!("with {count} pseudo-canaries, lasting differences between instances go unmeasured");
            decoder.warn(rows.span, message, format!("use at least {FEW_PSEUDO_CANARIES}, better {DEFAULT_PSEUDO_CANARIES}"));
        }
        history.pseudo_canaries = usize::try_from(count).expect("at most 50");
    }
    if let Some(samples) = fields.get("max_samples") {
        history.max_samples = decoder.count(samples, "history.max_samples", 1_000, 1_000_000_000).unwrap_or(history.max_samples);
    }
    if let Some(from) = fields.get("from") {
        history.from = decode_matchers(decoder, from, "history.from");
    }
    Some(history)
}
