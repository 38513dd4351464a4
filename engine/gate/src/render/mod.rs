//! Renderings of a report. They format; they never decide.

mod json;
mod spark;
mod text;

pub use json::to_json;
pub use spark::{interval, sparkline};
pub use text::{Look, to_text};
