//! The service's latency: lognormal, median 100 ms, sigma .6, hence a P99 of 404 ms.

use std::sync::LazyLock;

use davy_sources::samples::NativeHistogram;
use statrs::function::erf::{erfc, erfc_inv};

use crate::random::Draws;

/// Seconds.
pub const MEDIAN: f64 = 0.1;
/// Of the logarithm.
pub const SIGMA: f64 = 0.6;
/// The quantile that everybody looks at.
pub const QUANTILE: f64 = 0.99;
/// The share of requests that a tail-only regression hits, and how many times longer they take.
pub const TAIL_ONLY: (f64, f64) = (0.03, 4.0);
/// Prometheus' default bucket bounds.
pub const CLASSIC: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

const TABLE_FROM: f64 = -9.0;
const TABLE_PER_UNIT: f64 = 512.0;
static TABLE: LazyLock<Vec<f64>> = LazyLock::new(|| {
    (0..=(18.0 * TABLE_PER_UNIT) as usize)
        .map(|at| 0.5 * erfc((TABLE_FROM + at as f64 / TABLE_PER_UNIT) / std::f64::consts::SQRT_2))
        .collect()
});

/// Bounds of a native histogram of schema 3 (each 2^(1/8) times the one before) that the service can reach, from 125 ms to 16 s;
/// its zero threshold is 125 ms, because nobody looks below, and simulating it would cost most of the time.
pub static NATIVE: LazyLock<Vec<f64>> = LazyLock::new(|| (-24..=32).map(|at| (f64::from(at) / 8.0).exp2()).collect());

/// P99 of the healthy service, seconds.
pub fn nominal() -> f64 {
    MEDIAN * (SIGMA * normal_quantile(QUANTILE)).exp()
}

/// The standard normal's quantile.
pub fn normal_quantile(share: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * share)
}

/// The standard normal's upper tail, from a table.
pub fn normal_tail(z: f64) -> f64 {
    let place = (z - TABLE_FROM) * TABLE_PER_UNIT;
    if place <= 0.0 {
        return 1.0;
    }
    let at = place as usize;
    if at + 1 >= TABLE.len() {
        return 0.0;
    }
    let part = place - at as f64;
    TABLE[at] * (1.0 - part) + TABLE[at + 1] * part
}

/// One window's latencies in one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// How much slower than the healthy service all requests are, in log units.
    pub shift: f64,
    /// Whether a tail-only regression is there too.
    pub tail_only: bool,
}

impl Latency {
    /// The share of requests that take longer than so many seconds; `ln_bound` is ln(bound / median).
    pub fn survival(&self, ln_bound: f64) -> f64 {
        let z = (ln_bound - self.shift) / SIGMA;
        if self.tail_only {
            let (share, factor) = TAIL_ONLY;
            (1.0 - share) * normal_tail(z) + share * normal_tail(z - factor.ln() / SIGMA)
        } else {
            normal_tail(z)
        }
    }

    /// The P99 of so many requests, seconds, as interpolation between counts finds it: half-way, in logs, between the two order
    /// statistics at its rank. Of few requests it reads low: by 5 % of 200.
    pub fn sampled_p99(&self, draws: &mut Draws, requests: f64) -> f64 {
        let rank = (QUANTILE * requests).ceil();
        let below = draws.order_statistic(rank, requests);
        // The next one, given this one: the smallest of those that are left.
        let next = 1.0 - (1.0 - below) * draws.uniform().powf(1.0 / (requests - rank).max(1.0));
        MEDIAN * (0.5 * (self.ln_quantile(below) + self.ln_quantile(next))).exp()
    }

    /// ln(latency / median) below which this share of requests is.
    fn ln_quantile(&self, below: f64) -> f64 {
        if self.tail_only {
            let (mut low, mut high) = (-6.0, 6.0);
            for _ in 0..50 {
                let middle = 0.5 * (low + high);
                if self.survival(middle) > 1.0 - below { low = middle } else { high = middle }
            }
            0.5 * (low + high)
        } else {
            self.shift + SIGMA * normal_quantile(below)
        }
    }

    /// So many requests by bucket: (…, b0], (b0, b1], …, (last, ∞). `ln_bounds`: ln(bound / median).
    pub fn counts(&self, draws: &mut Draws, requests: f64, ln_bounds: &[f64], counts: &mut Vec<f64>) {
        counts.clear();
        counts.resize(ln_bounds.len() + 1, 0.0);
        let (mut left, mut above) = (requests, 0.0);
        for bucket in (0..=ln_bounds.len()).rev() {
            if left <= 0.0 {
                break;
            }
            let survival = if bucket == 0 { 1.0 } else { self.survival(ln_bounds[bucket - 1]) };
            let here = survival - above;
            if here > 1e-12 {
                let drawn = if bucket == 0 { left } else { draws.binomial(left, here / (1.0 - above)) };
                counts[bucket] = drawn;
                left -= drawn;
            }
            above = survival;
        }
    }
}

/// A native histogram's reading from cumulative counts by bucket, as [`Latency::counts`] orders them; the first bound opens the
/// second bucket, and what lies below it is in a bucket of its own from zero.
pub fn native_reading(totals: &[f64]) -> NativeHistogram {
    let bounds = &*NATIVE;
    let edge = |at: usize| if at < bounds.len() { bounds[at] } else { f64::INFINITY };
    let bucket = |(at, count): (usize, &f64)| (if at == 0 { 0.0 } else { bounds[at - 1] }, edge(at), *count);
    NativeHistogram {
        count: totals.iter().sum(),
        buckets: totals.iter().enumerate().filter(|(_, count)| **count > 0.0).map(bucket).collect(),
    }
}

/// P99 as Prometheus interpolates it in classic buckets: linear within a bucket; beyond the last bound, that bound.
pub fn interpolated_p99(bounds: &[f64], counts: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    let rank = QUANTILE * total;
    let mut before = 0.0;
    for (at, count) in counts.iter().enumerate() {
        if before + count >= rank && *count > 0.0 {
            let Some(right) = bounds.get(at) else { break };
            let left = if at == 0 { 0.0 } else { bounds[at - 1] };
            return left + (right - left) * (rank - before) / count;
        }
        before += count;
    }
    if total > 0.0 { bounds[bounds.len() - 1] } else { f64::NAN }
}
