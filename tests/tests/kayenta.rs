//! Kayenta beside Davy and in its place, over shipped recordings: through the binary.

#![cfg(test)]

use std::path::Path;

use davy_tests::davy::{Run, run, workspace};
use serde_json::Value;

fn recording(name: &str) -> String {
    workspace().join("fixtures/recordings").join(name).display().to_string()
}

/// A recording's own rules.
fn rules_of(name: &str) -> String {
    let manifest = std::fs::read_to_string(Path::new(&recording(name)).join("manifest.json")).expect("it is shipped");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    manifest["rules"].as_str().expect("the rules").to_owned()
}

/// A recording judged by its own rules with changes.
fn judged(name: &str, changes: &[(&str, &str)], more: &[&str]) -> Run {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("rules.yaml");
    let mut rules = rules_of(name);
    for (old, new) in changes {
        assert!(rules.contains(old), "{old} is in\n{rules}");
        rules = rules.replacen(old, new, 1);
    }
    std::fs::write(&path, rules).expect("writable");
    let (recording, path) = (recording(name), path.display().to_string());
    run([&["replay", &recording, "--rules", &path], more].concat()).expect("davy runs")
}

const DECIDES: (&str, &str) = ("decision: {", "decision: { method: kayenta,");

#[test]
fn a_report_says_what_kayenta_would_have_said_where_that_was_asked() {
    let name = recording("late_onset");
    let plain = run(["replay", &name]).unwrap();
    let compared = run(["replay", &name, "--compare", "kayenta"]).unwrap();
    assert_eq!((plain.code, compared.code), (Some(1), Some(1)));
    assert!(!plain.stdout.contains("Kayenta"), "at night there is one verdict to read: {}", plain.stdout);
    let joined = compared.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = "compared: Kayenta would have said Pass 100 (pass 95, marginal 75) in a single look at 12 windows";
    assert!(compared.stdout.starts_with("ROLLBACK") && joined.contains(said), "{}", compared.stdout);
    assert!(plain.stdout.lines().all(|line| compared.stdout.contains(line)), "nothing else changes");
    let markdown = run(["replay", &name, "--compare", "kayenta", "--output", "markdown"]).unwrap();
    assert!(markdown.stdout.contains("- compared: Kayenta would have said Pass 100"), "{}", markdown.stdout);
}

#[test]
fn programs_are_told_always_and_with_the_same_bytes() {
    let name = recording("lab-slower");
    let plain = run(["replay", &name, "--output", "json"]).unwrap();
    let compared = run(["replay", &name, "--output", "json", "--compare", "kayenta"]).unwrap();
    assert_eq!(plain.stdout, compared.stdout);
    let report = plain.report().unwrap();
    let kayenta = &report["kayenta"];
    assert_eq!((&kayenta["classification"], &kayenta["score"], &kayenta["decides"]), (&"Fail".into(), &50.into(), &false.into()));
    assert_eq!(kayenta["windows"], report["window"]["judged"]);
    let labels: Vec<&str> = kayenta["metrics"].as_array().unwrap().iter().filter_map(|metric| metric["classification"].as_str()).collect();
    assert_eq!(labels[0], "High");
    let high = &kayenta["metrics"][0];
    assert!(high["lower"].as_f64().unwrap() > 0.0 && high["lower"].as_f64() <= high["shift"].as_f64(), "{high}");
    // A written report shows it again, in any form.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    std::fs::write(&path, &plain.stdout).unwrap();
    let again = run(["report", &path.display().to_string(), "--compare", "kayenta"]).unwrap();
    assert!(again.stdout.contains("compared: Kayenta would have said Fail 50"), "{}", again.stdout);
    let page = run(["report", &path.display().to_string(), "--to", "html"]).unwrap();
    assert!(page.stdout.contains("<summary>What Kayenta would have said</summary>"), "the page has it always, folded away");
}

#[test]
fn several_recordings_are_compared_in_one_list() {
    let compared = run(["replay", &recording("tail"), &recording("slow_host"), "--compare", "kayenta"]).unwrap();
    let lines: Vec<&str> = compared.stdout.lines().filter(|line| line.contains("compared: Kayenta would have said")).collect();
    assert_eq!(lines.len(), 2, "{}", compared.stdout);
    assert!(lines[0].contains("Fail 66.67") && lines[1].contains("Pass 100"), "{lines:?}");
}

