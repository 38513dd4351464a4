//! The store's tables: metrics, their series, the points of each.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::otlp::labels::Labels;
use crate::otlp::point::{Exponential, Shape, Value};

/// What a series of this book-keeping costs beside its labels and points, in bytes.
const SERIES_BYTES: usize = 320;
/// The same for a point.
const POINT_BYTES: usize = 72;

/// What is measured. Points of another temporality are another metric: they are read in another way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct MetricKey {
    pub name: String,
    pub unit: String,
    pub shape: Shape,
    /// Increments, not readings.
    pub is_delta: bool,
}

/// Whose series: the sender (an index into the origins) and the point's own attributes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey {
    pub origin: usize,
    pub attributes: Box<[u8]>,
}

/// When a point ends, and when it began; ns since the epoch.
pub(super) type PointKey = (u64, u64);

/// One series.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    /// The point's own attributes.
    pub labels: Labels,
    /// Its points: whatever order they came in, and however often.
    pub points: BTreeMap<PointKey, Value>,
}

/// One metric.
#[derive(Debug, Clone, Default)]
pub(super) struct Metric {
    pub series: HashMap<SeriesKey, Series>,
    bounds: Vec<Arc<[f64]>>,
}

impl Metric {
    /// The same bounds once in memory.
    pub fn bounds(&mut self, bounds: &[f64]) -> Arc<[f64]> {
        if let Some(known) = self.bounds.iter().find(|known| known[..] == *bounds) {
            return Arc::clone(known);
        }
        let new: Arc<[f64]> = bounds.into();
        self.bounds.push(Arc::clone(&new));
        new
    }
}

/// What became of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    New,
    Duplicate,
    Conflict,
}

impl Series {
    /// Puts a reading or an increment in its place. Of two for one time the larger stays, whichever came first.
    pub fn put(&mut self, key: PointKey, value: Value, bytes: &mut usize) -> Put {
        match self.points.entry(key) {
            std::collections::btree_map::Entry::Vacant(place) => {
                *bytes += POINT_BYTES + value.bytes();
                place.insert(value);
                Put::New
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                if *place.get() == value {
                    return Put::Duplicate;
                }
                if order(place.get(), &value).is_lt() {
                    *bytes = (*bytes + value.bytes()).saturating_sub(place.get().bytes());
                    place.insert(value);
                }
                Put::Conflict
            }
        }
    }

    /// Adds to an increment: of events that came one by one. True: the point is new.
    pub fn add(&mut self, key: PointKey, added: &Value, bytes: &mut usize) -> bool {
        let before = self.points.get(&key).map(Value::bytes);
        match (self.points.get_mut(&key), added) {
            (Some(Value::Number(sum)), Value::Number(one)) => *sum += one,
            (Some(Value::Exponential(sum)), Value::Exponential(one)) => sum.add(one),
            (Some(_) | None, _) => {
                self.points.insert(key, added.clone());
            }
        }
        let after = self.points.get(&key).map_or(0, Value::bytes);
        *bytes = (*bytes + after + if before.is_none() { POINT_BYTES } else { 0 }).saturating_sub(before.unwrap_or(0));
        before.is_none()
    }

    /// Drops what ends at or before a time, but the last such point: it is where the next increment starts. How many went.
    pub fn forget(&mut self, cutoff_ns: u64, bytes: &mut usize) -> u64 {
        let mut gone = 0;
        while let Some((key, _)) = self.points.first_key_value() {
            if key.0 > cutoff_ns || self.points.keys().nth(1).is_some_and(|next| next.0 > cutoff_ns) {
                break;
            }
            if let Some((_, value)) = self.points.pop_first() {
                *bytes = bytes.saturating_sub(POINT_BYTES + value.bytes());
                gone += 1;
            }
        }
        gone
    }

    /// About what it takes without its points.
    pub fn own_bytes(&self, key: &SeriesKey) -> usize {
        SERIES_BYTES + key.attributes.len() + self.labels.iter().map(|(name, value)| name.len() + value.len() + 64).sum::<usize>()
    }
}

/// An order of values, the same whichever comes first: by how much they count, then by where.
fn order(one: &Value, other: &Value) -> std::cmp::Ordering {
    one.total().total_cmp(&other.total()).then_with(|| match (one, other) {
        (Value::Buckets { bounds, counts }, Value::Buckets { bounds: bounds2, counts: counts2 }) => {
            let edges = |bounds: &[f64]| bounds.iter().map(|bound| bound.to_bits()).collect::<Vec<_>>();
            (counts, edges(bounds)).cmp(&(counts2, edges(bounds2)))
        }
        (Value::Exponential(one), Value::Exponential(other)) => parts(one).cmp(&parts(other)),
        (Value::Number(_) | Value::Buckets { .. } | Value::Exponential(_), _) => rank(one).cmp(&rank(other)),
    })
}

type Parts<'a> = (i32, u64, u64, &'a [(i32, u64)], &'a [(i32, u64)]);

fn parts(value: &Exponential) -> Parts<'_> {
    (value.scale, value.zero_count, value.zero_threshold.to_bits(), &value.positive, &value.negative)
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::Buckets { .. } => 1,
        Value::Exponential(_) => 2,
    }
}
