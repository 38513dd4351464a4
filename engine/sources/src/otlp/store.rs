//! What came, kept for as long as an analysis may ask for it.
//!
//! The store is a set of points: which order they came in, in which portions and how often makes no difference. Bounds in time, in
//! series and in memory are kept, and everything that they cost is counted ([`WindowStore::usage`]).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::otlp::labels::{self, Labels};
use crate::otlp::point::Value;
use crate::otlp::series::{Metric, MetricKey, PointKey, Put, Series, SeriesKey};
use crate::otlp::{Limits, Outcome, Reason, Request, Signal, Usage, ingest};
use crate::samples::Span;

/// Nanoseconds in a millisecond.
pub(super) const NS: u64 = 1_000_000;
/// Two holes nearer than this are one.
const HOLE_JOINED_MS: i64 = 60_000;
/// The most holes that are told apart; beyond, those of one metric and sender become one, and others are anybody's.
const MOST_HOLES: usize = 10_000;

/// All time that there is, with room to reckon.
const ALWAYS: Span = Span { start_ms: 0, end_ms: i64::MAX / 2 };

fn covering(one: Span, other: Span) -> Span {
    Span { start_ms: one.start_ms.min(other.start_ms), end_ms: one.end_ms.max(other.end_ms) }
}

/// Keeps the points of OTLP requests.
#[derive(Debug)]
pub struct WindowStore {
    limits: Limits,
    state: Mutex<State>,
}

impl WindowStore {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        WindowStore { limits, state: Mutex::new(State::default()) }
    }

    /// Takes in a request; whether a point comes again, late or before others does not matter. Asks no clock: what is old is told by the
    /// newest point.
    pub fn accept(&self, request: &Request) -> Outcome {
        self.take(request, None)
    }

    /// The same by a receiver whose clock says `now_ms`: points from further ahead than [`Limits::ahead_ms`] are rejected, so that one
    /// sender's clock cannot age what others sent.
    pub fn accept_at(&self, request: &Request, now_ms: i64) -> Outcome {
        self.take(request, Some(now_ms))
    }

    fn take(&self, request: &Request, now_ms: Option<i64>) -> Outcome {
        let latest_ns = now_ms.map(|now_ms| ns(now_ms.saturating_add(self.limits.ahead_ms)));
        let mut state = self.lock();
        let mut intake = Intake { limits: &self.limits, state: &mut state, latest_ns, said: BTreeMap::new(), taken: 0 };
        ingest::take(&mut intake, request);
        let (said, taken) = (intake.said, intake.taken);
        *state.taken.entry(request.signal()).or_default() += taken;
        state.keep_within(&self.limits);
        for (reason, (count, _)) in &said {
            *state.ignored.entry(*reason).or_default() += count;
        }
        outcome(&said)
    }

    /// How large it is, and what it did not take.
    pub fn usage(&self) -> Usage {
        let state = self.lock();
        Usage {
            series: state.series,
            points: state.metrics.values().flat_map(|metric| metric.series.values()).map(|series| series.points.len()).sum(),
            bytes: state.bytes,
            taken: state.taken.clone(),
            evicted: state.evicted,
            ignored: state.ignored.clone(),
        }
    }

    /// The time of the newest point, ms; none before there is any.
    pub fn newest_ms(&self) -> Option<i64> {
        let state = self.lock();
        (state.newest_ns > 0).then(|| ms(state.newest_ns))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while holding it left at worst a request half taken, which its sender will repeat.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that was not taken although it belonged to a sender's series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hole {
    pub metric: String,
    pub origin: usize,
    pub span: Span,
    pub reason: Reason,
}

/// The tables.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Resource and scope of each sender.
    pub origins: Vec<Labels>,
    origin_keys: HashMap<Vec<u8>, usize>,
    pub metrics: BTreeMap<MetricKey, Metric>,
    pub holes: Vec<Hole>,
    /// The time of those that are too many to be told apart.
    pub anywhere: Option<Span>,
    /// Everything that ends at or before this is gone, or may be.
    pub forgotten_ns: u64,
    /// Log records and spans that came, by the cell that they are counted in.
    seen: BTreeMap<u64, HashSet<u64>>,
    pub newest_ns: u64,
    series: usize,
    bytes: usize,
    evicted: u64,
    taken: BTreeMap<Signal, u64>,
    ignored: BTreeMap<Reason, u64>,
    /// The newest point when there was no room to be made: there is none before newer ones came.
    full_at_ns: u64,
}

impl State {
    /// Drops what is too old, or too much.
    fn keep_within(&mut self, limits: &Limits) {
        if let Some(grace_ms) = limits.grace_ms {
            let closed_ns = self.newest_ns.saturating_sub(ns(grace_ms));
            let open = self.seen.split_off(&closed_ns);
            let closed = std::mem::replace(&mut self.seen, open);
            self.bytes = self.bytes.saturating_sub(closed.values().map(|ids| ids.len() * SEEN_BYTES).sum());
        }
        if let Some(retention_ms) = limits.retention_ms {
            let cutoff_ns = self.newest_ns.saturating_sub(ns(retention_ms));
            // A sixteenth at a time: looking through all series for each request would cost more than keeping a little longer.
            if cutoff_ns > self.forgotten_ns.saturating_add(ns(retention_ms / 16)) {
                self.forget(cutoff_ns);
            }
        }
        if self.bytes > limits.max_bytes {
            self.make_room(limits);
        }
    }

