//! A newcomer's path: a fresh clone, an empty home, the README's commands in their order, then those of every other page. A
//! command that the pages show and this test does not run is named in [`way`], with the reason.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use davy_tests::davy::workspace;
use davy_tests::filled::{Filled, Names, Version, exposition, now};

/// After this a gate that waits for a verdict is interrupted, as a person would.
const WAITS: Duration = Duration::from_secs(15);
/// Seconds that the canary runs already.
const CANARY_SECS: i64 = 1500;

/// What is done with a command.
#[derive(Debug, PartialEq)]
enum Way {
    Run,
    /// Not run here, and why not.
    Leave(&'static str),
}

fn way(command: &str) -> Way {
    let begins = |words: &str| command == words || command.starts_with(&format!("{words} "));
    if begins("bash .ci/run") || begins("bash scripts/test") {
        Way::Leave("it runs this test")
    } else if begins("cargo nextest run") || begins("DAVY_GOLDEN=1") {
        Way::Leave("the runner runs this test")
    } else if begins("cargo bench") || begins("hyperfine") || command.contains("--release") {
        Way::Leave("release builds take minutes; the figures name when they were run")
    } else if command.contains("--otlp-file") || command.contains("telemetry.jsonl") {
        Way::Leave("the reader's own collector wrote these files; otlp_files.rs runs the same over recorded ones")
    } else if begins("just") {
        Way::Leave("recipes are checked by name")
    } else {
        Way::Run
    }
}

/// Where the commands of the pages run.
struct Place {
    clone: PathBuf,
    target: PathBuf,
    home: PathBuf,
    url: String,
    begins: i64,
    ends: i64,
}

impl Place {
    /// A shell in the clone whose PATH leads to what the first command built, with nothing of the caller's but cargo's crates.
    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("bash");
        let own_home = std::env::var_os("HOME").map(PathBuf::from).expect("HOME is set");
        let kept = |name: &str, below: &str| std::env::var_os(name).map_or_else(|| own_home.join(below), PathBuf::from);
        let path = format!("{}:{}", self.target.join("debug").display(), std::env::var("PATH").expect("PATH is set"));
        shell.args(["-c", command]).current_dir(&self.clone).env_clear().stdin(Stdio::null());
        shell.env("PATH", path).env("HOME", &self.home).env("NO_COLOR", "1").env("LANG", "C.UTF-8");
        // Not the clone's own, so that crates are built once per machine.
        shell
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_HOME", kept("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", kept("RUSTUP_HOME", ".rustup"));
        shell
    }

    /// Runs a command to its end; one that waits for a verdict is interrupted.
    fn run(&self, command: &str) -> Output {
        let waits = command.starts_with("davy gate") && !command.contains("--once") && !command.contains("--end");
        let limit = if waits { format!("timeout --preserve-status --signal=INT {} ", WAITS.as_secs()) } else { String::new() };
        self.shell(&format!("{limit}{command}")).output().expect("bash starts")
    }

    /// The command with the reader's own address, times and arms in place of the page's.
    fn filled_in(&self, command: &str) -> String {
        let arms = format!("--prometheus {} --rules checkout.yaml --baseline version=v1 --canary version=v2", self.url);
        let mut filled = command.replace("http://prometheus:9090", &self.url).replace(" URL", &format!(" {}", self.url));
        filled = filled.replacen(" …", &format!(" {arms}"), 1);
        filled = filled.replacen("--start TIME", &format!("--start {}", self.begins), 1).replace("EPOCH", &self.begins.to_string());
        filled = filled.replacen("--end TIME", &format!("--end {}", self.ends), 1);
        if filled.starts_with("cargo install") {
            // The same, without minutes of optimisation, and not into a real home.
            filled.push_str(" --debug --root installed");
        }
        filled
    }
}

