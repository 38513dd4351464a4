//! One number of all metrics: groups' shares of passes, weighted.

use std::collections::BTreeMap;

use super::classification::Classification;

/// A metric as the score sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoredMetric<'a> {
    /// Its label.
    pub classification: Classification,
    /// It fails the canary as a whole.
    pub critical: bool,
    /// It is left out.
    pub muted: bool,
    /// Its groups; it counts in each, and in none it does not count.
    pub groups: &'a [String],
}

/// One group's part.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupScore {
    /// Its name.
    pub name: String,
    /// 100 × passes / judged; 0 where nothing in it could be judged, which counts as 100 in the whole.
    pub score: f64,
    /// Nothing in it could be judged.
    pub is_unjudged: bool,
    /// Its share of the whole in percent.
    pub weight: f64,
}

/// Why a score is 0 whatever the groups say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zeroed {
    /// This metric (by its place) is critical and did not pass.
    Critical(usize),
    /// Half of the metrics or more have no data.
    NoData,
}

/// The score of an analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Usually 0..=100, with two decimals; weights that do not sum to 100 lead beyond.
    pub score: f64,
    /// By name.
    pub groups: Vec<GroupScore>,
    /// Why it is 0, where that is no sum.
    pub zeroed: Option<Zeroed>,
}

/// What a score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// At least the pass threshold.
    Pass,
    /// At least the marginal one.
    Marginal,
    /// Below.
    Fail,
}

impl Grade {
    /// As Kayenta's result spells it.
    pub fn name(self) -> &'static str {
        match self {
            Grade::Pass => "Pass",
            Grade::Marginal => "Marginal",
            Grade::Fail => "Fail",
        }
    }
}

/// Scores all metrics of an analysis. `weights`: percent per group; groups without one share what is left to 100 equally.
///
/// # Reference
/// Checked against an independent implementation by `fixtures/reference/kayenta.json`.
pub fn score(metrics: &[ScoredMetric<'_>], weights: &[(String, f64)]) -> Scored {
    let mut labels: BTreeMap<&str, Vec<Classification>> = BTreeMap::new();
    for metric in metrics.iter().filter(|metric| !metric.muted) {
        for group in metric.groups {
            labels.entry(group).or_default().push(metric.classification);
        }
    }
    let weight_of = |name: &str| weights.iter().find(|(group, _)| group == name).map(|(_, weight)| *weight);
    let without_weight = labels.keys().filter(|name| weight_of(name).is_none()).count();
    let rest = 100.0 - weights.iter().map(|(_, weight)| weight).sum::<f64>();
    let groups: Vec<GroupScore> = labels
        .into_iter()
        .map(|(name, labels)| {
            let (score, is_unjudged) = group_score(&labels);
            let weight = weight_of(name).unwrap_or(rest / without_weight as f64);
            GroupScore { name: name.to_owned(), score, is_unjudged, weight }
        })
        .collect();
    let zeroed = zeroed(metrics);
    let sum: f64 = groups.iter().map(|group| if group.is_unjudged { 100.0 } else { group.score } * group.weight / 100.0).sum();
    let rounded = (100.0 * sum).round() / 100.0;
    Scored { score: if zeroed.is_some() { 0.0 } else { rounded }, groups, zeroed }
}

/// The share of passes in percent, and whether there is none to have a share of.
fn group_score(labels: &[Classification]) -> (f64, bool) {
    let count = |wanted: &[Classification]| labels.iter().filter(|label| wanted.contains(label)).count();
    let passes = count(&[Classification::Pass]);
    let judged = passes + count(&[Classification::High, Classification::Low, Classification::NoDataFail]);
    if judged == 0 { (0.0, true) } else { (100.0 * passes as f64 / judged as f64, false) }
}

fn zeroed(metrics: &[ScoredMetric<'_>]) -> Option<Zeroed> {
    let counted = || metrics.iter().enumerate().filter(|(_, metric)| !metric.muted);
    if let Some((index, _)) = counted().find(|(_, metric)| metric.critical && metric.classification != Classification::Pass) {
        return Some(Zeroed::Critical(index));
    }
    let without_data = counted().filter(|(_, metric)| metric.classification == Classification::NoData).count();
    (without_data > 0 && 2 * without_data >= counted().count()).then_some(Zeroed::NoData)
}

/// What a score means between thresholds of percent; both are inclusive.
pub fn grade(score: f64, pass: f64, marginal: f64) -> Grade {
    if score >= pass {
        Grade::Pass
    } else if score >= marginal {
        Grade::Marginal
    } else {
        Grade::Fail
    }
}
