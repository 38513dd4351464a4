//! Evidence of one arm against an absolute level: a rule's `limit`, or its `ignore_below`.

use crate::evidence::Side;
use crate::evidence::against_limit::AgainstLimit;
use crate::evidence::uncalibrated::Uncalibrated;
use crate::histogram::exceeding;
use crate::reading::{BucketCounts, Reading};
use crate::rule::{Direction, Kind};

/// A ready value at or below zero is far below any level: this share of it.
const FLOOR: f64 = 1e-3;

/// One arm against one level, over the windows so far.
#[derive(Debug, Clone)]
pub struct LevelJudge {
    kind: Kind,
    direction: Direction,
    level: f64,
    step_seconds: f64,
    engines: Engines,
    events: f64,
    requests: f64,
    logs: Vec<f64>,
    effective: f64,
}

#[derive(Debug, Clone)]
enum Engines {
    Counts { harm: AgainstLimit, safe: AgainstLimit },
    Paired { harm: Uncalibrated, safe: Uncalibrated },
}

impl LevelJudge {
    /// `level` in the metric's unit and above 0 (below 1 for a ratio). `direction` says on which side of it harm lies
    /// (`Either` is treated as `Higher`). `longest`: windows until the deadline.
    pub fn new(kind: Kind, direction: Direction, level: f64, step_seconds: f64, longest: usize) -> Self {
        let counts =
            |limit: f64| Engines::Counts { harm: AgainstLimit::new(Side::Harm, limit), safe: AgainstLimit::new(Side::Safe, limit) };
        let engines = match kind {
            Kind::Quantile(quantile) => counts(1.0 - quantile),
            Kind::Ratio if direction == Direction::Lower => counts(1.0 - level),
            Kind::Ratio => counts(level),
            Kind::Rate | Kind::Scalar => {
                Engines::Paired { harm: Uncalibrated::new(Side::Harm, longest), safe: Uncalibrated::new(Side::Safe, longest) }
            }
        };
        LevelJudge { kind, direction, level, step_seconds, engines, events: 0.0, requests: 0.0, logs: Vec::new(), effective: level }
    }

    /// Takes one window of the arm.
    pub fn push(&mut self, reading: &Reading) {
        match (&mut self.engines, reading) {
            (Engines::Counts { harm, safe }, Reading::Counts { .. } | Reading::Histogram(_)) => {
                let counted = match reading {
                    Reading::Counts { events, requests } if self.direction == Direction::Lower => Some((requests - events, *requests)),
                    Reading::Counts { events, requests } => Some((*events, *requests)),
                    Reading::Histogram(histogram) => nearest_to(histogram, self.level).map(|bound| {
                        self.effective = bound;
                        (exceeding(histogram, bound), histogram.total())
                    }),
                    Reading::Missing | Reading::Value(_) | Reading::Total(_) => None,
                };
                let (events, requests) = counted.filter(|(_, requests)| *requests > 0.0).unwrap_or((0.0, 0.0));
                harm.push(events, requests);
                safe.push(events, requests);
                self.events += events;
                self.requests += requests;
            }
            (Engines::Paired { harm, safe }, Reading::Value(_) | Reading::Total(_)) => {
                let value = match reading {
                    Reading::Total(total) => total / self.step_seconds,
                    Reading::Value(value) => *value,
                    Reading::Missing | Reading::Counts { .. } | Reading::Histogram(_) => f64::NAN,
                };
                let floor = self.level * FLOOR;
                let log = (if value > floor { value } else { floor } / self.level).ln();
                let oriented = if self.direction == Direction::Lower { -log } else { log };
                harm.push(oriented, 0.0);
                safe.push(oriented, 0.0);
                self.logs.push(log);
            }
            (Engines::Counts { harm, safe }, Reading::Missing | Reading::Value(_) | Reading::Total(_)) => {
                harm.push(0.0, 0.0);
                safe.push(0.0, 0.0);
            }
            (Engines::Paired { harm, safe }, Reading::Missing | Reading::Counts { .. } | Reading::Histogram(_)) => {
                harm.push(f64::NAN, 0.0);
                safe.push(f64::NAN, 0.0);
            }
        }
    }

    /// ln of the evidence that the arm is beyond the level.
    pub fn ln_harm(&self) -> f64 {
        match &self.engines {
            Engines::Counts { harm, .. } => harm.ln_e(),
            Engines::Paired { harm, .. } => harm.ln_e(),
        }
    }

    /// ln of the evidence that the arm is within the level.
    pub fn ln_safe(&self) -> f64 {
        match &self.engines {
            Engines::Counts { safe, .. } => safe.ln_e(),
            Engines::Paired { safe, .. } => safe.ln_e(),
        }
    }

    /// Whether the arm's own estimate is beyond the level; none without data.
    pub fn is_beyond(&self) -> Option<bool> {
        match &self.engines {
            Engines::Counts { .. } => {
                let limit = match self.kind {
                    Kind::Quantile(quantile) => 1.0 - quantile,
                    Kind::Ratio if self.direction == Direction::Lower => 1.0 - self.level,
                    Kind::Ratio | Kind::Rate | Kind::Scalar => self.level,
                };
                (self.requests > 0.0).then(|| self.events / self.requests > limit)
            }
            Engines::Paired { .. } => {
                let middle = crate::tail::median(self.logs.clone())?;
                Some(if self.direction == Direction::Lower { middle < 0.0 } else { middle > 0.0 })
            }
        }
    }

    /// The level in force: for a histogram the bucket bound nearest to it.
    pub fn effective(&self) -> f64 {
        self.effective
    }
}

/// The positive bound nearest to the level, in logs.
fn nearest_to(histogram: &BucketCounts, level: f64) -> Option<f64> {
    histogram
        .bounds()
        .iter()
        .copied()
        .filter(|bound| *bound > 0.0)
        .min_by(|left, right| (left / level).ln().abs().total_cmp(&(right / level).ln().abs()))
}
