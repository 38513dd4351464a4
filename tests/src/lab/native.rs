//! A native (sparse exponential) histogram, as a client library keeps it and as protobuf carries it.

use std::collections::BTreeMap;

/// Bucket `i` holds observations in `(2^((i-1)/8), 2^(i/8)]`: each is 9 % wider than the one before.
pub const SCHEMA: i32 = 3;
/// Observations at or below this count as zero.
pub const ZERO_THRESHOLD: f64 = 1e-6;

/// Observations since the process started.
#[derive(Debug, Clone, Default)]
pub struct Native {
    /// All observations.
    pub count: u64,
    /// Their sum, in the metric's unit.
    pub sum: f64,
    /// Observations that count as zero.
    pub zero_count: u64,
    buckets: BTreeMap<i32, u64>,
}

/// A run of neighbouring buckets: how far it begins after the run before, and how many buckets it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Empty buckets since the end of the run before; for the first run, its first bucket's index.
    pub offset: i32,
    /// How many buckets there are.
    pub length: u32,
}

impl Native {
    /// Counts one observation; not negative.
    pub fn observe(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        if value <= ZERO_THRESHOLD {
            self.zero_count += 1;
        } else {
            *self.buckets.entry(bucket(value)).or_default() += 1;
        }
    }

    /// Runs of buckets and, over all runs, each bucket's count less the count of the one before.
    pub fn runs_and_deltas(&self) -> (Vec<Run>, Vec<i64>) {
        let mut runs: Vec<Run> = Vec::new();
        let mut deltas = Vec::with_capacity(self.buckets.len());
        let mut next_index = 0;
        let mut count_before = 0;
        for (&index, &count) in &self.buckets {
            match runs.last_mut() {
                Some(run) if index == next_index => run.length += 1,
                Some(_) | None => runs.push(Run { offset: index - next_index, length: 1 }),
            }
            let count = i64::try_from(count).expect("a test counts less than 2^63");
            deltas.push(count - count_before);
            count_before = count;
            next_index = index + 1;
        }
        (runs, deltas)
    }
}

/// The index of the bucket that holds a positive value.
fn bucket(value: f64) -> i32 {
    (value.log2() * f64::from(1_u32 << SCHEMA)).ceil() as i32
}

#[cfg(test)]
mod tests {
    use super::{Native, Run, bucket};

    #[test]
    fn buckets_are_closed_at_their_upper_bound() {
        assert_eq!(bucket(1.0), 0);
        assert_eq!(bucket(2.0), 8);
        assert_eq!(bucket(2.000_001), 9);
        assert_eq!(bucket(0.5), -8);
    }

    #[test]
    fn runs_skip_empty_buckets_and_deltas_do_not() {
        let mut native = Native::default();
        for value in [0.0, 1.0, 1.0, 1.05, 2.0, 2.0, 2.0] {
            native.observe(value);
        }
        let (runs, deltas) = native.runs_and_deltas();
        assert_eq!(runs, [Run { offset: 0, length: 2 }, Run { offset: 6, length: 1 }]);
        assert_eq!(deltas, [2, -1, 2]);
        assert_eq!((native.count, native.zero_count), (7, 1));
    }
}
