//! Numbers kept finite and in range. The standard `max` and `min` drop a NaN, so that a guard fails open; these do not.

use crate::constants::LARGEST_VALUE;

/// The larger of two numbers; a NaN in `left` gives `right`, one in `right` gives `right`: a NaN is never hidden behind a floor
/// that is given as `left`.
#[inline]
pub(crate) fn larger(left: f64, right: f64) -> f64 {
    if left > right { left } else { right }
}

/// The smaller of two numbers; where either is NaN, `right`.
#[inline]
pub(crate) fn smaller(left: f64, right: f64) -> f64 {
    if left < right { left } else { right }
}

/// Cuts a score at ±`cut`; a NaN stays a NaN.
#[inline]
pub(crate) fn clip(score: f64, cut: f64) -> f64 {
    let below = if score > cut { cut } else { score };
    if below < -cut { -cut } else { below }
}

/// A value that may enter a formula: none where it is not finite; cut where it is so large that its square would overflow.
#[inline]
pub(crate) fn usable(value: f64) -> Option<f64> {
    value.is_finite().then(|| clip(value, LARGEST_VALUE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nan_is_never_hidden_by_a_floor() {
        assert!(larger(0.0, f64::NAN).is_nan());
        assert!(smaller(0.0, f64::NAN).is_nan());
        assert!(clip(f64::NAN, 1.0).is_nan());
        assert_eq!(usable(f64::INFINITY), None);
        assert_eq!(usable(-1e300), Some(-1e100));
    }
}
