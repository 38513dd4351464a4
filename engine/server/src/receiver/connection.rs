//! Accepts connections, as many as there may be, and sees them to their end.

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::guarded::Guarded;
use super::service::Service;

/// The wait after the system refused to accept (no file descriptor left, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often an HTTP/2 client is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// The largest head of a request, in bytes.
const HEAD_BYTES: usize = 16 << 10;

/// Accepts until told to stop; then lets what has begun end.
pub async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, service: Arc<Service>, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            // Beyond the bound, connections wait in the system's queue: heads that do not come make room soon.
            let slot = Arc::clone(&service.slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            () = stopped(&mut stopping) => break,
            next = next => next,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                let (tls, service, stopping) = (tls.clone(), Arc::clone(&service), stopping.clone());
                connections.spawn(async move {
                    serve(stream, tls, service, stopping).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!("cannot accept an OTLP connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    // What takes longer is cut off as the set is dropped; its client sends again.
    let _ = timeout(service.limits.drain, async { while connections.join_next().await.is_some() {} }).await;
}

async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, service: Arc<Service>, stopping: watch::Receiver<bool>) {
    // Small answers go out at once; where that cannot be set, they go out later.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return speak(stream, service, stopping).await };
    match timeout(service.limits.head, tls.accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, service, stopping).await,
        Ok(Err(error)) => tracing::debug!("OTLP: no TLS: {error}"),
        Err(_) => tracing::debug!("OTLP: no TLS in time"),
    }
}

async fn speak<S>(stream: S, service: Arc<Service>, mut stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = service.limits;
    let opened = tokio::select! {
        () = stopped(&mut stopping) => return,
        opened = timeout(limits.head, Guarded::open(stream, limits.write)) => opened,
    };
    let Ok(Ok((stream, is_http2))) = opened else { return };
    let stream = TokioIo::new(stream);
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, std::convert::Infallible>(service.answer(request).await) }
    });
    let ended = if is_http2 {
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(HEAD_BYTES as u32)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .serve_connection(stream, answer);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopped(&mut stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    } else {
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(HEAD_BYTES * 4)
            .serve_connection(stream, answer);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopped(&mut stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!("OTLP: a connection ended: {error}");
    }
}

/// Waits until the receiver stops, or is dropped.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}
