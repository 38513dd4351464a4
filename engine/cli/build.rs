//! Tells the binary what it was built from, for `davy --version`.
//!
//! Outside git, and in a tarball inside somebody else's repository, the commit is `unknown` unless `DAVY_COMMIT` names it.
//! No time and no path goes in: the same sources give the same bytes.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=DAVY_COMMIT");
    // Whatever is compiled in; a change to it may make the tree a modified one.
    for source in ["../../engine", "../../rules", "../../Cargo.toml", "../../Cargo.lock"] {
        track(source);
    }
    let given = std::env::var("DAVY_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(commit).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=DAVY_BUILT_FROM={commit}");
    for (name, variable) in [("DAVY_TARGET", "TARGET"), ("DAVY_PROFILE", "PROFILE")] {
        println!("cargo::rustc-env={name}={}", std::env::var(variable).unwrap_or_default());
    }
    println!("cargo::rustc-env=DAVY_FEATURES={}", features());
}

/// The commit, and whether files that git knows were changed since.
fn commit() -> Option<String> {
    // In a tarball that was unpacked inside another repository, git answers, but knows nothing of this file.
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    let head = git(&["rev-parse", "--short=12", "HEAD"])?;
    let branch = git(&["rev-parse", "--symbolic-full-name", "HEAD"])?;
    for file in ["HEAD", "packed-refs", &branch] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            track(&path);
        }
    }
    let is_modified = git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|changed| !changed.is_empty());
    Some(if is_modified { format!("{head} (modified)") } else { head })
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("--no-optional-locks").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Cargo takes a file that is not there for one that changed, every time.
fn track(path: &str) {
    if Path::new(path).exists() {
        println!("cargo::rerun-if-changed={path}");
    }
}

/// Cargo features, by name; `none` where there are none.
fn features() -> String {
    let mut names: Vec<String> = std::env::vars()
        .filter_map(|(name, _)| Some(name.strip_prefix("CARGO_FEATURE_")?.to_ascii_lowercase().replace('_', "-")))
        .filter(|name| name != "default")
        .collect();
    names.sort();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
