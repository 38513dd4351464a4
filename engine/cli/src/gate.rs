//! `davy gate`: waits for a verdict, or judges what is there.

use std::time::{Duration, Instant};

use anyhow::Context;
use davy_gate::pipeline::{Outage, Patience, Run};
use davy_gate::plan::Plan;
use davy_gate::render::Case;
use davy_gate::replay::{Moment, moment_of};
use davy_gate::report::{Report, Timings, report};
use davy_gate::rules::RuleSet;
use davy_judge::arm::Arm;
use davy_sources::recording::About;
use davy_sources::samples::Span;
use davy_sources::source::Source;

use crate::args::{AnalysisArgs, GateArgs, HoldAs, OnError};
use crate::exit::Exit;
use crate::progress::Watch;
use crate::show::Showing;
use crate::source::AnySource;
use crate::terminal::Watching;
use crate::time::{now_ms, parse_time};
use crate::{discovery, inputs, telemetry};

/// Steps behind now up to which samples are taken to be complete.
pub const SETTLING_STEPS: i64 = 2;
/// The step where rules name none: this many scrapes …
const SCRAPES_PER_STEP: i64 = 4;
/// … but at least this.
pub const LEAST_STEP_MS: i64 = 15_000;
/// How often a source that never answered is tried before it is given up.
pub const FIRST_TRIES: u32 = 3;
/// Clocks that differ by less are not spoken of: the server tells its time to a second, and answers take some.
const LEAST_SKEW_MS: i64 = 5_000;
/// Windows after the deadline that a silent source is still waited for.
const GRACE_STEPS: i64 = 4;

/// Runs the gate.
pub async fn gate(args: &GateArgs, watching: Watching) -> anyhow::Result<Exit> {
    let began = Instant::now();
    let showing = Showing::new(&args.show)?;
    let source = inputs::source(&args.prometheus)?;
    let end_ms = args.end.as_deref().map(parse_time).transpose().context("--end")?;
    let start_ms = args.analysis.start.as_deref().map(parse_time).transpose().context("--start")?;
    if let (Some(start_ms), Some(end_ms)) = (start_ms, end_ms)
        && end_ms <= start_ms
    {
        anyhow::bail!("expected --end after --start, found it {} s before", (start_ms - end_ms) / 1000);
    }
    if let Some(path) = &args.record
        && path.exists()
    {
        anyhow::bail!("--record: {} exists already; choose another path", path.display());
    }
    let is_live = !args.once && end_ms.is_none();
    if is_live && source.is_past() {
        anyhow::bail!("--otlp-file holds the past, for which there is nothing to wait: add --once, or --start and --end");
    }
    inputs::weights(&args.analysis.weights)?;
    let watching = if showing.streams_to_terminal() { Watching::Off } else { watching };
    let watch = Watch::start(watching, &source.place(), source.traffic());
    let rules = match discovery::rules(&source, &args.analysis, end_ms.unwrap_or_else(|| source.now_ms()), is_live).await? {
        Ok(rules) => rules,
        Err(error) => {
            drop(watch);
            return Ok(no_analysis(&error, args.on_error, &showing));
        }
    };
    let plan = match prepare(&source, rules, &args.analysis, start_ms, is_live).await? {
        Ok(plan) => plan,
        Err(error) => {
            drop(watch);
            return Ok(no_analysis(&error, args.on_error, &showing));
        }
    };
    let clock_skew_ms = source.clock_skew_ms();
    let run = Run::new(&plan, &source).map_err(anyhow::Error::msg)?;
    let mut run = if args.record.is_some() { run.recorded() } else { run };
    let horizon_ms = match (end_ms, args.once) {
        // What has not happened yet is not missing.
        (Some(end_ms), _) => Some(end_ms.min(settled_ms(&source, plan.step_ms))),
        (None, true) => Some(settled_ms(&source, plan.step_ms)),
        (None, false) => None,
    };
    let mut moments = Vec::new();
    let ending = match horizon_ms {
        Some(horizon_ms) => {
            watch.reading(&plan);
            let judged = run.advance(horizon_ms, Patience::Once, |run| follow(run, &showing, &mut moments)).await.map(|()| None);
            drop(watch);
            judged
        }
        None => wait_for_verdict(&mut run, watch, &showing, &mut moments).await,
    };
    let interrupted = match ending {
        Ok(interrupted) => interrupted,
        Err(outage) => return Ok(no_analysis(&outage_text(&outage), args.on_error, &showing)),
    };
    let waited_until_ms = (is_live && interrupted.is_none()).then(now_ms);
    let mut report = report(&run, waited_until_ms.is_some_and(|until_ms| until_ms >= plan.deadline_ms));
    telemetry::verdict(&report);
    let exemplars = davy_gate::exemplars::attach(&run, &source, &mut report).await;
    let hints = hints(&run, &source).await;
    let mut notes: Vec<String> = hints.iter().map(|(arm, why)| format!("{}: {why}", arm.name())).collect();
    notes.extend(clock_skew_ms.and_then(|skew_ms| clock_hint(skew_ms, plan.step_ms)));
    report.timings = Some(Timings { elapsed_secs: (began.elapsed().as_secs_f64() * 1e3).round() / 1e3, notes });
    showing.show_rest(&[Case { moments: &moments, ..Case::of(&report) }]);
    if let (Some(path), Some(recorder)) = (&args.record, run.recorder()) {
        let mut recorder = recorder.clone();
        for (arm, why) in &hints {
            recorder.explain(*arm, Some(why));
        }
        if let Some(kept) = &exemplars {
            recorder.keep_exemplars(&kept.request, &kept.found);
        }
        // Watching never changes the answer: a recording that fails is said, and the verdict stays.
        match recorder.write(path, &About { waited_until_ms, ..plan.about() }, false) {
            Ok(_) => tracing::info!("recorded to {}", path.display()),
            Err(error) => anstream::eprintln!("davy: the recording was not written: {error}"),
        }
    }
    Ok(interrupted.unwrap_or_else(|| remap(Exit::of(&report), &report, args.hold_as)))
}

