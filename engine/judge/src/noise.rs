//! Noise of a paired log ratio when nothing is wrong, learned from pseudo-canaries.

use std::fmt;

/// How a metric's paired log ratio behaves when nothing is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseProfile {
    scale: f64,
}

/// Why history gives no profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoProfile {
    /// Fewer present windows than a profile needs.
    TooLittleHistory {
        /// Present windows.
        found: usize,
        /// Windows needed.
        needed: usize,
    },
}

impl fmt::Display for NoProfile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoProfile::TooLittleHistory { found, needed } => {
                write!(formatter, "too little history for a noise profile: found {found} of {needed} windows")
            }
        }
    }
}

impl std::error::Error for NoProfile {}

impl NoiseProfile {
    /// Learns from history; see the module.
    ///
    /// # Errors
    /// [`NoProfile`] when fewer than 120 windows are present in all rows together.
    pub fn from_history(_rows: &[Vec<f64>], _longest: usize) -> Result<NoiseProfile, NoProfile> {
        unimplemented!()
    }

    /// Believes at most `cap` of the lasting offset, in log units.
    #[must_use]
    pub fn with_bias_cap(self, _cap: f64) -> Self {
        self
    }

    /// Robust standard deviation of one window, in log units.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The lasting offset of an arm that is taken off every window, in log units, capped.
    pub fn bias(&self) -> f64 {
        0.0
    }

    /// The lasting offset that history shows, before any cap.
    pub fn uncapped_bias(&self) -> f64 {
        0.0
    }

    /// Variance of a long sum of scores, in multiples of independent windows', at the widest clip; at least 1.
    pub fn dependence(&self) -> f64 {
        1.0
    }

    /// Rows of history with at least one present window.
    pub fn rows(&self) -> usize {
        0
    }

    /// Present windows of history.
    pub fn windows(&self) -> usize {
        0
    }

    /// Windows of the analysis that the profile was made for.
    pub fn longest(&self) -> usize {
        0
    }

    /// History was constant or coarsely rounded: the scale is one rounding step, the evidence at most a coin's.
    pub fn degenerate(&self) -> bool {
        false
    }

    /// Variance of the sum of `windows` scores cut at `CLIPS[clip]`, in unit variances, with its margin.
    pub fn variance(&self, _clip: usize, _windows: usize) -> f64 {
        0.0
    }
}
