//! Pseudo-canaries: parts of the baseline that play the canary, so that one learns how a comparison behaves when nothing
//! is wrong. Disjoint groups of instances, thinned to the canary's share of traffic.

use davy_judge::arm::PerArm;
use davy_judge::history::MetricHistory;
use davy_judge::reading::Reading;

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
    /// How much of its traffic each row keeps, in (0, 1].
    pub thinning: Vec<f64>,
    /// The first window that is used, by its end; a level shift (a deploy) lies before it.
    pub from_ms: i64,
    /// What a reader should know ("host differences unmeasured").
    pub notes: Vec<String>,
}

/// Cuts one metric's baseline into pseudo-canaries that see about as many requests as the canary.
///
/// `canary_requests_per_window` and `baseline_requests_per_window`: 0 or not finite where unknown; then groups are single
/// instances, not thinned.
///
/// # Errors
/// Why there are none, in words for people.
pub fn choose(
    _history: &HistoryWindows,
    _metric: usize,
    _canary_requests_per_window: f64,
    _baseline_requests_per_window: f64,
    _rows_wanted: usize,
) -> Result<PseudoCanaries, String> {
    Err("not measured".to_owned())
}

impl PseudoCanaries {
    /// The rows of the history. The same inputs give the same bytes.
    pub fn rows(&self, _history: &HistoryWindows, _metric: usize, _seed: u64) -> MetricHistory {
        MetricHistory::default()
    }

    /// The same pseudo-canaries in one window of the run, one per row. Windows may be asked in any order.
    pub fn today(&self, _window: &AlignedWindow, _metric: usize, _seed: u64) -> Vec<PerArm<Reading>> {
        Vec::new()
    }
}
