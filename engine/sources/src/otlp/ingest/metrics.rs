//! Points of metrics.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, number_data_point,
};

use super::{origin, resource_key};
use crate::otlp::Reason;
use crate::otlp::labels;
use crate::otlp::point::{Exponential, FINEST_SCALE, Shape, Value};
use crate::otlp::series::{MetricKey, SeriesKey};
use crate::otlp::store::Intake;

/// `flags & 1`: the sender says that there is no value.
const NO_RECORDED_VALUE: u32 = 1;
/// Scales beyond these are no histograms: the specification's own bounds.
const SCALES: std::ops::RangeInclusive<i32> = -10..=20;

/// Takes in metrics.
pub(super) fn take(intake: &mut Intake<'_>, request: &ExportMetricsServiceRequest) {
    for of_resource in &request.resource_metrics {
        let key = resource_key(of_resource.resource.as_ref());
        for of_scope in &of_resource.scope_metrics {
            let origin = origin(intake, of_resource.resource.as_ref(), &key, of_scope.scope.as_ref());
            for metric in &of_scope.metrics {
                take_metric(intake, origin, metric);
            }
        }
    }
}

/// Where a metric's points go.
struct Place<'m> {
    key: MetricKey,
    origin: usize,
    /// A reason that keeps all of them out.
    refusal: Option<Reason>,
    metric: &'m Metric,
}

/// What all kinds of points have.
struct Head<'p> {
    attributes: &'p [KeyValue],
    start_ns: u64,
    time_ns: u64,
    flags: u32,
}

fn take_metric(intake: &mut Intake<'_>, origin: usize, metric: &Metric) {
    let place = |shape: Shape, temporality: i32| {
        let is_delta = temporality == AggregationTemporality::Delta as i32;
        let is_known = is_delta || temporality == AggregationTemporality::Cumulative as i32;
        let refusal = match (metric.name.is_empty(), is_known) {
            (true, _) => Some(Reason::NoName),
            (false, false) => Some(Reason::NoTemporality),
            (false, true) => None,
        };
        let key = MetricKey { name: metric.name.clone(), unit: metric.unit.clone(), shape, is_delta };
        Place { key, origin, refusal, metric }
    };
    let cumulative = AggregationTemporality::Cumulative as i32;
    match &metric.data {
        None => intake.ignore(Reason::NoValue, &metric.name, origin, 0),
        Some(Data::Gauge(gauge)) => {
            let place = place(Shape::Gauge, cumulative);
            for point in &gauge.data_points {
                take_number(intake, &place, point);
            }
        }
        Some(Data::Sum(sum)) => {
            let mut place = place(if sum.is_monotonic { Shape::Sum } else { Shape::Gauge }, sum.aggregation_temporality);
            if !sum.is_monotonic && place.key.is_delta {
                place.refusal = Some(Reason::DeltaOfLevel);
            }
            for point in &sum.data_points {
                take_number(intake, &place, point);
            }
        }
        Some(Data::Histogram(histogram)) => {
            let place = place(Shape::Histogram, histogram.aggregation_temporality);
            for point in &histogram.data_points {
                take_histogram(intake, &place, point);
            }
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            let place = place(Shape::Exponential, histogram.aggregation_temporality);
            for point in &histogram.data_points {
                take_exponential(intake, &place, point);
            }
        }
        Some(Data::Summary(summary)) => {
            let place = place(Shape::Summary, cumulative);
            for point in &summary.data_points {
                let head = Head {
                    attributes: &point.attributes,
                    start_ns: point.start_time_unix_nano,
                    time_ns: point.time_unix_nano,
                    flags: point.flags,
                };
                put(intake, &place, &head, Ok(Value::Number(point.count as f64)));
            }
        }
    }
}

fn take_number(intake: &mut Intake<'_>, place: &Place<'_>, point: &NumberDataPoint) {
    let number = match point.value {
        None => Err(Reason::NoValue),
        Some(number_data_point::Value::AsInt(value)) => Ok(value as f64),
        Some(number_data_point::Value::AsDouble(value)) if value.is_finite() => Ok(value),
        Some(number_data_point::Value::AsDouble(_)) => Err(Reason::NotFinite),
    };
    let value = number.and_then(|value| match place.key.shape {
        Shape::Sum if value < 0.0 => Err(Reason::Negative),
        Shape::Sum | Shape::Gauge | Shape::Histogram | Shape::Exponential | Shape::Summary => Ok(Value::Number(value)),
    });
    let head =
        Head { attributes: &point.attributes, start_ns: point.start_time_unix_nano, time_ns: point.time_unix_nano, flags: point.flags };
    put(intake, place, &head, value);
}

