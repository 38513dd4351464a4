//! Increments of one native histogram: buckets are named by their edges, empty ones are not sent.

use std::sync::Arc;

use davy_judge::histogram::merge;
use davy_judge::reading::BucketCounts;

use crate::align::classic::AddedBuckets;
use crate::align::counter::{Added, Interval, interval};
use crate::align::track::{Track, WindowSpan};
use crate::samples::NativeHistogram;

/// (left edge, right edge, count)
type Bucket = (f64, f64, f64);

/// Whether a reading makes sense: finite counts, ascending buckets that do not overlap. An infinite edge is fine at either
/// end.
pub(super) fn is_sane(histogram: &NativeHistogram) -> bool {
    histogram.count.is_finite()
        && histogram.count >= 0.0
        && histogram.buckets.iter().all(|(left, right, count)| left < right && count.is_finite() && *count >= 0.0)
        && histogram.buckets.windows(2).all(|pair| pair[0].1 <= pair[1].0)
}

/// What was observed in a window. `seen_before(t)`: when the histogram's process was last seen before t. Also says how
/// many times the buckets changed in a way that has no common edges.
pub(super) fn increments(
    track: &Track<NativeHistogram>,
    span: &WindowSpan,
    seen_before: impl Fn(i64) -> Option<i64>,
) -> (AddedBuckets, u32) {
    let mut known = Added::default();
    let mut incompatible = 0;
    let mut sum: Option<BucketCounts> = None;
    let points = track.points();
    for index in track.within(span) {
        let (time, now) = &points[index];
        let previous = index.checked_sub(1).map(|before| &points[before]);
        let difference = previous.map(|(_, before)| difference(before, now));
        let dropped = difference == Some(Difference::Restarted);
        let buckets = match interval(span, *time, previous.map(|(at, _)| *at), dropped, || seen_before(*time)) {
            Interval::Start => continue,
            Interval::Unknown => {
                known.long_gaps += 1;
                None
            }
            Interval::FromZero { restarted } => {
                known.resets += u32::from(restarted);
                Some(now.buckets.clone())
            }
            Interval::Went => match difference {
                Some(Difference::Added(buckets)) => Some(buckets),
                Some(Difference::Incompatible | Difference::Restarted) | None => {
                    incompatible += 1;
                    None
                }
            },
        };
        known.intervals += 1;
        let Some(counts) = buckets.as_deref().and_then(bucket_counts) else { continue };
        sum = Some(match sum {
            None => counts,
            Some(before) => merge(&before, &counts),
        });
    }
    if known.long_gaps > 0 || incompatible > 0 {
        sum = None;
    }
    known.amount = sum.as_ref().map_or(0.0, BucketCounts::total);
    (AddedBuckets { known, counts: sum, ..AddedBuckets::default() }, incompatible)
}

/// The same for increments that the source has already differenced.
pub(super) fn ready_increments(track: &Track<NativeHistogram>, span: &WindowSpan) -> AddedBuckets {
    let mut known = Added::default();
    let mut sum: Option<BucketCounts> = None;
    for (_, added) in &track.points()[track.within(span)] {
        known.intervals += 1;
        let Some(counts) = bucket_counts(&added.buckets) else { continue };
        sum = Some(match sum {
            None => counts,
            Some(before) => merge(&before, &counts),
        });
    }
    known.amount = sum.as_ref().map_or(0.0, BucketCounts::total);
    AddedBuckets { known, counts: sum, ..AddedBuckets::default() }
}

#[derive(Debug, Clone, PartialEq)]
enum Difference {
    /// What was added, by bucket.
    Added(Vec<Bucket>),
    /// It started again at zero.
    Restarted,
    /// The edges have too little in common.
    Incompatible,
}

