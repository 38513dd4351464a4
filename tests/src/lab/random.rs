//! Random numbers that are the same on every machine: ChaCha8 with literal seeds.

use std::f64::consts::TAU;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of draws.
#[derive(Debug, Clone)]
pub struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream of a seed; different seeds give independent streams.
    pub fn new(seed: u64) -> Self {
        Draws(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Exponential with the given rate: the time to the next arrival of a Poisson stream.
    pub fn exponential(&mut self, rate: f64) -> f64 {
        -self.uniform().ln() / rate
    }

    /// How many arrivals of a Poisson stream there are where `mean` are expected.
    pub fn poisson(&mut self, mean: f64) -> f64 {
        let (mut count, mut waited) = (0.0, self.exponential(1.0));
        while waited <= mean {
            count += 1.0;
            waited += self.exponential(1.0);
        }
        count
    }

    /// Lognormal with the given median and the given standard deviation of its logarithm.
    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        let normal = (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos();
        median * (sigma * normal).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::Draws;

    #[test]
    fn a_seed_gives_the_same_draws_again() {
        let first: Vec<f64> = std::iter::repeat_with({
            let mut draws = Draws::new(7);
            move || draws.lognormal(0.1, 0.6)
        })
        .take(100)
        .collect();
        let mut again = Draws::new(7);
        assert!(first.iter().all(|value| *value == again.lognormal(0.1, 0.6)));
        assert_ne!(first[0], Draws::new(8).lognormal(0.1, 0.6));
    }

    #[test]
    fn draws_have_the_distribution_that_they_claim() {
        let mut draws = Draws::new(1);
        let count = 100_000;
        let slow = (0..count).filter(|_| draws.lognormal(0.1, 0.6) > 0.4).count();
        // S(0.4) of lognormal(0.1, 0.6) is 0.01043; five standard errors are 0.0016.
        assert!((slow as f64 / f64::from(count) - 0.01043).abs() < 0.0016, "{slow}");
        let mean_gap = (0..count).map(|_| draws.exponential(200.0)).sum::<f64>() / f64::from(count);
        assert!((mean_gap - 0.005).abs() < 0.000_08, "{mean_gap}");
        let heads = (0..count).filter(|_| draws.chance(0.03)).count();
        assert!((heads as f64 / f64::from(count) - 0.03).abs() < 0.0027, "{heads}");
        let arrivals: Vec<f64> = (0..10_000).map(|_| draws.poisson(7.5)).collect();
        let mean = arrivals.iter().sum::<f64>() / 10_000.0;
        let variance = arrivals.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 10_000.0;
        assert!((mean - 7.5).abs() < 0.14 && (variance - 7.5).abs() < 0.55, "{mean}, {variance}");
    }
}
