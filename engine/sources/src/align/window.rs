//! One window of all metrics, by arm and instance.

use davy_judge::arm::PerArm;
use davy_judge::reading::Reading;

/// One window of all metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignedWindow {
    /// Its end, ms since the epoch; the window is (end − step, end].
    pub end_ms: i64,
    /// One per metric, in the plan's order.
    pub metrics: Vec<PerArm<InstanceReadings>>,
    /// Live instances: those with at least one raw sample in the window.
    pub instances: PerArm<usize>,
    /// What was left out or put right, one per metric.
    pub gaps: Vec<PerArm<Gaps>>,
}

/// One metric in one window of one arm, instance by instance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InstanceReadings {
    /// (the instance label's value, or "" where there is none; its reading), sorted by the label's value. Instances that
    /// never had a sample of this metric up to the window's end are not listed; a listed one may be [`Reading::Missing`].
    pub by_instance: Vec<(String, Reading)>,
}

/// What was left out of a window, or put right, counted for people to read. A reading is already `Missing` where it had
/// to be: these numbers explain, and change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gaps {
    /// Instances without a request in the window: their ratio is unknown.
    pub no_requests: u32,
    /// Instances with more events than requests (they are scraped one after the other): cut to the requests.
    pub clamped: u32,
    /// Values that were no finite numbers.
    pub not_finite: u32,
    /// Histograms without a `+Inf` bucket: how many observations there were is unknown.
    pub no_overflow_bucket: u32,
    /// Increments over a gap of more than two windows: when they happened is unknown.
    pub long_gaps: u32,
    /// Counters that started again (restarts): handled exactly.
    pub resets: u32,
    /// Instances whose bucket bounds have too little in common.
    pub incompatible: u32,
    /// The same time with different values: the larger was taken.
    pub conflicts: u32,
}

impl InstanceReadings {
    /// All instances together. Instances that are `Missing` do not take part; none left: `Missing`.
    pub fn merged(&self) -> Reading {
        unimplemented!("lands within minutes")
    }
}
