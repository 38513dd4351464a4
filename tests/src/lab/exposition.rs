//! `/metrics` in two formats: OpenMetrics text, and the delimited protobuf that alone carries native histograms to
//! Prometheus 2.x. The protobuf is made from the text, so that both say the same.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use prost::Message;

use super::native::{Native, SCHEMA, ZERO_THRESHOLD};

/// The content type of the text.
pub const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The content type of the protobuf.
pub const PROTOBUF: &str = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// `io.prometheus.client.MetricFamily`.
#[derive(Clone, PartialEq, Message)]
pub struct MetricFamily {
    /// The family's name, with `_total` for counters.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Counter or histogram.
    #[prost(enumeration = "MetricType", optional, tag = "3")]
    pub kind: Option<i32>,
    /// One per label set.
    #[prost(message, repeated, tag = "4")]
    pub metric: Vec<Metric>,
}

/// `io.prometheus.client.MetricType`, as far as the lab uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MetricType {
    /// A counter.
    Counter = 0,
    /// A classic or native histogram.
    Histogram = 4,
}

/// `io.prometheus.client.Metric`.
#[derive(Clone, PartialEq, Message)]
pub struct Metric {
    /// Its labels.
    #[prost(message, repeated, tag = "1")]
    pub label: Vec<LabelPair>,
    /// A counter's value.
    #[prost(message, optional, tag = "3")]
    pub counter: Option<Counter>,
    /// A histogram's buckets.
    #[prost(message, optional, tag = "7")]
    pub histogram: Option<Histogram>,
}

/// `io.prometheus.client.LabelPair`.
#[derive(Clone, PartialEq, Message)]
pub struct LabelPair {
    /// The label's name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// The label's value.
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

/// `io.prometheus.client.Counter`.
#[derive(Clone, PartialEq, Message)]
pub struct Counter {
    /// Since the process started.
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
}

/// `io.prometheus.client.Histogram`, the integer fields.
#[derive(Clone, PartialEq, Message)]
pub struct Histogram {
    /// All observations.
    #[prost(uint64, optional, tag = "1")]
    pub sample_count: Option<u64>,
    /// Their sum.
    #[prost(double, optional, tag = "2")]
    pub sample_sum: Option<f64>,
    /// Classic buckets, cumulative, without `+Inf`.
    #[prost(message, repeated, tag = "3")]
    pub bucket: Vec<Bucket>,
    /// Native: the resolution.
    #[prost(sint32, optional, tag = "5")]
    pub schema: Option<i32>,
    /// Native: up to here an observation counts as zero.
    #[prost(double, optional, tag = "6")]
    pub zero_threshold: Option<f64>,
    /// Native: observations that count as zero.
    #[prost(uint64, optional, tag = "7")]
    pub zero_count: Option<u64>,
    /// Native: runs of buckets that are not empty.
    #[prost(message, repeated, tag = "12")]
    pub positive_span: Vec<BucketSpan>,
    /// Native: each bucket's count less the count of the one before.
    #[prost(sint64, repeated, packed = "false", tag = "13")]
    pub positive_delta: Vec<i64>,
}

/// `io.prometheus.client.Bucket`.
#[derive(Clone, PartialEq, Message)]
pub struct Bucket {
    /// Observations at or below the bound.
    #[prost(uint64, optional, tag = "1")]
    pub cumulative_count: Option<u64>,
    /// The bound.
    #[prost(double, optional, tag = "2")]
    pub upper_bound: Option<f64>,
}

/// `io.prometheus.client.BucketSpan`.
#[derive(Clone, PartialEq, Message)]
pub struct BucketSpan {
    /// Gap to the run before, or the first index.
    #[prost(sint32, optional, tag = "1")]
    pub offset: Option<i32>,
    /// How many buckets.
    #[prost(uint32, optional, tag = "2")]
    pub length: Option<u32>,
}

/// A native histogram as a metric family without labels.
pub fn native_family(name: &str, native: &Native) -> MetricFamily {
    let (runs, deltas) = native.runs_and_deltas();
    let spans = runs.iter().map(|run| BucketSpan { offset: Some(run.offset), length: Some(run.length) }).collect();
    let histogram = Histogram {
        sample_count: Some(native.count),
        sample_sum: Some(native.sum),
        bucket: Vec::new(),
        schema: Some(SCHEMA),
        zero_threshold: Some(ZERO_THRESHOLD),
        zero_count: Some(native.zero_count),
        positive_span: spans,
        positive_delta: deltas,
    };
    let metric = Metric { label: Vec::new(), counter: None, histogram: Some(histogram) };
    MetricFamily { name: Some(name.to_owned()), kind: Some(MetricType::Histogram.into()), metric: vec![metric] }
}

/// Metric families, each preceded by its length.
pub fn encode_delimited(families: &[MetricFamily]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for family in families {
        family.encode_length_delimited(&mut bytes).expect("a vector grows as needed");
    }
    bytes
}

/// Reads the counters and classic histograms of an OpenMetrics text as this lab's services write it.
///
/// # Errors
/// A line that is neither a counter's nor a histogram's, or no line of the format at all.
pub fn families_of_text(text: &str) -> anyhow::Result<Vec<MetricFamily>> {
    let mut families: Vec<MetricFamily> = Vec::new();
    let mut base_name = "";
    for line in text.lines() {
        if let Some(declaration) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declaration.split_once(' ').context("a TYPE line without a type")?;
            base_name = name;
            families.push(match kind {
                "counter" => MetricFamily { name: Some(format!("{name}_total")), kind: Some(MetricType::Counter.into()), metric: vec![] },
                "histogram" => MetricFamily { name: Some(name.to_owned()), kind: Some(MetricType::Histogram.into()), metric: vec![] },
                other => bail!("expected a counter or a histogram, found {other}"),
            });
        } else if !line.starts_with('#') {
            let family = families.last_mut().context("a sample before any TYPE line")?;
            let suffix = line.strip_prefix(base_name).with_context(|| format!("expected a sample of {base_name}, found {line}"))?;
            add_sample(family, suffix).with_context(|| format!("in the line {line}"))?;
        }
    }
    Ok(families)
}

