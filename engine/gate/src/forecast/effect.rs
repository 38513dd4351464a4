//! What is wrong with a simulated canary: one window's reading, made worse.

use std::sync::Arc;

use davy_judge::histogram::{survival, tail_ratio};
use davy_judge::reading::{BucketCounts, Reading};
use davy_sources::pseudo_canary::binomial;
use rand_chacha::rand_core::Rng;

/// How a canary differs from its baseline in one metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Values (latencies, ready values, totals) are multiplied by this; above 0.
    Times(f64),
    /// This is added to ready values.
    Plus(f64),
    /// Latencies take longer.
    Slower(Arc<Slowdown>),
    /// Events are this share of all requests, where the past had the second; both 0..=1.
    Rate(f64, f64),
}

/// A reading as it would have been with the effect. Counts stay whole numbers: each request is drawn for itself.
pub fn changed(reading: &Reading, effect: &Effect, random: &mut impl Rng) -> Reading {
    match (reading, effect) {
        (Reading::Value(value), Effect::Times(factor)) => Reading::Value(value * factor),
        (Reading::Value(value), Effect::Plus(more)) => Reading::Value(value + more),
        (Reading::Total(total), Effect::Times(factor)) if *factor < 1.0 => Reading::Total(drawn(random, *total, *factor)),
        (Reading::Total(total), Effect::Times(factor)) => Reading::Total(total * factor),
        (Reading::Counts { events, requests }, Effect::Rate(rate, before)) => {
            let events = if rate >= before {
                // Of those that were fine, so many fail too.
                events + drawn(random, requests - events, ((rate - before) / (1.0 - before)).clamp(0.0, 1.0))
            } else {
                drawn(random, *events, rate / before)
            };
            Reading::Counts { events, requests: *requests }
        }
        (Reading::Histogram(counts), Effect::Slower(slowdown)) => {
            slowdown.apply(counts, random).map_or(Reading::Missing, Reading::Histogram)
        }
        // What the effect does not speak of stays.
        (Reading::Missing | Reading::Value(_) | Reading::Total(_) | Reading::Counts { .. } | Reading::Histogram(_), _) => reading.clone(),
    }
}

/// How observations move between buckets when each takes `factor` times as long: learned from the tail of a pooled histogram,
/// because a single window's is too thin to interpolate.
#[derive(Debug, Clone, PartialEq)]
pub struct Slowdown {
    bounds: Arc<[f64]>,
    /// Per bucket: the probability to end above each bound, descending.
    above: Vec<Vec<f64>>,
}

impl Slowdown {
    /// For a service whose latencies are so. `factor` above 0. None: the histogram tells no tail.
    pub fn new(pooled: &BucketCounts, factor: f64) -> Option<Slowdown> {
        let bounds = pooled.bounds();
        let survival = survival(pooled);
        // S(bound / factor), on the same axes on which the judge expects a slower canary.
        let after: Vec<f64> = (0..bounds.len())
            .map(|at| {
                let after = tail_ratio(bounds, &survival, at, factor).map_or(survival[at], |ratio| ratio * survival[at]);
                after.clamp(0.0, 1.0)
            })
            .collect();
        let above = (0..=bounds.len()).map(|bucket| {
            let (from, to) = (if bucket == 0 { 1.0 } else { survival[bucket - 1] }, survival.get(bucket).copied().unwrap_or(0.0));
            let moved = |(at, after): (usize, &f64)| {
                if from > to {
                    ((after - to) / (from - to)).clamp(0.0, 1.0)
                } else {
                    // Nobody was in this bucket: whoever is there now stays.
                    f64::from(u8::from(bucket > at))
                }
            };
            after.iter().enumerate().map(moved).collect()
        });
        let above: Vec<Vec<f64>> = above.collect();
        (pooled.total() > 0.0 && !bounds.is_empty()).then(|| Slowdown { bounds: bounds.clone(), above })
    }

