//! What one metric showed in one window in one arm: the judge's input, after alignment.

use std::sync::Arc;

/// One metric in one window of one arm (or of one pseudo-canary). Every number is finite and at least zero, but for
/// [`Reading::Value`], which may be negative; who builds a reading turns anything else into [`Reading::Missing`].
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Reading {
    /// Nothing is known: no series, a gap, a value that was no number.
    #[default]
    Missing,
    /// A ready value in the metric's own unit (a recording rule, CPU, a vendor's P99).
    Value(f64),
    /// How many requests there were: throughput.
    Total(f64),
    /// Events among requests: an error rate. `events <= requests`.
    Counts {
        /// Requests that were bad.
        events: f64,
        /// All requests.
        requests: f64,
    },
    /// Observations by bucket: a latency histogram.
    Histogram(BucketCounts),
}

/// Observations of one window by bucket, not cumulative.
#[derive(Debug, Clone, PartialEq)]
pub struct BucketCounts {
    bounds: Arc<[f64]>,
    counts: Vec<f64>,
}

impl BucketCounts {
    /// Bucket `i` holds observations in `(bounds[i - 1], bounds[i]]`; the last holds those above every bound, so
    /// `counts` has one element more than `bounds`. Bounds are finite and strictly ascending, counts finite and not
    /// negative; anything else is `None`.
    pub fn new(bounds: Arc<[f64]>, counts: Vec<f64>) -> Option<Self> {
        let ascending = bounds.windows(2).all(|pair| pair[0] < pair[1]) && bounds.iter().all(|bound| bound.is_finite());
        let sane = counts.iter().all(|count| count.is_finite() && *count >= 0.0);
        (ascending && sane && counts.len() == bounds.len() + 1).then_some(BucketCounts { bounds, counts })
    }

    /// Upper bounds of all buckets but the last, ascending, in the metric's unit (seconds for latency).
    pub fn bounds(&self) -> &Arc<[f64]> {
        &self.bounds
    }

    /// Observations per bucket; one element more than [`BucketCounts::bounds`].
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// All observations.
    pub fn total(&self) -> f64 {
        self.counts.iter().sum()
    }
}
