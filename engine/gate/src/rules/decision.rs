//! `decision`: how often a verdict may be wrong, what a hold becomes, and whether the verdict is acted on.

use davy_judge::rule::{AtDeadline, OnMissing};

use crate::rules::decode::Decoder;
use crate::rules::rule_set::{DecisionMethod, DecisionRule, Mode};
use crate::rules::yaml::Node;

/// Keys of `decision`.
pub const DECISION_KEYS: [&str; 6] = ["method", "false_rollback", "false_promote", "at_deadline", "on_missing", "mode"];
/// Words for `method`.
pub const METHOD: [(&str, DecisionMethod); 2] = [("davy", DecisionMethod::Davy), ("kayenta", DecisionMethod::Kayenta)];
/// Words for `at_deadline`.
pub const AT_DEADLINE: [(&str, AtDeadline); 3] =
    [("hold", AtDeadline::Hold), ("rollback", AtDeadline::Rollback), ("promote", AtDeadline::Promote)];
/// Words for `on_missing`.
pub const ON_MISSING: [(&str, OnMissing); 2] = [("hold", OnMissing::Hold), ("rollback", OnMissing::Rollback)];
/// Words for `mode`.
pub const MODE: [(&str, Mode); 2] = [("enforce", Mode::Enforce), ("shadow", Mode::Shadow)];

/// One in a hundred good canaries may be rolled back.
pub const DEFAULT_FALSE_ROLLBACK: f64 = 0.01;
/// One in twenty canaries at the tolerance may be promoted.
pub const DEFAULT_FALSE_PROMOTE: f64 = 0.05;
/// Beyond a coin's toss a level means nothing.
const MOST_LEVEL: f64 = 0.5;

impl Default for DecisionRule {
    fn default() -> Self {
        DecisionRule {
            false_rollback: DEFAULT_FALSE_ROLLBACK,
            false_promote: DEFAULT_FALSE_PROMOTE,
            at_deadline: AtDeadline::Hold,
            on_missing: OnMissing::Hold,
            method: DecisionMethod::Davy,
        }
    }
}

/// Reads `decision`.
pub fn decode_decision(decoder: &mut Decoder<'_>, node: Option<&Node>) -> (DecisionRule, Mode) {
    let mut decision = DecisionRule::default();
    let mut mode = Mode::Enforce;
    let Some(fields) = node.and_then(|node| decoder.mapping(node, "decision", &DECISION_KEYS)) else { return (decision, mode) };
    if let Some(level) = fields.get("false_rollback") {
        decision.false_rollback = decoder.share(level, "decision.false_rollback", MOST_LEVEL).unwrap_or(decision.false_rollback);
    }
    if let Some(level) = fields.get("false_promote") {
        decision.false_promote = decoder.share(level, "decision.false_promote", MOST_LEVEL).unwrap_or(decision.false_promote);
    }
    if let Some(word) = fields.get("at_deadline") {
        decision.at_deadline = decoder.choice(word, "decision.at_deadline", &AT_DEADLINE).unwrap_or(decision.at_deadline);
    }
    if let Some(word) = fields.get("method") {
        decision.method = decoder.choice(word, "decision.method", &METHOD).unwrap_or(decision.method);
    }
    if decision.method == DecisionMethod::Kayenta && decision.at_deadline == AtDeadline::Promote {
        let help = "write `hold` or `rollback`, or lower `kayenta: { pass: … }`";
        let message = "`at_deadline: promote` does not go with `method: kayenta`: at the deadline its score decides";
        decoder.error(fields.key_span("at_deadline"), message, help);
    }
    if let Some(word) = fields.get("on_missing") {
        decision.on_missing = decoder.choice(word, "decision.on_missing", &ON_MISSING).unwrap_or(decision.on_missing);
    }
    if let Some(word) = fields.get("mode") {
        mode = decoder.choice(word, "decision.mode", &MODE).unwrap_or(mode);
    }
    (decision, mode)
}
