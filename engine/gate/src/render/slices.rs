//! The worst slices of a metric, a line each.

use crate::report::FindingReport;
use crate::report::SliceReport;
use crate::words;

/// Lines for slices that are not named: enough to see where to look.
const UNNAMED: usize = 1;
/// Lines for slices at all.
const MOST: usize = 5;

/// The lines of the worst slices: those that are named, else the worst of which anything speaks.
pub(super) fn lines(finding: &FindingReport, ascii: bool) -> Vec<String> {
    let is_named = |slice: &&SliceReport| slice.keeps_waiting || matches!(slice.outcome, "breach" | "suspect");
    let named: Vec<&SliceReport> = finding.slices.iter().filter(is_named).take(MOST).collect();
    let speaks = |slice: &&SliceReport| slice.evidence.ln_harm.get() > 0.0;
    let shown = if named.is_empty() { finding.slices.iter().filter(speaks).take(UNNAMED).collect() } else { named };
    shown.into_iter().map(|slice| line(slice, ascii)).collect()
}

fn line(slice: &SliceReport, ascii: bool) -> String {
    let sign = match (slice.outcome, ascii) {
        ("breach", false) => "✗",
        ("breach", true) => "x",
        ("suspect", false) => "▲",
        ("suspect", true) => "!",
        (_, false) => "·",
        (_, true) => "-",
    };
    format!("{sign} in {}; harm {}", slice.reason, words::odds(slice.evidence.ln_harm.get()))
}
