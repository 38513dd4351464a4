//! Noise of a paired log ratio when nothing is wrong, learned from pseudo-canaries: instances of the baseline against its
//! rest. It is what makes the judge fast: evidence is discounted by how the service really behaves, autocorrelation, heavy
//! tails and lasting differences between instances included. The engine that uses it: [`crate::evidence::calibrated`].

mod growth;
mod moments;

use std::fmt;

use crate::bounded::{clip, larger, usable};
use crate::constants::{
    BETS_PER_CLIP, BIAS_SHRINK, CLIPS, LEVEL_CLIP, MAD_TO_SD, MIN_HISTORY, MIN_ROW, NO_STEP, SCALE_FLOOR, VARIANCE_MARGIN,
};
use crate::evidence::Side;
use crate::median::median;
use growth::Growth;

/// How a metric's paired log ratio behaves when nothing is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseProfile {
    scale: f64,
    bias: f64,
    uncapped_bias: f64,
    degenerate: bool,
    rows: usize,
    windows: usize,
    longest: usize,
    growth: [Growth; CLIPS.len()],
    /// Bets per clip: as they are, then divided by the clip's dependence.
    bets: [[f64; BETS_PER_CLIP]; CLIPS.len()],
    /// Bounds on ln E exp(bet · score), for harm's scores and for safety's.
    log_mgf: [[[f64; BETS_PER_CLIP]; CLIPS.len()]; 2],
    /// The least of log mgf / bet, per side and clip.
    least_price: [[f64; CLIPS.len()]; 2],
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
    /// Learns from history. One row per pseudo-canary, in time order: ln(pseudo-canary) − ln(rest of the baseline); what is
    /// not finite is a gap; rows may differ in length. `longest`: windows of the analysis.
    ///
    /// # Errors
    /// [`NoProfile`] when fewer than [`MIN_HISTORY`] windows are present in all rows together.
    ///
    /// # Reference
    /// `fixtures/reference/judge.py`, function `profile`; checked by `fixtures/reference/judge.json` and `profiles.json`.
    pub fn from_history(rows: &[Vec<f64>], longest: usize) -> Result<NoiseProfile, NoProfile> {
        let present: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().copied().filter_map(usable).collect()).collect();
        let values: Vec<f64> = present.iter().flatten().copied().collect();
        if values.len() < MIN_HISTORY {
            return Err(NoProfile::TooLittleHistory { found: values.len(), needed: MIN_HISTORY });
        }
        let location = Location::of(&values);
        let lengths: Vec<usize> = present.iter().map(Vec::len).collect();
        let scores: Vec<f64> = values.iter().map(|value| (value - location.level) / location.scale).collect();
        let growth = CLIPS.map(|cut| Growth::of(&scores, &lengths, cut, location.degenerate));
        let windows = values.len() as f64;
        let mut standard_error = 0.0;
        for clipped in &growth {
            standard_error = larger(standard_error, location.scale * (clipped.unit_variance() * clipped.dependence() / windows).sqrt());
        }
        if let Some(between_rows) = disagreement_of_rows(&scores, &lengths) {
            standard_error = larger(standard_error, location.scale * between_rows);
        }
        let bias = believed_bias(location.level, standard_error);
        let (bets, log_mgf) = moments::of(&scores, growth.each_ref().map(Growth::dependence), location.degenerate);
        Ok(NoiseProfile {
            scale: location.scale,
            bias,
            uncapped_bias: bias,
            degenerate: location.degenerate,
            rows: lengths.iter().filter(|length| **length > 0).count(),
            windows: values.len(),
            longest,
            growth,
            bets,
            log_mgf,
            least_price: log_mgf.map(|side| std::array::from_fn(|index| cheapest(&bets[index], &side[index]))),
        })
    }

    /// Believes at most `cap` (in log units, at least 0) of the lasting offset; anything else believes none.
    #[must_use]
    pub fn with_bias_cap(mut self, cap: f64) -> Self {
        self.bias = if cap >= 0.0 { clip(self.uncapped_bias, cap) } else { 0.0 };
        self
    }

    /// Robust standard deviation of one window, in log units; above 0.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The lasting offset of an arm that is taken off every window, in log units, capped.
    pub fn bias(&self) -> f64 {
        self.bias
    }

    /// The lasting offset that history shows beyond doubt, before any cap.
    pub fn uncapped_bias(&self) -> f64 {
        self.uncapped_bias
    }

    /// Variance of a long sum of scores, in multiples of independent windows', at the widest clip; at least 1.
    pub fn dependence(&self) -> f64 {
        self.widest().dependence()
    }

    /// Rows of history with at least one present window.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Present windows of history.
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// Windows of the analysis that the profile was made for.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// History was constant or coarsely rounded: the scale is one rounding step, the evidence at most a coin's.
    pub fn degenerate(&self) -> bool {
        self.degenerate
    }

    /// Variance of the sum of `windows` scores cut at `CLIPS[clip]`, in unit variances, with its margin. `clip` is 0, 1 or 2.
    pub fn variance(&self, clip: usize, windows: usize) -> f64 {
        self.growth[clip].variance(windows)
    }

    /// Variance of one score cut at `CLIPS[clip]`.
    pub fn unit_variance(&self, clip: usize) -> f64 {
        self.growth[clip].unit_variance()
    }

    /// Bets on the sum of scores cut at `CLIPS[clip]`: as they are, then divided by the dependence.
    pub fn bets(&self, clip: usize) -> &[f64; BETS_PER_CLIP] {
        &self.bets[clip]
    }

    /// A bound on ln E exp(bet · score) per bet, for scores cut at `CLIPS[clip]` that argue for `side`.
    pub fn log_mgf(&self, side: Side, clip: usize) -> &[f64; BETS_PER_CLIP] {
        match side {
            Side::Harm => &self.log_mgf[0][clip],
            Side::Safe => &self.log_mgf[1][clip],
        }
    }

    /// The least that any bet on scores cut at `CLIPS[clip]` pays per unit variance and unit of bet.
    pub(crate) fn least_price(&self, side: Side, clip: usize) -> f64 {
        match side {
            Side::Harm => self.least_price[0][clip],
            Side::Safe => self.least_price[1][clip],
        }
    }

    /// Degrees of freedom of the spread of `windows` scores about their mean: dependent windows show less of it.
    pub(crate) fn degrees_of_freedom(&self, windows: usize) -> f64 {
        if windows == 0 {
            return 0.0;
        }
        let count = windows as f64;
        larger(count - self.widest().variance(windows) / count / VARIANCE_MARGIN, 0.0)
    }

    fn widest(&self) -> &Growth {
        &self.growth[CLIPS.len() - 1]
    }
}

