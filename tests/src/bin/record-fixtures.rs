//! Runs the whole lab, gates every mode, and writes the recordings with what the model expects of them:
//! `record-fixtures fixtures/recordings`. A mode that was judged wrongly is not written, and the exit code is 1.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use davy_tests::davy::{Run, run_async};
use davy_tests::lab::model::{Mode, Timeline, expected};
use davy_tests::lab::running::Lab;
use davy_tests::lab::server::ServerKind;
use davy_tests::live::{LIVE, mistakes, name, recorded_gate};
use serde_json::{Value, json};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<ExitCode> {
    let target = PathBuf::from(std::env::args_os().nth(1).context("expected a directory for the recordings")?);
    fs::create_dir_all(&target).with_context(|| format!("creating {}", target.display()))?;
    // Beside the target, so that moving is renaming.
    let fresh = tempfile::Builder::new().prefix(".fresh-").tempdir_in(&target).context("making a directory")?;
    let lab = Lab::start(&Mode::ALL, Timeline::whole(), &[ServerKind::Prometheus]).await?;
    lab.wait_until(lab.timeline.canary_starts).await;
    let mut gates = Vec::new();
    for (mode, rules) in LIVE {
        let recording = fresh.path().join(name(mode, rules));
        let arguments = recorded_gate(&lab.prometheus, &lab, mode, rules, &recording);
        gates.push((mode, rules, recording, tokio::spawn(run_async(arguments))));
    }
    let mut all_right = true;
    let mut out = std::io::stdout();
    for (mode, rules, recording, gate) in gates {
        let run = gate.await.context("a gate panicked")??;
        let name = name(mode, rules);
        let mistakes = mistakes(&name, &run, &expected(mode, rules));
        if mistakes.is_empty() {
            annotate(&recording, mode, &run)?;
            replace(&recording, &target.join(&name))?;
            writeln!(out, "{name}: {}", run.report()?["reason"].as_str().unwrap_or("no reason"))?;
        }
        for mistake in &mistakes {
            all_right = false;
            writeln!(out, "not written: {mistake}")?;
        }
    }
    Ok(if all_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes into the manifest what the mode is and what a replay must answer.
fn annotate(recording: &Path, mode: Mode, run: &Run) -> anyhow::Result<()> {
    let path = recording.join("manifest.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut manifest: Value = serde_json::from_str(&text).context("reading the manifest")?;
    let report = run.report()?;
    let reason = report["reason"].as_str().unwrap_or_default();
    let blamed = ["latency_p99", "error_rate", "throughput"].into_iter().find(|metric| reason.contains(metric));
    let mut expected = json!({ "verdict": report["verdict"] });
    if let Some(metric) = blamed.filter(|_| report["verdict"] == "rollback") {
        expected["metric"] = metric.into();
    }
    manifest["label"] = mode.describe().into();
    manifest["expected"] = expected;
    let text = serde_json::to_string_pretty(&manifest).context("writing the manifest")? + "\n";
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}

/// Puts the new recording in the place of the old one.
fn replace(fresh: &Path, place: &Path) -> anyhow::Result<()> {
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("removing {}", place.display()))?;
    }
    fs::rename(fresh, place).with_context(|| format!("moving to {}", place.display()))
}
