//! Where bodies go.

use davy_sources::otlp::{Encoding, Signal};

use super::refusal::Refusal;

/// What was taken of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// How many points, records or spans were not taken.
    pub rejected: u64,
    /// Why, for whoever runs the client; also a warning where nothing was rejected. Empty where all is well.
    pub message: String,
}

/// Decodes and keeps a body: once it returns, what it says was taken is acknowledged. May block; several are called at a time.
pub type Intake = Box<dyn Fn(Signal, Encoding, Vec<u8>) -> Result<Taken, Refusal> + Send + Sync>;
