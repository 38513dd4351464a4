//! The report as JSON.

use crate::report::Report;

/// One JSON document, indented, with a line break at the end. Without `timings` it is the same on every run.
pub fn to_json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report has string keys and finite numbers only");
    text.push('\n');
    text
}
