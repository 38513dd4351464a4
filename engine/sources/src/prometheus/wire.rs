//! The HTTP API's JSON, decoded straight from bytes into samples: no generic tree in between.
//!
//! Shapes: `/api/v1/query` and `/api/v1/query_range` (a vector is read as a matrix of one sample each). Numbers come as
//! text, since JSON has no NaN. Reference: the Prometheus documentation, "HTTP API".

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};

use crate::error::SourceErrorKind;
use crate::samples::NativeHistogram;

/// What `query` or `query_range` answered, in the server's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DecodedMatrix {
    /// The series.
    pub series: Vec<DecodedSeries>,
    /// What the server warned of.
    pub warnings: Vec<String>,
    /// What the server remarked.
    pub infos: Vec<String>,
}

/// One series as it came: times in ms, ascending as the server has them, `NaN` and infinities included.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "WireSeries")]
pub struct DecodedSeries {
    /// All labels, with `__name__` where the result has one.
    pub labels: BTreeMap<String, String>,
    /// Floats.
    pub values: Vec<(i64, f64)>,
    /// Native histograms; a series may have both.
    pub histograms: Vec<(i64, NativeHistogram)>,
}

/// Decodes the verbatim body of `query` or `query_range`.
///
/// # Errors
/// [`SourceErrorKind::Query`] when the body says that the query failed, [`SourceErrorKind::Truncated`] when it ends too
/// early, [`SourceErrorKind::Malformed`] when it is anything else, such as a page for people.
pub fn decode_matrix(bytes: &[u8]) -> Result<DecodedMatrix, SourceErrorKind> {
    let answer = decode::<Matrix>(bytes)?;
    Ok(DecodedMatrix { series: answer.data.result, warnings: answer.warnings, infos: answer.infos })
}

/// An answer that says `success`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer<D> {
    pub data: D,
    pub warnings: Vec<String>,
    pub infos: Vec<String>,
}

/// The error part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub kind: String,
    pub message: String,
}

#[derive(Deserialize)]
struct Envelope<D> {
    status: String,
    data: Option<D>,
    #[serde(rename = "errorType", default)]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
    /// VictoriaMetrics' cluster says so here, not in a warning.
    #[serde(rename = "isPartial", default)]
    is_partial: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Matrix {
    pub result: Vec<DecodedSeries>,
}

/// Decodes an answer whose data has any shape.
pub(super) fn decode<D: DeserializeOwned>(bytes: &[u8]) -> Result<Answer<D>, SourceErrorKind> {
    let envelope: Envelope<D> = serde_json::from_slice(bytes).map_err(|error| not_the_api(bytes, &error))?;
    if envelope.status != "success" {
        let words = if envelope.error.is_empty() { format!("status {}", envelope.status) } else { envelope.error };
        return Err(SourceErrorKind::Query { query: "(recorded)".to_owned(), message: words });
    }
    let Some(data) = envelope.data else {
        return Err(malformed("an answer with data", "none"));
    };
    let mut warnings = envelope.warnings.unwrap_or_default();
    if envelope.is_partial {
        warnings.push("the server says that its answer is partial (isPartial)".to_owned());
    }
    Ok(Answer { data, warnings, infos: envelope.infos.unwrap_or_default() })
}

/// Reads the error part of a body, where it is an answer of this API at all.
pub(super) fn decode_error(bytes: &[u8]) -> Option<ApiError> {
    let envelope: Envelope<IgnoredAny> = serde_json::from_slice(bytes).ok()?;
    (envelope.status == "error").then_some(ApiError { kind: envelope.error_type, message: envelope.error })
}

fn not_the_api(bytes: &[u8], error: &serde_json::Error) -> SourceErrorKind {
    let expected = "a Prometheus API answer";
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return malformed(expected, "an empty body");
    }
    if !starts_like_json(bytes) {
        return malformed(expected, &describe_body(bytes));
    }
    if error.is_eof() {
        return SourceErrorKind::Truncated(bytes.len() as u64);
    }
    malformed(expected, &format!("JSON that is none: {error}"))
}

fn malformed(expected: &str, found: &str) -> SourceErrorKind {
    SourceErrorKind::Malformed { expected: expected.to_owned(), found: found.to_owned() }
}

fn starts_like_json(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// The first words of a body, in one line that is safe to print; a web page is called so, by its title.
pub(super) fn describe_body(bytes: &[u8]) -> String {
    const SHOWN: usize = 160;
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    let lower = start.to_ascii_lowercase();
    if lower.trim_start().starts_with('<') {
        let title = lower.find("<title>").map(|at| at + "<title>".len()).and_then(|from| {
            let length = lower[from..].find("</title>")?;
            Some(one_line(&start[from..from + length], SHOWN))
        });
        return match title {
            Some(words) => format!("a web page titled \"{words}\" (from a proxy or a login in between?)"),
            None => "a web page (from a proxy or a login in between?)".to_owned(),
        };
    }
    one_line(&start, SHOWN)
}

/// Folds white space and drops control characters, so that what a stranger sent cannot play with a terminal.
fn one_line(text: &str, longest: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()));
        if line.chars().count() > longest {
            return line.chars().take(longest).chain(['…']).collect();
        }
    }
    line
}

