//! What Kayenta says of an analysis' windows, and how it decides one where the rules ask for it (ADR 12).
//!
//! Its labels and its score are its own ([`crate::fixed_horizon::kayenta`]); what follows from them is Davy's: a metric that
//! could not be judged never promotes, whatever Kayenta's score says of the others.

use crate::analysis::{Analysis, End};
use crate::arm::{Arm, PerArm};
use crate::fixed_horizon::kayenta::{
    Classification, Classified, Grade, Scored, ScoredMetric, Settings, Zeroed, classify_with, grade, score,
};
use crate::metric::{MISSING_SHARE, MetricJudge};
use crate::rule::{AtDeadline, Kind, OnBreach, OnMissing};
use crate::verdict::{Cause, Verdict};

/// What is asked of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct KayentaMetric {
    /// Of its classification.
    pub settings: Settings,
    /// It is classified, and left out of the score.
    pub muted: bool,
    /// The groups in which it counts.
    pub groups: Vec<String>,
}

/// What is asked of the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct KayentaPolicy {
    /// One per rule, in the rules' order.
    pub metrics: Vec<KayentaMetric>,
    /// Groups' weights in percent; groups without one share what is left.
    pub weights: Vec<(String, f64)>,
    /// From this score on it is `Pass`, 0..=100.
    pub pass: f64,
    /// From this score on it is `Marginal`, at most `pass`.
    pub marginal: f64,
    /// Judged windows between looks before the deadline; none: the deadline's look is the only one. Above 0.
    pub look_every: Option<usize>,
}

/// One look at all windows so far.
#[derive(Debug, Clone, PartialEq)]
pub struct KayentaLook {
    /// One per rule.
    pub metrics: Vec<Classified>,
    /// The score.
    pub scored: Scored,
    /// What it means.
    pub grade: Grade,
    /// The score if every metric that could not be judged had passed.
    pub at_best: f64,
    /// Counted metrics that could not be judged: no answer, or more than a fifth of an arm's values missing.
    pub unjudged: Vec<usize>,
    /// Counted metrics that failed, those first that fail the canary as a whole.
    pub failed: Vec<usize>,
    /// Windows looked at.
    pub windows: usize,
}

/// Why an analysis that Kayenta decides stands as it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KayentaCause {
    /// The score reaches `pass` at the deadline, and every metric was judged.
    Pass,
    /// The score lies between both thresholds at the deadline.
    Marginal,
    /// The score is below `marginal`.
    Fail,
    /// A metric could not be judged.
    Unjudged,
    /// It promotes at the deadline alone.
    NotYet,
}

impl Analysis {
    /// Kayenta's score decides in place of evidence; before the first window.
    #[must_use]
    pub fn decided_by_kayenta(mut self, policy: KayentaPolicy) -> Self {
        self.kayenta = Some(policy);
        self
    }

    /// What Kayenta says of all judged windows, in a single look: values per window, not paired by time. It changes nothing.
    pub fn kayenta_look(&self, policy: &KayentaPolicy) -> KayentaLook {
        let series: Vec<PerArm<Vec<f64>>> = self.metrics.iter().map(|metric| self.values(metric)).collect();
        let classified: Vec<Classified> = series
            .iter()
            .zip(&policy.metrics)
            .map(|(series, metric)| classify_with(PerArm { baseline: &series.baseline, canary: &series.canary }, &metric.settings))
            .collect();
        let counted = |index: &usize| !policy.metrics[*index].muted;
        let all = || 0..classified.len();
        let is_unjudged = |index: &usize| match classified[*index].classification {
            Classification::NoData | Classification::NoDataFail | Classification::Error => true,
            Classification::Pass | Classification::High | Classification::Low => misses_too_much(&series[*index]),
        };
        let unjudged: Vec<usize> = all().filter(counted).filter(is_unjudged).collect();
        let is_failure = |index: &usize| match classified[*index].classification {
            Classification::High | Classification::Low | Classification::NoDataFail => true,
            Classification::Pass | Classification::NoData | Classification::Error => classified[*index].critical,
        };
        let mut failed: Vec<usize> = all().filter(counted).filter(is_failure).collect();
        failed.sort_by_key(|index| !classified[*index].critical);
        let scored_with = |forgiven: &[usize]| {
            let metrics: Vec<ScoredMetric<'_>> = classified
                .iter()
                .zip(&policy.metrics)
                .enumerate()
                .map(|(index, (found, metric))| match forgiven.contains(&index) {
                    true => {
                        ScoredMetric { classification: Classification::Pass, critical: false, muted: metric.muted, groups: &metric.groups }
                    }
                    false => ScoredMetric {
                        classification: found.classification,
                        critical: found.critical,
                        muted: metric.muted,
                        groups: &metric.groups,
                    },
                })
                .collect();
            score(&metrics, &policy.weights)
        };
        let scored = scored_with(&[]);
        KayentaLook {
            grade: grade(scored.score, policy.pass, policy.marginal),
            at_best: scored_with(&unjudged).score,
            metrics: classified,
            scored,
            unjudged,
            failed,
            windows: self.windows,
        }
    }

