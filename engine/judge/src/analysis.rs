//! A running analysis: takes one window at a time, and ends with the first verdict that stands.
//!
//! Pushing windows one by one gives what pushing them all gives; how often the decision is read changes nothing.

use crate::arm::{Arm, PerArm};
use crate::constants::MIN_WINDOWS_ROLLBACK;
use crate::evidence::weighted_mean;
use crate::kayenta::KayentaPolicy;
use crate::metric::MetricJudge;
use crate::multiplicity::e_bh;
use crate::presence::Presence;
use crate::reading::Reading;
use crate::rule::{Kind, OnBreach, OnMissing, Policy, Rule};
use crate::sample_ratio::srm_log_e;
use crate::traffic::StepDetector;
use crate::verdict::{Cause, Verdict};
use crate::window::{MetricWindow, StepStart, Window};

/// How far the canary's share may be off the expected one, relatively, before evidence counts.
const SPLIT_DEVIATION: f64 = 0.1;

/// The verdict that ended an analysis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct End {
    pub(crate) verdict: Verdict,
    pub(crate) cause: Cause,
}

/// One analysis.
#[derive(Debug, Clone)]
pub struct Analysis {
    pub(crate) policy: Policy,
    pub(crate) metrics: Vec<MetricJudge>,
    pub(crate) end: Option<End>,
    pub(crate) windows: usize,
    pub(crate) windows_in_step: usize,
    pub(crate) steps: usize,
    /// Why a promotion cannot be at the last window, first the strongest.
    pub(crate) holds: Vec<Cause>,
    pub(crate) presence: Presence,
    /// The arms' shares of traffic, or live instances, in each judged window.
    pub(crate) exposures: Vec<PerArm<f64>>,
    /// Kayenta's score decides, where it is there.
    pub(crate) kayenta: Option<KayentaPolicy>,
    split: PerArm<f64>,
    detector: StepDetector,
}

impl Analysis {
    /// Nothing judged yet; [`Analysis::begin_step`] comes before the first window.
    pub fn new(rules: Vec<Rule>, policy: Policy) -> Self {
        Analysis {
            metrics: rules.into_iter().map(|rule| MetricJudge::new(rule, &policy)).collect(),
            policy,
            end: None,
            windows: 0,
            windows_in_step: 0,
            steps: 0,
            holds: Vec::new(),
            presence: Presence::default(),
            exposures: Vec::new(),
            kayenta: None,
            split: PerArm::default(),
            detector: StepDetector::default(),
        }
    }

    /// Begins a traffic step: the first before the first window, later ones when the traffic has been shifted.
    pub fn begin_step(&mut self, start: &StepStart) {
        let none = Err("no history was given".to_owned());
        for (index, metric) in self.metrics.iter_mut().enumerate() {
            let lead: Vec<&PerArm<Reading>> =
                start.lead.iter().filter_map(|window| window.metrics.get(index)).map(|metric| &metric.arms).collect();
            metric.begin_step(start.histories.get(index).unwrap_or(&none), &lead);
            let slices = start.slices.get(index).map_or(&[][..], Vec::as_slice);
            let lead: Vec<&MetricWindow> = start.lead.iter().filter_map(|window| window.metrics.get(index)).collect();
            metric.begin_slices(&self.policy, slices, &lead);
        }
        for window in &start.lead {
            self.skip(window);
        }
        self.steps += 1;
        self.windows_in_step = 0;
        self.detector.reset();
        self.presence.begin_step();
    }

    /// Takes one window. After the end it does nothing. True: traffic was shifted without a word, and a new step should begin.
    pub fn push(&mut self, window: &Window) -> bool {
        if self.end.is_some() {
            return false;
        }
        self.windows += 1;
        self.windows_in_step += 1;
        self.presence.push(window.instances);
        let requests = self.requests(window);
        self.split.baseline += requests.baseline;
        self.split.canary += requests.canary;
        let exposure = self.exposure(window);
        self.exposures.push(exposure);
        for (metric, shown) in self.metrics.iter_mut().zip(&window.metrics) {
            metric.push(shown, exposure);
        }
        self.end = self.ending();
        self.end.is_none() && self.detector.push(requests)
    }

    /// A window that is skipped (warm-up): only the arms' presence is followed.
    pub fn skip(&mut self, window: &Window) {
        self.presence.see(window.instances);
    }

    /// The verdict that ended the analysis.
    pub fn ended(&self) -> Option<Verdict> {
        self.end.as_ref().map(|end| end.verdict)
    }

    /// Windows judged so far.
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// The arms' requests in a window: of the throughput, else of the first metric that counts requests in both arms.
    fn requests(&self, window: &Window) -> PerArm<f64> {
        let of = |reading: &Reading| match reading {
            Reading::Total(total) => Some(*total),
            Reading::Counts { requests, .. } => Some(*requests),
            Reading::Histogram(histogram) => Some(histogram.total()),
            Reading::Missing | Reading::Value(_) => None,
        };
        let mut best: Option<PerArm<f64>> = None;
        for (metric, shown) in self.metrics.iter().zip(&window.metrics) {
            let (Some(baseline), Some(canary)) = (of(&shown.arms.baseline), of(&shown.arms.canary)) else { continue };
            if best.is_none() || metric.rule.kind == Kind::Rate {
                best = Some(PerArm { baseline, canary });
            }
            if metric.rule.kind == Kind::Rate {
                break;
            }
        }
        best.unwrap_or_default()
    }

    fn exposure(&self, window: &Window) -> PerArm<f64> {
        let live = window.instances.map(|count| if count > 0 { count as f64 } else { 1.0 });
        self.policy.expected_split.unwrap_or(live)
    }

