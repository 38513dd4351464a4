//! Pseudo-canaries: parts of the baseline that play the canary, so that one learns how a comparison behaves when nothing
//! is wrong. Disjoint groups of instances, thinned to the canary's traffic.
//!
//! [`choose`] cuts the baseline once per metric and traffic step; [`PseudoCanaries::rows`] makes the history's rows, and
//! [`PseudoCanaries::today`] watches the same groups during the run.

mod binomial;
mod choose;
mod level_shift;
mod rows;
mod thinning;

pub use binomial::binomial;
pub use choose::choose;

use crate::align::AlignedWindow;

/// The baseline's past, window by window: ascending, no window left out (a gap is a window without readings). Only the
/// baseline's readings are looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistoryWindows {
    /// The windows.
    pub windows: Vec<AlignedWindow>,
}

/// How one metric's baseline is cut.
#[derive(Debug, Clone, PartialEq)]
pub struct PseudoCanaries {
    /// Disjoint groups of sorted instance ids, each a row.
    pub groups: Vec<Vec<String>>,
    /// How much of its traffic each row keeps in the history, in (0, 1].
    pub thinning: Vec<f64>,
    /// How much of its traffic each row keeps during the run, in (0, 1]: the baseline may see less today, because the
    /// canary takes its share.
    pub thinning_today: Vec<f64>,
    /// How many instances the rest of the baseline has, per row: the mean over the history's windows.
    pub rest_instances: Vec<f64>,
    /// The end of the first window that is used: a level shift (a deploy) lies before it.
    pub from_ms: i64,
    /// What a reader should know ("host differences unmeasured").
    pub notes: Vec<String>,
}
