//! One metric, judged window by window: its readings become observations, observations evidence.

use std::sync::Arc;

use crate::arm::{Arm, PerArm};
use crate::breaker::BreakerJudge;
use crate::constants::{MIN_WINDOWS_PROMOTE, MIN_WINDOWS_ROLLBACK};
use crate::directed::{Directed, Voices, Yardstick};
use crate::evidence::{Side, average};
use crate::history::MetricHistory;
use crate::incident::Incident;
use crate::instances::Instances;
use crate::limit::LevelJudge;
use crate::noise::NoiseProfile;
use crate::observation::{Observation, tolerated_factor};
use crate::past::{Past, counts_of, level_of, quantile_of};
use crate::reading::Reading;
use crate::rule::{Direction, Kind, Method, Policy, Rule, Tolerance};
use crate::summary::ArmTotals;
use crate::tail::{Tail, TailTracker, median};
use crate::verdict::Noise;
use crate::window::MetricWindow;

/// Expected events per window in the smaller arm from which the log ratio of counts is judged too, with history.
const EVENTS_WITH_HISTORY: f64 = 2.0;
/// The same without history; below it, counts alone.
const EVENTS_WITHOUT_HISTORY: f64 = 5.0;
/// Baseline events below which an absolute tolerance on a rate counts as 100 %.
const EVENTS_FOR_LEVEL: f64 = 5.0;
/// Past windows whose median is a ready value's level.
const LEVEL_PAST: usize = 12;
/// The share of a metric's windows that may be missing in an arm.
pub const MISSING_SHARE: f64 = 0.2;
/// How much of the tolerance a believed lasting offset of the history may take.
const OFFSET_SHARE: f64 = 0.5;

/// One metric's running judgement.
#[derive(Debug, Clone)]
pub struct MetricJudge {
    pub(crate) rule: Rule,
    pub(crate) directed: Vec<Directed>,
    pub(crate) limit: Option<PerArm<LevelJudge>>,
    pub(crate) ignore: Option<LevelJudge>,
    pub(crate) noise: Noise,
    pub(crate) totals: PerArm<ArmTotals>,
    pub(crate) tolerated: f64,
    pub(crate) last_bound: Option<f64>,
    pub(crate) windows: usize,
    pub(crate) coarse: usize,
    pub(crate) harm_trace: Vec<f64>,
    pub(crate) safe_trace: Vec<f64>,
    pub(crate) breached: bool,
    longest: usize,
    step_seconds: f64,
    tracker: TailTracker,
    quantile_level: Option<f64>,
    past_levels: Vec<f64>,
    incident: Option<Incident>,
    breaker: Option<BreakerJudge>,
    present: usize,
    present_in_step: usize,
    present_by_arm: PerArm<usize>,
    too_rounded: bool,
    /// The metric's slices, each judged for itself; empty: as a whole only.
    pub(crate) slices: Vec<MetricJudge>,
    /// The canary's instances one by one; none for what is itself a part of a metric.
    pub(crate) instances: Option<Box<Instances>>,
    /// Expected shares of today's pseudo-canaries and the rest, one per row.
    row_exposure: Vec<PerArm<f64>>,
    ln_harm_needed: f64,
}

impl MetricJudge {
    /// Nothing judged yet.
    pub fn new(rule: Rule, policy: &Policy) -> Self {
        let instances = Some(Box::new(Instances::new(&rule, policy)));
        MetricJudge { instances, ..Self::for_part(&rule, policy) }
    }

