//! Sample-ratio mismatch: do the arms see the traffic that they should? Evidence alone is not enough to act on: with much
//! traffic a harmless deviation is certain. The decision asks for a large deviation as well.

use crate::arm::PerArm;
use crate::constants::{LARGEST_COUNT, SPLIT_PRIOR};
use crate::stirling::{deviance, stirling_error};

/// ln e against "requests split as expected", with [`SPLIT_PRIOR`] pseudo-requests at the expected split. `requests` per arm so
/// far; `split` in any unit, both above 0. Anything else gives 0.
///
/// # Reference
/// Lindon and Malek, "Anytime-valid inference for multinomial count data" (2022); `fixtures/reference/judge.json`, `srm_log_e`.
pub fn srm_log_e(requests: PerArm<f64>, split: PerArm<f64>) -> f64 {
    let whole = split.baseline + split.canary;
    let possible = |count: f64| (0.0..=LARGEST_COUNT).contains(&count);
    let divides = split.baseline > 0.0 && split.canary > 0.0 && whole.is_finite();
    if !(divides && possible(requests.baseline) && possible(requests.canary)) {
        return 0.0;
    }
    let (baseline, canary) = (split.baseline / whole, split.canary / whole);
    if baseline <= 0.0 || canary <= 0.0 {
        return 0.0;
    }
    // ln B(a + x, b + y) − ln B(a, b) − x ln(a / (a + b)) − y ln(b / (a + b)) by Stirling's formula: what is large cancels on
    // paper, the deviation from the expected split is left.
    let (prior_baseline, prior_canary) = (SPLIT_PRIOR * baseline, SPLIT_PRIOR * canary);
    let all = SPLIT_PRIOR + requests.baseline + requests.canary;
    let ln_beta_error = |one: f64, other: f64| {
        stirling_error(one) + stirling_error(other) - stirling_error(one + other) - 0.5 * (one / (one + other)).ln() - 0.5 * other.ln()
    };
    let (seen_baseline, seen_canary) = (prior_baseline + requests.baseline, prior_canary + requests.canary);
    deviance(seen_baseline, all * baseline) + deviance(seen_canary, all * canary) + ln_beta_error(seen_baseline, seen_canary)
        - ln_beta_error(prior_baseline, prior_canary)
}
