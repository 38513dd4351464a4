//! Metrics.

use opentelemetry_proto::tonic::metrics::v1 as pb;
use serde::Deserialize;

use super::common::{Attributes, Resource, Scope};
use super::number::{Choice, Double, Int, List, Names, Text};

/// A request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Body {
    #[serde(alias = "resource_metrics")]
    pub resource_metrics: List<ResourceMetrics, pb::ResourceMetrics>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceMetrics {
    resource: Option<Resource>,
    #[serde(alias = "scope_metrics")]
    scope_metrics: List<ScopeMetrics, pb::ScopeMetrics>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ScopeMetrics {
    scope: Option<Scope>,
    metrics: List<Metric, pb::Metric>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metric {
    name: Text,
    unit: Text,
    gauge: Option<Points<NumberPoint, pb::NumberDataPoint>>,
    sum: Option<Points<NumberPoint, pb::NumberDataPoint>>,
    histogram: Option<Points<HistogramPoint, pb::HistogramDataPoint>>,
    #[serde(alias = "exponential_histogram")]
    exponential_histogram: Option<Points<ExponentialPoint, pb::ExponentialHistogramDataPoint>>,
    summary: Option<Points<SummaryPoint, pb::SummaryDataPoint>>,
}

/// Any kind of data: those without a temporality leave it away.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, bound = "J: Deserialize<'de> + Into<T>")]
struct Points<J, T> {
    #[serde(alias = "data_points")]
    data_points: List<J, T>,
    #[serde(alias = "aggregation_temporality")]
    aggregation_temporality: Choice<Temporality>,
    #[serde(alias = "is_monotonic")]
    is_monotonic: Option<bool>,
}

impl<J, T> Default for Points<J, T> {
    fn default() -> Self {
        Points { data_points: List::default(), aggregation_temporality: Choice::default(), is_monotonic: None }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Temporality;

impl Names for Temporality {
    fn number(name: &str) -> Option<i32> {
        pb::AggregationTemporality::from_str_name(name).map(i32::from)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NumberPoint {
    attributes: Attributes,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: Int<u64>,
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Int<u64>,
    #[serde(alias = "as_double")]
    as_double: Option<Double>,
    #[serde(alias = "as_int")]
    as_int: Option<Int<i64>>,
    flags: Int<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HistogramPoint {
    attributes: Attributes,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: Int<u64>,
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Int<u64>,
    count: Int<u64>,
    sum: Option<Double>,
    #[serde(alias = "bucket_counts")]
    bucket_counts: List<Int<u64>, u64>,
    #[serde(alias = "explicit_bounds")]
    explicit_bounds: List<Double, f64>,
    min: Option<Double>,
    max: Option<Double>,
    flags: Int<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ExponentialPoint {
    attributes: Attributes,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: Int<u64>,
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Int<u64>,
    count: Int<u64>,
    sum: Option<Double>,
    scale: Int<i32>,
    #[serde(alias = "zero_count")]
    zero_count: Int<u64>,
    #[serde(alias = "zero_threshold")]
    zero_threshold: Double,
    positive: Option<Buckets>,
    negative: Option<Buckets>,
    min: Option<Double>,
    max: Option<Double>,
    flags: Int<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Buckets {
    offset: Int<i32>,
    #[serde(alias = "bucket_counts")]
    bucket_counts: List<Int<u64>, u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SummaryPoint {
    attributes: Attributes,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: Int<u64>,
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Int<u64>,
    count: Int<u64>,
    sum: Double,
    #[serde(alias = "quantile_values")]
    quantile_values: List<Quantile, pb::summary_data_point::ValueAtQuantile>,
    flags: Int<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Quantile {
    quantile: Double,
    value: Double,
}

impl From<ResourceMetrics> for pb::ResourceMetrics {
    fn from(json: ResourceMetrics) -> Self {
        pb::ResourceMetrics {
            resource: json.resource.map(Into::into),
            scope_metrics: json.scope_metrics.into_vec(),
            ..pb::ResourceMetrics::default()
        }
    }
}

impl From<ScopeMetrics> for pb::ScopeMetrics {
    fn from(json: ScopeMetrics) -> Self {
        pb::ScopeMetrics { scope: json.scope.map(Into::into), metrics: json.metrics.into_vec(), ..pb::ScopeMetrics::default() }
    }
}

impl From<Metric> for pb::Metric {
    fn from(json: Metric) -> Self {
        use pb::metric::Data;
        let data = json
            .gauge
            .map(|data| Data::Gauge(pb::Gauge { data_points: data.data_points.into_vec() }))
            .or_else(|| {
                json.sum.map(|data| {
                    Data::Sum(pb::Sum {
                        aggregation_temporality: data.aggregation_temporality.0,
                        is_monotonic: data.is_monotonic.unwrap_or(false),
                        data_points: data.data_points.into_vec(),
                    })
                })
            })
            .or_else(|| {
                json.histogram.map(|data| {
                    Data::Histogram(pb::Histogram {
                        aggregation_temporality: data.aggregation_temporality.0,
                        data_points: data.data_points.into_vec(),
                    })
                })
            })
            .or_else(|| {
                json.exponential_histogram.map(|data| {
                    Data::ExponentialHistogram(pb::ExponentialHistogram {
                        aggregation_temporality: data.aggregation_temporality.0,
                        data_points: data.data_points.into_vec(),
                    })
                })
            })
            .or_else(|| json.summary.map(|data| Data::Summary(pb::Summary { data_points: data.data_points.into_vec() })));
        pb::Metric { name: json.name.0, unit: json.unit.0, data, ..pb::Metric::default() }
    }
}

impl From<NumberPoint> for pb::NumberDataPoint {
    fn from(json: NumberPoint) -> Self {
        use pb::number_data_point::Value;
        let as_double = json.as_double.map(|value| Value::AsDouble(value.0));
        pb::NumberDataPoint {
            attributes: json.attributes.into_vec(),
            start_time_unix_nano: json.start_time_unix_nano.0,
            time_unix_nano: json.time_unix_nano.0,
            flags: json.flags.0,
            value: as_double.or_else(|| json.as_int.map(|value| Value::AsInt(value.0))),
            ..pb::NumberDataPoint::default()
        }
    }
}

impl From<HistogramPoint> for pb::HistogramDataPoint {
    fn from(json: HistogramPoint) -> Self {
        pb::HistogramDataPoint {
            attributes: json.attributes.into_vec(),
            start_time_unix_nano: json.start_time_unix_nano.0,
            time_unix_nano: json.time_unix_nano.0,
            count: json.count.0,
            sum: json.sum.map(Into::into),
            bucket_counts: json.bucket_counts.into_vec(),
            explicit_bounds: json.explicit_bounds.into_vec(),
            flags: json.flags.0,
            min: json.min.map(Into::into),
            max: json.max.map(Into::into),
            ..pb::HistogramDataPoint::default()
        }
    }
}

impl From<Buckets> for pb::exponential_histogram_data_point::Buckets {
    fn from(json: Buckets) -> Self {
        pb::exponential_histogram_data_point::Buckets { offset: json.offset.0, bucket_counts: json.bucket_counts.into_vec() }
    }
}

impl From<ExponentialPoint> for pb::ExponentialHistogramDataPoint {
    fn from(json: ExponentialPoint) -> Self {
        pb::ExponentialHistogramDataPoint {
            attributes: json.attributes.into_vec(),
            start_time_unix_nano: json.start_time_unix_nano.0,
            time_unix_nano: json.time_unix_nano.0,
            count: json.count.0,
            sum: json.sum.map(Into::into),
            scale: json.scale.0,
            zero_count: json.zero_count.0,
            positive: json.positive.map(Into::into),
            negative: json.negative.map(Into::into),
            flags: json.flags.0,
            min: json.min.map(Into::into),
            max: json.max.map(Into::into),
            zero_threshold: json.zero_threshold.0,
            ..pb::ExponentialHistogramDataPoint::default()
        }
    }
}

impl From<Quantile> for pb::summary_data_point::ValueAtQuantile {
    fn from(json: Quantile) -> Self {
        pb::summary_data_point::ValueAtQuantile { quantile: json.quantile.0, value: json.value.0 }
    }
}

impl From<SummaryPoint> for pb::SummaryDataPoint {
    fn from(json: SummaryPoint) -> Self {
        pb::SummaryDataPoint {
            attributes: json.attributes.into_vec(),
            start_time_unix_nano: json.start_time_unix_nano.0,
            time_unix_nano: json.time_unix_nano.0,
            count: json.count.0,
            sum: json.sum.0,
            quantile_values: json.quantile_values.into_vec(),
            flags: json.flags.0,
        }
    }
}
