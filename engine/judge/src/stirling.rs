//! What is left of ln Γ after Stirling's formula, and probabilities that keep their digits at large counts because nothing
//! large is subtracted.

use statrs::function::gamma::ln_gamma;

/// Above this the series below is exact to the last digit.
const SERIES_FROM: f64 = 16.0;
/// Half of ln 2π.
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;

/// ln Γ(z) − ((z − ½) ln z − z + ½ ln 2π), for z > 0.
pub(crate) fn stirling_error(z: f64) -> f64 {
    if z < SERIES_FROM {
        return ln_gamma(z) - ((z - 0.5) * z.ln() - z + HALF_LN_TAU);
    }
    let square = z * z;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1_260.0 - (1.0 / 1_680.0 - (1.0 / 1_188.0) / square) / square) / square) / square) / z
}

/// x ln(x / mean) + mean − x, for x >= 0 and mean > 0: how far a count is from its mean.
pub(crate) fn deviance(x: f64, mean: f64) -> f64 {
    if x == 0.0 {
        return mean;
    }
    let relative = (x - mean) / mean;
    if relative.abs() > 0.1 {
        return x * (x / mean).ln() + mean - x;
    }
    // With v = (x − mean) / (x + mean): (x − mean)·v + 2x·(v³/3 + v⁵/5 + …), whose terms do not cancel.
    let v = (x - mean) / (x + mean);
    let (mut sum, mut power, mut odd) = ((x - mean) * v, 2.0 * x * v, 1.0);
    loop {
        power *= v * v;
        odd += 2.0;
        let next = sum + power / odd;
        if next == sum {
            return sum;
        }
        sum = next;
    }
}

/// ln of the chance of `x` successes in `n` trials of probability `p` in (0, 1), 0 <= x <= n.
///
/// # Reference
/// Loader, "Fast and accurate computation of binomial probabilities" (2000).
pub(crate) fn ln_binomial(x: f64, n: f64, p: f64) -> f64 {
    if x == 0.0 {
        return n * (-p).ln_1p();
    }
    if x == n {
        return n * p.ln();
    }
    let rest = n - x;
    // Stirling's error of a factorial: ln Γ(z + 1) is ln z more than ln Γ(z).
    stirling_error(n) - stirling_error(x) - stirling_error(rest) - deviance(x, n * p) - deviance(rest, n * (1.0 - p))
        + 0.5 * (n / x / rest).ln()
        - HALF_LN_TAU
}

/// The chance of at least `x` successes in `n` trials of probability `p` in (0, 1).
pub(crate) fn at_least(x: f64, n: f64, p: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x > n {
        return 0.0;
    }
    if x > (n + 1.0) * p { upward(x, n, p) } else { 1.0 - upward(n - x + 1.0, n, 1.0 - p) }
}

/// The sum of chances from `x` upwards, where they fall.
fn upward(x: f64, n: f64, p: f64) -> f64 {
    let odds = p / (1.0 - p);
    let (mut successes, mut relative, mut sum) = (x, 1.0, 1.0);
    while successes < n {
        relative *= (n - successes) / (successes + 1.0) * odds;
        successes += 1.0;
        let next = sum + relative;
        if next == sum {
            break;
        }
        sum = next;
    }
    ln_binomial(x, n, p).exp() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_error_meet() {
        for z in [15.999_999, 16.000_001] {
            let square: f64 = z * z;
            let series = (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1_260.0 - 1.0 / 1_680.0 / square) / square) / square) / z;
            assert!((stirling_error(z) - series).abs() < 1e-13, "{z}");
        }
    }

    #[test]
    fn both_forms_of_the_deviance_meet() {
        for (x, mean) in [(110.0, 100.0), (110.001, 100.0), (89.999, 100.0), (90.001, 100.0)] {
            let direct = x * f64::ln(x / mean) + mean - x;
            assert!((deviance(x, mean) - direct).abs() < 1e-12, "{x}");
        }
        assert_eq!(deviance(0.0, 3.0), 3.0);
        assert_eq!(deviance(3.0, 3.0), 0.0);
    }

    #[test]
    fn binomial_chances_sum_to_one() {
        for (n, p) in [(1.0, 0.3), (12.0, 0.01), (300.0, 0.7)] {
            let sum: f64 = (0..=n as usize).map(|x| ln_binomial(x as f64, n, p).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{n}");
            assert!((at_least(2.0, n, p) - (1.0 - ln_binomial(0.0, n, p).exp() - ln_binomial(1.0, n, p).exp())).abs() < 1e-12);
        }
        assert_eq!(at_least(0.0, 5.0, 0.5), 1.0);
        assert_eq!(at_least(6.0, 5.0, 0.5), 0.0);
    }
}
