//! Every rendering of shipped recordings is what stands in `fixtures/renderings`.
//! `DAVY_GOLDEN=1 cargo nextest run -p davy-gate --test renderings` rewrites those; read the diff.

use std::path::{Path, PathBuf};

use davy_gate::render::{Case, Kind, Look, explain, github_log, outputs, render, step_summary};
use davy_gate::replay::{Replayed, replay};
use davy_gate::report::{Report, RuleRef};
use davy_gate::rules::{Options, load_str};
use davy_sources::recording::Recording;

const LOOK: Look = Look { width: 100, colour: false, ascii: false };

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn judged(name: &str) -> Replayed {
    let recording = Recording::open(&fixtures().join("recordings").join(name)).expect("a shipped recording");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut replayed = runtime.block_on(replay(&recording, None, true)).expect("it can be judged");
    // The recordings do not tell where their rules were written; a gate does.
    for (index, finding) in replayed.report.findings.iter_mut().enumerate() {
        finding.rule.get_or_insert(RuleRef { file: "deploy/davy.yaml".to_owned(), line: 10 + 5 * index, column: 5 });
    }
    replayed
}

/// Every rendering that people and programs read as text; the page is looked at in a browser instead.
fn all(cases: &[Case<'_>]) -> Vec<(&'static str, String)> {
    let mut texts = vec![
        ("txt", render(Kind::Text, cases, LOOK)),
        ("md", render(Kind::Markdown, cases, LOOK)),
        ("junit.xml", render(Kind::Junit, cases, LOOK)),
        ("metrics", render(Kind::Metrics, cases, LOOK)),
        ("env", render(Kind::Dotenv, cases, LOOK)),
        ("github.log", github_log(cases, LOOK, "service/")),
        ("github.outputs", outputs(cases)),
    ];
    if let [Case { outcome: Ok(report), .. }] = cases {
        texts.push(("explained", explain(report, LOOK.width)));
    }
    texts
}

fn check(name: &str, cases: &[Case<'_>]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (ending, found) in all(cases) {
        let path = fixtures().join("renderings").join(format!("{name}.{ending}"));
        if std::env::var_os("DAVY_GOLDEN").is_some() {
            std::fs::write(&path, &found).expect("writable");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if expected != found {
            wrong.push(format!("{name}.{ending}\n--- expected\n{expected}\n--- found\n{found}"));
        }
    }
    wrong
}

#[test]
fn one_analysis() {
    let mut wrong = Vec::new();
    for name in ["lab-slower", "same", "canary_dead", "one-route-erroring"] {
        wrong.extend(check(name, &[Case::of(&judged(name).report)]));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn kayenta_beside_and_in_its_place() {
    let late = judged("late_onset").report;
    let mut wrong = check("compared", &[Case { compares: true, ..Case::of(&late) }]);
    let recording = Recording::open(&fixtures().join("recordings/tail")).expect("a shipped recording");
    let text = recording.manifest.about.rules.replacen("decision: {", "decision: { method: kayenta,", 1);
    let text = text.replacen("metrics:", "kayenta: { interval: 25s }\nmetrics:", 1);
    let rules = load_str("moved.yaml", &text, &Options::default()).expect("valid rules");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let decided = runtime.block_on(replay(&recording, Some(&rules), false)).expect("it can be judged").report;
    wrong.extend(check("decided-by-kayenta", &[Case::of(&decided)]));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn shadow_and_no_analysis() {
    let mut shadow = judged("lab-slower").report;
    (shadow.mode, shadow.action) = ("shadow", "promote");
    let mut wrong = check("shadow", &[Case::of(&shadow)]);
    let why = "http://prometheus:9090: connection refused\n<b> & \"c\" ]]> ::error::no";
    wrong.extend(check("no-analysis", &[Case::failed("", why)]));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn several_recordings() {
    let (slower, same) = (judged("lab-slower").report, judged("same").report);
    let cases = [
        Case { name: "recordings/lab-slower", difference: Some("expected promote, found rollback"), ..Case::of(&slower) },
        Case { name: "recordings/same", ..Case::of(&same) },
        Case::failed("recordings/broken", "manifest.json: cut off"),
    ];
    let wrong = check("several", &cases);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_line_per_window_and_one_for_the_report() {
    let replayed = judged("same");
    let case = Case { moments: &replayed.moments, ..Case::of(&replayed.report) };
    let text = render(Kind::Jsonl, &[case], LOOK);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let (last, windows) = lines.split_last().expect("there are lines");
    assert_eq!(windows.len(), replayed.report.window.judged);
    let ends: Vec<&serde_json::Value> = windows.iter().map(|window| &window["end"]).collect();
    let series = serde_json::to_value(&replayed.report.findings[0].series.end).expect("numbers");
    assert_eq!(serde_json::json!(ends), series);
    assert_eq!((&windows[windows.len() - 1]["verdict"], &last["type"]), (&"promote".into(), &"report".into()));
    assert_eq!(last["report"], serde_json::to_value(&replayed.report).expect("a report"));
}

#[test]
fn a_page_is_the_same_every_time_and_runs_nothing() {
    let report = judged("canary_dead").report;
    let page = render(Kind::Html, &[Case::of(&report)], LOOK);
    assert_eq!(page, render(Kind::Html, &[Case::of(&report)], LOOK));
    for foreign in ["<script", "http:", "https:", "url(", "@import", "NaN", "inf\""] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("default-src 'none'") && page.contains("23 windows missing"), "gaps are said in words");
}

/// An analysis with more metrics and words than any limit allows.
fn large() -> Report {
    let mut report = judged("lab-slower").report;
    let breach = report.findings[0].clone();
    for index in 0..400 {
        let mut finding = breach.clone();
        finding.metric = format!("latency_p99_of_a_rather_long_route_{index:03}");
        finding.reason = "é % \r\n::error::x ".repeat(400);
        report.findings.push(finding);
    }
    report
}

#[test]
fn limits_are_kept() {
    let report = large();
    let cases = [Case::of(&report)];
    assert!(render(Kind::Dotenv, &cases, LOOK).len() <= 5 * 1024);
    let summary = step_summary(&cases, 0);
    assert!(summary.len() < 1024 * 1024 && summary.contains("latency\\_p99\\_of\\_a\\_rather\\_long\\_route\\_399"), "{}", summary.len());
    assert!(outputs(&cases).len() < 1024 * 1024);
    let log = github_log(&cases, LOOK, "");
    let commands = log.split("\n::davy-").nth(1).expect("the silence ends");
    assert_eq!(commands.lines().filter(|line| line.starts_with("::error ")).count(), 10);
    assert!(commands.contains("393 more are in the job's summary"), "{commands}");
    assert_eq!(commands.lines().skip(1).filter(|line| !line.starts_with("::error ")).count(), 0, "{commands}");
}
