//! `davy replay`: judges recordings, many at once.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use davy_gate::pipeline::{Patience, Run};
use davy_gate::render::{Case, comparison};
use davy_gate::replay::{Moment, Replayed, difference, moment_of, replay as judge};
use davy_gate::report::report;
use davy_gate::rules::{Options, RuleSet};
use davy_gate::words;
use davy_sources::recording::Recording;
use rayon::prelude::*;

use crate::args::{AnalysisArgs, Output, ReplayArgs};
use crate::exit::Exit;
use crate::gate::prepare;
use crate::inputs;
use crate::progress::Pieces;
use crate::show::{Showing, say};
use crate::source;
use crate::terminal::Watching;
use crate::time::clock_text;

/// The file that makes a directory a recording.
const MANIFEST: &str = "manifest.json";

/// One recording, judged.
struct Outcome {
    path: PathBuf,
    replayed: anyhow::Result<(Replayed, Option<String>)>,
}

/// Judges every recording under the given paths; the exit is the worst of them.
pub fn replay(args: &ReplayArgs, watching: Watching) -> anyhow::Result<Exit> {
    let showing = Showing::new(&args.show)?;
    if args.as_of && !matches!(args.show.output, Output::Text | Output::Jsonl) {
        bail!("--as-of: expected --output text or jsonl, which have lines; found another");
    }
    let options = Options { variables: inputs::variables(&args.variables)?, ..Options::default() };
    let rules = args.rules.as_deref().map(|name| inputs::rules(name, &options)).transpose()?;
    let mut paths = Vec::new();
    for path in &args.paths {
        find(path, &mut paths)?;
    }
    let pieces = Pieces::start(if paths.len() > 1 { watching } else { Watching::Off }, paths.len(), "recordings");
    let judge_one = |path: &PathBuf| {
        let outcome = Outcome { path: path.clone(), replayed: one(path, rules.as_ref(), args, showing.wants_moments()) };
        pieces.add_one();
        outcome
    };
    let outcomes: Vec<Outcome> = match paths.as_slice() {
        [single] => vec![judge_one(single)],
        many => many.par_iter().map(judge_one).collect(),
    };
    drop(pieces);
    let is_single = outcomes.len() == 1;
    let mut exit = Exit::Promote;
    let mut differences = 0;
    for outcome in &outcomes {
        match &outcome.replayed {
            Ok((replayed, difference)) => {
                if let Some(difference) = difference {
                    anstream::eprintln!("davy: {}: {difference}", outcome.path.display());
                }
                differences += usize::from(difference.is_some());
                if !args.check {
                    exit = exit.worse(Exit::of(&replayed.report));
                }
            }
            Err(error) => {
                anstream::eprintln!("davy: {}: {error:#}", outcome.path.display());
                exit = exit.worse(Exit::Usage);
            }
        }
    }
    show(&outcomes, args, &showing, is_single);
    if args.check {
        let judged = outcomes.iter().filter(|outcome| outcome.replayed.is_ok()).count();
        anstream::eprintln!("{} as expected, {differences} not", judged - differences);
        if differences > 0 {
            exit = exit.worse(Exit::Difference);
        }
    }
    Ok(exit)
}

fn one(path: &Path, rules: Option<&RuleSet>, args: &ReplayArgs, moments: bool) -> anyhow::Result<(Replayed, Option<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("starting a runtime")?;
    if is_measured(path) {
        let rules = rules.with_context(|| "OTLP files hold measurements and no rules; add --rules FILE".to_owned())?;
        let replayed = runtime.block_on(measured(path, rules, args.as_of || moments))?;
        let difference = args.check.then(|| "expected a recording with an expectation, found OTLP files".to_owned());
        return Ok((replayed, difference));
    }
    let recording = Recording::open(path)?;
    let replayed = runtime.block_on(judge(&recording, rules, args.as_of || moments))?;
    let difference = match (&recording.manifest.about.expected, args.check) {
        (Some(expected), true) => difference(expected, &replayed.report),
        (None, true) => Some("expected an expectation in the manifest, found none".to_owned()),
        (_, false) => None,
    };
    Ok((replayed, difference))
}