/// Up to when samples are complete: of what is past all are.
pub fn settled_ms(source: &AnySource, step_ms: i64) -> i64 {
    if source.is_past() { source.now_ms() } else { source.now_ms() - SETTLING_STEPS * step_ms }
}

/// Makes every choice that the rules leave to the source. The inner error is the source's: no analysis took place.
pub async fn prepare(
    source: &AnySource,
    rules: RuleSet,
    args: &AnalysisArgs,
    start_ms: Option<i64>,
    is_live: bool,
) -> anyhow::Result<Result<Plan, String>> {
    let now = source.now_ms();
    let weights = inputs::weights(&args.weights)?;
    // Mistakes of the caller come before any query.
    Plan::new(rules.clone(), rules.window.step_ms.unwrap_or(LEAST_STEP_MS), None, start_ms.unwrap_or(now), weights.clone())?;
    let probe = rules.fetch_plan(rules.window.step_ms.unwrap_or(LEAST_STEP_MS));
    let mut tries = 0;
    // Of a server the last deadline is of interest; files were chosen for what is in them.
    let since = Span { start_ms: if source.is_past() { 0 } else { now - rules.window.deadline_ms }, end_ms: now };
    let first = loop {
        tries += 1;
        match (source.first_sample_ms(&probe, Arm::Canary, since).await, start_ms) {
            (Ok(first), _) => break first,
            (Err(error), _) if error.kind.is_retryable() && is_live && tries < FIRST_TRIES => {
                tracing::warn!("{error}; trying again");
                tokio::time::sleep(Duration::from_millis(rules.window.step_ms.unwrap_or(LEAST_STEP_MS).unsigned_abs())).await;
            }
            (Err(error), _) => return Ok(Err(error.to_string())),
        }
    };
    let step_ms = match rules.window.step_ms {
        Some(step_ms) => step_ms,
        None => step_for(source.scrape_interval(&probe, start_ms.unwrap_or(now)).await),
    };
    let start_ms = start_ms.or(first).unwrap_or(now);
    let instance = match &rules.history {
        Some(history) if history.instance.is_none() => {
            source.find_instance_label(&probe, Span { start_ms: start_ms - history.last_ms, end_ms: now }).await
        }
        Some(_) | None => None,
    };
    Ok(Ok(Plan::new(rules, step_ms, instance, start_ms, weights)?))
}

/// The windows' length for a spacing of samples.
pub fn step_for(scrape_ms: Option<i64>) -> i64 {
    let wanted = scrape_ms.unwrap_or(LEAST_STEP_MS / SCRAPES_PER_STEP) * SCRAPES_PER_STEP;
    if wanted > LEAST_STEP_MS { wanted } else { LEAST_STEP_MS }
}

