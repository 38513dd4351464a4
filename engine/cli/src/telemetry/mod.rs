//! What davy tells about itself: a log on stderr, and traces and metrics over OTLP where the standard variables ask for
//! them. Off, nothing of it exists; failing, the log says so and the verdict stays. See `docs/telemetry.md`.

mod measures;
mod parent;
mod settings;
mod setup;
mod spans;
mod transport;

pub use setup::{log_only, start};
pub use spans::{analysis, no_analysis, recording, survey, verdict};
