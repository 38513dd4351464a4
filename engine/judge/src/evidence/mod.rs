//! Evidence: running odds against a bound, kept as ln e, never looked at too often.

pub mod against_limit;
pub mod calibrated;
pub mod counts;
pub mod uncalibrated;

mod mixture;
mod side;
mod temper;

pub use side::{Side, average, late_starts, weighted_mean};
