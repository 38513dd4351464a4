//! Which way evidence argues, when harm may begin, and how evidences are averaged.

use crate::constants::{START_EVERY, START_MOST, START_WEIGHT};
use crate::exponential::{exp, largest};

/// Which hypothesis the evidence is against. For a metric where higher is worse; negate for the other direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Against "the effect is at most the bound": shows harm.
    Harm,
    /// Against "the effect is at least the bound": shows safety.
    Safe,
}

impl Side {
    /// +1 for harm, −1 for safety.
    pub(crate) fn sign(self) -> f64 {
        match self {
            Side::Harm => 1.0,
            Side::Safe => -1.0,
        }
    }
}

/// Harm may begin late: windows between starts, and the ln weight of each start. The weights sum to 1, the first start
/// carries most of it. `longest`: windows of the analysis; 0 counts as 1.
pub fn late_starts(longest: usize) -> (usize, Vec<f64>) {
    let every = longest.div_ceil(START_MOST).max(START_EVERY);
    let later = longest.saturating_sub(1) / every;
    let mut ln_weights = vec![0.0; later + 1];
    if later > 0 {
        ln_weights.fill(((1.0 - START_WEIGHT) / later as f64).ln());
        ln_weights[0] = START_WEIGHT.ln();
    }
    (every, ln_weights)
}

/// ln of the average of evidences given as ln e: an average of e-processes is one, whatever their dependence. None: 0.
pub fn average(ln_e: &[f64]) -> f64 {
    let weighted: Vec<(f64, f64)> = ln_e.iter().map(|evidence| (*evidence, 1.0)).collect();
    weighted_mean(&weighted)
}

/// ln of the weighted average of evidences given as (ln e, weight). A weight that is not finite and above 0 leaves its
/// evidence out; an evidence that is NaN counts as none (ln e = 0). Nothing to average: 0.
pub fn weighted_mean(evidences: &[(f64, f64)]) -> f64 {
    let usable: Vec<(f64, f64)> = evidences
        .iter()
        .filter(|(_, weight)| weight.is_finite() && *weight > 0.0)
        .map(|(ln_e, weight)| (if ln_e.is_nan() { 0.0 } else { *ln_e }, *weight))
        .collect();
    let exponents: Vec<f64> = usable.iter().map(|(ln_e, _)| *ln_e).collect();
    let most = largest(&exponents);
    if !most.is_finite() {
        return if usable.is_empty() { 0.0 } else { most };
    }
    let mut sum = 0.0;
    let mut weights = 0.0;
    for (ln_e, weight) in usable {
        sum += weight * exp(ln_e - most);
        weights += weight;
    }
    most + (sum / weights).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_share_one_weight() {
        for longest in [0, 1, 5, 6, 20, 60, 61, 1440] {
            let (every, ln_weights) = late_starts(longest);
            let sum: f64 = ln_weights.iter().map(|ln_weight| ln_weight.exp()).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{longest}");
            assert!(every >= 5 && ln_weights.len() <= 13);
        }
        assert_eq!(late_starts(60).1.len(), 12);
        assert_eq!(late_starts(5).1, [0.0]);
    }

    #[test]
    fn averages() {
        assert!((average(&[1.0, 2.0]) - 1.620_114_506_958_277_6).abs() < 1e-12);
        assert!((weighted_mean(&[(100f64.ln(), 1.0), (0.0, 3.0)]) - (103.0f64 / 4.0).ln()).abs() < 1e-12);
        assert_eq!(average(&[]), 0.0);
        assert_eq!(weighted_mean(&[(5.0, 0.0), (5.0, f64::NAN), (5.0, -1.0)]), 0.0);
        assert_eq!(average(&[f64::NAN]), 0.0);
        assert_eq!(average(&[f64::NEG_INFINITY]), f64::NEG_INFINITY);
    }
}
