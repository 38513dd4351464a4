//! A real Prometheus, a real VictoriaMetrics, and instrumented services under load which they scrape.
//!
//! Real: the servers, the scrapes over loopback HTTP, the instrumentation, counters, restarts and deaths of services.
//! Drawn from literal seeds: when a request arrives, how long it takes and whether it fails; no handler sleeps.

pub mod exposition;
pub mod load;
pub mod model;
pub mod native;
pub mod random;
pub mod running;
pub mod server;
pub mod service;
pub mod work;
