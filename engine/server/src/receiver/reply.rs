//! Answers: what a client reads, as protobuf, JSON or gRPC.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use davy_sources::otlp::{Encoding, Signal};
use hyper::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use prost::Message;
use serde_json::json;

use super::intake::Taken;
use super::refusal::Refusal;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// A short body, and trailers (gRPC).
#[derive(Debug, Default)]
pub struct Reply {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Reply {
    /// A body.
    pub fn new(data: Vec<u8>) -> Self {
        Reply { data: Some(data.into()), trailers: None }
    }

    /// A body and what follows it.
    pub fn with_trailers(data: Vec<u8>, trailers: HeaderMap) -> Self {
        Reply { data: Some(data.into()), trailers: Some(trailers) }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.data.take().map(Frame::data);
        Poll::Ready(data.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}

/// `ExportMetricsServiceResponse`, and those of logs and traces, which have the same numbers.
#[derive(Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `google.rpc.Status`.
#[derive(Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// The answer to what was taken, whole or in part.
pub fn taken(taken: &Taken, signal: Signal, encoding: Encoding) -> Vec<u8> {
    let is_whole = taken.rejected == 0 && taken.message.is_empty();
    match encoding {
        Encoding::Protobuf => {
            let rejected = i64::try_from(taken.rejected).unwrap_or(i64::MAX);
            let partial_success = (!is_whole).then(|| PartialSuccess { rejected, error_message: taken.message.clone() });
            ExportResponse { partial_success }.encode_to_vec()
        }
        Encoding::Json if is_whole => b"{}".to_vec(),
        Encoding::Json => {
            let rejected = match signal {
                Signal::Metrics => "rejectedDataPoints",
                Signal::Logs => "rejectedLogRecords",
                Signal::Traces => "rejectedSpans",
            };
            // 64-bit integers are strings in proto3's JSON.
            json!({"partialSuccess": {rejected: taken.rejected.to_string(), "errorMessage": taken.message}}).to_string().into_bytes()
        }
    }
}

/// The answer to what was refused: `google.rpc.Status`, with RetryInfo where the client may come again.
pub fn refused(refusal: &Refusal, encoding: Encoding) -> Vec<u8> {
    let (code, message, wait) = (refusal.kind.grpc(), &refusal.message, refusal.kind.retry_after());
    match encoding {
        Encoding::Protobuf => {
            Status { code, message: message.clone(), details: wait.map(retry_info).into_iter().collect() }.encode_to_vec()
        }
        Encoding::Json => {
            let details: Vec<_> =
                wait.map(|wait| json!({"@type": RETRY_INFO, "retryDelay": format!("{}s", wait.as_secs_f64())})).into_iter().collect();
            json!({"code": code, "message": message, "details": details}).to_string().into_bytes()
        }
    }
}

fn retry_info(wait: Duration) -> Any {
    let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
    let nanos = i32::try_from(wait.subsec_nanos()).expect("a second has 10^9 nanoseconds");
    Any { type_url: RETRY_INFO.to_owned(), value: RetryInfo { retry_delay: Some(Delay { seconds, nanos }) }.encode_to_vec() }
}