    /// The same for a part of a metric: a slice, an instance.
    pub(crate) fn for_part(rule: &Rule, policy: &Policy) -> Self {
        let rule = rule.clone();
        let directions: &[Direction] = match rule.worse {
            Direction::Higher => &[Direction::Higher],
            Direction::Lower => &[Direction::Lower],
            Direction::Either => &[Direction::Higher, Direction::Lower],
        };
        let directed = match rule.tolerance {
            Some(_) => directions.iter().map(|direction| Directed::new(*direction, policy.longest)).collect(),
            None => Vec::new(),
        };
        let level_judge = |level| LevelJudge::new(rule.kind, rule.worse, level, policy.step_seconds, policy.longest);
        MetricJudge {
            directed,
            limit: rule.limit.map(|level| PerArm::from_fn(|_| level_judge(level))),
            ignore: rule.ignore_below.map(level_judge),
            noise: Noise::default(),
            totals: PerArm::from_fn(|_| ArmTotals::new(rule.kind, policy.step_seconds)),
            tolerated: 0.0,
            last_bound: None,
            windows: 0,
            coarse: 0,
            harm_trace: Vec::new(),
            safe_trace: Vec::new(),
            breached: false,
            longest: policy.longest,
            step_seconds: policy.step_seconds,
            tracker: TailTracker::new(quantile_of(rule.kind)),
            quantile_level: None,
            past_levels: Vec::new(),
            incident: None,
            breaker: policy.breaker.and_then(|breaker| BreakerJudge::for_rule(&rule, breaker)),
            present: 0,
            present_in_step: 0,
            present_by_arm: PerArm::default(),
            too_rounded: false,
            slices: Vec::new(),
            instances: None,
            row_exposure: Vec::new(),
            ln_harm_needed: -policy.false_rollback.ln(),
            rule,
        }
    }

    /// Begins a traffic step. `lead`: the step's readings up to its first judged window.
    pub fn begin_step(&mut self, history: &Result<MetricHistory, String>, lead: &[&PerArm<Reading>]) {
        self.present_in_step = 0;
        let Some(tolerance) = self.rule.tolerance else { return };
        self.row_exposure = history.as_ref().map(|history| history.exposure.clone()).unwrap_or_default();
        let unit = self.unit();
        let past = history.as_ref().ok().map(|history| Past::of(&self.rule, history, unit, 1.0 + self.relative(tolerance, None)));
        let dispersion = past.as_ref().and_then(|past| past.dispersion);
        let rows: &[Vec<f64>] = past.as_ref().map_or(&[], |past| &past.rows);
        let level = past.as_ref().and_then(|past| median(past.levels.clone()));
        let relative = self.relative(tolerance, level);
        let learned = NoiseProfile::from_history(rows, self.longest);
        self.noise = match (&learned, history) {
            (Ok(profile), Ok(history)) => noise_of(profile, dispersion, &history.notes),
            (Err(_), Err(why)) => Noise { notes: vec![why.clone()], ..Noise::default() },
            (Err(why), Ok(history)) => {
                let mut notes = vec![why.to_string()];
                notes.extend(history.notes.iter().cloned());
                Noise { dispersion, notes, ..Noise::default() }
            }
            (Ok(_), Err(_)) => Noise::default(),
        };
        let has_profile = learned.is_ok();
        // A dispersion from less history than a profile needs is not to be trusted either.
        let dispersion = dispersion.filter(|_| has_profile);
        let voices = self.choose_voices(has_profile, past.as_ref().and_then(|past| past.rate), lead);
        for directed in &mut self.directed {
            let direction = directed.direction();
            let oriented: Vec<Vec<f64>> = match direction {
                Direction::Lower => rows.iter().map(|row| row.iter().map(|value| -value).collect()).collect(),
                Direction::Higher | Direction::Either => rows.to_vec(),
            };
            let bound = match (unit, past.as_ref().and_then(|past| past.tail_ratio)) {
                (Some(_), _) => 1.0,
                (None, Some(ratio)) => ratio.ln(),
                (None, None) => tolerated_factor(Tolerance::Relative(relative), direction, None).ln(),
            };
            let profile = NoiseProfile::from_history(&oriented, self.longest).ok();
            self.too_rounded = profile.as_ref().is_some_and(|profile| profile.degenerate() && profile.scale() > bound);
            let capped = profile.map(|profile| Arc::new(profile.with_bias_cap(OFFSET_SHARE * bound)));
            directed.begin_step(voices, capped, dispersion);
        }
        if self.incident.is_none() {
            let past = past.unwrap_or_default();
            self.incident = Incident::new(&past.levels, &past.row_levels, relative, self.rule.worse, self.longest);
        }
    }

