//! Operating characteristics: a seeded generator of services with a canary, Davy's production path and its peers over the same
//! data, and the page that says how often each is wrong and how soon it is right.
//!
//! Start at [`cell`] (what is simulated), [`replicate`] (one simulated rollout, judged by all), [`runner`] (many of them) and
//! [`page`] (what is published). Every replicate can be made again alone: its seed is [`random::SEED`], the cell's name and
//! its number.

pub mod cell;
pub mod chart;
pub mod latency;
pub mod noise;
pub mod observed;
pub mod oracle;
pub mod page;
pub mod peers;
pub mod random;
pub mod replicate;
pub mod rules;
pub mod runner;
pub mod service;
pub mod statistics;
pub mod store;
pub mod table;
pub mod tally;
pub mod targets;
