//! Every bound of the receiver, with its reason.

use std::time::Duration;

/// Bounds. The defaults are those of docs/otlp.md.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest body, in bytes, before and after decompression: what the OTLP specification recommends.
    pub body: usize,
    /// All bodies that are being read or wait to be kept, in bytes, as sent and decompressed. Beyond it: try again later.
    pub memory: usize,
    /// Connections at a time; more wait until one ends. Below the usual bound of open files (1,024).
    pub connections: usize,
    /// Requests at a time on one HTTP/2 connection: no fewer than the 100 that clients begin with before they know.
    pub streams: u32,
    /// How long a TLS handshake, a request's head, or the pause between two requests of HTTP/1.1 may take.
    pub head: Duration,
    /// How long a body may pause …
    pub pause: Duration,
    /// … and take altogether; the exporters' own patience is 10 s (SDKs) or 30 s (Collector).
    pub whole: Duration,
    /// How long a client may leave an answer unread.
    pub write: Duration,
    /// How long a stopping receiver waits for what has begun.
    pub drain: Duration,
    /// What a client that is refused for now is told to wait.
    pub retry_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: 64 << 20,
            memory: 256 << 20,
            connections: 512,
            streams: 128,
            head: Duration::from_secs(15),
            pause: Duration::from_secs(10),
            whole: Duration::from_secs(30),
            write: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            retry_after: Duration::from_secs(2),
        }
    }
}
