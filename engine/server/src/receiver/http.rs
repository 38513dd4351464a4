//! OTLP over HTTP: `POST /v1/metrics`, `/v1/logs`, `/v1/traces`, protobuf or JSON. An answer has the encoding of its request.

use davy_sources::otlp::{Encoding, Signal};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};

use super::body;
use super::decompress::Compression;
use super::intake::Taken;
use super::refusal::{Kind, Refusal};
use super::reply::{self, Reply};
use super::service::{Sent, Service};

/// Answers a request.
pub async fn answer(service: &Service, request: Request<Incoming>) -> Response<Reply> {
    let (head, mut body) = request.into_parts();
    let encoding = encoding_of(&head.headers);
    // Without a content type that is known, whoever reads the answer is a person rather than an exporter.
    let language = encoding.clone().unwrap_or(Encoding::Json);
    let signal = signal_of(head.uri.path());
    let outcome = take(service, &head.method, &head.headers, signal.clone(), encoding, &mut body).await;
    match outcome {
        Ok(taken) => {
            let signal = signal.expect("what was taken has a signal");
            respond(StatusCode::OK, language, reply::taken(&taken, signal, language), [])
        }
        Err(refusal) => {
            service.complaints.note(&refusal);
            // Whoever waits for `100 Continue` has sent nothing yet.
            if refusal.kind != Kind::TooSlow && !body.is_end_stream() && !head.headers.contains_key(EXPECT) {
                body::discard(&mut body, &service.limits).await;
            }
            let more = match refusal.kind {
                Kind::Token => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
                Kind::Method => Some((ALLOW, HeaderValue::from_static("POST"))),
                kind => kind.retry_after().map(|wait| (RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)))),
            };
            respond(refusal.kind.http(), language, reply::refused(&refusal, language), more)
        }
    }
}

async fn take(
    service: &Service,
    method: &Method,
    headers: &HeaderMap,
    signal: Result<Signal, Refusal>,
    encoding: Result<Encoding, Refusal>,
    body: &mut Incoming,
) -> Result<Taken, Refusal> {
    service.access.check(headers)?;
    let signal = signal?;
    if method != Method::POST {
        return Err(Refusal::new(Kind::Method, format!("expected POST, found {method}")));
    }
    let encoding = encoding?;
    let compression = compression_of(headers)?;
    let mut share = service.budget.share();
    let body = body::read(body, service.limits.body, &service.limits, &mut share, |_| Ok(())).await?;
    service.take(Sent { signal, encoding, compression, body }, share).await
}

fn signal_of(path: &str) -> Result<Signal, Refusal> {
    match path {
        "/v1/metrics" => Ok(Signal::Metrics),
        "/v1/logs" => Ok(Signal::Logs),
        "/v1/traces" => Ok(Signal::Traces),
        other => {
            let shown: String = other.chars().take(80).collect();
            let message = format!(
                "expected /v1/metrics, /v1/logs or /v1/traces, found `{shown}`; where an exporter wants an endpoint for one signal, give it with that path"
            );
            Err(Refusal::new(Kind::Unknown, message))
        }
    }
}

fn encoding_of(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let kind = headers.get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase());
    let essence = kind.as_deref().map(|kind| kind.split(';').next().unwrap_or_default().trim());
    match essence {
        Some("application/x-protobuf" | "application/protobuf") => Ok(Encoding::Protobuf),
        Some("application/json") => Ok(Encoding::Json),
        other => {
            let shown: String = other.unwrap_or("none").chars().take(80).collect();
            let message = format!("expected content-type application/x-protobuf or application/json, found `{shown}`");
            Err(Refusal::new(Kind::Type, message))
        }
    }
}

fn compression_of(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let mut names = headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes);
    let first = Compression::named(names.next())?;
    match names.next() {
        None => Ok(first),
        Some(_) => Err(Refusal::new(Kind::Encoding, "expected one content-encoding, found several")),
    }
}

fn respond(
    status: StatusCode,
    language: Encoding,
    body: Vec<u8>,
    more: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
) -> Response<Reply> {
    let mut response = Response::new(Reply::new(body));
    *response.status_mut() = status;
    let kind = match language {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().extend(more);
    response
}
