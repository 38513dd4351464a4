//! The judge: what rules mean, how noisy a service is, what the windows show, and what follows.
//!
//! Pure and total: no IO, no clock, no randomness, no errors on data. Input is [`reading::Reading`]s on one grid of
//! windows, output a decision. It knows nothing of files, HTTP or PromQL. Start at [`rule`] and [`reading`].

pub mod analysis;
pub mod arm;
mod bounded;
mod breaker;
pub mod constants;
mod decision;
mod directed;
pub mod evidence;
mod exponential;
pub mod fixed_horizon;
pub mod histogram;
pub mod history;
mod incident;
mod instances;
pub mod interval;
pub mod kayenta;
mod limit;
mod median;
mod metric;
pub mod multiplicity;
pub mod noise;
mod observation;
mod past;
mod presence;
pub mod reading;
pub mod rule;
pub mod sample_ratio;
pub mod slices;
mod stirling;
mod summary;
mod tail;
mod traffic;
pub mod verdict;
pub mod window;
mod zeroin;
