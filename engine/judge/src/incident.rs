//! Whether the baseline itself is worse than its own history: an incident that hits both arms.

use std::sync::Arc;

use crate::evidence::Side;
use crate::evidence::calibrated::Calibrated;
use crate::evidence::uncalibrated::Uncalibrated;
use crate::noise::NoiseProfile;
use crate::rule::Direction;
use crate::tail::median;

/// Windows of history below which nothing is said.
const LEAST_HISTORY: usize = 12;
/// How many tolerances the baseline may be worse than its history.
const TOLERANCES: f64 = 2.0;

/// Follows the baseline's level against the middle of its history.
///
/// The noise is that of the pseudo-canaries' own levels: smaller parts of the baseline, hence noisier than it, which can only
/// cost time. With too little of it symmetry alone must do.
#[derive(Debug, Clone)]
pub struct Incident {
    middle: f64,
    bound: f64,
    lower: bool,
    harm: Engine,
}

#[derive(Debug, Clone)]
enum Engine {
    Calibrated(Box<Calibrated>),
    Uncalibrated(Box<Uncalibrated>),
}

impl Incident {
    /// `levels`: the baseline's level per window of history, in the metric's unit; `rows`: the same of each pseudo-canary, NaN
    /// where missing; `relative`: the tolerance as a share of the level. None where history is too short, or the level is not
    /// above 0.
    pub fn new(levels: &[f64], rows: &[Vec<f64>], relative: f64, direction: Direction, longest: usize) -> Option<Self> {
        let middle = median(levels.to_vec()).filter(|middle| *middle > 0.0 && levels.len() >= LEAST_HISTORY)?;
        let lower = direction == Direction::Lower;
        let spared = TOLERANCES * relative;
        let bound = if lower { -(1.0 - if spared < 0.99 { spared } else { 0.99 }).ln() } else { spared.ln_1p() };
        let oriented = |row: &Vec<f64>| {
            // Each about its own middle: a lasting difference between hosts is no change in time.
            let own = median(row.iter().copied().filter(|level| level.is_finite() && *level > 0.0).collect());
            row.iter().map(|level| log_ratio(Some(*level), own.unwrap_or(f64::NAN), lower)).collect::<Vec<f64>>()
        };
        let rows: Vec<Vec<f64>> = rows.iter().map(oriented).collect();
        let harm = match NoiseProfile::from_history(&rows, longest) {
            Ok(profile) => {
                let mut engine = Calibrated::new(Side::Harm, longest);
                engine.begin_step(Arc::new(profile.with_bias_cap(0.0)));
                Engine::Calibrated(Box::new(engine))
            }
            Err(_) => Engine::Uncalibrated(Box::new(Uncalibrated::new(Side::Harm, longest))),
        };
        Some(Incident { middle, bound, lower, harm })
    }

    /// Takes the baseline's level of one window; none: a gap.
    pub fn push(&mut self, level: Option<f64>) {
        let d = log_ratio(level, self.middle, self.lower);
        match &mut self.harm {
            Engine::Calibrated(engine) => engine.push(d, self.bound, &[]),
            Engine::Uncalibrated(engine) => engine.push(d, self.bound),
        }
    }

    /// ln of the evidence that the baseline is worse than its history by more than twice the tolerance.
    pub fn ln_harm(&self) -> f64 {
        match &self.harm {
            Engine::Calibrated(engine) => engine.ln_e(),
            Engine::Uncalibrated(engine) => engine.ln_e(),
        }
    }
}

/// ln(level / middle), turned so that higher is worse; NaN for a gap.
fn log_ratio(level: Option<f64>, middle: f64, lower: bool) -> f64 {
    let log = level.filter(|level| *level > 0.0).map_or(f64::NAN, |level| (level / middle).ln());
    match (log.is_finite(), lower) {
        (false, _) => f64::NAN,
        (true, true) => -log,
        (true, false) => log,
    }
}
