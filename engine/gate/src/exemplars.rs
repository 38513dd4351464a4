//! A few traces of the canary's worst requests, beside the worst finding. Asked for once, when the verdict is there: they
//! change nothing, and their absence says nothing.

use std::collections::BTreeMap;

use davy_sources::exemplars::{Exemplar, ExemplarRequest};
use davy_sources::recording::KeptExemplars;
use davy_sources::samples::{MatchOp, Matcher, Signal, Span, StreamSpec};
use davy_sources::source::Source;
use serde::{Deserialize, Serialize};

use crate::number::{Number, number, seconds};
use crate::pipeline::Run;
use crate::report::Report;

/// Trace ids, label names and values are other people's data: longer ones are cut at this many characters.
const LONGEST: usize = 80;

/// One request of the canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExemplarReport {
    /// Its trace.
    pub trace_id: String,
    /// What was observed, in the metric's unit.
    pub value: Number,
    /// When, seconds since the epoch.
    pub time: Number,
    /// Its series' labels.
    pub labels: BTreeMap<String, String>,
}

/// Adds exemplars to the worst finding that is harmful or suspect: of its worst slice where one stands out. The source is asked
/// at most once; what it answered belongs into a recording.
pub async fn attach<S: Source>(run: &Run<'_, S>, source: &S, report: &mut Report) -> Option<KeptExemplars> {
    let speaks = |outcome: &str| matches!(outcome, "breach" | "suspect");
    let bad = report.findings.iter().enumerate().filter(|(_, finding)| speaks(finding.outcome));
    let worst = bad.max_by(|(one_index, one), (other_index, other)| {
        // Of equals the first.
        one.evidence.ln_harm.get().total_cmp(&other.evidence.ln_harm.get()).then(other_index.cmp(one_index))
    });
    let (metric, finding) = worst?;
    let slice = finding.slices.first().filter(|slice| speaks(slice.outcome)).and(run.worst_slice(metric));
    let request = request(run, metric, slice)?;
    let found = source.exemplars(&request).await;
    report.findings[metric].exemplars = found.iter().map(exemplar_report).collect();
    (!found.is_empty()).then_some(KeptExemplars { request, found })
}

/// What to ask for a metric, or one slice of it; none where exemplars would show nothing.
fn request<S: Source>(run: &Run<'_, S>, metric: usize, slice: Option<&[String]>) -> Option<ExemplarRequest> {
    let plan = &run.plan().fetch;
    let (stream, events_where) = match &plan.signals[metric] {
        Signal::Histogram { stream } => (*stream, &[][..]),
        Signal::Ratio { events, events_where, .. } => (*events, events_where.as_slice()),
        // No single request is to blame for how many there are.
        Signal::Rate { .. } | Signal::Scalar { .. } => return None,
    };
    let mut matchers = plan.arms.canary.clone();
    matchers.extend_from_slice(events_where);
    let labels = plan.labels_of_slices(metric).iter().zip(slice.unwrap_or_default());
    matchers.extend(labels.map(|(label, value)| Matcher { label: label.clone(), op: MatchOp::Equal, value: value.clone() }));
    let mut series = match &plan.streams[stream] {
        StreamSpec::Counter(selector) | StreamSpec::Histogram(selector) => selector.with(&matchers),
        StreamSpec::Expression(_) => return None,
    };
    if matches!(plan.streams[stream], StreamSpec::Histogram(_)) {
        series.name.push_str("_bucket");
    }
    let first_ms = *run.ends_ms().first()?;
    Some(ExemplarRequest { series, span: Span { start_ms: first_ms - plan.step_ms, end_ms: run.judged_to_ms() } })
}

fn exemplar_report(found: &Exemplar) -> ExemplarReport {
    ExemplarReport {
        trace_id: bounded(&found.trace_id),
        value: number(found.value),
        time: seconds(found.time_ms),
        labels: found.labels.iter().map(|(label, value)| (bounded(label), bounded(value))).collect(),
    }
}

fn bounded(text: &str) -> String {
    let safe = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    if text.chars().count() <= LONGEST {
        return text.chars().map(safe).collect();
    }
    text.chars().take(LONGEST - 1).map(safe).chain(['…']).collect()
}
