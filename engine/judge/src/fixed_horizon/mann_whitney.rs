//! Mann–Whitney's rank test, its exact distribution, and the effect sizes that come with it.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::arm::PerArm;
use crate::bounded::{larger, smaller};

/// Arms up to this size are compared by the exact distribution, where no values are tied.
pub const EXACT_UP_TO: usize = 50;

/// The result of a Mann–Whitney test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the canary is higher, ties counting half.
    pub u: f64,
    /// The chance, in the sample, that the canary is higher than the baseline, ties counting half (CLES).
    pub canary_higher: f64,
    /// Cliff's delta: −1..=1, positive where the canary is higher.
    pub cliffs_delta: f64,
    /// Against "no difference".
    pub p_two_sided: f64,
    /// Against "the canary is not higher".
    pub p_greater: f64,
    /// Against "the canary is not lower".
    pub p_less: f64,
    /// By the exact distribution; else by the normal one with continuity correction and with ties in its variance.
    pub exact: bool,
}

/// Compares two samples of finite values; what is not finite is left out. None where an arm is empty. Values must be
/// independent, which windows of one service are not.
///
/// # Reference
/// doi:10.1214/aoms/1177730491; checked against SciPy by `fixtures/reference/fixed_horizon.json`.
pub fn mann_whitney(arms: PerArm<&[f64]>) -> Option<MannWhitney> {
    let sorted = sorted_arms(arms)?;
    let exact = sorted.baseline.len() <= EXACT_UP_TO && sorted.canary.len() <= EXACT_UP_TO;
    let ranks = Ranks::of(&sorted);
    Some(if exact && ranks.ties == 0.0 { ranks.exact() } else { ranks.asymptotic() })
}

/// As [`mann_whitney`], always by the normal distribution.
pub fn mann_whitney_asymptotic(arms: PerArm<&[f64]>) -> Option<MannWhitney> {
    Some(Ranks::of(&sorted_arms(arms)?).asymptotic())
}

/// The finite values of both arms, ascending. None where an arm has none.
pub(super) fn sorted_arms(arms: PerArm<&[f64]>) -> Option<PerArm<Vec<f64>>> {
    let sorted = arms.map(|values| {
        let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        finite.sort_unstable_by(f64::total_cmp);
        finite
    });
    (!sorted.baseline.is_empty() && !sorted.canary.is_empty()).then_some(sorted)
}

/// What the test needs of the ranks.
pub(super) struct Ranks {
    baseline: f64,
    canary: f64,
    u: f64,
    /// Sum of t³ − t over groups of t tied values.
    ties: f64,
}

impl Ranks {
    pub(super) fn of(sorted: &PerArm<Vec<f64>>) -> Ranks {
        let (baseline, canary) = (&sorted.baseline, &sorted.canary);
        let (mut u, mut ties) = (0.0, 0.0);
        let (mut below, mut index) = (0, 0);
        while index < canary.len() || below < baseline.len() {
            let value = match (canary.get(index), baseline.get(below)) {
                (Some(one), Some(other)) => smaller(*one, *other),
                (Some(one), None) | (None, Some(one)) => *one,
                (None, None) => break,
            };
            let same_canary = canary[index..].iter().take_while(|one| **one == value).count();
            let same_baseline = baseline[below..].iter().take_while(|one| **one == value).count();
            u += same_canary as f64 * (below as f64 + 0.5 * same_baseline as f64);
            let tied = (same_canary + same_baseline) as f64;
            ties += tied * (tied * tied - 1.0);
            index += same_canary;
            below += same_baseline;
        }
        Ranks { baseline: baseline.len() as f64, canary: canary.len() as f64, u, ties }
    }

    pub(super) fn has_ties(&self) -> bool {
        self.ties > 0.0
    }

    /// The chance, in the sample, that the canary is higher, ties counting half.
    pub(super) fn canary_higher(&self) -> f64 {
        self.u / self.pairs()
    }

    fn pairs(&self) -> f64 {
        self.baseline * self.canary
    }

    /// Standard deviation of U where nothing differs; 0 where all values are tied.
    pub(super) fn deviation(&self) -> f64 {
        let all = self.baseline + self.canary;
        let tied = if all > 1.0 { self.ties / (all * (all - 1.0)) } else { 0.0 };
        larger(0.0, self.pairs() / 12.0 * (all + 1.0 - tied)).sqrt()
    }

    fn result(&self, p_greater: f64, p_less: f64, p_two_sided: f64, exact: bool) -> MannWhitney {
        let canary_higher = self.canary_higher();
        let cliffs_delta = 2.0 * canary_higher - 1.0;
        MannWhitney { u: self.u, canary_higher, cliffs_delta, p_two_sided, p_greater, p_less, exact }
    }

    fn asymptotic(&self) -> MannWhitney {
        let (mean, deviation) = (self.pairs() / 2.0, self.deviation());
        let above = |u: f64| match deviation > 0.0 {
            true => Normal::standard().sf((u - mean - 0.5) / deviation),
            false => 1.0,
        };
        let (p_greater, p_less) = (above(self.u), above(self.pairs() - self.u));
        self.result(p_greater, p_less, smaller(1.0, 2.0 * smaller(p_greater, p_less)), false)
    }

    fn exact(&self) -> MannWhitney {
        let chances = null_distribution(self.baseline as usize, self.canary as usize);
        let at_least = |u: f64| chances[u.ceil() as usize..].iter().rev().sum::<f64>();
        let (p_greater, p_less) = (at_least(self.u), at_least(self.pairs() - self.u));
        let two_sided = 2.0 * smaller(p_greater, p_less);
        self.result(smaller(1.0, p_greater), smaller(1.0, p_less), smaller(1.0, two_sided), true)
    }
}

/// Chance of each U = 0 ..= n·m where nothing differs and nothing is tied, by recursion over the highest value: with chance
/// n / (n + m) it is the canary's, which is then above all m. Only sums of positive numbers: no digits are lost.
pub(super) fn null_distribution(baseline: usize, canary: usize) -> Vec<f64> {
    // by_baseline[m] is the distribution for m of the baseline and the present number of the canary.
    let mut by_baseline: Vec<Vec<f64>> = vec![vec![1.0]; baseline + 1];
    for n in 1..=canary {
        by_baseline[0] = vec![1.0];
        for m in 1..=baseline {
            let highest_is_canary = n as f64 / (n + m) as f64;
            let mut chances = vec![0.0; n * m + 1];
            for (u, chance) in by_baseline[m].iter().enumerate() {
                chances[u + m] += highest_is_canary * chance;
            }
            for (u, chance) in by_baseline[m - 1].iter().enumerate() {
                chances[u] += (1.0 - highest_is_canary) * chance;
            }
            by_baseline[m] = chances;
        }
    }
    by_baseline.swap_remove(baseline)
}

/// The standard normal quantile of `1 - tail`.
pub(super) fn normal_quantile(tail: f64) -> f64 {
    -Normal::standard().inverse_cdf(tail)
}