/// Whether a path holds measurements and is no recording.
fn is_measured(path: &Path) -> bool {
    !path.join(MANIFEST).is_file() && !path.ends_with(MANIFEST) && davy_sources::otlp::file::is_otlp(path)
}

/// Judges OTLP files as `gate --once` does.
async fn measured(path: &Path, rules: &RuleSet, moments: bool) -> anyhow::Result<Replayed> {
    let source = source::from_files(&[path.to_owned()])?;
    let args = AnalysisArgs { rules: None, baseline: None, canary: None, variables: Vec::new(), start: None, weights: Vec::new() };
    let plan = prepare(&source, rules.clone(), &args, None, false).await?.map_err(anyhow::Error::msg)?;
    let mut run = Run::new(&plan, &source).map_err(anyhow::Error::msg)?;
    let mut seen = Vec::new();
    let outcome = run
        .advance(source.now_ms(), Patience::Once, |run| {
            if moments {
                seen.extend(moment_of(run))
            }
        })
        .await;
    if let Err(outage) = outcome {
        bail!("{}", outage.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    }
    Ok(Replayed { report: report(&run, false), moments: seen })
}

/// A recording, or every recording below a directory, sorted.
fn find(path: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !path.exists() {
        bail!("{}: no such file or directory", path.display());
    }
    if path.is_file() || path.join(MANIFEST).is_file() || is_measured(path) {
        found.push(path.to_owned());
        return Ok(());
    }
    let before = found.len();
    descend(path, found)?;
    if found.len() == before {
        bail!("{}: expected recordings (directories with a {MANIFEST}), found none", path.display());
    }
    Ok(())
}

fn descend(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|entry| entry.is_dir() && !entry.is_symlink())
        .collect();
    entries.sort();
    for entry in entries {
        if entry.join(MANIFEST).is_file() {
            found.push(entry);
        } else {
            descend(&entry, found)?;
        }
    }
    Ok(())
}

/// One recording as the gate shows it; of several, a line each where people read.
fn show(outcomes: &[Outcome], args: &ReplayArgs, showing: &Showing, is_single: bool) {
    let names: Vec<String> = outcomes.iter().map(|outcome| outcome.path.display().to_string()).collect();
    let errors: Vec<String> =
        outcomes.iter().map(|outcome| outcome.replayed.as_ref().err().map_or_else(String::new, |error| format!("{error:#}"))).collect();
    let plain: Vec<Case<'_>> = outcomes
        .iter()
        .enumerate()
        .map(|(index, outcome)| {
            let name = if is_single { "" } else { names[index].as_str() };
            match &outcome.replayed {
                Ok((replayed, difference)) => {
                    Case { name, moments: &replayed.moments, difference: difference.as_deref(), ..Case::of(&replayed.report) }
                }
                Err(_) => Case::failed(name, &errors[index]),
            }
        })
        .collect();
    let cases = showing.compared(&plain);
    let is_listed = args.show.output == Output::Text && !is_single;
    if args.as_of && args.show.output == Output::Text {
        for case in &cases {
            say(&case.moments.iter().map(|moment| moment_text(moment) + "\n").collect::<String>());
            if is_listed {
                say(&line(case, args.check));
            }
        }
    } else if is_listed {
        say(&cases.iter().map(|case| line(case, args.check)).collect::<String>());
    }
    if is_listed {
        showing.write_reports(&cases);
        showing.explain(&cases);
    } else {
        showing.show(&cases);
    }
}

fn line(case: &Case<'_>, check: bool) -> String {
    let Ok(report) = case.outcome else { return String::new() };
    let mark = match (check, case.difference) {
        (true, Some(_)) => "DIFFERS ",
        (true, None) => "ok ",
        (false, _) => "",
    };
    let compared = comparison(case, report).map_or_else(String::new, |said| format!("         compared: {said}\n"));
    format!("{mark}{:<8} {}: {}\n{compared}", report.verdict, case.name, report.reason)
}

fn moment_text(moment: &Moment) -> String {
    format!(
        "{} {:<8} score {:>5} harm {:>20} safe {:>20}",
        clock_text(moment.end_ms),
        moment.verdict.name(),
        words::digits((moment.score * 10.0).round() / 10.0),
        words::odds(moment.ln_harm),
        words::odds(moment.ln_safe)
    )
}