    fn ending(&mut self) -> Option<End> {
        if let Some(policy) = self.kayenta.clone() {
            return self.ending_by_kayenta(&policy);
        }
        self.holds = self.standing_holds();
        if let Some(cause) = self.rollback_cause() {
            return Some(End { verdict: Verdict::Rollback, cause });
        }
        self.holds.is_empty().then_some(End { verdict: Verdict::Promote, cause: Cause::Safe })
    }

    fn rollback_cause(&self) -> Option<Cause> {
        let rolls_back = |metric: &MetricJudge| metric.rule.on_breach == OnBreach::Rollback;
        if let Some(index) = self.metrics.iter().position(|metric| rolls_back(metric) && metric.breaker_fires()) {
            return Some(Cause::Breaker(index));
        }
        let compared = self.metrics.iter().filter(|metric| rolls_back(metric)).map(MetricJudge::present).max().unwrap_or(0);
        if compared >= MIN_WINDOWS_ROLLBACK && self.ln_harm() >= -self.policy.false_rollback.ln() {
            return Some(Cause::Harm(self.attributed()));
        }
        (self.presence.is_vanished() && self.policy.on_missing == OnMissing::Rollback).then_some(Cause::Vanished)
    }

    /// ln of the weighted mean evidence of harm over the metrics that may roll back.
    pub fn ln_harm(&self) -> f64 {
        let evidences: Vec<(f64, f64)> = self
            .metrics
            .iter()
            .filter(|metric| metric.rule.on_breach == OnBreach::Rollback)
            .map(|metric| (metric.ln_harm(), metric.rule.weight))
            .collect();
        weighted_mean(&evidences)
    }

    /// The metrics that e-BH names, else the one with the largest evidence; worst first.
    pub(crate) fn attributed(&self) -> Vec<usize> {
        let rolling: Vec<usize> =
            (0..self.metrics.len()).filter(|index| self.metrics[*index].rule.on_breach == OnBreach::Rollback).collect();
        let evidences: Vec<f64> = rolling.iter().map(|index| self.metrics[*index].ln_harm()).collect();
        let mut order: Vec<usize> = (0..rolling.len()).collect();
        order.sort_by(|left, right| evidences[*right].total_cmp(&evidences[*left]));
        let named = e_bh(&evidences, self.policy.false_rollback);
        let mut worst: Vec<usize> = order.iter().copied().filter(|position| named.contains(position)).collect();
        if worst.is_empty() {
            worst.extend(order.first());
        }
        worst.into_iter().map(|position| rolling[position]).collect()
    }

    /// Holds because of what is not there.
    pub(crate) fn holds_of_presence(&self) -> Vec<Cause> {
        let mut holds = Vec::new();
        if self.presence.is_vanished() {
            holds.push(Cause::Vanished);
        } else if let Some((before, now)) = self.presence.lost() {
            holds.push(Cause::InstancesLost { before, now });
        }
        let empty = PerArm::from_fn(|arm| self.windows > 0 && self.metrics.iter().all(|metric| metric.present_in(arm) == 0));
        if empty.baseline || empty.canary {
            holds.push(Cause::NoData(empty));
        }
        holds
    }

    fn standing_holds(&self) -> Vec<Cause> {
        let mut holds = self.holds_of_presence();
        let ln_harm_needed = -self.policy.false_rollback.ln();
        for (index, metric) in self.metrics.iter().enumerate() {
            if metric.ln_incident() >= ln_harm_needed {
                holds.push(Cause::CommonIncident(index));
            }
        }
        holds.extend(self.sample_ratio_mismatch(ln_harm_needed));
        for (index, metric) in self.metrics.iter().enumerate() {
            if metric.rule.on_breach == OnBreach::Hold && metric.breached {
                holds.push(Cause::HoldBreach(index));
            }
            if metric.baseline_beyond_limit() && !metric.is_within_limit() {
                holds.push(Cause::BaselineBeyondLimit(index));
            }
        }
        let required = || self.metrics.iter().enumerate().filter(|(_, metric)| metric.rule.required);
        holds.extend(required().filter(|(_, metric)| metric.misses_too_much()).map(|(index, _)| Cause::TooManyMissing(index)));
        let ln_safe_needed = -self.policy.false_promote.ln();
        let is_fine = |metric: &MetricJudge| {
            metric.is_safe(ln_safe_needed) && metric.ln_harm() < ln_harm_needed && !metric.waits_for_slices(&self.policy)
        };
        let waiting: Vec<usize> = required().filter(|(_, metric)| !is_fine(metric)).map(|(index, _)| index).collect();
        if !waiting.is_empty() || required().next().is_none() {
            holds.push(Cause::NotYet(waiting));
        }
        if self.windows_in_step < self.policy.min_windows {
            holds.push(Cause::TooFewWindows { judged: self.windows_in_step, wanted: self.policy.min_windows });
        }
        holds
    }

    pub(crate) fn sample_ratio_mismatch(&self, ln_needed: f64) -> Option<Cause> {
        let split = self.policy.expected_split?;
        let total = self.split.baseline + self.split.canary;
        if total <= 0.0 {
            return None;
        }
        let expected = split.canary / (split.baseline + split.canary);
        let actual = self.split.canary / total;
        let deviates = (actual / expected - 1.0).abs() > SPLIT_DEVIATION;
        (deviates && srm_log_e(self.split, split) >= ln_needed).then_some(Cause::SampleRatioMismatch { expected, actual })
    }

    /// Whether an arm has not shown anything in any metric.
    pub fn is_empty_arm(&self, arm: Arm) -> bool {
        self.metrics.iter().all(|metric| metric.present_in(arm) == 0)
    }
}
