//! What is done to a series before it is classified.

use super::settings::{NanStrategy, Outliers};
use crate::bounded::{larger, smaller};
use crate::fixed_horizon::mann_whitney::normal_quantile;

/// Standard deviation of the noise that a constant arm gets, as a share of its value.
const NOISE: f64 = 1e-5;

/// The values that are judged, ascending: NaN left out or replaced by 0, outliers left out.
pub fn prepared(values: &[f64], nan: NanStrategy, outliers: Outliers) -> Vec<f64> {
    let mut kept: Vec<f64> = match nan {
        NanStrategy::Remove => values.iter().copied().filter(|value| value.is_finite()).collect(),
        NanStrategy::Replace => values.iter().map(|value| if value.is_finite() { *value } else { 0.0 }).collect(),
    };
    kept.sort_unstable_by(f64::total_cmp);
    if let (Outliers::Remove(factor), false) = (outliers, kept.is_empty()) {
        let (lower, upper) = fences(&kept, factor);
        kept.retain(|value| *value >= lower && *value <= upper);
    }
    kept
}

/// Kayenta's fences with `reduceSensitivity`: never inside the first and the last percentile.
fn fences(sorted: &[f64], factor: f64) -> (f64, f64) {
    let (first, third) = (percentile(sorted, 0.25), percentile(sorted, 0.75));
    let reach = factor * (third - first);
    (smaller(percentile(sorted, 0.01), first - reach), larger(percentile(sorted, 0.99), third + reach))
}

/// The quantile by straight lines between order statistics (R's type 7, NumPy's `linear`) of a non-empty ascending sample;
/// `share` in 0..=1.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = if below + 1 < sorted.len() { below + 1 } else { below };
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

/// A constant arm with noise about its value, ascending. Kayenta draws it at random, so that its interval differs from call to
/// call; here it is what such a draw is on average: the normal distribution's quantiles at (i + ½)/n.
pub(super) fn with_noise(constant: &[f64]) -> Vec<f64> {
    let all = constant.len() as f64;
    let noisy = constant.iter().enumerate().map(|(index, value)| value - value.abs() * NOISE * normal_quantile((index as f64 + 0.5) / all));
    noisy.collect()
}
