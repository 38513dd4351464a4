//! Spans, without events and links: nobody reads those.

use opentelemetry_proto::tonic::trace::v1 as pb;
use serde::Deserialize;

use super::common::{Attributes, Resource, Scope};
use super::number::{Choice, Hex, Int, List, Names, Text};

/// A request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Body {
    #[serde(alias = "resource_spans")]
    pub resource_spans: List<ResourceSpans, pb::ResourceSpans>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceSpans {
    resource: Option<Resource>,
    #[serde(alias = "scope_spans")]
    scope_spans: List<ScopeSpans, pb::ScopeSpans>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ScopeSpans {
    scope: Option<Scope>,
    spans: List<Span, pb::Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Span {
    #[serde(alias = "trace_id")]
    trace_id: Hex,
    #[serde(alias = "span_id")]
    span_id: Hex,
    #[serde(alias = "parent_span_id")]
    parent_span_id: Hex,
    name: Text,
    kind: Choice<Kind>,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: Int<u64>,
    #[serde(alias = "end_time_unix_nano")]
    end_time_unix_nano: Int<u64>,
    attributes: Attributes,
    status: Option<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    message: Text,
    code: Choice<Code>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Kind;

impl Names for Kind {
    fn number(name: &str) -> Option<i32> {
        pb::span::SpanKind::from_str_name(name).map(i32::from)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Code;

impl Names for Code {
    fn number(name: &str) -> Option<i32> {
        pb::status::StatusCode::from_str_name(name).map(i32::from)
    }
}

impl From<ResourceSpans> for pb::ResourceSpans {
    fn from(json: ResourceSpans) -> Self {
        pb::ResourceSpans {
            resource: json.resource.map(Into::into),
            scope_spans: json.scope_spans.into_vec(),
            ..pb::ResourceSpans::default()
        }
    }
}

impl From<ScopeSpans> for pb::ScopeSpans {
    fn from(json: ScopeSpans) -> Self {
        pb::ScopeSpans { scope: json.scope.map(Into::into), spans: json.spans.into_vec(), ..pb::ScopeSpans::default() }
    }
}

impl From<Span> for pb::Span {
    fn from(json: Span) -> Self {
        pb::Span {
            trace_id: json.trace_id.0,
            span_id: json.span_id.0,
            parent_span_id: json.parent_span_id.0,
            name: json.name.0,
            kind: json.kind.0,
            start_time_unix_nano: json.start_time_unix_nano.0,
            end_time_unix_nano: json.end_time_unix_nano.0,
            attributes: json.attributes.into_vec(),
            status: json.status.map(|status| pb::Status { message: status.message.0, code: status.code.0 }),
            ..pb::Span::default()
        }
    }
}
