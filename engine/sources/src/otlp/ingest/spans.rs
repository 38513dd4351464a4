//! SERVER spans as a histogram of their duration, for those who have no metrics. Named as the collector's span metrics connector
//! names it, so that rules written for that one fit.

use std::hash::{DefaultHasher, Hash, Hasher};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::{cell, origin, resource_key};
use crate::otlp::Reason;
use crate::otlp::labels;
use crate::otlp::point::{Exponential, FINEST_SCALE, Shape, Value};
use crate::otlp::series::{MetricKey, SeriesKey};
use crate::otlp::store::Intake;

/// The histogram's name.
const DURATION: &str = "traces.span.metrics.duration";

/// Takes in spans.
pub(super) fn take(intake: &mut Intake<'_>, request: &ExportTraceServiceRequest) {
    let metric = MetricKey { name: DURATION.to_owned(), unit: "s".to_owned(), shape: Shape::Exponential, is_delta: true };
    for of_resource in &request.resource_spans {
        let key = resource_key(of_resource.resource.as_ref());
        for of_scope in &of_resource.scope_spans {
            let origin = origin(intake, of_resource.resource.as_ref(), &key, of_scope.scope.as_ref());
            for span in &of_scope.spans {
                take_span(intake, &metric, origin, span);
            }
        }
    }
}

fn take_span(intake: &mut Intake<'_>, metric: &MetricKey, origin: usize, span: &Span) {
    if span.kind != SpanKind::Server as i32 {
        return intake.ignore(Reason::NotServerSpan, &span.name, origin, span.end_time_unix_nano);
    }
    if !intake.is_in_time(DURATION, origin, span.end_time_unix_nano) {
        return;
    }
    let Some(duration_ns) = span.end_time_unix_nano.checked_sub(span.start_time_unix_nano).filter(|_| span.start_time_unix_nano > 0) else {
        return intake.ignore(Reason::Negative, DURATION, origin, span.end_time_unix_nano);
    };
    let own = labels_of(span, &intake.limits.span_attributes);
    let attributes = own.iter().fold(Vec::new(), |mut bytes, (name, value)| {
        labels::push(&mut bytes, name.as_bytes());
        labels::push(&mut bytes, value.as_bytes());
        bytes
    });
    let key = SeriesKey { origin, attributes: attributes.into() };
    let value = Value::Exponential(Box::new(observation(duration_ns)));
    intake.count(metric, key, || own, cell(span.end_time_unix_nano), (id(origin, span), &value));
}

fn labels_of(span: &Span, kept: &[String]) -> labels::Labels {
    let mut own = labels::Labels::new();
    labels::add(&mut own, &span.attributes);
    own.retain(|name, _| kept.contains(name));
    own.insert("span.name".to_owned(), span.name.clone());
    own.insert("span.kind".to_owned(), SpanKind::Server.as_str_name().to_owned());
    let code = span.status.as_ref().and_then(|status| StatusCode::try_from(status.code).ok()).unwrap_or(StatusCode::Unset);
    own.insert("status.code".to_owned(), code.as_str_name().to_owned());
    own
}

/// One duration: in the bucket (base^index, base^(index+1)].
fn observation(duration_ns: u64) -> Exponential {
    if duration_ns == 0 {
        return Exponential { scale: FINEST_SCALE, zero_count: 1, ..Exponential::default() };
    }
    let seconds = duration_ns as f64 / 1e9;
    let index = (seconds.log2() * f64::from(FINEST_SCALE).exp2()).ceil() as i32 - 1;
    Exponential { scale: FINEST_SCALE, positive: vec![(index, 1)], ..Exponential::default() }
}

/// A span's identity; one without ids is known by all that it says.
fn id(origin: usize, span: &Span) -> u64 {
    let mut hasher = DefaultHasher::new();
    if span.trace_id.is_empty() || span.span_id.is_empty() {
        (origin, &span.name, span.start_time_unix_nano, span.end_time_unix_nano).hash(&mut hasher);
        labels::key(&span.attributes).hash(&mut hasher);
    }
    (&span.trace_id, &span.span_id).hash(&mut hasher);
    hasher.finish()
}