/// Lines of code blocks (indented or fenced) that are commands, with what continues them, without comments.
fn commands(page: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut lines = page.lines();
    let mut fenced = false;
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if !fenced && !line.starts_with("    ") {
            continue;
        }
        let is_command = |text: &str| {
            ["davy ", "cargo ", "bash ", "just ", "hyperfine ", "DAVY_GOLDEN=1 ", "man "].iter().any(|word| text.starts_with(word))
        };
        let text = line.trim().trim_start_matches("$ ");
        if !is_command(text) {
            continue;
        }
        let without_comment = |text: &str| text.split("  #").next().unwrap_or(text).trim().to_owned();
        let mut command = without_comment(text);
        while command.ends_with('\\') {
            let next = lines.next().expect("a continued line is followed by one");
            command = format!("{} {}", command.trim_end_matches('\\').trim_end(), without_comment(next));
        }
        commands.push(command);
    }
    commands
}

/// README first, then docs by name.
fn pages() -> Vec<PathBuf> {
    let docs = workspace().join("docs");
    let mut pages: Vec<PathBuf> = fs::read_dir(&docs)
        .expect("there are docs")
        .map(|entry| entry.expect("docs can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    pages.insert(0, workspace().join("README.md"));
    pages
}

fn clone_into(folder: &Path) -> PathBuf {
    let clone = folder.join("davy");
    let cloned =
        Command::new("git").args(["clone", "--quiet", "--shared"]).arg(workspace()).arg(&clone).output().expect("git is installed");
    assert!(cloned.status.success(), "{}", String::from_utf8_lossy(&cloned.stderr));
    clone
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_every_command_of_the_pages_runs_in_a_fresh_clone() {
    let folder = tempfile::tempdir().unwrap();
    let end = now();
    let versions = [Version::usual(&[("version", "v1")], 6), Version { begins: CANARY_SECS, ..Version::usual(&[("version", "v2")], 2) }];
    let server = Filled::start(&exposition(&Names::prom_http(), &versions, end, 2 * 3600, 15, 7)).unwrap().ready().await.unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("newcomer");
    let place = Place { clone: clone_into(folder.path()), target, home, url: server.url(), begins: end - CANARY_SECS, ends: end - 60 };
    fs::write(
        place.clone.join("stricter.yaml"),
        "schema: davy/v1\nname: stricter\nextends: [presets/prom-http]\nwindow: { min_windows: 12 }\n",
    )
    .unwrap();
    let recipes = fs::read_to_string(workspace().join("Justfile")).unwrap();
    let (mut run, mut failed) = (0, Vec::new());
    for page in pages() {
        let name = page.file_name().expect("a page has a name").to_string_lossy().into_owned();
        for shown in commands(&fs::read_to_string(&page).unwrap()) {
            if let Way::Leave(_) = way(&shown) {
                let recipe = shown.strip_prefix("just ").and_then(|rest| rest.split(' ').next());
                let known = recipe.is_none_or(|recipe| recipes.lines().any(|line| line.split([' ', ':']).next() == Some(recipe)));
                assert!(known, "{name}: {shown}: the Justfile has no such recipe");
                continue;
            }
            let output = place.run(&place.filled_in(&shown));
            run += 1;
            let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            // A verdict, whichever; or a wait that was ended by hand, with the report so far.
            let code = output.status.code();
            let judges = ["davy gate", "davy replay", "davy explain", "davy doctor"].iter().any(|word| shown.starts_with(word));
            let is_fine = code == Some(0) || (judges && matches!(code, Some(1 | 3))) || (code == Some(130) && all.contains("so far"));
            if !is_fine {
                failed.push(format!("{name}: {shown}\n  as {}\n  exit {code:?}\n{all}", place.filled_in(&shown)));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(run >= 15, "only {run} commands were found");
    let installed = place.run("installed/bin/davy --version");
    assert!(String::from_utf8_lossy(&installed.stdout).starts_with("davy "), "{installed:?}");
}

#[test]
fn commands_are_found_joined_and_freed_of_comments() {
    let page =
        "text davy gate\n\n    davy gate --a \\\n        --b      # why\n    other\n\n```sh\n$ davy rules check x.yaml\n```\ndavy no\n";
    assert_eq!(commands(page), ["davy gate --a --b", "davy rules check x.yaml"]);
    assert_eq!(way("davy gate"), Way::Run);
    assert_eq!(way("just ci"), Way::Leave("recipes are checked by name"));
}