#[test]
fn asking_for_the_comparison_in_rules_changes_nothing_but_that() {
    let mut plain = judged("lab-slower", &[], &["--output", "json"]).report().unwrap();
    let settings = "kayenta: { pass: 50, marginal: 10 }\ncompare: [kayenta]\nmetrics:";
    let compared = judged("lab-slower", &[("metrics:", settings)], &["--output", "json"]);
    let mut compared = compared.report().unwrap();
    assert_eq!(compared["kayenta"]["asked"], true);
    assert_eq!(compared["kayenta"]["classification"], "Pass", "50 is enough with these thresholds");
    // The rules stand elsewhere in the file; all else is the same, evidence and numbers included.
    for report in [&mut plain, &mut compared] {
        report["kayenta"] = Value::Null;
        for finding in report["findings"].as_array_mut().unwrap() {
            finding["rule"] = Value::Null;
        }
    }
    assert_eq!(plain, compared);
    let text = judged("lab-slower", &[("metrics:", settings)], &[]);
    assert!(text.stdout.contains("compared: Kayenta would have said Pass 50 (pass 50, marginal 10)"), "{}", text.stdout);
}

#[test]
fn kayenta_decides_where_the_rules_say_so() {
    // Both arms get worse together: Kayenta sees no difference between them and promotes at the deadline.
    let common = judged("common_incident", &[DECIDES], &[]);
    assert_eq!(common.code, Some(0), "{}", common.stdout);
    assert!(common.stdout.starts_with("PROMOTE") && common.stdout.contains("Kayenta's score is 100"), "{}", common.stdout);
    assert!(!common.stdout.contains("harm ") && !common.stdout.contains("compared:"), "{}", common.stdout);
    // Looks every 25 s of windows from the 15th on.
    let looks = ("metrics:", "kayenta: { interval: 25s }\nmetrics:");
    let tail = judged("tail", &[DECIDES, looks], &["--output", "json"]);
    assert_eq!(tail.code, Some(1), "{}", tail.stdout);
    let report = tail.report().unwrap();
    assert_eq!((&report["cause"]["kind"], &report["cause"]["metrics"][0]), (&"kayenta_fail".into(), &"latency_p99".into()));
    assert_eq!((&report["window"]["judged"], &report["kayenta"]["decides"]), (&15.into(), &true.into()));
    // Without looks before the deadline, which the recording does not reach, nothing is decided.
    let early = judged("tail", &[DECIDES], &["--output", "json"]);
    assert_eq!((early.code, &early.report().unwrap()["cause"]["kind"]), (Some(3), &"kayenta_not_yet".into()));
}

#[test]
fn a_metric_needs_no_level_where_kayenta_decides() {
    let no_levels = [DECIDES, ("    tolerance: 15%\n", ""), ("    tolerance: 100%\n", ""), ("    ignore_below: 0.1%\n", "")];
    let same = judged("common_incident", &no_levels, &[]);
    assert_eq!(same.code, Some(0), "{}\n{}", same.stdout, same.stderr);
    let refused = judged("common_incident", &no_levels[1..3], &[]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("asks nothing"), "{}", refused.stderr);
}

#[test]
fn what_kayenta_would_promote_for_want_of_data_holds() {
    let compared = run(["replay", &recording("canary_dead"), "--compare", "kayenta"]).unwrap();
    assert!(compared.stdout.contains("Kayenta would have said Pass 100"), "{}", compared.stdout);
    for (name, replace) in [("canary_dead", false), ("canary_dead", true), ("label_missing", false), ("label_missing", true)] {
        let nan = "    method: auto\n    kayenta: { nan: replace }\n";
        let replaced = [DECIDES, ("    method: auto\n", nan)];
        let held = judged(name, if replace { &replaced } else { &replaced[..1] }, &[]);
        assert_eq!(held.code, Some(3), "{name}: {}\n{}", held.stdout, held.stderr);
    }
}