/// What was added from one reading to the next. Where the edges changed (a process made its buckets wider), on the
/// coarser edges.
fn difference(before: &NativeHistogram, now: &NativeHistogram) -> Difference {
    if now.count < before.count {
        return Difference::Restarted;
    }
    let same_edges = before.buckets.iter().all(|bucket| is_bucket_of(bucket, &now.buckets));
    if same_edges {
        return subtract(&before.buckets, &now.buckets);
    }
    let lost = before.buckets.iter().any(|(left, right, count)| *count > 0.0 && !now.buckets.iter().any(|(l, r, _)| l < right && left < r));
    if lost {
        return Difference::Restarted;
    }
    if let Some(coarser) = onto(&before.buckets, &now.buckets) {
        return subtract(&coarser, &now.buckets);
    }
    match onto(&now.buckets, &before.buckets) {
        Some(coarser) => subtract(&before.buckets, &coarser),
        None => Difference::Incompatible,
    }
}

fn is_bucket_of(bucket: &Bucket, all: &[Bucket]) -> bool {
    all.binary_search_by(|(left, _, _)| left.total_cmp(&bucket.0)).is_ok_and(|index| all[index].1 == bucket.1)
}

/// Puts buckets onto wider ones. A bucket that touches none of them stays; one that crosses an edge: none.
fn onto(buckets: &[Bucket], wider: &[Bucket]) -> Option<Vec<Bucket>> {
    let mut result: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for (left, right, count) in buckets {
        let target = match wider.iter().find(|(l, r, _)| l < right && left < r) {
            Some((l, r, _)) if l <= left && right <= r => (*l, *r),
            Some(_) => return None,
            None => (*left, *right),
        };
        match result.last_mut() {
            Some(last) if (last.0, last.1) == target => last.2 += count,
            Some(_) | None => result.push((target.0, target.1, *count)),
        }
    }
    Some(result)
}

/// `now − before` where every bucket of `before` has its like in `now`.
fn subtract(before: &[Bucket], now: &[Bucket]) -> Difference {
    let mut added = Vec::with_capacity(now.len());
    let mut earlier = before.iter().peekable();
    for (left, right, count) in now {
        let base = earlier.next_if(|(l, r, _)| l == left && r == right).map_or(0.0, |(_, _, base)| *base);
        if *count < base {
            return Difference::Restarted;
        }
        added.push((*left, *right, count - base));
    }
    match earlier.next() {
        None => Difference::Added(added),
        Some((_, _, count)) if *count == 0.0 => subtract_rest(added, earlier),
        Some(_) => Difference::Restarted,
    }
}

/// Empty buckets of the past that are no longer sent are no loss.
fn subtract_rest<'a>(added: Vec<Bucket>, rest: impl IntoIterator<Item = &'a Bucket>) -> Difference {
    if rest.into_iter().all(|(_, _, count)| *count == 0.0) { Difference::Added(added) } else { Difference::Restarted }
}

