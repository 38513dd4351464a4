//! One window of all metrics: what a running analysis takes at a time.

use crate::arm::PerArm;
use crate::history::MetricHistory;
use crate::reading::Reading;

/// One metric in one window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricWindow {
    /// What each arm showed, merged over its instances.
    pub arms: PerArm<Reading>,
    /// The same window of today's pseudo-canaries, one per row of the history in its order: the pseudo-canary as
    /// `canary`, the rest of the baseline as `baseline`. Empty without history.
    pub today: Vec<PerArm<Reading>>,
    /// The same window slice by slice, in the order of [`StepStart::slices`]. Empty for a metric that is not sliced.
    pub slices: Vec<MetricWindow>,
    /// The canary's instances one by one, where they have names and are more than one. For people: they decide nothing.
    pub instances: Vec<(String, Reading)>,
}

/// One window.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Its end, ms since the epoch; the window is (end − step, end].
    pub end_ms: i64,
    /// One per rule, in the rules' order.
    pub metrics: Vec<MetricWindow>,
    /// How many instances of each arm sent anything in it.
    pub instances: PerArm<usize>,
}

/// What is known when a traffic step begins to be judged: the first one, or a later one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepStart {
    /// One per rule: pseudo-canaries of the past at this step's traffic, or why there are none.
    pub histories: Vec<Result<MetricHistory, String>>,
    /// One list per rule: the histories of its slices. How many slices a metric has is settled by the first step that names
    /// any: who builds this chooses them from what the baseline showed before, never from the canary (ADR 10).
    pub slices: Vec<Vec<Result<MetricHistory, String>>>,
    /// The step's windows up to the first judged one (warm-up and that one): they tell the traffic, and are not evidence.
    pub lead: Vec<Window>,
}
