//! A server that fails as it is told: for faults that a real one cannot produce on demand.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What the double does with one request.
#[derive(Clone)]
pub enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends these bytes and no more, but keeps the connection.
    Stall(Vec<u8>),
}

/// A whole answer, after which the connection is closed. `headers`: each with its line end.
pub fn http(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Bytes(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}").into_bytes())
}

/// 200 with JSON.
pub fn ok(body: &str) -> Reply {
    http("200 OK", "content-type: application/json\r\n", body)
}

/// A request as it came.
pub struct Asked {
    /// Up to the query string.
    pub path: String,
    /// The form's fields.
    pub fields: Vec<(String, String)>,
    /// All of it.
    pub text: String,
}

impl Asked {
    /// A form field's value; empty where there is none.
    pub fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }
}

/// An HTTP server on loopback that does what it is told. Ends with its runtime.
pub struct Double {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
    /// The last request as it came.
    pub last: Arc<Mutex<String>>,
    listening: AbortHandle,
}

impl Double {
    /// `reply` is given the number of the request, from 1.
    ///
    /// # Panics
    /// Loopback has no free port.
    pub async fn start(reply: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Double {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (asked, last): (Arc<AtomicUsize>, Arc<Mutex<String>>) = Default::default();
        let (counted, latest, reply) = (asked.clone(), last.clone(), Arc::new(reply));
        let serving = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (asked, last, reply) = (counted.clone(), latest.clone(), reply.clone());
                tokio::spawn(async move {
                    let mut stream = stream;
                    let Some(request) = read(&mut stream).await else { return };
                    last.lock().expect("nobody panics with the lock").clone_from(&request.text);
                    let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
                    match reply(number, &request) {
                        Reply::Bytes(bytes) => {
                            let _ = stream.write_all(&bytes).await;
                            let _ = stream.shutdown().await;
                            // Whoever closes with unread bytes resets, and the answer may be lost.
                            let _ = stream.read(&mut [0; 64]).await;
                        }
                        Reply::Stall(bytes) => {
                            let _ = stream.write_all(&bytes).await;
                            // Until the client goes.
                            let _ = stream.read(&mut [0; 64]).await;
                        }
                    }
                });
            }
        };
        Double { address, asked, last, listening: tokio::spawn(serving).abort_handle() }
    }

    /// From now on nobody listens there.
    pub fn stop(&self) {
        self.listening.abort();
    }

    /// The same reply to everything.
    pub async fn always(reply: Reply) -> Double {
        Self::start(move |_, _| reply.clone()).await
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
        }
        if bytes.starts_with(&[0x16, 3]) {
            // The greeting of TLS: nothing that a plain server understands, so it is answered at once.
            return Some(Asked { path: String::new(), fields: Vec::new(), text: String::new() });
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let lower = head.to_ascii_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        let path = head.split([' ', '?']).nth(1)?.to_owned();
        let form = reqwest::Url::parse(&format!("http://form/?{body}")).ok()?;
        let fields = form.query_pairs().into_owned().collect();
        return Some(Asked { path, fields, text });
    }
}
