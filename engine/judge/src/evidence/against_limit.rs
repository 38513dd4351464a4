//! Evidence about one arm's event probability against a fixed limit.

use super::Side;

/// Running evidence about events among requests of one arm.
#[derive(Debug, Clone)]
pub struct AgainstLimit {}

impl AgainstLimit {
    /// For one side and a limit in (0, 1).
    pub fn new(_side: Side, _limit: f64) -> Self {
        unimplemented!()
    }

    /// One more window; a gap is pushed as zeros.
    pub fn push(&mut self, _events: f64, _requests: f64) {
        unimplemented!()
    }

    /// ln e after the last window.
    pub fn ln_e(&self) -> f64 {
        unimplemented!()
    }

    /// Windows with requests.
    pub fn present(&self) -> usize {
        unimplemented!()
    }
}
