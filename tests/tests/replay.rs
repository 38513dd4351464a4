//! `davy replay` on the recordings that are shipped, and on bad ones.

use std::fs;
use std::path::Path;

use davy_tests::davy::{run, workspace};
use serde_json::Value;

fn recording(name: &str) -> String {
    workspace().join("fixtures/recordings").join(name).display().to_string()
}

#[test]
fn every_shipped_recording_gives_its_expected_verdict() {
    let fixtures = workspace().join("fixtures");
    let checked = run(["replay", &fixtures.display().to_string(), "--check"]).unwrap();
    assert_eq!(checked.code, Some(0), "{}\n{}", checked.stdout, checked.stderr);
    assert!(checked.stdout.lines().count() >= 3, "{}", checked.stdout);
    assert!(checked.stderr.contains(", 0 not"), "{}", checked.stderr);
}

#[test]
fn the_same_recording_gives_the_same_bytes() {
    let arguments = ["replay", &recording("lab-slower"), "--output", "json"];
    let (first, second) = (run(arguments).unwrap(), run(arguments).unwrap());
    assert_eq!(first.code, Some(1));
    assert_eq!(first.stdout, second.stdout);
    let report: Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!(report["schema"], "davy.report/v1");
    assert_eq!((&report["verdict"], &report["verdict_code"]), (&"rollback".into(), &(-1).into()));
    assert!(report["summary"].to_string().len() <= 1024);
}

#[test]
fn polling_sees_what_the_end_says() {
    let polled = run(["replay", &recording("lab-erroring"), "--as-of"]).unwrap();
    let moments: Vec<&str> = polled.stdout.lines().take_while(|line| line.contains(" score ")).collect();
    let (last, earlier) = moments.split_last().expect("there are windows");
    assert!(last.contains("rollback"), "{last}");
    assert!(earlier.iter().all(|moment| moment.contains(" hold ")), "{earlier:?}");
}

#[test]
fn an_unexpected_verdict_is_a_difference() {
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new(&recording("lab-slower")), folder.path());
    let manifest = folder.path().join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replacen("\"verdict\": \"rollback\"", "\"verdict\": \"promote\"", 1)).unwrap();
    let checked = run(["replay", &folder.path().display().to_string(), "--check"]).unwrap();
    assert_eq!(checked.code, Some(5), "{}", checked.stderr);
    assert!(checked.stderr.contains("expected promote, found rollback"), "{}", checked.stderr);
}

#[test]
fn other_rules_show_what_they_would_have_done() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("wide.yaml");
    let text = "schema: davy/v1\nname: wide\nhistory: false\nwindow: { step: 5s, warmup: 0s, deadline: 10m }\nmetrics:\n  - name: latency_p99\n    histogram: http_request_duration_seconds\n    quantile: 0.99\n    where: { handler: \"/work\" }\n    worse: higher\n    tolerance: 200%\n";
    fs::write(&rules, text).unwrap();
    let judged = run(["replay", &recording("lab-slower"), "--rules", &rules.display().to_string(), "--output", "json"]).unwrap();
    assert_eq!(judged.report().unwrap()["verdict"], "promote", "{}", judged.stdout);
    fs::write(&rules, text.replace("http_request_duration_seconds", "another_seconds")).unwrap();
    let missing = run(["replay", &recording("lab-slower"), "--rules", &rules.display().to_string()]).unwrap();
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("does not hold the histogram another_seconds"), "{}", missing.stderr);
}

#[test]
fn a_bad_recording_is_said_and_gives_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let none = run(["replay", &path]).unwrap();
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("found none"), "{}", none.stderr);
    copy(Path::new(&recording("lab-same")), folder.path());
    let manifest = folder.path().join("manifest.json");
    let whole = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, &whole[..whole.len() / 2]).unwrap();
    let cut = run(["replay", &path]).unwrap();
    assert_eq!((cut.code, cut.stdout.as_str()), (Some(2), ""), "{}", cut.stderr);
    fs::write(&manifest, whole.replace("davy.recording/v1", "davy.recording/v9")).unwrap();
    let newer = run(["replay", &path]).unwrap();
    assert_eq!(newer.code, Some(2));
    assert!(newer.stderr.contains("davy.recording/v9"), "{}", newer.stderr);
    fs::write(&manifest, &whole).unwrap();
    fs::write(folder.path().join("buckets_raw.json"), "<html>").unwrap();
    let html = run(["replay", &path]).unwrap();
    assert_eq!(html.code, Some(2), "{}", html.stderr);
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a recording") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}
