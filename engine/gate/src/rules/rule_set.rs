//! What a rule file means, with extends, variables and defaults resolved: what the rest of Davy works with.
//!
//! Everything here was checked when it was loaded; nobody checks it again. How it is read: [`crate::rules::load`].

use std::collections::BTreeMap;

use davy_judge::arm::PerArm;
use davy_judge::kayenta::KayentaMetric;
use davy_judge::rule::{AtDeadline, Breaker, OnMissing, Rule};
use davy_sources::samples::{Matcher, Selector};

use crate::rules::diagnostic::{Diagnostic, Place};

/// A whole rule file. Two are equal when they ask the same; where it was written and the warnings do not count.
#[derive(Debug, Clone)]
pub struct RuleSet {
    /// The set's name (`name`).
    pub name: String,
    /// The first 12 hexadecimal digits of the SHA-256 of what the rules ask: the resolved canonical form without the
    /// arms, which belong to the analysis. The same rules have the same version at every rollout.
    pub version: String,
    /// One per metric, in the file's order, names unique; at least one is required before a promotion.
    pub metrics: Vec<MetricRule>,
    /// Label matchers that tell the arms apart; empty where neither file nor caller gave them.
    pub arms: PerArm<Vec<Matcher>>,
    /// The shares of traffic that the arms should see, in any unit; above 0.
    pub expected_split: Option<PerArm<f64>>,
    /// Where noise is learned; none: `history: false`.
    pub history: Option<HistoryRule>,
    /// Windows and times.
    pub window: WindowRule,
    /// Error rates and what a hold becomes.
    pub decision: DecisionRule,
    /// The fast breaker; none: `breaker: false`.
    pub breaker: Option<Breaker>,
    /// Whether the verdict is acted on.
    pub mode: Mode,
    /// Thresholds and weights of Kayenta's score.
    pub kayenta: KayentaRule,
    /// Reports for people also show what Kayenta would have said.
    pub compares_kayenta: bool,
    /// What is allowed but probably not meant.
    pub warnings: Vec<Diagnostic>,
}

/// One metric.
#[derive(Debug, Clone)]
pub struct MetricRule {
    /// What is asked of it.
    pub rule: Rule,
    /// Where its numbers come from; the metric's `where` is already in the selectors.
    pub signal: MetricSignal,
    /// Labels by whose values the metric is judged in slices as well; empty: as a whole only.
    pub by: Vec<String>,
    /// The unit of its values, tolerance, limit and `ignore_below`.
    pub unit: Unit,
    /// What Kayenta is asked of it.
    pub kayenta: KayentaMetric,
    /// Where the metric was written, where that is known (a recording may not tell).
    pub place: Option<Place>,
}

/// Where a metric's numbers come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricSignal {
    /// Buckets; the base name, without `_bucket`.
    Histogram(Selector),
    /// Events among all requests.
    Ratio {
        /// The bad ones.
        events: Selector,
        /// All of them.
        total: Selector,
    },
    /// All increments of a counter.
    Rate(Selector),
    /// A PromQL expression with `{{arm}}` and perhaps `{{step}}` left to fill.
    Promql(String),
}

/// The unit of a metric's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds: latencies.
    Seconds,
    /// Milliseconds: latencies whose name or rule says so; a histogram's buckets are in milliseconds too.
    Milliseconds,
    /// 0..=1: error rates. Shown as percent.
    Ratio,
    /// Per second: throughput.
    PerSecond,
    /// The metric's own, unknown to us.
    Plain,
}

/// Where noise is learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRule {
    /// How far back, in milliseconds before the start.
    pub last_ms: i64,
    /// The label that names an instance; none: the source looks for the usual ones.
    pub instance: Option<String>,
    /// At most this many pseudo-canaries.
    pub pseudo_canaries: usize,
    /// The most samples that history may take.
    pub max_samples: u64,
    /// Whose history, where it is not the baseline's.
    pub from: Option<Vec<Matcher>>,
}

/// Windows and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowRule {
    /// The windows' length; none: the source chooses.
    pub step_ms: Option<i64>,
    /// What is skipped at the start and at each traffic step; none: see [`WindowRule::warmup_at`].
    pub warmup_ms: Option<i64>,
    /// When a hold becomes `at_deadline`, from the start.
    pub deadline_ms: i64,
    /// Windows judged in the present traffic step before a promotion.
    pub min_windows: usize,
}

/// Error rates and what a hold becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRule {
    /// How often a canary that is no worse than tolerated may be rolled back; in (0, 1).
    pub false_rollback: f64,
    /// How often a canary that is worse than tolerated may be promoted; in (0, 1).
    pub false_promote: f64,
    /// What a hold becomes at the deadline.
    pub at_deadline: AtDeadline,
    /// What a vanished canary means.
    pub on_missing: OnMissing,
    /// What the verdict comes from.
    pub method: DecisionMethod,
}

/// What the verdict comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecisionMethod {
    /// Evidence.
    #[default]
    Davy,
    /// Kayenta's score (ADR 12).
    Kayenta,
}

/// Thresholds and weights of Kayenta's score.
#[derive(Debug, Clone, PartialEq)]
pub struct KayentaRule {
    /// From this score on it passes; 0..=100.
    pub pass: f64,
    /// From this score on it holds; at most `pass`.
    pub marginal: f64,
    /// How often one looks before the deadline; none: at the deadline alone.
    pub interval_ms: Option<i64>,
    /// Groups' weights in percent, by name.
    pub weights: Vec<(String, f64)>,
}

/// Whether the verdict is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The action is the verdict.
    Enforce,
    /// The action is always promote; the verdict is only said.
    Shadow,
}

/// What the caller adds to a rule file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Values for `{{ name }}`. They are always text, never YAML, PromQL or regular expressions.
    pub variables: BTreeMap<String, String>,
    /// In place of the file's `arms.baseline`.
    pub baseline: Option<Vec<Matcher>>,
    /// In place of the file's `arms.canary`.
    pub canary: Option<Vec<Matcher>>,
}

/// The default warm-up: at least this long …
pub const DEFAULT_WARMUP_MS: i64 = 180_000;
/// … and at least this many windows.
pub const DEFAULT_WARMUP_WINDOWS: i64 = 5;

impl WindowRule {
    /// The warm-up in milliseconds at a step: the written one, else the longer of three minutes and five windows.
    pub fn warmup_at(&self, step_ms: i64) -> i64 {
        self.warmup_ms.unwrap_or_else(|| DEFAULT_WARMUP_MS.max(step_ms.saturating_mul(DEFAULT_WARMUP_WINDOWS)))
    }
}

impl PartialEq for RuleSet {
    fn eq(&self, other: &Self) -> bool {
        let RuleSet {
            name,
            version,
            metrics,
            arms,
            expected_split,
            history,
            window,
            decision,
            breaker,
            mode,
            kayenta,
            compares_kayenta,
            warnings: _,
        } = self;
        name == &other.name
            && version == &other.version
            && metrics == &other.metrics
            && arms == &other.arms
            && expected_split == &other.expected_split
            && history == &other.history
            && window == &other.window
            && decision == &other.decision
            && breaker == &other.breaker
            && mode == &other.mode
            && kayenta == &other.kayenta
            && compares_kayenta == &other.compares_kayenta
    }
}

impl PartialEq for MetricRule {
    fn eq(&self, other: &Self) -> bool {
        let MetricRule { rule, signal, by, unit, kayenta, place: _ } = self;
        rule == &other.rule && signal == &other.signal && by == &other.by && unit == &other.unit && kayenta == &other.kayenta
    }
}
