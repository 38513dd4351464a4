//! What Kayenta says of the same windows, in a single look: the comparison, or where the rules ask for it the verdict's source.

use davy_judge::fixed_horizon::kayenta::Interval;
use davy_judge::kayenta::KayentaLook;
use davy_judge::verdict::Decision;
use davy_sources::source::Source;
use serde::{Deserialize, Serialize};

use super::{Word, read};
use crate::number::{Number, number};
use crate::pipeline::Run;
use crate::rules::rule_set::DecisionMethod;
use crate::sentence;

/// Kayenta's judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KayentaReport {
    /// Pass, Marginal or Fail.
    #[serde(deserialize_with = "read::grade")]
    pub classification: Word,
    /// Usually 0..=100.
    pub score: Number,
    /// From this score on it is Pass.
    pub pass: Number,
    /// From this score on it is Marginal.
    pub marginal: Number,
    /// The verdict comes from it (`decision.method: kayenta`).
    pub decides: bool,
    /// The rules ask reports for people to show it (`compare: [kayenta]`).
    pub asked: bool,
    /// Windows looked at.
    pub windows: usize,
    /// The same as a sentence.
    pub reason: String,
    /// By name.
    pub groups: Vec<KayentaGroupReport>,
    /// One per finding, in the same order.
    pub metrics: Vec<KayentaMetricReport>,
}

/// One group's part of the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KayentaGroupReport {
    /// Its name.
    pub name: String,
    /// 0..=100; null where nothing in it could be judged, which Kayenta counts as 100.
    pub score: Option<Number>,
    /// Percent of the whole.
    pub weight: Number,
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KayentaMetricReport {
    /// Its name.
    pub metric: String,
    /// Pass, High, Low, Nodata, NodataFailMetric or Error.
    #[serde(deserialize_with = "read::label")]
    pub classification: Word,
    /// It fails the canary as a whole.
    pub critical: bool,
    /// It is left out of the score.
    pub muted: bool,
    /// mean(canary) / mean(baseline) of the windows' values.
    pub ratio: Option<Number>,
    /// The effect that was held against the thresholds.
    pub effect: Option<Number>,
    /// The shift of the windows' values, canary − baseline, in the metric's unit (a rate's per instance or per share).
    pub shift: Option<Number>,
    /// Lower end of its 98 % interval.
    pub lower: Option<Number>,
    /// Upper end.
    pub upper: Option<Number>,
}

/// None where no window was judged.
pub(super) fn kayenta_report<S: Source>(run: &Run<'_, S>, decision: &Decision) -> Option<KayentaReport> {
    let rules = &run.plan().rules;
    if decision.windows == 0 {
        return None;
    }
    let policy = rules.kayenta_policy(run.plan().step_ms);
    let computed;
    let look: &KayentaLook = match &decision.kayenta {
        Some(look) => look,
        None => {
            computed = run.analysis().kayenta_look(&policy);
            &computed
        }
    };
    let metrics = rules.metrics.iter().zip(&look.metrics).map(|(rule, found)| {
        let part = |of: fn(&Interval) -> f64| found.interval.as_ref().map(|interval| number(of(interval)));
        KayentaMetricReport {
            metric: rule.rule.name.clone(),
            classification: found.classification.name(),
            critical: found.critical,
            muted: rule.kayenta.muted,
            ratio: found.ratio.map(number),
            effect: found.effect.map(number),
            shift: part(|interval| interval.estimate),
            lower: part(|interval| interval.lower),
            upper: part(|interval| interval.upper),
        }
    });
    let decides = rules.decision.method == DecisionMethod::Kayenta;
    Some(KayentaReport {
        classification: look.grade.name(),
        score: number(look.scored.score),
        pass: number(policy.pass),
        marginal: number(policy.marginal),
        decides,
        asked: rules.compares_kayenta,
        windows: look.windows,
        reason: sentence::kayenta::comparison(look, rules, decides),
        groups: look
            .scored
            .groups
            .iter()
            .map(|group| KayentaGroupReport {
                name: group.name.clone(),
                score: (!group.is_unjudged).then(|| number(group.score)),
                weight: number(group.weight),
            })
            .collect(),
        metrics: metrics.collect(),
    })
}
