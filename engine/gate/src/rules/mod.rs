//! Rule files: what users write, checked strictly and resolved into a [`RuleSet`].
//!
//! [`load_file`] reads; one file here per element of a rule file; [`diagnostic`] is what a user sees of mistakes.
//! What every key means is in `docs/rules.md`.

mod arms;
mod breaker;
mod by;
pub(crate) mod canonical;
pub mod command;
mod decision;
mod decode;
pub mod diagnostic;
mod extends;
mod fetch_plan;
mod history;
mod kayenta;
mod level;
mod load;
mod matchers;
mod metric;
pub mod presets;
pub mod quantity;
pub mod rule_set;
pub mod schema;
#[cfg(test)]
mod schema_tests;
mod signal;
mod source_text;
mod suggest;
mod variables;
mod window;
mod yaml;

pub use diagnostic::{Diagnostic, Diagnostics};
pub use extends::SCHEMA;
pub use load::{load_file, load_preset, load_str};
pub use presets::preset_names;
pub use rule_set::{MetricRule, MetricSignal, Options, RuleSet};
