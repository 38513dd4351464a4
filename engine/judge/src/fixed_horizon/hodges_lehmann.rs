//! Hodges and Lehmann's estimate of a shift with Moses' interval: the median of all differences canary − baseline, and the
//! differences that Mann–Whitney's test would just not refute.

use super::differences::Differences;
use super::mann_whitney::{EXACT_UP_TO, Ranks, normal_quantile, null_distribution, sorted_arms};
use crate::arm::PerArm;

/// How far the canary is shifted against the baseline, in the samples' unit; positive where the canary is higher.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The median of all differences.
    pub estimate: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
    /// The interval's ends are this difference from either end, counted from 1.
    pub rank: u64,
}

/// Estimates the shift between two samples of independent finite values; what is not finite is left out. `confidence` in (0, 1)
/// is the interval's coverage: at least that, by the exact distribution up to 50 values per arm without ties, else by the
/// normal one. Memory and time grow with n + m, not with n · m. None where an arm is empty or `confidence` no such number.
///
/// # Reference
/// doi:10.1214/aoms/1177704172; checked against NumPy by `fixtures/reference/fixed_horizon.json`.
pub fn hodges_lehmann(arms: PerArm<&[f64]>, confidence: f64) -> Option<Shift> {
    let sorted = sorted_arms(arms)?;
    let ranks = Ranks::of(&sorted);
    let exact = sorted.baseline.len() <= EXACT_UP_TO && sorted.canary.len() <= EXACT_UP_TO && !ranks.has_ties();
    let tail = tail_of(confidence)?;
    Some(shift(&sorted, if exact { exact_rank(&sorted, tail) } else { normal_rank(&sorted, &ranks, tail) }))
}

/// As [`hodges_lehmann`], with the interval always by the normal distribution (Hollander and Wolfe's large-sample form).
pub fn hodges_lehmann_asymptotic(arms: PerArm<&[f64]>, confidence: f64) -> Option<Shift> {
    let sorted = sorted_arms(arms)?;
    let rank = normal_rank(&sorted, &Ranks::of(&sorted), tail_of(confidence)?);
    Some(shift(&sorted, rank))
}

fn tail_of(confidence: f64) -> Option<f64> {
    (confidence > 0.0 && confidence < 1.0).then_some(0.5 * (1.0 - confidence))
}

fn shift(sorted: &PerArm<Vec<f64>>, rank: u64) -> Shift {
    let pairs = sorted.baseline.len() as u64 * sorted.canary.len() as u64;
    let differences = Differences::of(&sorted.canary, &sorted.baseline);
    let (low, high) = differences.at_rank_and_next(pairs.div_ceil(2));
    let estimate = if pairs.is_multiple_of(2) { low.midpoint(high) } else { low };
    Shift { estimate, lower: differences.at_rank(rank), upper: differences.at_rank(pairs + 1 - rank), rank }
}

/// The largest k with P(U < k) ≤ `tail` by the exact distribution; at least 1.
fn exact_rank(sorted: &PerArm<Vec<f64>>, tail: f64) -> u64 {
    let mut below = 0.0;
    let mut rank = 0;
    for chance in null_distribution(sorted.baseline.len(), sorted.canary.len()) {
        below += chance;
        if below > tail {
            break;
        }
        rank += 1;
    }
    rank.max(1)
}

/// The same by the normal distribution, rounded down; at least 1.
fn normal_rank(sorted: &PerArm<Vec<f64>>, ranks: &Ranks, tail: f64) -> u64 {
    let middle = sorted.baseline.len() as f64 * sorted.canary.len() as f64 / 2.0;
    let rank = (middle - normal_quantile(tail) * ranks.deviation()).floor();
    if rank > 1.0 { rank as u64 } else { 1 }
}
