//! The questions: is a good canary promoted in time, what regression is seen, and what would help where it is not.

use std::sync::Arc;

use davy_judge::arm::PerArm;
use davy_judge::reading::BucketCounts;
use davy_judge::rule::{Direction, Kind, Rule, Tolerance};
use davy_judge::verdict::{Cause, Finding, Verdict};
use davy_sources::align::AlignedWindow;
use rayon::prelude::*;

use crate::forecast::effect::{Effect, Slowdown};
use crate::forecast::material::{Material, MetricMaterial};
use crate::forecast::trial::{Ending, Share, Trial, trial};
use crate::plan::Plan;

/// The share of futures from which on something is said to happen: a regression is seen, a good canary is promoted.
pub const ENOUGH: f64 = 0.8;
/// Regressions that are tried, in multiples of what is tolerated.
const BEYOND: [f64; 10] = [1.05, 1.1, 1.2, 1.35, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0];
/// Of good canaries that are held, a metric is blamed from this share on.
const BLAMED: f64 = 0.1;
/// Remedies that are tried, in multiples of what is.
const WIDER: [f64; 4] = [1.5, 2.0, 3.0, 5.0];
const ABOVE_LEVEL: [f64; 4] = [1.25, 1.5, 2.0, 3.0];
const LONGER: [f64; 3] = [2.0, 4.0, 8.0];
const MORE_TRAFFIC: [f64; 4] = [2.0, 4.0, 8.0, 16.0];
/// No deadline is tried that gives more windows than this.
const MOST_WINDOWS: usize = 2_000;

/// How many futures are judged for a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Of a good canary.
    pub good: usize,
    /// Of each regression, and of each remedy.
    pub other: usize,
}

impl Effort {
    /// So many of a good canary, and a third as many for everything else.
    pub fn of(trials: usize) -> Effort {
        Effort { good: trials.max(2), other: (trials / 3).max(2) }
    }
}

/// The smallest regression of a metric that is seen in at least [`ENOUGH`] of the futures.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// The canary's value, in the metric's unit.
    pub value: f64,
    /// canary / baseline, where there is one.
    pub ratio: Option<f64>,
    /// How often it was found by the deadline.
    pub found: Share,
    /// The median of judged windows until then.
    pub windows: usize,
}

/// What is to be expected of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricForecast {
    /// What the judge says of it after a typical future of a good canary.
    pub typical: Finding,
    /// The baseline's value, in the metric's unit.
    pub level: Option<f64>,
    /// How often a good canary could not be shown safe in it by the deadline.
    pub waiting: Share,
    /// The smallest regression that is seen; none: none of those that were tried.
    pub detection: Option<Detection>,
    /// The largest regression that was tried, as the canary's value; none: the metric has no level to begin from.
    pub tried: Option<f64>,
    /// The canary was drawn from the whole baseline: host differences and noise are unknown, the forecast is a best case.
    pub is_made_up: bool,
}

/// What would have a good canary promoted in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Remedy {
    /// What.
    pub kind: RemedyKind,
    /// How often a good canary is promoted then.
    pub promoted: Share,
}

/// What could be changed.
#[derive(Debug, Clone, PartialEq)]
pub enum RemedyKind {
    /// Another tolerance: (metric, tolerance).
    Tolerance(Vec<(usize, Tolerance)>),
    /// Another `ignore_below`: (metric, level).
    IgnoreBelow(Vec<(usize, f64)>),
    /// Another deadline, in ms.
    Deadline(i64),
    /// So many times the canary's traffic.
    Traffic(f64),
}

/// What is to be expected of an analysis that began now.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Judged windows until the deadline.
    pub longest: usize,
    /// Windows of the past that futures are drawn from, and pairs of arms over each.
    pub past: usize,
    /// Pseudo-canaries.
    pub rows: usize,
    /// How often a good canary is promoted by the deadline …
    pub promoted: Share,
    /// … and how often rolled back.
    pub rolled_back: Share,
    /// What a good canary is held for, the most frequent first: why, and how often.
    pub held_for: Vec<(&'static str, Share)>,
    /// The median of judged windows until a promotion.
    pub promoted_after: Option<usize>,
    /// One per metric, in the rules' order.
    pub metrics: Vec<MetricForecast>,
    /// What would help, where too few are promoted: the least of each kind that suffices.
    pub remedies: Vec<Remedy>,
}

impl Forecast {
    /// Whether a good canary is promoted often enough.
    pub fn promotes(&self) -> bool {
        self.promoted.value() >= ENOUGH
    }
}

