//! Collects samples and answers with windows.

use std::collections::{BTreeMap, BTreeSet};

use davy_judge::arm::{Arm, PerArm};

use crate::align::reading::{Read, Targets, histogram, rate, ratio, scalar};
use crate::align::target::TargetKey;
use crate::align::track::WindowSpan;
use crate::align::{AlignedWindow, Grid, SliceReadings, sliced};
use crate::matching::LabelFilter;
use crate::samples::{FetchPlan, Signal, StreamData, StreamSpec};

/// An increment over more than this many windows belongs to none: nobody knows when it happened.
const LONGEST_GAP_WINDOWS: i64 = 2;

/// How far a stream may be trusted in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// All of it is there.
    Whole,
    /// Something came, with a warning: it may not be all.
    Part,
    /// Nothing came. What is known of it now was not known then, and is only a starting point for later increments.
    None,
}

/// Collects samples of all streams, and makes windows of them.
///
/// - An increment belongs whole to the window of its later sample. Over a gap of more than two windows it is unknown.
/// - On a drop the increment is the new value, per series; all buckets of one histogram restart together.
/// - A series that appears when its process had samples of the same stream before was born at zero.
/// - A counter that stands still is zero; only an instance without any increment in a window is missing there.
#[derive(Debug, Clone)]
pub struct Aligner {
    grid: Grid,
    instance: Option<String>,
    streams: Vec<Stream>,
    signals: Vec<Prepared>,
    /// The labels of each metric's slices.
    slices: Vec<Vec<String>>,
    horizon_ms: i64,
}

#[derive(Debug, Clone)]
struct Stream {
    kind: StreamKind,
    filters: Vec<LabelFilter>,
    arms: PerArm<Targets>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StreamKind {
    Counter,
    Histogram,
    Expression,
}

/// A signal with its filter compiled (an index into the filters of its events' stream).
#[derive(Debug, Clone, Copy)]
enum Prepared {
    Histogram(usize),
    Ratio { events: usize, filter: usize, total: usize },
    Rate(usize),
    Scalar(usize),
}

impl Prepared {
    fn streams(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, second) = match *self {
            Prepared::Histogram(stream) | Prepared::Rate(stream) | Prepared::Scalar(stream) => (stream, None),
            Prepared::Ratio { events, total, .. } => (events, Some(total)),
        };
        std::iter::once(first).chain(second)
    }
}

impl Aligner {
    /// An aligner without samples.
    ///
    /// # Errors
    /// A matcher of the plan that does not compile, or a signal that names a stream of another kind or none, in words for
    /// people.
    pub fn new(plan: &FetchPlan, grid: Grid) -> Result<Self, String> {
        if grid.step_ms < 1 {
            return Err(format!("expected a step of at least 1 ms, found {} ms", grid.step_ms));
        }
        let kinds = plan.streams.iter().map(|spec| match spec {
            StreamSpec::Counter(_) => StreamKind::Counter,
            StreamSpec::Histogram(_) => StreamKind::Histogram,
            StreamSpec::Expression(_) => StreamKind::Expression,
        });
        let mut streams: Vec<Stream> =
            kinds.map(|kind| Stream { kind, filters: Vec::new(), arms: PerArm::from_fn(|_| Targets::new()) }).collect();
        let signals = plan.signals.iter().map(|signal| prepare(signal, &mut streams)).collect::<Result<_, _>>()?;
        Ok(Aligner { grid, instance: plan.instance.clone(), streams, signals, slices: plan.slices.clone(), horizon_ms: i64::MIN })
    }

    /// The grid.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// Takes in samples of one stream. May be called again with later, earlier or overlapping samples: what counts is
    /// the set of samples. Streams that the plan does not have are ignored, and samples of a kind that the stream cannot
    /// have.
    pub fn feed(&mut self, stream: usize, data: &StreamData) {
        let Some(store) = self.streams.get_mut(stream) else { return };
        for series in &data.series {
            let key = TargetKey::of(&series.labels, self.instance.as_deref());
            let target = store.arms.get_mut(series.arm).entry(key).or_default();
            match store.kind {
                StreamKind::Counter => target.take_counter(series, &store.filters, self.horizon_ms),
                StreamKind::Histogram => target.take_histogram(series, self.horizon_ms),
                StreamKind::Expression => target.take_values(series, self.horizon_ms),
            }
        }
    }

    /// The window that ends at `end_ms`; it depends only on samples at or before that time.
    pub fn window(&self, end_ms: i64) -> AlignedWindow {
        self.window_of(end_ms, |_| Trust::Whole)
    }