    /// Which engines speak from now on. Never looks at the canary's outcomes.
    fn choose_voices(&self, profile: bool, rate: Option<f64>, lead: &[&PerArm<Reading>]) -> Voices {
        let counts = matches!(self.rule.kind, Kind::Ratio | Kind::Quantile(_));
        let before = self.directed.first().map(Directed::voices).unwrap_or_default();
        match self.rule.method {
            Method::Calibrated => Voices { calibrated: profile || before.calibrated, ..Voices::default() },
            Method::Uncalibrated => Voices { uncalibrated: true, ..Voices::default() },
            Method::Counts if counts => Voices { counts: true, ..Voices::default() },
            Method::Counts | Method::Auto if !counts => {
                // A later step without a profile keeps the one before it; the first step's choice without any stays.
                let calibrated = (profile || before.calibrated) && !before.uncalibrated;
                Voices { calibrated, uncalibrated: !calibrated, counts: false }
            }
            Method::Counts | Method::Auto => {
                let expected = self.expected_events(rate, lead);
                if before.uncalibrated {
                    before
                } else if profile || before.calibrated {
                    Voices {
                        counts: true,
                        calibrated: before.calibrated || (profile && expected >= EVENTS_WITH_HISTORY),
                        uncalibrated: false,
                    }
                } else {
                    let dense = expected >= EVENTS_WITHOUT_HISTORY && !before.counts;
                    Voices { counts: !dense, uncalibrated: dense, calibrated: false }
                }
            }
        }
    }

    /// Bad events to expect per window in the smaller arm: the history's rate, else the baseline's in the lead.
    fn expected_events(&self, rate: Option<f64>, lead: &[&PerArm<Reading>]) -> f64 {
        let mut tracker = TailTracker::new(quantile_of(self.rule.kind));
        let (mut events, mut requests, mut windows) = (0.0, PerArm { baseline: 0.0, canary: 0.0 }, 0.0);
        for arms in lead {
            let bound = match &arms.baseline {
                Reading::Histogram(histogram) => tracker.next(histogram, None).map(|tail| tail.bound()),
                Reading::Missing | Reading::Value(_) | Reading::Total(_) | Reading::Counts { .. } => None,
            };
            let baseline = counts_of(&arms.baseline, bound);
            let canary = counts_of(&arms.canary, bound);
            if let (Some((bad, baseline_requests)), Some((_, canary_requests))) = (baseline, canary) {
                events += bad;
                requests.baseline += baseline_requests;
                requests.canary += canary_requests;
                windows += 1.0;
            }
        }
        if windows <= 0.0 {
            return 0.0;
        }
        let smaller = if requests.canary < requests.baseline { requests.canary } else { requests.baseline };
        rate.unwrap_or((events + 0.5) / requests.baseline) * smaller / windows
    }

    /// Takes one judged window. `exposure`: the arms' expected shares of traffic.
    pub fn push(&mut self, window: &MetricWindow, exposure: PerArm<f64>) {
        self.windows += 1;
        let arms = &window.arms;
        let tail = match &arms.baseline {
            Reading::Histogram(baseline) => {
                self.quantile_level = self.tracker.level();
                let canary = match &arms.canary {
                    Reading::Histogram(canary) => Some(canary),
                    Reading::Missing | Reading::Value(_) | Reading::Total(_) | Reading::Counts { .. } => None,
                };
                let tail = self.tracker.next(baseline, canary).map(Arc::new);
                self.coarse += usize::from(tail.is_none() && baseline.total() > 0.0);
                tail
            }
            Reading::Missing | Reading::Value(_) | Reading::Total(_) | Reading::Counts { .. } => None,
        };
        let bound = tail.as_ref().map(|tail| tail.bound());
        self.last_bound = bound.or(self.last_bound);
        let observation = Observation::of(arms, tail.as_deref(), exposure, self.unit());
        let is_present = observation != Observation::Gap;
        self.present += usize::from(is_present);
        self.present_in_step += usize::from(is_present);
        for arm in Arm::BOTH {
            *self.present_by_arm.get_mut(arm) += usize::from(*arms.get(arm) != Reading::Missing);
        }
        self.judge_tolerance(window, observation, tail.as_ref());
        if let Some(limit) = &mut self.limit {
            limit.baseline.push(&arms.baseline);
            limit.canary.push(&arms.canary);
        }
        if let Some(ignore) = &mut self.ignore {
            ignore.push(&arms.canary);
        }
        if let Some(incident) = &mut self.incident {
            incident.push(level_of(&arms.baseline, self.rule.kind));
        }
        let factor = self.tolerated_ratio();
        if let Some(breaker) = &mut self.breaker {
            breaker.push(&self.rule, arms, bound, factor, self.rule.ignore_below);
        }
        for arm in Arm::BOTH {
            self.totals.get_mut(arm).push(arms.get(arm));
        }
        self.remember_level(&arms.baseline);
        self.push_slices(window, exposure);
        if let Some(instances) = &mut self.instances {
            instances.push(window, exposure);
        }
        self.harm_trace.push(self.with_slices(self.compute_ln_harm()));
        self.safe_trace.push(self.compute_ln_safe());
        self.breached |= self.ln_harm() >= self.ln_harm_needed && self.present >= MIN_WINDOWS_ROLLBACK;
    }

