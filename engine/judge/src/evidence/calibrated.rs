//! Paired evidence whose noise was learned from history.

use std::sync::Arc;

use super::Side;
use crate::noise::NoiseProfile;

/// Running evidence about a paired log ratio.
#[derive(Debug, Clone)]
pub struct Calibrated {}

impl Calibrated {
    /// For one side and an analysis of at most `longest` windows.
    pub fn new(_side: Side, _longest: usize) -> Self {
        unimplemented!()
    }

    /// Begins a traffic step with its own profile; the first call comes before the first push.
    pub fn begin_step(&mut self, _profile: Arc<NoiseProfile>) {
        unimplemented!()
    }

    /// One more window: `d` = ln canary − ln baseline (NaN: a gap), `bound` = ln of the tolerated ratio, `now` = the same
    /// window of the baseline's pseudo-canaries (NaN: a gap).
    pub fn push(&mut self, _d: f64, _bound: f64, _now: &[f64]) {
        unimplemented!()
    }

    /// ln e after the last window.
    pub fn ln_e(&self) -> f64 {
        unimplemented!()
    }

    /// A cheap number that ln e does not exceed.
    pub fn at_most(&self) -> f64 {
        unimplemented!()
    }

    /// Whether ln e reaches the threshold: the same answer as comparing [`Calibrated::ln_e`], mostly without exponentials.
    pub fn reaches(&self, _threshold: f64) -> bool {
        unimplemented!()
    }

    /// Present windows in the whole run.
    pub fn present(&self) -> usize {
        unimplemented!()
    }

    /// Present windows in the present traffic step.
    pub fn present_in_step(&self) -> usize {
        unimplemented!()
    }

    /// ln e after the last window had the bounds been others: `bounds` maps the index of a pushed window (gaps count) to its bound.
    pub fn ln_e_at(&self, _bounds: impl Fn(usize) -> f64) -> f64 {
        unimplemented!()
    }
}