    /// The same where some streams are not to be trusted in that window: what rests on one of them is a gap. Who was
    /// there is told by what came, also when that may not be all; a stream of which nothing came may have shown an arm
    /// that the others do not show, so then nothing is known of either arm's presence.
    pub fn window_of(&self, end_ms: i64, trust: impl Fn(usize) -> Trust) -> AlignedWindow {
        let is_trusted = |stream: usize| trust(stream) == Trust::Whole;
        let came = |stream: usize| trust(stream) != Trust::None;
        let span = WindowSpan {
            start_ms: end_ms.saturating_sub(self.grid.step_ms),
            end_ms,
            longest_gap_ms: self.grid.step_ms.saturating_mul(LONGEST_GAP_WINDOWS),
        };
        // Metrics share streams: P95 and P99 are read from one histogram, once.
        let mut histograms: BTreeMap<usize, PerArm<Read>> = BTreeMap::new();
        let mut metrics = Vec::with_capacity(self.signals.len());
        let mut gaps = Vec::with_capacity(self.signals.len());
        for signal in &self.signals {
            if !signal.streams().all(is_trusted) {
                gaps.push(PerArm::default());
                metrics.push(PerArm::default());
                continue;
            }
            let read = match *signal {
                Prepared::Histogram(stream) => {
                    let both = || PerArm::from_fn(|arm| histogram(self.targets(stream, arm), &span));
                    histograms.entry(stream).or_insert_with(both).clone()
                }
                Prepared::Ratio { events, filter, total } => {
                    PerArm::from_fn(|arm| ratio(self.targets(total, arm), self.targets(events, arm), filter, events == total, &span))
                }
                Prepared::Rate(stream) => PerArm::from_fn(|arm| rate(self.targets(stream, arm), &span)),
                Prepared::Scalar(stream) => PerArm::from_fn(|arm| scalar(self.targets(stream, arm), &span)),
            };
            gaps.push(read.as_ref().map(|(_, gaps)| *gaps));
            metrics.push(read.map(|(readings, _)| readings));
        }
        let slices = self.signals.iter().enumerate();
        let slices = slices.map(|(metric, signal)| match signal.streams().all(is_trusted) {
            true => self.slices(metric, &span),
            false => PerArm::default(),
        });
        let slices = slices.collect();
        let shown = PerArm::from_fn(|arm| self.live(arm, &span, came));
        let is_known = (0..self.streams.len()).all(came) || (shown.baseline > 0 && shown.canary > 0);
        AlignedWindow { end_ms, metrics, slices, instances: if is_known { shown } else { PerArm::default() }, gaps }
    }

    /// A metric's slices in both arms; none where it is not sliced.
    fn slices(&self, metric: usize, span: &WindowSpan) -> PerArm<SliceReadings> {
        let Some(by) = self.slices.get(metric).filter(|by| !by.is_empty()) else { return PerArm::default() };
        PerArm::from_fn(|arm| match self.signals[metric] {
            Prepared::Histogram(stream) => sliced::histogram(self.targets(stream, arm), by, span),
            Prepared::Ratio { events, filter, total } => {
                sliced::ratio(self.targets(total, arm), self.targets(events, arm), filter, by, span)
            }
            Prepared::Rate(stream) => sliced::rate(self.targets(stream, arm), by, span),
            // An expression yields one value per arm; the rules refuse to slice it.
            Prepared::Scalar(_) => SliceReadings::new(),
        })
    }

    /// The time of an arm's first usable sample in the streams that are asked for.
    pub fn first_sample(&self, arm: Arm, is_asked: impl Fn(usize) -> bool) -> Option<i64> {
        let asked = self.streams.iter().enumerate().filter(|(stream, _)| is_asked(*stream));
        asked.flat_map(|(_, stream)| stream.arms.get(arm).values()).filter_map(|target| target.first_ms()).min()
    }

    /// Frees the memory of what windows that end after `end_ms` do not need. Earlier windows become gaps, and samples at
    /// or before that time are no longer taken in.
    pub fn forget_before(&mut self, end_ms: i64) {
        self.horizon_ms = self.horizon_ms.max(end_ms);
        for stream in &mut self.streams {
            for arm in Arm::BOTH {
                for target in stream.arms.get_mut(arm).values_mut() {
                    target.forget_before(end_ms);
                }
            }
        }
    }

    fn targets(&self, stream: usize, arm: Arm) -> &Targets {
        self.streams[stream].arms.get(arm)
    }

    /// How many instances sent anything in the window: by the instance label, else by process. Expressions answer also
    /// for those that are gone (they look back), so they are asked only when there is nothing else.
    fn live(&self, arm: Arm, span: &WindowSpan, came: impl Fn(usize) -> bool) -> usize {
        let has_raw = self.streams.iter().any(|stream| stream.kind != StreamKind::Expression);
        let mut processes: BTreeSet<&TargetKey> = BTreeSet::new();
        let mut instances: BTreeSet<&str> = BTreeSet::new();
        let known = self.streams.iter().enumerate().filter(|(index, _)| came(*index)).map(|(_, stream)| stream);
        for stream in known.filter(|stream| !has_raw || stream.kind != StreamKind::Expression) {
            for (key, target) in stream.arms.get(arm) {
                let is_live =
                    if has_raw { target.is_live(span) } else { target.values.values().any(|track| track.at(span.end_ms).is_some()) };
                match (is_live, &self.instance) {
                    (false, _) => {}
                    (true, Some(_)) => _ = instances.insert(&key.instance),
                    (true, None) => _ = processes.insert(key),
                }
            }
        }
        instances.len() + processes.len()
    }
}

fn prepare(signal: &Signal, streams: &mut [Stream]) -> Result<Prepared, String> {
    Ok(match signal {
        Signal::Histogram { stream } => Prepared::Histogram(of_kind(streams, *stream, StreamKind::Histogram)?),
        Signal::Rate { stream } => Prepared::Rate(of_kind(streams, *stream, StreamKind::Counter)?),
        Signal::Scalar { stream } => Prepared::Scalar(of_kind(streams, *stream, StreamKind::Expression)?),
        Signal::Ratio { events, events_where, total } => {
            let total = of_kind(streams, *total, StreamKind::Counter)?;
            let events = of_kind(streams, *events, StreamKind::Counter)?;
            let filters = &mut streams[events].filters;
            filters.push(LabelFilter::new(events_where)?);
            Prepared::Ratio { events, filter: filters.len() - 1, total }
        }
    })
}

fn of_kind(streams: &[Stream], index: usize, wanted: StreamKind) -> Result<usize, String> {
    match streams.get(index) {
        Some(stream) if stream.kind == wanted => Ok(index),
        Some(stream) => Err(format!("stream {index}: expected {wanted:?}, found {:?}", stream.kind)),
        None => Err(format!("expected a stream below {}, found {index}", streams.len())),
    }
}
