//! Log records.

use opentelemetry_proto::tonic::logs::v1 as pb;
use serde::Deserialize;

use super::common::{AnyValue, Attributes, Resource, Scope};
use super::number::{Choice, Hex, Int, List, Names, Text};

/// A request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Body {
    #[serde(alias = "resource_logs")]
    pub resource_logs: List<ResourceLogs, pb::ResourceLogs>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceLogs {
    resource: Option<Resource>,
    #[serde(alias = "scope_logs")]
    scope_logs: List<ScopeLogs, pb::ScopeLogs>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ScopeLogs {
    scope: Option<Scope>,
    #[serde(alias = "log_records")]
    log_records: List<LogRecord, pb::LogRecord>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LogRecord {
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Int<u64>,
    #[serde(alias = "observed_time_unix_nano")]
    observed_time_unix_nano: Int<u64>,
    #[serde(alias = "severity_number")]
    severity_number: Choice<Severity>,
    #[serde(alias = "severity_text")]
    severity_text: Text,
    body: Option<AnyValue>,
    attributes: Attributes,
    #[serde(alias = "trace_id")]
    trace_id: Hex,
    #[serde(alias = "span_id")]
    span_id: Hex,
    #[serde(alias = "event_name")]
    event_name: Text,
}

#[derive(Debug, Clone, Copy, Default)]
struct Severity;

impl Names for Severity {
    fn number(name: &str) -> Option<i32> {
        pb::SeverityNumber::from_str_name(name).map(i32::from)
    }
}

impl From<ResourceLogs> for pb::ResourceLogs {
    fn from(json: ResourceLogs) -> Self {
        pb::ResourceLogs { resource: json.resource.map(Into::into), scope_logs: json.scope_logs.into_vec(), ..pb::ResourceLogs::default() }
    }
}

impl From<ScopeLogs> for pb::ScopeLogs {
    fn from(json: ScopeLogs) -> Self {
        pb::ScopeLogs { scope: json.scope.map(Into::into), log_records: json.log_records.into_vec(), ..pb::ScopeLogs::default() }
    }
}

impl From<LogRecord> for pb::LogRecord {
    fn from(json: LogRecord) -> Self {
        pb::LogRecord {
            time_unix_nano: json.time_unix_nano.0,
            observed_time_unix_nano: json.observed_time_unix_nano.0,
            severity_number: json.severity_number.0,
            severity_text: json.severity_text.0,
            body: json.body.map(Into::into),
            attributes: json.attributes.into_vec(),
            trace_id: json.trace_id.0,
            span_id: json.span_id.0,
            event_name: json.event_name.0,
            ..pb::LogRecord::default()
        }
    }
}
