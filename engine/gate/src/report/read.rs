//! Reads a report's JSON again, to render or to explain it. Words of closed sets are checked; fields of a newer Davy are
//! skipped, since renderings of what is known stay true.

use serde::de::{Deserialize, Deserializer, Error};

use crate::report::{Report, SCHEMA, Word};

/// A text is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a report ({SCHEMA}, as `davy gate --output json` prints it), found {found}")]
pub struct ReadError {
    /// What was found.
    found: String,
}

/// Reads one report.
///
/// # Errors
/// The text is not JSON, or not a report of this schema.
pub fn from_json(text: &str) -> Result<Report, ReadError> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| ReadError { found: format!("no JSON: {error}") })?;
    match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(SCHEMA) => {}
        Some(other) => return Err(ReadError { found: format!("schema {other}") }),
        None => return Err(ReadError { found: "JSON without `schema`".to_owned() }),
    }
    serde_json::from_value(value).map_err(|error| ReadError { found: format!("a report that says otherwise: {error}") })
}

/// One of the words, as the constant that the rest of Davy compares with.
fn one_of<'de, D: Deserializer<'de>>(deserializer: D, words: &'static [Word]) -> Result<Word, D::Error> {
    let text = String::deserialize(deserializer)?;
    words.iter().copied().find(|word| *word == text).ok_or_else(|| D::Error::unknown_variant(&text, words))
}

macro_rules! vocabularies {
    ($($name:ident: $($word:expr),+;)+) => {
        $(pub(super) fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
            one_of(deserializer, &[$($word),+])
        })+
    };
}

vocabularies! {
    schema: SCHEMA;
    verdict: "promote", "hold", "rollback";
    mode: "enforce", "shadow";
    outcome: "pass", "breach", "suspect", "inconclusive";
    on_breach: "rollback", "hold", "warn";
    unit: "s", "ms", "ratio", "1/s", "";
    method: "against the limit", "counts and calibrated", "counts", "calibrated", "uncalibrated", "none", "kayenta";
    grade: "Pass", "Marginal", "Fail";
    label: "Pass", "High", "Low", "Nodata", "NodataFailMetric", "Error";
    effect_kind: "ratio", "difference";
    metric_kind: "quantile", "ratio", "rate", "value";
    worse: "higher", "lower", "either";
    known_obstacle: "no_data", "too_many_missing", "too_coarse", "no_history";
    cause: "harm", "breaker", "vanished", "safe", "at_deadline", "hold_breach", "common_incident", "baseline_beyond_limit",
        "sample_ratio_mismatch", "instances_lost", "no_data", "too_many_missing", "not_yet", "too_few_windows", "kayenta_pass", "kayenta_marginal",
        "kayenta_fail", "kayenta_unjudged", "kayenta_not_yet";
}

pub(super) fn obstacle<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Word>, D::Error> {
    struct Known(Word);
    impl<'de> Deserialize<'de> for Known {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            known_obstacle(deserializer).map(Known)
        }
    }
    Ok(Option::<Known>::deserialize(deserializer)?.map(|Known(word)| word))
}
