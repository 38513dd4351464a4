//! Histograms: shares above a bucket bound, the ratio that a slower canary would show there, quantiles to show to people.

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

/// Observations above `bound`: exact at a bucket's bound, interpolated on a log axis inside a bucket.
pub fn exceeding(_histogram: &BucketCounts, _bound: f64) -> f64 {
    unimplemented!()
}

/// Share of observations above each bound, descending; all zeros without observations.
pub fn survival(_histogram: &BucketCounts) -> Vec<f64> {
    unimplemented!()
}

/// The `q`-quantile (0..=1), interpolated linearly inside its bucket as Prometheus does with classic histograms.
pub fn quantile(_histogram: &BucketCounts, _q: f64) -> Quantile {
    unimplemented!()
}

/// `S(bounds[j] / factor) / S(bounds[j])` of the baseline: the ratio that a canary slower by `factor` would show at `bounds[j]`.
/// None where the slope of the tail is unknown: `bounds[j]` is the only positive bound, or is not positive.
pub fn tail_ratio(_bounds: &[f64], _survival: &[f64], _j: usize, _factor: f64) -> Option<f64> {
    unimplemented!()
}

/// The factor at which [`tail_ratio`] is `ratio`; the largest one within reach when the ratio is never reached.
pub fn factor_for_ratio(_bounds: &[f64], _survival: &[f64], _j: usize, _ratio: f64) -> Option<f64> {
    unimplemented!()
}

/// Index of the bound whose survival is nearest, in logs, to the tail mass `1 - q`; None where none is within a factor of 8.
pub fn nearest_bound(_survival: &[f64], _tail: f64) -> Option<usize> {
    unimplemented!()
}

/// Adds two histograms, keeping the bounds at which both are exact.
pub fn merge(_left: &BucketCounts, _right: &BucketCounts) -> BucketCounts {
    unimplemented!()
}
