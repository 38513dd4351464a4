//! Thinning: which of a reading's requests a smaller pseudo-canary would have seen. Every request is kept or not by itself,
//! so the rest is again a sample of the same service.

use davy_judge::reading::{BucketCounts, Reading};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::binomial::binomial;

/// Counts from here on are scaled instead of drawn: `f64` no longer tells neighbours apart.
const LARGEST_DRAWN: f64 = 9.0e15;

/// Where random numbers are needed: the same place gives the same numbers, whatever was drawn elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub seed: u64,
    pub metric: usize,
    pub row: usize,
    pub end_ms: i64,
}

impl Place {
    fn generator(&self) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&(self.metric as u64).to_le_bytes());
        key[16..24].copy_from_slice(&(self.row as u64).to_le_bytes());
        key[24..].copy_from_slice(&self.end_ms.to_le_bytes());
        ChaCha8Rng::from_seed(key)
    }
}

/// Keeps each request with probability `keep`; events and other requests each for themselves, so do buckets. A ready value
/// cannot be thinned and stays. With `keep` of 1 or more nothing changes.
pub(super) fn thinned(reading: &Reading, keep: f64, place: Place) -> Reading {
    if keep >= 1.0 {
        return reading.clone();
    }
    let mut random = place.generator();
    match reading {
        Reading::Missing | Reading::Value(_) => reading.clone(),
        Reading::Total(total) => Reading::Total(draw(&mut random, *total, keep)),
        Reading::Counts { events, requests } => {
            let kept_events = draw(&mut random, *events, keep);
            let kept_others = draw(&mut random, requests - events, keep);
            let kept = kept_events + kept_others;
            // Without requests a ratio is unknown.
            if kept > 0.0 { Reading::Counts { events: kept_events, requests: kept } } else { Reading::Missing }
        }
        Reading::Histogram(counts) => {
            let kept: Vec<f64> = counts.counts().iter().map(|count| draw(&mut random, *count, keep)).collect();
            match BucketCounts::new(counts.bounds().clone(), kept) {
                Some(kept) if kept.total() > 0.0 => Reading::Histogram(kept),
                Some(_) | None => Reading::Missing,
            }
        }
    }
}

/// Extrapolated counts have a fraction; its share is kept as it is.
fn draw(random: &mut ChaCha8Rng, count: f64, keep: f64) -> f64 {
    if count >= LARGEST_DRAWN {
        return count * keep;
    }
    let whole = count.floor();
    binomial(random, whole as u64, keep) as f64 + (count - whole) * keep
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const PLACE: Place = Place { seed: 42, metric: 1, row: 2, end_ms: 3 };

    #[test]
    fn a_place_always_draws_the_same_and_its_neighbours_differ() {
        let reading = Reading::Total(1e6);
        let first = thinned(&reading, 0.3, PLACE);
        assert_eq!(first, thinned(&reading, 0.3, PLACE));
        for other in [Place { seed: 43, ..PLACE }, Place { metric: 2, ..PLACE }, Place { row: 3, ..PLACE }, Place { end_ms: 4, ..PLACE }] {
            assert_ne!(first, thinned(&reading, 0.3, other), "{other:?}");
        }
    }

    #[test]
    fn the_bytes_are_pinned() {
        // Recordings replay to the same bytes only while these numbers stay.
        assert_eq!(thinned(&Reading::Total(1000.0), 0.5, PLACE), Reading::Total(494.0));
        assert_eq!(thinned(&Reading::Total(20.0), 0.1, PLACE), Reading::Total(1.0));
    }

    #[test]
    fn each_kind_keeps_its_share() {
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 6.0 * wanted.sqrt(), "{found} of {wanted}");
        match thinned(&Reading::Counts { events: 10_000.0, requests: 1_000_000.0 }, 0.25, PLACE) {
            Reading::Counts { events, requests } => {
                near(events, 2_500.0);
                near(requests, 250_000.0);
            }
            other => panic!("{other:?}"),
        }
        let counts = BucketCounts::new(Arc::from([0.1, 0.5]), vec![40_000.0, 0.0, 4_000.0]).unwrap();
        match thinned(&Reading::Histogram(counts), 0.25, PLACE) {
            Reading::Histogram(kept) => {
                near(kept.counts()[0], 10_000.0);
                assert_eq!(kept.counts()[1], 0.0);
                near(kept.counts()[2], 1_000.0);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(thinned(&Reading::Value(3.0), 0.25, PLACE), Reading::Value(3.0));
        assert_eq!(thinned(&Reading::Missing, 0.25, PLACE), Reading::Missing);
    }

    #[test]
    fn nothing_changes_without_thinning_and_nothing_left_is_a_gap() {
        let reading = Reading::Counts { events: 1.0, requests: 2.0 };
        assert_eq!(thinned(&reading, 1.0, PLACE), reading);
        assert_eq!(thinned(&reading, 1e-12, PLACE), Reading::Missing);
        assert_eq!(thinned(&Reading::Total(2.0), 1e-12, PLACE), Reading::Total(0.0));
    }

    #[test]
    fn a_fraction_keeps_its_share() {
        assert_eq!(thinned(&Reading::Total(0.5), 0.5, PLACE), Reading::Total(0.25));
    }
}
