//! Sample-ratio mismatch: do the arms see the traffic that they should?

use crate::arm::PerArm;

/// ln e against "requests split as expected". `split` in any unit, both above 0; anything else gives 0.
pub fn srm_log_e(_requests: PerArm<f64>, _split: PerArm<f64>) -> f64 {
    unimplemented!()
}
