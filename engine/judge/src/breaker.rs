//! The fast breaker: so bad, so clearly, several windows in a row, that no statistics are needed.

use crate::arm::PerArm;
use crate::reading::Reading;
use crate::rule::{Breaker, Direction, Kind, Rule};

/// Counts windows in a row.
#[derive(Debug, Clone)]
pub struct BreakerJudge {
    breaker: Breaker,
    in_a_row: usize,
}

impl BreakerJudge {
    /// None where the breaker cannot speak of the metric: only rates of events and latencies where higher is worse count
    /// their events, and only against the baseline: a rule with a limit alone asks nothing of it, one with neither leaves the
    /// rest to Kayenta.
    pub fn for_rule(rule: &Rule, breaker: Breaker) -> Option<Self> {
        let counts = matches!(rule.kind, Kind::Quantile(_) | Kind::Ratio);
        let is_compared = rule.tolerance.is_some() || rule.limit.is_none();
        (counts && rule.worse != Direction::Lower && is_compared).then_some(BreakerJudge { breaker, in_a_row: 0 })
    }

    /// Takes one window. `bound`: the bucket bound at which a quantile is judged; `tolerated`: the tolerated factor;
    /// `ignore_below` in the metric's unit.
    pub fn push(&mut self, rule: &Rule, arms: &PerArm<Reading>, bound: Option<f64>, tolerated: f64, ignore_below: Option<f64>) {
        let needed = if tolerated > self.breaker.ratio { tolerated } else { self.breaker.ratio };
        let is_bad = || {
            let (events, _) = crate::past::counts_of(&arms.canary, bound)?;
            let value = arms.as_ref().map(|reading| plain_level(reading, rule.kind));
            let (baseline, canary) = (value.baseline?, value.canary?);
            let matters = ignore_below.is_none_or(|level| canary > level);
            Some(events >= self.breaker.min_events && canary > 0.0 && canary >= needed * baseline && matters)
        };
        self.in_a_row = if is_bad().unwrap_or(false) { self.in_a_row + 1 } else { 0 };
    }

    /// Whether it fires at the last window.
    pub fn fires(&self) -> bool {
        self.in_a_row >= self.breaker.windows
    }
}

/// A reading's value without continuity: a rate of no events is 0.
fn plain_level(reading: &Reading, kind: Kind) -> Option<f64> {
    match reading {
        Reading::Counts { events, requests } => (*requests > 0.0).then(|| events / requests),
        Reading::Missing | Reading::Value(_) | Reading::Total(_) | Reading::Histogram(_) => crate::past::level_of(reading, kind),
    }
}