/// Judges every step until a verdict, the deadline, or a signal.
async fn wait_for_verdict<S: Source>(
    run: &mut Run<'_, S>,
    mut watch: Watch,
    showing: &Showing,
    moments: &mut Vec<Moment>,
) -> Result<Option<Exit>, Outage> {
    let step_ms = run.plan().step_ms;
    let mut signals = Signals::new();
    watch.follow(run);
    let mut misses = 0;
    loop {
        let now = now_ms();
        let outcome = tokio::select! {
            outcome = run.advance(now - SETTLING_STEPS * step_ms, Patience::Live, |run| follow(run, showing, moments)) => outcome,
            exit = signals.next() => return Ok(Some(exit)),
        };
        let trouble = match outcome {
            Ok(()) => {
                misses = 0;
                None
            }
            Err(outage) => {
                misses += 1;
                let text = outage_text(&outage);
                tracing::warn!("{text}; asking again at the next window");
                if !run.has_answered() && misses >= FIRST_TRIES {
                    return Err(outage);
                }
                Some(text)
            }
        };
        let next = run.plan().edge_before(now) + step_ms;
        watch.show(run, Some(next), trouble.clone());
        if run.is_over() || now > run.plan().deadline_ms + GRACE_STEPS * step_ms {
            return Ok(None);
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis((next - now).unsigned_abs())) => {}
            exit = signals.next() => return Ok(Some(exit)),
        }
        watch.show(run, None, trouble);
    }
}

/// Keeps and says what each judged window brought, where somebody wants to know.
fn follow<S: Source>(run: &Run<'_, S>, showing: &Showing, moments: &mut Vec<Moment>) {
    if showing.wants_moments()
        && let Some(moment) = moment_of(run)
    {
        showing.stream(&moment);
        moments.push(moment);
    }
}

/// Ctrl-C and SIGTERM, as the exit that they lead to. Minded from the first to the last window: none is lost between two.
struct Signals {
    #[cfg(unix)]
    interrupt: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Signals { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Signals {}
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Exit {
        async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => {
                    signal.recv().await;
                }
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = received(&mut self.interrupt) => Exit::Interrupted,
            () = received(&mut self.terminate) => Exit::Terminated,
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Exit {
        let _ = tokio::signal::ctrl_c().await;
        Exit::Interrupted
    }
}

/// Why an arm is empty, for people.
async fn hints<S: Source>(run: &Run<'_, S>, source: &S) -> Vec<(Arm, String)> {
    let mut hints = Vec::new();
    let span = Span { start_ms: run.plan().start_ms - run.plan().step_ms, end_ms: run.judged_to_ms().max(run.plan().start_ms + 1) };
    for arm in Arm::BOTH {
        if run.is_empty_arm(arm)
            && let Some(why) = source.explain_empty(&run.plan().fetch, arm, span).await
        {
            hints.push((arm, why));
        }
    }
    hints
}

/// What a server whose clock differs from ours by more than a window does to the newest windows.
fn clock_hint(skew_ms: i64, step_ms: i64) -> Option<String> {
    let off_secs = skew_ms.abs() / 1000;
    if skew_ms.abs() <= step_ms.max(LEAST_SKEW_MS) {
        return None;
    }
    Some(if skew_ms < 0 {
        format!(
            "clock: the server's is {off_secs} s behind this machine's, so the newest windows look empty; set both clocks (NTP) before you trust a verdict"
        )
    } else {
        format!(
            "clock: the server's is {off_secs} s ahead of this machine's, so windows are judged that much later than they could be; set both clocks (NTP)"
        )
    })
}

fn outage_text(outage: &Outage) -> String {
    let mut texts: Vec<String> = outage.errors.iter().map(ToString::to_string).collect();
    texts.dedup();
    texts.join("; ")
}

fn no_analysis(why: &str, on_error: OnError, showing: &Showing) -> Exit {
    telemetry::no_analysis();
    anstream::eprintln!("davy: no analysis took place: {why}");
    showing.show(&[Case::failed("", why)]);
    match on_error {
        OnError::Fail => Exit::NoAnalysis,
        OnError::Hold => Exit::Hold,
        OnError::Rollback => Exit::Rollback,
    }
}

fn remap(exit: Exit, report: &Report, hold_as: HoldAs) -> Exit {
    match (exit, hold_as) {
        (Exit::Hold, HoldAs::Fail) => Exit::Rollback,
        (Exit::Hold, HoldAs::Pass) if is_complete(report) => Exit::Promote,
        (exit, HoldAs::Fail | HoldAs::Hold | HoldAs::Pass) => exit,
    }
}

/// Whether every required metric has every window in both arms.
fn is_complete(report: &Report) -> bool {
    let judged = report.window.judged;
    judged >= report.window.wanted
        && report.findings.iter().filter(|finding| finding.required).all(|finding| {
            let has_every_window = finding.baseline.windows == judged && finding.canary.windows == judged;
            has_every_window && matches!(finding.outcome, "inconclusive" | "pass")
        })
}
