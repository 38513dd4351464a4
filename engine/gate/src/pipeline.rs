//! The one way from a source to a verdict: fetch, align, judge, window by window.
//!
//! `gate`, `replay` and `record` all come through here; a replay is just another source. What is judged depends on the
//! samples alone: not on how often one fetched, nor on when one asked.

use davy_judge::analysis::Analysis;
use davy_judge::arm::{Arm, PerArm};
use davy_judge::history::MetricHistory;
use davy_judge::reading::Reading;
use davy_judge::window::{MetricWindow, StepStart, Window};
use davy_sources::align::{AlignedWindow, InstanceReadings, SliceKey};
use davy_sources::pseudo_canary::{HistoryWindows, PseudoCanaries, choose};
use davy_sources::recording::Recorder;
use davy_sources::samples::{Part, Signal, Span};
use davy_sources::source::Source;
use tracing::Instrument;

pub use crate::intake::{Doubt, Outage, PATIENCE, Patience};
use crate::intake::{Intake, widened};
use crate::plan::Plan;
use crate::rules::rule_set::DecisionMethod;
use crate::slices::Slicing;
use crate::steps::{Stage, Steps};

/// Windows of a step's lead whose traffic tells how large a pseudo-canary should be.
const TRAFFIC_WINDOWS: usize = 5;

/// One analysis under way.
pub struct Run<'a, S> {
    plan: &'a Plan,
    source: &'a S,
    analysis: Analysis,
    intake: Intake,
    steps: Steps,
    history: Option<Result<HistoryWindows, String>>,
    pseudo: Vec<Option<PseudoCanaries>>,
    slicing: Slicing,
    judged_to_ms: i64,
    ends_ms: Vec<i64>,
    is_over: bool,
    seed: u64,
}

// Derived, it would ask for a source that can be cloned.
impl<S> Clone for Run<'_, S> {
    fn clone(&self) -> Self {
        Run {
            plan: self.plan,
            source: self.source,
            analysis: self.analysis.clone(),
            intake: self.intake.clone(),
            steps: self.steps.clone(),
            history: self.history.clone(),
            pseudo: self.pseudo.clone(),
            slicing: self.slicing.clone(),
            judged_to_ms: self.judged_to_ms,
            ends_ms: self.ends_ms.clone(),
            is_over: self.is_over,
            seed: self.seed,
        }
    }
}

impl<'a, S: Source> Run<'a, S> {
    /// Before the first window.
    ///
    /// # Errors
    /// A matcher of the plan that does not compile.
    pub fn new(plan: &'a Plan, source: &'a S) -> Result<Self, String> {
        let rules = plan.rules.metrics.iter().map(|metric| metric.rule.clone()).collect();
        let analysis = Analysis::new(rules, plan.rules.policy(plan.step_ms));
        Ok(Run {
            plan,
            source,
            analysis: match plan.rules.decision.method {
                DecisionMethod::Davy => analysis,
                DecisionMethod::Kayenta => analysis.decided_by_kayenta(plan.rules.kayenta_policy(plan.step_ms)),
            },
            intake: Intake::new(plan, plan.edge_before(plan.start_ms))?,
            steps: Steps::new(plan.step_ms, plan.warmup_ms),
            history: None,
            pseudo: vec![None; plan.rules.metrics.len()],
            slicing: Slicing::new(&plan.fetch, plan.seed()),
            judged_to_ms: plan.edge_before(plan.start_ms),
            ends_ms: Vec::new(),
            is_over: false,
            seed: plan.seed(),
        })
    }

