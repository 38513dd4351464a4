//! The decision at a moment: the verdict with everything that speaks for and against it.

use crate::analysis::Analysis;
use crate::arm::{Arm, PerArm};
use crate::constants::{INSTANCES_NAMED, MIN_WINDOWS_PROMOTE, SLICES_WITH_INTERVAL};
use crate::directed::{Directed, Voices};
use crate::fixed_horizon::kayenta::Classification;
use crate::kayenta::KayentaLook;
use crate::limit::LevelJudge;
use crate::metric::MetricJudge;
use crate::rule::{AtDeadline, Direction, Method, OnBreach, Policy};
use crate::verdict::{Cause, Decision, Effect, EffectKind, Finding, InstanceFinding, Obstacle, Outcome, SliceFinding, Verdict};

/// Windows over which the growth of evidence is projected.
const PACE_WINDOWS: usize = 10;

impl Analysis {
    /// The decision after the last window. `at_deadline`: no more windows will come, and a hold becomes what the rules say.
    pub fn decision(&self, at_deadline: bool) -> Decision {
        let (verdict, cause, is_final) = match &self.end {
            Some(end) => (end.verdict, end.cause.clone(), true),
            None if at_deadline => self.at_deadline(),
            None => (Verdict::Hold, self.first_hold(), false),
        };
        let breached = match &cause {
            Cause::Harm(metrics) => metrics.clone(),
            Cause::Breaker(metric) => vec![*metric],
            Cause::Vanished
            | Cause::InstancesLost { .. }
            | Cause::Safe
            | Cause::AtDeadline
            | Cause::HoldBreach(_)
            | Cause::CommonIncident(_)
            | Cause::BaselineBeyondLimit(_)
            | Cause::SampleRatioMismatch { .. }
            | Cause::NoData(_)
            | Cause::TooManyMissing(_)
            | Cause::NotYet(_)
            | Cause::Kayenta(_)
            | Cause::TooFewWindows { .. } => Vec::new(),
        };
        let look = self.kayenta.as_ref().map(|policy| self.kayenta_look(policy));
        let mut findings: Vec<Finding> =
            self.metrics.iter().enumerate().map(|(index, metric)| finding(metric, &self.policy, breached.contains(&index))).collect();
        if let (Some(look), Some(policy)) = (&look, &self.kayenta) {
            for (index, finding) in findings.iter_mut().enumerate() {
                say_kayenta(finding, look, index, policy.metrics[index].muted);
            }
        }
        Decision {
            verdict,
            is_final,
            also: self.holds.iter().filter(|other| **other != cause).cloned().collect(),
            cause,
            score: self.score(verdict),
            ln_harm: self.ln_harm(),
            findings,
            windows: self.windows,
            windows_in_step: self.windows_in_step,
            steps: self.steps,
            kayenta: look,
        }
    }

    pub(crate) fn first_hold(&self) -> Cause {
        let unseen = self.presence.seen.map(|seen| !seen);
        let nothing_judged = if unseen.baseline || unseen.canary {
            Cause::NoData(unseen)
        } else {
            Cause::TooFewWindows { judged: 0, wanted: self.policy.min_windows }
        };
        self.holds.first().cloned().unwrap_or(nothing_judged)
    }

    fn at_deadline(&self) -> (Verdict, Cause, bool) {
        if let Some(policy) = &self.kayenta {
            let (verdict, cause) = self.at_deadline_by_kayenta(policy);
            return (verdict, cause, true);
        }
        match self.policy.at_deadline {
            AtDeadline::Hold => (Verdict::Hold, self.first_hold(), true),
            AtDeadline::Rollback => (Verdict::Rollback, Cause::AtDeadline, true),
            AtDeadline::Promote if self.looks_good() => (Verdict::Promote, Cause::AtDeadline, true),
            AtDeadline::Promote => (Verdict::Hold, self.first_hold(), true),
        }
    }

