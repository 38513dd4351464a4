//! Increments of one counter in one window.

use crate::align::track::{Track, WindowSpan};

/// What counters added in a window, and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Added {
    /// The sum of the increments that are known.
    pub amount: f64,
    /// Increments that end in the window, known or not. None: nothing is known of the window.
    pub intervals: u32,
    /// Increments over too long a gap.
    pub long_gaps: u32,
    /// Restarts.
    pub resets: u32,
}

impl Added {
    pub fn add(&mut self, other: Added) {
        self.amount += other.amount;
        self.intervals += other.intervals;
        self.long_gaps += other.long_gaps;
        self.resets += other.resets;
    }
}

/// What happened between a sample and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interval {
    /// There is none: the sample is only a starting point.
    Start,
    /// The counter went on; the increment is the difference.
    Went,
    /// The counter started at zero since its process was last seen; the increment is the value.
    FromZero {
        /// It had run before.
        restarted: bool,
    },
    /// Nobody knows when it happened.
    Unknown,
}

/// Tells what happened before a sample at `time_ms`. `previous_ms`: the series' sample before; `dropped`: it was higher;
/// `seen_before`: when the process (any series of its stream) was last seen before.
pub(super) fn interval(
    span: &WindowSpan,
    time_ms: i64,
    previous_ms: Option<i64>,
    dropped: bool,
    seen_before: impl FnOnce() -> Option<i64>,
) -> Interval {
    match previous_ms {
        Some(previous) if !dropped && !span.is_long(previous, time_ms) => Interval::Went,
        Some(_) if !dropped => Interval::Unknown,
        // It began at zero after its process was last seen: exact, unless that is too long ago.
        Some(_) | None => match seen_before() {
            None => Interval::Start,
            Some(seen) if span.is_long(seen, time_ms) => Interval::Unknown,
            Some(_) => Interval::FromZero { restarted: previous_ms.is_some() },
        },
    }
}

/// Increments of a raw counter. `seen_before(t)`: when the counter's process was last seen before t.
pub(super) fn increments(track: &Track<f64>, span: &WindowSpan, seen_before: impl Fn(i64) -> Option<i64>) -> Added {
    let mut added = Added::default();
    let points = track.points();
    for index in track.within(span) {
        let (time, value) = points[index];
        let previous = index.checked_sub(1).map(|before| points[before]);
        let dropped = previous.is_some_and(|(_, before)| value < before);
        match interval(span, time, previous.map(|(at, _)| at), dropped, || seen_before(time)) {
            Interval::Start => {}
            Interval::Went => {
                added.intervals += 1;
                added.amount += value - previous.map_or(0.0, |(_, before)| before);
            }
            Interval::FromZero { restarted } => {
                added.intervals += 1;
                added.resets += u32::from(restarted);
                added.amount += value;
            }
            Interval::Unknown => {
                added.intervals += 1;
                added.long_gaps += 1;
            }
        }
    }
    added
}

/// Increments that the source has already differenced.
pub(super) fn ready_increments(track: &Track<f64>, span: &WindowSpan) -> Added {
    let mut added = Added::default();
    for (_, value) in &track.points()[track.within(span)] {
        added.intervals += 1;
        added.amount += value.max(0.0);
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: i64 = 10;

    fn of(points: &[(i64, f64)], end_ms: i64, seen: &[i64]) -> Added {
        let mut track = Track::default();
        track.insert_all(points.to_vec());
        let span = WindowSpan { start_ms: end_ms - STEP, end_ms, longest_gap_ms: 2 * STEP };
        increments(&track, &span, |time| seen.iter().copied().filter(|at| *at < time).max().max(track.last_before(time)))
    }

    #[test]
    fn an_increment_belongs_whole_to_the_window_of_its_later_sample() {
        let points = [(8, 100.0), (12, 130.0), (20, 150.0), (21, 151.0)];
        assert_eq!(of(&points, 10, &[]).intervals, 0, "the first sample is a starting point");
        assert_eq!(of(&points, 20, &[]), Added { amount: 50.0, intervals: 2, ..Added::default() });
        assert_eq!(of(&points, 30, &[]), Added { amount: 1.0, intervals: 1, ..Added::default() });
        assert_eq!(of(&points, 40, &[]), Added::default());
    }

    #[test]
    fn a_counter_that_stands_still_adds_zero_and_is_known() {
        assert_eq!(of(&[(5, 7.0), (15, 7.0)], 20, &[]), Added { amount: 0.0, intervals: 1, ..Added::default() });
    }

    #[test]
    fn after_a_restart_the_value_is_the_increment() {
        assert_eq!(
            of(&[(5, 70.0), (12, 75.0), (15, 3.0), (18, 10.0)], 20, &[]),
            Added { amount: 15.0, intervals: 3, resets: 1, ..Added::default() }
        );
    }

    #[test]
    fn a_series_younger_than_its_process_was_born_at_zero() {
        assert_eq!(of(&[(15, 4.0)], 20, &[5]), Added { amount: 4.0, intervals: 1, ..Added::default() });
        assert_eq!(of(&[(15, 4.0)], 20, &[15]), Added::default(), "seen first together with its process");
    }

    #[test]
    fn what_happened_in_a_long_gap_is_unknown() {
        assert_eq!(of(&[(5, 1.0), (25, 9.0)], 30, &[]).amount, 8.0, "two windows long: still counted, in the later one");
        let unknown = Added { intervals: 1, long_gaps: 1, ..Added::default() };
        assert_eq!(of(&[(5, 1.0), (26, 9.0)], 30, &[]), unknown);
        assert_eq!(of(&[(5, 9.0), (26, 1.0)], 30, &[]), unknown, "a restart during the gap");
        assert_eq!(of(&[(26, 9.0)], 30, &[5]), unknown, "born during the gap");
    }

    #[test]
    fn a_series_that_starts_again_while_its_process_was_seen_is_exact() {
        assert_eq!(of(&[(5, 9.0), (48, 2.0)], 50, &[15, 25, 35, 45]).amount, 2.0);
        assert_eq!(of(&[(5, 9.0), (48, 11.0)], 50, &[15, 25, 35, 45]).long_gaps, 1, "no drop: the increment's time is unknown");
    }
}
