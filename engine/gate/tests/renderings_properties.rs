//! A report may come from a file that anybody wrote: whatever stands in it, every rendering ends, and stays what it is.

use std::path::Path;

use davy_gate::render::{Case, KINDS, Kind, Look, explain, github_log, render, to_json};
use davy_gate::replay::replay;
use davy_gate::report::{Report, from_json};
use davy_sources::recording::Recording;
use proptest::prelude::*;
use serde_json::{Value, json};

const LOOK: Look = Look { width: 80, colour: false, ascii: false };

fn report(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recordings").join(name);
    let recording = Recording::open(&path).expect("a shipped recording");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let judged = runtime.block_on(replay(&recording, None, false)).expect("it can be judged");
    serde_json::from_str(&to_json(&judged.report)).expect("it is JSON")
}

/// Every place of a value in a document.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, field)| places(field, &format!("{at}/{name}"), found)),
        Value::Array(items) => {
            found.push(at.to_owned());
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push(at.to_owned()),
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!(-1e300)),
        Just(json!(5e-324)),
        (-1e4..1e4).prop_map(|number: f64| json!(number)),
        Just(json!("")),
        Just(json!("]]>\"'<script>&\u{1}\u{fffe}\r\n::error::x\n`````|_*@all ${x} 'ü\u{202e}")),
        "\\PC{0,300}".prop_map(|text| json!(text)),
    ]
}

fn check(report: &Report) -> Result<(), TestCaseError> {
    let cases = [Case::of(report)];
    for (name, kind) in KINDS {
        let text = render(kind, &cases, LOOK);
        match kind {
            Kind::Junit => prop_assert!(roxmltree::Document::parse(&text).is_ok(), "{text}"),
            Kind::Json => prop_assert!(serde_json::from_str::<Value>(&text).is_ok()),
            Kind::Jsonl => prop_assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok())),
            Kind::Dotenv => {
                let is_plain = |line: &str| line.split_once('=').is_some_and(|(_, value)| !value.contains(['$', '`', '"', '\'', ';', ' ']));
                prop_assert!(text.lines().all(is_plain) && text.len() <= 5 * 1024, "{text}");
            }
            Kind::Html => {
                for foreign in ["<script", "NaN", "\"inf"] {
                    let found = text.find(foreign).map(|at| text[..at].chars().rev().take(200).collect::<Vec<_>>());
                    let before: String = found.iter().flatten().rev().collect();
                    prop_assert!(found.is_none(), "{name} has {foreign} after {before}");
                }
            }
            Kind::Text | Kind::Markdown | Kind::Metrics => {}
        }
    }
    // After the silence there are commands only, each on one line.
    let log = github_log(&cases, LOOK, "");
    let token = log.lines().next().and_then(|line| line.strip_prefix("::stop-commands::")).expect("it begins with silence").to_owned();
    let (text, commands) = log.split_once(&format!("\n::{token}::\n")).expect("the silence ends");
    prop_assert!(!text[token.len() + 20..].contains(&token));
    prop_assert!(
        commands.lines().all(|line| ["::error ", "::warning ", "::notice "].iter().any(|start| line.starts_with(start))),
        "{commands}"
    );
    explain(report, 80);
    Ok(())
}

#[test]
fn every_rendering_ends_whatever_the_report_says() {
    let reports = ["lab-slower", "canary_dead", "same"].map(report);
    let places = reports.each_ref().map(|report| {
        let mut found = Vec::new();
        places(report, "", &mut found);
        found
    });
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() });
    let strategy = (0..reports.len(), prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..30));
    let read = std::cell::Cell::new(0);
    let outcome = runner.run(&strategy, |(which, changes)| {
        let mut changed = reports[which].clone();
        for (index, value) in changes {
            // What would make it no report is left as it was, so that many changes are seen together.
            let mut next = changed.clone();
            if let Some(place) = next.pointer_mut(index.get::<String>(&places[which])) {
                *place = value;
            }
            if from_json(&next.to_string()).is_ok() {
                changed = next;
                read.set(read.get() + 1);
            }
        }
        let report = from_json(&changed.to_string()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        check(&report)
    });
    outcome.unwrap();
    assert!(read.get() > 300, "hardly any change made a report");
}
