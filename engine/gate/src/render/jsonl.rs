//! One JSON object a line: each window as polling saw it, and the report at the end.

use serde_json::{Value, json};

use crate::number::{number, seconds};
use crate::render::case::Case;
use crate::replay::Moment;

/// The lines of every case: `{"type": "window", …}` for each moment, then `{"type": "report", …}` or `{"type": "error", …}`.
pub fn to_jsonl(cases: &[Case<'_>]) -> String {
    let mut lines = String::new();
    for case in cases {
        for moment in case.moments {
            lines.push_str(&moment_line(case.name, moment));
        }
        let last = match case.outcome {
            Ok(report) => json!({ "type": "report", "report": report, "difference": case.difference }),
            Err(why) => json!({ "type": "error", "error": why }),
        };
        push(&mut lines, case.name, last);
    }
    lines
}

/// One window's line, with its line break.
pub fn moment_line(recording: &str, moment: &Moment) -> String {
    let mut line = String::new();
    let window = json!({
        "type": "window",
        "end": seconds(moment.end_ms),
        "verdict": moment.verdict.name(),
        "is_final": moment.is_final,
        "score": number(moment.score),
        "ln_harm": number(moment.ln_harm),
        "ln_safe": number(moment.ln_safe),
    });
    push(&mut line, recording, window);
    line
}

fn push(lines: &mut String, recording: &str, mut object: Value) {
    if !recording.is_empty() {
        object["recording"] = recording.into();
    }
    if object.get("difference").is_some_and(Value::is_null)
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("difference");
    }
    lines.push_str(&object.to_string());
    lines.push('\n');
}