fn take_histogram(intake: &mut Intake<'_>, place: &Place<'_>, point: &HistogramDataPoint) {
    let head =
        Head { attributes: &point.attributes, start_ns: point.start_time_unix_nano, time_ns: point.time_unix_nano, flags: point.flags };
    let bounds = &point.explicit_bounds;
    let value = if is_sound(point) {
        let interned = intake.state.metrics.entry(place.key.clone()).or_default().bounds(bounds);
        // Both lists may be empty: then only the count is told.
        let counts = if point.bucket_counts.is_empty() { vec![point.count] } else { point.bucket_counts.clone() };
        Ok(Value::Buckets { bounds: interned, counts: counts.into() })
    } else {
        Err(Reason::Buckets)
    };
    put(intake, place, &head, value);
}

/// Whether buckets, bounds and count agree.
fn is_sound(point: &HistogramDataPoint) -> bool {
    let bounds = &point.explicit_bounds;
    // An upper bound of infinity is the last bucket's own, and not written.
    let are_bounds = bounds.iter().all(|bound| bound.is_finite()) && bounds.windows(2).all(|pair| pair[0] < pair[1]);
    if point.bucket_counts.is_empty() {
        return bounds.is_empty();
    }
    are_bounds && point.bucket_counts.len() == bounds.len() + 1 && sum(&point.bucket_counts) == Some(point.count)
}

fn sum(counts: &[u64]) -> Option<u64> {
    counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count))
}

fn take_exponential(intake: &mut Intake<'_>, place: &Place<'_>, point: &ExponentialHistogramDataPoint) {
    let head =
        Head { attributes: &point.attributes, start_ns: point.start_time_unix_nano, time_ns: point.time_unix_nano, flags: point.flags };
    put(intake, place, &head, exponential(point).ok_or(Reason::Buckets));
}

fn exponential(point: &ExponentialHistogramDataPoint) -> Option<Value> {
    let counted = |buckets: &Option<Buckets>| buckets.as_ref().map_or(Some(0), |buckets| sum(&buckets.bucket_counts));
    let total = counted(&point.positive)?.checked_add(counted(&point.negative)?)?.checked_add(point.zero_count)?;
    let is_threshold = point.zero_threshold.is_finite() && point.zero_threshold >= 0.0;
    if total != point.count || !SCALES.contains(&point.scale) || !is_threshold {
        return None;
    }
    let value = Exponential {
        scale: point.scale,
        zero_threshold: point.zero_threshold,
        zero_count: point.zero_count,
        positive: indexed(point.positive.as_ref())?,
        negative: indexed(point.negative.as_ref())?,
    };
    Some(Value::Exponential(Box::new(value.at_most(FINEST_SCALE))))
}

fn indexed(buckets: Option<&Buckets>) -> Option<Vec<(i32, u64)>> {
    let Some(buckets) = buckets else { return Some(Vec::new()) };
    let mut result = Vec::new();
    for (place, count) in buckets.bucket_counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        result.push((buckets.offset.checked_add(i32::try_from(place).ok()?)?, *count));
    }
    Some(result)
}

fn put(intake: &mut Intake<'_>, place: &Place<'_>, head: &Head<'_>, value: Result<Value, Reason>) {
    let name = &place.metric.name;
    if head.flags & NO_RECORDED_VALUE != 0 {
        return intake.ignore(Reason::NoRecordedValue, name, place.origin, head.time_ns);
    }
    if let Some(reason) = place.refusal {
        return intake.ignore(reason, name, place.origin, head.time_ns);
    }
    match value {
        Ok(value) => {
            if intake.is_in_time(name, place.origin, head.time_ns) {
                let key = SeriesKey { origin: place.origin, attributes: labels::key(head.attributes).into() };
                let own = || {
                    let mut own = labels::Labels::new();
                    labels::add(&mut own, head.attributes);
                    own
                };
                intake.put(&place.key, key, own, (head.time_ns, head.start_ns), value);
            }
        }
        Err(reason) => intake.ignore(reason, name, place.origin, head.time_ns),
    }
}