/// Where history lies and how wide it is.
struct Location {
    level: f64,
    scale: f64,
    degenerate: bool,
}

impl Location {
    fn of(values: &[f64]) -> Location {
        let mut scratch = values.to_vec();
        let centre = median(&mut scratch);
        for (slot, value) in scratch.iter_mut().zip(values) {
            *slot = (value - centre).abs();
        }
        let deviation = MAD_TO_SD * median(&mut scratch);
        let mut scale = larger(SCALE_FLOOR, deviation);
        if deviation == 0.0 {
            // Most values are identical: one step of the rounding is the scale.
            let smallest_step = scratch
                .iter()
                .copied()
                .filter(|step| *step > NO_STEP)
                .fold(f64::INFINITY, |least, step| if step < least { step } else { least });
            if smallest_step.is_finite() {
                scale = larger(scale, smallest_step);
            }
        }
        let mut level = 0.0;
        for value in values {
            level += centre + clip(value - centre, LEVEL_CLIP * scale);
        }
        level /= values.len() as f64;
        Location { level, scale, degenerate: deviation < SCALE_FLOOR }
    }
}

/// Standard error of the level, in scales, from how much the rows' means disagree: hosts differ by more than their windows
/// explain. None with fewer than two rows that are long enough.
fn disagreement_of_rows(scores: &[f64], lengths: &[usize]) -> Option<f64> {
    let widest = CLIPS[CLIPS.len() - 1];
    let (mut sum, mut squares, mut used, mut first) = (0.0, 0.0, 0.0, 0);
    for length in lengths {
        let row = &scores[first..first + length];
        first += length;
        if *length < MIN_ROW {
            continue;
        }
        let mean = row.iter().map(|score| clip(*score, widest)).sum::<f64>() / *length as f64;
        sum += mean;
        squares += mean * mean;
        used += 1.0;
    }
    (used >= 2.0).then(|| (larger(0.0, squares - sum * sum / used) / (used - 1.0) / used).sqrt())
}

/// Only what lies beyond two standard errors is believed to last.
fn believed_bias(level: f64, standard_error: f64) -> f64 {
    let doubted = BIAS_SHRINK * standard_error;
    if level.abs() > doubted { level - doubted.copysign(level) } else { 0.0 }
}

fn cheapest(bets: &[f64; BETS_PER_CLIP], log_mgf: &[f64; BETS_PER_CLIP]) -> f64 {
    let mut least = f64::INFINITY;
    for (bet, price) in bets.iter().zip(log_mgf) {
        let per_bet = price / bet;
        least = if per_bet < least { per_bet } else { least };
    }
    least
}
