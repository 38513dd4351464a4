//! From points to samples: cumulative ones as raw counters, deltas as increments.
//!
//! A cumulative point says when its counting began. Where that is not when the point before began, the process started again, and a
//! zero stands in between, as Prometheus puts one for a created timestamp: so a restart is seen even where the count did not drop, and
//! the alignment need not know of OTLP. The zero stands in the window of the point that tells of it: it must not come later than that
//! window is judged.

use std::collections::BTreeMap;

use crate::otlp::point::{Exponential, Factor, Shape, Value};
use crate::otlp::series::Series;
use crate::otlp::store::{ms, ns};
use crate::samples::{NativeHistogram, Samples};

/// A restart's zero needs as much: windows over which an increment is taken for one.
const LONGEST_GAP_WINDOWS: i64 = 2;

/// Samples with the label that sets them apart from others of the same series: `le`, or nothing.
pub(super) type Piece = (Option<(&'static str, String)>, Samples);

/// What to make of a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub shape: Shape,
    pub is_delta: bool,
    pub factor: Factor,
    pub step_ms: i64,
}

/// A point, or the zero before it.
#[derive(Debug, Clone, Copy)]
struct Seen<'s> {
    time_ms: i64,
    /// None: zero.
    value: Option<&'s Value>,
    like: &'s Value,
}

impl Reading {
    /// As a counter of numbers, or of a histogram's observations.
    pub fn counter(&self, series: &Series) -> Vec<Piece> {
        if self.is_delta {
            let increments = self.increments(series);
            let points = increments.into_iter().map(|(time, value)| (time, value.map_or(f64::NAN, Value::total)));
            return vec![(None, Samples::Increase(summed(points)))];
        }
        let seen = self.seen(series);
        let points = seen.iter().map(|seen| (seen.time_ms, seen.value.map_or(0.0, Value::total)));
        vec![(None, Samples::Counter(latest(points)))]
    }

