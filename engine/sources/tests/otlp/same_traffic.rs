//! The same snapshots seen by a scrape and by OTLP give the same windows, to the last count.

use std::collections::BTreeMap;

use davy_judge::arm::Arm;
use davy_sources::align::{Aligner, Grid};
use davy_sources::otlp::OtlpSource;
use davy_sources::samples::{Samples, Selector, Series, Signal as Metric, StreamData, StreamSpec};
use davy_sources::selector::parse_matchers;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{STEP_MS, T0_MS, at, metrics, plan, store, windows};

const WINDOWS: i64 = 6;

fn scraped(version: &str, pod: &str, le: &str, points: &[(i64, f64)]) -> Series {
    let labels = [("service_version", version), ("instance", pod), ("le", le), ("job", "shop")];
    Series {
        arm: if version == "v1" { Arm::Baseline } else { Arm::Canary },
        labels: labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into(),
        samples: Samples::Counter(points.to_vec()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_sources_show_the_same_counts(
        seen in prop::collection::vec([0_u64..100, 0_u64..30, 0_u64..4], 4..13),
        restart in prop::option::of(2_usize..10),
        lost in prop::option::of(1_usize..10),
    ) {
        let plan = plan(
            vec![StreamSpec::Histogram(Selector::parse("d_seconds").unwrap())],
            vec![Metric::Histogram { stream: 0 }],
        );
        let mut requests = Vec::new();
        let mut buckets: BTreeMap<(&str, &str), Vec<(i64, f64)>> = BTreeMap::new();
        for version in ["v1", "v2"] {
            let mut sums = [0_u64; 3];
            for (index, counts) in seen.iter().enumerate() {
                if restart == Some(index) {
                    sums = [0; 3];
                }
                for (sum, count) in sums.iter_mut().zip(counts) {
                    *sum += count;
                }
                if lost == Some(index) {
                    continue;
                }
                // A scrape knows no start; so neither does this exporter.
                let secs = 2.0 + 5.0 * index as f64;
                requests.push(metrics(version, "a-0", &json!({"name": "d", "unit": "s", "histogram": {"aggregationTemporality": 2, "dataPoints": [
                    {"timeUnixNano": at(secs), "count": sums.iter().sum::<u64>(), "bucketCounts": sums, "explicitBounds": [0.1, 0.5]}]}})));
                let time_ms = T0_MS + (secs * 1000.0) as i64;
                let mut below = 0.0;
                for (le, count) in ["0.1", "0.5", "+Inf"].into_iter().zip(sums) {
                    below += count as f64;
                    buckets.entry((version, le)).or_default().push((time_ms, below));
                }
            }
        }
        let series = buckets.iter().map(|((version, le), points)| scraped(version, "a-0", le, points)).collect();
        let mut aligner = Aligner::new(&plan, Grid { origin_ms: 0, step_ms: STEP_MS }).unwrap();
        aligner.feed(0, &StreamData { series, ..StreamData::default() });
        let by_otlp = windows(&OtlpSource::new(store(&requests), "otlp"), &plan, WINDOWS);
        for found in by_otlp {
            prop_assert_eq!(aligner.window(found.end_ms), found);
        }
    }
}

#[test]
fn labels_of_arms_and_where_may_be_written_either_way() {
    let request = metrics(
        "v2",
        "a-0",
        &json!({"name": "http.server.requests", "sum": {"isMonotonic": true, "aggregationTemporality": 1, "dataPoints": [
        {"startTimeUnixNano": at(1.0), "timeUnixNano": at(5.0), "asInt": 8, "attributes": [{"key": "http.response.status_code", "value": {"intValue": "200"}}]},
        {"startTimeUnixNano": at(1.0), "timeUnixNano": at(5.0), "asInt": 2, "attributes": [{"key": "http.response.status_code", "value": {"intValue": "503"}}]}]}}),
    );
    for (name, events) in [
        ("http_server_requests_total", "http_response_status_code=~\"5..\""),
        ("{\"http.server.requests\",\"http.response.status_code\"!=\"\"}", "\"http.response.status_code\"=~\"5..\""),
    ] {
        let plan = plan(
            vec![StreamSpec::Counter(Selector::parse(name).unwrap())],
            vec![Metric::Ratio { events: 0, events_where: parse_matchers(events).unwrap(), total: 0 }],
        );
        let found = windows(&OtlpSource::new(store(std::slice::from_ref(&request)), "otlp"), &plan, 1);
        assert_eq!(found[0].metrics[0].canary.merged(), davy_judge::reading::Reading::Counts { events: 2.0, requests: 10.0 }, "{name}");
    }
}
