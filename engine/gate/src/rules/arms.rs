//! `arms`: which series belong to the baseline and which to the canary, and how traffic is split.

use davy_judge::arm::{Arm, PerArm};
use davy_sources::samples::Matcher;

use crate::rules::decode::Decoder;
use crate::rules::matchers::decode_matchers;
use crate::rules::quantity::Quantity;
use crate::rules::rule_set::Options;
use crate::rules::source_text::Span;
use crate::rules::yaml::Node;

/// Keys of `arms`.
pub const ARMS_KEYS: [&str; 3] = ["baseline", "canary", "expected_split"];
/// Keys of `arms.expected_split`.
pub const SPLIT_KEYS: [&str; 2] = ["baseline", "canary"];

/// What `arms` says.
#[derive(Debug, Default)]
pub struct Arms {
    /// Matchers; empty where nobody gave them.
    pub matchers: PerArm<Vec<Matcher>>,
    /// Shares of traffic, above 0.
    pub expected_split: Option<PerArm<f64>>,
}

/// Reads `arms`; what the caller gives wins, and what the file says in its place is not even read.
/// `root` is where a mistake is shown when the file has no `arms`.
pub fn decode_arms(decoder: &mut Decoder<'_>, root: Span, node: Option<&Node>, options: &Options) -> Arms {
    let mut arms = Arms::default();
    let fields = node.and_then(|node| decoder.mapping(node, "arms", &ARMS_KEYS));
    for arm in Arm::BOTH {
        let given = match arm {
            Arm::Baseline => &options.baseline,
            Arm::Canary => &options.canary,
        };
        *arms.matchers.get_mut(arm) = match (given, fields.and_then(|fields| fields.get(arm.name()))) {
            (Some(matchers), _) => sorted(matchers.clone()),
            (None, Some(written)) => decode_matchers(decoder, written, &format!("arms.{}", arm.name())).unwrap_or_default(),
            (None, None) => Vec::new(),
        };
    }
    let split = fields.and_then(|fields| fields.get("expected_split"));
    arms.expected_split = split.and_then(|split| decode_split(decoder, split));
    check_distinct(decoder, fields.map_or(root, |fields| fields.span()), &arms.matchers);
    arms
}

fn sorted(mut matchers: Vec<Matcher>) -> Vec<Matcher> {
    matchers.sort();
    matchers.dedup();
    matchers
}

fn check_distinct(decoder: &mut Decoder<'_>, span: Span, matchers: &PerArm<Vec<Matcher>>) {
    let PerArm { baseline, canary } = matchers;
    if baseline.is_empty() || canary.is_empty() {
        return;
    }
    if baseline == canary {
        let help = "give the arms a label with different values, for instance `version`";
        decoder.error(span, "baseline and canary are told apart by nothing: their matchers are equal", help);
    } else if baseline.iter().all(|matcher| canary.contains(matcher)) {
        let help = "add a matcher to the baseline that leaves the canary out";
        decoder.warn(span, "every series of the canary belongs to the baseline too", help);
    } else if canary.iter().all(|matcher| baseline.contains(matcher)) {
        let help = "add a matcher to the canary that leaves the baseline out";
        decoder.warn(span, "every series of the baseline belongs to the canary too", help);
    }
}

fn decode_split(decoder: &mut Decoder<'_>, node: &Node) -> Option<PerArm<f64>> {
    let fields = decoder.mapping(node, "arms.expected_split", &SPLIT_KEYS)?;
    let mut shares = [None, None];
    for (arm, share) in Arm::BOTH.into_iter().zip(&mut shares) {
        let Some(written) = fields.get(arm.name()) else {
            let help = "write both shares: `{ baseline: 95, canary: 5 }`";
            decoder.error(fields.span(), format!("expected_split without `{}`", arm.name()), help);
            continue;
        };
        let what = format!("arms.expected_split.{}", arm.name());
        let value = match decoder.quantity(written, &what, "`95` or `95%`") {
            Some(Quantity::Plain(number)) => number,
            Some(Quantity::Percent(share)) => share * 100.0,
            Some(Quantity::PercentagePoints(_) | Quantity::Seconds(_)) => {
                decoder.error(written.span, format!("expected a share for {what}, found {}", written.describe()), "write `95` or `95%`");
                continue;
            }
            None => continue,
        };
        if value > 0.0 {
            *share = Some(value);
        } else {
            decoder.error(written.span, format!("expected a share above 0 for {what}, found {}", written.describe()), "");
        }
    }
    match shares {
        [Some(baseline), Some(canary)] => Some(PerArm { baseline, canary }),
        _ => None,
    }
}
