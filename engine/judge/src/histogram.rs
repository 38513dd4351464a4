//! Histograms: shares above a bucket bound, the ratio that a slower canary would show there, quantiles to show to people.
//! Evidence is taken from counts at a bound, which are exact; only people see interpolated quantiles.

use std::sync::Arc;

use crate::bounded::{larger, smaller};
use crate::constants::{EDGE_TOLERANCE, LEAST_SURVIVAL, TAIL_FACTOR};
use crate::reading::BucketCounts;

/// A quantile of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantile {
    /// Interpolated inside its bucket.
    At(f64),
    /// It lies in the open top bucket: at least the highest bound.
    AtLeast(f64),
    /// No observations, or no bounds.
    Unknown,
}

/// Observations above `bound`: exact at a bucket's bound; inside a bucket interpolated on a log axis, or on a linear one where
/// the bucket reaches down to 0 or below; none counted from the open top bucket when the bound lies in it, for nothing is known
/// there. A NaN gives 0.
pub fn exceeding(histogram: &BucketCounts, bound: f64) -> f64 {
    let (bounds, counts) = (histogram.bounds(), histogram.counts());
    if bound.is_nan() {
        return 0.0;
    }
    let bucket = bounds.partition_point(|upper| *upper < bound);
    let above: f64 = counts[(bucket + 1).min(counts.len())..].iter().sum();
    let Some(upper) = bounds.get(bucket).copied() else { return 0.0 };
    if upper == bound {
        return above;
    }
    let share = match bucket.checked_sub(1).map(|below| bounds[below]) {
        Some(lower) if lower > 0.0 => (upper / bound).ln() / (upper / lower).ln(),
        Some(lower) => (upper - bound) / (upper - lower),
        None if upper > 0.0 => smaller(1.0, (upper - bound) / upper),
        None => 1.0,
    };
    above + share * counts[bucket]
}

/// Share of observations above each bound, descending; all zeros without observations.
pub fn survival(histogram: &BucketCounts) -> Vec<f64> {
    let counts = histogram.counts();
    let total = histogram.total();
    let mut shares = vec![0.0; histogram.bounds().len()];
    let mut above = 0.0;
    for index in (0..shares.len()).rev() {
        above += counts[index + 1];
        shares[index] = if total > 0.0 { above / total } else { 0.0 };
    }
    shares
}

/// The `q`-quantile, interpolated linearly inside its bucket as Prometheus' `histogram_quantile` does with classic histograms:
/// the lowest bucket begins at 0, or ends at its bound where that is not positive. A `q` outside 0..=1 is unknown.
pub fn quantile(histogram: &BucketCounts, q: f64) -> Quantile {
    let (bounds, counts) = (histogram.bounds(), histogram.counts());
    let total = histogram.total();
    let Some(highest) = bounds.last().copied() else { return Quantile::Unknown };
    if !(total > 0.0 && (0.0..=1.0).contains(&q)) {
        return Quantile::Unknown;
    }
    let rank = q * total;
    let mut below = 0.0;
    let mut bucket = 0;
    while bucket < bounds.len() && below + counts[bucket] < rank {
        below += counts[bucket];
        bucket += 1;
    }
    let Some(upper) = bounds.get(bucket).copied() else { return Quantile::AtLeast(highest) };
    if bucket == 0 && upper <= 0.0 {
        return Quantile::At(upper);
    }
    let lower = if bucket == 0 { 0.0 } else { bounds[bucket - 1] };
    if counts[bucket] <= 0.0 {
        return Quantile::At(lower);
    }
    Quantile::At(lower + (upper - lower) * ((rank - below) / counts[bucket]))
}

/// `S(bounds[j] / factor) / S(bounds[j])` of the baseline: the ratio that a canary slower by `factor` (above 0) would show at
/// `bounds[j]`. The survival S is interpolated on log-log axes, below the lowest positive bound by extending its slope; it is at
/// most 1. None where the tail's slope is unknown: `bounds[j]` is the lowest positive bound or the only one, with no
/// positive neighbour; or `factor` is no such number.
///
/// # Reference
/// `fixtures/reference/judge.py`, function `tail_ratio`; checked by `fixtures/reference/judge.json` and `histograms.json`.
pub fn tail_ratio(bounds: &[f64], survival: &[f64], j: usize, factor: f64) -> Option<f64> {
    let tail = LogTail::of(bounds, survival, j)?;
    (factor > 0.0 && factor.is_finite()).then(|| tail.ratio(factor))
}