/// Buckets with gaps as counts on ascending bounds: a gap between two buckets is an empty bucket. The lowest bucket's left
/// edge is a bound only where it is positive: below zero there is no latency.
fn bucket_counts(buckets: &[Bucket]) -> Option<BucketCounts> {
    let mut bounds: Vec<f64> = Vec::with_capacity(buckets.len() + 1);
    let mut counts: Vec<f64> = Vec::with_capacity(buckets.len() + 2);
    for (left, right, count) in buckets {
        let opens_gap = bounds.last().map_or(*left > 0.0, |last| left > last);
        if opens_gap {
            bounds.push(*left);
            counts.push(0.0);
        }
        if right.is_finite() {
            bounds.push(*right);
        }
        counts.push(*count);
    }
    if counts.len() == bounds.len() {
        counts.push(0.0);
    }
    BucketCounts::new(Arc::from(bounds), counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn native(buckets: &[Bucket]) -> NativeHistogram {
        NativeHistogram { count: buckets.iter().map(|(_, _, count)| count).sum(), buckets: buckets.to_vec() }
    }

    fn of(points: Vec<(i64, NativeHistogram)>) -> (AddedBuckets, u32) {
        let mut track = Track::default();
        track.insert_all(points);
        increments(&track, &WindowSpan { start_ms: 10, end_ms: 20, longest_gap_ms: 20 }, |time| track.last_before(time))
    }

    fn shown(added: &AddedBuckets) -> (Vec<f64>, Vec<f64>) {
        let counts = added.counts.as_ref().expect("counts");
        (counts.bounds().to_vec(), counts.counts().to_vec())
    }

    #[test]
    fn a_gap_between_buckets_is_an_empty_bucket() {
        let (added, _) = of(vec![(10, native(&[(1.0, 2.0, 3.0)])), (20, native(&[(1.0, 2.0, 4.0), (4.0, 8.0, 5.0)]))]);
        assert_eq!(shown(&added), (vec![1.0, 2.0, 4.0, 8.0], vec![0.0, 1.0, 0.0, 5.0, 0.0]));
    }

    #[test]
    fn the_zero_bucket_and_the_open_ends_are_kept() {
        let (added, _) = of(vec![(10, native(&[])), (20, native(&[(-0.001, 0.001, 2.0), (1.0, 2.0, 1.0), (2.0, f64::INFINITY, 4.0)]))]);
        assert_eq!(shown(&added), (vec![0.001, 1.0, 2.0], vec![2.0, 0.0, 1.0, 4.0]));
    }

    #[test]
    fn a_count_or_a_bucket_that_drops_is_a_restart() {
        let before = native(&[(1.0, 2.0, 3.0), (2.0, 4.0, 3.0)]);
        for now in [native(&[(1.0, 2.0, 1.0), (2.0, 4.0, 1.0)]), native(&[(1.0, 2.0, 9.0), (2.0, 4.0, 1.0)]), native(&[(1.0, 2.0, 9.0)])] {
            let total = now.count;
            let (added, incompatible) = of(vec![(10, before.clone()), (20, now)]);
            assert_eq!((added.known.resets, added.known.amount, incompatible), (1, total, 0));
        }
    }

    #[test]
    fn a_change_to_wider_buckets_is_counted_on_the_wider_ones() {
        let (added, incompatible) =
            of(vec![(10, native(&[(1.0, 2.0, 3.0), (2.0, 4.0, 3.0)])), (20, native(&[(1.0, 4.0, 8.0), (4.0, 16.0, 1.0)]))]);
        assert_eq!(incompatible, 0);
        assert_eq!(shown(&added), (vec![1.0, 4.0, 16.0], vec![0.0, 2.0, 1.0, 0.0]));
    }

    #[test]
    fn a_change_to_narrower_buckets_is_counted_on_the_wider_ones() {
        let (added, incompatible) = of(vec![(10, native(&[(1.0, 4.0, 6.0)])), (20, native(&[(1.0, 2.0, 4.0), (2.0, 4.0, 5.0)]))]);
        assert_eq!(incompatible, 0);
        assert_eq!(shown(&added), (vec![1.0, 4.0], vec![0.0, 3.0, 0.0]));
    }

    #[test]
    fn edges_that_cross_are_unknown() {
        let (added, incompatible) = of(vec![(10, native(&[(1.0, 3.0, 3.0)])), (20, native(&[(2.0, 4.0, 8.0)]))]);
        assert_eq!(incompatible, 1);
        assert!(added.counts.is_none());
    }

    #[test]
    fn nonsense_is_recognised() {
        assert!(is_sane(&native(&[(1.0, 2.0, 1.0), (2.0, f64::INFINITY, 0.0)])));
        assert!(!is_sane(&native(&[(2.0, 1.0, 1.0)])));
        assert!(!is_sane(&native(&[(1.0, 3.0, 1.0), (2.0, 4.0, 1.0)])));
        assert!(!is_sane(&native(&[(1.0, 2.0, f64::NAN)])));
    }
}