    /// Drops the oldest eighth of the time that is kept, until there is room; false: what is left is too young for that.
    fn make_room(&mut self, limits: &Limits) -> bool {
        if self.newest_ns <= self.full_at_ns.saturating_add(1_000 * NS) && self.full_at_ns > 0 {
            return self.bytes <= limits.max_bytes;
        }
        let youngest_ns = self.newest_ns.saturating_sub(ns(Limits::KEPT_MS));
        while self.bytes > limits.max_bytes {
            let firsts =
                self.metrics.values().flat_map(|metric| metric.series.values()).filter_map(|series| series.points.first_key_value());
            let oldest_ns = firsts.map(|(key, _)| key.0).min().unwrap_or(u64::MAX).max(self.forgotten_ns);
            if oldest_ns >= youngest_ns {
                self.full_at_ns = self.newest_ns;
                return false;
            }
            let cutoff_ns = (oldest_ns + (self.newest_ns - oldest_ns) / 8).min(youngest_ns);
            self.forget(cutoff_ns.max(oldest_ns + 1));
        }
        true
    }

    fn forget(&mut self, cutoff_ns: u64) {
        self.forgotten_ns = self.forgotten_ns.max(cutoff_ns);
        for metric in self.metrics.values_mut() {
            let (bytes, evicted, count) = (&mut self.bytes, &mut self.evicted, &mut self.series);
            metric.series.retain(|key, series| {
                *evicted += series.forget(cutoff_ns, bytes);
                let is_gone = series.points.last_key_value().is_none_or(|(last, _)| last.0 <= cutoff_ns);
                if is_gone {
                    *evicted += series.points.len() as u64;
                    series.points.clear();
                    *bytes = bytes.saturating_sub(series.own_bytes(key));
                    *count -= 1;
                }
                !is_gone
            });
        }
        self.metrics.retain(|_, metric| !metric.series.is_empty());
        self.holes.retain(|hole| ns(hole.span.end_ms) > cutoff_ns);
        self.anywhere = self.anywhere.filter(|span| ns(span.end_ms) > cutoff_ns);
    }
}

/// What an id of a record or span takes.
const SEEN_BYTES: usize = 16;

/// One request on its way in.
pub(super) struct Intake<'s> {
    pub limits: &'s Limits,
    pub state: &'s mut State,
    latest_ns: Option<u64>,
    /// How often each reason, and for which name first.
    said: BTreeMap<Reason, (u64, String)>,
    taken: u64,
}

