//! `davy` on what a collector's file exporter wrote: no server anywhere.

use std::path::Path;

use davy_tests::davy::run;
use serde_json::{Value, json};

/// Upper bounds of the histogram's buckets, s.
const BOUNDS: [f64; 8] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// Exports, one every 5 s; the canary sends in the last 60.
const EXPORTS: u64 = 360;
const CANARY_FROM: u64 = 300;
/// The first export, s.
const T0_SECS: u64 = 1_795_477_900;

/// How many of 200 requests fall into each bucket; `shift`: of a slower canary, by one bucket.
fn counts(export: u64, shift: usize) -> [u64; 9] {
    let mut counts = [5, 40, 80, 50, 18, 5, 2, 0, 0];
    // A little noise that is the same each time.
    counts[2] += export * 7 % 11;
    counts[3] += export * 5 % 7;
    counts.rotate_right(shift);
    counts
}

fn line(export: u64, shift: usize, sums: &mut std::collections::BTreeMap<String, [u64; 9]>) -> String {
    let time = (T0_SECS + export * 5).to_string() + "000000000";
    let start = (T0_SECS - 5).to_string() + "000000000";
    let canary = (export >= CANARY_FROM).then(|| ("v2".to_owned(), "v2-0".to_owned()));
    let senders = (0..4).map(|pod| ("v1".to_owned(), format!("v1-{pod}"))).chain(canary);
    let resources: Vec<Value> = senders
        .map(|(version, instance)| {
            let sum = sums.entry(instance.clone()).or_default();
            let moved = if version == "v2" { shift } else { 0 };
            for (sum, count) in sum.iter_mut().zip(counts(export + instance.len() as u64, moved)) {
                *sum += count;
            }
            let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
            json!({
                "resource": {"attributes": [
                    attribute("service.name", "shop"), attribute("service.version", &version), attribute("service.instance.id", &instance)]},
                "scopeMetrics": [{"metrics": [{"name": "http.server.request.duration", "unit": "s", "histogram": {
                    "aggregationTemporality": 2,
                    "dataPoints": [{
                        "attributes": [{"key": "http.response.status_code", "value": {"intValue": "200"}}],
                        "startTimeUnixNano": if version == "v2" { (T0_SECS + CANARY_FROM * 5 - 5).to_string() + "000000000" } else { start.clone() },
                        "timeUnixNano": time, "count": sum.iter().sum::<u64>().to_string(),
                        "bucketCounts": sum.map(|count| count.to_string()), "explicitBounds": BOUNDS}]}}]}]})
        })
        .collect();
    json!({"resourceMetrics": resources}).to_string() + "\n"
}

/// Two rotated files, the last line of the second cut off.
fn write(folder: &Path, shift: usize) {
    let mut sums = std::collections::BTreeMap::new();
    let lines: Vec<String> = (0..EXPORTS).map(|export| line(export, shift, &mut sums)).collect();
    let half = lines.len() / 2;
    std::fs::write(folder.join("telemetry-2026-11-24T15-00-00.jsonl"), lines[..half].concat()).expect("a file");
    std::fs::write(folder.join("telemetry.jsonl"), lines[half..].concat() + "{\"resourceMetrics\":[{\"res").expect("a file");
}

const ARMS: [&str; 4] = ["--baseline", "service_version=v1", "--canary", "service.version=v2"];

fn rules(folder: &Path) -> String {
    let path = folder.join("rules.yaml");
    let text = "schema: davy/v1\nname: shop\nextends: [presets/otel-http]\narms:\n  baseline: { service.version: v1 }\n  canary: { service_version: v2 }\nwindow: { step: 10s }\n";
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[test]
fn files_are_judged_replayed_and_recorded_alike() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    write(&files, 1);
    let (files, rules, kept) = (files.display().to_string(), rules(folder.path()), folder.path().join("kept").display().to_string());
    let gated = run(["gate", "--once", "--otlp-file", &files, "--rules", &rules, "--output", "json"]).unwrap();
    assert_eq!(gated.code, Some(1), "{}\n{}", gated.stdout, gated.stderr);
    assert!(gated.stderr.contains("telemetry.jsonl: line 181 was cut off and is left out"), "{}", gated.stderr);
    let mut gate_report = gated.report().unwrap();
    assert_eq!(gate_report["verdict"], "rollback");
    let replayed = run(["replay", &files, "--rules", &rules, "--output", "json"]).unwrap();
    assert_eq!(replayed.code, Some(1), "{}", replayed.stderr);
    if let Some(report) = gate_report.as_object_mut() {
        report.remove("timings");
    }
    let mut replay_report = replayed.report().unwrap();
    if let Some(report) = replay_report.as_object_mut() {
        report.remove("timings");
    }
    assert_eq!(gate_report, replay_report);
    let recorded = run(["record", "--otlp-file", &files, "--rules", &rules, &kept]).unwrap();
    assert_eq!(recorded.code, Some(0), "{}", recorded.stderr);
    let again = run(["replay", &kept, "--output", "json"]).unwrap();
    assert_eq!(again.report().unwrap()["findings"], gate_report["findings"], "{}", again.stderr);
}

#[test]
fn the_same_service_is_not_rolled_back_and_no_rules_are_needed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0);
    let path = folder.path().display().to_string();
    let found = run(["gate", "--once", "--otlp-file", &path].into_iter().chain(ARMS).chain(["--output", "json"])).unwrap();
    assert!(matches!(found.code, Some(0 | 3)), "{:?} {}\n{}", found.code, found.stdout, found.stderr);
    assert!(found.stderr.contains("presets/otel-http"), "{}", found.stderr);
    let report = found.report().unwrap();
    let latency = &report["findings"].as_array().expect("findings")[0];
    assert_eq!(latency["metric"], "latency_p99");
    assert_ne!(latency["outcome"], "no_data", "{latency}");
}

#[test]
fn a_wrong_arm_a_live_gate_and_a_broken_line_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0);
    let path = folder.path().display().to_string();
    let arms = ["--baseline", "service.version=v1", "--canary", "service.version=v7", "--rules", "presets/otel-http"];
    let wrong = run(["gate", "--once", "--otlp-file", &path].into_iter().chain(arms)).unwrap();
    assert_eq!(wrong.code, Some(3), "{}\n{}", wrong.stdout, wrong.stderr);
    assert!(wrong.stdout.contains("values there: v1, v2") || wrong.stdout.contains("values there: v2, v1"), "{}", wrong.stdout);
    let live = run(["gate", "--otlp-file", &path].into_iter().chain(ARMS)).unwrap();
    assert_eq!(live.code, Some(2));
    assert!(live.stderr.contains("add --once"), "{}", live.stderr);
    let unruled = run(["replay", &path]).unwrap();
    assert!(unruled.stderr.contains("add --rules FILE"), "{}", unruled.stderr);
    std::fs::write(folder.path().join("a.jsonl"), "{\"resourceMetrics\":7}\n{}\n").unwrap();
    let broken = run(["gate", "--once", "--otlp-file", &path].into_iter().chain(ARMS)).unwrap();
    assert_eq!(broken.code, Some(2));
    assert!(broken.stderr.contains("a.jsonl: line 1: expected an OTLP metrics request as JSON"), "{}", broken.stderr);
}
