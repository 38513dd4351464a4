//! One metric: which of Kayenta's labels a pair of series gets.

use super::interval::{Interval, ROOT_TOLERANCE, TOLERANCE, interval_of};
use super::series::{prepared, with_noise};
use super::settings::{EffectSize, Measure, NanStrategy, Settings};
use crate::arm::PerArm;
use crate::fixed_horizon::mann_whitney::Ranks;
use crate::rule::Direction;

/// What Kayenta says of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classification {
    /// No shift beyond its tolerance.
    Pass,
    /// The canary is higher.
    High,
    /// The canary is lower.
    Low,
    /// An arm has no values; the metric is left out of the score.
    NoData,
    /// An arm has no values, and that is a failure.
    NoDataFail,
    /// Its formula has no answer (a single value per arm); the metric is left out of the score.
    Error,
}

impl Classification {
    /// As Kayenta's result spells it.
    pub fn name(self) -> &'static str {
        match self {
            Classification::Pass => "Pass",
            Classification::High => "High",
            Classification::Low => "Low",
            Classification::NoData => "Nodata",
            Classification::NoDataFail => "NodataFailMetric",
            Classification::Error => "Error",
        }
    }
}

/// A metric's label and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Classified {
    /// The label.
    pub classification: Classification,
    /// It fails the canary as a whole.
    pub critical: bool,
    /// mean(canary) / mean(baseline), which Kayenta reports whatever decided; none where a mean is 0 or an arm is empty.
    pub ratio: Option<f64>,
    /// The effect that was held against the thresholds; none where there is none or it did not come to that.
    pub effect: Option<f64>,
    /// The interval of the shift; none where it did not come to that.
    pub interval: Option<Interval>,
}

impl Classified {
    fn plain(classification: Classification, ratio: Option<f64>) -> Self {
        Classified { classification, critical: false, ratio, effect: None, interval: None }
    }
}

/// Classifies a pair with Kayenta's defaults: either direction, effect size by the ratio of means, no outliers removed. What is
/// not finite is left out.
pub fn classify(arms: PerArm<&[f64]>) -> Classification {
    classify_with(arms, &Settings::default()).classification
}

/// Classifies a pair of series (any unit, not paired by time; NaN where a value is missing).
///
/// # Reference
/// Checked against an independent implementation by `fixtures/reference/kayenta.json`.
pub fn classify_with(arms: PerArm<&[f64]>, settings: &Settings) -> Classified {
    let samples = arms.map(|values| prepared(values, settings.nan, settings.outliers));
    if samples.baseline.is_empty() || samples.canary.is_empty() {
        return without_data(settings);
    }
    let is_constant = samples.as_ref().map(|sample| sample.first() == sample.last());
    let is_one_value = is_constant.baseline && is_constant.canary && samples.baseline.first() == samples.canary.first();
    if samples.baseline == samples.canary || is_one_value {
        return Classified::plain(Classification::Pass, Some(1.0));
    }
    let ratio = mean_ratio(&samples);
    // Without noise all observations would be tied at the only shift there is.
    let compared = if is_constant.baseline && is_constant.canary {
        interval_of(&samples.as_ref().map(|sample| with_noise(sample)), ROOT_TOLERANCE)
    } else {
        interval_of(&samples, ROOT_TOLERANCE)
    };
    let Some(interval) = compared else { return Classified::plain(Classification::Error, ratio) };
    let effect = match settings.effect_size.measure {
        Measure::MeanRatio => ratio,
        Measure::Cles => Some(Ranks::of(&samples).canary_higher()),
    };
    let classification = label(&interval, effect, settings);
    Classified {
        classification,
        critical: settings.critical && is_critical(classification, effect, &settings.effect_size),
        ratio,
        effect,
        interval: Some(interval),
    }
}

fn without_data(settings: &Settings) -> Classified {
    match (settings.nan, settings.must_have_data, settings.critical) {
        // Kayenta takes an arm without values for one of zeros, though it cannot know how many.
        (NanStrategy::Replace, _, _) => Classified::plain(Classification::Pass, Some(1.0)),
        (NanStrategy::Remove, true, false) => Classified::plain(Classification::NoDataFail, None),
        (NanStrategy::Remove, _, critical) => Classified { critical, ..Classified::plain(Classification::NoData, None) },
    }
}

fn mean_ratio(samples: &PerArm<Vec<f64>>) -> Option<f64> {
    let means = samples.as_ref().map(|values| values.iter().sum::<f64>() / values.len() as f64);
    let ratio = means.canary / means.baseline;
    (means.canary != 0.0 && means.baseline != 0.0 && ratio.is_finite()).then_some(ratio)
}

/// The tolerance is a share of the estimated shift, not of the baseline: hence no practical threshold.
fn label(interval: &Interval, effect: Option<f64>, settings: &Settings) -> Classification {
    let bound = TOLERANCE * interval.estimate.abs();
    let allowed = settings.effect_size.allowed;
    let (may_rise, may_fall) = match settings.direction {
        Direction::Higher => (true, false),
        Direction::Lower => (false, true),
        Direction::Either => (true, true),
    };
    if may_rise && interval.lower > bound && effect.is_none_or(|effect| effect >= allowed.increase) {
        Classification::High
    } else if may_fall && interval.upper < -bound && effect.is_none_or(|effect| effect <= allowed.decrease) {
        Classification::Low
    } else {
        Classification::Pass
    }
}

fn is_critical(classification: Classification, effect: Option<f64>, sizes: &EffectSize) -> bool {
    match classification {
        Classification::High => effect.is_none_or(|effect| effect >= sizes.critical.increase),
        Classification::Low => effect.is_none_or(|effect| effect <= sizes.critical.decrease),
        Classification::Pass | Classification::NoData | Classification::NoDataFail | Classification::Error => false,
    }
}
