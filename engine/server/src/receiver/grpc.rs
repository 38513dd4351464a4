//! OTLP over gRPC: one message in, one message out. What there is of gRPC for that is here.
//!
//! A message is a flag (compressed), its length as four bytes, big end first, and its bytes; the outcome comes in trailers.
//! https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use davy_sources::otlp::{Encoding, Signal};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Request, Response};

use super::body::{self, too_large};
use super::decompress::Compression;
use super::intake::Taken;
use super::limits::Limits;
use super::refusal::{Kind, Refusal};
use super::reply::{self, Reply};
use super::service::{Sent, Service};

/// Flag and length.
const PREFIX: usize = 5;

/// Answers a call.
pub async fn answer(service: &Service, request: Request<Incoming>) -> Response<Reply> {
    let (head, mut body) = request.into_parts();
    let signal = signal_of(head.uri.path());
    let outcome = take(service, &head.headers, signal.clone(), &mut body).await;
    let mut response = match outcome {
        Ok(taken) => {
            let message = reply::taken(&taken, signal.expect("what was taken has a signal"), Encoding::Protobuf);
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            Response::new(Reply::with_trailers(framed(&message), trailers))
        }
        Err(refusal) => {
            service.complaints.note(&refusal);
            // An answer without a message: the trailers are the head.
            let mut response = Response::new(Reply::default());
            *response.headers_mut() = status(&refusal);
            response
        }
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

async fn take(service: &Service, headers: &HeaderMap, signal: Result<Signal, Refusal>, body: &mut Incoming) -> Result<Taken, Refusal> {
    service.access.check(headers)?;
    let signal = signal?;
    let named = Compression::named(headers.get("grpc-encoding").map(HeaderValue::as_bytes))?;
    let limits = &service.limits;
    let mut share = service.budget.share();
    let mut bytes = body::read(body, limits.body + PREFIX, limits, &mut share, |so_far| check_prefix(so_far, limits)).await?;
    let compression = unframe(&mut bytes, named)?;
    service.take(Sent { signal, encoding: Encoding::Protobuf, compression, body: bytes }, share).await
}

fn signal_of(path: &str) -> Result<Signal, Refusal> {
    match path {
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Ok(Signal::Metrics),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Ok(Signal::Logs),
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Ok(Signal::Traces),
        other => {
            let shown: String = other.chars().take(80).collect();
            Err(Refusal::new(Kind::Unknown, format!("expected OTLP's Export of metrics, logs or traces, found `{shown}`")))
        }
    }
}

/// Refuses a message that says that it will be too large, before it comes.
fn check_prefix(so_far: &[u8], limits: &Limits) -> Result<(), Refusal> {
    match so_far.split_first_chunk::<PREFIX>() {
        Some(([_, length @ ..], _)) if u32::from_be_bytes(*length) as usize > limits.body => Err(too_large("message", limits.body)),
        Some(_) | None => Ok(()),
    }
}

/// Leaves the bytes of the one message, and says how they are compressed.
fn unframe(bytes: &mut Vec<u8>, named: Compression) -> Result<Compression, Refusal> {
    let malformed = |message: String| Refusal::new(Kind::Malformed, message);
    let Some(([flag, length @ ..], message)) = bytes.split_first_chunk::<PREFIX>() else {
        return Err(malformed(format!("expected a gRPC message, found {} bytes", bytes.len())));
    };
    let length = u32::from_be_bytes(*length) as usize;
    if message.len() != length {
        return Err(malformed(format!("expected one gRPC message of {length} bytes, found {}", message.len())));
    }
    let compression = match flag {
        0 => Compression::Identity,
        1 if named == Compression::Identity => {
            return Err(malformed("the message is flagged compressed, but grpc-encoding names nothing".to_owned()));
        }
        1 => named,
        flag => return Err(malformed(format!("expected the flag 0 or 1 before the gRPC message, found {flag}"))),
    };
    bytes.drain(..PREFIX);
    Ok(compression)
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("an answer is short");
    [&[0], &length.to_be_bytes()[..], message].concat()
}

fn status(refusal: &Refusal) -> HeaderMap {
    let text = |text: String| HeaderValue::try_from(text).expect("digits, base64 and percent-encoding are ASCII");
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", HeaderValue::from(refusal.kind.grpc()));
    headers.insert("grpc-message", text(percent_encoded(&refusal.message)));
    headers.insert("grpc-status-details-bin", text(STANDARD_NO_PAD.encode(reply::refused(refusal, Encoding::Protobuf))));
    if refusal.kind == Kind::Encoding {
        headers.insert("grpc-accept-encoding", HeaderValue::from_static("gzip,zstd,deflate,identity"));
    }
    headers
}

/// As gRPC wants it: everything but printable ASCII, and `%` itself.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if matches!(byte, b' '..=b'~') && byte != b'%' { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_whole_message_comes_out_of_its_frame() {
        let mut bytes = framed(b"tomato");
        assert_eq!(unframe(&mut bytes, Compression::Gzip), Ok(Compression::Identity));
        assert_eq!(bytes, b"tomato");
        let mut bytes = framed(b"tomato");
        bytes[0] = 1;
        assert_eq!(unframe(&mut bytes, Compression::Gzip), Ok(Compression::Gzip));
    }

    #[test]
    fn anything_else_is_malformed() {
        let whole = framed(b"tomato");
        let flagged = [&[1], &whole[1..]].concat();
        let odd = [&[2], &whole[1..]].concat();
        for mut bytes in [vec![], whole[..4].to_vec(), whole[..8].to_vec(), [whole.clone(), whole.clone()].concat(), flagged, odd] {
            let refusal = unframe(&mut bytes, Compression::Identity).unwrap_err();
            assert_eq!(refusal.kind, Kind::Malformed, "{bytes:?}");
        }
    }

    #[test]
    fn messages_are_ascii_on_the_wire() {
        assert_eq!(percent_encoded("100 % größer\n"), "100 %25 gr%C3%B6%C3%9Fer%0A");
    }
}