    /// One window's observations after the slowdown; each moves for itself. None: its buckets are others.
    fn apply(&self, counts: &BucketCounts, random: &mut impl Rng) -> Option<BucketCounts> {
        if *counts.bounds() != self.bounds {
            return None;
        }
        let mut moved = vec![0.0; counts.counts().len()];
        for (count, above) in counts.counts().iter().zip(&self.above) {
            let (mut left, mut share_left) = (*count, 1.0);
            for (target, slot) in moved.iter_mut().enumerate() {
                let beyond = above.get(target).copied().unwrap_or(0.0);
                let here = if share_left > 0.0 { ((share_left - beyond) / share_left).clamp(0.0, 1.0) } else { 0.0 };
                let taken = if target == above.len() { left } else { drawn(random, left, here) };
                *slot += taken;
                left -= taken;
                share_left = if beyond < share_left { beyond } else { share_left };
            }
        }
        BucketCounts::new(self.bounds.clone(), moved)
    }
}

/// How many of `count` come up with this probability; a fraction (extrapolated counts have one) keeps its share.
pub(super) fn drawn(random: &mut impl Rng, count: f64, probability: f64) -> f64 {
    let whole = count.floor();
    binomial(random, whole as u64, probability) as f64 + (count - whole) * probability.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn random() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(3)
    }

    #[test]
    fn a_slower_canary_is_so_many_times_slower_in_coarse_buckets_too() {
        // A lognormal tail of median 60 ms, sigma 0.6, in buckets that are far apart.
        let bounds: Arc<[f64]> = Arc::from([0.05, 0.1, 0.2, 0.3, 0.45, 0.7, 1.5]);
        let above = |latency: f64| 0.5 * erfc((latency / 0.06).ln() / 0.6 / std::f64::consts::SQRT_2);
        let mut edges = vec![1.0];
        edges.extend(bounds.iter().map(|bound| above(*bound)));
        edges.push(0.0);
        let counts: Vec<f64> = edges.windows(2).map(|pair| (1e7 * (pair[0] - pair[1])).round()).collect();
        let usual = BucketCounts::new(bounds.clone(), counts).expect("sane counts");
        for factor in [1.0, 1.16, 1.5] {
            let slow = Slowdown::new(&usual, factor).expect("a tail").apply(&usual, &mut random()).expect("the same buckets");
            assert!((slow.total() - usual.total()).abs() < 1e-6, "{factor}");
            let exceeding = survival(&slow)[3];
            let wanted = above(0.3 / factor);
            assert!((exceeding / wanted - 1.0).abs() < 0.15, "{factor}: {exceeding} of {wanted}");
        }
        assert_eq!(Slowdown::new(&BucketCounts::new(bounds, vec![0.0; 8]).expect("sane counts"), 1.5), None);
    }

    /// Abramowitz and Stegun 7.1.26, to 1.5e-7.
    fn erfc(x: f64) -> f64 {
        let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
        let tail = t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
        let tail = tail * (-x * x).exp();
        if x >= 0.0 { tail } else { 2.0 - tail }
    }

    #[test]
    fn rates_and_totals_come_out_as_asked() {
        let counts = Reading::Counts { events: 1_000.0, requests: 1_000_000.0 };
        for rate in [0.0, 0.0005, 0.001, 0.02, 1.0] {
            let Reading::Counts { events, requests } = changed(&counts, &Effect::Rate(rate, 0.001), &mut random()) else {
                panic!("counts")
            };
            assert_eq!(requests, 1_000_000.0);
            assert!((events - rate * 1e6).abs() < 6.0 * (rate * 1e6).sqrt() + 1.0, "{rate}: {events}");
        }
        let Reading::Total(total) = changed(&Reading::Total(1e6), &Effect::Times(0.5), &mut random()) else { panic!("a total") };
        assert!((total - 5e5).abs() < 5_000.0);
        assert_eq!(changed(&Reading::Value(2.0), &Effect::Plus(0.5), &mut random()), Reading::Value(2.5));
        assert_eq!(changed(&Reading::Missing, &Effect::Times(2.0), &mut random()), Reading::Missing);
    }
}
