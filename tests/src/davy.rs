//! The built `davy` binary, run as users run it: arguments in, exit code and output out.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, bail};
use serde_json::Value;

/// What one run of `davy` left.
#[derive(Debug, Clone)]
pub struct Run {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// The JSON report on standard output.
    ///
    /// # Errors
    /// There is none; with what was said instead.
    pub fn report(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("exit code {:?}, no report on stdout: {}\n{}", self.code, self.stdout, self.stderr))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Run {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A command that will run the binary with neither input nor the caller's `DAVY_*` settings, locale and colours.
///
/// # Errors
/// The binary cannot be built.
pub fn command() -> anyhow::Result<Command> {
    let mut command = Command::new(binary()?);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DAVY_") {
            command.env_remove(&name);
        }
    }
    command.env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    Ok(command)
}

/// Where the binary is, for those that start it by other means.
///
/// # Errors
/// It cannot be built.
pub fn path() -> anyhow::Result<PathBuf> {
    binary()
}

/// Runs `davy` to its end.
///
/// # Errors
/// It cannot be built or started.
pub fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<Run> {
    Ok(command()?.args(arguments).output().context("running davy")?.into())
}

/// Runs `davy` to its end without holding up the runtime, so that many can run at once.
///
/// # Errors
/// It cannot be built or started.
pub async fn run_async(arguments: Vec<String>) -> anyhow::Result<Run> {
    tokio::task::spawn_blocking(move || run(arguments)).await.context("the thread that waits for davy panicked")?
}

/// Where the binary is. `scripts/test` builds it beside the tests and says so in `DAVY_BIN`; under a bare `cargo test`
/// or `cargo nextest run` it is built here, once per process, because cargo builds binaries for the tests of their own
/// package only.
fn binary() -> anyhow::Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = BINARY.get_or_init(|| find_or_build().map_err(|error| format!("{error:#}")));
    found.clone().map_err(anyhow::Error::msg)
}

fn find_or_build() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("DAVY_BIN") {
        let path = PathBuf::from(path);
        return if path.is_file() { Ok(path) } else { bail!("DAVY_BIN names no file: {}", path.display()) };
    }
    // target/PROFILE/deps/TEST-HASH, or target/PROFILE/PROGRAM.
    let this = std::env::current_exe().context("where this program is")?;
    let beside = this.parent().context("this program has no directory")?;
    let profile_dir = if beside.ends_with("deps") { beside.parent().context("deps has no parent")? } else { beside };
    let target_dir = profile_dir.parent().context("the profile has no parent")?;
    let profile = match profile_dir.file_name().and_then(OsStr::to_str) {
        Some("debug") => "dev",
        Some(other) => other,
        None => bail!("expected a target directory, found {}", profile_dir.display()),
    };
    build(profile, target_dir)?;
    let path = profile_dir.join(format!("davy{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() { Ok(path) } else { bail!("cargo built no {}", path.display()) }
}

/// Cargo's own lock makes several processes wait for one another; whoever comes later finds it built.
fn build(profile: &str, target_dir: &Path) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--workspace", "--bins", "--tests", "--locked", "--quiet", "--profile", profile, "--target-dir"])
        .arg(target_dir)
        .current_dir(workspace())
        .stdin(Stdio::null())
        .output()
        .context("running cargo")?;
    if !output.status.success() {
        bail!("building davy failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}