    /// Each window's value per arm, NaN where it is missing. A rate is per live instance, or per expected share, as Kayenta's
    /// usual query (an average over instances) has it.
    fn values(&self, metric: &MetricJudge) -> PerArm<Vec<f64>> {
        PerArm::from_fn(|arm| {
            let series = metric.totals.get(arm).series();
            let share = |window: usize| match metric.rule.kind {
                Kind::Rate => self.exposures.get(window).map_or(1.0, |exposure| *exposure.get(arm)),
                Kind::Quantile(_) | Kind::Ratio | Kind::Scalar => 1.0,
            };
            series.iter().enumerate().map(|(window, value)| value.map_or(f64::NAN, |value| value / share(window))).collect()
        })
    }

    /// After each window: a rollback where a look is due and the score is too low whatever is missing; never a promotion.
    pub(crate) fn ending_by_kayenta(&mut self, policy: &KayentaPolicy) -> Option<End> {
        self.holds = self.holds_with_kayenta();
        self.holds.push(Cause::Kayenta(KayentaCause::NotYet));
        let breaks = |metric: &MetricJudge| metric.rule.on_breach == OnBreach::Rollback && metric.breaker_fires();
        if let Some(index) = self.metrics.iter().position(breaks) {
            return Some(End { verdict: Verdict::Rollback, cause: Cause::Breaker(index) });
        }
        let is_due = policy.look_every.is_some_and(|every| every > 0 && self.windows.is_multiple_of(every));
        if is_due && self.windows >= self.policy.min_windows && self.kayenta_look(policy).is_fail(policy) {
            return Some(End { verdict: Verdict::Rollback, cause: Cause::Kayenta(KayentaCause::Fail) });
        }
        let is_lost = self.presence.is_vanished() && self.policy.on_missing == OnMissing::Rollback;
        is_lost.then_some(End { verdict: Verdict::Rollback, cause: Cause::Vanished })
    }

    /// What data alone keep from a promotion.
    fn holds_with_kayenta(&self) -> Vec<Cause> {
        let mut holds = self.holds_of_presence();
        holds.extend(self.sample_ratio_mismatch(-self.policy.false_rollback.ln()));
        if self.windows_in_step < self.policy.min_windows {
            holds.push(Cause::TooFewWindows { judged: self.windows_in_step, wanted: self.policy.min_windows });
        }
        holds
    }

    /// The verdict of the deadline's look.
    pub(crate) fn at_deadline_by_kayenta(&self, policy: &KayentaPolicy) -> (Verdict, Cause) {
        let look = self.kayenta_look(policy);
        let holds = self.holds_with_kayenta();
        let hold = |cause: Cause| match self.policy.at_deadline {
            AtDeadline::Rollback => (Verdict::Rollback, Cause::AtDeadline),
            AtDeadline::Hold | AtDeadline::Promote => (Verdict::Hold, cause),
        };
        let fails = (Verdict::Rollback, Cause::Kayenta(KayentaCause::Fail));
        if self.windows < self.policy.min_windows {
            return hold(holds.into_iter().next().unwrap_or_else(|| self.first_hold()));
        }
        if look.is_fail(policy) {
            return fails;
        }
        if let Some(cause) = holds.into_iter().next() {
            return hold(cause);
        }
        let counted = policy.metrics.iter().filter(|metric| !metric.muted).count();
        if !look.unjudged.is_empty() || counted == 0 {
            let is_missing = counted > 0 && look.grade == Grade::Fail && self.policy.on_missing == OnMissing::Rollback;
            return if is_missing { fails } else { hold(Cause::Kayenta(KayentaCause::Unjudged)) };
        }
        match look.grade {
            Grade::Pass => (Verdict::Promote, Cause::Kayenta(KayentaCause::Pass)),
            Grade::Marginal => hold(Cause::Kayenta(KayentaCause::Marginal)),
            Grade::Fail => fails,
        }
    }
}

impl KayentaLook {
    /// Whether the score is too low even if everything that could not be judged had passed.
    fn is_fail(&self, policy: &KayentaPolicy) -> bool {
        let is_counted = policy.metrics.iter().any(|metric| !metric.muted);
        is_counted && grade(self.at_best, policy.pass, policy.marginal) == Grade::Fail
    }

    /// The metric that fails the canary as a whole.
    pub fn critical(&self) -> Option<usize> {
        match self.scored.zeroed? {
            Zeroed::Critical(metric) => Some(metric),
            Zeroed::NoData => None,
        }
    }
}

fn misses_too_much(series: &PerArm<Vec<f64>>) -> bool {
    Arm::BOTH.into_iter().any(|arm| {
        let values = series.get(arm);
        let missing = values.iter().filter(|value| !value.is_finite()).count();
        missing as f64 > MISSING_SHARE * values.len() as f64
    })
}
