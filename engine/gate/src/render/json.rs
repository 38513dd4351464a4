//! The report as JSON.

use serde_json::{Value, json};

use crate::render::case::Case;
use crate::report::Report;

/// One JSON document, indented, with a line break at the end. Without `timings` it is the same on every run.
pub fn to_json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report has string keys and finite numbers only");
    text.push('\n');
    text
}

/// One report as it is; several as an array of `{recording, report}`, or `{recording, error}`.
pub fn to_jsons(cases: &[Case<'_>]) -> String {
    let document = match cases {
        [Case { name: "", outcome: Ok(report), .. }] => return to_json(report),
        [Case { name: "", outcome: Err(why), .. }] => json!({ "error": why }),
        many => Value::Array(many.iter().map(entry).collect()),
    };
    format!("{document:#}\n")
}

fn entry(case: &Case<'_>) -> Value {
    let mut entry = match case.outcome {
        Ok(report) => json!({ "recording": case.name, "report": report }),
        Err(why) => json!({ "recording": case.name, "error": why }),
    };
    if let Some(difference) = case.difference {
        entry["difference"] = difference.into();
    }
    entry
}
