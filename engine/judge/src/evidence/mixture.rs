//! Harm may begin late: the mixture over starts that the engines share which re-weigh their past at every window.

use crate::constants::MIN_WINDOWS_ROLLBACK;
use crate::evidence::{Side, late_starts, weighted_mean};
use crate::exponential::log_mean_exp;

/// When harm may begin, and how much each start weighs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Starts {
    every: usize,
    weights: Vec<f64>,
}

impl Starts {
    /// Safety is about the whole run: one start.
    pub(super) fn new(side: Side, longest: usize) -> Starts {
        let (every, ln_weights) = match side {
            Side::Harm => late_starts(longest),
            Side::Safe => (usize::MAX, vec![0.0]),
        };
        Starts { every, weights: ln_weights.iter().map(|ln_weight| ln_weight.exp()).collect() }
    }

    /// Whether a start begins with the window of this index (from 0).
    pub(super) fn begins_at(&self, window: usize) -> bool {
        window.is_multiple_of(self.every) && window / self.every < self.weights.len()
    }

    /// How many starts have begun once this many windows have been taken.
    pub(super) fn begun(&self, windows: usize) -> usize {
        windows.div_ceil(self.every).min(self.weights.len())
    }

    /// The windows of the stretch from start `index` to the next one, of `windows` in all.
    pub(super) fn stretch(&self, index: usize, windows: usize) -> std::ops::Range<usize> {
        let end = if index + 1 < self.weights.len() { (index + 1).saturating_mul(self.every) } else { windows };
        index * self.every..end.min(windows)
    }

    /// ln of the weighted mean over starts of the mean over alternatives. `stretches` holds the sums of each begun start's
    /// stretch; a start's own sums are those of its stretch and of all later ones. A start that has not begun has evidence 1,
    /// and a later one that has seen fewer than three windows at most that.
    pub(super) fn mix<const ALTERNATIVES: usize>(&self, stretches: &[[f64; ALTERNATIVES]], windows: usize) -> f64 {
        if windows == 0 {
            return 0.0;
        }
        let mut evidences: Vec<(f64, f64)> = self.weights.iter().map(|weight| (0.0, *weight)).collect();
        let mut sums = [0.0; ALTERNATIVES];
        for (index, stretch) in stretches.iter().enumerate().rev() {
            for (sum, part) in sums.iter_mut().zip(stretch) {
                *sum += part;
            }
            let ln_e = log_mean_exp(&sums);
            let too_young = index > 0 && windows - index * self.every < MIN_WINDOWS_ROLLBACK;
            evidences[index].0 = if too_young && ln_e > 0.0 { 0.0 } else { ln_e };
        }
        weighted_mean(&evidences)
    }
}
