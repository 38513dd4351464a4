//! One future, judged to its end; and many of them, counted.

use davy_judge::analysis::Analysis;
use davy_judge::rule::{OnBreach, Policy, Rule};
use davy_judge::verdict::{Cause, Decision, Verdict};
use davy_judge::window::{MetricWindow, StepStart, Window};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

use crate::forecast::effect::{Effect, changed};
use crate::forecast::material::Material;

/// Windows in a row that come from one stretch of the past: autocorrelation up to about here is kept.
const BLOCK: usize = 20;
/// Windows of the lead, which tells the traffic.
const LEAD: usize = 5;
/// 1.96 standard errors: 95 %.
const Z: f64 = 1.96;

/// What is judged in every trial.
pub struct Trial<'a> {
    rules: &'a [Rule],
    material: &'a Material,
    policy: Policy,
    /// As it stands before the first window.
    begun: Analysis,
}

/// How one future ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// The verdict.
    pub verdict: Verdict,
    /// Judged windows up to it.
    pub windows: usize,
    /// Metrics that were not shown safe, where it was a hold.
    pub waiting: Vec<usize>,
    /// Metrics whose own evidence of harm sufficed.
    pub harmed: Vec<usize>,
    /// The judge's whole answer.
    pub decision: Decision,
}

impl<'a> Trial<'a> {
    /// Prepares trials: the noise is learned once. None: there is no past to draw from.
    pub fn new(rules: &'a [Rule], policy: &Policy, material: &'a Material) -> Option<Trial<'a>> {
        if material.windows() == 0 || rules.is_empty() {
            return None;
        }
        let policy = Policy { expected_split: None, ..policy.clone() };
        let mut begun = Analysis::new(rules.to_vec(), policy.clone());
        let past = material.windows();
        let lead = (past.saturating_sub(LEAD)..past).map(|at| quiet(material, 0, at)).collect();
        begun.begin_step(&StepStart {
            histories: material.metrics.iter().map(|metric| metric.history.clone()).collect(),
            lead,
            ..StepStart::default()
        });
        Some(Trial { rules, material, policy, begun })
    }
}

fn quiet(material: &Material, row: usize, at: usize) -> Window {
    let metrics =
        (0..material.metrics.len()).map(|metric| MetricWindow { arms: material.pair(metric, row, at), ..MetricWindow::default() });
    Window { end_ms: 0, metrics: metrics.collect(), instances: material.instances }
}

/// Judges one future: one pseudo-canary throughout, its windows in blocks from all over the past, made worse by the effect on
/// one metric.
pub fn trial(trial: &Trial<'_>, effect: Option<&(usize, Effect)>, seed: u64) -> Ending {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut upto = |count: usize| usize::try_from(random.next_u64() % count.max(1) as u64).unwrap_or(0);
    let past = trial.material.windows();
    let row = upto(trial.material.rows());
    let starts: Vec<usize> = (0..trial.policy.longest.div_ceil(BLOCK)).map(|_| upto(past)).collect();
    // Its own stream, so that what is wrong with the canary does not change what else happens.
    let mut change = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed_0fe2);
    let mut analysis = trial.begun.clone();
    for at in 0..trial.policy.longest {
        // From the start of its block forward in time, and on at the beginning of the past.
        let mut window = quiet(trial.material, row, (starts[at / BLOCK] + at % BLOCK) % past);
        if let Some((metric, effect)) = effect {
            let arms = &mut window.metrics[*metric].arms;
            arms.canary = changed(&arms.canary, effect, &mut change);
        }
        window.end_ms = at as i64;
        // A step that is seen in blocks put together is no step.
        let _ = analysis.push(&window);
        if analysis.ended().is_some() {
            break;
        }
    }
    ending(trial, &analysis)
}

fn ending(trial: &Trial<'_>, analysis: &Analysis) -> Ending {
    let decision = analysis.decision(true);
    let needed = -trial.policy.false_rollback.ln();
    let waiting = std::iter::once(&decision.cause)
        .chain(&decision.also)
        .find_map(|cause| if let Cause::NotYet(metrics) = cause { Some(metrics.clone()) } else { None });
    Ending {
        verdict: decision.verdict,
        windows: decision.windows,
        waiting: waiting.filter(|_| decision.verdict == Verdict::Hold).unwrap_or_default(),
        harmed: (0..trial.rules.len()).filter(|metric| decision.findings[*metric].ln_harm >= needed).collect(),
        decision,
    }
}

impl Ending {
    /// Whether the effect on a metric was found: by a rollback, or where the metric cannot roll back by its own evidence.
    pub fn found(&self, metric: usize, rule: &Rule) -> bool {
        match rule.on_breach {
            OnBreach::Rollback => self.verdict == Verdict::Rollback,
            OnBreach::Hold | OnBreach::Warn => self.harmed.contains(&metric),
        }
    }
}

/// A share of trials, with what chance makes of so few of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Trials in which it was so.
    pub hits: usize,
    /// All trials; above 0.
    pub trials: usize,
}

impl Share {
    /// 0..=1.
    pub fn value(&self) -> f64 {
        self.hits as f64 / self.trials as f64
    }

    /// The Wilson interval at 95 %.
    pub fn interval(&self) -> (f64, f64) {
        let n = self.trials as f64;
        let p = self.value();
        let scale = 1.0 + Z * Z / n;
        let centre = (p + Z * Z / (2.0 * n)) / scale;
        let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        ((centre - half).clamp(0.0, 1.0), (centre + half).clamp(0.0, 1.0))
    }
}