/// Adds what follows a family's base name in a sample line: `_bucket{le="0.1",code="200"} 17`.
fn add_sample(family: &mut MetricFamily, suffix: &str) -> anyhow::Result<()> {
    let (series, value) = suffix.rsplit_once(' ').context("no value")?;
    let (part, label_text) = match series.split_once('{') {
        Some((part, rest)) => (part, rest.strip_suffix('}').context("no closing brace")?),
        None => (series, ""),
    };
    let mut labels = labels(label_text)?;
    let bound = labels.remove("le");
    let metric = metric_with(family, labels);
    match part {
        "_total" => metric.counter = Some(Counter { value: Some(value.parse()?) }),
        "_sum" => histogram(metric).sample_sum = Some(value.parse()?),
        "_count" => histogram(metric).sample_count = Some(value.parse()?),
        "_bucket" => {
            let bound = bound.context("a bucket without le")?;
            if bound != "+Inf" {
                let bucket = Bucket { cumulative_count: Some(value.parse()?), upper_bound: Some(bound.parse()?) };
                histogram(metric).bucket.push(bucket);
            }
        }
        other => bail!("unknown suffix {other}"),
    }
    Ok(())
}

/// Reads `a="b",c="d"`; the lab's values hold no quotes and no commas.
fn labels(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        let (name, quoted) = pair.split_once('=').context("a label without a value")?;
        labels.insert(name.to_owned(), quoted.trim_matches('"').to_owned());
    }
    Ok(labels)
}

fn metric_with(family: &mut MetricFamily, labels: BTreeMap<String, String>) -> &mut Metric {
    let pairs: Vec<LabelPair> = labels.into_iter().map(|(name, value)| LabelPair { name: Some(name), value: Some(value) }).collect();
    let found = family.metric.iter().position(|metric| metric.label == pairs);
    let index = found.unwrap_or_else(|| {
        family.metric.push(Metric { label: pairs, counter: None, histogram: None });
        family.metric.len() - 1
    });
    &mut family.metric[index]
}

fn histogram(metric: &mut Metric) -> &mut Histogram {
    metric.histogram.get_or_insert_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT_OF_A_SERVICE: &str = "# HELP http_requests Requests.\n# TYPE http_requests counter\n\
        http_requests_total{code=\"200\",handler=\"/work\"} 17\nhttp_requests_total{code=\"500\",handler=\"/work\"} 1\n\
        # HELP d Time.\n# TYPE d histogram\nd_sum{handler=\"/work\"} 1.5\nd_count{handler=\"/work\"} 3\n\
        d_bucket{le=\"0.1\",handler=\"/work\"} 2\nd_bucket{le=\"+Inf\",handler=\"/work\"} 3\n# EOF\n";

    #[test]
    fn text_becomes_families() {
        let families = families_of_text(TEXT_OF_A_SERVICE).unwrap();
        assert_eq!(families.len(), 2);
        assert_eq!(families[0].name.as_deref(), Some("http_requests_total"));
        assert_eq!(families[0].metric[1].counter.as_ref().unwrap().value, Some(1.0));
        let histogram = families[1].metric[0].histogram.as_ref().unwrap();
        assert_eq!((histogram.sample_count, histogram.sample_sum), (Some(3), Some(1.5)));
        assert_eq!(histogram.bucket, [Bucket { cumulative_count: Some(2), upper_bound: Some(0.1) }]);
    }

    #[test]
    fn what_is_no_exposition_is_an_error() {
        for text in ["x 1\n", "# TYPE x gauge\nx 1\n", "# TYPE x counter\ny_total 1\n", "# TYPE x counter\nx_total{a=\"b\" 1\n"] {
            assert!(families_of_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn families_are_delimited_by_their_length() {
        let families = families_of_text(TEXT_OF_A_SERVICE).unwrap();
        let bytes = encode_delimited(&families);
        let mut rest = bytes.as_slice();
        let mut decoded = Vec::new();
        while !rest.is_empty() {
            decoded.push(MetricFamily::decode_length_delimited(&mut rest).unwrap());
        }
        assert_eq!(decoded, families);
    }
}
