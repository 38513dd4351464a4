//! Fetches the streams of a plan: [`Prometheus`] is the [`Source`].
//!
//! Counters and histograms come raw, hence exact; where the server refuses that as too much, as `increase()`, and a note
//! says so. Expressions are evaluated at each window's end.

use std::collections::BTreeSet;
use std::sync::Arc;

use davy_judge::arm::{Arm, PerArm};
use futures::future::{join_all, try_join_all};

use super::assign::{Assign, add_counters, add_histograms, add_increases, add_values, sort};
use super::client::Client;
use super::config::PrometheusConfig;
use super::discover;
use super::exemplars;
use super::explain;
use super::gather::{append_new, asks_too_much, at_window_ends, raw};
use super::history::{self, Choice};
use super::promql::{both_arms, duration, label_name, one_of, selector};
use super::survey::{self, Holding};
use super::traffic::Traffic;
use crate::error::{SourceError, SourceErrorKind};
use crate::exemplars::{Exemplar, ExemplarRequest};
use crate::samples::{FetchPlan, Matcher, Part, Selector, Signal, Span, StreamData, StreamSpec};
use crate::selector::fill_template;
use crate::source::{Fetched, Source};

/// A Prometheus server, or one that speaks its HTTP API.
pub struct Prometheus {
    client: Client,
}

impl Prometheus {
    /// Checks the configuration and reads the certificate files; does not connect.
    ///
    /// # Errors
    /// [`SourceErrorKind::File`] for an address, header or file that cannot be used, [`SourceErrorKind::Tls`] for
    /// certificates that cannot.
    pub fn new(config: PrometheusConfig) -> Result<Self, SourceError> {
        Ok(Prometheus { client: Client::new(&config)? })
    }

    /// Host and port, nothing else.
    pub fn place(&self) -> String {
        self.client.place().to_owned()
    }

    /// The server's clock less ours at its last answer, in ms, to a second; none before an answer that says its time.
    pub fn clock_skew_ms(&self) -> Option<i64> {
        self.client.clock_skew_ms()
    }

    /// Counts of the requests so far, for people who wait.
    pub fn traffic(&self) -> Arc<Traffic> {
        self.client.traffic().clone()
    }

    /// The median spacing of the plan's raw samples shortly before `end_ms`, in ms; none where there are too few, or no
    /// answer.
    pub async fn scrape_interval(&self, plan: &FetchPlan, end_ms: i64) -> Option<i64> {
        discover::scrape_interval(&self.client, plan, end_ms).await
    }

    /// `pod` if the baseline's series have it, else `instance` if they have that.
    pub async fn find_instance_label(&self, plan: &FetchPlan, span: Span) -> Option<String> {
        discover::instance_label(&self.client, plan, span).await
    }

    /// When an arm's first sample within the span was taken, in ms; none where it has none.
    ///
    /// # Errors
    /// Whatever kept the server from answering.
    pub async fn first_sample_ms(&self, plan: &FetchPlan, arm: Arm, since: Span) -> Result<Option<i64>, SourceError> {
        discover::first_sample_ms(&self.client, plan, arm, since).await
    }

    /// Which of these metric names exist in the span.
    ///
    /// # Errors
    /// Whatever kept the server from answering.
    pub async fn names(&self, wanted: &BTreeSet<String>, span: Span) -> Result<BTreeSet<String>, SourceError> {
        survey::names(&self.client, wanted, span).await
    }

    /// What there is of each stream of a plan, arm by arm, in the plan's order.
    ///
    /// # Errors
    /// Whatever kept the server from answering.
    pub async fn holdings(&self, plan: &FetchPlan, span: Span) -> Result<Vec<Holding>, SourceError> {
        try_join_all(plan.streams.iter().map(|stream| survey::holding(&self.client, stream, &plan.arms, span))).await
    }

    /// Names of series that look like latencies or requests: those of the arms, else anybody's; sorted.
    ///
    /// # Errors
    /// Whatever kept the server from answering.
    pub async fn alike(&self, arms: &PerArm<Vec<Matcher>>, span: Span) -> Result<Vec<String>, SourceError> {
        survey::alike(&self.client, arms, span).await
    }
}

impl std::fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prometheus").field("place", &self.client.place()).finish_non_exhaustive()
    }
}

