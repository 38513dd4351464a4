//! Paired evidence from symmetry alone, for metrics without history.

use super::Side;

/// Running evidence about a paired log ratio whose noise is unknown.
#[derive(Debug, Clone)]
pub struct Uncalibrated {}

impl Uncalibrated {
    /// For one side and an analysis of at most `longest` windows.
    pub fn new(_side: Side, _longest: usize) -> Self {
        unimplemented!()
    }

    /// One more window: `d` = ln canary − ln baseline (NaN: a gap), `bound` = ln of the tolerated ratio.
    pub fn push(&mut self, _d: f64, _bound: f64) {
        unimplemented!()
    }

    /// ln e after the last window.
    pub fn ln_e(&self) -> f64 {
        unimplemented!()
    }

    /// Present windows.
    pub fn present(&self) -> usize {
        unimplemented!()
    }

    /// ln e after the last window had the bounds been others: `bounds` maps the index of a pushed window (gaps count) to its bound.
    pub fn ln_e_at(&self, _bounds: impl Fn(usize) -> f64) -> f64 {
        unimplemented!()
    }
}
