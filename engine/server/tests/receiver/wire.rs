//! A receiver that remembers, and clients that write what they like.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use davy_server::receiver::{Config, Intake, Kind, Limits, Receiver, Refusal, Taken};
use davy_sources::otlp::{Encoding, Signal};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// What the receiver passed on.
pub type Passed = Arc<Mutex<Vec<(Signal, Encoding, Vec<u8>)>>>;

/// Loopback, port of the system's choice.
pub fn here() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A receiver on loopback.
pub async fn receiver(limits: Limits, intake: Intake) -> Receiver {
    let config = Config { addresses: vec![here()], tls: None, token: None, limits };
    Receiver::start(config, intake).await.expect("loopback needs nothing")
}

/// A receiver that takes everything, save bodies that say how they want to be answered.
pub async fn remembering(limits: Limits) -> (Receiver, Passed) {
    let passed = Passed::default();
    let into = Arc::clone(&passed);
    let intake: Intake = Box::new(move |signal, encoding, body| {
        into.lock().expect("nobody panics").push((signal, encoding, body.clone()));
        match &body[..] {
            b"partly" => Ok(Taken { rejected: 3, message: "ignored: no arm matches".to_owned() }),
            b"malformed" => Err(Refusal::new(Kind::Malformed, "expected OTLP, found `malformed`")),
            _ => Ok(Taken::default()),
        }
    });
    (receiver(limits, intake).await, passed)
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }
}

/// A request to be written.
pub fn request(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: davy\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

pub const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
pub const JSON: (&str, &str) = ("content-type", "application/json");

/// Writes a request, reads the answer.
pub async fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let stream = TcpStream::connect(address).await.expect("it listens");
    exchange(stream, &request(path, headers, body)).await
}

/// Writes bytes, reads until the other side closes.
pub async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, sent: &[u8]) -> Answer {
    // Whoever is refused early may not get everything written.
    let _ = stream.write_all(sent).await;
    answer(&mut stream).await
}

/// Reads until the other side closes.
pub async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> Answer {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("expected an answer, found {:?}", String::from_utf8_lossy(&bytes)));
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}