    /// Also keeps what is judged, for a recording.
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.intake.record(self.plan);
        self
    }

    /// Fetches and judges every whole window up to `until_ms`, at most up to the deadline. `seen` is called after each
    /// judged window.
    ///
    /// # Errors
    /// [`Outage`] when streams failed and it is worth waiting; then nothing was judged, and nothing is lost.
    pub async fn advance(&mut self, until_ms: i64, patience: Patience, mut seen: impl FnMut(&Self)) -> Result<(), Outage> {
        let until_ms = self.plan.edge_before(if until_ms < self.plan.deadline_ms { until_ms } else { self.plan.deadline_ms });
        if self.is_over() || until_ms <= self.judged_to_ms {
            return Ok(());
        }
        self.fetch_history(patience).await;
        let new = Span { start_ms: self.judged_to_ms, end_ms: until_ms };
        let wanted = self.intake.wanted(new);
        let fetched =
            self.source.fetch(&self.plan.fetch, Part::Run, wanted).instrument(tracing::info_span!("fetch", davy.part = "run")).await;
        self.intake.take(fetched, new, patience)?;
        let ends: Vec<i64> = self.plan.grid().ends(new.start_ms, new.end_ms).collect();
        let judgement = tracing::info_span!("judgement", davy.windows = tracing::field::Empty);
        judgement.in_scope(|| {
            for (before, end_ms) in ends.into_iter().enumerate() {
                self.take_window(end_ms);
                self.judged_to_ms = end_ms;
                judgement.record("davy.windows", before as i64 + 1);
                seen(self);
                if self.analysis.ended().is_some() {
                    break;
                }
            }
        });
        self.intake.close(self.judged_to_ms);
        self.is_over = self.judged_to_ms >= self.plan.edge_before(self.plan.deadline_ms);
        Ok(())
    }

    /// Fetches the history once. Without it evidence is uncalibrated, which is slower and never wrong to use; so a failure
    /// costs patience only as long as nothing was judged.
    async fn fetch_history(&mut self, patience: Patience) {
        let Some(span) = self.plan.history else {
            let why = match &self.plan.rules.history {
                None => "history is off in the rules",
                Some(_) => "no instance label was found, so the baseline cannot be cut into pseudo-canaries",
            };
            self.history.get_or_insert_with(|| Err(why.to_owned()));
            return;
        };
        if matches!(self.history, Some(Ok(_))) || (self.history.is_some() && (patience == Patience::Once || self.analysis.windows() > 0)) {
            return;
        }
        let widened = widened(span, self.plan.step_ms);
        let fetched = self
            .source
            .fetch(&self.plan.fetch, Part::History, widened)
            .instrument(tracing::info_span!("fetch", davy.part = "history"))
            .await;
        self.history = Some(self.intake.take_history(self.plan, fetched, span).map(|windows| HistoryWindows { windows }));
    }

    fn take_window(&mut self, end_ms: i64) {
        let (aligned, first_ms) = self.intake.window(end_ms);
        if let Some(first_ms) = first_ms {
            self.steps.canary_seen(if first_ms > self.plan.start_ms { first_ms } else { self.plan.start_ms });
        }
        let stage = self.steps.stage(end_ms, &self.plan.weights);
        let mut window = plain_window(&aligned);
        match stage {
            Stage::Waiting => self.analysis.skip(&window),
            Stage::WarmUp => {
                self.analysis.skip(&window);
                self.slicing.keep(&aligned);
                self.steps.keep(window);
            }
            Stage::First | Stage::Judged => {
                if stage == Stage::First {
                    self.slicing.keep(&aligned);
                    let lead = self.steps.take_lead(window.clone());
                    self.begin_step(lead);
                }
                for (metric, shown) in window.metrics.iter_mut().enumerate() {
                    if let Some(pseudo) = &self.pseudo[metric] {
                        shown.today = pseudo.today(&aligned, metric, self.seed);
                    }
                }
                self.slicing.fill(&mut window, &aligned);
                for (shown, arms) in window.metrics.iter_mut().zip(&aligned.metrics) {
                    shown.instances = named_instances(&arms.canary);
                }
                self.ends_ms.push(end_ms);
                if self.analysis.push(&window) {
                    // The step began with the first of the three windows that showed it.
                    self.steps.shifted(end_ms - 3 * self.plan.step_ms);
                }
            }
        }
    }

    fn begin_step(&mut self, mut lead: Vec<Window>) {
        let rows = self.plan.rules.history.as_ref().map_or(0, |history| history.pseudo_canaries);
        let seed = self.seed;
        let mut histories: Vec<Result<MetricHistory, String>> = Vec::new();
        for metric in 0..self.plan.rules.metrics.len() {
            let traffic = traffic_of(&lead, |window| window.metrics.get(metric).map(|metric| &metric.arms));
            let chosen = match &self.history {
                Some(Ok(history)) => choose(history, metric, traffic.canary, traffic.baseline, rows).map(|pseudo| {
                    let made = pseudo.rows(history, metric, seed);
                    self.pseudo[metric] = Some(pseudo);
                    made
                }),
                Some(Err(why)) => Err(why.clone()),
                None => Err("the history was not read".to_owned()),
            };
            histories.push(chosen);
        }
        let history = match &self.history {
            Some(Ok(history)) => Ok(history),
            Some(Err(why)) => Err(why.as_str()),
            None => Err("the history was not read"),
        };
        let slices = self.slicing.begin_step(&mut lead, history, rows);
        self.analysis.begin_step(&StepStart { histories, lead, slices });
    }

    /// Whether nothing more will be judged: a verdict was reached, or the deadline.
    pub fn is_over(&self) -> bool {
        self.is_over || self.analysis.ended().is_some()
    }

    /// Whether the source ever answered a query.
    pub fn has_answered(&self) -> bool {
        self.intake.has_answered()
    }

    /// The judgement so far.
    pub fn analysis(&self) -> &Analysis {
        &self.analysis
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        self.plan
    }

    /// Whether the deadline has come without a verdict.
    pub fn is_at_deadline(&self) -> bool {
        self.is_over && self.analysis.ended().is_none()
    }

    /// The end of the last window that was looked at, judged or warm-up.
    pub fn judged_to_ms(&self) -> i64 {
        self.judged_to_ms
    }

    /// When windows begin to be judged, where that is known.
    pub fn judged_from_ms(&self) -> Option<i64> {
        self.steps.judged_from_ms()
    }

    /// The ends of all judged windows.
    pub fn ends_ms(&self) -> &[i64] {
        &self.ends_ms
    }

    /// The slices of a metric that are judged for themselves, in the order of its finding's indices; the index after the last
    /// is all others. None: not sliced, or no step has begun.
    pub fn slices(&self, metric: usize) -> Option<&[SliceKey]> {
        self.slicing.keys(metric)
    }

    /// The labels' values of the slice with the most evidence of harm; none where that is all others, or nothing is sliced.
    pub fn worst_slice(&self, metric: usize) -> Option<&[String]> {
        let decision = self.analysis.decision(false);
        let worst = decision.findings.get(metric)?.slices.first()?.slice;
        self.slices(metric)?.get(worst).map(Vec::as_slice)
    }

    /// What was not to be trusted, and when.
    pub fn doubts(&self) -> &[Doubt] {
        self.intake.doubts()
    }

    /// What a reader should know of each stream.
    pub fn notes(&self) -> impl Iterator<Item = &(usize, String)> {
        self.intake.notes()
    }

    /// Whether an arm was never seen.
    pub fn is_empty_arm(&self, arm: Arm) -> bool {
        self.intake.is_empty_arm(arm)
    }

    /// What was judged, where it is kept ([`Run::recorded`]).
    pub fn recorder(&self) -> Option<&Recorder> {
        self.intake.recorder()
    }
}

