//! Rule files, plan, pipeline, report and its renderings. No sockets, no terminal.
//!
//! [`rules`] reads what users write; [`plan`] makes every choice; [`pipeline`] takes a source's samples to a judgement;
//! [`report`] says what it means, and [`render`] shows it.

pub mod discovery;
pub mod exemplars;
pub mod forecast;
mod intake;
pub mod number;
pub mod pipeline;
pub mod plan;
mod queries;
pub mod render;
pub mod replay;
pub mod report;
pub mod rules;
mod sentence;
mod slices;
mod steps;
pub mod words;
