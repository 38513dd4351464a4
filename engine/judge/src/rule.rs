//! What is asked of a metric and of the whole analysis. Plain data, already validated by who builds it.

use crate::arm::PerArm;

/// What a metric measures, hence which evidence can speak about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A quantile of a histogram, judged on counts above a bucket bound; `0 < quantile < 1`.
    Quantile(f64),
    /// Events among requests.
    Ratio,
    /// Requests per second and expected share.
    Rate,
    /// A ready value.
    Scalar,
}

/// Which way a change is bad (`worse` in the rules).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Higher is worse: latency, errors, CPU.
    Higher,
    /// Lower is worse: throughput.
    Lower,
    /// Any lasting difference is bad.
    Either,
}

/// How much worse than the baseline still counts as no harm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// Of the baseline's value: 0.1 is 10 %.
    Relative(f64),
    /// In the metric's unit (seconds, a ratio's 0..=1, the scalar's own).
    Absolute(f64),
}

/// What a breach does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBreach {
    /// Ends the analysis with a rollback.
    Rollback,
    /// Keeps the analysis from promoting while it stands.
    Hold,
    /// Is said, and changes nothing.
    Warn,
}

/// Which evidence to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The best that the data allow.
    #[default]
    Auto,
    /// Noise learned from history; inconclusive where there is none.
    Calibrated,
    /// Symmetry alone, also where there is history.
    Uncalibrated,
    /// Conditional binomial evidence alone; for ratios and quantiles.
    Counts,
}

/// One metric's rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The metric's name, unique in its set.
    pub name: String,
    /// What it measures.
    pub kind: Kind,
    /// Which way is bad.
    pub worse: Direction,
    /// Against the baseline; a rule without one has a `limit`.
    pub tolerance: Option<Tolerance>,
    /// At or below this the canary is fine whatever the baseline does; in the metric's unit; only with `Higher`.
    pub ignore_below: Option<f64>,
    /// On the canary alone; in the metric's unit; an upper limit for `Higher`, a lower one for `Lower`.
    pub limit: Option<f64>,
    /// What a breach does.
    pub on_breach: OnBreach,
    /// Must be shown safe before a promotion.
    pub required: bool,
    /// Its share of the evidence; above 0.
    pub weight: f64,
    /// Which evidence to use.
    pub method: Method,
}

/// What a hold becomes when the deadline has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtDeadline {
    /// It stays a hold.
    Hold,
    /// It becomes a rollback.
    Rollback,
    /// It becomes a promotion where nothing is missing and nothing looks bad.
    Promote,
}

/// What a canary that vanished means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// A hold.
    Hold,
    /// A rollback.
    Rollback,
}

/// The fast breaker: an explicit rule, no statistics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Breaker {
    /// The canary is at least this many times worse …
    pub ratio: f64,
    /// … in this many windows in a row …
    pub windows: usize,
    /// … with at least this many events in each.
    pub min_events: f64,
}

/// What holds for all metrics of an analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// How often a canary that is no worse than tolerated may be rolled back; in (0, 1).
    pub false_rollback: f64,
    /// How often a canary that is worse than tolerated may be promoted; in (0, 1).
    pub false_promote: f64,
    /// What a hold becomes at the deadline.
    pub at_deadline: AtDeadline,
    /// What a vanished canary means.
    pub on_missing: OnMissing,
    /// Windows judged in the present traffic step before a promotion.
    pub min_windows: usize,
    /// The fast breaker, where it is on.
    pub breaker: Option<Breaker>,
    /// The shares of traffic that the arms should see, in any unit; none: throughput is compared per live instance.
    pub expected_split: Option<PerArm<f64>>,
    /// Windows from the first judged one to the deadline; at least 1.
    pub longest: usize,
    /// A window's length in seconds; above 0.
    pub step_seconds: f64,
}
