//! What a metric's history says of its noise: paired values of pseudo-canaries, dispersion, level, events to expect.

use crate::arm::PerArm;
use crate::evidence::counts::{PairedCounts, dispersion};
use crate::history::MetricHistory;
use crate::observation::Observation;
use crate::reading::Reading;
use crate::rule::{Kind, Rule};
use crate::tail::{TailTracker, median};

/// A metric's history as its engines need it.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Paired values, one row per pseudo-canary, NaN where missing; not oriented.
    pub rows: Vec<Vec<f64>>,
    /// Overdispersion of the counts; none: not counts, or no requests.
    pub dispersion: Option<f64>,
    /// Bad events per request; none: not counts, or no requests.
    pub rate: Option<f64>,
    /// The baseline's level in each window, in the metric's unit (a quantile's exceedance rate at the bound it was judged at).
    pub levels: Vec<f64>,
    /// The same of each pseudo-canary, NaN where missing.
    pub row_levels: Vec<Vec<f64>>,
    /// The ratio of exceedances that the tolerated latency factor would show, typically; for quantiles.
    pub tail_ratio: Option<f64>,
}

impl Past {
    /// `unit`: the absolute tolerance of a ready value; `factor`: the latency factor tolerated.
    pub fn of(rule: &Rule, history: &MetricHistory, unit: Option<f64>, factor: f64) -> Self {
        let windows = history.baseline.len();
        let mut tracker = TailTracker::new(quantile_of(rule.kind));
        let mut rows = vec![vec![f64::NAN; windows]; history.rows.len()];
        let mut row_levels = rows.clone();
        let mut counted = vec![vec![PairedCounts::default(); windows]; history.rows.len()];
        let (mut events, mut requests) = (0.0, 0.0);
        let mut ratios = Vec::new();
        let mut levels = Vec::new();
        for window in 0..windows {
            let baseline = &history.baseline[window];
            let tail = match baseline {
                Reading::Histogram(histogram) => tracker.next(histogram, None),
                Reading::Missing | Reading::Value(_) | Reading::Total(_) | Reading::Counts { .. } => None,
            };
            if let Some(tail) = &tail {
                ratios.extend(tail.ratio(factor));
            }
            if let Some((bad, all)) = counts_of(baseline, tail.as_ref().map(|tail| tail.bound())) {
                events += bad;
                requests += all;
            }
            levels.extend(level_of(baseline, rule.kind));
            for (row, readings) in history.rows.iter().enumerate() {
                let Some(arms) = readings.get(window) else { continue };
                let exposure = history.exposure.get(row).copied().unwrap_or(PerArm { baseline: 1.0, canary: 1.0 });
                let observation = Observation::of(arms, tail.as_ref(), exposure, unit);
                rows[row][window] = observation.paired();
                row_levels[row][window] = level_of(&arms.canary, rule.kind).unwrap_or(f64::NAN);
                if let Observation::Counts { events, requests } = observation {
                    counted[row][window] = PairedCounts {
                        canary_events: events.canary,
                        baseline_events: events.baseline,
                        canary_requests: requests.canary,
                        baseline_requests: requests.baseline,
                    };
                }
            }
        }
        let counts = matches!(rule.kind, Kind::Ratio | Kind::Quantile(_));
        Past {
            rows,
            dispersion: if counts { dispersion(&counted) } else { None },
            rate: (requests > 0.0).then(|| (events + 0.5) / requests),
            levels,
            row_levels,
            tail_ratio: median(ratios),
        }
    }
}

/// The quantile of a kind; for other kinds any number does.
pub fn quantile_of(kind: Kind) -> f64 {
    match kind {
        Kind::Quantile(quantile) => quantile,
        Kind::Ratio | Kind::Rate | Kind::Scalar => 0.5,
    }
}

/// (bad events, requests) of a reading; a histogram's are those above `bound`. None for anything else, or without requests.
pub fn counts_of(reading: &Reading, bound: Option<f64>) -> Option<(f64, f64)> {
    match reading {
        Reading::Counts { events, requests } => Some((*events, *requests)),
        Reading::Histogram(histogram) => bound.map(|bound| (crate::histogram::exceeding(histogram, bound), histogram.total())),
        Reading::Missing | Reading::Value(_) | Reading::Total(_) => None,
    }
    .filter(|(_, requests)| *requests > 0.0)
}

/// A reading's own value: of a histogram the quantile, of a total the total. None without data.
pub fn level_of(reading: &Reading, kind: Kind) -> Option<f64> {
    use crate::histogram::{Quantile, quantile};
    match reading {
        Reading::Missing => None,
        Reading::Value(value) => Some(*value),
        Reading::Total(total) => Some(*total),
        Reading::Counts { requests, .. } if *requests <= 0.0 => None,
        Reading::Counts { events, requests } => Some((events + 0.5) / (requests + 1.0)),
        Reading::Histogram(histogram) => match quantile(histogram, quantile_of(kind)) {
            Quantile::At(value) | Quantile::AtLeast(value) => Some(value),
            Quantile::Unknown => None,
        },
    }
}
