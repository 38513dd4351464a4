//! Renderings of a report. They format; they never decide.

mod ascii;
mod case;
mod dotenv;
mod explain;
mod figures;
mod github;
mod html;
mod json;
mod jsonl;
mod junit;
mod kayenta;
pub mod live;
mod markdown;
mod markup;
mod metrics;
mod picture;
mod places;
mod spark;
mod text;

pub use ascii::to_ascii;
pub use case::{Case, KINDS, Kind, render, worst};
pub use explain::explain;
pub use github::{annotations, github_log, outputs, step_summary};
pub use json::to_json;
pub use jsonl::moment_line;
pub use kayenta::line as comparison;
pub use spark::{interval, sparkline};
pub use text::{Look, to_text};
