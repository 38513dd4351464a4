//! Where in its traffic steps an analysis stands: warming up, or judging.

use davy_judge::window::Window;
use davy_sources::recording::Weight;

/// What to do with a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing: the canary has not been seen yet.
    Waiting,
    /// Keep it as part of the step's lead.
    WarmUp,
    /// Judge it, as the first of its step.
    First,
    /// Judge it.
    Judged,
}

/// Follows warm-ups and steps, window by window.
#[derive(Debug, Clone)]
pub struct Steps {
    step_ms: i64,
    warmup_ms: i64,
    judged_from_ms: Option<i64>,
    is_judging: bool,
    next_weight: usize,
    lead: Vec<Window>,
}

impl Steps {
    /// Before the canary's first sample.
    pub fn new(step_ms: i64, warmup_ms: i64) -> Self {
        Steps { step_ms, warmup_ms, judged_from_ms: None, is_judging: false, next_weight: 0, lead: Vec::new() }
    }

    /// The canary's first sample was seen at this time: the first warm-up begins.
    pub fn canary_seen(&mut self, time_ms: i64) {
        self.judged_from_ms.get_or_insert(time_ms + self.warmup_ms);
    }

    /// What to do with the window that ends at `end_ms`. The caller's weights begin new steps.
    pub fn stage(&mut self, end_ms: i64, weights: &[Weight]) -> Stage {
        while let Some(weight) = weights.get(self.next_weight).filter(|weight| weight.time_ms < end_ms) {
            // The first weight says where the canary began; each later one shifts traffic.
            if self.next_weight > 0 && weights[self.next_weight - 1].weight != weight.weight {
                self.shifted(weight.time_ms);
            }
            self.next_weight += 1;
        }
        let Some(judged_from_ms) = self.judged_from_ms else { return Stage::Waiting };
        if self.is_judging {
            return Stage::Judged;
        }
        if end_ms - self.step_ms < judged_from_ms {
            return Stage::WarmUp;
        }
        self.is_judging = true;
        Stage::First
    }

    /// Traffic was shifted at this time: a new warm-up begins.
    pub fn shifted(&mut self, time_ms: i64) {
        if self.judged_from_ms.is_some() {
            self.judged_from_ms = Some(time_ms + self.warmup_ms);
            self.is_judging = false;
            self.lead.clear();
        }
    }

    /// Keeps a window of the warm-up.
    pub fn keep(&mut self, window: Window) {
        self.lead.push(window);
    }

    /// The step's lead, with its first judged window.
    pub fn take_lead(&mut self, first: Window) -> Vec<Window> {
        let mut lead = std::mem::take(&mut self.lead);
        lead.push(first);
        lead
    }

    /// When windows begin to be judged, where that is known.
    pub fn judged_from_ms(&self) -> Option<i64> {
        self.judged_from_ms
    }
}
