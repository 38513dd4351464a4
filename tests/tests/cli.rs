//! What the caller wrote wrongly, and what the source did: exit codes and words.

use std::fs;

use davy_tests::davy::{run, workspace};

fn rules() -> String {
    workspace().join("tests/rules/lab.yaml").display().to_string()
}

fn gate(more: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["gate", "--rules", &rules(), "--baseline", "version=v1", "--canary", "version=v2"].map(str::to_owned).to_vec();
    arguments.extend(more.iter().map(|text| (*text).to_owned()));
    arguments
}

#[test]
fn a_source_that_is_not_there_is_no_analysis() {
    // Port 1 of loopback: nobody listens there.
    for (more, code) in [(&[][..], 4), (&["--on-error", "hold"], 3), (&["--on-error", "rollback"], 1)] {
        let mut arguments = gate(&["--prometheus", "http://127.0.0.1:1", "--once"]);
        arguments.extend(more.iter().map(|text| (*text).to_owned()));
        let refused = run(arguments).unwrap();
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(code), ""), "{}", refused.stderr);
        assert!(refused.stderr.contains("no analysis took place") && refused.stderr.contains("127.0.0.1:1"), "{}", refused.stderr);
    }
}

#[test]
fn what_the_caller_wrote_wrongly_exits_2_and_says_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let typo = folder.path().join("typo.yaml");
    fs::write(&typo, fs::read_to_string(rules()).unwrap().replace("quantile:", "quantle:")).unwrap();
    let typo = typo.display().to_string();
    let url = ["--prometheus", "http://127.0.0.1:1"];
    let cases: [(Vec<String>, &str); 7] = [
        (gate(&[&url[..], &["--start", "yesterday"]].concat()), "expected RFC 3339"),
        (gate(&[&url[..], &["--start", "200", "--end", "100"]].concat()), "expected --end after --start"),
        (gate(&[&url[..], &["--weight", "half"]].concat()), "expected TIME=WEIGHT"),
        (gate(&[&url[..], &["--var", "x"]].concat()), "expected NAME=VALUE"),
        (gate(&[&url[..], &["--record", &rules()]].concat()), "exists already"),
        (["gate", "--rules", &typo, "--prometheus", url[1]].map(str::to_owned).to_vec(), "did you mean"),
        (
            ["gate", "--rules", &rules(), "--prometheus", url[1], "--canary", "version=v2", "--once"].map(str::to_owned).to_vec(),
            "--baseline",
        ),
    ];
    for (arguments, says) in cases {
        let run = run(arguments.clone()).unwrap();
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}\n{}", run.stderr);
        assert!(run.stderr.contains(says), "{arguments:?}: expected {says:?} in\n{}", run.stderr);
    }
}

#[test]
fn rules_are_checked_shown_and_started() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkout.yaml").display().to_string();
    assert_eq!(run(["rules", "init", &path]).unwrap().code, Some(0));
    let checked = run(["rules", "check", &path]).unwrap();
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    assert_eq!(run(["rules", "init", &path]).unwrap().code, Some(2), "nothing is overwritten");
    let schema = run(["rules", "schema"]).unwrap();
    assert_eq!(schema.stdout, fs::read_to_string(workspace().join("rules/schema/davy-v1.schema.json")).unwrap());
    assert!(run(["rules", "show", "presets/prom-http"]).unwrap().stdout.contains("http_request_duration_seconds"));
    fs::write(&path, "schema: davy/v1\nname: x\nmetrics: []\nmetrcs: []\n").unwrap();
    let wrong = run(["rules", "check", &path]).unwrap();
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stdout.contains(":4:1") && wrong.stdout.contains("metrics"), "{}", wrong.stdout);
}

#[test]
fn secrets_are_never_printed() {
    let refused = run(gate(&["--prometheus", "http://user:hunter2@127.0.0.1:1/?token=hunter2", "--once", "-vv"])).unwrap();
    assert_eq!(refused.code, Some(4));
    assert!(!format!("{}{}", refused.stdout, refused.stderr).contains("hunter2"), "{}", refused.stderr);
}
