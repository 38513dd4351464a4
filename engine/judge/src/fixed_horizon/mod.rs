//! Tests for a single look at a fixed time: no evidence, for they do not bear watching; what they give is labelled so.

pub mod hodges_lehmann;
pub mod kayenta;
pub mod mann_whitney;
pub mod rate_ratio;

mod differences;

pub use hodges_lehmann::{Shift, hodges_lehmann};
pub use mann_whitney::{MannWhitney, mann_whitney};
pub use rate_ratio::{RateRatio, rate_ratio};