/// A series as JSON has it: a matrix has the plural fields, a vector the singular ones.
#[derive(Deserialize)]
struct WireSeries {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    value: Option<Point<f64>>,
    #[serde(default)]
    values: Points<f64>,
    #[serde(default)]
    histogram: Option<Point<WireHistogram>>,
    #[serde(default)]
    histograms: Points<WireHistogram>,
}

impl From<WireSeries> for DecodedSeries {
    fn from(wire: WireSeries) -> Self {
        let mut values = wire.values.0;
        values.extend(wire.value.map(|point| (point.0, point.1)));
        let mut histograms: Vec<(i64, NativeHistogram)> = wire.histograms.0.into_iter().map(|(time, reading)| (time, reading.0)).collect();
        histograms.extend(wire.histogram.map(|point| (point.0, point.1.0)));
        DecodedSeries { labels: wire.metric, values, histograms }
    }
}

/// `[seconds, value]` as (ms, value).
struct Point<V>(i64, V);

/// A list of points, as pairs.
struct Points<V>(Vec<(i64, V)>);

impl<V> Default for Points<V> {
    fn default() -> Self {
        Points(Vec::new())
    }
}

/// A value beside a timestamp.
trait WireValue: Sized {
    fn next<'de, S: SeqAccess<'de>>(sequence: &mut S) -> Result<Option<Self>, S::Error>;
}

impl WireValue for f64 {
    fn next<'de, S: SeqAccess<'de>>(sequence: &mut S) -> Result<Option<Self>, S::Error> {
        Ok(sequence.next_element::<Number>()?.map(|number| number.0))
    }
}

impl WireValue for WireHistogram {
    fn next<'de, S: SeqAccess<'de>>(sequence: &mut S) -> Result<Option<Self>, S::Error> {
        sequence.next_element()
    }
}

impl<'de, V: WireValue> Deserialize<'de> for Point<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PointVisitor<V>(std::marker::PhantomData<V>);
        impl<'de, V: WireValue> Visitor<'de> for PointVisitor<V> {
            type Value = Point<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pair of a time in seconds and a value")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut sequence: S) -> Result<Point<V>, S::Error> {
                let seconds: f64 = sequence.next_element()?.ok_or_else(|| S::Error::invalid_length(0, &self))?;
                let value = V::next(&mut sequence)?.ok_or_else(|| S::Error::invalid_length(1, &self))?;
                if sequence.next_element::<IgnoredAny>()?.is_some() {
                    return Err(S::Error::invalid_length(3, &self));
                }
                Ok(Point(milliseconds(seconds).ok_or_else(|| S::Error::custom(format!("no time: {seconds}")))?, value))
            }
        }
        deserializer.deserialize_seq(PointVisitor(std::marker::PhantomData))
    }
}

impl<'de, V: WireValue> Deserialize<'de> for Points<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PointsVisitor<V>(std::marker::PhantomData<V>);
        impl<'de, V: WireValue> Visitor<'de> for PointsVisitor<V> {
            type Value = Points<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of pairs of a time and a value")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut sequence: S) -> Result<Points<V>, S::Error> {
                let mut points = Vec::new();
                while let Some(Point(time, value)) = sequence.next_element::<Point<V>>()? {
                    points.push((time, value));
                }
                Ok(Points(points))
            }
        }
        deserializer.deserialize_seq(PointsVisitor(std::marker::PhantomData))
    }
}

/// Seconds with a fraction as whole ms; none beyond the year 9999 either way.
fn milliseconds(seconds: f64) -> Option<i64> {
    const LATEST: f64 = 253_402_300_800.0;
    (seconds.abs() < LATEST).then(|| (seconds * 1000.0).round() as i64)
}

/// A number written as text: `"12.5"`, `"NaN"`, `"+Inf"`, `"-Inf"`.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number written as text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(NumberVisitor)
    }
}

/// `{count, sum, buckets: [[rule, left, right, count], …]}`; buckets are left out when none holds anything.
struct WireHistogram(NativeHistogram);

impl<'de> Deserialize<'de> for WireHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            count: Number,
            #[serde(default)]
            buckets: Option<Vec<(u8, Number, Number, Number)>>,
        }
        let fields = Fields::deserialize(deserializer)?;
        let mut buckets: Vec<(f64, f64, f64)> =
            fields.buckets.unwrap_or_default().into_iter().map(|(_, left, right, count)| (left.0, right.0, count.0)).collect();
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        Ok(WireHistogram(NativeHistogram { count: fields.count.0, buckets }))
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
