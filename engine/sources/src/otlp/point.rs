//! What a series holds at one time.

use std::sync::Arc;

use crate::samples::NativeHistogram;

/// What kind of numbers a metric holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Shape {
    /// A value that may go up and down.
    Gauge,
    /// A sum that only rises.
    Sum,
    /// Buckets with explicit bounds.
    Histogram,
    /// Buckets that grow by a factor.
    Exponential,
    /// Quantiles, of which only the count is of use.
    Summary,
}

/// One reading, or one increment.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A gauge's, a sum's, a summary's count.
    Number(f64),
    /// A histogram's counts by bucket, one more than bounds; without bounds one count of everything.
    Buckets { bounds: Arc<[f64]>, counts: Box<[u64]> },
    /// An exponential histogram's.
    Exponential(Box<Exponential>),
}

/// An exponential histogram: index and count of the buckets that are not empty, ascending.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Exponential {
    pub scale: i32,
    pub zero_threshold: f64,
    pub zero_count: u64,
    pub positive: Vec<(i32, u64)>,
    pub negative: Vec<(i32, u64)>,
}

/// Finer buckets than these are merged: 16 to a doubling, each 4.4 % wide. One grid for all series keeps every bound when they are
/// added up, and the choice must not change from one window to the next.
pub(super) const FINEST_SCALE: i32 = 4;
/// The least width of the bucket around zero, as Prometheus has it.
const LEAST_ZERO: f64 = 2.938_735_877_055_719e-39;

impl Value {
    /// How many observations there are, or the number.
    pub fn total(&self) -> f64 {
        match self {
            Value::Number(value) => *value,
            Value::Buckets { counts, .. } => counts.iter().map(|count| *count as f64).sum(),
            Value::Exponential(value) => value.total(),
        }
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Value::Number(_) => 0,
            Value::Buckets { counts, .. } => counts.len() * 8,
            Value::Exponential(value) => size_of::<Exponential>() + (value.positive.len() + value.negative.len()) * 16,
        }
    }
}

impl Exponential {
    /// Observations.
    pub fn total(&self) -> f64 {
        let of = |buckets: &[(i32, u64)]| buckets.iter().map(|(_, count)| *count as f64).sum::<f64>();
        of(&self.positive) + of(&self.negative) + self.zero_count as f64
    }

    /// The same observations in buckets of a coarser scale; a finer one changes nothing.
    pub fn at_most(mut self, scale: i32) -> Self {
        let shift = self.scale.saturating_sub(scale);
        if shift > 0 {
            self.positive = merged(&self.positive, shift);
            self.negative = merged(&self.negative, shift);
            self.scale = scale;
        }
        self
    }

    /// Adds the observations of another, in the coarser of both scales.
    pub fn add(&mut self, other: &Exponential) {
        let scale = self.scale.min(other.scale);
        let mine = std::mem::take(self).at_most(scale);
        let theirs = other.clone().at_most(scale);
        let sum = |one: Vec<(i32, u64)>, two: Vec<(i32, u64)>| {
            let mut all = one;
            all.extend(two);
            all.sort_unstable_by_key(|(index, _)| *index);
            merged(&all, 0)
        };
        *self = Exponential {
            scale,
            zero_threshold: if mine.zero_threshold < theirs.zero_threshold { theirs.zero_threshold } else { mine.zero_threshold },
            zero_count: mine.zero_count + theirs.zero_count,
            positive: sum(mine.positive, theirs.positive),
            negative: sum(mine.negative, theirs.negative),
        };
    }

    /// As edges and counts, each edge multiplied by `factor`.
    pub fn to_native(&self, factor: Factor) -> NativeHistogram {
        let width = (-f64::from(self.scale)).exp2();
        let edge = |index: i64| (index as f64 * width).exp2();
        let threshold = if self.zero_threshold > LEAST_ZERO { self.zero_threshold } else { LEAST_ZERO };
        let mut zero = self.zero_count;
        let mut buckets = Vec::with_capacity(self.positive.len() + self.negative.len() + 1);
        for (index, count) in self.negative.iter().rev() {
            let (near, far) = (edge(i64::from(*index)), edge(i64::from(*index) + 1));
            if far <= threshold {
                zero += count;
            } else {
                let near = if near < threshold { threshold } else { near };
                buckets.push((-factor.of(far), -factor.of(near), *count as f64));
            }
        }
        let before_zero = buckets.len();
        for (index, count) in &self.positive {
            let (left, right) = (edge(i64::from(*index)), edge(i64::from(*index) + 1));
            if right <= threshold {
                zero += count;
            } else {
                let left = if left < threshold { threshold } else { left };
                buckets.push((factor.of(left), factor.of(right), *count as f64));
            }
        }
        if zero > 0 {
            buckets.insert(before_zero, (-factor.of(threshold), factor.of(threshold), zero as f64));
        }
        NativeHistogram { count: self.total(), buckets }
    }
}

