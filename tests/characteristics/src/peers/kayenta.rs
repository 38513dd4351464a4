//! Kayenta's judge, asked after every window about all windows so far.

use davy_judge::arm::PerArm;
use davy_judge::fixed_horizon::kayenta::{Classification, classify};

use crate::observed::Observed;

/// Windows before it is first asked.
const FIRST: usize = 5;
/// A score at or below which a controller stops at once (Orca's default).
const MARGINAL: f64 = 50.0;

/// The first window (1-based) at which the score is marginal or worse. `allowed`: the ratio of means from which on a higher
/// canary fails (`effectSize.allowedIncrease`); direction `increase`, missing values removed, all metrics in one group.
pub fn first_failure(metrics: &[Observed], allowed: f64) -> Option<usize> {
    let windows = metrics.first()?.windows();
    (FIRST..=windows).find(|upto| {
        let (mut passed, mut counted) = (0.0, 0.0);
        for metric in metrics {
            let present = metric
                .values
                .as_ref()
                .map(|values| values[..*upto].iter().copied().filter(|value| value.is_finite()).collect::<Vec<f64>>());
            let classification = classify(PerArm { baseline: &present.baseline, canary: &present.canary });
            let is_high = classification == Classification::High && ratio(&present) >= allowed;
            if !matches!(classification, Classification::NoData | Classification::Error) {
                counted += 1.0;
                passed += f64::from(u8::from(!is_high));
            }
        }
        counted > 0.0 && 100.0 * passed / counted <= MARGINAL
    })
}

fn ratio(present: &PerArm<Vec<f64>>) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let ratio = mean(&present.canary) / mean(&present.baseline);
    if ratio.is_finite() { ratio } else { f64::INFINITY }
}
