//! How far counts scatter beyond chance in this run: the divisor that tempers the evidence of counts.

use crate::bounded::{larger, smaller};
use crate::constants::{DISPERSION_HISTORY_WINDOWS, DISPERSION_MOST_AUTOCORRELATION, DISPERSION_PRIOR, DISPERSION_PRIOR_WINDOWS};

/// Pearson residuals of a run's windows about its own pooled rate, kept so that a new pooled rate costs two products a window:
/// a residual is `rising · up − falling · down`. A window without residual has both at 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Residuals {
    rising: Vec<f64>,
    falling: Vec<f64>,
    used: usize,
}

/// Residuals about one pooled rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scatter {
    squares: f64,
    /// Sum of products of neighbours.
    neighbours: f64,
    used: f64,
}

impl Residuals {
    pub(super) fn push(&mut self, residual: Option<(f64, f64)>) {
        let (rising, falling) = residual.unwrap_or((0.0, 0.0));
        self.rising.push(rising);
        self.falling.push(falling);
        self.used += usize::from(residual.is_some());
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    pub(super) fn scatter(&self, up: f64, down: f64) -> Scatter {
        let (mut squares, mut neighbours, mut before) = (0.0, 0.0, 0.0);
        for (rising, falling) in self.rising.iter().zip(&self.falling) {
            let residual = rising * up - falling * down;
            squares += residual * residual;
            neighbours += residual * before;
            before = residual;
        }
        Scatter { squares, neighbours, used: self.used as f64 }
    }
}

impl Scatter {
    /// With the dispersion that history shows: the worse of it and of what this run shows; at least 1.
    pub(super) fn temper_with_history(&self, dispersion: f64) -> f64 {
        let run = (self.squares + DISPERSION_HISTORY_WINDOWS * dispersion) / (self.freedom() + DISPERSION_HISTORY_WINDOWS);
        larger(1.0, larger(dispersion, run))
    }

    /// Without history: this run's dispersion with a prior, enlarged by the residuals' autocorrelation where there are
    /// `enough_events` to measure it; at least 1.
    pub(super) fn temper_alone(&self, enough_events: bool) -> f64 {
        let run = (self.squares + DISPERSION_PRIOR_WINDOWS * DISPERSION_PRIOR) / (self.freedom() + DISPERSION_PRIOR_WINDOWS);
        let mut autocorrelation = 0.0;
        if self.used > 2.0 && enough_events {
            let measured = if self.squares > 0.0 { self.neighbours / self.squares } else { 0.0 };
            autocorrelation = (measured * self.used + 1.0 + 3.0 * measured) / (self.used + DISPERSION_PRIOR_WINDOWS);
        }
        let believed = smaller(DISPERSION_MOST_AUTOCORRELATION, larger(0.0, autocorrelation));
        larger(1.0, run) * (1.0 + believed) / (1.0 - believed)
    }

    fn freedom(&self) -> f64 {
        larger(self.used - 1.0, 0.0)
    }
}

/// Sums of tempered and capped increments: no window brings more than `cap`.
pub(super) fn tempered_sums<const ALTERNATIVES: usize>(increments: &[[f64; ALTERNATIVES]], temper: f64, cap: f64) -> [f64; ALTERNATIVES] {
    let inverse = 1.0 / temper;
    let mut sums = [0.0; ALTERNATIVES];
    for window in increments {
        for (sum, increment) in sums.iter_mut().zip(window) {
            let tempered = increment * inverse;
            *sum += if tempered < cap { tempered } else { cap };
        }
    }
    sums
}

/// Distances of alternatives from the bound, in logs: evenly spaced logarithms from the nearest to the farthest.
pub(super) fn grid<const ALTERNATIVES: usize>(nearest: f64, farthest: f64) -> [f64; ALTERNATIVES] {
    std::array::from_fn(|index| nearest * (farthest / nearest).powf(index as f64 / (ALTERNATIVES as f64 - 1.0)))
}
