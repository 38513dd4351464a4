//! Increments of one classic histogram: the `le` buckets of one label set of one process, restarted together.

use std::sync::Arc;

use davy_judge::reading::BucketCounts;

use crate::align::counter::{Added, Interval, interval};
use crate::align::track::{Track, WindowSpan};

/// Buckets by ascending upper bound; `+Inf` is the last where it exists.
#[derive(Debug, Clone, Default)]
pub(super) struct ClassicHistogram {
    buckets: Vec<(f64, Track<f64>)>,
}

/// What a histogram added in a window.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct AddedBuckets {
    /// How well it is known; `amount` counts observations.
    pub known: Added,
    /// The observations by bucket; none: unknown, or no interval.
    pub counts: Option<BucketCounts>,
    /// Buckets have samples in the window, and none of them counts everything.
    pub no_overflow_bucket: bool,
    /// A bucket counted more than a wider one: the scrape raced with an observation.
    pub not_monotone: bool,
}

/// One bucket's increments while a window is summed up.
struct Sum {
    bound: f64,
    /// Index of the next sample.
    next: usize,
    amount: f64,
    intervals: u32,
}

impl ClassicHistogram {
    /// The bucket of an upper bound; made where it is new.
    pub fn bucket(&mut self, bound: f64) -> &mut Track<f64> {
        let index = match self.buckets.binary_search_by(|(at, _)| at.total_cmp(&bound)) {
            Ok(index) => index,
            Err(index) => {
                self.buckets.insert(index, (bound, Track::default()));
                index
            }
        };
        &mut self.buckets[index].1
    }

    pub fn tracks(&self) -> impl Iterator<Item = &Track<f64>> {
        self.buckets.iter().map(|(_, track)| track)
    }

    pub fn tracks_mut(&mut self) -> impl Iterator<Item = &mut Track<f64>> {
        self.buckets.iter_mut().map(|(_, track)| track)
    }

    fn all(&self) -> Option<&Track<f64>> {
        self.buckets.last().filter(|(bound, _)| *bound == f64::INFINITY).map(|(_, track)| track)
    }

    /// What was observed in a window. When any bucket drops, all restart. `seen_before(t)`: when the histogram's process
    /// was last seen before t.
    pub fn increments(&self, span: &WindowSpan, seen_before: impl Fn(i64) -> Option<i64>) -> AddedBuckets {
        let Some(all) = self.all().filter(|all| !all.within(span).is_empty()) else { return self.without_overflow_bucket(span) };
        let mut known = Added::default();
        let mut sums: Vec<Sum> = self
            .buckets
            .iter()
            .map(|(bound, track)| Sum { bound: *bound, next: track.within(span).start, amount: 0.0, intervals: 0 })
            .collect();
        for index in all.within(span) {
            let (time, value) = all.points()[index];
            let previous = index.checked_sub(1).map(|before| all.points()[before].0);
            let dropped = self.any_dropped(&mut sums, time);
            let happened = interval(span, time, previous, dropped, || seen_before(time));
            match happened {
                Interval::Start => {}
                Interval::Went => known.intervals += 1,
                Interval::FromZero { restarted } => {
                    known.intervals += 1;
                    known.resets += u32::from(restarted);
                }
                Interval::Unknown => {
                    known.intervals += 1;
                    known.long_gaps += 1;
                }
            }
            self.advance(&mut sums, time, value, happened);
        }
        if known.intervals == 0 || known.long_gaps > 0 {
            return AddedBuckets { known, ..AddedBuckets::default() };
        }
        finish(known, sums)
    }

    /// Moves every bucket's cursor to `time`, and says whether a bucket's value dropped there.
    fn any_dropped(&self, sums: &mut [Sum], time: i64) -> bool {
        let mut dropped = false;
        for (sum, (_, track)) in sums.iter_mut().zip(&self.buckets) {
            let points = track.points();
            while points.get(sum.next).is_some_and(|(at, _)| *at < time) {
                sum.next += 1;
            }
            let here = points.get(sum.next).filter(|(at, _)| *at == time);
            let before = sum.next.checked_sub(1).map(|index| points[index].1);
            dropped |= matches!((here, before), (Some((_, value)), Some(earlier)) if *value < earlier);
        }
        dropped
    }

    /// Adds what every bucket that has a sample at `time` shows there.
    fn advance(&self, sums: &mut [Sum], time: i64, all_value: f64, happened: Interval) {
        for (sum, (_, track)) in sums.iter_mut().zip(&self.buckets) {
            let points = track.points();
            let Some((_, value)) = points.get(sum.next).filter(|(at, _)| *at == time) else { continue };
            match happened {
                Interval::Start | Interval::Unknown => {}
                Interval::FromZero { .. } => {
                    sum.amount += value;
                    sum.intervals += 1;
                }
                Interval::Went => {
                    // A bound that appears while the others go on has no starting point: it does not count as known.
                    if let Some(before) = sum.next.checked_sub(1) {
                        sum.amount += value - points[before].1;
                        sum.intervals += 1;
                    }
                }
            }
            debug_assert!(sum.bound < f64::INFINITY || *value == all_value);
            sum.next += 1;
        }
    }

    /// The same for increments that the source has already differenced.
    pub fn ready_increments(&self, span: &WindowSpan) -> AddedBuckets {
        let Some(all) = self.all().filter(|all| !all.within(span).is_empty()) else { return self.without_overflow_bucket(span) };
        let mut known = Added::default();
        known.intervals += u32::try_from(all.within(span).len()).unwrap_or(u32::MAX);
        if known.intervals == 0 {
            return AddedBuckets { known, ..AddedBuckets::default() };
        }
        let sums = self
            .buckets
            .iter()
            .map(|(bound, track)| {
                let range = track.within(span);
                let intervals = u32::try_from(range.len()).unwrap_or(u32::MAX);
                let amount = track.points()[range].iter().map(|(_, value)| value.max(0.0)).sum();
                Sum { bound: *bound, next: 0, amount, intervals }
            })
            .collect();
        finish(known, sums)
    }

