//! The exact conditional test of a rate ratio: given all events, the canary's are binomial.

use crate::arm::PerArm;
use crate::stirling::at_least;
use crate::zeroin::zeroin;

/// Logits of the canary's share of events between which an end of the interval is looked for.
const LARGEST_LOGIT: f64 = 700.0;
/// How exactly an end is found, as a logit.
const LOGIT_TOLERANCE: f64 = 1e-14;

/// A ratio of two event rates, canary / baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateRatio {
    /// The ratio of the rates; 0 without events in the canary, infinite without events in the baseline only, none without any.
    pub estimate: Option<f64>,
    /// Lower end of the exact interval; 0 without events in the canary.
    pub lower: f64,
    /// Upper end of the exact interval; infinite without events in the baseline.
    pub upper: f64,
    /// Against "the ratio is at most the bound".
    pub p_greater: f64,
    /// Against "the ratio is at least the bound".
    pub p_less: f64,
}

/// Compares events of requests. `bound` is the ratio that is tested, above 0; `confidence` in (0, 1) the interval's coverage
/// (Clopper and Pearson's, at least that). None where an arm has no requests, or `bound` or `confidence` is no such number.
/// Requests must be independent.
///
/// # Reference
/// doi:10.1093/biomet/26.4.404; checked against SciPy by `fixtures/reference/fixed_horizon.json`.
pub fn rate_ratio(events: PerArm<u64>, requests: PerArm<u64>, bound: f64, confidence: f64) -> Option<RateRatio> {
    let possible = requests.baseline > 0 && requests.canary > 0 && bound > 0.0 && bound.is_finite() && confidence > 0.0 && confidence < 1.0;
    if !possible {
        return None;
    }
    let exposure = requests.canary as f64 / requests.baseline as f64;
    let (canary, baseline) = (events.canary as f64, events.baseline as f64);
    let all = canary + baseline;
    let tail = 0.5 * (1.0 - confidence);
    let share = bound * exposure / (1.0 + bound * exposure);
    Some(RateRatio {
        estimate: (all > 0.0).then(|| canary / baseline / exposure),
        lower: if canary > 0.0 { odds_with_tail(canary, all, tail) / exposure } else { 0.0 },
        upper: if baseline > 0.0 { 1.0 / (odds_with_tail(baseline, all, tail) * exposure) } else { f64::INFINITY },
        p_greater: at_least(canary, all, share),
        p_less: at_least(baseline, all, 1.0 - share),
    })
}

/// The odds of success at which `x` > 0 or more of `n` successes have the chance `tail`.
fn odds_with_tail(x: f64, n: f64, tail: f64) -> f64 {
    let mut excess = |logit: f64| {
        let share = 1.0 / (1.0 + (-logit).exp());
        at_least(x, n, share).ln() - tail.ln()
    };
    // The chance rises from 0 to 1: about the observed share in steps that double.
    let observed = ((x + 0.5) / (n - x + 0.5)).ln();
    let (mut low, mut high, mut step) = (observed, observed, 1.0);
    while low > -LARGEST_LOGIT && excess(low) > 0.0 {
        low -= step;
        step *= 2.0;
    }
    step = 1.0;
    while high < LARGEST_LOGIT && excess(high) < 0.0 {
        high += step;
        step *= 2.0;
    }
    let (left, right) = ((low, excess(low)), (high, excess(high)));
    zeroin(left, right, LOGIT_TOLERANCE, &mut excess).unwrap_or(observed).exp()
}
