//! Judges a recording: the same way as live, from samples that do not change any more.

use davy_judge::verdict::Verdict;
use davy_sources::recording::{Expected, Manifest, Recording};

use crate::exemplars;
use crate::pipeline::{Patience, Run};
use crate::plan::Plan;
use crate::report::{Report, report};
use crate::rules::diagnostic::{Diagnostics, Place};
use crate::rules::{Options, RuleSet, load_str};

/// A recording cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The rules in it are not valid (or not valid any more).
    #[error("the recorded rules cannot be used:\n{0}")]
    Rules(#[from] Diagnostics),
    /// The recording lacks what the rules ask for.
    #[error("{0}")]
    Lacks(String),
}

/// The verdict after one window, as polling would have seen it.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// The window's end, ms since the epoch.
    pub end_ms: i64,
    /// The verdict then.
    pub verdict: Verdict,
    /// Whether it ended the analysis.
    pub is_final: bool,
    /// 0..=100.
    pub score: f64,
    /// ln of the weighted mean evidence of harm.
    pub ln_harm: f64,
    /// ln of the least evidence of safety among required metrics.
    pub ln_safe: f64,
}

/// What a replay gave.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The report at the end.
    pub report: Report,
    /// The verdict after each judged window; empty where it was not asked for.
    pub moments: Vec<Moment>,
}

/// Plans the analysis of a recording, by its own rules or by others.
///
/// # Errors
/// Rules that are not valid, or that ask for what was not recorded.
pub fn plan(recording: &Recording, rules: Option<&RuleSet>) -> Result<Plan, ReplayError> {
    let manifest = &recording.manifest;
    let rules = match rules {
        Some(rules) => rules.clone(),
        None => recorded_rules(manifest)?,
    };
    let mut rules = rules;
    for arm in davy_judge::arm::Arm::BOTH {
        if rules.arms.get(arm).is_empty() {
            *rules.arms.get_mut(arm) = manifest.plan.arms.get(arm).clone();
        }
    }
    let step_ms = rules.window.step_ms.unwrap_or(manifest.plan.step_ms);
    let start_ms = manifest.about.start_ms.unwrap_or(manifest.run.start_ms + step_ms);
    let plan = Plan::new(rules, step_ms, manifest.plan.instance.clone(), start_ms, manifest.about.weights.clone())
        .map_err(|error| ReplayError::Lacks(error.to_string()))?;
    for (metric, signal) in plan.rules.metrics.iter().zip(&plan.fetch.signals) {
        for stream in crate::pipeline::streams_of(signal) {
            if !manifest.plan.streams.contains(&plan.fetch.streams[stream]) {
                return Err(ReplayError::Lacks(format!(
                    "metric {}: the recording does not hold {}; record again with these rules",
                    metric.rule.name,
                    crate::queries::stream_text(&plan.fetch.streams[stream])
                )));
            }
        }
    }
    Ok(plan)
}

/// Judges a recording, by its own rules or by others. `as_of`: also keep the verdict after each window.
///
/// # Errors
/// Rules that are not valid, or that ask for what was not recorded.
pub async fn replay(recording: &Recording, rules: Option<&RuleSet>, as_of: bool) -> Result<Replayed, ReplayError> {
    let manifest = &recording.manifest;
    let plan = plan(recording, rules)?;
    let mut run = Run::new(&plan, recording).map_err(ReplayError::Lacks)?;
    let mut moments = Vec::new();
    let outcome = run
        .advance(manifest.run.end_ms, Patience::Once, |run| {
            if as_of {
                moments.extend(moment_of(run));
            }
        })
        .await;
    if let Err(outage) = outcome {
        let errors: Vec<String> = outage.errors.iter().map(ToString::to_string).collect();
        return Err(ReplayError::Lacks(format!("no stream could be read: {}", errors.join("; "))));
    }
    // Live, the deadline may have passed while the source was away: then the windows up to it never came.
    let is_past_deadline = manifest.about.waited_until_ms.is_some_and(|waited_until_ms| waited_until_ms >= plan.deadline_ms);
    let mut report = report(&run, is_past_deadline);
    exemplars::attach(&run, recording, &mut report).await;
    Ok(Replayed { report, moments })
}

/// The recorded rules, with their version and places as they were written: the resolved text that was kept is nobody's file.
fn recorded_rules(manifest: &Manifest) -> Result<RuleSet, Diagnostics> {
    let mut rules = load_str("recorded rules", &manifest.about.rules, &Options::default())?;
    if let Some(version) = &manifest.about.rules_version {
        rules.version.clone_from(version);
    }
    for metric in &mut rules.metrics {
        let place = manifest.about.places.iter().find(|place| place.metric == metric.rule.name);
        metric.place = place.map(|place| Place { file: place.file.clone(), line: place.line, column: place.column });
    }
    Ok(rules)
}

/// What the last window brought; none where it was not judged.
pub fn moment_of<S: davy_sources::source::Source>(run: &Run<'_, S>) -> Option<Moment> {
    (run.ends_ms().last() == Some(&run.judged_to_ms())).then(|| moment(run))
}

fn moment<S: davy_sources::source::Source>(run: &Run<'_, S>) -> Moment {
    let decision = run.analysis().decision(false);
    let required = decision.findings.iter().filter(|finding| finding.required).map(|finding| finding.ln_safe);
    Moment {
        end_ms: run.judged_to_ms(),
        verdict: decision.verdict,
        is_final: decision.is_final,
        score: decision.score,
        ln_harm: decision.ln_harm,
        ln_safe: required.reduce(|left, right| if left < right { left } else { right }).unwrap_or(0.0),
    }
}

/// What differs from the expectation; none where nothing does.
pub fn difference(expected: &Expected, report: &Report) -> Option<String> {
    match expected {
        Expected::Not(unwanted) if report.verdict == unwanted.name() => {
            Some(format!("expected anything but {}, found it", unwanted.name()))
        }
        Expected::Not(_) => None,
        Expected::Verdict { verdict, .. } if report.verdict != verdict.name() => {
            Some(format!("expected {}, found {}: {}", verdict.name(), report.verdict, report.reason))
        }
        Expected::Verdict { metric: Some(metric), .. } => {
            let named: Vec<&str> =
                report.findings.iter().filter(|finding| finding.outcome == "breach").map(|finding| finding.metric.as_str()).collect();
            (!named.contains(&metric.as_str())).then(|| format!("expected a breach of {metric}, found one of {}", named.join(", ")))
        }
        Expected::Verdict { metric: None, .. } => None,
    }
}
