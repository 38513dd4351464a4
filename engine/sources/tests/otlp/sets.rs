//! What counts is the set of points: order, portions and retries make no difference; deltas and cumulative points agree.

use davy_judge::arm::Arm;
use davy_judge::reading::Reading;
use davy_sources::otlp::{OtlpSource, Request};
use davy_sources::samples::Selector;
use davy_sources::samples::{FetchPlan, Signal as Metric, StreamSpec};
use davy_sources::selector::parse_matchers;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{at, buckets, metrics, plan, readings, store, total, windows};

/// How many windows are looked at.
const WINDOWS: i64 = 6;

/// A histogram and a ratio of its counts.
fn both() -> FetchPlan {
    let selector = |text: &str| Selector::parse(text).expect("a selector");
    plan(
        vec![
            StreamSpec::Histogram(selector("http_server_request_duration_seconds")),
            StreamSpec::Counter(selector("http_server_request_duration_seconds_count")),
        ],
        vec![
            Metric::Histogram { stream: 0 },
            Metric::Ratio { events: 1, events_where: parse_matchers("http_response_status_code=~\"5..\"").expect("matchers"), total: 1 },
        ],
    )
}

/// What a process saw between two exports: observations by bucket, for each status code.
type Export = Vec<(u16, [u64; 3])>;

fn exports() -> impl Strategy<Value = Vec<Export>> {
    let code = prop_oneof![Just(200_u16), Just(500)];
    let counts = [0_u64..50, 0_u64..20, 0_u64..5];
    prop::collection::vec(prop::collection::vec((code, counts), 1..3), 3..12)
}

/// The requests of one process that exports every 4.3 s; `restart`: the export before which it starts anew.
fn requests(exports: &[Export], version: &str, is_delta: bool, is_exponential: bool, restart: Option<usize>) -> Vec<Request> {
    let mut sums: std::collections::BTreeMap<u16, [u64; 3]> = std::collections::BTreeMap::new();
    let mut began = 0.5;
    let mut all = Vec::new();
    // Codes are known from the start, so that a delta and a cumulative reader both see the first increment.
    for (index, export) in exports.iter().enumerate() {
        let (from, to) = (0.5 + 4.3 * index as f64, 0.5 + 4.3 * (index + 1) as f64);
        if restart == Some(index) {
            sums.clear();
            began = from + 0.1;
        }
        let mut added: std::collections::BTreeMap<u16, [u64; 3]> = [(200, [0; 3]), (500, [0; 3])].into();
        for (code, counts) in export {
            for (sum, count) in added.entry(*code).or_default().iter_mut().zip(counts) {
                *sum += count;
            }
        }
        for (code, counts) in &added {
            for (sum, count) in sums.entry(*code).or_default().iter_mut().zip(counts) {
                *sum += count;
            }
        }
        let shown = if is_delta { &added } else { &sums };
        let start = if is_delta { from } else { began };
        let points: Vec<Value> = shown.iter().map(|(code, counts)| point(*code, counts, (start, to), is_exponential)).collect();
        let data = json!({"aggregationTemporality": if is_delta { 1 } else { 2 }, "dataPoints": points});
        let kind = if is_exponential { "exponentialHistogram" } else { "histogram" };
        all.push(metrics(version, "a-0", &json!({"name": "http.server.request.duration", "unit": "s", kind: data})));
    }
    all
}

fn point(code: u16, counts: &[u64; 3], (start, time): (f64, f64), is_exponential: bool) -> Value {
    let mut point = json!({
        "attributes": [{"key": "http.response.status_code", "value": {"intValue": code}}],
        "startTimeUnixNano": at(start), "timeUnixNano": at(time), "count": counts.iter().sum::<u64>().to_string(),
    });
    if is_exponential {
        point["scale"] = json!(2);
        point["positive"] = json!({"offset": -20, "bucketCounts": counts});
    } else {
        point["explicitBounds"] = json!([0.01, 0.1]);
        point["bucketCounts"] = json!(counts);
    }
    point
}

/// What a reading says: of a histogram the buckets that are not empty, since a cumulative point also names those that are.
fn content(reading: &Reading) -> (Vec<(f64, f64, f64)>, Option<Reading>) {
    let Some((bounds, counts)) = buckets(reading) else { return (Vec::new(), Some(reading.clone())) };
    let edge = |index: Option<usize>, open: f64| index.and_then(|index| bounds.get(index).copied()).unwrap_or(open);
    let all = counts.iter().enumerate().filter(|(_, count)| **count > 0.0);
    (all.map(|(index, count)| (edge(index.checked_sub(1), 0.0), edge(Some(index), f64::INFINITY), *count)).collect(), None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn order_portions_and_retries_make_no_difference(
        baseline in exports(),
        canary in exports(),
        is_delta: bool,
        is_exponential: bool,
        order in prop::collection::vec(any::<prop::sample::Index>(), 40),
    ) {
        let mut sent = requests(&baseline, "v1", is_delta, is_exponential, Some(2));
        sent.extend(requests(&canary, "v2", !is_delta, is_exponential, None));
        // Every request at least once, in any order, some again.
        let mut shuffled: Vec<Request> = order.iter().map(|index| index.get(&sent).clone()).collect();
        let mut rest = sent.clone();
        for index in &order {
            if !rest.is_empty() {
                shuffled.push(rest.swap_remove(index.index(rest.len())));
            }
        }
        shuffled.extend(rest);
        let of = |requests: &[Request]| windows(&OtlpSource::new(store(requests), "otlp"), &both(), WINDOWS);
        prop_assert_eq!(of(&shuffled), of(&sent));
    }

    #[test]
    fn deltas_and_cumulative_points_of_one_process_agree(
        seen in exports(),
        is_exponential: bool,
        restart in prop::option::of(1_usize..8),
    ) {
        let of = |is_delta: bool| windows(&OtlpSource::new(store(&requests(&seen, "v1", is_delta, is_exponential, restart)), "otlp"), &both(), WINDOWS);
        for (one, other) in of(true).iter().zip(&of(false)) {
            for (left, right) in one.metrics.iter().zip(&other.metrics) {
                prop_assert_eq!(content(&left.baseline.merged()), content(&right.baseline.merged()), "window {}", one.end_ms);
            }
        }
    }

    #[test]
    fn every_observation_is_in_one_window(seen in exports(), is_delta: bool, is_exponential: bool) {
        let found: f64 = readings(&requests(&seen, "v2", is_delta, is_exponential, Some(1)), &both(), Arm::Canary, WINDOWS).iter().filter_map(total).sum();
        let sent: u64 = seen.iter().flatten().flat_map(|(_, counts)| counts).sum();
        prop_assert_eq!(found, sent as f64);
    }
}
