//! `davy explain` and `davy report`: reports that were written before, in sentences and in other forms.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use davy_gate::render::{self, Case};
use davy_gate::report::{Report, from_json};

use crate::args::{ExplainArgs, ReportArgs};
use crate::exit::Exit;
use crate::show::{explanation, kind_of, say};
use crate::terminal;

/// Says why; exits 0, since nothing is judged.
pub fn explain(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let reports = read(&args.paths)?;
    let texts: Vec<String> = reports.iter().map(|(_, report)| explanation(report)).collect();
    say(&texts.join("\n"));
    Ok(Exit::Promote)
}

/// Shows again; exits 0, since nothing is judged.
pub fn report(args: &ReportArgs) -> anyhow::Result<Exit> {
    let kind = kind_of(&args.to).context("--to")?;
    let reports = read(&args.paths)?;
    let is_single = reports.len() == 1;
    let cases: Vec<Case<'_>> = reports
        .iter()
        .map(|(name, report)| Case { name: if is_single { "" } else { name }, compares: args.compare.is_some(), ..Case::of(report) })
        .collect();
    say(&render::render(kind, &cases, terminal::look()));
    Ok(Exit::Promote)
}

fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<(String, Report)>> {
    let mut reports = Vec::new();
    for path in paths {
        let text = if path == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("reading stdin")?;
            text
        } else {
            std::fs::read_to_string(path).with_context(|| path.display().to_string())?
        };
        reports.extend(parse(&path.display().to_string(), &text)?);
    }
    Ok(reports)
}

/// One report, or what `davy replay --output json` says of several recordings.
fn parse(name: &str, text: &str) -> anyhow::Result<Vec<(String, Report)>> {
    let Ok(serde_json::Value::Array(entries)) = serde_json::from_str(text) else {
        return Ok(vec![(name.to_owned(), from_json(text).with_context(|| name.to_owned())?)]);
    };
    let mut reports = Vec::new();
    for entry in &entries {
        let recording = entry["recording"].as_str().unwrap_or(name);
        match (&entry["report"], entry["error"].as_str()) {
            (serde_json::Value::Null, Some(error)) => anstream::eprintln!("davy: {recording}: {error}"),
            (report, _) => {
                reports.push((recording.to_owned(), from_json(&report.to_string()).with_context(|| format!("{name}: {recording}"))?))
            }
        }
    }
    if reports.is_empty() {
        bail!("{name}: expected reports, found none");
    }
    Ok(reports)
}
