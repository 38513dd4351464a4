//! Where a metric is worse: its slices in the report, and their names for people.

use std::collections::BTreeMap;

use davy_judge::arm::{Arm, PerArm};
use davy_judge::verdict::{ArmSummary, InstanceFinding, Outcome, SliceFinding};
use davy_sources::align::SliceKey;
use davy_sources::samples::{MatchOp, Matcher};
use davy_sources::source::Source;
use serde::{Deserialize, Serialize};

use super::build::{arm_report, effect_report, obstacle_text};
use super::{ArmReport, EffectReport, Evidence, Judged, Word, read};
use crate::number::{Number, number};
use crate::pipeline::Run;
use crate::sentence;
use crate::words;

/// Label values are other people's data: longer ones are cut at this many characters.
const LONGEST_VALUE: usize = 80;
/// Slices that one warning names.
const MOST_NAMED: usize = 5;
/// The slice of all that are not judged for themselves.
const OTHERS: &str = "all others";

/// One slice of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceReport {
    /// The labels that make it; none: all slices that are not judged for themselves, together.
    pub labels: Option<BTreeMap<String, String>>,
    /// breach or suspect where it is named among the slices, pass where it is shown safe for itself, else inconclusive.
    #[serde(deserialize_with = "read::outcome")]
    pub outcome: Word,
    /// Why it is inconclusive, where it is more than want of evidence.
    #[serde(deserialize_with = "read::obstacle")]
    pub obstacle: Option<Word>,
    /// What the baseline showed in it.
    pub baseline: ArmReport,
    /// What the canary showed in it.
    pub canary: ArmReport,
    /// The effect; with an interval for the worst slices only.
    pub effect: Option<EffectReport>,
    /// It leans so far to harm that the metric cannot pass.
    pub keeps_waiting: bool,
    /// Its own evidence; the metric's holds its share of it.
    pub evidence: Evidence,
    /// Which engines gave it.
    #[serde(deserialize_with = "read::method")]
    pub method: Word,
    /// Whether its noise was learned from its own history.
    pub calibrated: bool,
    /// One sentence.
    pub reason: String,
}

/// One instance of the canary against the whole baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceReport {
    /// Its name (cut where it is long).
    pub name: String,
    /// Whether it stands out among the canary's instances.
    pub stands_out: bool,
    /// What it showed.
    pub canary: ArmReport,
    /// The effect, without an interval.
    pub effect: Option<EffectReport>,
    /// ln of its own evidence of harm. It decides nothing.
    pub ln_harm: Number,
    /// One phrase.
    pub reason: String,
}

/// The worst instances of the canary.
pub(super) fn instances(judged: &Judged<'_>) -> Vec<InstanceReport> {
    // One instance is the whole canary.
    if judged.finding.instances.len() < 2 {
        return Vec::new();
    }
    let report = |found: &InstanceFinding| InstanceReport {
        name: printable(&bounded(&found.name)),
        stands_out: found.stands_out,
        canary: arm_report(&found.canary, judged.rule.unit),
        effect: found.effect.as_ref().map(effect_report),
        ln_harm: number(found.ln_harm),
        reason: sentence::instance(judged, found),
    };
    judged.finding.instances.iter().map(report).collect()
}

/// Control characters would speak to a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// What the slices of a metric are called, in the order of its finding's indices; empty where it is not sliced.
pub(crate) fn names<S: Source>(run: &Run<'_, S>, metric: usize) -> Vec<String> {
    let Some(keys) = run.slices(metric) else { return Vec::new() };
    let by = run.plan().fetch.labels_of_slices(metric);
    keys.iter().map(|key| name(by, key)).chain([OTHERS.to_owned()]).collect()
}

fn name(by: &[String], key: &SliceKey) -> String {
    let matchers: Vec<Matcher> =
        by.iter().zip(key).map(|(label, value)| Matcher { label: label.clone(), op: MatchOp::Equal, value: bounded(value) }).collect();
    // PromQL escapes quotes and line ends.
    printable(&davy_sources::selector::matchers_text(&matchers))
}

fn bounded(value: &str) -> String {
    if value.chars().count() <= LONGEST_VALUE {
        return value.to_owned();
    }
    value.chars().take(LONGEST_VALUE - 1).chain(['…']).collect()
}

/// The slices of a metric, worst first.
pub(super) fn slices<S: Source>(run: &Run<'_, S>, metric: usize, judged: &Judged<'_>) -> Vec<SliceReport> {
    let by = run.plan().fetch.labels_of_slices(metric);
    let keys = run.slices(metric).unwrap_or_default();
    let report = |found: &SliceFinding| SliceReport {
        labels: keys.get(found.slice).map(|key| by.iter().cloned().zip(key.iter().map(|value| bounded(value))).collect()),
        outcome: found.outcome.name(),
        obstacle: found.obstacle.map(obstacle_text),
        baseline: arm_report(&found.arms.baseline, judged.rule.unit),
        canary: arm_report(&found.arms.canary, judged.rule.unit),
        effect: found.effect.as_ref().map(effect_report),
        keeps_waiting: found.keeps_waiting,
        evidence: Evidence::of(found.ln_harm, found.ln_safe),
        method: found.method,
        calibrated: found.calibrated,
        reason: sentence::slice(judged, found),
    };
    judged.finding.slices.iter().map(report).collect()
}

/// Says which slices the baseline has and the canary has not, while the canary has others: absence is never health.
pub(super) fn absent(judged: &Judged<'_>) -> Option<String> {
    let whole = &judged.finding.arms;
    let requests = |arms: &PerArm<ArmSummary>, arm: Arm| arms.get(arm).requests.unwrap_or(0.0);
    if requests(whole, Arm::Canary) <= 0.0 {
        return None;
    }
    let share = requests(whole, Arm::Canary) / requests(whole, Arm::Baseline);
    let is_absent = |found: &&SliceFinding| requests(&found.arms, Arm::Baseline) > 0.0 && requests(&found.arms, Arm::Canary) <= 0.0;
    let mut absent: Vec<&SliceFinding> = judged.finding.slices.iter().filter(is_absent).collect();
    absent.sort_by(|one, other| {
        requests(&other.arms, Arm::Baseline).total_cmp(&requests(&one.arms, Arm::Baseline)).then(one.slice.cmp(&other.slice))
    });
    let texts: Vec<String> = absent
        .iter()
        .take(MOST_NAMED)
        .map(|found| {
            let sent = requests(&found.arms, Arm::Baseline);
            format!("{} (baseline {}, expected about {})", judged.slice_name(found.slice), words::digits(sent), words::digits(sent * share))
        })
        .collect();
    let more = absent.len().saturating_sub(texts.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let name = &judged.rule.rule.name;
    (!texts.is_empty()).then(|| format!("{name}: the canary had no requests in {}{more}; nothing is known of it there", texts.join(", ")))
}

impl Judged<'_> {
    /// What people call a slice of the metric.
    pub(crate) fn slice_name(&self, slice: usize) -> &str {
        self.slices.get(slice).map_or(OTHERS, String::as_str)
    }

    /// The slices that are named, worst first.
    pub(crate) fn named_slices(&self) -> impl Iterator<Item = &SliceFinding> {
        self.finding.slices.iter().filter(|found| matches!(found.outcome, Outcome::Breach | Outcome::Suspect))
    }
}

impl Evidence {
    /// From natural logarithms.
    pub(super) fn of(ln_harm: f64, ln_safe: f64) -> Self {
        Evidence { harm: number(ln_harm.exp()), safe: number(ln_safe.exp()), ln_harm: number(ln_harm), ln_safe: number(ln_safe) }
    }
}
