//! Kayenta's judge (`NetflixACAJudge-v1.0`): for `method: kayenta`, for the comparison in reports, and to be measured against.
//!
//! It is kept as it is, its known weaknesses included, but for one: where each arm is constant, Kayenta adds random noise from an
//! unseeded source; here the noise is fixed (see [`series`]), so that the same values have the same answer. Series go through
//! [`series`], a pair of them is classified by [`classification`] with the interval of [`interval`], and [`score`] makes one
//! number of all metrics. A value that is not finite stands for NaN.

pub mod classification;
pub mod interval;
pub mod score;
pub mod series;
pub mod settings;

pub use classification::{Classification, Classified, classify, classify_with};
pub use interval::{CONFIDENCE, Interval, ROOT_TOLERANCE, TOLERANCE, interval};
pub use score::{Grade, GroupScore, Scored, ScoredMetric, Zeroed, grade, score};
pub use settings::{EffectSize, Measure, NanStrategy, Outliers, Settings, Thresholds};