impl Source for Prometheus {
    async fn fetch(&self, plan: &FetchPlan, part: Part, span: Span) -> Fetched {
        match part {
            Part::Run => join_all((0..plan.streams.len()).map(|stream| self.run_stream(plan, stream, span))).await,
            Part::History => {
                let choice = history::choose(&self.client, plan, span).await;
                join_all((0..plan.streams.len()).map(|stream| self.history_stream(plan, stream, span, &choice))).await
            }
        }
    }

    async fn explain_empty(&self, plan: &FetchPlan, arm: Arm, span: Span) -> Option<String> {
        explain::explain_empty(&self.client, plan, arm, span).await
    }

    async fn exemplars(&self, wanted: &ExemplarRequest) -> Vec<Exemplar> {
        exemplars::exemplars(&self.client, wanted).await
    }
}

/// One query of a stream: which series, and whose they are.
struct Target<'p> {
    matchers: Vec<Matcher>,
    assign: Assign<'p>,
}

/// One query for both arms where their labels allow it, else one each.
fn targets(arms: &PerArm<Vec<Matcher>>) -> Vec<Target<'_>> {
    match both_arms(arms) {
        Some(matchers) => vec![Target { matchers, assign: Assign::ByLabels(arms) }],
        None => Arm::BOTH.map(|arm| Target { matchers: arms.get(arm).clone(), assign: Assign::To(arm) }).into(),
    }
}

impl Prometheus {
    async fn run_stream(&self, plan: &FetchPlan, stream: usize, span: Span) -> Result<StreamData, SourceError> {
        let mut data = StreamData::default();
        match &plan.streams[stream] {
            StreamSpec::Counter(_) | StreamSpec::Histogram(_) => {
                for target in targets(&plan.arms) {
                    self.add_series(plan, stream, span, &target, 1, &mut data).await?;
                }
            }
            StreamSpec::Expression(promql) => {
                let texts = Arm::BOTH.map(|arm| fill_template(promql, plan.arms.get(arm), plan.step_ms));
                let [baseline, canary] = &texts;
                let answers = if baseline == canary {
                    let answer = at_window_ends(&self.client, baseline, span, plan.step_ms).await;
                    vec![(Arm::BOTH.to_vec(), answer)]
                } else {
                    let asked = texts.iter().map(|text| at_window_ends(&self.client, text, span, plan.step_ms));
                    Arm::BOTH.into_iter().map(|arm| vec![arm]).zip(join_all(asked).await).collect()
                };
                for (arms, answer) in answers {
                    let gathered = answer?;
                    for arm in arms {
                        add_values(&mut data, arm, gathered.clone(), None).map_err(|found| self.too_many(arm.name(), found))?;
                    }
                }
            }
        }
        sort(&mut data);
        Ok(data)
    }

    async fn history_stream(&self, plan: &FetchPlan, stream: usize, span: Span, choice: &Choice) -> Result<StreamData, SourceError> {
        let mut data = StreamData { notes: choice.notes.clone(), ..StreamData::default() };
        let mut matchers = history::whose(plan).to_vec();
        match &plan.streams[stream] {
            StreamSpec::Counter(_) | StreamSpec::Histogram(_) => {
                if let Some(error) = &choice.errors[stream] {
                    return Err(error.clone());
                }
                if choice.nothing_fits {
                    return Ok(data);
                }
                if let (Some(label), Some(chosen)) = (&plan.instance, &choice.chosen) {
                    matchers.push(one_of(label, chosen));
                }
                let target = Target { matchers, assign: Assign::To(Arm::Baseline) };
                if choice.extrapolated {
                    self.add_extrapolated(plan, stream, span, &target, &mut data).await?;
                } else {
                    self.add_series(plan, stream, span, &target, choice.pieces(stream), &mut data).await?;
                }
            }
            StreamSpec::Expression(promql) => self.add_history_values(plan, promql, span, choice, &mut data).await?,
        }
        sort(&mut data);
        Ok(data)
    }

