//! What packages ship beside the binary is what the binary says, and the binary says what it was built from.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use davy_tests::davy::{run, workspace};

const REWRITE: &str = "out of date; rewrite with: DAVY_GOLDEN=1 cargo test -p davy-tests --test packaging";
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "completions/davy.bash"),
    ("zsh", "completions/_davy"),
    ("fish", "completions/davy.fish"),
    ("powershell", "completions/_davy.ps1"),
    ("elvish", "completions/davy.elv"),
];

fn wants_rewrite() -> bool {
    std::env::var_os("DAVY_GOLDEN").is_some()
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).expect("the directory is there");
    entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("text"))
        })
        .collect()
}

#[test]
fn completions_are_those_of_the_binary() {
    for (shell, path) in COMPLETIONS {
        let made = run(["completions", shell]).unwrap();
        assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""));
        let path = workspace().join(path);
        if wants_rewrite() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &made.stdout).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made.stdout, "{} is {REWRITE}", path.display());
    }
}

#[test]
fn manual_pages_are_those_of_the_binary() {
    let kept = workspace().join("docs/man");
    if wants_rewrite() && kept.exists() {
        fs::remove_dir_all(&kept).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let target = if wants_rewrite() { kept.clone() } else { folder.path().join("man") };
    let made = run(["man".as_ref(), target.as_os_str()]).unwrap();
    assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""));
    let made = files(&target);
    assert!(made.contains_key("davy.1") && made.contains_key("davy-gate.1"), "{:?}", made.keys());
    let kept = files(&kept);
    let differing: Vec<&String> = made.keys().chain(kept.keys()).filter(|name| made.get(*name) != kept.get(*name)).collect();
    assert!(differing.is_empty(), "docs/man: {differing:?} {REWRITE}");
}

#[test]
fn bash_completes_commands_options_and_values() {
    // Not the kept file, which may just be being rewritten.
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("davy.bash");
    fs::write(&script, run(["completions", "bash"]).unwrap().stdout).unwrap();
    let complete = |words: &[&str]| {
        let current = words.last().unwrap();
        let previous = words[words.len() - 2];
        let line = format!(
            "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; _davy davy '{current}' '{previous}'; printf '%s ' \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
            words.len() - 1
        );
        let output = Command::new("bash").args(["--norc", "-c", &line]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(complete(&["davy", "ga"]), "gate");
    assert_eq!(complete(&["davy", "gate", "--hold"]), "--hold-as");
    assert_eq!(complete(&["davy", "gate", "--hold-as", ""]), "fail hold pass");
}

#[test]
fn the_long_version_names_commit_target_and_features_the_short_one_does_not() {
    let short = run(["-V"]).unwrap();
    assert_eq!(short.stdout, "davy 0.1.0\n");
    let long = run(["--version"]).unwrap();
    assert!(long.stdout.starts_with("davy 0.1.0\ncommit:    "), "{}", long.stdout);
    for line in ["\nbuilt for: ", "\nfeatures:  ", "\nsources:   prometheus", "\ntelemetry: otlp (http/protobuf)"] {
        assert!(long.stdout.contains(line), "expected {line:?} in {}", long.stdout);
    }
    // A path would make two builds of one commit differ.
    assert!(!long.stdout.contains(&*workspace().to_string_lossy()), "{}", long.stdout);
}

/// What the build script of the binary says of the commit, run in a directory.
fn built_from(script: &Path, folder: &Path, given: Option<&str>) -> String {
    let mut command = Command::new(script);
    command.current_dir(folder).env("TARGET", "t").env("PROFILE", "p").env_remove("DAVY_COMMIT");
    // Git looks no further up than the directory of this test.
    command.env("GIT_CEILING_DIRECTORIES", script.parent().expect("a directory"));
    command.envs(given.map(|commit| ("DAVY_COMMIT", commit)));
    let output = command.output().expect("running the build script");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("cargo::rustc-env=DAVY_BUILT_FROM="));
    line.expect("a line for the commit").to_owned()
}

#[test]
fn the_build_script_names_a_commit_only_where_it_knows_one() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    let source = workspace().join("engine/cli/build.rs");
    let compiled = Command::new("rustc").args(["--edition=2024", "-o"]).arg(&script).arg(&source).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let package = folder.path().join("tree/engine/cli");
    fs::create_dir_all(&package).unwrap();
    fs::copy(&source, package.join("build.rs")).unwrap();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").args(identity).args(arguments).current_dir(folder.path().join("tree")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(built_from(&script, &package, None), "unknown", "a tarball");
    assert_eq!(built_from(&script, &package, Some("0123abc")), "0123abc", "a tarball whose packager knows");
    git(&["init", "-q"]);
    fs::write(folder.path().join("tree/other"), "theirs").unwrap();
    git(&["add", "other"]);
    git(&["commit", "-qm", "theirs"]);
    assert_eq!(built_from(&script, &package, None), "unknown", "a tarball inside somebody else's repository");
    git(&["add", "engine"]);
    git(&["commit", "-qm", "ours"]);
    let head = git(&["rev-parse", "--short=12", "HEAD"]);
    assert_eq!(built_from(&script, &package, None), head);
    fs::write(folder.path().join("tree/other"), "changed").unwrap();
    assert_eq!(built_from(&script, &package, None), format!("{head} (modified)"));
}
