//! The pipelines in `docs/integrations`: they parse, their shell commands pass shellcheck, and they do with every verdict what
//! they say, run by the real binary. There is no rollout here, so `davy gate` is answered from a recording.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use davy_tests::davy::{Run, command, workspace};
use davy_tests::yaml;
use serde_json::Value;

fn integration(name: &str) -> String {
    let path = workspace().join("docs/integrations").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The commands of each pipeline that judge a canary.
fn scripts() -> Vec<(&'static str, String)> {
    let github = yaml::parse(&integration("github-actions.yaml")).expect("valid YAML");
    let gitlab = yaml::parse(&integration("gitlab-ci.yaml")).expect("valid YAML");
    let jenkins = integration("Jenkinsfile");
    let (_, jenkins) = jenkins.split_once("script: '''").expect("a script in three quotes");
    vec![
        ("github-actions.yaml", text(&github, "/jobs/gate/steps/1/run")),
        ("gitlab-ci.yaml", text(&gitlab, "/canary-gate/script/0")),
        ("Jenkinsfile", jenkins.split_once("'''").expect("its end").0.replace("\\\\", "\\")),
    ]
}

fn text(tree: &Value, place: &str) -> String {
    tree.pointer(place).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {place}")).to_owned()
}

/// A directory with rules and a `davy` that judges a recording wherever the gate would ask a server.
fn place(recording: Option<&str>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a directory");
    fs::copy(workspace().join("tests/rules/lab.yaml"), folder.path().join("davy.yaml")).expect("rules");
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).expect("a directory");
    let real = command().expect("davy is built").get_program().to_string_lossy().into_owned();
    let shim = match recording {
        None => format!("#!/bin/sh\nexec '{real}' \"$@\"\n"),
        Some(name) => {
            let recording = workspace().join("fixtures/recordings").join(name).display().to_string();
            // The arms are those of the recording; everything else reaches the real binary as it was written.
            format!(
                "#!/bin/sh\n[ \"$1\" = gate ] || exec '{real}' \"$@\"\nshift\nset -- replay '{recording}' \"$@\"\nn=$#\nwhile [ $n -gt 0 ]; do\n  a=$1; shift; n=$((n - 1))\n  case $a in --baseline|--canary) shift; n=$((n - 1)) ;; *) set -- \"$@\" \"$a\" ;; esac\ndone\nexec '{real}' \"$@\"\n"
            )
        }
    };
    let davy = bin.join("davy");
    fs::write(&davy, shim).expect("writable");
    fs::set_permissions(&davy, fs::Permissions::from_mode(0o755)).expect("its owner may");
    (folder, bin)
}

fn shell(script: &str, arguments: &[&str], folder: &Path, bin: &Path) -> Run {
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("bash");
    // As the runners of GitHub and GitLab start it.
    shell.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script, "script"]).args(arguments).current_dir(folder);
    shell.env("PATH", path).env("BASELINE", "v1").env("CANARY", "v2").env("DAVY_PROMETHEUS", "http://127.0.0.1:1").env("NO_COLOR", "1");
    for name in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
        shell.env(name, folder.join(name));
    }
    shell.env_remove("GITHUB_WORKSPACE").stdin(Stdio::null()).output().expect("bash is there").into()
}

#[test]
fn each_gate_ends_as_its_verdict_says_and_leaves_its_reports() {
    for (name, script) in scripts() {
        for (recording, code) in [("same", 0), ("slower", 1), ("canary_dead", 3)] {
            let (folder, bin) = place(Some(recording));
            let ended = shell(&script, &[], folder.path(), &bin);
            assert_eq!(ended.code, Some(code), "{name} {recording}\n{}\n{}", ended.stdout, ended.stderr);
            let junit = fs::read_to_string(folder.path().join("davy-report/junit.xml")).expect("a report");
            assert_eq!(junit.contains("<failure"), code != 0, "{name} {recording}");
            assert!(folder.path().join("davy-report/index.html").is_file(), "{name} {recording}");
        }
    }
}

