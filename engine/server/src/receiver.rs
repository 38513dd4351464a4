//! Receives OTLP: gRPC and HTTP on every address that it listens on, told apart by the request.
//!
//! `connection` minds sockets, `service` answers requests (`http`, `grpc`), `body` and `decompress` read what was sent within the
//! bounds of `limits` and `budget`, `intake` keeps it. Everything that is refused is a `refusal` with its reason.

mod access;
mod body;
mod budget;
mod complaints;
mod connection;
mod decompress;
mod elements;
mod grpc;
mod guarded;
mod http;
mod intake;
mod limits;
mod refusal;
mod reply;
mod service;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use davy_sources::prometheus::SecretSource;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use intake::{Intake, Taken};
pub use limits::Limits;
pub use refusal::{Kind, Refusal};

use access::Access;
use service::Service;

/// Where and how to listen.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses; each speaks gRPC and HTTP. Port 0 is a port of the system's choice.
    pub addresses: Vec<SocketAddr>,
    /// Certificate and key (PEM). Required beyond loopback.
    pub tls: Option<TlsFiles>,
    /// The bearer token that every request must bring, read again for each. Required beyond loopback.
    pub token: Option<SecretSource>,
    /// Bounds.
    pub limits: Limits,
}

/// PEM files of a TLS server.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, and those that signed it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why the receiver does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else could send, or read what is sent.
    #[error("expected {missing} to listen on {address}, which other machines can reach; give {flags}, or listen on 127.0.0.1")]
    Open {
        /// Where.
        address: SocketAddr,
        /// What is not given.
        missing: &'static str,
        /// The flags that give it.
        flags: &'static str,
    },
    /// The system says no.
    #[error("cannot listen on {address}: {error}; if another collector listens there, stop it or choose another address")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The certificate, the key or the token cannot be used.
    #[error("{0}")]
    Secret(String),
}

/// A running receiver. Dropped without [`Receiver::stop`], it closes its connections at once.
pub struct Receiver {
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Receiver {
    /// Binds every address and begins to answer.
    ///
    /// # Errors
    /// An address is taken or open without protection, or a file cannot be used. Nothing listens then.
    pub async fn start(config: Config, intake: Intake) -> Result<Receiver, StartError> {
        let protection = config.tls.as_ref().map(tls::acceptor).transpose()?;
        for address in config.addresses.iter().filter(|address| !address.ip().is_loopback()) {
            let open = |missing, flags| StartError::Open { address: *address, missing, flags };
            if protection.is_none() {
                return Err(open("TLS", "--otlp-cert and --otlp-key"));
            }
            if config.token.is_none() {
                return Err(open("a bearer token", "--otlp-token-file or DAVY_OTLP_TOKEN"));
            }
        }
        let access = Access::new(config.token).map_err(StartError::Secret)?;
        let mut listeners = Vec::new();
        for address in config.addresses {
            listeners.push(TcpListener::bind(address).await.map_err(|error| StartError::Bind { address, error })?);
        }
        let addresses = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let service = Arc::new(Service::new(config.limits, access, intake));
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for listener in listeners {
            tasks.spawn(connection::accept(listener, protection.clone(), Arc::clone(&service), stopping.clone()));
        }
        Ok(Receiver { addresses, stop, tasks })
    }

    /// Where it listens, in the order of the configuration, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no new connection, answers what has begun (for some seconds at most), and ends.
    pub async fn stop(mut self) {
        // Fails only where nobody listens any more.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}
