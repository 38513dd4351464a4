//! From samples to windows: one grid for everything, exact increments, gaps kept as gaps.
//!
//! Windows are (start, end]. A window's content depends only on samples at or before its end, and on the set of samples,
//! never on the order or the portions in which they came. Start at [`Aligner`].

mod aligner;
mod chosen;
mod classic;
mod counter;
mod grid;
mod native;
mod reading;
mod sliced;
mod target;
mod track;
mod window;

pub use aligner::{Aligner, Trust};
pub use grid::Grid;
pub(crate) use track::Track;
pub(crate) use window::merged;
pub use window::{AlignedWindow, Gaps, InstanceReadings, SliceKey, SliceReadings};
