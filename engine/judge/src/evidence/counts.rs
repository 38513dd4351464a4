//! Evidence about a rate ratio from events among requests: given the events of both arms together, the canary's share of them
//! is binomial, for any and any changing split of traffic. A mixture over alternatives, tempered by how much counts scatter
//! beyond chance (in history, else in this run), no window bringing more than a capped share of the evidence.

use super::mixture::Starts;
use super::side::Side;
use super::temper::{Residuals, grid, tempered_sums};
use crate::bounded::{clip, larger};
use crate::constants::{
    BLOCKS, BLOCKS_NEEDED_PER_WINDOW, DISPERSION_MIN_EVENTS, HALF_EVENT, HARM_WINDOW_CAP, LARGEST_COUNT, LARGEST_RATIO, LEAST_COUNT,
    RATE_FARTHEST, RATE_GRID, RATE_NEAREST, SAFE_WINDOW_CAP, VARIANCE_MARGIN,
};

/// Events among requests of both arms in one window. A gap is all zeros; what is not finite or below 0 counts as 0.
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

impl PairedCounts {
    fn sane(self) -> Self {
        PairedCounts {
            canary_events: count(self.canary_events),
            baseline_events: count(self.baseline_events),
            canary_requests: count(self.canary_requests),
            baseline_requests: count(self.baseline_requests),
        }
    }

    fn events(&self) -> f64 {
        self.canary_events + self.baseline_events
    }

    fn both_arms_ran(&self) -> bool {
        self.canary_requests > 0.0 && self.baseline_requests > 0.0
    }

    /// The canary's share of the events when its rate is `ratio` times the baseline's.
    fn share(&self, ratio: f64) -> f64 {
        ratio * self.canary_requests / (ratio * self.canary_requests + self.baseline_requests)
    }
}

/// A count that may enter a formula.
pub(super) fn count(number: f64) -> f64 {
    if number.is_finite() && number >= LEAST_COUNT { clip(number, LARGEST_COUNT) } else { 0.0 }
}

/// Running evidence about the ratio of two rates. It starts at ln e = 0.
#[derive(Debug, Clone)]
pub struct Counts {
    side: Side,
    starts: Starts,
    dispersion: Option<f64>,
    /// Logs of alternatives over the bound, with the side's sign.
    tilts: [f64; RATE_GRID],
    windows: Vec<PairedCounts>,
    increments: Vec<[f64; RATE_GRID]>,
    residuals: Residuals,
    sums: PairedCounts,
}

impl Counts {
    /// For one side and an analysis of at most `longest` windows.
    pub fn new(side: Side, longest: usize) -> Self {
        Counts {
            side,
            starts: Starts::new(side, longest),
            dispersion: None,
            tilts: grid(RATE_NEAREST, RATE_FARTHEST).map(|distance: f64| side.sign() * distance),
            windows: Vec::with_capacity(longest),
            increments: Vec::with_capacity(longest),
            residuals: Residuals::default(),
            sums: PairedCounts { canary_events: HALF_EVENT, baseline_events: HALF_EVENT, ..PairedCounts::default() },
        }
    }

    /// The dispersion that history shows ([`dispersion`]), or none: then this run's own is used. It holds for the whole run.
    pub fn set_dispersion(&mut self, dispersion: Option<f64>) {
        self.dispersion = dispersion.filter(|dispersion| dispersion.is_finite() && *dispersion > 0.0);
    }

    /// One more window; `ratio` is the tolerated rate ratio, above 0. A gap is pushed as zeros; so counts a window whose ratio
    /// is no such number.
    ///
    /// # Reference
    /// `fixtures/reference/judge.py`, function `counts`; checked by `fixtures/reference/judge.json` and `engines.json`.
    pub fn push(&mut self, canary_events: f64, baseline_events: f64, canary_requests: f64, baseline_requests: f64, ratio: f64) {
        let window = PairedCounts { canary_events, baseline_events, canary_requests, baseline_requests }.sane();
        self.increments.push(self.increments_of(&window, ratio));
        self.residuals.push(residual(&window));
        self.sums.canary_events += window.canary_events;
        self.sums.baseline_events += window.baseline_events;
        self.sums.canary_requests += window.canary_requests;
        self.sums.baseline_requests += window.baseline_requests;
        self.windows.push(window);
    }

    /// ln e after the last window.
    pub fn ln_e(&self) -> f64 {
        self.mix(&self.increments)
    }

    /// Windows in which both arms saw requests.
    pub fn present(&self) -> usize {
        self.windows.iter().filter(|window| window.both_arms_ran()).count()
    }

    /// ln e after the last window had the tolerated ratios been others: `ratios` maps the index of a pushed window to its ratio.
    pub fn ln_e_at(&self, ratios: impl Fn(usize) -> f64) -> f64 {
        let increments: Vec<_> = self.windows.iter().enumerate().map(|(index, window)| self.increments_of(window, ratios(index))).collect();
        self.mix(&increments)
    }

    fn mix(&self, increments: &[[f64; RATE_GRID]]) -> f64 {
        let cap = match self.side {
            Side::Harm => HARM_WINDOW_CAP,
            Side::Safe => SAFE_WINDOW_CAP,
        };
        let temper = self.temper();
        let windows = increments.len();
        let stretches: Vec<_> = (0..self.starts.begun(windows))
            .map(|start| tempered_sums(&increments[self.starts.stretch(start, windows)], temper, cap))
            .collect();
        self.starts.mix(&stretches, windows)
    }

