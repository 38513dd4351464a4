//! Renderings of a report. They format; they never decide.

mod ascii;
mod json;
pub mod live;
mod slices;
mod spark;
mod text;

pub use ascii::to_ascii;
pub use json::to_json;
pub use spark::{interval, sparkline};
pub use text::{Look, to_text};
