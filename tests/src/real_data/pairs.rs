//! The construction shared by traces with one instance: two stretches of one series stand for the arms, and pairs of other
//! stretches for the pseudo-canaries of the history.

use davy_judge::arm::PerArm;
use davy_judge::history::MetricHistory;
use davy_judge::reading::Reading;

/// Two stretches, by the index of their first window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Stands for the baseline.
    pub baseline: usize,
    /// Stands for the canary.
    pub canary: usize,
}

impl Pair {
    /// The pair with its arms changed.
    #[must_use]
    pub fn swapped(self) -> Pair {
        Pair { baseline: self.canary, canary: self.baseline }
    }
}

/// At most `most` of the pairs, evenly spread, in their order.
pub fn chosen(pairs: &[Pair], most: usize) -> Vec<Pair> {
    let kept = pairs.len().min(most);
    (0..kept).map(|index| pairs[index * pairs.len() / kept]).collect()
}

/// A reading at an index; missing beyond the end.
fn at(series: &[Reading], index: usize) -> Reading {
    series.get(index).cloned().unwrap_or_default()
}

/// The windows of a pair, aligned one by one.
pub fn windows(series: &[Reading], pair: Pair, length: usize) -> Vec<PerArm<Reading>> {
    (0..length).map(|window| PerArm { baseline: at(series, pair.baseline + window), canary: at(series, pair.canary + window) }).collect()
}

/// The history that pairs make: one after the other in time, each a pseudo-canary that lives for one stretch. So the
/// baseline's level is known over all of them, and every row counts as a row.
pub fn history(series: &[Reading], pairs: &[Pair], length: usize) -> MetricHistory {
    let gap = || PerArm::from_fn(|_| Reading::Missing);
    let mut made = MetricHistory { exposure: vec![PerArm { baseline: 1.0, canary: 1.0 }; pairs.len()], ..MetricHistory::default() };
    for (row, pair) in pairs.iter().enumerate() {
        let shown = windows(series, *pair, length);
        made.baseline.extend(shown.iter().map(|arms| arms.baseline.clone()));
        let before = std::iter::repeat_with(gap).take(row * length);
        let after = std::iter::repeat_with(gap).take((pairs.len() - row - 1) * length);
        made.rows.push(before.chain(shown).chain(after).collect());
    }
    made
}