    /// What a promotion at the deadline still needs: data, and nothing that looks bad.
    fn looks_good(&self) -> bool {
        let only_waits = self.holds.iter().all(|cause| match cause {
            Cause::NotYet(_) => true,
            Cause::Harm(_)
            | Cause::Breaker(_)
            | Cause::Vanished
            | Cause::InstancesLost { .. }
            | Cause::Safe
            | Cause::AtDeadline
            | Cause::HoldBreach(_)
            | Cause::CommonIncident(_)
            | Cause::BaselineBeyondLimit(_)
            | Cause::SampleRatioMismatch { .. }
            | Cause::NoData(_)
            | Cause::TooManyMissing(_)
            | Cause::Kayenta(_)
            | Cause::TooFewWindows { .. } => false,
        });
        let needed = -self.policy.false_rollback.ln();
        let looks_harmless = |metric: &MetricJudge| metric.ln_harm() < needed && !metric.waits_for_slices(&self.policy);
        let enough = |metric: &MetricJudge| metric.compared() >= self.policy.min_windows && !metric.misses_too_much();
        let fine = |metric: &MetricJudge| enough(metric) && metric.estimate_is_tolerated() && metric.is_within_limit();
        only_waits
            && self.metrics.iter().any(|metric| metric.rule.required)
            && self.metrics.iter().filter(|metric| metric.rule.required).all(fine)
            && self.metrics.iter().all(|metric| metric.rule.on_breach == OnBreach::Warn || looks_harmless(metric))
    }

    fn score(&self, verdict: Verdict) -> f64 {
        match verdict {
            Verdict::Promote => 100.0,
            Verdict::Rollback => 0.0,
            Verdict::Hold => {
                let needed = -self.policy.false_promote.ln();
                let shares = self.metrics.iter().filter(|metric| metric.rule.required).map(|metric| {
                    let share = metric.ln_safe() / needed;
                    if share > 1.0 {
                        1.0
                    } else if share > 0.0 {
                        share
                    } else {
                        0.0
                    }
                });
                let score = 26.0 + 48.0 * shares.reduce(|left, right| if left < right { left } else { right }).unwrap_or(0.0);
                // Controllers read 25, 50 and 75 as thresholds of their own; only 50 lies in this range.
                if (score - 50.0).abs() < 1e-6 { 50.001 } else { score }
            }
        }
    }
}

impl MetricJudge {
    /// Windows that speak of the metric: compared ones, or with a limit alone the canary's.
    fn compared(&self) -> usize {
        if self.directed.is_empty() { self.present_in(Arm::Canary) } else { self.present() }
    }

    /// Whether the best estimate is within the tolerance, or the canary at most at `ignore_below`.
    fn estimate_is_tolerated(&self) -> bool {
        let ignored = self.ignore.as_ref().is_some_and(|ignore| ignore.is_beyond() == Some(false));
        ignored || self.directed.iter().all(|directed| directed.estimate().is_some_and(|effect| effect <= self.tolerated))
    }
}

fn finding(metric: &MetricJudge, policy: &Policy, is_attributed: bool) -> Finding {
    let (harm_needed, safe_needed) = (-policy.false_rollback.ln(), -policy.false_promote.ln());
    let has_named_slice = !metric.named_slices(policy.false_rollback).is_empty();
    let outcome = if is_attributed || (metric.rule.on_breach != OnBreach::Rollback && metric.breached) {
        Outcome::Breach
    } else if has_named_slice || (metric.ln_harm() >= harm_needed && metric.rule.on_breach == OnBreach::Rollback) {
        Outcome::Suspect
    } else if metric.is_safe(safe_needed) && !metric.waits_for_slices(policy) {
        Outcome::Pass
    } else {
        Outcome::Inconclusive
    };
    Finding {
        outcome,
        obstacle: if outcome == Outcome::Inconclusive { obstacle(metric) } else { None },
        on_breach: metric.rule.on_breach,
        required: metric.rule.required,
        arms: metric.totals.as_ref().map(|totals| totals.summary()),
        effect: effect(metric, harm_needed, safe_needed),
        tolerated: tolerated(metric),
        effective_limit: metric.limit.as_ref().map(|limit| limit.canary.effective()),
        effective_ignore_below: metric.ignore.as_ref().map(LevelJudge::effective),
        judged_at_bound: metric.last_bound,
        ln_harm: metric.ln_harm(),
        ln_safe: metric.ln_safe(),
        method: method(metric),
        noise: metric.noise.clone(),
        remaining_windows: if outcome == Outcome::Inconclusive { remaining(metric, harm_needed, safe_needed) } else { None },
        windows: metric.windows,
        baseline_beyond_limit: metric.baseline_beyond_limit(),
        series: metric.totals.as_ref().map(|totals| totals.series().to_vec()),
        harm_trace: metric.harm_trace.clone(),
        safe_trace: metric.safe_trace.clone(),
        slices: slice_findings(metric, policy, outcome == Outcome::Breach),
        instances: instance_findings(metric, policy),
        kayenta: None,
    }
}

