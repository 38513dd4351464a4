//! How much history there is, and which instances of it fit the budget.
//!
//! Every stream takes the same instances. They are taken by sorted name, so that the choice depends on nothing else; exact
//! counts of fewer instances come before extrapolated counts of more.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::client::{Client, Request};
use super::fetch::raw_selector;
use super::gather::instant;
use super::promql::{duration, label_name, seconds, selector};
use super::wire::Matrix;
use crate::error::SourceError;
use crate::samples::{FetchPlan, Matcher, Span, StreamSpec};

/// Below this many instances the noise between instances cannot be told, so extrapolated counts of more are better.
const FEWEST_EXACT: usize = 4;
/// A step holds at least four scrapes, hence increases are at most a quarter of the samples.
const SCRAPES_PER_STEP: u64 = 4;
/// About how many samples one request may bring: some 15 MB.
const SAMPLES_PER_REQUEST: u64 = 500_000;
/// An expression is evaluated once per instance, so not for too many.
const MOST_FOR_EXPRESSIONS: usize = 12;
/// How many names a note spells out.
const NAMED: usize = 5;

/// Which part of the history is fetched.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// All instances that there are, sorted.
    instances: Vec<String>,
    /// Those to take; none: all of them, and no matcher is needed.
    pub chosen: Option<Vec<String>>,
    /// Counts come by `increase()`.
    pub extrapolated: bool,
    /// Not even two instances fit.
    pub nothing_fits: bool,
    /// Samples per stream, all instances.
    samples: Vec<u64>,
    /// What kept a stream from being counted.
    pub errors: Vec<Option<SourceError>>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Instances that expressions are evaluated for.
pub(super) struct ForExpressions<'c> {
    pub taken: &'c [String],
    pub left_out: usize,
}

impl Choice {
    /// Into how many requests a stream's span is cut.
    pub fn pieces(&self, stream: usize) -> i64 {
        i64::try_from(self.samples[stream].div_ceil(SAMPLES_PER_REQUEST)).unwrap_or(i64::MAX).max(1)
    }

    pub fn for_expressions(&self) -> ForExpressions<'_> {
        let all = self.chosen.as_ref().unwrap_or(&self.instances);
        let taken = &all[..all.len().min(MOST_FOR_EXPRESSIONS)];
        ForExpressions { taken, left_out: self.instances.len() - taken.len() }
    }
}

/// Whose history it is.
pub(super) fn whose(plan: &FetchPlan) -> &[Matcher] {
    plan.history_from.as_deref().unwrap_or(&plan.arms.baseline)
}

/// Counts the samples of each instance on the server, and chooses.
pub(super) async fn choose(client: &Client, plan: &FetchPlan, span: Span) -> Choice {
    let counted = join_all(plan.streams.iter().map(|stream| count(client, plan, stream, span))).await;
    let mut choice = Choice::default();
    let mut per_instance: BTreeMap<String, u64> = BTreeMap::new();
    for answer in counted {
        let (counts, error) = match answer {
            Ok(counts) => (counts, None),
            Err(error) => (BTreeMap::new(), Some(error)),
        };
        choice.samples.push(counts.values().sum());
        choice.errors.push(error);
        for (instance, samples) in counts {
            *per_instance.entry(instance).or_default() += samples;
        }
    }
    if per_instance.is_empty() && plan.streams.iter().all(|stream| matches!(stream, StreamSpec::Expression(_))) {
        match names_alone(client, plan, span).await {
            Ok(names) => per_instance = names.into_iter().map(|name| (name, 0)).collect(),
            Err(error) => choice.notes.push(format!("no history is used: its instances cannot be listed ({error})")),
        }
    }
    fit(&mut choice, &per_instance, plan.max_history_samples);
    choice
}

/// Chooses the instances that fit; `per_instance` holds how many samples each has.
fn fit(choice: &mut Choice, per_instance: &BTreeMap<String, u64>, budget: u64) {
    // A series without the label is nobody's history.
    choice.instances = per_instance.keys().filter(|name| !name.is_empty()).cloned().collect();
    let total: u64 = per_instance.values().sum();
    if total <= budget {
        return;
    }
    let fitting = |limit: u64| {
        let mut sum = 0_u64;
        choice
            .instances
            .iter()
            .take_while(|name| {
                sum = sum.saturating_add(per_instance[*name]);
                sum <= limit
            })
            .count()
    };
    let exact = fitting(budget);
    let summed = fitting(budget.saturating_mul(SCRAPES_PER_STEP));
    let taken = if exact >= FEWEST_EXACT.min(choice.instances.len()) {
        exact
    } else {
        choice.extrapolated = summed > exact;
        summed.max(exact)
    };
    let left_out = &choice.instances[taken..];
    choice.nothing_fits = taken < 2;
    if choice.nothing_fits {
        let text = format!(
            "no history is used: {total} samples in {} instances are more than history.max_samples ({budget}) allows",
            choice.instances.len()
        );
        choice.notes.push(text);
    } else if !left_out.is_empty() {
        let named = left_out.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = if left_out.len() > NAMED { ", …" } else { "" };
        let text =
            format!("history takes {taken} instances; {} are left out for history.max_samples ({budget}): {named}{more}", left_out.len());
        choice.notes.push(text);
    }
    choice.chosen = Some(choice.instances[..taken].to_vec());
}

