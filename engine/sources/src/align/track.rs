//! One series' samples in order of time, each time once, whatever order and portions they came in.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::samples::NativeHistogram;

/// What may be kept in a track: it has a total order, by which conflicting samples of one time are settled.
pub(crate) trait Sample: Clone {
    fn order(&self, other: &Self) -> Ordering;
}

impl Sample for f64 {
    fn order(&self, other: &Self) -> Ordering {
        self.total_cmp(other)
    }
}

impl Sample for NativeHistogram {
    fn order(&self, other: &Self) -> Ordering {
        self.count.total_cmp(&other.count).then_with(|| {
            let pairs = self.buckets.iter().zip(&other.buckets);
            let first_difference = pairs
                .map(|(mine, theirs)| mine.0.total_cmp(&theirs.0).then(mine.1.total_cmp(&theirs.1)).then(mine.2.total_cmp(&theirs.2)))
                .find(|order| *order != Ordering::Equal);
            first_difference.unwrap_or_else(|| self.buckets.len().cmp(&other.buckets.len()))
        })
    }
}

/// (start, end] of a window, and how long a gap an increment may span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowSpan {
    pub start_ms: i64,
    pub end_ms: i64,
    pub longest_gap_ms: i64,
}

impl WindowSpan {
    /// Whether so much time passed between two samples that nobody knows in which window the increment happened.
    pub fn is_long(&self, earlier_ms: i64, later_ms: i64) -> bool {
        later_ms.saturating_sub(earlier_ms) > self.longest_gap_ms
    }
}

/// Samples by ascending time.
#[derive(Debug, Clone)]
pub(crate) struct Track<T> {
    points: Vec<(i64, T)>,
    conflicts: BTreeSet<i64>,
}

impl<T> Default for Track<T> {
    fn default() -> Self {
        Track { points: Vec::new(), conflicts: BTreeSet::new() }
    }
}

impl<T: Sample> Track<T> {
    pub fn points(&self) -> &[(i64, T)] {
        &self.points
    }

    /// Indices of the samples in a window.
    pub fn within(&self, span: &WindowSpan) -> Range<usize> {
        first_after(&self.points, span.start_ms)..first_after(&self.points, span.end_ms)
    }

    /// The last time before `time_ms` that has a sample.
    pub fn last_before(&self, time_ms: i64) -> Option<i64> {
        let after = self.points.partition_point(|(time, _)| *time < time_ms);
        after.checked_sub(1).map(|index| self.points[index].0)
    }

    pub fn at(&self, time_ms: i64) -> Option<&T> {
        self.points.binary_search_by_key(&time_ms, |(time, _)| *time).ok().map(|index| &self.points[index].1)
    }

    pub fn conflicts_within(&self, span: &WindowSpan) -> usize {
        self.conflicts.range(span.start_ms + 1..=span.end_ms).count()
    }

    /// Takes samples in. Usually they are later than all there are, hence appended.
    pub fn insert_all(&mut self, mut added: Vec<(i64, T)>) {
        if added.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            added.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| left.1.order(&right.1)));
        }
        let Some(first_added) = added.first().map(|(time, _)| *time) else { return };
        let tail = self.points.split_off(self.points.partition_point(|(time, _)| *time < first_added));
        let mut kept = tail.into_iter().peekable();
        for (time, value) in added {
            while let Some(point) = kept.next_if(|(kept_time, _)| *kept_time <= time) {
                self.push(point.0, point.1);
            }
            self.push(time, value);
        }
        for (time, value) in kept {
            self.push(time, value);
        }
    }

    /// Appends, or settles a conflict with the last sample: the larger one stays, whichever came first.
    fn push(&mut self, time: i64, value: T) {
        match self.points.last_mut() {
            Some((last, there)) if *last == time => match there.order(&value) {
                Ordering::Equal => {}
                Ordering::Less => {
                    *there = value;
                    self.conflicts.insert(time);
                }
                Ordering::Greater => {
                    self.conflicts.insert(time);
                }
            },
            Some(_) | None => self.points.push((time, value)),
        }
    }

    /// Drops samples before the last one at or before `time_ms`, which stays as the starting point of the next increment.
    pub fn forget_before(&mut self, time_ms: i64) {
        let after = self.points.partition_point(|(time, _)| *time <= time_ms);
        self.points.drain(..after.saturating_sub(1));
        self.conflicts = self.conflicts.split_off(&time_ms);
    }
}

