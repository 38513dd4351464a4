//! Rule files: what users write, checked strictly and resolved into a [`RuleSet`].

pub mod diagnostic;
mod fetch_plan;
mod load;
pub mod quantity;
pub mod rule_set;
mod source_text;
mod suggest;
mod yaml;

pub use load::{load_file, load_preset, load_str};
pub use rule_set::{MetricRule, MetricSignal, Options, RuleSet};
