//! What Davy listens with: the OTLP receiver, and the journal that keeps what it acknowledged.
//!
//! Knows no formula and no report. `receiver` takes requests in; what they mean is said in `davy_sources::otlp`.

pub mod journal;
pub mod receiver;
