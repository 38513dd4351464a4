//! All series of one stream that one process exposes: they are scraped together, so that one of them that is new was
//! born since the last scrape.

use std::collections::{BTreeMap, BTreeSet};

use crate::align::classic::ClassicHistogram;
use crate::align::native;
use crate::align::track::{Track, WindowSpan};
use crate::matching::LabelFilter;
use crate::samples::{NativeHistogram, Samples, Series};

pub(super) type Labels = BTreeMap<String, String>;

/// Labels that a scrape puts on all series of one process.
const IDENTITY: [&str; 4] = ["job", "instance", "pod", "container"];

/// Which process: the instance label's value first, so that processes are sorted by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TargetKey {
    pub instance: String,
    identity: [String; 4],
}

impl TargetKey {
    pub fn of(labels: &Labels, instance_label: Option<&str>) -> Self {
        let value = |label: &str| labels.get(label).cloned().unwrap_or_default();
        TargetKey { instance: instance_label.map(value).unwrap_or_default(), identity: IDENTITY.map(value) }
    }

    /// Whether it is a process of its own, and not the sum over several that a recording rule left.
    pub fn names_process(&self) -> bool {
        let [_job, instance, pod, _container] = &self.identity;
        [&self.instance, instance, pod].into_iter().any(|value| !value.is_empty())
    }
}

/// A counter's series, and which of the stream's filters it passes.
#[derive(Debug, Clone)]
pub(super) struct CounterSeries {
    pub track: Track<f64>,
    passes: Vec<bool>,
    /// Increments already, not readings.
    pub is_ready: bool,
    /// When it first was anything but zero, also when that sample is forgotten.
    first_counted_ms: Option<i64>,
}

impl CounterSeries {
    /// Whether a filter (by its index) lets the series through; no filter: always.
    pub fn passes(&self, filter: Option<usize>) -> bool {
        filter.is_none_or(|index| self.passes.get(index).copied().unwrap_or(false))
    }

    /// Whether it has ever counted anything up to a time.
    pub fn has_counted_by(&self, time_ms: i64) -> bool {
        self.first_counted_ms.is_some_and(|first_ms| first_ms <= time_ms)
    }
}

/// One process' series of one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    first_ms: Option<i64>,
    pub counters: BTreeMap<Labels, CounterSeries>,
    pub classic: BTreeMap<Labels, ClassicHistogram>,
    pub ready_classic: BTreeMap<Labels, ClassicHistogram>,
    pub native: BTreeMap<Labels, Track<NativeHistogram>>,
    pub ready_native: BTreeMap<Labels, Track<NativeHistogram>>,
    pub values: BTreeMap<Labels, Track<f64>>,
    /// Times of samples that were no numbers.
    unusable: BTreeSet<i64>,
}

impl Target {
    /// Its first usable sample, also when that is forgotten.
    pub fn first_ms(&self) -> Option<i64> {
        self.first_ms
    }

    /// When any of its raw series was last seen before a time.
    pub fn seen_before(&self, time_ms: i64) -> Option<i64> {
        let numbers = self.number_tracks().filter_map(|track| track.last_before(time_ms));
        numbers.chain(self.native_tracks().filter_map(|track| track.last_before(time_ms))).max()
    }

    /// Whether any raw sample lies in the window.
    pub fn is_live(&self, span: &WindowSpan) -> bool {
        self.number_tracks().any(|track| !track.within(span).is_empty()) || self.native_tracks().any(|track| !track.within(span).is_empty())
    }

    pub fn unusable_within(&self, span: &WindowSpan) -> usize {
        self.unusable.range(span.start_ms + 1..=span.end_ms).count()
    }

    pub fn conflicts_within(&self, span: &WindowSpan) -> usize {
        let numbers: usize = self.number_tracks().chain(self.values.values()).map(|track| track.conflicts_within(span)).sum();
        numbers + self.native_tracks().map(|track| track.conflicts_within(span)).sum::<usize>()
    }

    fn number_tracks(&self) -> impl Iterator<Item = &Track<f64>> {
        let counters = self.counters.values().map(|series| &series.track);
        let classic = self.classic.values().chain(self.ready_classic.values()).flat_map(ClassicHistogram::tracks);
        counters.chain(classic)
    }

