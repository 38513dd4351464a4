//! What is answered to whom.

use std::io::Write;

use davy_server::receiver::Limits;
use davy_sources::otlp::{Encoding, Signal};
use serde_json::{Value, json};

use crate::wire::{JSON, PROTOBUF, exchange, post, remembering, request};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[tokio::test]
async fn every_signal_in_every_encoding_and_compression_arrives_as_it_was() {
    let (receiver, passed) = remembering(Limits::default()).await;
    let address = receiver.addresses()[0];
    let body = b"a body of some length ".repeat(5_000);
    let paths = [("/v1/metrics", Signal::Metrics), ("/v1/logs", Signal::Logs), ("/v1/traces", Signal::Traces)];
    let compressed =
        [("identity", body.clone()), ("gzip", gzip(&body)), ("deflate", zlib(&body)), ("zstd", zstd::encode_all(&body[..], 3).unwrap())];
    for (path, signal) in paths {
        for (kind, encoding, empty) in [(PROTOBUF, Encoding::Protobuf, &b""[..]), (JSON, Encoding::Json, &b"{}"[..])] {
            for (name, sent) in &compressed {
                let answer = post(address, path, &[kind, ("content-encoding", name)], sent).await;
                assert_eq!((answer.status, &answer.body[..]), (200, empty), "{path} {name}");
                assert_eq!(answer.header("content-type"), Some(kind.1));
                let last = passed.lock().unwrap().pop().unwrap();
                assert!(last == (signal, encoding, body.clone()), "{path} {name}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_taken_in_part_says_how_much_and_why() {
    let (receiver, _) = remembering(Limits::default()).await;
    let address = receiver.addresses()[0];
    for (path, field) in [("/v1/metrics", "rejectedDataPoints"), ("/v1/logs", "rejectedLogRecords"), ("/v1/traces", "rejectedSpans")] {
        let answer = post(address, path, &[JSON], b"partly").await;
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, said), (200, json!({"partialSuccess": {field: "3", "errorMessage": "ignored: no arm matches"}})));
        let answer = post(address, path, &[PROTOBUF], b"partly").await;
        // Field 1: a message of 27 bytes, of which field 1 is 3 and field 2 the text.
        assert_eq!(answer.body, [&[0x0a, 27, 0x08, 3, 0x12, 23][..], b"ignored: no arm matches"].concat());
    }
}

#[tokio::test]
async fn every_refusal_says_what_was_expected_in_the_encoding_of_the_request() {
    let (receiver, _) = remembering(Limits { body: 1_000, ..Limits::default() }).await;
    let address = receiver.addresses()[0];
    let zeros = vec![0; 1_001];
    let squeezed = gzip(&zeros);
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], u16, i32, &'a str);
    let cases: [Case<'_>; 8] = [
        ("/v1/profiles", &[], b"", 404, 12, "expected /v1/metrics"),
        ("/v1/metrics", &[("content-encoding", "snappy")], b"", 415, 12, "found `snappy`"),
        ("/v1/metrics", &[("content-encoding", "gzip, gzip")], b"", 415, 12, "found `gzip, gzip`"),
        ("/v1/metrics", &[("content-encoding", "gzip"), ("content-encoding", "gzip")], b"", 415, 12, "found several"),
        ("/v1/metrics", &[], b"malformed", 400, 3, "expected OTLP"),
        ("/v1/metrics", &[("content-encoding", "gzip")], b"malformed", 400, 3, "expected a body compressed by gzip"),
        ("/v1/metrics", &[], &zeros, 413, 8, "at most 1000 bytes"),
        ("/v1/metrics", &[("content-encoding", "gzip")], &squeezed, 413, 8, "decompressed"),
    ];
    for (path, headers, body, status, code, words) in cases {
        let answer = post(address, path, &[&[JSON], headers].concat(), body).await;
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, said["code"].as_i64()), (status, Some(i64::from(code))), "{path} {headers:?}: {said}");
        assert!(said["message"].as_str().unwrap().contains(words), "{said}");
        assert_eq!(said["details"], json!([]), "not to be sent again");
        let answer = post(address, path, &[&[PROTOBUF], headers].concat(), body).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, Some(PROTOBUF.1)));
        assert_eq!(answer.body[..3], [0x08, code as u8, 0x12], "{path} {headers:?}");
        assert!(String::from_utf8_lossy(&answer.body).contains(words));
    }
    for headers in [&[("content-type", "text/plain")][..], &[]] {
        let answer = post(address, "/v1/metrics", headers, b"").await;
        assert_eq!((answer.status, answer.header("content-type")), (415, Some(JSON.1)));
    }
}

#[tokio::test]
async fn only_post_is_answered_and_a_body_in_pieces_is_bounded_too() {
    let (receiver, passed) = remembering(Limits { body: 1_000, ..Limits::default() }).await;
    let address = receiver.addresses()[0];
    let stream = || async { tokio::net::TcpStream::connect(address).await.unwrap() };
    let answer = exchange(stream().await, b"GET /v1/metrics HTTP/1.1\r\nhost: davy\r\nconnection: close\r\n\r\n").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    let chunked = |body: &[u8]| {
        let head = "POST /v1/metrics HTTP/1.1\r\nhost: davy\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut sent = head.as_bytes().to_vec();
        for piece in body.chunks(400) {
            sent.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            sent.extend_from_slice(piece);
            sent.extend_from_slice(b"\r\n");
        }
        sent.extend_from_slice(b"0\r\n\r\n");
        sent
    };
    let body = vec![b'x'; 1_000];
    assert_eq!(exchange(stream().await, &chunked(&body)).await.status, 200);
    assert!(passed.lock().unwrap().pop().unwrap().2 == body);
    assert_eq!(exchange(stream().await, &chunked(&[&body[..], b"x"].concat())).await.status, 413);
    assert!(passed.lock().unwrap().is_empty());
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_turn() {
    let (receiver, passed) = remembering(Limits::default()).await;
    let one = String::from_utf8(request("/v1/metrics", &[JSON], b"one")).unwrap().replace("connection: close\r\n", "");
    let last = request("/v1/metrics", &[JSON], b"two");
    let stream = tokio::net::TcpStream::connect(receiver.addresses()[0]).await.unwrap();
    let answer = exchange(stream, &[one.as_bytes(), &last].concat()).await;
    assert_eq!(String::from_utf8_lossy(&answer.body).matches("200 OK").count(), 1, "the second answer follows the first");
    let bodies: Vec<Vec<u8>> = passed.lock().unwrap().iter().map(|(_, _, body)| body.clone()).collect();
    assert_eq!(bodies, [b"one".to_vec(), b"two".to_vec()]);
}
