//! The Prometheus HTTP API as a [`crate::source::Source`]: raw counters, exact, for both arms in one query.
//!
//! Tried against Prometheus 2.42.0 and VictoriaMetrics 1.79.5. Does not align or merge series. Start at [`fetch`].

mod address;
mod assign;
mod backoff;
mod client;
mod config;
mod discover;
mod exemplars;
mod explain;
mod failure;
mod fetch;
mod gather;
mod hide;
mod history;
mod promql;
mod secret;
mod survey;
mod traffic;
mod wire;

pub use config::{Auth, PrometheusConfig};
pub(crate) use explain::{distance, nearest, shown};
pub use fetch::Prometheus;
pub use secret::{Secret, SecretSource};
pub use survey::Holding;
pub use traffic::Traffic;
pub use wire::{DecodedMatrix, DecodedSeries, decode_matrix};