    fn judge_tolerance(&mut self, window: &MetricWindow, observation: Observation, tail: Option<&Arc<Tail>>) {
        let Some(tolerance) = self.rule.tolerance else { return };
        let unit = self.unit();
        let yardstick = match (unit, tail) {
            (Some(_), _) => Yardstick::Difference,
            (None, Some(tail)) => Yardstick::Tail(Arc::clone(tail)),
            (None, None) => Yardstick::LogRatio,
        };
        let equal = PerArm { baseline: 1.0, canary: 1.0 };
        let row = |(index, arms): (usize, &PerArm<Reading>)| {
            let exposure = self.row_exposure.get(index).copied().unwrap_or(equal);
            Observation::of(arms, tail.map(Arc::as_ref), exposure, unit).paired()
        };
        let today: Vec<f64> = window.today.iter().enumerate().map(row).collect();
        let level = self.level();
        for directed in &mut self.directed {
            let effect = if unit.is_some() { 1.0 } else { tolerated_factor(tolerance, directed.direction(), level).ln() };
            self.tolerated = effect;
            directed.push(observation, yardstick.clone(), effect, &today);
        }
    }

    /// The baseline's level over past windows, for absolute tolerances; none: not known yet.
    fn level(&self) -> Option<f64> {
        match self.rule.kind {
            Kind::Ratio => self.totals.baseline.pooled_rate(EVENTS_FOR_LEVEL),
            Kind::Quantile(_) => self.quantile_level,
            Kind::Rate | Kind::Scalar => median(self.past_levels.clone()),
        }
    }

    fn remember_level(&mut self, baseline: &Reading) {
        let level = match baseline {
            Reading::Total(total) => Some(total / self.step_seconds),
            Reading::Value(value) => Some(*value),
            Reading::Missing | Reading::Counts { .. } | Reading::Histogram(_) => None,
        };
        if let Some(level) = level {
            if self.past_levels.len() == LEVEL_PAST {
                self.past_levels.remove(0);
            }
            self.past_levels.push(level);
        }
    }

    /// The absolute tolerance by which a ready value's differences are measured; none: log ratios.
    pub(crate) fn unit(&self) -> Option<f64> {
        match (self.rule.kind, self.rule.tolerance) {
            (Kind::Scalar, Some(Tolerance::Absolute(unit))) => Some(unit),
            (Kind::Scalar | Kind::Rate | Kind::Ratio | Kind::Quantile(_), _) => None,
        }
    }

    fn relative(&self, tolerance: Tolerance, level: Option<f64>) -> f64 {
        tolerated_factor(tolerance, Direction::Higher, level) - 1.0
    }

    /// The tolerated factor in force (oriented, above 1); a difference has none: the breaker does not speak of it.
    fn tolerated_ratio(&self) -> f64 {
        if self.unit().is_some() { 1.0 } else { self.tolerated.exp() }
    }

    /// ln of the evidence of harm after the last window.
    pub fn ln_harm(&self) -> f64 {
        self.harm_trace.last().copied().unwrap_or(0.0)
    }

