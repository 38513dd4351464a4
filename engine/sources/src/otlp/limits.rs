//! How much the store keeps.

/// Bounds of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Points older than this before the newest are dropped, ms; none: no point is too old.
    pub retention_ms: Option<i64>,
    /// How late a log record or span may come and still be told from a retry, ms; later ones are rejected. None: always.
    pub grace_ms: Option<i64>,
    /// How far a point's time may lie ahead of the receiver's clock, ms; asked only where the clock is known.
    pub ahead_ms: i64,
    /// The most series.
    pub max_series: usize,
    /// About the most bytes. Beyond it the oldest points are dropped, those of the last [`Limits::KEPT_MS`] never.
    pub max_bytes: usize,
    /// Attributes of log records that tell series apart; all others would make a series of each record.
    pub log_attributes: Vec<String>,
    /// The same of spans.
    pub span_attributes: Vec<String>,
}

impl Limits {
    /// What memory alone never costs, ms: an analysis under way.
    pub const KEPT_MS: i64 = 10 * 60_000;

    /// For a receiver: a day of history as far as it fits into 512 MiB.
    pub fn live() -> Self {
        Limits {
            retention_ms: Some(24 * 3_600_000),
            grace_ms: Some(5 * 60_000),
            ahead_ms: 5 * 60_000,
            max_series: 100_000,
            max_bytes: 512 << 20,
            log_attributes: LOG_ATTRIBUTES.map(str::to_owned).to_vec(),
            span_attributes: SPAN_ATTRIBUTES.map(str::to_owned).to_vec(),
        }
    }

    /// For files: everything that is in them, up to 4 GiB.
    pub fn offline() -> Self {
        Limits { retention_ms: None, grace_ms: None, max_series: 1_000_000, max_bytes: 4 << 30, ..Limits::live() }
    }
}

/// Of few values each, by the semantic conventions.
const LOG_ATTRIBUTES: [&str; 9] = [
    "event.name",
    "error.type",
    "exception.type",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "rpc.method",
    "rpc.service",
    "log.iostream",
];

/// Of few values each, by the semantic conventions, present and before 1.23.
const SPAN_ATTRIBUTES: [&str; 12] = [
    "error.type",
    "http.method",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "http.status_code",
    "rpc.grpc.status_code",
    "rpc.method",
    "rpc.response.status_code",
    "rpc.service",
    "rpc.system",
    "rpc.system.name",
];
