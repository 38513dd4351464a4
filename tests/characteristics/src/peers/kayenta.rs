//! Kayenta's judge, asked after every window about all windows so far; Orca's rule for what follows from the score.

use davy_judge::arm::PerArm;
use davy_judge::fixed_horizon::kayenta::{EffectSize, Grade, Measure, ScoredMetric, Settings, Thresholds, classify_with, grade, score};
use davy_judge::rule::Direction;

use crate::observed::Observed;

/// Windows before it is first asked.
const FIRST: usize = 5;
/// Orca's defaults: a score at or below the marginal one stops at once, the last one must be at least the pass one.
const PASS: f64 = 75.0;
const MARGINAL: f64 = 50.0;

/// Direction `increase`; everything else is left at its default.
pub fn default_settings() -> Settings {
    Settings { direction: Direction::Higher, ..Settings::default() }
}

/// `allowedIncrease` and `criticalIncrease` at the tolerance, and every metric critical.
pub fn tuned_settings(tolerance: f64) -> Settings {
    let effects = Thresholds { increase: 1.0 + tolerance, decrease: 1.0 };
    let effect_size = EffectSize { allowed: effects, critical: effects, ..EffectSize::of(Measure::MeanRatio) };
    Settings { effect_size, critical: true, ..default_settings() }
}

/// The first window (1-based) at which the rollout ends badly; all metrics are one group.
pub fn first_failure(metrics: &[Observed], settings: &Settings) -> Option<usize> {
    let windows = metrics.first()?.windows();
    let group = ["all".to_owned()];
    (FIRST..=windows).find(|upto| {
        let scored: Vec<ScoredMetric<'_>> = metrics
            .iter()
            .map(|metric| {
                let arms = PerArm { baseline: &metric.values.baseline[..*upto], canary: &metric.values.canary[..*upto] };
                let classified = classify_with(arms, settings);
                ScoredMetric { classification: classified.classification, critical: classified.critical, muted: false, groups: &group }
            })
            .collect();
        let score = score(&scored, &[]).score;
        score <= MARGINAL || (*upto == windows && grade(score, PASS, MARGINAL) != Grade::Pass)
    })
}
