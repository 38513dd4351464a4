//! What pipelines read: report files, annotations, summaries and outputs, and that none of them changes the answer.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use davy_tests::davy::{Run, command, run, run_async, workspace};
use davy_tests::filled::{Filled, Names, Version, exposition, now};
use serde_json::Value;

fn recording(name: &str) -> String {
    workspace().join("fixtures/recordings").join(name).display().to_string()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The number of the line that begins a metric's rule.
fn line_of(rules: &str, metric: &str) -> usize {
    1 + rules.lines().position(|line| line.contains(&format!("name: {metric}"))).expect("the rules have it")
}

#[test]
fn every_kind_is_written_whole_and_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join("made/on/the/way").join(name);
    let kinds = ["text", "json", "jsonl", "markdown", "junit", "html", "metrics", "dotenv"];
    let mut arguments = vec!["replay".to_owned(), recording("lab-slower")];
    for kind in kinds {
        arguments.extend(["--report".to_owned(), format!("{kind}={}", path(kind).display())]);
    }
    let judged = run(&arguments).unwrap();
    assert_eq!(judged.code, Some(1), "{}", judged.stderr);
    assert_eq!(judged.stdout, read(&path("text")));
    let report: Value = serde_json::from_str(&read(&path("json"))).unwrap();
    assert_eq!(report["verdict"], "rollback");
    assert_eq!(read(&path("jsonl")).lines().count() as u64, report["window"]["judged"].as_u64().unwrap() + 1);
    assert!(read(&path("markdown")).starts_with("### ✗ ROLLBACK: lab-slower\n"));
    assert!(read(&path("metrics")).contains("davy_verdict{service=\"lab-slower\"} -1\n"));
    assert!(read(&path("metrics")).ends_with("# EOF\n"));
    assert!(read(&path("dotenv")).lines().any(|line| line == "DAVY_ACTION=rollback"));
    assert!(read(&path("html")).starts_with("<!doctype html>"));
    let left: Vec<_> = fs::read_dir(path("").as_path()).unwrap().collect();
    assert_eq!(left.len(), kinds.len(), "nothing else is left: {left:?}");
    // The same forms, from the JSON alone.
    let json = path("json").display().to_string();
    for kind in ["text", "json", "markdown", "junit", "html", "metrics", "dotenv"] {
        let shown = run(["report", &json, "--to", kind]).unwrap();
        assert_eq!((shown.code, shown.stdout), (Some(0), read(&path(kind))), "{kind}");
    }
}

#[test]
fn junit_counts_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("junit.xml");
    let names = ["lab-slower", "same", "canary_dead"];
    let mut arguments = vec!["replay".to_owned()];
    arguments.extend(names.map(recording));
    arguments.extend(["--report".to_owned(), format!("junit={}", path.display())]);
    assert_eq!(run(&arguments).unwrap().code, Some(1));
    let text = read(&path);
    let document = roxmltree::Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let suites: Vec<_> = root.children().filter(roxmltree::Node::is_element).collect();
    assert_eq!(suites.len(), names.len());
    let mut outcomes = Vec::new();
    for (suite, name) in suites.iter().zip(names) {
        assert!(suite.attribute("name").unwrap().ends_with(name));
        let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        let with = |tag: &str| cases.iter().filter(|case| case.children().any(|child| child.has_tag_name(tag))).count().to_string();
        let counted = [cases.len().to_string(), with("failure"), with("error"), with("skipped")];
        let said = ["tests", "failures", "errors", "skipped"].map(|count| suite.attribute(count).unwrap().to_owned());
        assert_eq!(counted, said, "{name}");
        for case in &cases {
            assert!(case.attribute("classname").is_some() && case.attribute("name").is_some() && case.attribute("time").is_some());
            for child in case.children().filter(roxmltree::Node::is_element) {
                let tag = child.tag_name().name();
                assert!(["failure", "error", "skipped", "system-out"].contains(&tag), "readers know no {tag}");
            }
        }
        outcomes.push((counted[1].clone(), counted[2].clone()));
    }
    let expected = [("2", "0"), ("0", "0"), ("1", "2")].map(|(failures, errors)| (failures.to_owned(), errors.to_owned()));
    assert_eq!(outcomes, expected, "a hold fails too");
}

