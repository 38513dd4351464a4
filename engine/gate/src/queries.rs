//! The queries of a metric as people would type them, one per arm: the same text however often a source was asked.

use davy_judge::arm::Arm;
use davy_sources::samples::{Matcher, Signal, StreamSpec};
use davy_sources::template::fill_template;

use crate::plan::Plan;

/// The rendered queries of the metric with this index: baseline first.
pub fn queries_of(plan: &Plan, metric: usize) -> Vec<String> {
    let mut queries = Vec::new();
    for arm in Arm::BOTH {
        let arm_matchers = plan.fetch.arms.get(arm);
        match &plan.fetch.signals[metric] {
            Signal::Histogram { stream } | Signal::Rate { stream } | Signal::Scalar { stream } => {
                queries.push(render(plan, *stream, arm_matchers, &[]));
            }
            Signal::Ratio { events, events_where, total } => {
                queries.push(render(plan, *events, arm_matchers, events_where));
                queries.push(render(plan, *total, arm_matchers, &[]));
            }
        }
    }
    queries
}

fn render(plan: &Plan, stream: usize, arm: &[Matcher], more: &[Matcher]) -> String {
    let range = crate::rules::quantity::duration_text(plan.step_ms);
    match &plan.fetch.streams[stream] {
        StreamSpec::Counter(selector) | StreamSpec::Histogram(selector) => {
            let all: Vec<Matcher> = arm.iter().chain(more).cloned().collect();
            format!("{}[{range}]", selector.to_promql_with(&all))
        }
        StreamSpec::Expression(template) => fill_template(template, arm, plan.step_ms),
    }
}

/// A stream without arms or range, for messages.
pub fn stream_text(stream: &StreamSpec) -> String {
    match stream {
        StreamSpec::Counter(selector) => selector.to_promql_with(&[]),
        StreamSpec::Histogram(selector) => format!("the histogram {}", selector.to_promql_with(&[])),
        StreamSpec::Expression(template) => template.clone(),
    }
}
