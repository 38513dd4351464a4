//! What Kayenta's configuration says of one metric, with its defaults.

use crate::rule::Direction;

/// What becomes of a value that is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NanStrategy {
    /// It is left out.
    #[default]
    Remove,
    /// It counts as 0.
    Replace,
}

/// What becomes of outliers; each arm is fenced by its own values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Outliers {
    /// They stay.
    #[default]
    Keep,
    /// What lies beyond Q1 − f·IQR or Q3 + f·IQR, and beyond the first and the last percentile, is left out; f ≥ 0.
    Remove(f64),
}

impl Outliers {
    /// Kayenta's factor where the configuration names none.
    pub const FACTOR: f64 = 3.0;
}

/// How large an effect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Measure {
    /// mean(canary) / mean(baseline); none where a mean is 0.
    #[default]
    MeanRatio,
    /// The chance that a value of the canary is higher than one of the baseline, ties counting half.
    Cles,
}

/// Effects from which on something counts, in the measure's unit; both are inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// At least this counts for `High`.
    pub increase: f64,
    /// At most this counts for `Low`.
    pub decrease: f64,
}

/// Which effects count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectSize {
    /// How it is measured.
    pub measure: Measure,
    /// Below it `High` and `Low` are a `Pass`.
    pub allowed: Thresholds,
    /// From here on a critical metric fails the canary.
    pub critical: Thresholds,
}

impl EffectSize {
    /// Kayenta's defaults: no effect is too small.
    pub fn of(measure: Measure) -> Self {
        let none = match measure {
            Measure::MeanRatio => 1.0,
            Measure::Cles => 0.5,
        };
        let thresholds = Thresholds { increase: none, decrease: none };
        EffectSize { measure, allowed: thresholds, critical: thresholds }
    }
}

/// What is asked of one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// `increase` is `Higher`, `decrease` is `Lower`. It gates the label; the test stays two-sided.
    pub direction: Direction,
    /// What becomes of NaN.
    pub nan: NanStrategy,
    /// What becomes of outliers.
    pub outliers: Outliers,
    /// Which effects count.
    pub effect_size: EffectSize,
    /// A failure beyond the critical effect fails the canary as a whole.
    pub critical: bool,
    /// An arm without values is a failure, not a metric to be left out.
    pub must_have_data: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            direction: Direction::Either,
            nan: NanStrategy::default(),
            outliers: Outliers::default(),
            effect_size: EffectSize::of(Measure::default()),
            critical: false,
            must_have_data: false,
        }
    }
}
