//! What a user may set about a Prometheus server. Parsed here, once; nobody re-checks it.

use std::path::PathBuf;
use std::time::Duration;

use super::secret::{Secret, SecretSource};

/// How the client proves who it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// It does not (or the URL holds `user:password@`).
    #[default]
    None,
    /// User and password.
    Basic {
        /// The user's name.
        user: String,
        /// The password.
        password: SecretSource,
    },
    /// A token.
    Bearer(SecretSource),
}

/// Where the server is and how to speak with it. Make one with [`PrometheusConfig::new`] and set what differs.
#[derive(Debug, Clone)]
pub struct PrometheusConfig {
    /// Scheme, host, port, and a path before `/api/v1` where there is one (`https://mimir:8080/prometheus`). May hold
    /// `user:password@` and a query string; neither is ever printed.
    pub url: Secret,
    /// Credentials.
    pub auth: Auth,
    /// More headers for every request (`X-Scope-OrgID`).
    pub headers: Vec<(String, Secret)>,
    /// PEM file of the authorities to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM files: certificate chain and private key.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// How long one attempt may take; a query with its retries may take three times as long.
    pub query_timeout: Duration,
    /// The most bytes that one answer may have, after decompression.
    pub max_body: u64,
    /// How many requests may be under way at once; at least 1.
    pub concurrency: usize,
    /// How often a query is tried; at least 1.
    pub attempts: u32,
}

impl PrometheusConfig {
    /// The defaults: no credentials, 10 s, 64 MiB, 4 requests at once, 4 attempts.
    pub fn new(url: impl Into<String>) -> Self {
        PrometheusConfig {
            url: Secret::new(url),
            auth: Auth::None,
            headers: Vec::new(),
            ca_file: None,
            client_cert: None,
            query_timeout: Duration::from_secs(10),
            max_body: 64 << 20,
            concurrency: 4,
            attempts: 4,
        }
    }
}
