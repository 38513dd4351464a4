//! `davy record`: writes what a source holds, to be judged later.

use anyhow::{Context, bail};
use davy_judge::verdict::Verdict;
use davy_sources::recording::{Expected, Recorded};
use davy_sources::samples::{Part, Span};
use davy_sources::source::Source;

use crate::args::RecordArgs;
use crate::exit::Exit;
use crate::gate::prepare;
use crate::progress::Watch;
use crate::terminal::Watching;
use crate::time::parse_time;
use crate::{discovery, inputs};

/// Fetches both arms and the history, and writes them.
pub async fn record(args: &RecordArgs, watching: Watching) -> anyhow::Result<Exit> {
    let expected = expected(args)?;
    let start_ms = args.analysis.start.as_deref().map(parse_time).transpose().context("--start")?;
    let end_ms = args.end.as_deref().map(parse_time).transpose().context("--end")?;
    let source = inputs::source(&args.prometheus)?;
    let watch = Watch::start(watching, &source.place(), source.traffic());
    let rules = match discovery::rules(&source, &args.analysis, end_ms.unwrap_or_else(|| source.now_ms()), false).await? {
        Ok(rules) => rules,
        Err(error) => {
            drop(watch);
            return Ok(nothing_recorded(&error));
        }
    };
    if let Some(metric) = args.expect_metric.as_deref().filter(|name| !rules.metrics.iter().any(|metric| metric.rule.name == **name)) {
        let names: Vec<&str> = rules.metrics.iter().map(|metric| metric.rule.name.as_str()).collect();
        bail!("--expect-metric: expected one of {}, found {metric}", names.join(", "));
    }
    let plan = match prepare(&source, rules, &args.analysis, start_ms, false).await? {
        Ok(plan) => plan,
        Err(error) => {
            drop(watch);
            return Ok(nothing_recorded(&error));
        }
    };
    let end_ms = plan.edge_before(end_ms.unwrap_or_else(|| source.now_ms()));
    let source = Recorded::new(source, &plan.fetch);
    let run = Span { start_ms: plan.edge_before(plan.start_ms) - plan.step_ms, end_ms };
    if run.end_ms <= run.start_ms + plan.step_ms {
        bail!("expected at least one window of {} ms between start and end, found none", plan.step_ms);
    }
    watch.reading(&plan);
    let history = plan.history.map(|history| Span { start_ms: history.start_ms - plan.step_ms, ..history });
    for (part, span) in history.map(|span| (Part::History, span)).into_iter().chain([(Part::Run, run)]) {
        let fetched = source.fetch(&plan.fetch, part, span).await;
        let errors: Vec<String> = fetched.iter().filter_map(|answer| answer.as_ref().err()).map(ToString::to_string).collect();
        // A recording that lacks what live would have had is worse than none.
        if let Some(error) = errors.first() {
            drop(watch);
            return Ok(nothing_recorded(error));
        }
    }
    drop(watch);
    let about = davy_sources::recording::About { label: args.label.clone(), expected, ..plan.about() };
    let written = source.into_recorder().write(&args.path, &about, args.replace)?;
    anstream::println!("{}: {} series, {} samples", args.path.display(), written.series, written.samples);
    Ok(Exit::Promote)
}

fn nothing_recorded(why: &str) -> Exit {
    anstream::eprintln!("davy: nothing was recorded: {why}");
    Exit::NoAnalysis
}

fn expected(args: &RecordArgs) -> anyhow::Result<Option<Expected>> {
    let Some(text) = &args.expect else { return Ok(None) };
    let verdict = |name: &str| match name {
        "promote" => Ok(Verdict::Promote),
        "hold" => Ok(Verdict::Hold),
        "rollback" => Ok(Verdict::Rollback),
        _ => bail!("--expect: expected promote, hold, rollback, or one of them with not- before it, found `{text}`"),
    };
    Ok(Some(match text.strip_prefix("not-") {
        Some(name) => Expected::Not(verdict(name)?),
        None => Expected::Verdict { verdict: verdict(text)?, metric: args.expect_metric.clone() },
    }))
}
