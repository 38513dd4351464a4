//! Traffic steps that nobody announced: the canary's share of the requests has grown.
//!
//! Only growth counts. A share that falls may be the very regression that is being looked for (a canary that answers less);
//! who lowers the weight on purpose says so.

use std::collections::VecDeque;

use crate::arm::PerArm;

/// Windows that must all show the new share.
const WINDOWS: usize = 3;
/// Earlier windows of the step that give the old share.
const EARLIER: usize = 12;
/// By how much the share must have grown.
const GROWTH: f64 = 1.25;
/// … and by how many standard deviations of a binomial share, so that a handful of requests is not a step.
const DEVIATIONS: f64 = 6.0;

/// Follows the canary's share of the requests.
#[derive(Debug, Clone, Default)]
pub struct StepDetector {
    recent: VecDeque<PerArm<f64>>,
}

impl StepDetector {
    /// Takes one judged window's requests. True when a new step began: at the first of the last three windows.
    pub fn push(&mut self, requests: PerArm<f64>) -> bool {
        if requests.baseline + requests.canary <= 0.0 {
            return false;
        }
        if self.recent.len() == WINDOWS + EARLIER {
            self.recent.pop_front();
        }
        self.recent.push_back(requests);
        if self.recent.len() < 2 * WINDOWS {
            return false;
        }
        let earlier = self.recent.len() - WINDOWS;
        let before = pooled(self.recent.iter().take(earlier));
        let old_share = before.canary / (before.baseline + before.canary);
        let grown = |window: &PerArm<f64>| window.canary > GROWTH * old_share * (window.baseline + window.canary);
        if old_share <= 0.0 || !self.recent.iter().skip(earlier).all(grown) {
            return false;
        }
        let after = pooled(self.recent.iter().skip(earlier));
        let total = after.baseline + after.canary;
        let deviation = (total * old_share * (1.0 - old_share)).sqrt();
        let is_step = after.canary - total * old_share > DEVIATIONS * deviation;
        if is_step {
            self.recent.drain(..earlier);
        }
        is_step
    }

    /// Begins anew: the caller said that a step began.
    pub fn reset(&mut self) {
        self.recent.clear();
    }
}

fn pooled<'a>(windows: impl Iterator<Item = &'a PerArm<f64>>) -> PerArm<f64> {
    let mut sum = PerArm::default();
    for window in windows {
        sum.baseline += window.baseline;
        sum.canary += window.canary;
    }
    sum
}
