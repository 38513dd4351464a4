//! Requests from bytes: protobuf, or JSON as the specification says.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use crate::otlp::json;

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// `/v1/metrics`
    Metrics,
    /// `/v1/logs`
    Logs,
    /// `/v1/traces`
    Traces,
}

impl Signal {
    /// All of them.
    pub const ALL: [Signal; 3] = [Signal::Metrics, Signal::Logs, Signal::Traces];

    /// As it stands in paths, files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Metrics => "metrics",
            Signal::Logs => "logs",
            Signal::Traces => "traces",
        }
    }
}

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

/// One request, decoded; the messages are those of the protocol.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Metrics.
    Metrics(ExportMetricsServiceRequest),
    /// Logs.
    Logs(ExportLogsServiceRequest),
    /// Traces.
    Traces(ExportTraceServiceRequest),
}

impl Request {
    /// What it carries.
    pub fn signal(&self) -> Signal {
        match self {
            Request::Metrics(_) => Signal::Metrics,
            Request::Logs(_) => Signal::Logs,
            Request::Traces(_) => Signal::Traces,
        }
    }

    /// As protobuf: the same request for whoever keeps it.
    pub fn to_protobuf(&self) -> Vec<u8> {
        match self {
            Request::Metrics(request) => request.encode_to_vec(),
            Request::Logs(request) => request.encode_to_vec(),
            Request::Traces(request) => request.encode_to_vec(),
        }
    }
}

/// Bytes that are no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an OTLP {} request as {}, found {found}", signal.name(), match encoding { Encoding::Protobuf => "protobuf", Encoding::Json => "JSON" })]
pub struct DecodeError {
    /// What it should have carried.
    pub signal: Signal,
    /// How it should have been written.
    pub encoding: Encoding,
    /// What was wrong, and for JSON where.
    pub found: String,
}

/// Reads one request. Nothing in it is lost: what cannot be read is an error of the whole request, and unknown fields are left
/// out, as the specification demands.
///
/// # Errors
/// Bytes that are no such request.
pub fn decode(signal: Signal, encoding: Encoding, bytes: &[u8]) -> Result<Request, DecodeError> {
    let wrong = |found: String| DecodeError { signal, encoding, found };
    match encoding {
        Encoding::Protobuf => match signal {
            Signal::Metrics => ExportMetricsServiceRequest::decode(bytes).map(Request::Metrics),
            Signal::Logs => ExportLogsServiceRequest::decode(bytes).map(Request::Logs),
            Signal::Traces => ExportTraceServiceRequest::decode(bytes).map(Request::Traces),
        }
        .map_err(|error| wrong(error.to_string())),
        Encoding::Json => json::decode(signal, bytes).map_err(|error| wrong(error.to_string())),
    }
}
