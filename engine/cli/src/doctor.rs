//! `davy doctor`: asks a source what there is for some rules, and forecasts what an analysis that began now could say.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail};
use davy_gate::forecast::{Effort, forecast};
use davy_gate::plan::Plan;
use davy_judge::arm::{Arm, PerArm};
use davy_judge::reading::Reading;
use davy_sources::align::{AlignedWindow, Aligner};
use davy_sources::samples::{Part, Span};
use davy_sources::source::{Fetched, Source};

use crate::args::{DoctorArgs, DoctorOutput};
use crate::doctor_report::{ArmFacts, Facts, to_json, to_text};
use crate::exit::Exit;
use crate::gate::{SETTLING_STEPS, prepare};
use crate::progress::Pieces;
use crate::source::AnySource;
use crate::terminal::Watching;
use crate::time::now_ms;
use crate::{discovery, inputs, terminal};

/// Windows that tell how much traffic there is now.
const RECENT: i64 = 15;
/// Steps of the search for a regression.
const HALVINGS: usize = 4;
/// How far back is looked where the rules have no history, ms.
const PAST_MS: i64 = 4 * 3_600_000;

/// Runs it.
pub async fn doctor(args: &DoctorArgs, watching: Watching) -> anyhow::Result<Exit> {
    let share = args.share.as_deref().map(parse_share).transpose()?;
    let source = inputs::server(&args.url, &args.access)?;
    let analysis = args.analysis();
    let rules = match discovery::rules(&source, &analysis, now_ms(), false).await? {
        Ok(rules) => rules,
        Err(error) => return Ok(unreachable(&error)),
    };
    let plan = match prepare(&source, rules, &analysis, Some(now_ms()), false).await? {
        Ok(plan) => plan,
        Err(error) => return Ok(unreachable(&error)),
    };
    let facts = match look(&source, &plan, share).await {
        Ok(facts) => facts,
        Err(error) => return Ok(unreachable(&error)),
    };
    let effort = Effort::of(args.trials as usize);
    let found = {
        // A bisection over ten regressions takes four steps at most; remedies come on top where they are needed.
        let expected = effort.good + plan.rules.metrics.len() * HALVINGS * effort.other;
        let (progress, done) = (Pieces::start(watching, expected, "futures"), AtomicUsize::new(0));
        let seen = |count: usize| {
            let before = done.fetch_add(count, Ordering::Relaxed);
            (before..(before + count).min(expected)).for_each(|_| progress.add_one());
        };
        forecast(&plan, &facts.past, &facts.traffic, effort, &seen)
    };
    let is_healthy = found.as_ref().is_some_and(davy_gate::forecast::Forecast::promotes) && facts.lacks(&plan).is_empty();
    match args.output {
        DoctorOutput::Json => anstream::print!("{}", to_json(&plan, &facts, found.as_ref(), is_healthy)),
        DoctorOutput::Text => anstream::print!("{}", to_text(&plan, &facts, found.as_ref(), is_healthy, terminal::look())),
    }
    Ok(if is_healthy { Exit::Promote } else { Exit::Hold })
}

fn parse_share(text: &str) -> anyhow::Result<f64> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    let percent: f64 = number.parse().ok().with_context(|| format!("--share: expected a percentage such as 5%, found `{text}`"))?;
    if !(percent > 0.0 && percent < 100.0) {
        bail!("--share: expected more than 0% and less than 100%, found `{text}`");
    }
    Ok(percent / 100.0)
}

fn unreachable(why: &str) -> Exit {
    anstream::eprintln!("davy: nothing can be said: {why}");
    Exit::NoAnalysis
}