impl Intake<'_> {
    /// The sender's index: its resource with the scope.
    pub fn origin(&mut self, key: Vec<u8>, labels: impl FnOnce() -> Labels) -> usize {
        if let Some(known) = self.state.origin_keys.get(&key) {
            return *known;
        }
        let labels = labels();
        self.state.bytes += key.len() + labels.iter().map(|(name, value)| name.len() + value.len() + 64).sum::<usize>();
        self.state.origins.push(labels);
        let index = self.state.origins.len() - 1;
        self.state.origin_keys.insert(key, index);
        index
    }

    /// Counts something that was not taken, and remembers what may be missing because of it.
    pub fn ignore(&mut self, reason: Reason, name: &str, origin: usize, time_ns: u64) {
        let said = self.said.entry(reason).or_insert_with(|| (0, name.to_owned()));
        said.0 += 1;
        if !reason.leaves_a_hole() {
            return;
        }
        // Without a time it may be missing anywhere.
        let here = if time_ns == 0 { ALWAYS } else { Span { start_ms: ms(time_ns) - 1, end_ms: ms(time_ns) } };
        let is_full = self.state.holes.len() >= MOST_HOLES;
        let same = self.state.holes.iter_mut().rev().find(|hole| {
            let is_near = hole.span.start_ms - HOLE_JOINED_MS <= here.end_ms && here.start_ms <= hole.span.end_ms + HOLE_JOINED_MS;
            hole.metric == name && hole.reason == reason && hole.origin == origin && (is_near || is_full)
        });
        match same {
            Some(hole) => hole.span = covering(hole.span, here),
            None if !is_full => self.state.holes.push(Hole { metric: name.to_owned(), origin, span: here, reason }),
            // Too many to say whose it is: then it may be anybody's.
            None => self.state.anywhere = Some(self.state.anywhere.map_or(here, |known| covering(known, here))),
        }
    }

    /// Whether a time can be taken; counts it where it cannot.
    pub fn is_in_time(&mut self, name: &str, origin: usize, time_ns: u64) -> bool {
        if time_ns == 0 || i64::try_from(time_ns).is_err() {
            self.ignore(Reason::NoTime, name, origin, 0);
            return false;
        }
        let reason = if self.latest_ns.is_some_and(|latest_ns| time_ns > latest_ns) {
            Reason::Ahead
        } else if time_ns <= self.state.forgotten_ns {
            Reason::TooOld
        } else {
            return true;
        };
        self.ignore(reason, name, origin, time_ns);
        false
    }

    /// Puts a point in its place.
    pub fn put(&mut self, metric: &MetricKey, key: SeriesKey, labels: impl FnOnce() -> Labels, at: PointKey, value: Value) {
        let origin = key.origin;
        let Some((series, bytes)) = self.series(metric, key, labels, at.0) else { return };
        match series.put(at, value, bytes) {
            Put::New => {
                self.taken += 1;
                self.state.newest_ns = self.state.newest_ns.max(at.0);
            }
            Put::Duplicate => self.ignore(Reason::Duplicate, &metric.name, origin, at.0),
            Put::Conflict => self.ignore(Reason::Conflict, &metric.name, origin, at.0),
        }
    }

    /// Counts an event into a cell, once by its id.
    pub fn count(&mut self, metric: &MetricKey, key: SeriesKey, labels: impl FnOnce() -> Labels, at: PointKey, (id, value): (u64, &Value)) {
        let origin = key.origin;
        let is_closed = self.limits.grace_ms.is_some_and(|grace_ms| at.0 < self.state.newest_ns.saturating_sub(ns(grace_ms)));
        if is_closed {
            return self.ignore(Reason::TooOld, &metric.name, origin, at.0);
        }
        if self.state.seen.get(&at.0).is_some_and(|ids| ids.contains(&id)) {
            return self.ignore(Reason::Duplicate, &metric.name, origin, at.0);
        }
        let Some((series, bytes)) = self.series(metric, key, labels, at.0) else { return };
        series.add(at, value, bytes);
        *bytes += SEEN_BYTES;
        self.state.seen.entry(at.0).or_default().insert(id);
        self.taken += 1;
        self.state.newest_ns = self.state.newest_ns.max(at.0);
    }

    /// A series and the count of bytes; none where there is no room for it.
    fn series(
        &mut self,
        metric: &MetricKey,
        key: SeriesKey,
        labels: impl FnOnce() -> Labels,
        time_ns: u64,
    ) -> Option<(&mut Series, &mut usize)> {
        let is_new = self.state.metrics.get(metric).is_none_or(|metric| !metric.series.contains_key(&key));
        let full = if is_new && self.state.series >= self.limits.max_series {
            Some(Reason::SeriesLimit)
        } else if self.state.bytes > self.limits.max_bytes && !self.state.make_room(self.limits) {
            Some(Reason::MemoryLimit)
        } else {
            None
        };
        if let Some(reason) = full {
            self.ignore(reason, &metric.name, key.origin, time_ns);
            return None;
        }
        if !self.state.metrics.contains_key(metric) {
            self.state.metrics.insert(metric.clone(), Metric::default());
        }
        let State { metrics, series: count, bytes, .. } = &mut *self.state;
        let all = &mut metrics.get_mut(metric)?.series;
        if is_new {
            let series = Series { labels: labels(), ..Series::default() };
            *bytes += series.own_bytes(&key);
            *count += 1;
            all.insert(key.clone(), series);
        }
        all.get_mut(&key).map(|series| (series, bytes))
    }
}

fn outcome(said: &BTreeMap<Reason, (u64, String)>) -> Outcome {
    let rejected = said.iter().filter(|(reason, _)| reason.is_rejection()).map(|(_, (count, _))| count).sum();
    let worth_a_word = |reason: Reason| reason.is_rejection() || reason == Reason::Conflict;
    let texts: Vec<String> = said
        .iter()
        .filter(|(reason, _)| worth_a_word(**reason))
        .map(|(reason, (count, name))| {
            let name = if name.is_empty() { String::new() } else { format!(" (first {})", name.escape_debug()) };
            format!("{count} of {}{name}: {}", reason.name(), reason.text())
        })
        .collect();
    Outcome { rejected, message: (!texts.is_empty()).then(|| texts.join("; ")) }
}

/// ns of a time in ms; before the epoch there is nothing.
pub(super) fn ns(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0).saturating_mul(NS)
}

/// The first whole ms at or after a time in ns, so that no point moves into a window before its own.
pub(super) fn ms(ns: u64) -> i64 {
    i64::try_from(ns.div_ceil(NS)).unwrap_or(i64::MAX)
}

/// The labels of a series, the sender's with the point's own.
pub(super) fn joined(origin: &Labels, own: &Labels) -> Labels {
    let mut all = origin.clone();
    all.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
    all
}

/// What identifies a sender.
pub(super) fn origin_key(resource: &[u8], scope: (&str, &str), scope_attributes: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(resource.len() + scope_attributes.len() + 64);
    for piece in [resource, scope.0.as_bytes(), scope.1.as_bytes(), scope_attributes] {
        labels::push(&mut key, piece);
    }
    key
}
