//! Where measurements come from, and how they get onto one grid. Knows nothing of what counts as a breach.
//!
//! Start at [`source::Source`] and [`samples`].

pub mod error;
pub mod samples;
pub mod source;
