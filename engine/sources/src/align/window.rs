//! One window of all metrics, by arm and instance.

use std::collections::BTreeMap;

use davy_judge::arm::PerArm;
use davy_judge::histogram::merge;
use davy_judge::reading::Reading;

/// One window of all metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignedWindow {
    /// Its end, ms since the epoch; the window is (end − step, end].
    pub end_ms: i64,
    /// One per metric, in the plan's order.
    pub metrics: Vec<PerArm<InstanceReadings>>,
    /// The same cut into slices, one per metric; empty for a metric that is not sliced.
    pub slices: Vec<PerArm<SliceReadings>>,
    /// Live instances: those with at least one raw sample in the window.
    pub instances: PerArm<usize>,
    /// What was left out or put right, one per metric.
    pub gaps: Vec<PerArm<Gaps>>,
}

/// The values of the labels that make slices, in the order in which the rules name them; a label that a series does not have
/// is the empty text.
pub type SliceKey = Vec<String>;

/// One metric in one window of one arm, slice by slice: every slice that any series ever had. An instance without a series of
/// a slice is not listed in it.
pub type SliceReadings = BTreeMap<SliceKey, InstanceReadings>;

/// One metric in one window of one arm, instance by instance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InstanceReadings {
    /// (the instance label's value, or "" where there is none; its reading), sorted by the label's value. Instances that
    /// never had a sample of this metric up to the window's end are not listed; a listed one may be [`Reading::Missing`].
    pub by_instance: Vec<(String, Reading)>,
}

/// What was left out of a window, or put right, counted for people to read. A reading is already `Missing` where it had
/// to be: these numbers explain, and change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gaps {
    /// Instances without a request in the window: their ratio is unknown.
    pub no_requests: u32,
    /// Instances with more events than requests (they are scraped one after the other): cut to the requests.
    pub clamped: u32,
    /// Values that were no finite numbers.
    pub not_finite: u32,
    /// Histograms without a `+Inf` bucket: how many observations there were is unknown.
    pub no_overflow_bucket: u32,
    /// Increments over a gap of more than two windows: when they happened is unknown.
    pub long_gaps: u32,
    /// Counters that started again (restarts): handled exactly.
    pub resets: u32,
    /// Instances whose bucket bounds have too little in common.
    pub incompatible: u32,
    /// The same time with different values: the larger was taken.
    pub conflicts: u32,
}

impl InstanceReadings {
    /// All instances together: counts and buckets are added, ready values averaged. Instances that are `Missing` take no
    /// part; none left, or histograms without a common bound: `Missing`.
    pub fn merged(&self) -> Reading {
        merged(self.by_instance.iter().map(|(_, reading)| reading))
    }

    /// How many instances are not `Missing`.
    pub fn present(&self) -> usize {
        self.by_instance.iter().filter(|(_, reading)| *reading != Reading::Missing).count()
    }

    /// One instance's reading.
    pub fn of(&self, instance: &str) -> Option<&Reading> {
        let index = self.by_instance.binary_search_by(|(name, _)| name.as_str().cmp(instance)).ok()?;
        Some(&self.by_instance[index].1)
    }
}

/// Adds readings of one kind.
pub(crate) fn merged<'a>(readings: impl IntoIterator<Item = &'a Reading>) -> Reading {
    let mut sum = Reading::Missing;
    let mut values = 0.0;
    for reading in readings {
        sum = match (sum, reading) {
            (sum, Reading::Missing) => sum,
            (Reading::Missing, first) => {
                values = 1.0;
                first.clone()
            }
            (Reading::Value(sum), Reading::Value(value)) => {
                values += 1.0;
                Reading::Value(sum + value)
            }
            (Reading::Total(sum), Reading::Total(total)) => Reading::Total(sum + total),
            (Reading::Counts { events, requests }, Reading::Counts { events: more_events, requests: more_requests }) => {
                Reading::Counts { events: events + more_events, requests: requests + more_requests }
            }
            (Reading::Histogram(sum), Reading::Histogram(more)) => Reading::Histogram(merge(&sum, more)),
            // One metric has one kind.
            (Reading::Value(_) | Reading::Total(_) | Reading::Counts { .. } | Reading::Histogram(_), _) => return Reading::Missing,
        };
    }
    match sum {
        Reading::Value(sum) => Reading::Value(sum / values),
        Reading::Histogram(counts) if counts.bounds().is_empty() => Reading::Missing,
        Reading::Missing | Reading::Total(_) | Reading::Counts { .. } | Reading::Histogram(_) => sum,
    }
}

impl Gaps {
    /// Both together.
    pub fn plus(self, other: Gaps) -> Gaps {
        Gaps {
            no_requests: self.no_requests + other.no_requests,
            clamped: self.clamped + other.clamped,
            not_finite: self.not_finite + other.not_finite,
            no_overflow_bucket: self.no_overflow_bucket + other.no_overflow_bucket,
            long_gaps: self.long_gaps + other.long_gaps,
            resets: self.resets + other.resets,
            incompatible: self.incompatible + other.incompatible,
            conflicts: self.conflicts + other.conflicts,
        }
    }

    /// One line per kind that occurred, for reports.
    pub fn describe(&self) -> Vec<String> {
        let lines = [
            (self.no_requests, "readings without a request (a gap)"),
            (self.clamped, "readings with more events than requests (cut to the requests)"),
            (self.not_finite, "samples that are no finite number (a gap)"),
            (self.no_overflow_bucket, "histograms without a +Inf bucket (a gap)"),
            (self.long_gaps, "increments over more than two windows (a gap)"),
            (self.resets, "counter resets (handled)"),
            (self.incompatible, "readings whose series cannot be added: other bucket bounds, or more than one value (a gap)"),
            (self.conflicts, "samples of one time with different values (the larger was taken)"),
        ];
        lines.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
    }
}