    /// Log likelihood ratio of each alternative against the bound: the canary's share of events under either is
    /// share · e^tilt / (1 + share · (e^tilt − 1)).
    fn increments_of(&self, window: &PairedCounts, ratio: f64) -> [f64; RATE_GRID] {
        if !(window.both_arms_ran() && ratio.is_finite() && ratio > 0.0) {
            return [0.0; RATE_GRID];
        }
        let share = window.share(ratio.clamp(1.0 / LARGEST_RATIO, LARGEST_RATIO));
        self.tilts.map(|tilt| window.canary_events * tilt - window.events() * (share * tilt.exp_m1()).ln_1p())
    }

    /// How much the evidence is discounted by; at least 1.
    fn temper(&self) -> f64 {
        let sums = &self.sums;
        let pooled = match sums.both_arms_ran() {
            true => (sums.canary_events / sums.canary_requests) / (sums.baseline_events / sums.baseline_requests),
            false => 1.0,
        };
        let scatter = self.residuals.scatter(1.0 / pooled.sqrt(), pooled.sqrt());
        match self.dispersion {
            Some(dispersion) => scatter.temper_with_history(dispersion),
            None => scatter.temper_alone(sums.events() >= DISPERSION_MIN_EVENTS),
        }
    }
}

/// The Pearson residual about a pooled ratio p, (x − m·θ) / √(m·θ·(1 − θ)) with θ = p·n_c / (p·n_c + n_b), is
/// (x_c·n_b / √p − x_b·n_c · √p) / √(m·n_c·n_b): the two parts without p.
fn residual(window: &PairedCounts) -> Option<(f64, f64)> {
    if !(window.both_arms_ran() && window.events() > 0.0) {
        return None;
    }
    let size = window.events().sqrt() * window.canary_requests.sqrt() * window.baseline_requests.sqrt();
    Some((window.canary_events * window.baseline_requests / size, window.baseline_events * window.canary_requests / size))
}

/// Long-run dispersion of counts in history: worst ratio of block variance to binomial variance, with a margin; at least 1.
/// One row per pseudo-canary, in time order. Rows share one pooled ratio, so that a lasting difference between instances
/// counts as dispersion. None where either side of the history has no requests.
///
/// # Reference
/// `fixtures/reference/judge.py`, function `dispersion`; checked by `fixtures/reference/judge.json` and `engines.json`.
pub fn dispersion(rows: &[Vec<PairedCounts>]) -> Option<f64> {
    let mut sums = PairedCounts { canary_events: HALF_EVENT, baseline_events: HALF_EVENT, ..PairedCounts::default() };
    let mut windows = 0;
    for window in rows.iter().flatten() {
        let window_counts = window.sane();
        sums.canary_events += window_counts.canary_events;
        sums.baseline_events += window_counts.baseline_events;
        sums.canary_requests += window_counts.canary_requests;
        sums.baseline_requests += window_counts.baseline_requests;
        windows += 1;
    }
    if !sums.both_arms_ran() {
        return None;
    }
    let ratio = (sums.canary_events / sums.canary_requests) / (sums.baseline_events / sums.baseline_requests);
    let running: Vec<(Vec<f64>, Vec<f64>)> = rows.iter().map(|row| running_deviations(row, ratio)).collect();
    let mut worst = 1.0;
    for length in BLOCKS {
        let (mut squares, mut variance, mut blocks) = (0.0, 0.0, 0);
        for (deviations, variances) in &running {
            for end in length..deviations.len() {
                let block = deviations[end] - deviations[end - length];
                squares += block * block;
                variance += variances[end] - variances[end - length];
                blocks += 1;
            }
        }
        if blocks >= BLOCKS_NEEDED_PER_WINDOW * length && variance > 0.0 {
            worst = larger(worst, squares / variance / (1.0 - length as f64 / windows as f64));
        }
    }
    Some(worst * VARIANCE_MARGIN)
}

/// Running sums of the canary's events beyond expectation, and of their binomial variance, each with a 0 before it.
fn running_deviations(row: &[PairedCounts], ratio: f64) -> (Vec<f64>, Vec<f64>) {
    let (mut deviation, mut variance) = (0.0, 0.0);
    let (mut deviations, mut variances) = (vec![0.0], vec![0.0]);
    for window in row.iter().map(|window| window.sane()) {
        if window.both_arms_ran() {
            let share = window.share(ratio);
            deviation += window.canary_events - window.events() * share;
            variance += window.events() * share * (1.0 - share);
        }
        deviations.push(deviation);
        variances.push(variance);
    }
    (deviations, variances)
}

/// ln of the rate ratio canary / baseline of one window, with half an event of continuity; NaN (a gap) where an arm saw no
/// request.
pub fn paired_log_ratio(canary_events: f64, baseline_events: f64, canary_requests: f64, baseline_requests: f64) -> f64 {
    let window = PairedCounts { canary_events, baseline_events, canary_requests, baseline_requests }.sane();
    if !window.both_arms_ran() {
        return f64::NAN;
    }
    let rate = |events: f64, requests: f64| ((events + HALF_EVENT) / (requests + 1.0)).ln();
    rate(window.canary_events, window.canary_requests) - rate(window.baseline_events, window.baseline_requests)
}
