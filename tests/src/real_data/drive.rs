//! One comparison through the judge, polled after every window.

use anyhow::{Context, anyhow};
use davy_gate::rules::{Options, load_str};
use davy_judge::analysis::Analysis;
use davy_judge::arm::PerArm;
use davy_judge::history::MetricHistory;
use davy_judge::reading::Reading;
use davy_judge::rule::{Policy, Rule};
use davy_judge::verdict::{Cause, Decision, Noise, Verdict};
use davy_judge::window::{MetricWindow, StepStart, Window};

/// Rules as the judge takes them, from a rule file.
#[derive(Debug, Clone)]
pub struct Rules {
    /// One per metric.
    pub rules: Vec<Rule>,
    /// What holds for all.
    pub policy: Policy,
}

impl Rules {
    /// Reads a rule file.
    ///
    /// # Errors
    /// Mistakes in it, or no `window.step`.
    pub fn load(name: &str, text: &str) -> anyhow::Result<Rules> {
        let set = load_str(name, text, &Options::default()).map_err(|mistakes| anyhow!("{mistakes}"))?;
        let step_ms = set.window.step_ms.with_context(|| format!("{name}: expected `window.step`, found none"))?;
        Ok(Rules { policy: set.policy(step_ms), rules: set.metrics.into_iter().map(|metric| metric.rule).collect() })
    }

    /// Those of the rules that are named.
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Rules {
        let rules = self.rules.iter().filter(|rule| names.contains(&rule.name.as_str())).cloned().collect();
        Rules { rules, policy: self.policy.clone() }
    }
}

/// Two arms over the windows, with each metric's past.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// One per rule, or why there is none.
    pub histories: Vec<Result<MetricHistory, String>>,
    /// One per rule: its windows.
    pub metrics: Vec<Vec<PerArm<Reading>>>,
}

impl Comparison {
    /// One metric of it.
    #[must_use]
    pub fn only(&self, metric: usize) -> Comparison {
        Comparison { histories: vec![self.histories[metric].clone()], metrics: vec![self.metrics[metric].clone()] }
    }
}

/// What one metric told.
#[derive(Debug, Clone)]
pub struct Told {
    /// The metric.
    pub name: String,
    /// ln of its evidence of harm at the end, and the most that it was.
    pub ln_harm: (f64, f64),
    /// ln of its evidence of safety at the end.
    pub ln_safe: f64,
    /// The effect: canary / baseline (or the difference), where there is one.
    pub estimate: Option<f64>,
    /// The noise that the evidence was discounted by.
    pub noise: Noise,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The verdict at the end: of the window that ended it, else at the deadline.
    pub verdict: Verdict,
    /// Windows up to it.
    pub windows: usize,
    /// Why, in a few words.
    pub why: String,
    /// One per rule.
    pub told: Vec<Told>,
}

/// Judges a comparison: one window at a time, and the decision is read after each.
pub fn judge(rules: &Rules, comparison: &Comparison) -> Answer {
    let count = comparison.metrics.iter().map(Vec::len).max().unwrap_or(0).min(rules.policy.longest);
    let window = |index: usize| Window {
        end_ms: index as i64,
        metrics: comparison
            .metrics
            .iter()
            .map(|windows| MetricWindow { arms: windows.get(index).cloned().unwrap_or_default(), ..MetricWindow::default() })
            .collect(),
        instances: PerArm { baseline: 1, canary: 1 },
    };
    let mut analysis = Analysis::new(rules.rules.clone(), rules.policy.clone());
    let lead = if count > 0 { vec![window(0)] } else { Vec::new() };
    analysis.begin_step(&StepStart { histories: comparison.histories.clone(), lead, slices: Vec::new() });
    let mut decision = analysis.decision(false);
    for index in 0..count {
        // One instance per arm and a fixed load: a traffic step that is seen is the load's, not a rollout's.
        let _ = analysis.push(&window(index));
        decision = analysis.decision(false);
        if decision.is_final {
            break;
        }
    }
    if !decision.is_final {
        decision = analysis.decision(true);
    }
    answer(rules, &decision)
}

/// What a decision says, in short.
pub fn answer(rules: &Rules, decision: &Decision) -> Answer {
    let told = rules.rules.iter().zip(&decision.findings).map(|(rule, finding)| Told {
        name: rule.name.clone(),
        ln_harm: (finding.ln_harm, finding.harm_trace.iter().copied().fold(0.0, |most, ln| if ln > most { ln } else { most })),
        ln_safe: finding.ln_safe,
        estimate: finding.effect.and_then(|effect| effect.estimate),
        noise: finding.noise.clone(),
    });
    Answer { verdict: decision.verdict, windows: decision.windows, why: why(rules, &decision.cause), told: told.collect() }
}

fn why(rules: &Rules, cause: &Cause) -> String {
    let name = |metric: &usize| rules.rules.get(*metric).map_or("?", |rule| rule.name.as_str());
    let names = |metrics: &[usize]| metrics.iter().map(name).collect::<Vec<_>>().join(", ");
    match cause {
        Cause::Harm(metrics) => names(metrics),
        Cause::Breaker(metric) => format!("breaker: {}", name(metric)),
        Cause::Safe => "all shown safe".to_owned(),
        Cause::NotYet(metrics) => format!("not shown safe: {}", names(metrics)),
        Cause::CommonIncident(metric) => format!("the baseline itself is unlike its past: {}", name(metric)),
        Cause::TooManyMissing(metric) => format!("too many windows missing: {}", name(metric)),
        Cause::HoldBreach(metric) => format!("breach that holds: {}", name(metric)),
        Cause::TooFewWindows { judged, wanted } => format!("{judged} of {wanted} windows"),
        Cause::NoData(_) => "no data".to_owned(),
        Cause::Vanished
        | Cause::InstancesLost { .. }
        | Cause::AtDeadline
        | Cause::BaselineBeyondLimit(_)
        | Cause::SampleRatioMismatch { .. }
        | Cause::Kayenta(_) => format!("{cause:?}"),
    }
}
