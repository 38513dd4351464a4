//! The same readings cut by the values of labels: what [`super::reading`] adds up whole, added up slice by slice.
//!
//! A slice that a process never had is not listed for its instance. What cannot be put into a slice is unknown, never zero.

use std::collections::{BTreeMap, BTreeSet};

use davy_judge::reading::Reading;

use crate::align::counter::Added;
use crate::align::reading::{HistogramSum, Targets, added_to, by_instance, counts, each_histogram, is_sound, take};
use crate::align::target::{Labels, Target};
use crate::align::track::WindowSpan;
use crate::align::{Gaps, SliceReadings};

/// A slice's label values, borrowed.
type Key<'a> = Vec<&'a str>;

fn key<'a>(labels: &'a Labels, by: &[String]) -> Key<'a> {
    by.iter().map(|label| labels.get(label).map_or("", String::as_str)).collect()
}

/// Adds one instance's reading to a slice. Instances come sorted, so they stay so.
fn push(slices: &mut SliceReadings, key: &Key<'_>, instance: &str, reading: Reading) {
    let owned = key.iter().map(|value| (*value).to_owned()).collect();
    slices.entry(owned).or_default().by_instance.push((instance.to_owned(), reading));
}

/// Increments of one instance's counters by slice.
#[derive(Default)]
struct Counted<'a> {
    added: BTreeMap<Key<'a>, Added>,
    /// Slices in which anything was ever counted.
    used: BTreeSet<Key<'a>>,
    /// Whether any counter was read in this window.
    is_read: bool,
}

fn counted<'a>(targets: &[&'a Target], filter: Option<usize>, by: &[String], span: &WindowSpan) -> Counted<'a> {
    let mut counted = Counted::default();
    for target in targets {
        for (labels, series) in &target.counters {
            let of_series = added_to(series, target, span);
            counted.is_read |= of_series.intervals > 0;
            if series.passes(filter) {
                let key = key(labels, by);
                if series.has_counted_by(span.end_ms) {
                    counted.used.insert(key.clone());
                }
                counted.added.entry(key).or_default().add(of_series);
            }
        }
    }
    counted
}

/// Throughput by slice.
pub(super) fn rate(targets: &Targets, by: &[String], span: &WindowSpan) -> SliceReadings {
    let mut slices = SliceReadings::new();
    for (instance, processes) in by_instance(targets, span) {
        let all = counted(&processes, None, by, span);
        for (key, added) in &all.added {
            let is_known = all.is_read && is_sound(added);
            push(&mut slices, key, instance, if is_known { Reading::Total(added.amount) } else { Reading::Missing });
        }
    }
    slices
}

/// Events among requests by slice. An instance that ever counted events in a slice that its requests do not have (the label is on
/// one of the two counters only) is unknown in all of them: nobody can say whose events those were.
pub(super) fn ratio(total: &Targets, events: &Targets, filter: usize, by: &[String], span: &WindowSpan) -> SliceReadings {
    let mut gaps = Gaps::default();
    let mut bad_by_instance = by_instance(events, span);
    let mut slices = SliceReadings::new();
    for (instance, processes) in by_instance(total, span) {
        let all = counted(&processes, None, by, span);
        let bad = match take(&mut bad_by_instance, instance) {
            Some(of_events) => counted(&of_events, Some(filter), by, span),
            None => Counted { is_read: true, ..Counted::default() },
        };
        // Not only in the windows that have events: to leave those out alone would look like health.
        let strays = bad.used.iter().any(|key| !all.added.contains_key(key));
        for (key, requests) in &all.added {
            let no_events = Added::default();
            let events = bad.added.get(key).unwrap_or(&no_events);
            let is_known = all.is_read && bad.is_read && !strays && is_sound(requests) && is_sound(events);
            let reading = if is_known { counts(events.amount, requests.amount, &mut gaps) } else { Reading::Missing };
            push(&mut slices, key, instance, reading);
        }
    }
    slices
}

/// Histograms by slice.
pub(super) fn histogram(targets: &Targets, by: &[String], span: &WindowSpan) -> SliceReadings {
    let mut gaps = Gaps::default();
    let mut slices = SliceReadings::new();
    for (instance, processes) in by_instance(targets, span) {
        let mut sums: BTreeMap<Key<'_>, HistogramSum> = BTreeMap::new();
        for target in processes {
            each_histogram(target, span, |labels, added, incompatible| {
                sums.entry(key(labels, by)).or_default().add(added, incompatible, &mut gaps);
            });
        }
        for (key, sum) in sums {
            push(&mut slices, &key, instance, sum.reading(&mut gaps));
        }
    }
    slices
}