/// The index of the first sample after a time. Scrapes are regular, so that where it should be is nearly where it is: one or two
/// looks, where a binary search of hours of samples takes a dozen. Irregular samples are searched from there in growing steps.
fn first_after<T>(points: &[(i64, T)], time_ms: i64) -> usize {
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { return 0 };
    if time_ms < *first {
        return 0;
    }
    if time_ms >= *last {
        return points.len();
    }
    let is_before = |index: usize| points[index].0 <= time_ms;
    let share = (time_ms as f64 - *first as f64) / (*last as f64 - *first as f64);
    let guess = ((share * (points.len() - 1) as f64) as usize).min(points.len() - 1);
    // All samples before `low` are at or before the time, that at `high` and all later ones are after it.
    let (mut low, mut high, mut step) = (0, points.len() - 1, 1);
    if is_before(guess) {
        low = guess + 1;
        while low + step < high {
            if !is_before(low + step) {
                high = low + step;
                break;
            }
            low += step + 1;
            step *= 2;
        }
    } else {
        high = guess;
        while high > low + step {
            if is_before(high - step) {
                low = high - step + 1;
                break;
            }
            high -= step;
            step *= 2;
        }
    }
    low + points[low..high].partition_point(|(at, _)| *at <= time_ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_guess_finds_what_a_search_finds(
            times in prop::collection::btree_set(prop_oneof![0..200_i64, any::<i64>(), Just(i64::MAX)], 0..60),
            time in prop_oneof![-5..205_i64, any::<i64>()],
            every in 1..40_i64,
            count in 0..300_i64,
        ) {
            let irregular: Vec<(i64, ())> = times.into_iter().map(|at| (at, ())).collect();
            let regular: Vec<(i64, ())> = (0..count).map(|index| (index * every + index % 2, ())).collect();
            for points in [irregular, regular] {
                let around = points.iter().flat_map(|(at, ())| [at.saturating_sub(1), *at, at.saturating_add(1)]);
                for time in around.chain([time]) {
                    prop_assert_eq!(first_after(&points, time), points.partition_point(|(at, ())| *at <= time), "{} in {:?}", time, points);
                }
            }
        }
    }

    fn track(portions: &[&[(i64, f64)]]) -> Track<f64> {
        let mut track = Track::default();
        for portion in portions {
            track.insert_all(portion.to_vec());
        }
        track
    }

    #[test]
    fn portions_and_order_do_not_matter() {
        let wanted = vec![(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)];
        for portions in [
            vec![&wanted[..]],
            vec![&wanted[2..], &wanted[..2]],
            vec![&wanted[..3], &wanted[1..]],
            vec![&wanted[3..], &wanted[1..2], &wanted[..]],
            vec![&[(4, 4.0), (1, 1.0), (3, 3.0), (2, 2.0), (1, 1.0)][..]],
        ] {
            let found = track(&portions);
            assert_eq!(found.points(), wanted);
            assert!(found.conflicts.is_empty());
        }
    }

    #[test]
    fn a_conflict_is_settled_the_same_in_either_order_and_counted_once() {
        let span = WindowSpan { start_ms: 0, end_ms: 10, longest_gap_ms: 20 };
        for portions in [[&[(5, 1.0)][..], &[(5, 2.0)]], [&[(5, 2.0)], &[(5, 1.0)]], [&[(5, 2.0), (5, 1.0)], &[(5, 2.0)]]] {
            let found = track(&portions);
            assert_eq!(found.points(), [(5, 2.0)]);
            assert_eq!(found.conflicts_within(&span), 1);
        }
    }

    #[test]
    fn forgetting_keeps_the_starting_point() {
        let mut found = track(&[&[(1, 1.0), (2, 2.0), (3, 3.0)]]);
        found.forget_before(2);
        assert_eq!(found.points(), [(2, 2.0), (3, 3.0)]);
        found.forget_before(1);
        assert_eq!(found.points(), [(2, 2.0), (3, 3.0)]);
    }
}
