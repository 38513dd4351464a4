//! Evidence about a rate ratio from events among requests, conditional on the pooled events.

use super::Side;

/// Events among requests of both arms in one window. All finite and at least 0; a gap is all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PairedCounts {
    /// Events of the canary (or pseudo-canary).
    pub canary_events: f64,
    /// Events of the baseline (or the rest of it).
    pub baseline_events: f64,
    /// Requests of the canary.
    pub canary_requests: f64,
    /// Requests of the baseline.
    pub baseline_requests: f64,
}

/// Running evidence about the ratio of two rates.
#[derive(Debug, Clone)]
pub struct Counts {}

impl Counts {
    /// For one side and an analysis of at most `longest` windows.
    pub fn new(_side: Side, _longest: usize) -> Self {
        unimplemented!()
    }

    /// The dispersion that history shows ([`dispersion`]), or none: then this run's own is used.
    pub fn set_dispersion(&mut self, _dispersion: Option<f64>) {
        unimplemented!()
    }

    /// One more window; `ratio` is the tolerated rate ratio, above 0. A gap is pushed as zeros.
    pub fn push(&mut self, _canary_events: f64, _baseline_events: f64, _canary_requests: f64, _baseline_requests: f64, _ratio: f64) {
        unimplemented!()
    }

    /// ln e after the last window.
    pub fn ln_e(&self) -> f64 {
        unimplemented!()
    }

    /// Windows in which both arms saw requests.
    pub fn present(&self) -> usize {
        unimplemented!()
    }

    /// ln e after the last window had the tolerated ratios been others: `ratios` maps the index of a pushed window to its ratio.
    pub fn ln_e_at(&self, _ratios: impl Fn(usize) -> f64) -> f64 {
        unimplemented!()
    }
}

/// Long-run dispersion of counts in history: worst ratio of block variance to binomial variance, with a margin; at least 1.
/// None where either side of the history has no requests. One row per pseudo-canary.
pub fn dispersion(_rows: &[Vec<PairedCounts>]) -> Option<f64> {
    unimplemented!()
}

/// ln of the rate ratio canary / baseline of one window, with half an event of continuity; NaN where an arm saw no request.
pub fn paired_log_ratio(_canary_events: f64, _baseline_events: f64, _canary_requests: f64, _baseline_requests: f64) -> f64 {
    unimplemented!()
}
