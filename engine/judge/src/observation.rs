//! From two readings to what the engines take: a paired log ratio, or counts.

use crate::arm::PerArm;
use crate::evidence::counts::paired_log_ratio;
use crate::histogram::exceeding;
use crate::reading::Reading;
use crate::rule::{Direction, Tolerance};
use crate::tail::Tail;

/// A window's comparison. Higher is worse; [`Observation::oriented`] turns it round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observation {
    /// An arm has nothing to say.
    Gap,
    /// ln canary − ln baseline, or the difference in units of the tolerance.
    Paired(f64),
    /// Events of requests.
    Counts {
        /// Events per arm.
        events: PerArm<f64>,
        /// Requests per arm, above 0.
        requests: PerArm<f64>,
    },
}

impl Observation {
    /// Compares two readings of one kind. `exposure`: the arms' expected shares of traffic, for totals. `unit`: the
    /// absolute tolerance by which a ready value's difference is divided; none: log ratio.
    pub fn of(arms: &PerArm<Reading>, tail: Option<&Tail>, exposure: PerArm<f64>, unit: Option<f64>) -> Self {
        match (&arms.baseline, &arms.canary) {
            (Reading::Value(baseline), Reading::Value(canary)) => paired(match unit {
                Some(unit) => (canary - baseline) / unit,
                None if *baseline > 0.0 && *canary > 0.0 => canary.ln() - baseline.ln(),
                None => f64::NAN,
            }),
            (Reading::Total(baseline), Reading::Total(canary)) => {
                if *baseline <= 0.0 && *canary <= 0.0 {
                    return Observation::Gap;
                }
                paired(((canary + 0.5) / exposure.canary).ln() - ((baseline + 0.5) / exposure.baseline).ln())
            }
            (
                Reading::Counts { events: baseline_events, requests: baseline_requests },
                Reading::Counts { events: canary_events, requests: canary_requests },
            ) => counts(
                PerArm { baseline: *baseline_events, canary: *canary_events },
                PerArm { baseline: *baseline_requests, canary: *canary_requests },
            ),
            (Reading::Histogram(baseline), Reading::Histogram(canary)) => match tail {
                Some(tail) => counts(
                    PerArm { baseline: exceeding(baseline, tail.bound()), canary: exceeding(canary, tail.bound()) },
                    PerArm { baseline: baseline.total(), canary: canary.total() },
                ),
                None => Observation::Gap,
            },
            (Reading::Missing | Reading::Value(_) | Reading::Total(_) | Reading::Counts { .. } | Reading::Histogram(_), _) => {
                Observation::Gap
            }
        }
    }

    /// The same comparison, so that higher is worse: for `Lower` the arms of counts change places and d its sign.
    pub fn oriented(self, direction: Direction) -> Self {
        match (self, direction) {
            (Observation::Paired(d), Direction::Lower) => Observation::Paired(-d),
            (Observation::Counts { events, requests }, Direction::Lower) => Observation::Counts {
                events: PerArm { baseline: events.canary, canary: events.baseline },
                requests: PerArm { baseline: requests.canary, canary: requests.baseline },
            },
            (observation, Direction::Lower | Direction::Higher | Direction::Either) => observation,
        }
    }

    /// The paired log ratio (of counts with half an event of continuity); NaN for a gap.
    pub fn paired(self) -> f64 {
        match self {
            Observation::Gap => f64::NAN,
            Observation::Paired(d) => d,
            Observation::Counts { events, requests } => {
                paired_log_ratio(events.canary, events.baseline, requests.canary, requests.baseline)
            }
        }
    }
}

fn paired(d: f64) -> Observation {
    if d.is_finite() { Observation::Paired(d) } else { Observation::Gap }
}

fn counts(events: PerArm<f64>, requests: PerArm<f64>) -> Observation {
    if requests.baseline > 0.0 && requests.canary > 0.0 { Observation::Counts { events, requests } } else { Observation::Gap }
}

/// The tolerated ratio (canary / baseline, above 1) for an oriented comparison: a `Lower` rule tolerates 1 − t, which is
/// 1 / (1 − t) after the arms changed places. `level`: the baseline's level, for absolute tolerances; unknown: 100 %.
pub fn tolerated_factor(tolerance: Tolerance, direction: Direction, level: Option<f64>) -> f64 {
    let relative = match tolerance {
        Tolerance::Relative(relative) => relative,
        Tolerance::Absolute(absolute) => match level {
            Some(level) if level > 0.0 => absolute / level,
            Some(_) | None => 1.0,
        },
    };
    match direction {
        // The whole of the baseline may go: nothing can be shown to be too low. Kept finite, so that evidence stays monotone.
        Direction::Lower if relative >= 0.999 => 1000.0,
        Direction::Lower => 1.0 / (1.0 - relative),
        Direction::Higher | Direction::Either => 1.0 + relative,
    }
}
