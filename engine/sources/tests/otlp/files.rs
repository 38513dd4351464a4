//! What a file exporter wrote.

use std::path::Path;

use davy_sources::otlp::{Limits, WindowStore, file};

fn body(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/otlp/sdk-http-cumulative").join(name)).expect("a fixture")
}

/// One line: the twins are printed over several.
fn line(name: &str) -> String {
    let value: serde_json::Value = serde_json::from_slice(&body(name)).expect("JSON");
    value.to_string()
}

fn store() -> WindowStore {
    WindowStore::new(Limits::offline())
}

#[test]
fn lines_of_all_signals_are_read_and_a_cut_off_last_one_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telemetry.json");
    let logs = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795477909746190372","severityNumber":17}]}]}]}"#;
    let text = format!("{}\n\n{logs}\n{}\n{}", line("0001.json"), line("0002.json"), &line("0003.json")[..400]);
    std::fs::write(&path, text).unwrap();
    assert!(file::is_otlp(&path));
    let whole = store();
    let summary = file::read(&whole, &path).unwrap();
    assert_eq!((summary.files, summary.requests, summary.rejected), (1, 3, 0));
    assert!(summary.remarks.len() == 1 && summary.remarks[0].ends_with("line 5 was cut off and is left out"), "{summary:?}");

    std::fs::write(&path, format!("{}\n{{\"resourceMetrics\":7}}\n{}\n", line("0001.json"), line("0002.json"))).unwrap();
    let error = file::read(&store(), &path).unwrap_err().to_string();
    assert!(error.contains("telemetry.json: line 2: expected an OTLP metrics request as JSON"), "{error}");
}

#[test]
fn messages_with_their_length_hold_the_same_as_lines() {
    let folder = tempfile::tempdir().unwrap();
    let (lines, frames) = (folder.path().join("a.json"), folder.path().join("a.pb"));
    let names = ["0001", "0002", "0003", "0004"];
    std::fs::write(&lines, names.map(|name| line(&format!("{name}.json")) + "\n").concat()).unwrap();
    let mut bytes = Vec::new();
    for name in names {
        let message = body(&format!("{name}.pb"));
        bytes.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        bytes.extend(message);
    }
    std::fs::write(&frames, &bytes).unwrap();
    let (one, other) = (store(), store());
    file::read(&one, &lines).unwrap();
    file::read(&other, &frames).unwrap();
    assert_eq!(one.usage(), other.usage());
    std::fs::write(&frames, &bytes[..bytes.len() - 5]).unwrap();
    let summary = file::read(&store(), &frames).unwrap();
    assert_eq!(summary.requests, 3);
    assert!(summary.remarks[0].contains("message 4 was cut off"), "{summary:?}");
}

#[test]
fn a_directory_of_rotated_files_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t-2026-11-24T15.json"), line("0001.json") + "\n").unwrap();
    std::fs::write(folder.path().join("t.json"), line("0002.json") + "\n").unwrap();
    std::fs::write(folder.path().join("README"), "words").unwrap();
    let summary = file::read(&store(), folder.path()).unwrap();
    assert_eq!((summary.files, summary.requests), (2, 2));
    assert!(summary.remarks[0].contains("README: left out"), "{summary:?}");
    let empty = tempfile::tempdir().unwrap();
    assert!(!file::is_otlp(empty.path()));
    assert!(file::read(&store(), empty.path()).unwrap_err().to_string().contains("found none"));
    assert!(file::read(&store(), &folder.path().join("README")).unwrap_err().to_string().contains("found neither"));
    assert!(file::read(&store(), &folder.path().join("gone")).is_err());
}