    fn native_tracks(&self) -> impl Iterator<Item = &Track<NativeHistogram>> {
        self.native.values().chain(self.ready_native.values())
    }

    /// Takes in a counter stream's series.
    pub fn take_counter(&mut self, series: &Series, filters: &[LabelFilter], horizon_ms: i64) {
        let (points, is_ready) = match &series.samples {
            Samples::Counter(points) => (points, false),
            Samples::Increase(points) => (points, true),
            Samples::Value(_) | Samples::Native(_) | Samples::NativeIncrease(_) => return,
        };
        let usable = self.usable(points, horizon_ms);
        if usable.is_empty() {
            return;
        }
        let entry = self.counters.entry(series.labels.clone()).or_insert_with(|| CounterSeries {
            track: Track::default(),
            passes: filters.iter().map(|filter| filter.matches(&series.labels)).collect(),
            is_ready,
            first_counted_ms: None,
        });
        let counted_ms = usable.iter().filter(|(_, value)| *value != 0.0).map(|(time_ms, _)| *time_ms).min();
        entry.first_counted_ms = entry.first_counted_ms.into_iter().chain(counted_ms).min();
        entry.track.insert_all(usable);
    }

    /// Takes in a histogram stream's series. A series that is no bucket (`_count`, `_sum`) has nothing to add.
    pub fn take_histogram(&mut self, series: &Series, horizon_ms: i64) {
        match &series.samples {
            Samples::Counter(points) | Samples::Increase(points) => {
                let bound = series.labels.get("le").and_then(|text| text.parse::<f64>().ok()).filter(|bound| !bound.is_nan());
                let Some(bound) = bound else { return };
                let usable = self.usable(points, horizon_ms);
                if usable.is_empty() {
                    return;
                }
                let mut labels = series.labels.clone();
                labels.remove("le");
                let kind = if matches!(series.samples, Samples::Counter(_)) { &mut self.classic } else { &mut self.ready_classic };
                kind.entry(labels).or_default().bucket(bound).insert_all(usable);
            }
            Samples::Native(points) | Samples::NativeIncrease(points) => {
                let mut usable = Vec::with_capacity(points.len());
                for (time, histogram) in points.iter().filter(|(time, _)| *time > horizon_ms) {
                    if native::is_sane(histogram) {
                        self.note_first(*time);
                        usable.push((*time, histogram.clone()));
                    } else {
                        self.unusable.insert(*time);
                    }
                }
                if !usable.is_empty() {
                    let kind = if matches!(series.samples, Samples::Native(_)) { &mut self.native } else { &mut self.ready_native };
                    kind.entry(series.labels.clone()).or_default().insert_all(usable);
                }
            }
            Samples::Value(_) => {}
        }
    }

    /// Takes in an expression's values.
    pub fn take_values(&mut self, series: &Series, horizon_ms: i64) {
        let Samples::Value(points) = &series.samples else { return };
        let usable = self.usable(points, horizon_ms);
        if !usable.is_empty() {
            self.values.entry(series.labels.clone()).or_default().insert_all(usable);
        }
    }

    /// The finite samples after the horizon; the others are remembered as unusable.
    fn usable(&mut self, points: &[(i64, f64)], horizon_ms: i64) -> Vec<(i64, f64)> {
        let mut usable = Vec::with_capacity(points.len());
        for (time, value) in points.iter().filter(|(time, _)| *time > horizon_ms) {
            if value.is_finite() {
                usable.push((*time, *value));
            } else {
                self.unusable.insert(*time);
            }
        }
        if let Some(first) = usable.iter().map(|(time, _)| *time).min() {
            self.note_first(first);
        }
        usable
    }

    fn note_first(&mut self, time_ms: i64) {
        self.first_ms = Some(self.first_ms.map_or(time_ms, |first| first.min(time_ms)));
    }

    pub fn forget_before(&mut self, time_ms: i64) {
        self.unusable = self.unusable.split_off(&time_ms);
        let counters = self.counters.values_mut().map(|series| &mut series.track);
        let classic = self.classic.values_mut().chain(self.ready_classic.values_mut()).flat_map(ClassicHistogram::tracks_mut);
        for track in counters.chain(classic).chain(self.values.values_mut()) {
            track.forget_before(time_ms);
        }
        for track in self.native.values_mut().chain(self.ready_native.values_mut()) {
            track.forget_before(time_ms);
        }
    }
}
