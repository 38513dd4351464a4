//! What an analysis will be able to say: seeded futures, drawn from the baseline's own past, judged by the real judge.
//!
//! [`Material`] is what futures are drawn from, [`Effect`] what is wrong with a canary, [`trial`] judges one future, and
//! [`forecast`] asks all the questions. The same past gives the same forecast. No formula of power stands here: whatever the
//! judge does, the forecast does too.

mod ask;
mod effect;
mod material;
mod trial;

pub use ask::{Detection, ENOUGH, Effort, Forecast, MetricForecast, Remedy, RemedyKind, forecast};
pub use effect::{Effect, Slowdown};
pub use material::{Material, MetricMaterial};
pub use trial::{Ending, Share, Trial, trial};