    fn without_overflow_bucket(&self, span: &WindowSpan) -> AddedBuckets {
        let no_overflow_bucket = self.tracks().any(|track| !track.within(span).is_empty());
        AddedBuckets { no_overflow_bucket, ..AddedBuckets::default() }
    }
}

/// From cumulative sums to counts by bucket. A bound that missed one of the intervals is left out: coarser, and exact.
fn finish(mut known: Added, mut sums: Vec<Sum>) -> AddedBuckets {
    sums.retain(|sum| sum.intervals == known.intervals);
    let mut bounds = Vec::with_capacity(sums.len());
    let mut counts = Vec::with_capacity(sums.len());
    let mut below = 0.0;
    let mut not_monotone = false;
    for sum in &sums {
        // Extrapolated increments differ in their last digits: only more than that is worth a word.
        not_monotone |= sum.amount < below * (1.0 - 1e-9);
        let cumulative = if sum.amount > below { sum.amount } else { below };
        counts.push(cumulative - below);
        below = cumulative;
        if sum.bound < f64::INFINITY {
            bounds.push(sum.bound);
        }
    }
    known.amount = below;
    AddedBuckets { known, counts: BucketCounts::new(Arc::from(bounds), counts), no_overflow_bucket: false, not_monotone }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    fn histogram(buckets: &[(f64, &[(i64, f64)])]) -> ClassicHistogram {
        let mut histogram = ClassicHistogram::default();
        for (bound, points) in buckets {
            histogram.bucket(*bound).insert_all(points.to_vec());
        }
        histogram
    }

    fn of(histogram: &ClassicHistogram, end_ms: i64, seen: Option<i64>) -> AddedBuckets {
        let span = WindowSpan { start_ms: end_ms - 10, end_ms, longest_gap_ms: 20 };
        histogram.increments(&span, |time| {
            histogram.tracks().filter_map(|track| track.last_before(time)).chain(seen.filter(|at| *at < time)).max()
        })
    }

    fn counts(added: &AddedBuckets) -> (Vec<f64>, Vec<f64>) {
        let counts = added.counts.as_ref().expect("counts");
        (counts.bounds().to_vec(), counts.counts().to_vec())
    }

    #[test]
    fn cumulative_buckets_become_counts() {
        let found = histogram(&[
            (0.1, &[(10, 5.0), (15, 7.0), (20, 8.0)]),
            (0.5, &[(10, 9.0), (15, 12.0), (20, 15.0)]),
            (INF, &[(10, 10.0), (15, 14.0), (20, 18.0)]),
        ]);
        assert_eq!(counts(&of(&found, 20, None)), (vec![0.1, 0.5], vec![3.0, 3.0, 2.0]));
        assert!(of(&found, 10, None).counts.is_none(), "only a starting point");
        assert_eq!(of(&found, 30, None).known.intervals, 0);
    }

    #[test]
    fn one_bucket_that_drops_restarts_them_all() {
        // +Inf grew past its old value during the restart; the bucket of 0.1 gives it away.
        let found = histogram(&[(0.1, &[(10, 5.0), (20, 2.0)]), (INF, &[(10, 10.0), (20, 12.0)])]);
        let added = of(&found, 20, None);
        assert_eq!(counts(&added), (vec![0.1], vec![2.0, 10.0]));
        assert_eq!(added.known.resets, 1);
    }

    #[test]
    fn a_histogram_younger_than_its_process_was_born_at_zero() {
        let found = histogram(&[(0.1, &[(20, 2.0)]), (INF, &[(20, 3.0)])]);
        assert_eq!(counts(&of(&found, 20, Some(8))), (vec![0.1], vec![2.0, 1.0]));
        assert!(of(&found, 20, None).counts.is_none());
    }

    #[test]
    fn bounds_that_missed_an_interval_are_left_out() {
        let found = histogram(&[
            (0.1, &[(10, 5.0), (15, 6.0), (20, 7.0)]),
            (0.2, &[(10, 6.0), (20, 9.0)]),
            (0.5, &[(15, 8.0), (20, 9.0)]),
            (INF, &[(10, 10.0), (15, 14.0), (20, 18.0)]),
        ]);
        assert_eq!(counts(&of(&found, 20, None)), (vec![0.1], vec![2.0, 6.0]));
    }

    #[test]
    fn without_an_overflow_bucket_nothing_is_known() {
        let found = histogram(&[(0.1, &[(10, 5.0), (20, 7.0)])]);
        let added = of(&found, 20, None);
        assert!(added.no_overflow_bucket && added.counts.is_none());
        assert!(!of(&found, 40, None).no_overflow_bucket, "nothing was there to complain of");
    }

    #[test]
    fn a_racing_scrape_is_put_right_and_said() {
        let found = histogram(&[(0.1, &[(10, 0.0), (20, 9.0)]), (INF, &[(10, 0.0), (20, 8.0)])]);
        let added = of(&found, 20, None);
        assert_eq!(counts(&added), (vec![0.1], vec![9.0, 0.0]));
        assert!(added.not_monotone);
    }

    #[test]
    fn increments_that_are_ready_are_taken_as_they_are() {
        let found = histogram(&[(0.1, &[(10, 5.5), (20, 2.25)]), (INF, &[(10, 6.5), (20, 4.5)])]);
        let span = WindowSpan { start_ms: 10, end_ms: 20, longest_gap_ms: 20 };
        assert_eq!(counts(&found.ready_increments(&span)), (vec![0.1], vec![2.25, 2.25]));
    }
}
