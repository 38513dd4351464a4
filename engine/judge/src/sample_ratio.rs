//! Sample-ratio mismatch: do the arms see the traffic that they should? Evidence alone is not enough to act on: with much
//! traffic a harmless deviation is certain. The decision asks for a large deviation as well.

use statrs::function::gamma::ln_gamma;

use crate::arm::PerArm;
use crate::constants::{LARGEST_COUNT, SPLIT_PRIOR};

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
    let ln_beta = |one: f64, other: f64| ln_gamma(one) + ln_gamma(other) - ln_gamma(one + other);
    let (prior_canary, prior_baseline) = (SPLIT_PRIOR * canary, SPLIT_PRIOR * baseline);
    ln_beta(prior_canary + requests.canary, prior_baseline + requests.baseline)
        - ln_beta(prior_canary, prior_baseline)
        - requests.canary * canary.ln()
        - requests.baseline * baseline.ln()
}
