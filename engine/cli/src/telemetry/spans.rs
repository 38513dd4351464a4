//! The spans that begin a trace. Those below them (`fetch`, `query`, `judgement`) are made where the work is done.
//!
//! Attributes name kinds and counts only: no query, no label's value, no identifier.

use davy_gate::report::Report;
use tracing::Span;
use tracing::field::Empty;

/// One analysis: all of `davy gate`. Without a verdict no analysis took place.
pub fn analysis() -> Span {
    tracing::info_span!("analysis", davy.verdict = Empty, otel.status_code = Empty)
}

/// All of `davy record`.
pub fn recording() -> Span {
    tracing::info_span!("recording")
}

/// A look at what a source holds: `davy doctor`, `davy rules init --from-prometheus`.
pub fn survey() -> Span {
    tracing::info_span!("survey")
}

/// Notes on the analysis under way what it came to.
pub fn verdict(report: &Report) {
    Span::current().record("davy.verdict", report.verdict);
}

/// Notes on the analysis under way that none took place.
pub fn no_analysis() {
    Span::current().record("otel.status_code", "ERROR");
}