/// The streams that a signal is read from.
pub fn streams_of(signal: &Signal) -> Vec<usize> {
    signal.streams()
}

fn plain_window(aligned: &AlignedWindow) -> Window {
    Window {
        end_ms: aligned.end_ms,
        metrics: aligned
            .metrics
            .iter()
            .map(|arms| MetricWindow { arms: arms.as_ref().map(|readings| readings.merged()), ..MetricWindow::default() })
            .collect(),
        instances: aligned.instances,
    }
}

/// The instances one by one, where they have names and are more than one.
fn named_instances(readings: &InstanceReadings) -> Vec<(String, Reading)> {
    let is_named = readings.by_instance.len() > 1 && readings.by_instance.iter().all(|(name, _)| !name.is_empty());
    if is_named { readings.by_instance.clone() } else { Vec::new() }
}

/// How many requests a reading counts; none: nothing known, or a metric that counts none.
pub(crate) fn requests_of(reading: &Reading) -> Option<f64> {
    match reading {
        Reading::Total(total) => Some(*total),
        Reading::Counts { requests, .. } => Some(*requests),
        Reading::Histogram(histogram) => Some(histogram.total()),
        Reading::Missing | Reading::Value(_) => None,
    }
}

/// The arms' requests per window at the end of a lead; 0 where unknown.
pub(crate) fn traffic_of<'w>(lead: &'w [Window], shown: impl Fn(&'w Window) -> Option<&'w PerArm<Reading>>) -> PerArm<f64> {
    PerArm::from_fn(|arm| {
        let of_arm = |window: &'w Window| requests_of(shown(window)?.get(arm));
        let requests: Vec<f64> = lead.iter().rev().filter_map(of_arm).take(TRAFFIC_WINDOWS).collect();
        if requests.is_empty() { 0.0 } else { requests.iter().sum::<f64>() / requests.len() as f64 }
    })
}
