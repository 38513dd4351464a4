//! Whether the baseline itself is worse than its own history: an incident that hits both arms.

use crate::evidence::Side;
use crate::evidence::uncalibrated::Uncalibrated;
use crate::rule::Direction;
use crate::tail::median;

/// Windows of history below which nothing is said.
const LEAST_HISTORY: usize = 12;
/// How many tolerances the baseline may be worse than its history.
const TOLERANCES: f64 = 2.0;

/// Follows the baseline's level against the middle of its history.
#[derive(Debug, Clone)]
pub struct Incident {
    middle: f64,
    bound: f64,
    lower: bool,
    harm: Uncalibrated,
}

impl Incident {
    /// `levels`: the baseline's level per window of history, in the metric's unit; `relative`: the tolerance as a share of
    /// the level. None where history is too short, or the level is not above 0.
    pub fn new(levels: &[f64], relative: f64, direction: Direction, longest: usize) -> Option<Self> {
        let middle = median(levels.to_vec()).filter(|middle| *middle > 0.0 && levels.len() >= LEAST_HISTORY)?;
        let lower = direction == Direction::Lower;
        let spared = TOLERANCES * relative;
        let bound = if lower { -(1.0 - if spared < 0.99 { spared } else { 0.99 }).ln() } else { spared.ln_1p() };
        Some(Incident { middle, bound, lower, harm: Uncalibrated::new(Side::Harm, longest) })
    }

    /// Takes the baseline's level of one window; none: a gap.
    pub fn push(&mut self, level: Option<f64>) {
        let log = level.filter(|level| *level > 0.0).map_or(f64::NAN, |level| (level / self.middle).ln());
        self.harm.push(if self.lower { -log } else { log }, self.bound);
    }

    /// ln of the evidence that the baseline is worse than its history by more than twice the tolerance.
    pub fn ln_harm(&self) -> f64 {
        self.harm.ln_e()
    }
}
