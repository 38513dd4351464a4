//! A metric judged in slices as well (one route, one zone): a regression that the whole drowns is found in its slice, and the
//! slice is named.
//!
//! The metric's evidence of harm is half the whole's and half the mean of the slices': a mean of e-processes is an e-process
//! whatever their dependence, so slicing never adds false alarms. It needs that slices and weights are settled before outcomes
//! are seen; see [`by_traffic`] and ADR 10. Promotion rests on the whole, and waits while a slice leans to harm.

use crate::constants::{MOST_SLICES, SLICES_SHARE};
use crate::evidence::{average, weighted_mean};
use crate::history::MetricHistory;
use crate::metric::MetricJudge;
use crate::multiplicity::e_bh;
use crate::rule::{Policy, Rule};
use crate::window::MetricWindow;

/// Which slices are judged for themselves: indices, ascending, of the at most [`MOST_SLICES`] with the most traffic. `traffic`
/// holds what the *baseline* of each slice saw before the first window that slices are judged in; those that saw nothing are
/// left to the rest. Of equals the first are taken.
pub fn by_traffic(traffic: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..traffic.len()).filter(|index| traffic[*index] > 0.0).collect();
    order.sort_by(|one, other| traffic[*other].total_cmp(&traffic[*one]).then(one.cmp(other)));
    order.truncate(MOST_SLICES);
    order.sort_unstable();
    order
}

/// What is asked of a slice: the tolerance alone. A `limit` is asked of the whole (slices of one service have levels of their
/// own), and the breaker, which knows no multiplicity, watches the whole.
fn rule_of_slice(rule: &Rule) -> Rule {
    Rule { limit: None, ..rule.clone() }
}

impl MetricJudge {
    /// Begins a traffic step of the slices, one history each; `lead` is the metric's. The first call that has any settles how
    /// many there are.
    pub(crate) fn begin_slices(&mut self, policy: &Policy, histories: &[Result<MetricHistory, String>], lead: &[&MetricWindow]) {
        if self.rule.tolerance.is_none() {
            return;
        }
        if self.slices.is_empty() {
            let policy = Policy { breaker: None, ..policy.clone() };
            let rule = rule_of_slice(&self.rule);
            self.slices = histories.iter().map(|_| MetricJudge::for_part(&rule, &policy)).collect();
        }
        for (index, (slice, history)) in self.slices.iter_mut().zip(histories).enumerate() {
            let lead: Vec<_> = lead.iter().filter_map(|window| window.slices.get(index)).map(|window| &window.arms).collect();
            slice.begin_step(history, &lead);
        }
    }

    /// Takes one window of all slices; one that is not there is a gap.
    pub(crate) fn push_slices(&mut self, window: &MetricWindow, exposure: crate::arm::PerArm<f64>) {
        let gap = MetricWindow::default();
        for (index, slice) in self.slices.iter_mut().enumerate() {
            slice.push(window.slices.get(index).unwrap_or(&gap), exposure);
        }
    }

    /// ln of the metric's evidence of harm: the whole's (`ln_whole`) and its slices'.
    pub(crate) fn with_slices(&self, ln_whole: f64) -> f64 {
        if self.slices.is_empty() {
            return ln_whole;
        }
        let mut evidences: Vec<f64> = self.slices.iter().map(MetricJudge::ln_harm).collect();
        // Sorted, so that not even the last bit depends on the order of slices.
        evidences.sort_by(f64::total_cmp);
        weighted_mean(&[(ln_whole, 1.0 - SLICES_SHARE), (average(&evidences), SLICES_SHARE)])
    }

    /// Whether a slice leans so far to harm that a pass of the whole must wait: as far as the whole must lean to safety
    /// (1/false_promote). A rare route needs longer than the whole, and the whole may be shown safe before it.
    pub(crate) fn waits_for_slices(&self, policy: &Policy) -> bool {
        self.slices.iter().any(|slice| slice.leans_to_harm(policy)) || !self.named_slices(policy.false_rollback).is_empty()
    }

    /// Whether the evidence of harm is at least 1/false_promote.
    pub(crate) fn leans_to_harm(&self, policy: &Policy) -> bool {
        self.ln_harm() >= -policy.false_promote.ln()
    }

    /// The slices that e-BH names at level `alpha`, ascending: of those named, at most that share is innocent on average.
    pub(crate) fn named_slices(&self, alpha: f64) -> Vec<usize> {
        let evidences: Vec<f64> = self.slices.iter().map(MetricJudge::ln_harm).collect();
        e_bh(&evidences, alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_slices_are_taken_and_quiet_ones_are_left_to_the_rest() {
        assert_eq!(by_traffic(&[0.0, 5.0, 0.0, 9.0]), [1, 3]);
        assert_eq!(by_traffic(&[]), [0_usize; 0]);
        let equal = vec![1.0; MOST_SLICES + 5];
        assert_eq!(by_traffic(&equal), (0..MOST_SLICES).collect::<Vec<usize>>());
        let rising: Vec<f64> = (0..MOST_SLICES + 5).map(|index| index as f64 + 1.0).collect();
        assert_eq!(by_traffic(&rising), (5..MOST_SLICES + 5).collect::<Vec<usize>>());
        assert_eq!(by_traffic(&[f64::NAN, 1.0]), [1]);
    }
}
