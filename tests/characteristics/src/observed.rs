//! What the peers see of a replicate: each arm's value per judged window, as a query would give it.

use davy_judge::arm::PerArm;

/// One metric in the judged windows. Higher is worse; NaN: missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// Values by window.
    pub values: PerArm<Vec<f64>>,
    /// Events and requests by window, where the metric counts them: errors, or requests beyond a bucket bound.
    pub counts: Option<PerArm<Vec<(f64, f64)>>>,
    /// What the healthy service shows.
    pub nominal: f64,
}

impl Observed {
    /// How many windows there are.
    pub fn windows(&self) -> usize {
        self.values.canary.len()
    }
}