/// The factor at which [`tail_ratio`] is `ratio`: a latency factor from a ratio of counts. Where S is flat the smallest such
/// factor; a ratio that no factor from 1e-3 to 1e3 reaches gives the nearer end. None where [`tail_ratio`] is none, or `ratio` is
/// not above 0.
pub fn factor_for_ratio(bounds: &[f64], survival: &[f64], j: usize, ratio: f64) -> Option<f64> {
    let tail = LogTail::of(bounds, survival, j)?;
    if !(ratio > 0.0 && ratio.is_finite()) {
        return None;
    }
    // The ratio rises with the factor: halve the interval of its logarithm.
    let (mut low, mut high) = (-LARGEST_LN_FACTOR, LARGEST_LN_FACTOR);
    while high - low > EDGE_TOLERANCE / 16.0 {
        let middle = low.midpoint(high);
        if tail.ratio(middle.exp()) < ratio {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high.exp())
}

/// ln 1000: no latency is looked for beyond this factor.
const LARGEST_LN_FACTOR: f64 = 6.907_755_278_982_137;

/// A baseline's survival on log-log axes, and where it is looked at.
struct LogTail<'a> {
    bounds: &'a [f64],
    survival: &'a [f64],
    /// Index of the bound.
    at: usize,
    /// Index of the lowest positive bound.
    lowest: usize,
}

impl LogTail<'_> {
    fn of<'a>(bounds: &'a [f64], survival: &'a [f64], at: usize) -> Option<LogTail<'a>> {
        let lowest = bounds.iter().position(|bound| *bound > 0.0)?;
        let known = at >= lowest && at < bounds.len() && survival.len() == bounds.len() && bounds.len() - lowest >= 2;
        // Beside the lowest bound there is only the next one above.
        known.then_some(LogTail { bounds, survival, at, lowest })
    }

    fn ln_survival(&self, index: usize) -> f64 {
        larger(LEAST_SURVIVAL, self.survival[index]).ln()
    }

    fn ratio(&self, factor: f64) -> f64 {
        let x = (self.bounds[self.at] / factor).ln();
        let mut upper = self.at;
        while upper > self.lowest && self.bounds[upper - 1].ln() >= x {
            upper -= 1;
        }
        if upper == self.lowest {
            upper += 1;
        }
        let (right, left) = (self.bounds[upper].ln(), self.bounds[upper - 1].ln());
        let slope = (self.ln_survival(upper) - self.ln_survival(upper - 1)) / (right - left);
        let share = smaller((self.ln_survival(upper) + slope * (x - right)).exp(), 1.0);
        share / larger(LEAST_SURVIVAL, self.survival[self.at])
    }
}

/// Index of the bound whose survival is nearest, in logs, to the tail mass `1 - q`; of equals the lowest. None where none is
/// within a factor of [`TAIL_FACTOR`]: the histogram is too coarse there.
pub fn nearest_bound(survival: &[f64], tail: f64) -> Option<usize> {
    let mut nearest = TAIL_FACTOR.ln();
    let mut found = None;
    for (index, share) in survival.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        let gap = (share / tail).ln().abs();
        if gap < nearest {
            nearest = gap;
            found = Some(index);
        }
    }
    found
}

/// Adds two histograms. A bound is kept where both know exactly how many observations lie above it: it is a bound of both, or
/// the other's bucket around it is empty. So classic histograms of one schema keep their bounds, those of two schemas the common
/// ones, and sparse native histograms, which leave out empty buckets, the bounds of both.
pub fn merge(left: &BucketCounts, right: &BucketCounts) -> BucketCounts {
    if left.bounds() == right.bounds() {
        let counts = left.counts().iter().zip(right.counts()).map(|(one, other)| one + other).collect();
        return BucketCounts::new(Arc::clone(left.bounds()), counts).expect("the sum of two histograms with the same bounds is one");
    }
    let mut candidates: Vec<f64> = left.bounds().iter().chain(right.bounds().iter()).copied().collect();
    candidates.sort_by(f64::total_cmp);
    candidates.dedup();
    let mut bounds = Vec::with_capacity(candidates.len());
    let mut counts = Vec::with_capacity(candidates.len() + 1);
    let mut below = 0.0;
    for bound in candidates {
        if let (Some(one), Some(other)) = (exactly_at_most(left, bound), exactly_at_most(right, bound)) {
            bounds.push(bound);
            counts.push(larger(0.0, one + other - below));
            below = one + other;
        }
    }
    counts.push(larger(0.0, left.total() + right.total() - below));
    BucketCounts::new(bounds.into(), counts).expect("bounds ascend and counts are not negative")
}

