//! OTLP: from bytes to a [`Source`](crate::source::Source).
//!
//! [`decode`] reads a request, [`WindowStore::accept`] takes it in and says what it refused, [`OtlpSource`] answers from what the
//! store holds. Nothing here opens a socket or reads a clock. [`file`] reads what a collector's file exporter wrote.

mod decode;
mod explain;
mod expression;
pub mod file;
mod ingest;
mod json;
mod labels;
mod limits;
mod names;
mod point;
mod readings;
mod reason;
mod series;
mod source;
mod store;
mod usage;

pub use decode::{DecodeError, Encoding, Request, Signal, decode};
pub use limits::Limits;
pub use reason::Reason;
pub use source::OtlpSource;
pub use store::WindowStore;
pub use usage::{Outcome, Usage};
