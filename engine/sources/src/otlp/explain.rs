//! Says why an arm is empty: which matcher matched nothing, and what there is instead.

use std::collections::BTreeSet;

use davy_judge::arm::Arm;

use crate::matching::LabelFilter;
use crate::otlp::labels::{Labels, as_series};
use crate::otlp::source::{asked, each, in_span, names_like};
use crate::otlp::store::{State, joined};
use crate::prometheus::{nearest, shown};
use crate::samples::{FetchPlan, MatchOp, Matcher, Selector, Span, StreamSpec};

/// The most names that are shown where nothing like the wanted one exists.
const NAMES: usize = 8;

/// The first stream whose emptiness can be explained.
pub(super) fn explain_empty(state: &State, plan: &FetchPlan, arm: Arm, span: Span) -> Option<String> {
    plan.streams.iter().find_map(|stream| of_stream(state, plan, stream, arm, span))
}

fn of_stream(state: &State, plan: &FetchPlan, stream: &StreamSpec, arm: Arm, span: Span) -> Option<String> {
    let (StreamSpec::Counter(selector) | StreamSpec::Histogram(selector)) = stream else { return None };
    let bare = Selector { name: selector.name.clone(), matchers: Vec::new() };
    let bare = if matches!(stream, StreamSpec::Counter(_)) { StreamSpec::Counter(bare) } else { StreamSpec::Histogram(bare) };
    // Without its matchers a stream no longer asks for their labels, so they are asked for here.
    let labels_asked = asked(plan, stream);
    let mut all: Vec<(Labels, bool)> = Vec::new();
    each(state, plan, &bare, |found| {
        let mut labels = found.labels;
        let origins = state.metrics.get(found.metric).into_iter().flat_map(|metric| metric.series.iter());
        if let Some((key, series)) = origins.into_iter().find(|(_, series)| std::ptr::eq(*series, found.series)) {
            labels = as_series(&joined(&state.origins[key.origin], &series.labels), &labels_asked);
        }
        all.push((labels, in_span(found.series, span)));
    });
    if all.is_empty() {
        return Some(unknown_name(state, &selector.name));
    }
    let matchers: Vec<&Matcher> = plan.arms.get(arm).iter().chain(&selector.matchers).collect();
    let matching = |held: &[&Matcher]| -> Vec<&(Labels, bool)> {
        let owned: Vec<Matcher> = held.iter().map(|matcher| (*matcher).clone()).collect();
        let Ok(filter) = LabelFilter::new(&owned) else { return Vec::new() };
        all.iter().filter(|(labels, _)| filter.matches(labels)).collect()
    };
    let whole = matching(&matchers);
    if whole.iter().any(|(_, is_there)| *is_there) {
        return None;
    }
    if !whole.is_empty() {
        let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
        return Some(format!("series of {} with {} exist, but have no point in the time asked for", selector.name, texts.join(",")));
    }
    let mut held: Vec<&Matcher> = Vec::new();
    for matcher in selector.matchers.iter().chain(plan.arms.get(arm)) {
        held.push(matcher);
        if matching(&held).is_empty() {
            held.pop();
            return Some(blame(&selector.name, matcher, &matching(&held)));
        }
    }
    None
}

fn blame(name: &str, culprit: &Matcher, others: &[&(Labels, bool)]) -> String {
    let values: BTreeSet<&String> = others.iter().filter_map(|(labels, _)| labels.get(&culprit.label)).collect();
    if !values.is_empty() {
        let values = values.into_iter().cloned().collect();
        return format!("no series of {name} has {culprit}; values there: {}", shown(nearest(&culprit.value, values)));
    }
    let elsewhere = others.iter().flat_map(|(labels, _)| labels.iter()).find(|(_, value)| **value == culprit.value);
    match elsewhere {
        Some((label, _)) if culprit.op == MatchOp::Equal => {
            format!("no series of {name} has the attribute {}; {} stands in {label}", culprit.label, culprit.value)
        }
        Some(_) | None => {
            let labels: BTreeSet<&String> = others.iter().flat_map(|(labels, _)| labels.keys()).collect();
            let labels = labels.into_iter().cloned().collect();
            format!("no series of {name} has the attribute {}; it has {}", culprit.label, shown(nearest(&culprit.label, labels)))
        }
    }
}

fn unknown_name(state: &State, name: &str) -> String {
    let names: Vec<String> = names_like(state, name).into_iter().take(NAMES).collect();
    if names.is_empty() {
        return format!("nothing came that could be {name}: no metric at all");
    }
    format!("no metric goes by the name {name}; there are {}", names.join(", "))
}