/// Where Kayenta decides, a finding means what its label says; the evidence beside it decides nothing.
fn say_kayenta(finding: &mut Finding, look: &KayentaLook, index: usize, is_muted: bool) {
    let classified = look.metrics[index];
    let is_breaker = finding.outcome == Outcome::Breach && finding.on_breach == OnBreach::Rollback;
    finding.outcome = match classified.classification {
        Classification::High | Classification::Low | Classification::NoDataFail => Outcome::Breach,
        Classification::NoData | Classification::Error => Outcome::Inconclusive,
        Classification::Pass if is_breaker => Outcome::Breach,
        Classification::Pass if look.unjudged.contains(&index) => Outcome::Inconclusive,
        Classification::Pass => Outcome::Pass,
    };
    let empty = finding.arms.map(|arm| arm.windows == 0);
    finding.obstacle = match finding.outcome {
        Outcome::Inconclusive if empty.baseline || empty.canary => Some(Obstacle::NoData(empty)),
        Outcome::Inconclusive => Some(Obstacle::TooManyMissing).filter(|_| classified.classification != Classification::Error),
        Outcome::Pass | Outcome::Breach | Outcome::Suspect => None,
    };
    finding.required = !is_muted;
    finding.method = "kayenta";
    finding.remaining_windows = None;
    finding.kayenta = Some(classified);
}

fn instance_findings(metric: &MetricJudge, policy: &Policy) -> Vec<InstanceFinding> {
    let Some(instances) = &metric.instances else { return Vec::new() };
    let finding = |(name, judge, stands_out): (&str, &MetricJudge, bool)| InstanceFinding {
        name: name.to_owned(),
        stands_out,
        canary: judge.totals.canary.summary(),
        effect: estimated(judge),
        ln_harm: judge.ln_harm(),
    };
    instances.worst(policy.false_rollback).into_iter().take(INSTANCES_NAMED).map(finding).collect()
}

/// The slices, worst first. `is_breach`: the metric is in breach, and so are the slices that are named.
fn slice_findings(metric: &MetricJudge, policy: &Policy, is_breach: bool) -> Vec<SliceFinding> {
    let (harm_needed, safe_needed) = (-policy.false_rollback.ln(), -policy.false_promote.ln());
    let named = metric.named_slices(policy.false_rollback);
    let mut order: Vec<usize> = (0..metric.slices.len()).collect();
    order.sort_by(|one, other| metric.slices[*other].ln_harm().total_cmp(&metric.slices[*one].ln_harm()));
    let finding = |(rank, slice): (usize, usize)| {
        let judge = &metric.slices[slice];
        let outcome = match (named.contains(&slice), is_breach) {
            (true, true) => Outcome::Breach,
            (true, false) => Outcome::Suspect,
            (false, _) if judge.is_safe(safe_needed) => Outcome::Pass,
            (false, _) => Outcome::Inconclusive,
        };
        SliceFinding {
            slice,
            outcome,
            obstacle: if outcome == Outcome::Inconclusive { obstacle(judge) } else { None },
            arms: judge.totals.as_ref().map(|totals| totals.summary()),
            effect: if rank < SLICES_WITH_INTERVAL { effect(judge, harm_needed, safe_needed) } else { estimated(judge) },
            keeps_waiting: named.contains(&slice) || judge.leans_to_harm(policy),
            ln_harm: judge.ln_harm(),
            ln_safe: judge.ln_safe(),
            method: method(judge),
            calibrated: judge.noise.calibrated,
            windows: judge.windows,
        }
    };
    order.into_iter().enumerate().map(finding).collect()
}

/// The effect without its interval, which is what costs time.
fn estimated(metric: &MetricJudge) -> Option<Effect> {
    let first = metric.directed.first().filter(|_| metric.present() > 0)?;
    let estimate = first.estimate().map(|effect| outward(metric, first.direction(), effect));
    Some(Effect { kind: kind_of(metric), estimate, lower: None, upper: None })
}

fn kind_of(metric: &MetricJudge) -> EffectKind {
    if metric.unit().is_some() { EffectKind::Difference } else { EffectKind::Ratio }
}

