//! What is said of Kayenta.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{DurationText, EffectNumber, OutliersValue, PercentNumber, PlainValue};

/// Thresholds and weights of Kayenta's score, for `decision.method: kayenta` and for the comparison in reports.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct KayentaFile {
    /// From this score on the canary passes. Default 95.
    pub pass: Option<PercentNumber>,
    /// From this score on it holds; below it is rolled back. Default 75.
    pub marginal: Option<PercentNumber>,
    /// How often one looks before the deadline, to roll back. Default: at the deadline alone.
    pub interval: Option<DurationText>,
    /// Groups' weights in percent; groups without one share the rest.
    pub weights: Option<BTreeMap<String, PercentNumber>>,
}

/// What Kayenta is asked of a metric; its direction is `worse`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct KayentaMetricFile {
    /// What becomes of a missing window. Default remove.
    pub nan: Option<NanWord>,
    /// `keep`, or the factor of interquartile ranges beyond which outliers are removed. Default keep.
    pub outliers: Option<OutliersValue>,
    /// Which effects count.
    pub effect_size: Option<EffectSizeFile>,
    /// A failure beyond the critical effect fails the canary as a whole. Default false.
    pub critical: Option<bool>,
    /// An arm without values counts as a failure in the score. Default false.
    pub must_have_data: Option<bool>,
    /// Is judged and left out of the score. Default: true exactly when on_breach is warn.
    pub muted: Option<bool>,
    /// The groups in which it counts. Default `[metrics]`.
    #[schemars(length(min = 1))]
    pub groups: Option<Vec<PlainValue>>,
}

/// Which effects count.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EffectSizeFile {
    /// How an effect is measured. Default mean_ratio.
    pub measure: Option<MeasureWord>,
    /// The least effect that counts as an increase. Default 1 for mean_ratio, 0.5 for cles: any.
    pub allowed_increase: Option<EffectNumber>,
    /// The largest effect that counts as a decrease. Default any.
    pub allowed_decrease: Option<EffectNumber>,
    /// The least increase that fails the canary as a whole, where the metric is critical. Default any.
    pub critical_increase: Option<EffectNumber>,
    /// The largest effect of a decrease that does. Default any.
    pub critical_decrease: Option<EffectNumber>,
}

/// What becomes of a missing window.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum NanWord {
    /// It is left out.
    Remove,
    /// It counts as 0.
    Replace,
}

/// How an effect is measured.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum MeasureWord {
    /// mean(canary) / mean(baseline).
    MeanRatio,
    /// The chance that a value of the canary is the higher one.
    Cles,
}

/// Whose judgement reports also show.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum PeerWord {
    /// Kayenta's, on the same windows.
    Kayenta,
}

/// What the verdict comes from.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum DecisionMethodWord {
    /// Evidence.
    Davy,
    /// Kayenta's score.
    Kayenta,
}
