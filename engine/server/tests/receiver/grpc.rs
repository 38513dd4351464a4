//! gRPC as it is on the wire. Real clients speak it in `tests/tests/otlp_clients.rs`.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use davy_server::receiver::{Intake, Kind, Limits, Refusal};
use davy_sources::otlp::{Encoding, Signal};
use http_body_util::{BodyExt, Full};
use hyper::header::HeaderMap;
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::wire::{receiver, remembering};

const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// The body, and the trailers (or the head, where there is no body).
async fn call(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (Vec<u8>, HeaderMap) {
    let stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut request = Request::post(format!("http://davy{path}")).version(Version::HTTP_2).header("content-type", "application/grpc");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.send_request(request.body(Full::new(Bytes::from(body))).expect("a request")).await.expect("an answer");
    assert_eq!(response.status(), 200, "gRPC says everything in its own status");
    let head = response.headers().clone();
    let collected = response.into_body().collect().await.expect("a body");
    let trailers = collected.trailers().cloned().unwrap_or(head);
    (collected.to_bytes().to_vec(), trailers)
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    [&[flag], &u32::try_from(message.len()).expect("short").to_be_bytes()[..], message].concat()
}

fn text<'a>(trailers: &'a HeaderMap, name: &str) -> &'a str {
    trailers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn every_signal_arrives_and_is_answered() {
    let (receiver, passed) = remembering(Limits::default()).await;
    let address = receiver.addresses()[0];
    let paths = [
        (METRICS, Signal::Metrics),
        ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", Signal::Logs),
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", Signal::Traces),
    ];
    for (path, signal) in paths {
        let (body, trailers) = call(address, path, &[], framed(0, b"whole")).await;
        assert_eq!((text(&trailers, "grpc-status"), body), ("0", framed(0, b"")));
        let zstd = framed(1, &zstd::encode_all(&b"partly"[..], 3).unwrap());
        let (body, trailers) = call(address, path, &[("grpc-encoding", "zstd")], zstd).await;
        assert_eq!(text(&trailers, "grpc-status"), "0");
        assert_eq!(body, framed(0, &[&[0x0a, 27, 0x08, 3, 0x12, 23][..], b"ignored: no arm matches"].concat()));
        let passed: Vec<_> = std::mem::take(&mut *passed.lock().unwrap());
        assert_eq!(passed, [(signal, Encoding::Protobuf, b"whole".to_vec()), (signal, Encoding::Protobuf, b"partly".to_vec())]);
    }
}

#[tokio::test]
async fn every_refusal_has_its_code_and_words() {
    let (receiver, passed) = remembering(Limits { body: 1_000, ..Limits::default() }).await;
    let address = receiver.addresses()[0];
    let zeros = zstd::encode_all(&[0; 1_001][..], 3).unwrap();
    // It says that it will be too large, and is not sent.
    let announced = [&[0][..], &50_000_000_u32.to_be_bytes()].concat();
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<u8>, &'a str, &'a str);
    let cases: [Case<'_>; 8] = [
        ("/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export", &[], framed(0, b""), "12", "expected OTLP's Export"),
        (METRICS, &[("grpc-encoding", "snappy")], framed(1, b"x"), "12", "found `snappy`"),
        (METRICS, &[], framed(1, b"x"), "3", "grpc-encoding names nothing"),
        (METRICS, &[], b"x".to_vec(), "3", "expected a gRPC message"),
        (METRICS, &[], framed(0, b"malformed"), "3", "expected OTLP"),
        (METRICS, &[], framed(0, &[0; 1_001]), "8", "at most 1000 bytes"),
        (METRICS, &[("grpc-encoding", "zstd")], framed(1, &zeros), "8", "decompressed"),
        (METRICS, &[], announced, "8", "message of at most"),
    ];
    for (path, headers, body, code, words) in cases {
        let (body, trailers) = call(address, path, headers, body).await;
        assert_eq!((text(&trailers, "grpc-status"), body.len()), (code, 0), "{trailers:?}");
        assert!(text(&trailers, "grpc-message").contains(words), "{trailers:?}");
        let details = STANDARD_NO_PAD.decode(text(&trailers, "grpc-status-details-bin")).unwrap();
        assert_eq!(details[..2], [0x08, code.parse::<u8>().unwrap()]);
        assert!(!String::from_utf8_lossy(&details).contains("RetryInfo"), "not to be sent again");
    }
    let passed = passed.lock().unwrap();
    assert_eq!(passed.len(), 1, "only what the intake itself refused came so far: {passed:?}");
}

#[tokio::test]
async fn what_cannot_be_kept_now_is_unavailable_with_the_wait() {
    let full: Intake = Box::new(|_, _, _| Err(Refusal::new(Kind::Unavailable(std::time::Duration::from_millis(1_500)), "disk full")));
    let receiver = receiver(Limits::default(), full).await;
    let (_, trailers) = call(receiver.addresses()[0], METRICS, &[], framed(0, b"x")).await;
    assert_eq!((text(&trailers, "grpc-status"), text(&trailers, "grpc-message")), ("14", "disk full"));
    let details = STANDARD_NO_PAD.decode(text(&trailers, "grpc-status-details-bin")).unwrap();
    let said = String::from_utf8_lossy(&details);
    assert!(said.contains("type.googleapis.com/google.rpc.RetryInfo"), "{said}");
    // RetryInfo { retry_delay: { seconds: 1, nanos: 500,000,000 } }
    assert!(details.ends_with(&[0x0a, 0x08, 0x08, 1, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]), "{details:x?}");
}

#[tokio::test]
async fn many_calls_at_once_on_one_connection_are_all_answered() {
    let (receiver, passed) = remembering(Limits::default()).await;
    let address = receiver.addresses()[0];
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let client = Arc::new(client);
    let calls = (0..200_u8).map(|number| {
        let mut client = (*client).clone();
        tokio::spawn(async move {
            let request = Request::post(format!("http://davy{METRICS}")).header("content-type", "application/grpc");
            let response = client.send_request(request.body(Full::new(Bytes::from(framed(0, &[number; 10_000])))).unwrap()).await.unwrap();
            let trailers = response.into_body().collect().await.unwrap().trailers().cloned().unwrap();
            assert_eq!(text(&trailers, "grpc-status"), "0");
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let mut numbers: Vec<u8> = passed.lock().unwrap().iter().map(|(_, _, body)| body[0]).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<u8>>());
}
