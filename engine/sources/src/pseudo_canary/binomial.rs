//! Binomial random numbers, the same on every machine for the same generator: inversion where few successes are expected,
//! else Hörmann's transformed rejection with squeeze (BTRS). Both are exact but for the rounding of `f64`.
//!
//! Reference: W. Hörmann, *The generation of binomial random variates*, Journal of Statistical Computation and Simulation
//! 46 (1993), doi:10.1080/00949659308811496.

use rand_chacha::rand_core::Rng;

/// Below this many expected successes inversion is used; the rejection's constants hold from here on.
const INVERSION_BELOW: f64 = 10.0;

/// Successes in `n` trials of probability `p`; `p` outside 0..=1 counts as the nearer end. `n` is below 2^53.
pub fn binomial(random: &mut impl Rng, n: u64, p: f64) -> u64 {
    if n == 0 || p.is_nan() || p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    let rarer = if p > 0.5 { 1.0 - p } else { p };
    let successes = if n as f64 * rarer < INVERSION_BELOW { inversion(random, n, rarer) } else { rejection(random, n, rarer) };
    if p > 0.5 { n - successes } else { successes }
}

/// Uniform in 0..1, with 53 bits.
fn uniform(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Walks up the distribution function. With `n · p < 10` and `p <= 0.5` the first term is at least e^-14.
fn inversion(random: &mut impl Rng, n: u64, p: f64) -> u64 {
    let odds = p / (1.0 - p);
    let mut probability = (n as f64 * (-p).ln_1p()).exp();
    let mut left = uniform(random);
    let mut successes = 0;
    while left >= probability && successes < n {
        left -= probability;
        probability *= odds * (n - successes) as f64 / (successes + 1) as f64;
        successes += 1;
        // Rounding may leave a rest that no term covers any more.
        if probability <= 0.0 {
            break;
        }
    }
    successes
}

/// BTRS, with the names of the paper.
fn rejection(random: &mut impl Rng, n: u64, p: f64) -> u64 {
    let trials = n as f64;
    let spq = (trials * p * (1.0 - p)).sqrt();
    let b = 1.15 + 2.53 * spq;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let c = trials * p + 0.5;
    let v_r = 0.92 - 4.2 / b;
    let alpha = (2.83 + 5.1 / b) * spq;
    let odds = p / (1.0 - p);
    let mode = ((trials + 1.0) * p).floor();
    loop {
        let u = uniform(random) - 0.5;
        let v = uniform(random);
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + c).floor();
        if !(0.0..=trials).contains(&k) {
            continue;
        }
        if us >= 0.07 && v <= v_r {
            return k as u64;
        }
        let bound = (v * alpha / (a / (us * us) + b)).ln();
        let log_ratio = (mode + 0.5) * ((mode + 1.0) / (odds * (trials - mode + 1.0))).ln()
            + (trials + 1.0) * ((trials - mode + 1.0) / (trials - k + 1.0)).ln()
            + (k + 0.5) * (odds * (trials - k + 1.0) / (k + 1.0)).ln()
            + stirling_tail(mode)
            + stirling_tail(trials - mode)
            - stirling_tail(k)
            - stirling_tail(trials - k);
        if bound <= log_ratio {
            return k as u64;
        }
    }
}

