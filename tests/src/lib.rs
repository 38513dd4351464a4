//! What the black-box tests stand on: a lab of real servers and instrumented services, and the `davy` binary.
//!
//! Start at [`lab::model`], which says what each service of the lab does and what Davy must answer.

pub mod browser;
pub mod collector;
pub mod davy;
pub mod double;
pub mod exporters;
pub mod filled;
pub mod lab;
pub mod live;
pub mod real_data;
pub mod yaml;