/// Observations at or below `bound`; none where a bucket with observations lies across it.
fn exactly_at_most(histogram: &BucketCounts, bound: f64) -> Option<f64> {
    let (bounds, counts) = (histogram.bounds(), histogram.counts());
    let bucket = bounds.partition_point(|upper| *upper < bound);
    let is_bound = bounds.get(bucket).is_some_and(|upper| *upper == bound);
    let whole: f64 = counts[..bucket].iter().sum();
    match is_bound {
        true => Some(whole + counts[bucket]),
        false => (counts[bucket] == 0.0).then_some(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(bounds: &[f64], counts: &[f64]) -> BucketCounts {
        BucketCounts::new(bounds.into(), counts.to_vec()).unwrap()
    }

    #[test]
    fn exceeding_is_exact_at_bounds() {
        let latencies = histogram(&[0.1, 0.2, 0.4], &[10.0, 20.0, 30.0, 40.0]);
        assert_eq!(exceeding(&latencies, 0.1), 90.0);
        assert_eq!(exceeding(&latencies, 0.2), 70.0);
        assert_eq!(exceeding(&latencies, 0.4), 40.0);
        assert!((exceeding(&latencies, 0.08f64.sqrt()) - 55.0).abs() < 1e-9, "half of the bucket on a log axis");
        assert_eq!(exceeding(&latencies, 0.05), 95.0);
        assert_eq!(exceeding(&latencies, 0.5), 0.0);
        assert_eq!(exceeding(&latencies, -1.0), 100.0);
        assert_eq!(exceeding(&latencies, f64::NAN), 0.0);
        assert_eq!(exceeding(&histogram(&[], &[7.0]), 0.1), 0.0);
        assert_eq!(survival(&latencies), [0.9, 0.7, 0.4]);
    }

    #[test]
    fn a_tail_without_slope_is_unknown() {
        assert_eq!(tail_ratio(&[0.1], &[0.01], 0, 1.1), None);
        assert_eq!(tail_ratio(&[0.0, 0.1], &[0.5, 0.01], 1, 1.1), None);
        assert_eq!(tail_ratio(&[0.0, 0.1, 0.2], &[0.5, 0.01, 0.001], 0, 1.1), None);
        assert_eq!(tail_ratio(&[0.1, 0.2], &[0.5, 0.01], 1, f64::NAN), None);
        assert_eq!(tail_ratio(&[], &[], 0, 1.1), None);
        let with_zero = tail_ratio(&[0.0, 0.1, 0.2], &[0.9, 0.1, 0.01], 2, 1.1).unwrap();
        assert_eq!(with_zero, tail_ratio(&[0.1, 0.2], &[0.1, 0.01], 1, 1.1).unwrap());
    }

    #[test]
    fn a_factor_is_found_again_from_its_ratio() {
        let (bounds, shares) = ([0.1, 0.25, 0.5, 1.0], [0.5, 0.0634, 0.0037, 0.000_06]);
        for factor in [0.5, 0.9, 1.0, 1.1, 2.5, 7.0] {
            for j in 1..4 {
                let ratio = tail_ratio(&bounds, &shares, j, factor).unwrap();
                let again = factor_for_ratio(&bounds, &shares, j, ratio).unwrap();
                assert!(ratio * shares[j] >= 1.0 || (again / factor - 1.0).abs() < 1e-9, "{factor} at {j}: {again}");
            }
        }
        assert!(factor_for_ratio(&bounds, &shares, 2, 1e9).unwrap() > 999.0);
        assert_eq!(factor_for_ratio(&bounds, &shares, 2, 0.0), None);
    }

    #[test]
    fn merging_keeps_what_is_exact() {
        let one = histogram(&[0.1, 0.2, 0.4], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(merge(&one, &one), histogram(&[0.1, 0.2, 0.4], &[2.0, 4.0, 6.0, 8.0]));
        let coarse = histogram(&[0.2, 0.5], &[10.0, 20.0, 30.0]);
        assert_eq!(merge(&one, &coarse), histogram(&[0.2], &[13.0, 57.0]));
        // Native histograms leave out empty buckets.
        let sparse = histogram(&[0.1, 0.2], &[0.0, 5.0, 0.0]);
        assert_eq!(merge(&one, &sparse), histogram(&[0.1, 0.2, 0.4], &[1.0, 7.0, 3.0, 4.0]));
        let nothing = histogram(&[], &[0.0]);
        assert_eq!(merge(&one, &nothing), one);
        assert_eq!(merge(&nothing, &one), one);
    }
}
