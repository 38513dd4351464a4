//! Evidence about one arm's event probability against a fixed limit: a mixture over tilted odds, tempered by how much this
//! run's counts scatter beyond chance. It speaks of what happened, not of a long-run mean.

use super::counts::count;
use super::side::Side;
use super::temper::{Residuals, grid, tempered_sums};
use crate::bounded::larger;
use crate::constants::{
    DISPERSION_MIN_EVENTS_ONE_ARM, HALF_EVENT, HARM_WINDOW_CAP, LEAST_DEVIATION, LIMIT_FARTHEST, LIMIT_GRID, LIMIT_NEAREST,
};
use crate::exponential::log_mean_exp;

/// Running evidence about events among requests of one arm. It starts at ln e = 0, and stays there for a limit outside (0, 1).
#[derive(Debug, Clone)]
pub struct AgainstLimit {
    limit: f64,
    /// Logs of alternative odds over the limit's, with the side's sign.
    tilts: Box<[f64; LIMIT_GRID]>,
    increments: Vec<[f64; LIMIT_GRID]>,
    residuals: Residuals,
    events: f64,
    requests: f64,
}

impl AgainstLimit {
    /// For one side and a limit in (0, 1).
    pub fn new(side: Side, limit: f64) -> Self {
        AgainstLimit {
            limit: if limit > 0.0 && limit < 1.0 { limit } else { 0.0 },
            tilts: Box::new(grid(LIMIT_NEAREST, LIMIT_FARTHEST).map(|distance: f64| side.sign() * distance)),
            increments: Vec::new(),
            residuals: Residuals::default(),
            events: HALF_EVENT,
            requests: 0.0,
        }
    }

    /// One more window; a gap is pushed as zeros. Events beyond the requests are not counted.
    ///
    /// # Reference
    /// `fixtures/reference/judge.py`, function `against_limit`; checked by `fixtures/reference/judge.json` and `engines.json`.
    pub fn push(&mut self, events: f64, requests: f64) {
        let requests = count(requests);
        let counted = count(events);
        let events = if counted > requests { requests } else { counted };
        self.events += events;
        self.requests += requests;
        let limit = self.limit;
        self.increments.push(match limit > 0.0 {
            true => self.tilts.map(|tilt| events * tilt - requests * (limit * tilt.exp_m1()).ln_1p()),
            false => [0.0; LIMIT_GRID],
        });
        self.residuals.push((requests > 0.0).then(|| (events / requests.sqrt(), requests.sqrt())));
    }

    /// ln e after the last window.
    pub fn ln_e(&self) -> f64 {
        if self.residuals.used() == 0 {
            return 0.0;
        }
        // The residual (x − n·p) / √(n·p·(1 − p)) about the pooled probability p.
        let pooled = self.events / (self.requests + 1.0);
        let size = larger(LEAST_DEVIATION, (pooled * (1.0 - pooled)).sqrt());
        let scatter = self.residuals.scatter(1.0 / size, pooled / size);
        let temper = scatter.temper_alone(self.events >= DISPERSION_MIN_EVENTS_ONE_ARM);
        log_mean_exp(&tempered_sums(&self.increments, temper, HARM_WINDOW_CAP))
    }

    /// Windows with requests.
    pub fn present(&self) -> usize {
        self.residuals.used()
    }
}
