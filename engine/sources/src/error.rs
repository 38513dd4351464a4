//! What can go wrong with a source: where, and what kind.

use std::time::Duration;

/// A source could not answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{place}: {kind}")]
pub struct SourceError {
    /// Which source, named without credentials and without a full URL ("prometheus at host:9090").
    pub place: String,
    /// What happened.
    pub kind: SourceErrorKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SourceErrorKind {
    /// No connection: refused, no such name, no route.
    #[error("cannot connect ({0}); check the address and that the server is up")]
    Connect(String),
    /// The TLS handshake failed.
    #[error("TLS handshake failed ({0}); check the CA file and that the address speaks https")]
    Tls(String),
    /// No answer in time.
    #[error("no answer within {0:?}; ask for less, or raise --query-timeout")]
    Timeout(Duration),
    /// 401 or 403.
    #[error("the server refused the credentials (HTTP {status}); {hint}")]
    Auth {
        /// The HTTP status.
        status: u16,
        /// What to check.
        hint: String,
    },
    /// 429 or 503, still so after the last attempt.
    #[error("the server is overloaded (HTTP {status}), also after {attempts} attempts; try later, or ask for less")]
    Overloaded {
        /// The HTTP status.
        status: u16,
        /// How often it was asked.
        attempts: u32,
        /// What the server asked us to wait.
        retry_after: Option<Duration>,
    },
    /// The server says that the query is wrong (400, 422), in its own words.
    #[error("the server rejected the query {query}: {message}")]
    Query {
        /// The query as sent.
        query: String,
        /// The server's words.
        message: String,
    },
    /// Another status.
    #[error("unexpected HTTP status {status}: {message}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The first words of the body.
        message: String,
    },
    /// The body is not what the API promises.
    #[error("expected {expected}, found {found}")]
    Malformed {
        /// What the API promises.
        expected: String,
        /// What came (the first words of it).
        found: String,
    },
    /// The body was cut off.
    #[error("the answer was cut off after {0} bytes; check the proxy in between and the server's log, or ask for less")]
    Truncated(u64),
    /// The body is larger than allowed.
    #[error("the answer is larger than {limit} bytes; narrow the metric with `where`, or raise --max-body")]
    TooLarge {
        /// The bound.
        limit: u64,
    },
    /// A file cannot be read or does not hold what it should.
    #[error("{0}")]
    File(String),
}

impl SourceErrorKind {
    /// One word for each kind, as it stands in metrics: an API.
    pub fn name(&self) -> &'static str {
        match self {
            SourceErrorKind::Connect(_) => "connect",
            SourceErrorKind::Tls(_) => "tls",
            SourceErrorKind::Timeout(_) => "timeout",
            SourceErrorKind::Auth { .. } => "auth",
            SourceErrorKind::Overloaded { .. } => "overloaded",
            SourceErrorKind::Query { .. } => "query",
            SourceErrorKind::Status { .. } => "status",
            SourceErrorKind::Malformed { .. } => "malformed",
            SourceErrorKind::Truncated(_) => "truncated",
            SourceErrorKind::TooLarge { .. } => "too_large",
            SourceErrorKind::File(_) => "file",
        }
    }

    /// Whether asking again soon may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            SourceErrorKind::Connect(_)
            | SourceErrorKind::Timeout(_)
            | SourceErrorKind::Truncated(_)
            | SourceErrorKind::Overloaded { .. } => true,
            SourceErrorKind::Status { status, .. } => matches!(status, 500 | 502 | 504),
            SourceErrorKind::Tls(_)
            | SourceErrorKind::Auth { .. }
            | SourceErrorKind::Query { .. }
            | SourceErrorKind::Malformed { .. }
            | SourceErrorKind::TooLarge { .. }
            | SourceErrorKind::File(_) => false,
        }
    }
}