#[test]
fn github_finds_the_rule_and_its_outputs() {
    let repository = tempfile::tempdir().unwrap();
    let service = repository.path().join("service");
    fs::create_dir(&service).unwrap();
    let rules = read(&workspace().join("tests/rules/lab.yaml"));
    fs::write(service.join("davy.yaml"), &rules).unwrap();
    let (summary, outputs) = (repository.path().join("summary"), repository.path().join("outputs"));
    fs::write(&outputs, "before=1\n").unwrap();
    let judge = || -> anyhow::Result<Run> {
        let mut command = command()?;
        command.args(["replay", &recording("slower"), "--rules", "davy.yaml", "--output", "github"]).current_dir(&service);
        command.env("GITHUB_WORKSPACE", repository.path().canonicalize()?);
        command.env("GITHUB_STEP_SUMMARY", &summary).env("GITHUB_OUTPUT", &outputs);
        Ok(command.output()?.into())
    };
    let judged = judge().unwrap();
    assert_eq!(judged.code, Some(1), "{}", judged.stderr);
    let line = line_of(&rules, "latency_p99");
    let wanted = format!("::error file=service/davy.yaml,line={line},col=5,title=davy%3A latency_p99 breach::latency_p99 is +");
    assert!(judged.stdout.contains(&wanted), "{wanted}\n{}", judged.stdout);
    assert!(read(&summary).contains("ROLLBACK: lab"));
    let said = read(&outputs);
    let value = |name: &str| {
        let (_, rest) = said.split_once(&format!("\n{name}<<")).expect("it is set");
        let (delimiter, rest) = rest.split_once('\n').expect("a delimiter ends its line");
        rest.split_once(&format!("\n{delimiter}\n")).expect("the delimiter comes again").0.to_owned()
    };
    assert!(said.starts_with("before=1\n"), "{said}");
    assert_eq!([value("verdict"), value("action"), value("failed-rules")], ["rollback", "rollback", "latency_p99"]);
    // A summary that is nearly full gets what fits, which is nothing here, and the answer stays.
    fs::write(&summary, "x".repeat(1024 * 1024 - 20)).unwrap();
    assert_eq!(judge().unwrap().code, Some(1));
    assert!(fs::metadata(&summary).unwrap().len() <= 1024 * 1024);
}

#[test]
fn a_recording_remembers_where_its_rules_were_written() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(recording("lab-slower")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let manifest = folder.path().join("manifest.json");
    let mut changed: Value = serde_json::from_str(&read(&manifest)).unwrap();
    assert!(run(["replay", &recording("lab-slower"), "--output", "json"]).unwrap().report().unwrap()["findings"][0]["rule"].is_null());
    changed["places"] = serde_json::json!([{ "metric": "latency_p99", "file": "davy.yaml", "line": 7, "column": 5 }]);
    fs::write(&manifest, changed.to_string()).unwrap();
    let judged = run(["replay", &folder.path().display().to_string(), "--output", "json"]).unwrap().report().unwrap();
    assert_eq!(judged["findings"][0]["rule"], serde_json::json!({ "file": "davy.yaml", "line": 7, "column": 5 }));
}

#[test]
fn what_cannot_be_written_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "kept").unwrap();
    let below = format!("junit={}/below", file.display());
    let judged = run(["replay", &recording("lab-slower"), "--report", &below]).unwrap();
    assert_eq!(judged.code, Some(1));
    assert!(judged.stderr.contains("the report") && judged.stderr.contains("was not written"), "{}", judged.stderr);
    assert!(judged.stdout.starts_with("ROLLBACK"));
    let mut github = command().unwrap();
    github.args(["replay", &recording("same"), "--output", "github"]).env("GITHUB_OUTPUT", format!("{}/below", file.display()));
    let judged: Run = github.output().unwrap().into();
    assert_eq!(judged.code, Some(0));
    assert!(judged.stderr.contains("GITHUB_OUTPUT was not written"), "{}", judged.stderr);
    // Nobody reads stdout.
    let mut unread = command().unwrap();
    let mut child = unread.args(["replay", &recording("lab-slower")]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(read(&file), "kept");
}

#[test]
fn a_report_replaces_what_was_there_and_a_link_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("report.md"), folder.path().join("latest.md"));
    fs::write(&file, "old ".repeat(100_000)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    run(["replay", &recording("lab-slower"), "--report", &format!("markdown={}", link.display())]).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(read(&file).starts_with("### ✗ ROLLBACK") && !read(&file).contains("old "));
}

#[test]
fn without_an_analysis_the_reports_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let rules = workspace().join("tests/rules/lab.yaml").display().to_string();
    let mut arguments: Vec<String> =
        ["gate", "--rules", &rules, "--baseline", "version=v1", "--canary", "version=v2", "--once", "--prometheus", "http://127.0.0.1:1"]
            .map(str::to_owned)
            .to_vec();
    for kind in ["junit", "markdown", "dotenv", "html"] {
        arguments.extend(["--report".to_owned(), format!("{kind}={}", path(kind).display())]);
    }
    let refused = run(&arguments).unwrap();
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""), "{}", refused.stderr);
    let junit = read(&path("junit"));
    let document = roxmltree::Document::parse(&junit).unwrap();
    assert!(document.descendants().any(|node| node.has_tag_name("error") && node.attribute("type") == Some("no analysis")));
    assert!(read(&path("dotenv")).starts_with("DAVY_VERDICT=error\nDAVY_ACTION=hold\n"));
    assert!(read(&path("markdown")).contains("NO ANALYSIS") && read(&path("html")).contains("NO ANALYSIS"));
}

