//! Random numbers that are the same on every machine: ChaCha8 from a literal seed, a cell's name and a replicate.

use std::f64::consts::TAU;

use davy_sources::pseudo_canary::binomial;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The published run's seed.
pub const SEED: &str = "davy operating characteristics, published";
/// The seed of everything else: nobody tunes to the published draws.
pub const EXPERIMENTS: &str = "davy operating characteristics, experiments";

/// A stream of draws.
#[derive(Debug, Clone)]
pub struct Draws {
    random: ChaCha8Rng,
    second_normal: Option<f64>,
}

impl Draws {
    /// The stream of one replicate of one cell.
    pub fn new(seed: &str, cell: &str, replicate: u64) -> Self {
        let mut hash = Sha256::new();
        for part in [seed, cell] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(replicate.to_le_bytes());
        Draws { random: ChaCha8Rng::from_seed(hash.finalize().into()), second_normal: None }
    }

    /// Uniform in (0, 1), with 52 bits.
    pub fn uniform(&mut self) -> f64 {
        ((self.random.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Normal, mean 0, standard deviation 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        if let Some(second) = self.second_normal.take() {
            return second;
        }
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let (sine, cosine) = (TAU * self.uniform()).sin_cos();
        self.second_normal = Some(radius * sine);
        radius * cosine
    }

    /// Student's t with three degrees of freedom, divided by its standard deviation √3.
    pub fn heavy(&mut self) -> f64 {
        let squares: f64 = (0..3).map(|_| self.normal().powi(2)).sum();
        self.normal() / squares.sqrt()
    }

    /// Gamma of shape at least 1 and scale 1 (Marsaglia and Tsang).
    fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// The share of a population below its `rank`-th smallest of `count` independent members; `1 <= rank <= count`.
    pub fn order_statistic(&mut self, rank: f64, count: f64) -> f64 {
        let (below, above) = (self.gamma(rank), self.gamma(count - rank + 1.0));
        below / (below + above)
    }

    /// Successes in `trials` of this probability; `trials` is a whole number.
    pub fn binomial(&mut self, trials: f64, probability: f64) -> f64 {
        binomial(&mut self.random, trials as u64, probability) as f64
    }
}
