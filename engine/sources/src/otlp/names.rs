//! One metric, the names of both worlds: `http.server.request.duration` and `http_server_request_duration_seconds_count`.

use crate::otlp::labels::normalised;
use crate::otlp::point::{Factor, Shape};
use crate::otlp::series::MetricKey;

/// Units of time: OTLP's code, Prometheus' word, and how many of them make a second.
const TIMES: [(&str, &str, f64); 4] =
    [("s", "seconds", 1.0), ("ms", "milliseconds", 1e3), ("us", "microseconds", 1e6), ("ns", "nanoseconds", 1e9)];
/// Other units that Prometheus spells out.
const WORDS: [(&str, &str); 8] = [
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("min", "minutes"),
    ("h", "hours"),
    ("d", "days"),
    ("%", "percent"),
    ("1", "ratio"),
];

/// How a stream wants to read a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A number that rises: a sum's, or a histogram's observations.
    Counter,
    /// Buckets.
    Histogram,
    /// A value at a time.
    Level,
}

/// Whether a metric goes by a name, and by which factor its numbers must be multiplied then. None: it does not.
pub(super) fn factor(metric: &MetricKey, name: &str, wanted: Wanted) -> Option<Factor> {
    let plain = normalised(&metric.name);
    let time = TIMES.into_iter().find(|(code, _, _)| *code == metric.unit);
    // Without a unit in its name a time is read in seconds, as the rules do.
    let in_seconds = time.map_or(Factor::NONE, |(_, _, per_second)| between(per_second, 1.0));
    let is_count = matches!(metric.shape, Shape::Histogram | Shape::Exponential | Shape::Summary);
    let base = match (wanted, is_count) {
        // A histogram as a counter: `_count`, or its own name as Prometheus has it for native ones.
        (Wanted::Counter, true) => name.strip_suffix("_count").or_else(|| name.strip_suffix(".count")).unwrap_or(name),
        (Wanted::Counter, false) => name.strip_suffix("_total").unwrap_or(name),
        (Wanted::Histogram | Wanted::Level, _) => name,
    };
    let found = if name == metric.name || base == metric.name || base == plain || name == plain {
        Some(in_seconds)
    } else {
        let suffix = base.strip_prefix(&plain).and_then(|rest| rest.strip_prefix('_'))?;
        match time {
            Some((_, _, per_second)) => TIMES
                .into_iter()
                .find(|(_, word, _)| *word == suffix)
                .map(|(_, _, wanted_per_second)| between(per_second, wanted_per_second)),
            None => (unit_word(&metric.unit).is_some_and(|word| word == suffix)).then_some(Factor::NONE),
        }
    };
    // What is counted has no unit.
    found.map(|factor| if wanted == Wanted::Counter && is_count { Factor::NONE } else { factor })
}

/// From so many to a second to so many others to a second.
fn between(from: f64, to: f64) -> Factor {
    if from > to { Factor::Over(from / to) } else { Factor::Times(to / from) }
}

/// A unit as Prometheus spells it; annotations in braces are none.
fn unit_word(unit: &str) -> Option<String> {
    if unit.is_empty() || unit.starts_with('{') {
        return None;
    }
    let (above, below) = unit.split_once('/').map_or((unit, None), |(above, below)| (above, Some(below)));
    let word = |code: &str| {
        let time = TIMES.iter().find(|(known, _, _)| *known == code).map(|(_, word, _)| *word);
        time.or_else(|| WORDS.iter().find(|(known, _)| *known == code).map(|(_, word)| *word))
            .map_or_else(|| normalised(code), str::to_owned)
    };
    Some(match below {
        Some(below) => format!("{}_per_{}", word(above), word(below).trim_end_matches('s')),
        None => word(above),
    })
}

/// The name under which people would ask for it: Prometheus' with its suffixes.
pub(super) fn shown(metric: &MetricKey) -> String {
    let plain = normalised(&metric.name);
    let unit = unit_word(&metric.unit).filter(|word| !plain.ends_with(word.as_str()) && (word != "ratio" || metric.shape == Shape::Gauge));
    let named = unit.map_or(plain.clone(), |word| format!("{plain}_{word}"));
    if metric.shape == Shape::Sum && !named.ends_with("_total") { format!("{named}_total") } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str, unit: &str, shape: Shape) -> MetricKey {
        MetricKey { name: name.to_owned(), unit: unit.to_owned(), shape, is_delta: false }
    }

    #[test]
    fn a_metric_goes_by_the_names_of_both_worlds() {
        let duration = metric("http.server.request.duration", "s", Shape::Histogram);
        for name in ["http.server.request.duration", "http_server_request_duration", "http_server_request_duration_seconds"] {
            assert_eq!(factor(&duration, name, Wanted::Histogram), Some(Factor::NONE), "{name}");
            assert_eq!(factor(&duration, &format!("{name}_count"), Wanted::Counter), Some(Factor::NONE), "{name}");
        }
        let requests = metric("http.server.requests", "{request}", Shape::Sum);
        for name in ["http.server.requests", "http_server_requests_total", "http_server_requests"] {
            assert_eq!(factor(&requests, name, Wanted::Counter), Some(Factor::NONE), "{name}");
        }
        assert_eq!(factor(&metric("net.io", "By", Shape::Sum), "net_io_bytes_total", Wanted::Counter), Some(Factor::NONE));
        assert_eq!(factor(&duration, "http_server_request", Wanted::Histogram), None);
        assert_eq!(factor(&duration, "http_server_request_duration_bytes", Wanted::Histogram), None);
        assert_eq!(factor(&metric("a", "s", Shape::Histogram), "ab", Wanted::Histogram), None);
    }

    #[test]
    fn times_come_in_the_unit_of_the_name_that_is_asked_for() {
        let old = metric("http.server.duration", "ms", Shape::Histogram);
        assert_eq!(factor(&old, "http_server_duration_milliseconds", Wanted::Histogram), Some(Factor::Times(1.0)));
        assert_eq!(factor(&old, "http_server_duration_seconds", Wanted::Histogram), Some(Factor::Over(1000.0)));
        assert_eq!(factor(&old, "http.server.duration", Wanted::Histogram), Some(Factor::Over(1000.0)));
        assert_eq!(factor(&old, "http_server_duration_milliseconds_count", Wanted::Counter), Some(Factor::NONE));
        let new = metric("http.server.duration", "s", Shape::Exponential);
        assert_eq!(factor(&new, "http_server_duration_milliseconds", Wanted::Histogram), Some(Factor::Times(1000.0)));
    }

    #[test]
    fn names_are_shown_as_prometheus_has_them() {
        for (name, unit, shape, wanted) in [
            ("http.server.request.duration", "s", Shape::Histogram, "http_server_request_duration_seconds"),
            ("http.server.requests", "{request}", Shape::Sum, "http_server_requests_total"),
            ("disk.used", "By", Shape::Gauge, "disk_used_bytes"),
            ("disk.speed", "By/s", Shape::Gauge, "disk_speed_bytes_per_second"),
        ] {
            assert_eq!(shown(&metric(name, unit, shape)), wanted);
        }
    }
}
