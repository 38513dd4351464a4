//! Rules for whom there are none: which preset fits what a source holds, and the rule file that follows from it.
//!
//! [`candidates`] says what to look for, [`Fit`] what was found of one preset, [`best`] which one to take, [`rule_file`]
//! writes it down. The same answers of a source give the same file. Asking the source is the caller's work.

mod fit;
mod text;

pub use fit::{Candidate, Fit, MetricFit, best, candidates};
pub use text::{Found, nothing_fits, rule_file};
