//! Exemplars: single requests, by their trace, that a source kept beside its counts. For people to look at: they never change
//! a verdict, and a source that has none says nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::samples::{Selector, Span};

/// Labels under which client libraries keep a trace's id.
const TRACE_LABELS: [&str; 4] = ["trace_id", "traceID", "traceId", "TraceID"];

/// Which exemplars are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemplarRequest {
    /// Of which series; of a histogram with `_bucket`.
    pub series: Selector,
    /// When.
    pub span: Span,
}

/// One request that was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Its trace.
    pub trace_id: String,
    /// What was observed, in the metric's unit; of a counter its increment. Finite.
    pub value: f64,
    /// When, ms since the epoch.
    pub time_ms: i64,
    /// The series' labels, without its name and `le`.
    pub labels: BTreeMap<String, String>,
}

/// The id of the trace that an exemplar's labels name.
pub(crate) fn trace_id(labels: &BTreeMap<String, String>) -> Option<&str> {
    TRACE_LABELS.into_iter().find_map(|label| labels.get(label)).map(String::as_str).filter(|id| !id.is_empty())
}

/// The `most` with the largest values, each trace once; of equals the latest first. What is returned depends on the set alone.
pub fn largest(mut found: Vec<Exemplar>, most: usize) -> Vec<Exemplar> {
    found.retain(|exemplar| exemplar.value.is_finite());
    found.sort_by(|one, other| {
        let by_value = other.value.total_cmp(&one.value).then(other.time_ms.cmp(&one.time_ms));
        by_value.then_with(|| one.trace_id.cmp(&other.trace_id)).then_with(|| one.labels.cmp(&other.labels))
    });
    let mut seen = BTreeSet::new();
    found.retain(|exemplar| seen.insert(exemplar.trace_id.clone()));
    found.truncate(most);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemplar(trace_id: &str, value: f64, time_ms: i64) -> Exemplar {
        Exemplar { trace_id: trace_id.to_owned(), value, time_ms, labels: BTreeMap::new() }
    }

    #[test]
    fn the_largest_come_first_each_trace_once_whatever_the_order() {
        let all = [exemplar("a", 1.0, 5), exemplar("b", 3.0, 1), exemplar("c", 3.0, 2), exemplar("b", 2.0, 9), exemplar("d", f64::NAN, 0)];
        let ids = |found: Vec<Exemplar>| found.into_iter().map(|exemplar| exemplar.trace_id).collect::<Vec<String>>();
        for turn in 0..all.len() {
            let mut turned = all.to_vec();
            turned.rotate_left(turn);
            assert_eq!(ids(largest(turned.clone(), 9)), ["c", "b", "a"]);
            assert_eq!(ids(largest(turned, 2)), ["c", "b"]);
        }
    }

    #[test]
    fn only_what_names_a_trace_is_one() {
        let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        assert_eq!(trace_id(&labels(&[("span_id", "x"), ("traceID", "abc")])), Some("abc"));
        assert_eq!(trace_id(&labels(&[("trace_id", "")])), None);
        assert_eq!(trace_id(&labels(&[("user", "x")])), None);
    }
}