/// Judges seeded futures. `past`: the baseline's windows by instance. `traffic`: see [`Material::of`]. `seen` is told how many
/// futures have been judged. None: there is no past, or no metric.
pub fn forecast(
    plan: &Plan,
    past: &[AlignedWindow],
    traffic: &[PerArm<f64>],
    effort: Effort,
    seen: &(dyn Fn(usize) + Sync),
) -> Option<Forecast> {
    let asker = Asker { plan, past, traffic, effort, seed: plan.seed(), seen };
    asker.answer()
}

struct Asker<'a> {
    plan: &'a Plan,
    past: &'a [AlignedWindow],
    traffic: &'a [PerArm<f64>],
    effort: Effort,
    seed: u64,
    seen: &'a (dyn Fn(usize) + Sync),
}

impl Asker<'_> {
    fn answer(&self) -> Option<Forecast> {
        let rules: Vec<Rule> = self.plan.rules.metrics.iter().map(|metric| metric.rule.clone()).collect();
        let policy = self.plan.rules.policy(self.plan.step_ms);
        let material = Material::of(self.plan, self.past, self.traffic, self.seed);
        let prepared = Trial::new(&rules, &policy, &material)?;
        let good = self.futures(&prepared, None, self.effort.good);
        let promotions: Vec<usize> = windows_of(&good, |ending| ending.verdict == Verdict::Promote);
        let metrics: Vec<MetricForecast> =
            (0..rules.len()).map(|metric| self.metric(&prepared, metric, &rules[metric], &good, &material.metrics[metric])).collect();
        let mut forecast = Forecast {
            longest: policy.longest,
            past: material.windows(),
            rows: material.rows(),
            promoted: share(&good, |ending| ending.verdict == Verdict::Promote),
            rolled_back: share(&good, |ending| ending.verdict == Verdict::Rollback),
            held_for: held_for(&good),
            promoted_after: median(promotions),
            metrics,
            remedies: Vec::new(),
        };
        if !forecast.promotes() {
            forecast.remedies = self.remedies(&rules, &material, &forecast.metrics);
        }
        Some(forecast)
    }

    /// Judges so many futures. The same ones for every question, so that only the question makes a difference.
    fn futures(&self, prepared: &Trial<'_>, effect: Option<&(usize, Effect)>, count: usize) -> Vec<Ending> {
        let endings = (0..count as u64).into_par_iter().map(|index| trial(prepared, effect, self.seed.wrapping_add(index))).collect();
        (self.seen)(count);
        endings
    }

    fn metric(&self, prepared: &Trial<'_>, metric: usize, rule: &Rule, good: &[Ending], of: &MetricMaterial) -> MetricForecast {
        let mut levels: Vec<f64> = good.iter().filter_map(|ending| ending.decision.findings[metric].arms.baseline.value).collect();
        levels.sort_by(f64::total_cmp);
        let level = levels.get(levels.len() / 2).copied();
        let mut typical = good.iter().find(|ending| ending.verdict != Verdict::Rollback).or(good.first());
        if let Some(middle) = good.get(good.len() / 2).filter(|ending| ending.verdict != Verdict::Rollback) {
            typical = Some(middle);
        }
        MetricForecast {
            typical: typical.map(|ending| ending.decision.findings[metric].clone()).expect("at least one future is judged"),
            level,
            waiting: share(good, |ending| ending.waiting.contains(&metric)),
            detection: level.and_then(|level| self.smallest(prepared, metric, rule, level, of.pooled.as_ref())),
            tried: level.and_then(|level| regression(rule, level, BEYOND[BEYOND.len() - 1], of.pooled.as_ref())).map(|(_, value)| value),
            is_made_up: of.is_made_up,
        }
    }

    /// Halves the list of regressions: a larger one is seen at least as often.
    fn smallest(&self, prepared: &Trial<'_>, metric: usize, rule: &Rule, level: f64, pooled: Option<&BucketCounts>) -> Option<Detection> {
        let mut smallest = None;
        let (mut low, mut high) = (0, BEYOND.len());
        while low < high {
            let middle = low.midpoint(high);
            let (effect, value) = regression(rule, level, BEYOND[middle], pooled)?;
            let endings = self.futures(prepared, Some(&(metric, effect)), self.effort.other);
            let found = share(&endings, |ending| ending.found(metric, rule));
            if found.value() >= ENOUGH {
                let windows = median(windows_of(&endings, |ending| ending.found(metric, rule))).unwrap_or(0);
                let ratio = (level > 0.0).then_some(value / level);
                smallest = Some(Detection { value, ratio, found, windows });
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        smallest
    }

    fn remedies(&self, rules: &[Rule], material: &Material, metrics: &[MetricForecast]) -> Vec<Remedy> {
        let policy = self.plan.rules.policy(self.plan.step_ms);
        let blamed: Vec<usize> = (0..rules.len()).filter(|metric| metrics[*metric].waiting.value() >= BLAMED).collect();
        let mut remedies = Vec::new();
        let promoted = |prepared: Option<Trial<'_>>| {
            prepared.map(|prepared| share(&self.futures(&prepared, None, self.effort.other), |ending| ending.verdict == Verdict::Promote))
        };
        let mut first = |kinds: Vec<RemedyKind>, of: &dyn Fn(&RemedyKind) -> Option<Share>| {
            for kind in kinds {
                if let Some(promoted) = of(&kind).filter(|promoted| promoted.value() >= ENOUGH) {
                    remedies.push(Remedy { kind, promoted });
                    return;
                }
            }
        };
        let wider = WIDER.iter().map(|times| {
            let widened =
                blamed.iter().filter_map(|metric| Some((*metric, rules[*metric].tolerance.map(|tolerance| scaled(tolerance, *times))?)));
            // Where less is worse, the whole of it cannot be tolerated.
            RemedyKind::Tolerance(
                widened.filter(|(metric, wide)| rules[*metric].worse == Direction::Higher || leaves_something(*wide)).collect(),
            )
        });
        let above = ABOVE_LEVEL.iter().map(|times| {
            let higher = blamed.iter().filter(|metric| rules[**metric].worse == Direction::Higher && rules[**metric].tolerance.is_some());
            let levels = higher.filter_map(|metric| Some((*metric, round(metrics[*metric].level? * times))));
            RemedyKind::IgnoreBelow(
                levels.filter(|(metric, level)| *level > 0.0 && rules[*metric].limit.is_none_or(|limit| *level < limit)).collect(),
            )
        });
        let changed = |kind: &RemedyKind| promoted(Trial::new(&with(rules, kind)?, &policy, material));
        first(wider.collect(), &changed);
        first(above.collect(), &changed);
        let deadlines = LONGER.iter().map(|times| RemedyKind::Deadline((self.plan.rules.window.deadline_ms as f64 * times) as i64));
        first(deadlines.collect(), &|kind| {
            let RemedyKind::Deadline(deadline_ms) = kind else { return None };
            let window = crate::rules::rule_set::WindowRule { deadline_ms: *deadline_ms, ..self.plan.rules.window.clone() };
            let longest = window.judged_at(self.plan.step_ms);
            let longer = davy_judge::rule::Policy { longest, ..policy.clone() };
            if longest > MOST_WINDOWS { None } else { promoted(Trial::new(rules, &longer, material)) }
        });
        let traffics = MORE_TRAFFIC.iter().map(|times| RemedyKind::Traffic(*times));
        first(traffics.collect(), &|kind| {
            let RemedyKind::Traffic(times) = kind else { return None };
            let more: Vec<PerArm<f64>> = self.traffic.iter().map(|arms| PerArm { canary: arms.canary * times, ..*arms }).collect();
            // More than the baseline has cannot be played by any part of it.
            let is_possible = more.iter().all(|arms| arms.canary <= arms.baseline);
            let richer = is_possible.then(|| Material::of(self.plan, self.past, &more, self.seed))?;
            promoted(Trial::new(rules, &policy, &richer))
        });
        remedies
    }
}

