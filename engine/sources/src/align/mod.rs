//! From samples to windows: one grid for everything, exact increments, gaps kept as gaps.
//!
//! Windows are (start, end]. A window's content depends only on samples at or before its end, and on the set of samples,
//! never on the order or the portions in which they came. Start at [`Aligner`].

mod aligner;
mod grid;
mod window;

pub use aligner::Aligner;
pub use grid::Grid;
pub use window::{AlignedWindow, Gaps, InstanceReadings};