#[test]
fn each_gate_is_understood_and_reports_a_server_that_is_not_there() {
    for (name, script) in scripts() {
        // As often as it is tried live there would be minutes to wait; a look at what is there needs none.
        let once = script.replacen("davy gate ", "davy gate --once ", 1);
        let (folder, bin) = place(None);
        let ended = shell(&once, &[], folder.path(), &bin);
        assert_eq!(ended.code, Some(4), "{name}\n{}\n{}", ended.stdout, ended.stderr);
        let junit = fs::read_to_string(folder.path().join("davy-report/junit.xml")).expect("a report");
        assert!(junit.contains("<error type=\"no analysis\""), "{name}: {junit}");
    }
}

#[test]
fn later_jobs_get_the_answer() {
    let gitlab = yaml::parse(&integration("gitlab-ci.yaml")).unwrap();
    let github = yaml::parse(&integration("github-actions.yaml")).unwrap();
    let (gate, promote, rollback) = ("/canary-gate/script/0", "/promote/script/0", "/rollback/script/0");
    for (recording, given, taken) in [("same", true, false), ("slower", false, true), ("canary_dead", false, false)] {
        let (folder, bin) = place(Some(recording));
        shell(&text(&gitlab, gate), &[], folder.path(), &bin);
        let job = |place: &str| {
            let script = format!("set -a; . ./davy-report/davy.env; set +a\n{}", text(&gitlab, place));
            shell(&script, &[], folder.path(), &bin).stdout
        };
        assert_eq!(job(promote).contains("give the canary the traffic"), given, "{recording}");
        assert_eq!(job(rollback).contains("take the canary back"), taken, "{recording}");
        let metrics = fs::read_to_string(folder.path().join("davy-report/metrics.txt")).unwrap();
        assert!(metrics.ends_with("# EOF\n"));
        shell(&text(&github, "/jobs/gate/steps/1/run"), &[], folder.path(), &bin);
        let outputs = fs::read_to_string(folder.path().join("GITHUB_OUTPUT")).unwrap();
        let action = if given {
            "promote"
        } else if taken {
            "rollback"
        } else {
            "hold"
        };
        assert!(outputs.contains(&format!("\n{action}\ndavy-")), "{outputs}");
        let why = shell(&text(&github, "/jobs/gate/steps/3/run"), &[], folder.path(), &bin);
        assert!(why.stdout.contains("What would change it"), "{}", why.stderr);
    }
    // What the workflow reads of the step is what the step writes.
    let conditions = integration("github-actions.yaml");
    for name in ["steps.gate.outputs.action", "steps.gate.outputs.verdict"] {
        assert!(conditions.contains(name));
    }
}

#[test]
fn the_plain_script_acts_on_every_answer() {
    let script = integration("gate.sh");
    let cases = [
        (Some("same"), 0, "give the canary the traffic"),
        (Some("slower"), 1, "take the canary back"),
        (Some("canary_dead"), 3, "ask a person"),
    ];
    for (recording, code, says) in cases {
        let (folder, bin) = place(recording);
        let ended = shell(&script, &["v1", "v2"], folder.path(), &bin);
        assert_eq!(ended.code, Some(code), "{}\n{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains(says), "{}", ended.stdout);
        assert!(folder.path().join("davy-report/report.json").is_file());
    }
    let (folder, bin) = place(None);
    let broken = shell(&script.replacen("davy gate ", "davy gate --once ", 1), &["v1", "v2"], folder.path(), &bin);
    assert_eq!(broken.code, Some(4), "{}", broken.stderr);
    assert!(broken.stderr.contains("the canary stays where it is") && !broken.stdout.contains("traffic"), "{}", broken.stdout);
    assert_eq!(shell(&script, &["v1"], folder.path(), &bin).code, Some(2));
}

#[test]
fn shellcheck_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = scripts();
    let gitlab = yaml::parse(&integration("gitlab-ci.yaml")).unwrap();
    all.extend(["promote", "rollback"].map(|job| ("gitlab-ci.yaml", text(&gitlab, &format!("/{job}/script/0")))));
    let mut paths = vec![workspace().join("docs/integrations/gate.sh")];
    for (index, (name, script)) in all.iter().enumerate() {
        let path = folder.path().join(format!("{index}-{name}.sh"));
        fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
        paths.push(path);
    }
    let checked: Run = Command::new("shellcheck").args(&paths).output().expect("shellcheck is there (scripts/test installs it)").into();
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
}