/// Buckets `2^shift` times as wide; those that fall together are added.
fn merged(buckets: &[(i32, u64)], shift: i32) -> Vec<(i32, u64)> {
    let shift = shift.min(31);
    let mut result: Vec<(i32, u64)> = Vec::with_capacity(buckets.len());
    for (index, count) in buckets {
        let target = index >> shift;
        match result.last_mut() {
            Some((last, sum)) if *last == target => *sum += count,
            Some(_) | None => result.push((target, *count)),
        }
    }
    result
}

/// From one unit to another, by a division where that is exact: 5 ms are 0.005 s to the last bit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Factor {
    /// Times this.
    Times(f64),
    /// Divided by this.
    Over(f64),
}

impl Factor {
    /// No change.
    pub const NONE: Factor = Factor::Times(1.0);

    /// A number in the other unit.
    pub fn of(self, value: f64) -> f64 {
        match self {
            Factor::Times(factor) => value * factor,
            Factor::Over(divisor) => value / divisor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exponential(scale: i32, positive: Vec<(i32, u64)>) -> Exponential {
        Exponential { scale, positive, ..Exponential::default() }
    }

    #[test]
    fn edges_are_powers_of_the_base() {
        let native = exponential(1, vec![(-2, 3), (0, 1), (1, 2)]).to_native(Factor::NONE);
        let root = 2.0_f64.sqrt();
        assert_eq!(native.count, 6.0);
        assert_eq!(native.buckets[0], (0.5, 0.5_f64.sqrt(), 3.0));
        assert_eq!(native.buckets[1..], [(1.0, root, 1.0), (root, 2.0, 2.0)]);
    }

    #[test]
    fn negative_and_tiny_observations_keep_their_place() {
        let value =
            Exponential { scale: 0, zero_threshold: 1.0, zero_count: 5, positive: vec![(-1, 2), (0, 1)], negative: vec![(0, 4), (2, 1)] };
        let native = value.to_native(Factor::NONE);
        assert_eq!(native.buckets, [(-8.0, -4.0, 1.0), (-2.0, -1.0, 4.0), (-1.0, 1.0, 7.0), (1.0, 2.0, 1.0)]);
    }

    #[test]
    fn milliseconds_become_seconds_exactly() {
        for ms in [5.0, 10.0, 25.0, 75.0, 250.0, 7500.0] {
            assert_eq!(Factor::Over(1000.0).of(ms).to_string(), (ms as u64 as f64 / 1000.0).to_string());
        }
        assert_eq!(Factor::Over(1000.0).of(5.0), 0.005);
    }

    proptest! {
        #[test]
        fn adding_histograms_of_any_scales_keeps_counts(
            one in (-3_i32..12, prop::collection::btree_map(-400_i32..400, 1_u64..1000, 0..20)),
            two in (-3_i32..12, prop::collection::btree_map(-400_i32..400, 1_u64..1000, 0..20)),
        ) {
            let make = |(scale, buckets): (i32, std::collections::BTreeMap<i32, u64>)| exponential(scale, buckets.into_iter().collect());
            let (left, right) = (make(one), make(two));
            let (mut there, mut back) = (left.clone(), right.clone());
            there.add(&right);
            back.add(&left);
            prop_assert_eq!(&there, &back, "either order gives the same");
            prop_assert_eq!(there.total(), left.total() + right.total());
            prop_assert_eq!(there.scale, left.scale.min(right.scale));
            // Nothing moved out of its bucket: at every edge of the sum as many lie below as in the parts.
            let below = |value: &Exponential, edge: i64| -> u64 {
                let shift = value.scale - there.scale;
                value.positive.iter().filter(|(index, _)| i64::from(*index) < edge << shift).map(|(_, count)| *count).sum()
            };
            for (index, _) in &there.positive {
                let edge = i64::from(*index) + 1;
                prop_assert_eq!(below(&there, edge), below(&left, edge) + below(&right, edge));
            }
        }

        #[test]
        fn edges_of_a_coarser_scale_are_edges_of_a_finer_one(index in -2000_i32..2000, scale in -2_i32..8) {
            let coarse = exponential(scale, vec![(index, 1)]).to_native(Factor::NONE);
            let fine = exponential(scale + 1, vec![(2 * index, 1), (2 * index + 1, 1)]).to_native(Factor::NONE);
            if coarse.buckets[0].0 > LEAST_ZERO && coarse.buckets[0].1.is_finite() {
                prop_assert_eq!(coarse.buckets[0].0, fine.buckets[0].0);
                prop_assert_eq!(coarse.buckets[0].1, fine.buckets[1].1);
            }
        }
    }
}
