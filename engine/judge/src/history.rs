//! A metric's past, cut into pseudo-canaries: how its comparison behaves when nothing is wrong.

use crate::arm::PerArm;
use crate::reading::Reading;

/// Pseudo-canaries of one metric over the windows of the history.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricHistory {
    /// One per pseudo-canary, each with one entry per window: the pseudo-canary as `canary`, the rest of the baseline as
    /// `baseline`. Gaps are [`Reading::Missing`] in either.
    pub rows: Vec<Vec<PerArm<Reading>>>,
    /// The shares of traffic that the pseudo-canary and the rest are expected to see, one per row, in any unit.
    pub exposure: Vec<PerArm<f64>>,
    /// The whole baseline, one per window.
    pub baseline: Vec<Reading>,
    /// What a reader should know of how the rows were made.
    pub notes: Vec<String>,
}