/// ln k! − [½ ln 2π + (k + ½) ln(k + 1) − (k + 1)].
fn stirling_tail(k: f64) -> f64 {
    const TABLE: [f64; 10] = [
        0.081_061_466_795_327_26,
        0.041_340_695_955_409_29,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_09,
        0.016_644_691_189_821_19,
        0.013_876_128_823_070_75,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_09,
        0.009_255_462_182_712_733,
        0.008_330_563_433_362_87,
    ];
    if let Some(value) = TABLE.get(k as usize) {
        return *value;
    }
    let next = k + 1.0;
    let square = next * next;
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / next
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    const DRAWS: usize = 40_000;

    /// Probabilities of 0..=n, from the ratio of neighbours, outward from the mode: no gamma function needed.
    fn probabilities(n: u64, p: f64) -> Vec<f64> {
        let size = usize::try_from(n).unwrap() + 1;
        let mode = usize::try_from(((n as f64 + 1.0) * p) as u64).unwrap().min(size - 1);
        let mut found = vec![0.0; size];
        found[mode] = 1.0;
        for k in mode + 1..size {
            found[k] = found[k - 1] * p / (1.0 - p) * (size - k) as f64 / k as f64;
        }
        for k in (0..mode).rev() {
            found[k] = found[k + 1] * (1.0 - p) / p * (k + 1) as f64 / (size - 1 - k) as f64;
        }
        let sum: f64 = found.iter().sum();
        found.iter().map(|value| value / sum).collect()
    }

    /// The quantile of chi-squared that is passed with probability 1e-6 (Wilson and Hilferty).
    fn critical(degrees: f64) -> f64 {
        let spread = 2.0 / (9.0 * degrees);
        degrees * (1.0 - spread + 4.753_424 * spread.sqrt()).powi(3)
    }

    #[test]
    fn draws_follow_the_exact_probabilities() {
        // Inversion, both sides of the change to rejection, rejection, p above one half. A right sampler fails one of
        // these nine with probability 1e-5; the seed is fixed, so it does not.
        let cases = [(1, 0.3), (20, 0.3), (1_000, 0.004), (33, 0.3), (34, 0.3), (40, 0.5), (1_000, 0.2), (100_000, 0.37), (500, 0.93)];
        for (n, p) in cases {
            let mut random = ChaCha8Rng::seed_from_u64(20_261_124);
            let expected = probabilities(n, p);
            let mut seen = vec![0_u64; expected.len()];
            for _ in 0..DRAWS {
                seen[usize::try_from(binomial(&mut random, n, p)).unwrap()] += 1;
            }
            // Neighbours are put together until each class expects at least 10.
            let (mut statistic, mut classes) = (0.0, 0.0);
            let (mut wanted, mut found, mut wanted_left) = (0.0, 0.0, DRAWS as f64);
            for (probability, count) in expected.iter().zip(&seen) {
                wanted += probability * DRAWS as f64;
                found += *count as f64;
                if wanted >= 10.0 && wanted_left - wanted >= 10.0 {
                    statistic += (found - wanted) * (found - wanted) / wanted;
                    classes += 1.0;
                    wanted_left -= wanted;
                    (wanted, found) = (0.0, 0.0);
                }
            }
            statistic += (found - wanted) * (found - wanted) / wanted;
            assert!(classes >= 1.0, "n {n} p {p}");
            assert!(statistic < critical(classes), "n {n} p {p}: {statistic} with {classes} degrees of freedom");
        }
    }

    #[test]
    fn huge_counts_have_the_right_mean_and_spread() {
        let (n, p) = (1_000_000_000_000_u64, 0.123);
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let draws: Vec<f64> =
            (0..4_000).map(|_| (binomial(&mut random, n, p) as f64 - n as f64 * p) / (n as f64 * p * (1.0 - p)).sqrt()).collect();
        let mean = draws.iter().sum::<f64>() / 4_000.0;
        let variance = draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum::<f64>() / 4_000.0;
        // Five standard errors.
        assert!(mean.abs() < 5.0 / 4_000_f64.sqrt(), "{mean}");
        assert!((variance - 1.0).abs() < 5.0 * (2.0_f64 / 4_000.0).sqrt(), "{variance}");
    }

    #[test]
    fn edges_are_certain() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for (n, p, successes) in [(0, 0.5, 0), (9, 0.0, 0), (9, 1.0, 9), (9, -1.0, 0), (9, 2.0, 9), (9, f64::NAN, 0)] {
            assert_eq!(binomial(&mut random, n, p), successes, "n {n} p {p}");
        }
    }
}