#[test]
fn wrong_reports_are_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let twice = format!("json={}", folder.path().join("x").display());
    let directory = format!("json={}", folder.path().display());
    let cases: [(&[&str], &str); 6] = [
        (&["--report", "junit"], "expected KIND=PATH"),
        (&["--report", "xml=x"], "expected one of text, json, jsonl, markdown, junit, html, metrics, dotenv, found `xml`"),
        (&["--report", "github=x"], "--output github"),
        (&["--report", &twice, "--report", &twice], "given twice"),
        (&["--report", &directory], "the path of a file"),
        (&["--as-of", "--output", "markdown"], "--as-of"),
    ];
    for (more, says) in cases {
        let name = recording("lab-slower");
        let refused = run([&["replay", name.as_str()], more].concat()).unwrap();
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{more:?}");
        assert!(refused.stderr.contains(says), "{more:?}: {}", refused.stderr);
    }
    assert!(!folder.path().join("x").exists());
}

#[test]
fn an_explanation_is_the_same_at_once_and_later() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json").display().to_string();
    let at_once = run(["replay", &recording("same"), "--explain", "--report", &format!("json={json}")]).unwrap();
    let later = run(["explain", &json]).unwrap();
    assert_eq!(later.code, Some(0), "{}", later.stderr);
    assert!(at_once.stdout.ends_with(&later.stdout), "{}\n{}", at_once.stdout, later.stdout);
    for says in ["What was compared", "How noisy it is", "What would change it", "pseudo-canaries"] {
        assert!(later.stdout.contains(says), "{}", later.stdout);
    }
    let beside = run(["replay", &recording("same"), "--explain", "--output", "json"]).unwrap();
    assert!(beside.report().is_ok() && beside.stderr.contains("What would change it"), "{}", beside.stderr);
    fs::write(&json, "<html>").unwrap();
    let no_report = run(["explain", &json]).unwrap();
    assert_eq!(no_report.code, Some(2));
    assert!(no_report.stderr.contains("expected a report"), "{}", no_report.stderr);
}

#[test]
fn several_recordings_are_one_document() {
    let folder = tempfile::tempdir().unwrap();
    let (slower, same) = (recording("lab-slower"), recording("same"));
    let judged = run(["replay", &slower, &same, "--output", "json"]).unwrap();
    let document: Value = serde_json::from_str(&judged.stdout).unwrap();
    assert_eq!((judged.code, document.as_array().map(Vec::len)), (Some(1), Some(2)));
    assert_eq!((&document[1]["recording"], &document[1]["report"]["verdict"]), (&same.as_str().into(), &"promote".into()));
    let json = folder.path().join("both.json");
    fs::write(&json, &judged.stdout).unwrap();
    let shown = run(["report", &json.display().to_string(), "--to", "markdown"]).unwrap();
    let whole = run(["replay", &slower, &same, "--output", "markdown"]).unwrap();
    assert_eq!(shown.stdout, whole.stdout);
    let lines = run(["replay", &slower, &same, "--output", "jsonl"]).unwrap();
    let lines: Vec<Value> = lines.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["recording"] == slower.as_str() || line["recording"] == same.as_str()));
    assert_eq!(lines.iter().filter(|line| line["type"] == "report").count(), 2);
}

#[tokio::test]
async fn a_gate_tells_each_window_and_its_replay_tells_the_same() {
    let usual = |version| Version::usual(&[("version", version)], 4);
    let versions = [usual("v1"), Version { begins: 1_200, pods: 2, ..usual("v2") }];
    let text = exposition(&Names::prom_http(), &versions, now(), 7_200, 15, 7);
    let server = Filled::start(&text).expect("a filled Prometheus").ready().await.expect("a ready Prometheus");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let rules = "schema: davy/v1\nname: shop\nextends: [presets/prom-http]\nmetrics:\n  - name: latency_p99\n    tolerance: 20%\n";
    fs::write(path("davy.yaml"), rules).unwrap();
    let (url, file) = (server.url(), format!("jsonl={}", path("lines")));
    let arguments =
        ["gate", "--once", "--prometheus", &url, "--rules", &path("davy.yaml"), "--baseline", "version=v1", "--canary", "version=v2"];
    let more = ["--output", "jsonl", "--report", &file, "--record", &path("recording")];
    let judged = run_async(arguments.iter().chain(&more).map(|argument| (*argument).to_owned()).collect()).await.unwrap();
    assert_eq!(judged.stdout, read(Path::new(&path("lines"))), "{}", judged.stderr);
    let replayed = run(["replay", &path("recording"), "--output", "jsonl"]).unwrap();
    let lines = |text: &str| -> Vec<Value> { text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect() };
    let (mut live, again) = (lines(&judged.stdout), lines(&replayed.stdout));
    assert!(live.len() > 10, "{}", judged.stdout);
    let report = live.last_mut().and_then(|line| line["report"].as_object_mut()).expect("the last line is the report");
    report.remove("timings");
    let rule = report["findings"][0]["rule"].clone();
    assert_eq!((&rule["line"], rule["file"].as_str()), (&5.into(), Some(path("davy.yaml").as_str())));
    for (one, other) in live.iter().zip(&again) {
        assert_eq!(one, other);
    }
    assert_eq!(live.len(), again.len());
    assert_eq!(judged.code, replayed.code);
}