    /// ln of the evidence of safety after the last window.
    pub fn ln_safe(&self) -> f64 {
        self.safe_trace.last().copied().unwrap_or(0.0)
    }

    fn compute_ln_harm(&self) -> f64 {
        let limit = self.limit.as_ref().map(|limit| if self.baseline_beyond_limit() { 0.0 } else { limit.canary.ln_harm() });
        let sides: Vec<f64> = self.directed.iter().map(|directed| directed.ln_e(Side::Harm)).collect();
        let against_tolerance = (!sides.is_empty()).then(|| {
            let ln_e = average(&sides);
            let absolute = self.ignore.as_ref().map_or(ln_e, LevelJudge::ln_harm);
            if absolute < ln_e { absolute } else { ln_e }
        });
        match (against_tolerance, limit) {
            (Some(tolerance), Some(limit)) => average(&[tolerance, limit]),
            (Some(ln_e), None) | (None, Some(ln_e)) => ln_e,
            (None, None) => 0.0,
        }
    }

    fn compute_ln_safe(&self) -> f64 {
        let sides =
            self.directed.iter().map(|directed| directed.ln_e(Side::Safe)).reduce(|left, right| if left < right { left } else { right });
        match (sides, &self.ignore, &self.limit) {
            (Some(_) | None, Some(ignore), _) if self.too_rounded => ignore.ln_safe() - std::f64::consts::LN_2,
            (Some(_), None, _) if self.too_rounded => 0.0,
            (Some(ln_e), Some(ignore), _) => average(&[ln_e, ignore.ln_safe()]),
            (Some(ln_e), None, _) => ln_e,
            (None, _, Some(limit)) => limit.canary.ln_safe(),
            (None, _, None) => 0.0,
        }
    }

    /// Whether the evidence of safety suffices at the last window.
    pub fn is_safe(&self, ln_needed: f64) -> bool {
        let enough_windows = match self.directed.is_empty() {
            // A limit speaks of the canary alone.
            true => self.present_by_arm.canary,
            false => self.present_in_step,
        } >= MIN_WINDOWS_PROMOTE;
        enough_windows && self.ln_safe() >= ln_needed && self.is_within_limit() && !self.misses_too_much()
    }

    /// Whether the canary's own estimate is within the limit, where there is one.
    pub fn is_within_limit(&self) -> bool {
        self.limit.as_ref().is_none_or(|limit| limit.canary.is_beyond() == Some(false))
    }

    /// Whether both arms are beyond the limit, so that it tells nothing of the canary.
    pub fn baseline_beyond_limit(&self) -> bool {
        self.limit.as_ref().is_some_and(|limit| limit.baseline.is_beyond() == Some(true))
    }

    /// ln of the evidence that the baseline is worse than its own history.
    pub fn ln_incident(&self) -> f64 {
        self.incident.as_ref().map_or(0.0, Incident::ln_harm)
    }

    /// Whether the breaker fires at the last window.
    pub fn breaker_fires(&self) -> bool {
        self.breaker.as_ref().is_some_and(BreakerJudge::fires)
    }

    /// Whether more than a fifth of the windows are missing in an arm.
    pub fn misses_too_much(&self) -> bool {
        let allowed = MISSING_SHARE * self.windows as f64;
        Arm::BOTH.iter().any(|arm| (self.windows - self.present_by_arm.get(*arm)) as f64 > allowed)
    }

    /// Windows with data in one arm.
    pub fn present_in(&self, arm: Arm) -> usize {
        *self.present_by_arm.get(arm)
    }

    /// Windows in which the arms were compared.
    pub fn present(&self) -> usize {
        self.present
    }

    /// Whether the history is rounded more coarsely than the tolerance.
    pub fn is_too_rounded(&self) -> bool {
        self.too_rounded
    }
}

fn noise_of(profile: &NoiseProfile, dispersion: Option<f64>, notes: &[String]) -> Noise {
    Noise {
        calibrated: true,
        scale: Some(profile.scale()),
        dependence: Some(profile.dependence()),
        offset: Some(profile.uncapped_bias()),
        dispersion,
        rows: profile.rows(),
        windows: profile.windows(),
        notes: notes.to_vec(),
    }
}
