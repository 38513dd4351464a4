//! A stream that was looked into, and that a client cannot leave unread for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream with the bytes that were read from it already.
pub struct Guarded<S> {
    stream: S,
    seen: Vec<u8>,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    /// Reads as far as it takes to tell HTTP/2 (true) from HTTP/1.1. Writes fail once they make no progress for `patience`.
    ///
    /// # Errors
    /// The stream's own.
    pub async fn open(mut stream: S, patience: Duration) -> io::Result<(Self, bool)> {
        let mut seen = Vec::with_capacity(PREFACE.len());
        while seen.len() < PREFACE.len() && PREFACE.starts_with(&seen) {
            let missing = (PREFACE.len() - seen.len()) as u64;
            if (&mut stream).take(missing).read_buf(&mut seen).await? == 0 {
                break;
            }
        }
        let is_http2 = seen == PREFACE;
        Ok((Guarded { stream, seen, patience, stalled: None }, is_http2))
    }
}

impl<S> Guarded<S> {
    fn minding<T>(&mut self, context: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stalled = None;
            return progress;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        stalled.as_mut().poll(context).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.seen.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let count = self.seen.len().min(buffer.remaining());
        buffer.put_slice(&self.seen[..count]);
        self.seen.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.minding(context, progress)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.minding(context, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.minding(context, progress)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn opened(first: &[u8]) -> (Vec<u8>, bool) {
        let (mut client, server) = tokio::io::duplex(1024);
        client.write_all(first).await.unwrap();
        drop(client);
        let (mut guarded, is_http2) = Guarded::open(server, Duration::from_secs(1)).await.unwrap();
        let mut all = Vec::new();
        guarded.read_to_end(&mut all).await.unwrap();
        (all, is_http2)
    }

    #[tokio::test]
    async fn nothing_of_what_was_looked_at_is_lost() {
        let preface_and_more = [PREFACE, b"frames"].concat();
        for (first, http2) in [(&preface_and_more[..], true), (b"POST /v1/metrics HTTP/1.1\r\n", false), (b"PRI", false), (b"", false)] {
            assert_eq!(opened(first).await, (first.to_vec(), http2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let (client, server) = tokio::io::duplex(16);
        let mut guarded = Guarded { stream: server, seen: Vec::new(), patience: Duration::from_secs(10), stalled: None };
        let error = guarded.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }
}