/// Counts the samples of one stream by instance; an expression has none of its own.
async fn count(client: &Client, plan: &FetchPlan, stream: &StreamSpec, span: Span) -> Result<BTreeMap<String, u64>, SourceError> {
    let (metric, is_histogram) = match stream {
        StreamSpec::Counter(metric) => (metric, false),
        StreamSpec::Histogram(metric) => (metric, true),
        StreamSpec::Expression(_) => return Ok(BTreeMap::new()),
    };
    let series = raw_selector(metric, is_histogram, whose(plan));
    let length = duration((span.end_ms - span.start_ms).max(1000));
    let label = plan.instance.as_deref().unwrap_or("instance");
    let query = format!("sum by ({}) (count_over_time({series}[{length}]))", label_name(label));
    let reply = client.ask::<Matrix>(&instant(query, span.end_ms)).await?;
    let mut counts = BTreeMap::new();
    for found in reply.answer.data.result {
        let name = found.labels.get(label).cloned().unwrap_or_default();
        let samples = found.values.last().map_or(0.0, |(_, value)| *value);
        counts.insert(name, samples.max(0.0) as u64);
    }
    Ok(counts)
}

/// The instances' names, where only expressions are asked for; they cost no samples.
async fn names_alone(client: &Client, plan: &FetchPlan, span: Span) -> Result<BTreeSet<String>, SourceError> {
    let Some(label) = &plan.instance else { return Ok(BTreeSet::new()) };
    let request = label_values(label, &selector(&[], whose(plan)), span);
    Ok(client.ask::<Vec<String>>(&request).await?.answer.data.into_iter().collect())
}

/// The values that a label has among the series of a selector.
pub(super) fn label_values(label: &str, series: &str, span: Span) -> Request {
    Request {
        endpoint: vec!["label".to_owned(), label.to_owned(), "values".to_owned()],
        parameters: vec![("match[]", series.to_owned()), ("start", seconds(span.start_ms)), ("end", seconds(span.end_ms))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose_among(samples: &[u64], budget: u64) -> Choice {
        let per_instance = samples.iter().enumerate().map(|(index, count)| (format!("pod-{index}"), *count)).collect();
        let mut choice = Choice::default();
        fit(&mut choice, &per_instance, budget);
        choice
    }

    #[test]
    fn all_instances_are_taken_while_they_fit() {
        let choice = choose_among(&[10; 6], 60);
        assert!(choice.chosen.is_none() && choice.notes.is_empty() && !choice.extrapolated);
        assert_eq!(choice.for_expressions().taken.len(), 6);
    }

    #[test]
    fn fewer_instances_come_before_extrapolation() {
        let choice = choose_among(&[10; 6], 45);
        assert_eq!(choice.chosen.as_deref().unwrap(), ["pod-0", "pod-1", "pod-2", "pod-3"]);
        assert!(!choice.extrapolated && choice.notes[0].contains("pod-4, pod-5"), "{:?}", choice.notes);
    }

    #[test]
    fn too_few_exact_instances_give_way_to_more_extrapolated_ones() {
        let choice = choose_among(&[10; 6], 15);
        assert_eq!(choice.chosen.as_ref().unwrap().len(), 6);
        assert!(choice.extrapolated && choice.notes.is_empty());
    }

    #[test]
    fn a_budget_for_nobody_leaves_no_history() {
        let choice = choose_among(&[1000; 30], 15);
        assert!(choice.nothing_fits && choice.notes[0].contains("30000 samples"));
    }

    #[test]
    fn a_series_without_the_label_is_not_an_instance() {
        let mut choice = Choice::default();
        fit(&mut choice, &BTreeMap::from([(String::new(), 50), ("a".to_owned(), 1), ("b".to_owned(), 1)]), 10);
        assert_eq!(choice.chosen.as_deref().unwrap(), ["a", "b"]);
    }

    #[test]
    fn long_notes_stay_short() {
        let choice = choose_among(&[10; 40], 45);
        assert!(choice.notes[0].len() < 200 && choice.notes[0].contains("36 are left out"), "{:?}", choice.notes);
    }
}
