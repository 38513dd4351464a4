//! A latency quantile as counts: requests above a bucket bound near the quantile.
//!
//! Per window, the baseline's survival at each bound is the median over the last [`TAIL_PAST`] *past* windows (the first
//! window uses its own). The bound is the one whose survival is nearest to 1 − q; the tolerated ratio of exceedances
//! follows from the local slope of the tail. So nothing depends on the canary's outcome or on the future.

use std::collections::VecDeque;

use crate::histogram::{Quantile, exceeding, nearest_bound, quantile, tail_ratio};
use crate::reading::BucketCounts;

/// Past windows whose survival is looked at.
pub const TAIL_PAST: usize = 12;

/// The baseline's tail as one window is judged by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tail {
    bounds: Vec<f64>,
    survival: Vec<f64>,
    index: usize,
}

impl Tail {
    /// The bucket bound at which requests are counted.
    pub fn bound(&self) -> f64 {
        self.bounds[self.index]
    }

    /// The ratio of exceedances that a latency `factor` (canary / baseline) would show at the bound. None where the
    /// histogram has too few bounds to tell.
    pub fn ratio(&self, factor: f64) -> Option<f64> {
        tail_ratio(&self.bounds, &self.survival, self.index, factor).filter(|ratio| ratio.is_finite() && *ratio > 0.0)
    }
}

/// Follows the baseline's tail from window to window.
#[derive(Debug, Clone)]
pub struct TailTracker {
    quantile: f64,
    past: VecDeque<BucketCounts>,
    past_values: VecDeque<f64>,
}

impl TailTracker {
    /// `quantile` in (0, 1).
    pub fn new(quantile: f64) -> Self {
        TailTracker { quantile, past: VecDeque::new(), past_values: VecDeque::new() }
    }

    /// The tail for the window in which the baseline shows `baseline`; it is remembered for later windows. Only bounds at
    /// which `canary`'s counts are exact too come into question: a new version may bring other buckets. None: no bound is
    /// near enough to the quantile.
    pub fn next(&mut self, baseline: &BucketCounts, canary: Option<&BucketCounts>) -> Option<Tail> {
        let tail = self.tail(baseline, canary);
        if baseline.total() > 0.0 {
            if self.past.len() == TAIL_PAST {
                self.past.pop_front();
            }
            if self.past_values.len() == TAIL_PAST {
                self.past_values.pop_front();
            }
            self.past.push_back(baseline.clone());
            match quantile(baseline, self.quantile) {
                Quantile::At(value) | Quantile::AtLeast(value) => self.past_values.push_back(value),
                Quantile::Unknown => {}
            }
        }
        tail
    }

    /// The median of the quantile itself over the past windows, in the histogram's unit; none before the first.
    pub fn level(&self) -> Option<f64> {
        median(self.past_values.iter().copied().collect())
    }

    fn tail(&self, baseline: &BucketCounts, canary: Option<&BucketCounts>) -> Option<Tail> {
        let own = std::slice::from_ref(baseline);
        let windows: Vec<&BucketCounts> = if self.past.is_empty() { own.iter().collect() } else { self.past.iter().collect() };
        let bounds: Vec<f64> = baseline.bounds().iter().copied().filter(|bound| *bound > 0.0).collect();
        let survival: Vec<f64> = bounds
            .iter()
            .map(|bound| {
                let shares = windows.iter().filter(|window| window.total() > 0.0).map(|window| exceeding(window, *bound) / window.total());
                median(shares.collect()).unwrap_or(0.0)
            })
            .collect();
        let usable = |bound: f64| canary.is_none_or(|canary| is_exact_at(canary, bound));
        // A bound that cannot be used has no survival to be near to.
        let choice: Vec<f64> = bounds.iter().zip(&survival).map(|(bound, survival)| if usable(*bound) { *survival } else { 0.0 }).collect();
        let index = nearest_bound(&choice, 1.0 - self.quantile)?;
        Some(Tail { bounds, survival, index })
    }
}

/// Whether the counts above `bound` are known exactly: it is a bucket's bound, or lies in a bucket without observations.
fn is_exact_at(histogram: &BucketCounts, bound: f64) -> bool {
    let bounds = histogram.bounds();
    let bucket = bounds.partition_point(|other| *other < bound);
    let is_bound = |index: usize| bounds.get(index).is_some_and(|other| (other - bound).abs() <= 1e-9 * bound.abs());
    is_bound(bucket) || (bucket > 0 && is_bound(bucket - 1)) || histogram.counts()[bucket] <= 0.0
}

/// The median; of an even number the mean of the middle two. Every value is finite.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    Some(if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn counts(bounds: &[f64], counts: &[f64]) -> BucketCounts {
        BucketCounts::new(Arc::from(bounds), counts.to_vec()).expect("sane counts")
    }

    #[test]
    fn only_bounds_that_both_arms_have_are_judged_at() {
        let baseline = counts(&[0.1, 0.25, 0.5, 1.0], &[500.0, 400.0, 85.0, 14.0, 1.0]);
        let at = |canary: Option<&BucketCounts>| TailTracker::new(0.99).next(&baseline, canary).map(|tail| tail.bound());
        assert_eq!(at(None), Some(0.5));
        let same = counts(&[0.1, 0.25, 0.5, 1.0], &[500.0, 400.0, 90.0, 10.0, 0.0]);
        assert_eq!(at(Some(&same)), Some(0.5));
        let other = counts(&[0.1, 0.3, 0.6, 1.0], &[500.0, 400.0, 90.0, 10.0, 0.0]);
        assert_eq!(at(Some(&other)), None, "1.0 is too far in the tail, and 0.5 cuts a bucket of the canary");
        let sparse = counts(&[0.2, 0.4, 0.7], &[500.0, 400.0, 0.0, 0.0]);
        assert_eq!(at(Some(&sparse)), Some(0.5), "an empty bucket is exact everywhere");
    }
}
