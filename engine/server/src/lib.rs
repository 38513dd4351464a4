//! What Davy listens with: the OTLP receiver, and the journal that keeps what it acknowledged.
//!
//! Knows no formula and no report. `receiver` takes requests in, `keep` passes them to the store of
//! `davy_sources::otlp`, which says what they mean.

pub mod journal;
pub mod keep;
pub mod receiver;