    /// As buckets: one piece for each bound, or one native histogram.
    pub fn histogram(&self, series: &Series) -> Vec<Piece> {
        match (self.shape, self.is_delta) {
            (Shape::Exponential, true) => {
                let mut sums: BTreeMap<i64, Option<Exponential>> = BTreeMap::new();
                for (time_ms, value) in self.increments(series) {
                    let Some(Value::Exponential(added)) = value else {
                        sums.insert(time_ms, None);
                        continue;
                    };
                    match sums.get_mut(&time_ms) {
                        Some(Some(sum)) => sum.add(added),
                        Some(None) => {}
                        None => {
                            sums.insert(time_ms, Some((**added).clone()));
                        }
                    }
                }
                let unknown = || NativeHistogram { count: f64::NAN, buckets: Vec::new() };
                let native = |sum: Option<Exponential>| sum.map_or_else(unknown, |sum| sum.to_native(self.factor));
                vec![(None, Samples::NativeIncrease(sums.into_iter().map(|(time_ms, sum)| (time_ms, native(sum))).collect()))]
            }
            (Shape::Exponential, false) => {
                let native = |seen: &Seen<'_>| match seen.value {
                    Some(Value::Exponential(value)) => value.to_native(self.factor),
                    Some(Value::Number(_) | Value::Buckets { .. }) | None => NativeHistogram::default(),
                };
                let points = self.seen(series);
                vec![(None, Samples::Native(latest(points.iter().map(|seen| (seen.time_ms, native(seen))))))]
            }
            (Shape::Histogram, is_delta) => self.buckets(series, is_delta),
            (Shape::Gauge | Shape::Sum | Shape::Summary, _) => Vec::new(),
        }
    }

    /// Classic buckets by upper bound, cumulative as Prometheus has them.
    fn buckets(&self, series: &Series, is_delta: bool) -> Vec<Piece> {
        let mut by_bound: BTreeMap<Bound, Vec<(i64, f64)>> = BTreeMap::new();
        let mut unknown: Vec<i64> = Vec::new();
        let mut take = |time_ms: i64, value: Option<&Value>, like: &Value| {
            let Value::Buckets { bounds, counts } = value.unwrap_or(like) else { return };
            let mut below = 0.0;
            for (index, count) in counts.iter().enumerate() {
                below += *count as f64;
                let bound = bounds.get(index).map_or(f64::INFINITY, |bound| self.factor.of(*bound));
                by_bound.entry(Bound(bound)).or_default().push((time_ms, if value.is_some() { below } else { 0.0 }));
            }
        };
        if is_delta {
            for (time_ms, value) in self.increments(series) {
                match value {
                    Some(value) => take(time_ms, Some(value), value),
                    None => unknown.push(time_ms),
                }
            }
        } else {
            for seen in self.seen(series) {
                take(seen.time_ms, seen.value, seen.like);
            }
        }
        if !unknown.is_empty() {
            by_bound.entry(Bound(f64::INFINITY)).or_default().extend(unknown.into_iter().map(|time_ms| (time_ms, f64::NAN)));
        }
        let piece = |(bound, points): (Bound, Vec<(i64, f64)>)| {
            let samples = if is_delta { Samples::Increase(summed(points)) } else { Samples::Counter(latest(points)) };
            (Some(("le", bound.text())), samples)
        };
        by_bound.into_iter().map(piece).collect()
    }

    /// A delta's increments by the ms in which they end; none where one covers so many windows that nobody knows when it was.
    fn increments<'s>(&self, series: &'s Series) -> Vec<(i64, Option<&'s Value>)> {
        let longest_ns = ns(self.step_ms.saturating_mul(LONGEST_GAP_WINDOWS));
        let known = |start_ns: u64, time_ns: u64| start_ns == 0 || time_ns.saturating_sub(start_ns) <= longest_ns;
        series.points.iter().map(|((time_ns, start_ns), value)| (ms(*time_ns), known(*start_ns, *time_ns).then_some(value))).collect()
    }

    /// Cumulative points with the zeros where a process began.
    fn seen<'s>(&self, series: &'s Series) -> Vec<Seen<'s>> {
        let mut seen: Vec<Seen<'_>> = Vec::with_capacity(series.points.len() + 1);
        let mut before: Option<(i64, u64)> = None;
        for ((time_ns, start_ns), value) in &series.points {
            let (time_ms, began_ms) = (ms(*time_ns), ms(*start_ns));
            let earliest_ms = began_ms.max(self.window_start(time_ms) + 1);
            let zero_ms = match before {
                // Another start: it began again. Without a start nothing is known, and a drop will tell.
                Some((before_ms, before_ns)) if *start_ns != before_ns && *start_ns > 0 && before_ns > 0 => {
                    Some(earliest_ms.max(before_ms + 1).min(time_ms - 1)).filter(|zero_ms| *zero_ms > before_ms)
                }
                Some(_) => None,
                // The first that is known: all of it is new only where it began not long ago.
                None if *start_ns > 0 && time_ms - began_ms <= self.step_ms.saturating_mul(LONGEST_GAP_WINDOWS) => {
                    Some(earliest_ms.min(time_ms - 1))
                }
                None => None,
            };
            if let Some(zero_ms) = zero_ms {
                seen.push(Seen { time_ms: zero_ms, value: None, like: value });
            }
            seen.push(Seen { time_ms, value: Some(value), like: value });
            before = Some((time_ms, *start_ns));
        }
        seen
    }

    fn window_start(&self, time_ms: i64) -> i64 {
        let step_ms = self.step_ms.max(1);
        (time_ms - 1).div_euclid(step_ms) * step_ms
    }

    /// A level's values.
    pub fn level(&self, series: &Series) -> Vec<(i64, f64)> {
        latest(series.points.iter().map(|((time_ns, _), value)| (ms(*time_ns), self.factor.of(value.total()))))
    }
}

/// A bound that sorts as a number.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bound(f64);

impl Eq for Bound {}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Bound {
    fn text(self) -> String {
        if self.0 == f64::INFINITY { "+Inf".to_owned() } else { self.0.to_string() }
    }
}

/// Of two in one ms the later.
fn latest<V>(points: impl IntoIterator<Item = (i64, V)>) -> Vec<(i64, V)> {
    points.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// Of two in one ms the sum.
fn summed(points: impl IntoIterator<Item = (i64, f64)>) -> Vec<(i64, f64)> {
    let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
    for (time_ms, value) in points {
        *sums.entry(time_ms).or_default() += value;
    }
    sums.into_iter().collect()
}