/// An oriented effect in the reader's direction and unit.
fn outward(metric: &MetricJudge, direction: Direction, oriented: f64) -> f64 {
    let signed = if direction == Direction::Lower { -oriented } else { oriented };
    metric.unit().map_or_else(|| signed.exp(), |unit| signed * unit)
}

fn obstacle(metric: &MetricJudge) -> Option<Obstacle> {
    let empty = PerArm::from_fn(|arm| metric.present_in(arm) == 0);
    if metric.windows > 0 && (empty.canary || (empty.baseline && !metric.directed.is_empty())) {
        return Some(Obstacle::NoData(empty));
    }
    if metric.misses_too_much() {
        return Some(Obstacle::TooManyMissing);
    }
    if metric.is_too_rounded() || (metric.coarse > 0 && 2 * metric.coarse > metric.windows) {
        return Some(Obstacle::TooCoarse);
    }
    (metric.rule.method == Method::Calibrated && !metric.noise.calibrated).then_some(Obstacle::NoHistory)
}

fn method(metric: &MetricJudge) -> &'static str {
    let Some(directed) = metric.directed.first() else { return "against the limit" };
    match directed.voices() {
        Voices { counts: true, calibrated: true, .. } => "counts and calibrated",
        Voices { counts: true, calibrated: false, .. } => "counts",
        Voices { calibrated: true, .. } => "calibrated",
        Voices { uncalibrated: true, .. } => "uncalibrated",
        Voices { .. } => "none",
    }
}

fn tolerated(metric: &MetricJudge) -> Option<f64> {
    let directed = metric.directed.last()?;
    Some(match (metric.unit(), directed.direction()) {
        (Some(unit), Direction::Lower) => -unit,
        (Some(unit), Direction::Higher | Direction::Either) => unit,
        (None, Direction::Lower) => (-metric.tolerated).exp(),
        (None, Direction::Higher | Direction::Either) => metric.tolerated.exp(),
    })
}

/// The effect in the reader's direction: canary / baseline, or canary − baseline.
fn effect(metric: &MetricJudge, harm_needed: f64, safe_needed: f64) -> Option<Effect> {
    let first = metric.directed.first()?;
    if metric.present() == 0 {
        return None;
    }
    let outward = |direction: Direction, oriented: f64| outward(metric, direction, oriented);
    let estimate = first.estimate();
    let guess = estimate.unwrap_or(0.0);
    let (mut lower, mut upper) = (None, None);
    for directed in &metric.directed {
        let below =
            directed.largest_refuted(harm_needed, guess_for(directed, guess, first)).map(|effect| outward(directed.direction(), effect));
        match directed.direction() {
            Direction::Higher | Direction::Either => lower = below,
            Direction::Lower => upper = below,
        }
    }
    // With both directions each end comes from the harm of its own; with one, the far end from the evidence of safety.
    if metric.directed.len() == 1 {
        let above = first.smallest_refuted(safe_needed, guess).map(|effect| outward(first.direction(), effect));
        match first.direction() {
            Direction::Higher | Direction::Either => upper = above,
            Direction::Lower => lower = above,
        }
    }
    Some(Effect { kind: kind_of(metric), estimate: estimate.map(|effect| outward(first.direction(), effect)), lower, upper })
}

fn guess_for(directed: &Directed, guess: f64, first: &Directed) -> f64 {
    if directed.direction() == first.direction() { guess } else { -guess }
}

/// Windows until a pass or a breach at the pace of the last windows; none: not at this pace.
fn remaining(metric: &MetricJudge, harm_needed: f64, safe_needed: f64) -> Option<usize> {
    let project = |trace: &[f64], needed: f64| {
        let now = *trace.last()?;
        let before = trace.len().checked_sub(PACE_WINDOWS + 1).map_or(0.0, |index| trace[index]);
        let pace = (now - before) / if trace.len() > PACE_WINDOWS { PACE_WINDOWS as f64 } else { trace.len() as f64 };
        (pace > 0.0 && now < needed).then(|| ((needed - now) / pace).ceil() as usize)
    };
    let harm = project(&metric.harm_trace, harm_needed);
    let safe = project(&metric.safe_trace, safe_needed).map(|windows| {
        let least = MIN_WINDOWS_PROMOTE.saturating_sub(metric.compared());
        if windows > least { windows } else { least }
    });
    match (harm, safe) {
        (Some(harm), Some(safe)) => Some(if harm < safe { harm } else { safe }),
        (one, other) => one.or(other),
    }
}
