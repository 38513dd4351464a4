//! Shares with exact intervals, and medians that count those who never finished.

use statrs::function::beta::beta_reg;

/// Clopper and Pearson's interval of a share at 95 %; `trials` above 0.
pub fn interval(hits: u64, trials: u64) -> (f64, f64) {
    (lower(hits, trials, 0.025), upper(hits, trials, 0.025))
}

/// The share below which no more than `level` of samples show so many hits.
pub fn lower(hits: u64, trials: u64, level: f64) -> f64 {
    // P(X >= hits) grows with the share.
    if hits == 0 { 0.0 } else { root(|share| beta_reg(hits as f64, (trials - hits) as f64 + 1.0, share) - level) }
}

/// The share above which no more than `level` of samples show so few hits.
pub fn upper(hits: u64, trials: u64, level: f64) -> f64 {
    // P(X <= hits) falls with the share.
    if hits >= trials { 1.0 } else { root(|share| beta_reg(hits as f64 + 1.0, (trials - hits) as f64, share) - (1.0 - level)) }
}

/// P(X >= hits) where each trial hits with this probability.
pub fn at_least(hits: u64, trials: u64, probability: f64) -> f64 {
    if hits == 0 {
        1.0
    } else if hits > trials {
        0.0
    } else {
        beta_reg(hits as f64, (trials - hits) as f64 + 1.0, probability)
    }
}

/// Of an increasing function on 0..1.
fn root(function: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if function(middle) < 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The window by which this share of all trials was done; none: fewer ever were. `by_window[w]`: done at window w.
pub fn quantile(by_window: &[u64], trials: u64, share: f64) -> Option<usize> {
    let wanted = (share * trials as f64).ceil().max(1.0) as u64;
    let mut done = 0;
    by_window.iter().position(|count| {
        done += count;
        done >= wanted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_clopper_and_pearsons() {
        // R: binom.test(0, 2000), binom.test(20, 2000), binom.test(10, 10).
        let close = |found: (f64, f64), wanted: (f64, f64)| {
            assert!((found.0 - wanted.0).abs() < 2e-6 && (found.1 - wanted.1).abs() < 2e-6, "{found:?} {wanted:?}");
        };
        close(interval(0, 2000), (0.0, 1.0 - 0.025_f64.powf(1.0 / 2000.0)));
        close(interval(10, 10), (0.025_f64.powf(0.1), 1.0));
        let (low, high) = interval(20, 2000);
        assert!((at_least(20, 2000, low) - 0.025).abs() < 1e-9 && (1.0 - at_least(21, 2000, high) - 0.025).abs() < 1e-9);
        assert!((0.006..0.0063).contains(&low) && (0.0153..0.0155).contains(&high), "{low} {high}");
    }

    #[test]
    fn those_who_never_finish_count() {
        assert_eq!(quantile(&[0, 0, 3, 1, 1], 10, 0.5), Some(4));
        assert_eq!(quantile(&[0, 0, 3, 1, 1], 11, 0.5), None);
        assert_eq!(quantile(&[0, 0, 3, 1, 1], 10, 0.1), Some(2));
    }

    #[test]
    fn the_tail_is_the_binomials() {
        assert!((at_least(1, 3, 0.5) - 0.875).abs() < 1e-12);
        assert!((at_least(3, 3, 0.5) - 0.125).abs() < 1e-12);
        assert_eq!((at_least(0, 3, 0.5), at_least(4, 3, 0.5)), (1.0, 0.0));
    }
}
