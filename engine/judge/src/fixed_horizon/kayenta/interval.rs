//! The interval of the shift by which Kayenta decides: R's `wilcox.test(conf.int = TRUE, exact = FALSE, correct = TRUE)`, with its
//! root finder's absolute tolerance, so that the verdict depends on the unit.

use crate::arm::PerArm;
use crate::fixed_horizon::mann_whitney::{normal_quantile, sorted_arms};
use crate::zeroin::zeroin;

/// Coverage of the interval that decides.
pub const CONFIDENCE: f64 = 0.98;
/// The interval must clear this share of the estimated shift.
pub const TOLERANCE: f64 = 0.25;
/// Absolute tolerance of the root finder, whatever the unit.
pub const ROOT_TOLERANCE: f64 = 1e-4;

/// The interval of the shift by which Kayenta decides, in the metric's unit, canary − baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// The shift.
    pub estimate: f64,
}

/// The interval of the shift as R's `wilcox.test(conf.int = TRUE, exact = FALSE)` gives it, with the root finder's tolerance.
/// None where an arm is empty or all values are tied at a shift that is looked at.
///
/// # Reference
/// Checked against an independent port by `fixtures/reference/judge.json`, `mann_whitney`.
pub fn interval(arms: PerArm<&[f64]>, root_tolerance: f64) -> Option<Interval> {
    interval_of(&sorted_arms(arms)?, root_tolerance)
}

pub(super) fn interval_of(sorted: &PerArm<Vec<f64>>, root_tolerance: f64) -> Option<Interval> {
    let (baseline, canary) = (&sorted.baseline, &sorted.canary);
    let lowest = canary.first()? - baseline.last()?;
    let highest = canary.last()? - baseline.first()?;
    let at = |quantile: f64| -> Option<f64> {
        let mut excess = |shift: f64| standardised(sorted, shift) - quantile;
        let (left, right) = ((lowest, excess(lowest)), (highest, excess(highest)));
        if left.1.is_nan() || right.1.is_nan() {
            return None;
        }
        if left.1 <= 0.0 {
            return Some(lowest);
        }
        if right.1 >= 0.0 {
            return Some(highest);
        }
        zeroin(left, right, root_tolerance, &mut excess)
    };
    let quantile = normal_quantile(0.5 * (1.0 - CONFIDENCE));
    Some(Interval { lower: at(quantile)?, upper: at(-quantile)?, estimate: at(0.0)? })
}

/// Mann–Whitney's statistic of the canary less a shift, standardised with continuity correction; NaN where all is tied.
fn standardised(sorted: &PerArm<Vec<f64>>, shift: f64) -> f64 {
    let (baseline, canary) = (&sorted.baseline, &sorted.canary);
    let (n, m) = (canary.len() as f64, baseline.len() as f64);
    let (mut u, mut ties) = (0.0, 0.0);
    let (mut index, mut below) = (0, 0);
    while index < canary.len() || below < baseline.len() {
        let one = canary.get(index).map_or(f64::INFINITY, |value| value - shift);
        let other = baseline.get(below).copied().unwrap_or(f64::INFINITY);
        let value = if one < other { one } else { other };
        let (mut same_canary, mut same_baseline) = (0.0, 0.0);
        while index < canary.len() && canary[index] - shift <= value {
            same_canary += 1.0;
            index += 1;
        }
        let before = below as f64;
        while below < baseline.len() && baseline[below] <= value {
            same_baseline += 1.0;
            below += 1;
        }
        u += same_canary * (before + 0.5 * same_baseline);
        let tied: f64 = same_canary + same_baseline;
        ties += tied * (tied * tied - 1.0);
    }
    let distance = u - n * m / 2.0;
    let correction = if distance > 0.0 {
        0.5
    } else if distance < 0.0 {
        -0.5
    } else {
        0.0
    };
    let all = n + m;
    let deviation = (n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)))).sqrt();
    if deviation > 0.0 { (distance - correction) / deviation } else { f64::NAN }
}
