//! From the series of one arm to readings by instance: one function per kind of signal.

use std::collections::BTreeMap;

use davy_judge::histogram::merge;
use davy_judge::reading::{BucketCounts, Reading};

use crate::align::classic::AddedBuckets;
use crate::align::counter::{Added, increments, ready_increments};
use crate::align::native;
use crate::align::target::{CounterSeries, Labels, Target, TargetKey};
use crate::align::track::WindowSpan;
use crate::align::{Gaps, InstanceReadings};

/// One arm's processes of one stream.
pub(super) type Targets = BTreeMap<TargetKey, Target>;

/// Readings by instance, and what was left out.
pub(super) type Read = (InstanceReadings, Gaps);

/// Processes by instance, sorted by it.
pub(super) type ByInstance<'a, T> = Vec<(&'a str, Vec<T>)>;

/// Processes that were seen by the window's end, by instance.
pub(super) fn by_instance<'a>(targets: &'a Targets, span: &WindowSpan) -> ByInstance<'a, &'a Target> {
    grouped(seen(targets, span).map(|(key, target)| (key.instance.as_str(), target)))
}

/// Targets are sorted by the instance first, so that those of one follow each other.
fn grouped<'a, T>(sorted: impl Iterator<Item = (&'a str, T)>) -> ByInstance<'a, T> {
    let mut groups: ByInstance<'a, T> = Vec::new();
    for (instance, item) in sorted {
        match groups.last_mut() {
            Some((last, items)) if *last == instance => items.push(item),
            Some(_) | None => groups.push((instance, vec![item])),
        }
    }
    groups
}

/// Takes an instance's processes out; none: it has none.
pub(super) fn take<T>(groups: &mut ByInstance<'_, T>, instance: &str) -> Option<Vec<T>> {
    let index = groups.binary_search_by(|(name, _)| (*name).cmp(instance)).ok()?;
    Some(std::mem::take(&mut groups[index].1))
}

fn seen<'a>(targets: &'a Targets, span: &WindowSpan) -> impl Iterator<Item = (&'a TargetKey, &'a Target)> {
    let end_ms = span.end_ms;
    targets.iter().filter(move |(_, target)| target.first_ms().is_some_and(|first| first <= end_ms))
}

/// A process' counters; and where they count events, its counters of requests, which another query brought.
struct Process<'a> {
    counters: &'a Target,
    requests: Option<&'a Target>,
}

impl Process<'_> {
    /// When the process was last seen before a time, with or without these counters.
    ///
    /// Most libraries expose a counter from its first event on. Where the same process was scraped without it at or shortly
    /// before the window's left edge, or later, it was born since, at zero, and its first value is the increment. Further
    /// back than one window it may have been there while the query for it failed: that proves nothing.
    fn seen_before(&self, time_ms: i64, span: &WindowSpan) -> Option<i64> {
        let earliest_ms = span.start_ms - (span.end_ms - span.start_ms);
        let scraped = self.requests.and_then(|requests| requests.seen_before(time_ms)).filter(|scraped_ms| *scraped_ms > earliest_ms);
        self.counters.seen_before(time_ms).max(scraped)
    }
}

/// Processes with counters of events by instance, each with its counters of requests where another stream has them.
fn events_by_instance<'a>(events: &'a Targets, total: Option<&'a Targets>, span: &WindowSpan) -> ByInstance<'a, Process<'a>> {
    grouped(seen(events, span).map(|(key, counters)| {
        let requests = total.filter(|_| key.names_process()).and_then(|total| total.get(key));
        (key.instance.as_str(), Process { counters, requests })
    }))
}

fn count_samples(gaps: &mut Gaps, targets: &Targets, span: &WindowSpan) {
    for target in targets.values() {
        gaps.not_finite += small(target.unusable_within(span));
        gaps.conflicts += small(target.conflicts_within(span));
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Increments of those counters of an instance that pass a filter. The instance counts as known where any of its counters
/// (filtered or not) was read: a series that it does not have yet added nothing.
struct Counted {
    added: Added,
    is_known: bool,
}

/// What one counter added.
pub(super) fn added_to(series: &CounterSeries, target: &Target, span: &WindowSpan) -> Added {
    if series.is_ready { ready_increments(&series.track, span) } else { increments(&series.track, span, |time| target.seen_before(time)) }
}

/// Whether a sum of increments may be believed.
pub(super) fn is_sound(added: &Added) -> bool {
    added.long_gaps == 0 && added.amount.is_finite() && added.amount >= 0.0
}

fn counted<'a>(processes: impl IntoIterator<Item = Process<'a>>, filter: Option<usize>, span: &WindowSpan) -> Counted {
    let mut added = Added::default();
    let mut is_known = false;
    for process in processes {
        for series in process.counters.counters.values() {
            let of_series = if series.is_ready {
                ready_increments(&series.track, span)
            } else {
                increments(&series.track, span, |time| process.seen_before(time, span))
            };
            is_known |= of_series.intervals > 0;
            if series.passes(filter) {
                added.add(of_series);
            }
        }
    }
    Counted { added, is_known: is_known && is_sound(&added) }
}

/// Counters that stand for themselves.
fn alone<'a>(targets: Vec<&'a Target>) -> impl Iterator<Item = Process<'a>> {
    targets.into_iter().map(|counters| Process { counters, requests: None })
}

fn note(gaps: &mut Gaps, added: &Added) {
    gaps.long_gaps += added.long_gaps;
    gaps.resets += added.resets;
}

