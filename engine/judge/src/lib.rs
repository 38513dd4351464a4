//! The judge: what rules mean, how noisy a service is, what the windows show, and what follows.
//!
//! Pure and total: no IO, no clock, no randomness, no errors on data. Input is [`reading::Reading`]s on one grid of
//! windows, output a decision. It knows nothing of files, HTTP or PromQL. Start at [`rule`] and [`reading`].

pub mod arm;
pub mod constants;
pub mod evidence;
pub mod histogram;
pub mod history;
pub mod interval;
pub mod multiplicity;
pub mod noise;
pub mod reading;
pub mod rule;
pub mod sample_ratio;
pub mod verdict;
pub mod window;
