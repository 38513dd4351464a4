//! Reports as data: what was written reads back to the same bytes, and what is no report is refused.

use std::path::{Path, PathBuf};

use davy_gate::render::to_json;
use davy_gate::replay::replay;
use davy_gate::report::{Report, from_json};
use davy_sources::recording::Recording;

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recordings");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("it is shipped")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    assert!(found.len() >= 3, "{found:?}");
    found
}

fn judged(path: &Path) -> Report {
    let recording = Recording::open(path).expect("a shipped recording");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(replay(&recording, None, false)).expect("it can be judged").report
}

#[test]
fn what_was_written_reads_back_to_the_same_bytes() {
    for path in recordings() {
        let text = to_json(&judged(&path));
        let read = from_json(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(to_json(&read), text, "{}", path.display());
    }
}

#[test]
fn every_window_has_its_evidence() {
    for path in recordings() {
        let report = judged(&path);
        for finding in &report.findings {
            let series = &finding.series;
            let lengths = [series.end.len(), series.baseline.len(), series.canary.len(), series.ln_harm.len(), series.ln_safe.len()];
            assert_eq!(lengths, [report.window.judged; 5], "{} {}", path.display(), finding.metric);
            let last = series.ln_harm.last().map_or(0.0, |ln| ln.get());
            assert_eq!(last, finding.evidence.ln_harm.get(), "{} {}", path.display(), finding.metric);
        }
    }
}

#[test]
fn what_is_no_report_is_refused_with_what_was_found() {
    let text = to_json(&judged(&recordings()[0]));
    let cases = [
        ("<html>".to_owned(), "no JSON"),
        ("{}".to_owned(), "JSON without `schema`"),
        (text.replace("davy.report/v1", "davy.report/v9"), "schema davy.report/v9"),
        (text.replace("\"mode\": \"enforce\"", "\"mode\": \"enforced\""), "enforced"),
        (text.replace("\"reason\"", "\"raison\""), "missing field `reason`"),
    ];
    for (bad, says) in cases {
        let error = from_json(&bad).expect_err("it is no report").to_string();
        assert!(error.contains("expected a report") && error.contains(says), "{error}");
    }
    assert!(from_json(&text.replacen('{', "{\"newer\": 1,", 1)).is_ok(), "fields of a newer Davy are skipped");
}
