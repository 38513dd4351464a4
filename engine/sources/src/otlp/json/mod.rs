//! OTLP/JSON by types of our own: the generated ones turn a value that they cannot read into nothing (ADR 15).
//!
//! As lenient as the specification: unknown fields are left out, 64-bit integers are numbers or text, doubles may be "NaN" and
//! "Infinity", ids are hex, enums are numbers (or their names), null is as good as absent, and the names of protobuf's own fields are
//! taken too. What is not lenient: a value that cannot be read is an error, with its line and column.

mod common;
mod logs;
mod metrics;
mod number;
mod traces;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::otlp::{Request, Signal};

/// Reads one request.
pub(super) fn decode(signal: Signal, bytes: &[u8]) -> Result<Request, serde_json::Error> {
    Ok(match signal {
        Signal::Metrics => Request::Metrics(ExportMetricsServiceRequest {
            resource_metrics: serde_json::from_slice::<metrics::Body>(bytes)?.resource_metrics.into_vec(),
        }),
        Signal::Logs => {
            Request::Logs(ExportLogsServiceRequest { resource_logs: serde_json::from_slice::<logs::Body>(bytes)?.resource_logs.into_vec() })
        }
        Signal::Traces => Request::Traces(ExportTraceServiceRequest {
            resource_spans: serde_json::from_slice::<traces::Body>(bytes)?.resource_spans.into_vec(),
        }),
    })
}
