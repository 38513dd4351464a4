//! Why a request is not taken, as HTTP and as gRPC say it.

use std::time::Duration;

use hyper::StatusCode;

/// A request that is not taken: what kind, and what was expected and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind.
    pub kind: Kind,
    /// In words, for whoever runs the client.
    pub message: String,
}

/// What kind. Only those of the last two may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The body is not what it claims to be.
    Malformed,
    /// No token, or another one.
    Token,
    /// No such path or method of a service.
    Unknown,
    /// Not POST.
    Method,
    /// A content type that is not OTLP's.
    Type,
    /// A compression that is not known.
    Encoding,
    /// Larger than the bound, before or after decompression.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// A bound of memory is reached: later.
    Busy(Duration),
    /// It could not be kept for now: later.
    Unavailable(Duration),
}

impl Refusal {
    /// A refusal.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Refusal { kind, message: message.into() }
    }
}

impl Kind {
    /// The status over HTTP.
    pub fn http(self) -> StatusCode {
        match self {
            Kind::Malformed => StatusCode::BAD_REQUEST,
            Kind::Token => StatusCode::UNAUTHORIZED,
            Kind::Unknown => StatusCode::NOT_FOUND,
            Kind::Method => StatusCode::METHOD_NOT_ALLOWED,
            Kind::Type | Kind::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Kind::Busy(_) => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code of `google.rpc.Status`. A client sends again only on 14 (UNAVAILABLE).
    pub fn grpc(self) -> i32 {
        match self {
            Kind::Malformed | Kind::Type => 3,
            Kind::Token => 16,
            Kind::Unknown | Kind::Method | Kind::Encoding => 12,
            // Without RetryInfo: not to be sent again.
            Kind::TooLarge => 8,
            // DEADLINE_EXCEEDED is sent again by the specification; a client that was too slow once may be faster.
            Kind::TooSlow => 4,
            Kind::Busy(_) | Kind::Unavailable(_) => 14,
        }
    }

    /// What the client is told to wait, where it may come again.
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Kind::Busy(wait) | Kind::Unavailable(wait) => Some(wait),
            Kind::Malformed | Kind::Token | Kind::Unknown | Kind::Method | Kind::Type | Kind::Encoding | Kind::TooLarge | Kind::TooSlow => {
                None
            }
        }
    }
}
