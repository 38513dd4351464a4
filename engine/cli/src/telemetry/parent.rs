//! The trace that davy is a part of: a pipeline's, handed over in `TRACEPARENT` and `TRACESTATE`.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// What the caller handed over.
#[derive(Debug)]
pub enum Parent {
    /// Nothing: a trace of its own.
    None,
    /// Something that is no trace context: a trace of its own, and a word about it.
    Invalid,
    /// The span to continue.
    Given(Context),
}

/// Reads the W3C trace context from variables.
pub fn parent(variable: impl Fn(&str) -> Option<String>) -> Parent {
    let wants = variable("OTEL_PROPAGATORS").is_none_or(|names| names.split(',').any(|name| name.trim() == "tracecontext"));
    let Some(traceparent) = variable("TRACEPARENT").filter(|_| wants) else { return Parent::None };
    let mut carrier = HashMap::from([("traceparent".to_owned(), traceparent)]);
    carrier.extend(variable("TRACESTATE").map(|state| ("tracestate".to_owned(), state)));
    let context = TraceContextPropagator::new().extract(&carrier);
    if context.span().span_context().is_valid() { Parent::Given(context) } else { Parent::Invalid }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn of(variables: &[(&str, &str)]) -> Parent {
        parent(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_trace_is_continued_where_one_is_given() {
        let Parent::Given(context) = of(&[("TRACEPARENT", GIVEN), ("TRACESTATE", "vendor=1")]) else { panic!("no parent") };
        let given = context.span().span_context().clone();
        assert_eq!(given.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(given.span_id().to_string(), "b7ad6b7169203331");
        assert_eq!(given.trace_state().get("vendor"), Some("1"));
    }

    #[test]
    fn nothing_nonsense_and_other_propagators_begin_a_trace() {
        assert!(matches!(of(&[]), Parent::None));
        assert!(matches!(of(&[("TRACEPARENT", GIVEN), ("OTEL_PROPAGATORS", "b3")]), Parent::None));
        assert!(matches!(of(&[("TRACEPARENT", GIVEN), ("OTEL_PROPAGATORS", "baggage, tracecontext")]), Parent::Given(_)));
        assert!(matches!(of(&[("TRACEPARENT", "0af7651916cd43dd8448eb211c80319c")]), Parent::Invalid));
        assert!(matches!(of(&[("TRACEPARENT", "00-00000000000000000000000000000000-b7ad6b7169203331-01")]), Parent::Invalid));
    }
}
