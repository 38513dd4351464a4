//! Where measurements come from, and how they get onto one grid. Knows nothing of what counts as a breach.
//!
//! Start at [`source::Source`] and [`samples`].

pub mod align;
pub mod error;
pub mod exemplars;
pub mod matching;
pub mod otlp;
pub mod prometheus;
pub mod pseudo_canary;
pub mod recording;
pub mod samples;
pub mod selector;
pub mod source;
pub mod template;