    /// Adds a stream's raw series, or extrapolated ones where the server refuses those.
    async fn add_series(
        &self,
        plan: &FetchPlan,
        stream: usize,
        span: Span,
        target: &Target<'_>,
        pieces: i64,
        data: &mut StreamData,
    ) -> Result<(), SourceError> {
        let (metric, is_histogram) = match &plan.streams[stream] {
            StreamSpec::Counter(metric) => (metric, false),
            StreamSpec::Histogram(metric) => (metric, true),
            StreamSpec::Expression(_) => return Ok(()),
        };
        match raw(&self.client, &raw_selector(metric, is_histogram, &target.matchers), span, pieces).await {
            Ok(gathered) if is_histogram => add_histograms(data, target.assign, gathered, &metric.name),
            Ok(gathered) => add_counters(data, target.assign, gathered, true),
            Err(error) if asks_too_much(&error.kind) => {
                let before = data.series.len();
                self.add_extrapolated(plan, stream, span, target, data).await?;
                if data.series.len() == before {
                    // Native histograms have no increases that could be told; say what was refused.
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn add_extrapolated(
        &self,
        plan: &FetchPlan,
        stream: usize,
        span: Span,
        target: &Target<'_>,
        data: &mut StreamData,
    ) -> Result<(), SourceError> {
        let (metric, name) = match &plan.streams[stream] {
            StreamSpec::Counter(metric) => (metric, metric.name.clone()),
            StreamSpec::Histogram(metric) => (metric, format!("{}_bucket", metric.name)),
            StreamSpec::Expression(_) => return Ok(()),
        };
        let series = selector(&[&name], &metric.with(&target.matchers).matchers);
        let by: Vec<String> = kept_labels(plan, stream).iter().map(|label| label_name(label)).collect();
        let expression = format!("sum by ({}) (increase({series}[{}]))", by.join(", "), duration(plan.step_ms));
        let gathered = at_window_ends(&self.client, &expression, span, plan.step_ms).await?;
        add_increases(data, target.assign, gathered);
        append_new(&mut data.notes, [format!("counts of {name} are extrapolated by increase(): its raw samples are too many")]);
        Ok(())
    }

    /// One evaluation per instance: what a pseudo-canary would have shown.
    async fn add_history_values(
        &self,
        plan: &FetchPlan,
        promql: &str,
        span: Span,
        choice: &Choice,
        data: &mut StreamData,
    ) -> Result<(), SourceError> {
        let Some(label) = &plan.instance else { return Ok(()) };
        let instances = choice.for_expressions();
        if instances.left_out > 0 {
            let text = format!("history of expressions takes {} instances, {} are left out", instances.taken.len(), instances.left_out);
            append_new(&mut data.notes, [text]);
        }
        let asked = instances.taken.iter().map(|instance| async move {
            let mut matchers = history::whose(plan).to_vec();
            matchers.push(one_of(label, std::slice::from_ref(instance)));
            let text = fill_template(promql, &matchers, plan.step_ms);
            (instance, at_window_ends(&self.client, &text, span, plan.step_ms).await)
        });
        for (instance, answer) in join_all(asked).await {
            add_values(data, Arm::Baseline, answer?, Some((label, instance))).map_err(|found| self.too_many(instance, found))?;
        }
        Ok(())
    }

    fn too_many(&self, whose: &str, found: usize) -> SourceError {
        self.client.error(SourceErrorKind::Malformed {
            expected: format!("one series for {whose}"),
            found: format!("{found} (add \"sum by ()\" or another aggregation around the expression)"),
        })
    }
}

/// Classic and native buckets are asked for at once: only the answer tells which there are.
pub(super) fn raw_selector(metric: &Selector, is_histogram: bool, matchers: &[Matcher]) -> String {
    let all = metric.with(matchers).matchers;
    if is_histogram {
        return selector(&[&metric.name, &format!("{}_bucket", metric.name)], &all);
    }
    selector(&[&metric.name], &all)
}

/// The labels that a sum must keep: those that tell arms, instances, buckets, events and slices apart.
fn kept_labels(plan: &FetchPlan, stream: usize) -> BTreeSet<&str> {
    let arms = Arm::BOTH.into_iter().flat_map(|arm| plan.arms.get(arm));
    let mut kept: BTreeSet<&str> = arms.chain(plan.history_from.iter().flatten()).map(|matcher| matcher.label.as_str()).collect();
    kept.extend(plan.instance.as_deref());
    if matches!(plan.streams[stream], StreamSpec::Histogram(_)) {
        kept.insert("le");
    }
    for (metric, signal) in plan.signals.iter().enumerate() {
        if let Signal::Ratio { events, events_where, .. } = signal
            && *events == stream
        {
            kept.extend(events_where.iter().map(|matcher| matcher.label.as_str()));
        }
        if signal.streams().contains(&stream) {
            kept.extend(plan.labels_of_slices(metric).iter().map(String::as_str));
        }
    }
    kept
}