/// What there is: the baseline's past, today's traffic, and why an arm is empty. `Err`: no query succeeded.
async fn look(source: &AnySource, plan: &Plan, share: Option<f64>) -> Result<Facts, String> {
    let end_ms = plan.edge_before(now_ms() - SETTLING_STEPS * plan.step_ms);
    let (part, past_span) = match plan.history {
        Some(history) => (Part::History, history),
        None => {
            let last_ms = plan.rules.history.as_ref().map_or(PAST_MS, |history| history.last_ms);
            (Part::Run, Span { start_ms: plan.edge_before(end_ms - last_ms), end_ms })
        }
    };
    let recent_span = Span { start_ms: end_ms - RECENT * plan.step_ms, end_ms };
    let mut notes = Vec::new();
    let past = windows(source, plan, part, past_span, &mut notes).await?;
    let recent = windows(source, plan, Part::Run, recent_span, &mut notes).await?;
    let instances = PerArm::from_fn(|arm| recent.iter().map(|window| *window.instances.get(arm)).max().unwrap_or(0));
    let present = PerArm::from_fn(|arm| *instances.get(arm) > 0);
    let now: Vec<PerArm<Option<f64>>> =
        (0..plan.rules.metrics.len()).map(|metric| PerArm::from_fn(|arm| requests(&recent, metric, arm))).collect();
    let past_instances = past.iter().map(|window| window.instances.baseline).max().unwrap_or(0);
    let traffic = now.iter().map(|arms| assumed(*arms, share, past_instances)).collect();
    let mut hints = Vec::new();
    for arm in Arm::BOTH {
        let span = if arm == Arm::Baseline { past_span } else { recent_span };
        if !*present.get(arm)
            && let Some(why) = source.explain_empty(&plan.fetch, arm, span).await
        {
            hints.push(format!("{}: {why}", arm.name()));
        }
    }
    let facts_of = |arm: Arm| ArmFacts {
        instances: *instances.get(arm),
        per_second: now.iter().find_map(|arms| *arms.get(arm)).map(|requests| requests * 1e3 / plan.step_ms as f64),
        present: (0..plan.rules.metrics.len())
            .map(|metric| present_share(if arm == Arm::Baseline { &past } else { &recent }, metric, arm))
            .collect(),
    };
    Ok(Facts {
        place: source.place(),
        past_span,
        past_instances,
        arms: PerArm::from_fn(facts_of),
        assumed_share: if share.is_some() || !present.canary { Some(share) } else { None },
        past,
        traffic,
        notes,
        hints,
    })
}

/// Aligned windows of a span. What fails is noted; `Err`: everything did.
async fn windows(source: &AnySource, plan: &Plan, part: Part, span: Span, notes: &mut Vec<String>) -> Result<Vec<AlignedWindow>, String> {
    // One step more at the left: the first increment needs the sample before it.
    let widened = Span { start_ms: span.start_ms - plan.step_ms, end_ms: span.end_ms };
    let fetched: Fetched = source.fetch(&plan.fetch, part, widened).await;
    let mut aligner = Aligner::new(&plan.fetch, plan.grid())?;
    let mut failures = Vec::new();
    let streams = fetched.len();
    for (stream, answer) in fetched.into_iter().enumerate() {
        match answer {
            Ok(data) => {
                aligner.feed(stream, &data);
                notes.extend(data.warnings.into_iter().chain(data.notes));
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    notes.dedup();
    if failures.len() == streams {
        failures.dedup();
        return Err(failures.join("; "));
    }
    notes.extend(failures);
    Ok(plan.grid().ends(span.start_ms, span.end_ms).map(|end| aligner.window(end)).collect())
}

/// Mean requests per window of a metric in an arm; none where it counts none.
fn requests(windows: &[AlignedWindow], metric: usize, arm: Arm) -> Option<f64> {
    let counted: Vec<f64> = windows
        .iter()
        .filter_map(|window| match window.metrics.get(metric)?.get(arm).merged() {
            Reading::Total(total) => Some(total),
            Reading::Counts { requests, .. } => Some(requests),
            Reading::Histogram(histogram) => Some(histogram.total()),
            Reading::Missing | Reading::Value(_) => None,
        })
        .collect();
    (!counted.is_empty()).then(|| counted.iter().sum::<f64>() / counted.len() as f64)
}

/// The share of windows in which an arm shows a metric, from the first of them on.
fn present_share(windows: &[AlignedWindow], metric: usize, arm: Arm) -> f64 {
    let shown: Vec<bool> =
        windows.iter().map(|window| window.metrics.get(metric).is_some_and(|arms| arms.get(arm).present() > 0)).collect();
    let Some(first) = shown.iter().position(|shown| *shown) else { return 0.0 };
    let since = &shown[first..];
    since.iter().filter(|shown| **shown).count() as f64 / since.len() as f64
}

/// What the arms will see: the caller's share, else today's, else as much as one instance.
fn assumed(now: PerArm<Option<f64>>, share: Option<f64>, instances: usize) -> PerArm<f64> {
    let baseline = now.baseline.unwrap_or(0.0);
    let all = baseline + now.canary.unwrap_or(0.0);
    match (share, now.canary) {
        (Some(share), _) => PerArm { baseline: all * (1.0 - share), canary: all * share },
        (None, Some(canary)) if canary > 0.0 => PerArm { baseline, canary },
        (None, _) => PerArm { baseline, canary: if instances > 0 { baseline / instances as f64 } else { baseline } },
    }
}