/// The rules with a remedy; none: it changes nothing.
fn with(rules: &[Rule], kind: &RemedyKind) -> Option<Vec<Rule>> {
    let mut changed = rules.to_vec();
    match kind {
        RemedyKind::Tolerance(tolerances) => tolerances.iter().for_each(|(metric, wide)| changed[*metric].tolerance = Some(*wide)),
        RemedyKind::IgnoreBelow(levels) => levels.iter().for_each(|(metric, level)| changed[*metric].ignore_below = Some(*level)),
        RemedyKind::Deadline(_) | RemedyKind::Traffic(_) => {}
    }
    (changed != rules).then_some(changed)
}

fn leaves_something(tolerance: Tolerance) -> bool {
    match tolerance {
        Tolerance::Relative(share) => share < 0.95,
        Tolerance::Absolute(_) => true,
    }
}

fn scaled(tolerance: Tolerance, times: f64) -> Tolerance {
    match tolerance {
        Tolerance::Relative(share) => Tolerance::Relative(round(share * times)),
        Tolerance::Absolute(value) => Tolerance::Absolute(round(value * times)),
    }
}

/// Two significant digits: what people write.
fn round(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

/// What is wrong with a canary that is so many times beyond what is tolerated, and its value; none: there is nothing to be
/// beyond of, or it cannot be.
fn regression(rule: &Rule, level: f64, times: f64, pooled: Option<&BucketCounts>) -> Option<(Effect, f64)> {
    let relative = match rule.tolerance {
        Some(Tolerance::Relative(share)) => Some(share),
        Some(Tolerance::Absolute(unit)) if rule.kind == Kind::Scalar => {
            // Differences: so many times the tolerance more.
            let more = if rule.worse == Direction::Lower { -unit * times } else { unit * times };
            return Some((Effect::Plus(more), level + more));
        }
        Some(Tolerance::Absolute(unit)) if level > 0.0 => Some(unit / level),
        Some(Tolerance::Absolute(_)) => Some(1.0),
        None => None,
    };
    let value = match rule.worse {
        Direction::Lower => {
            let tolerated = relative.map(|share| level * (1.0 - share));
            let edge = match (tolerated, rule.limit) {
                (Some(tolerated), Some(limit)) if limit > tolerated => limit,
                (Some(tolerated), _) => tolerated,
                (None, limit) => limit?,
            };
            edge / times
        }
        Direction::Higher | Direction::Either => {
            let tolerated = relative.map(|share| {
                let beside = level * (1.0 + share);
                rule.ignore_below.filter(|ignored| *ignored > beside).unwrap_or(beside)
            });
            let edge = match (tolerated, rule.limit) {
                (Some(tolerated), Some(limit)) if limit < tolerated => limit,
                (Some(tolerated), _) => tolerated,
                (None, limit) => limit?,
            };
            edge * times
        }
    };
    match rule.kind {
        Kind::Ratio => {
            let rate = if value < 1.0 { value } else { 1.0 };
            (rate != level).then_some((Effect::Rate(rate, level), rate))
        }
        Kind::Scalar if level <= 0.0 => Some((Effect::Plus(value - level), value)),
        Kind::Quantile(_) => {
            let slowdown = (level > 0.0).then(|| Slowdown::new(pooled?, value / level)).flatten()?;
            Some((Effect::Slower(Arc::new(slowdown)), value))
        }
        Kind::Scalar | Kind::Rate => (level > 0.0).then(|| (Effect::Times(value / level), value)),
    }
}

fn share(endings: &[Ending], is_so: impl Fn(&Ending) -> bool) -> Share {
    Share { hits: endings.iter().filter(|ending| is_so(ending)).count(), trials: endings.len() }
}

fn held_for(endings: &[Ending]) -> Vec<(&'static str, Share)> {
    let mut counts: std::collections::BTreeMap<&'static str, usize> = std::collections::BTreeMap::new();
    for ending in endings.iter().filter(|ending| ending.verdict == Verdict::Hold) {
        *counts.entry(why(&ending.decision.cause)).or_default() += 1;
    }
    let mut causes: Vec<(&'static str, Share)> =
        counts.into_iter().map(|(cause, hits)| (cause, Share { hits, trials: endings.len() })).collect();
    causes.sort_by_key(|(_, share)| std::cmp::Reverse(share.hits));
    causes
}

fn why(cause: &Cause) -> &'static str {
    match cause {
        Cause::NotYet(_) => "not enough evidence of safety",
        Cause::CommonIncident(_) => "the baseline worse than its own history",
        Cause::TooManyMissing(_) => "more than a fifth of the windows missing",
        Cause::NoData(_) => "no data",
        Cause::HoldBreach(_) => "a breach of a metric that holds",
        Cause::BaselineBeyondLimit(_) => "both arms beyond the limit",
        Cause::TooFewWindows { .. } => "too few windows before the deadline",
        Cause::SampleRatioMismatch { .. } => "traffic not split as expected",
        Cause::Vanished | Cause::InstancesLost { .. } => "gaps in the history, taken for a canary that vanished",
        Cause::Kayenta(_) => "Kayenta's score",
        Cause::Harm(_) | Cause::Breaker(_) | Cause::Safe | Cause::AtDeadline => "the deadline",
    }
}

fn windows_of(endings: &[Ending], is_so: impl Fn(&Ending) -> bool) -> Vec<usize> {
    endings.iter().filter(|ending| is_so(ending)).map(|ending| ending.windows).collect()
}

fn median(mut counts: Vec<usize>) -> Option<usize> {
    counts.sort_unstable();
    counts.get(counts.len() / 2).copied()
}
