//! An exponential made of plain arithmetic: the same bits on every machine, and loops over it become vector code.

/// 1.5 · 2^52: adding it rounds a number to an integer, which then stands in the low bits of the sum.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; products of the first with small integers are exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Beyond this the result would leave the normal numbers.
const LARGEST_EXPONENT: f64 = 708.0;

/// e to the `exponent`, to about 1e-15 relative; exponents are cut at ±708; NaN gives NaN.
#[inline]
pub(crate) fn exp(exponent: f64) -> f64 {
    let below = if exponent > LARGEST_EXPONENT { LARGEST_EXPONENT } else { exponent };
    let x = if below < -LARGEST_EXPONENT { -LARGEST_EXPONENT } else { below };
    let shifted = x * std::f64::consts::LOG2_E + ROUNDER;
    let power = shifted - ROUNDER;
    let r = (x - power * LN_2_HIGH) - power * LN_2_LOW;
    // Taylor's series on |r| <= ln 2 / 2, in Estrin's order: its remainder is below 5e-18.
    let r2 = r * r;
    let r4 = r2 * r2;
    let low = (1.0 + r) + r2 * (1.0 / 2.0 + r * (1.0 / 6.0));
    let middle = (1.0 / 24.0 + r * (1.0 / 120.0)) + r2 * (1.0 / 720.0 + r * (1.0 / 5_040.0));
    let high = (1.0 / 40_320.0 + r * (1.0 / 362_880.0)) + r2 * (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0));
    let top = 1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0);
    let series = low + r4 * (middle + r4 * (high + r4 * top));
    f64::from_bits(series.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// The largest of some numbers; negative infinity of none.
#[inline]
pub(crate) fn largest(numbers: &[f64]) -> f64 {
    let mut most = f64::NEG_INFINITY;
    for number in numbers {
        most = if *number > most { *number } else { most };
    }
    most
}

/// Exponentials side by side in a sum: more than one so that none waits for the other.
const LANES: usize = 4;

/// Sum of `exp(exponent - most)`. Without a branch, so that it becomes vector code.
#[inline]
pub(crate) fn sum_exp_below(exponents: &[f64], most: f64) -> f64 {
    let chunks = exponents.chunks_exact(LANES);
    let mut rest = 0.0;
    for exponent in chunks.remainder() {
        rest += exp(exponent - most);
    }
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, exponent) in sums.iter_mut().zip(chunk) {
            *sum += exp(exponent - most);
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// ln of the mean of the exponentials; of none: 0.
pub(crate) fn log_mean_exp(exponents: &[f64]) -> f64 {
    let most = largest(exponents);
    if !most.is_finite() {
        return if exponents.is_empty() { 0.0 } else { most };
    }
    most + (sum_exp_below(exponents, most) / exponents.len() as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_library() {
        for step in -70_000..=70_000 {
            let x = f64::from(step) * 0.01;
            assert!((exp(x) / x.exp() - 1.0).abs() < 3e-15, "at {x}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f64::NAN).is_nan());
        assert!(exp(1e300).is_finite() && exp(f64::NEG_INFINITY) > 0.0);
    }

    #[test]
    fn log_mean_exp_survives_extremes() {
        assert_eq!(log_mean_exp(&[]), 0.0);
        assert_eq!(log_mean_exp(&[1000.0, 1000.0]), 1000.0);
        assert!((log_mean_exp(&[1000.0, -1000.0]) - (1000.0 - 2f64.ln())).abs() < 1e-12);
        assert_eq!(log_mean_exp(&[f64::NEG_INFINITY]), f64::NEG_INFINITY);
    }
}