/// All increments: throughput.
pub(super) fn rate(targets: &Targets, span: &WindowSpan) -> Read {
    let mut gaps = Gaps::default();
    count_samples(&mut gaps, targets, span);
    let mut readings = InstanceReadings::default();
    for (instance, processes) in by_instance(targets, span) {
        let all = counted(alone(processes), None, span);
        note(&mut gaps, &all.added);
        let reading = if all.is_known { Reading::Total(all.added.amount) } else { Reading::Missing };
        readings.by_instance.push((instance.to_owned(), reading));
    }
    (readings, gaps)
}

/// Events among requests. `filter`: which series of `events` are events; `same_stream`: both are one stream.
pub(super) fn ratio(total: &Targets, events: &Targets, filter: usize, same_stream: bool, span: &WindowSpan) -> Read {
    let mut gaps = Gaps::default();
    count_samples(&mut gaps, total, span);
    if !same_stream {
        count_samples(&mut gaps, events, span);
    }
    let mut bad_by_instance = events_by_instance(events, (!same_stream).then_some(total), span);
    let mut readings = InstanceReadings::default();
    for (instance, processes) in by_instance(total, span) {
        let all = counted(alone(processes), None, span);
        // An instance that never had a counter of events has had none. One that had, and is silent now, is unknown:
        // its events came with another query than its requests.
        let bad = match take(&mut bad_by_instance, instance) {
            Some(of_events) => counted(of_events, Some(filter), span),
            None => Counted { added: Added::default(), is_known: true },
        };
        note(&mut gaps, &all.added);
        if !same_stream {
            note(&mut gaps, &bad.added);
        }
        let reading = if all.is_known && bad.is_known { counts(bad.added.amount, all.added.amount, &mut gaps) } else { Reading::Missing };
        readings.by_instance.push((instance.to_owned(), reading));
    }
    (readings, gaps)
}

/// Events among requests; without requests nothing is known, and no more events than requests are believed.
pub(super) fn counts(events: f64, requests: f64, gaps: &mut Gaps) -> Reading {
    if requests <= 0.0 {
        gaps.no_requests += 1;
        return Reading::Missing;
    }
    gaps.clamped += u32::from(events > requests);
    Reading::Counts { events: if events > requests { requests } else { events }, requests }
}

/// Buckets of classic and native histograms.
pub(super) fn histogram(targets: &Targets, span: &WindowSpan) -> Read {
    let mut gaps = Gaps::default();
    count_samples(&mut gaps, targets, span);
    let mut readings = InstanceReadings::default();
    for (instance, processes) in by_instance(targets, span) {
        let mut sum = HistogramSum::default();
        for target in processes {
            each_histogram(target, span, |_, added, incompatible| sum.add(added, incompatible, &mut gaps));
        }
        readings.by_instance.push((instance.to_owned(), sum.reading(&mut gaps)));
    }
    (readings, gaps)
}

/// What each of a process' histograms added, with its labels and how often its buckets changed beyond comparison: classic ones
/// first, then ready ones, then native ones.
pub(super) fn each_histogram<'a>(target: &'a Target, span: &WindowSpan, mut take: impl FnMut(&'a Labels, AddedBuckets, u32)) {
    let seen_before = |time| target.seen_before(time);
    for (labels, classic) in &target.classic {
        take(labels, classic.increments(span, seen_before), 0);
    }
    for (labels, ready) in &target.ready_classic {
        take(labels, ready.ready_increments(span), 0);
    }
    for (labels, track) in &target.native {
        let (added, incompatible) = native::increments(track, span, seen_before);
        take(labels, added, incompatible);
    }
    for (labels, track) in &target.ready_native {
        take(labels, native::ready_increments(track, span), 0);
    }
}

/// Histograms of one instance, added up.
#[derive(Default)]
pub(super) struct HistogramSum {
    counts: Option<BucketCounts>,
    is_unknown: bool,
}

impl HistogramSum {
    pub fn add(&mut self, added: AddedBuckets, incompatible: u32, gaps: &mut Gaps) {
        gaps.incompatible += incompatible;
        note(gaps, &added.known);
        gaps.no_overflow_bucket += u32::from(added.no_overflow_bucket);
        gaps.clamped += u32::from(added.not_monotone);
        self.is_unknown |= incompatible > 0 || added.no_overflow_bucket || added.known.long_gaps > 0;
        let Some(counts) = added.counts else { return };
        self.counts = Some(match self.counts.take() {
            None => counts,
            Some(before) => merge(&before, &counts),
        });
    }

    pub fn reading(self, gaps: &mut Gaps) -> Reading {
        match self.counts {
            Some(counts) if !self.is_unknown => {
                if counts.total() <= 0.0 {
                    gaps.no_requests += 1;
                    Reading::Missing
                } else if counts.bounds().is_empty() {
                    gaps.incompatible += 1;
                    Reading::Missing
                } else {
                    Reading::Histogram(counts)
                }
            }
            Some(_) | None => Reading::Missing,
        }
    }
}

/// Ready values at exactly the window's end. More than one series for an instance is ambiguous, hence unknown.
pub(super) fn scalar(targets: &Targets, span: &WindowSpan) -> Read {
    let mut gaps = Gaps::default();
    count_samples(&mut gaps, targets, span);
    let mut readings = InstanceReadings::default();
    for (instance, processes) in by_instance(targets, span) {
        let mut found = processes.iter().flat_map(|target| target.values.values()).filter_map(|track| track.at(span.end_ms));
        let reading = match (found.next(), found.next()) {
            (Some(value), None) => Reading::Value(*value),
            (Some(_), Some(_)) => {
                gaps.incompatible += 1;
                Reading::Missing
            }
            (None, _) => Reading::Missing,
        };
        readings.by_instance.push((instance.to_owned(), reading));
    }
    (readings, gaps)
}
