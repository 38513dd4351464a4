//! What an arm showed over all judged windows, in the metric's own unit: for people, and for levels.

use crate::histogram::{Quantile, merge, quantile};
use crate::past::{level_of, quantile_of};
use crate::reading::{BucketCounts, Reading};
use crate::rule::Kind;
use crate::tail::median;
use crate::verdict::ArmSummary;

/// Running totals of one arm.
#[derive(Debug, Clone)]
pub struct ArmTotals {
    kind: Kind,
    step_seconds: f64,
    windows: usize,
    events: f64,
    requests: f64,
    pooled: Option<BucketCounts>,
    series: Vec<Option<f64>>,
}

impl ArmTotals {
    /// Nothing seen yet.
    pub fn new(kind: Kind, step_seconds: f64) -> Self {
        ArmTotals { kind, step_seconds, windows: 0, events: 0.0, requests: 0.0, pooled: None, series: Vec::new() }
    }

    /// Takes one window.
    pub fn push(&mut self, reading: &Reading) {
        self.windows += usize::from(*reading != Reading::Missing);
        match reading {
            Reading::Missing | Reading::Value(_) => {}
            Reading::Total(total) => self.requests += total,
            Reading::Counts { events, requests } => {
                self.events += events;
                self.requests += requests;
            }
            Reading::Histogram(histogram) => {
                self.requests += histogram.total();
                self.pooled = Some(match &self.pooled {
                    None => histogram.clone(),
                    Some(pooled) => merge(pooled, histogram),
                });
            }
        }
        self.series.push(match reading {
            Reading::Total(total) => Some(total / self.step_seconds),
            Reading::Counts { events, requests } => (*requests > 0.0).then(|| events / requests),
            Reading::Missing | Reading::Value(_) | Reading::Histogram(_) => level_of(reading, self.kind),
        });
    }

    /// Each window's value in the metric's unit; none: missing.
    pub fn series(&self) -> &[Option<f64>] {
        &self.series
    }

    /// (events + ½) / requests over the windows so far; none below `least_events`.
    pub fn pooled_rate(&self, least_events: f64) -> Option<f64> {
        (self.events >= least_events && self.requests > 0.0).then(|| (self.events + 0.5) / self.requests)
    }

    /// The totals as one value.
    pub fn summary(&self) -> ArmSummary {
        let counts_requests = self.kind != Kind::Scalar;
        let (value, at_least) = match self.kind {
            Kind::Ratio => ((self.requests > 0.0).then(|| self.events / self.requests), false),
            Kind::Rate => ((self.windows > 0).then(|| self.requests / (self.windows as f64 * self.step_seconds)), false),
            Kind::Scalar => (median(self.series.iter().flatten().copied().collect()), false),
            Kind::Quantile(_) => match self.pooled.as_ref().map(|pooled| quantile(pooled, quantile_of(self.kind))) {
                Some(Quantile::At(value)) => (Some(value), false),
                Some(Quantile::AtLeast(value)) => (Some(value), true),
                Some(Quantile::Unknown) | None => (None, false),
            },
        };
        ArmSummary { value, at_least, requests: (counts_requests && self.windows > 0).then_some(self.requests), windows: self.windows }
    }
}
