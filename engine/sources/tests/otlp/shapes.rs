//! Each kind of data, restarts, gaps, holes, bounds: what a window shows of them.

use davy_judge::arm::Arm;
use davy_judge::reading::Reading;
use davy_sources::otlp::{Encoding, Limits, OtlpSource, Reason, Request, Signal, WindowStore, decode};
use davy_sources::samples::{FetchPlan, Part, Selector, Signal as Metric, Span, StreamSpec};
use davy_sources::selector::parse_matchers;
use davy_sources::source::Source;
use serde_json::{Value, json};

use crate::support::{STEP_MS, T0_MS, at, buckets, metrics, plan, readings, store, total, windows};

fn selector(name: &str) -> Selector {
    Selector { name: name.to_owned(), matchers: Vec::new() }
}

fn rate(name: &str) -> FetchPlan {
    plan(vec![StreamSpec::Counter(selector(name))], vec![Metric::Rate { stream: 0 }])
}

fn histogram(name: &str) -> FetchPlan {
    plan(vec![StreamSpec::Histogram(selector(name))], vec![Metric::Histogram { stream: 0 }])
}

fn sum(points: &[(f64, f64, u64)], temporality: u8) -> Value {
    let points =
        points.iter().map(|(start, time, value)| json!({"startTimeUnixNano": at(*start), "timeUnixNano": at(*time), "asInt": value}));
    json!({"name": "shop.orders", "unit": "{order}", "sum": {"isMonotonic": true, "aggregationTemporality": temporality, "dataPoints": points.collect::<Vec<_>>()}})
}

fn totals(points: &[(f64, f64, u64)], temporality: u8) -> Vec<Option<f64>> {
    let request = metrics("v2", "a-0", &sum(points, temporality));
    readings(&[request], &rate("shop_orders_total"), Arm::Canary, 4).iter().map(total).collect()
}

#[test]
fn a_restart_is_seen_though_the_count_did_not_drop() {
    // Nine, then a new process that is at twelve already: twelve were added, not three.
    let points = [(1.0, 5.0, 4), (1.0, 9.0, 9), (12.0, 15.0, 12), (12.0, 25.0, 20)];
    assert_eq!(totals(&points, 2), [Some(9.0), Some(12.0), Some(8.0), None]);
}

#[test]
fn a_count_that_drops_is_a_restart_without_any_start() {
    let points = [(-1e9, 5.0, 4), (-1e9, 9.0, 9), (-1e9, 15.0, 2)].map(|(_, time, value)| (f64::NEG_INFINITY, time, value));
    let request = metrics(
        "v2",
        "a-0",
        &json!({"name": "shop.orders", "sum": {"isMonotonic": true, "aggregationTemporality": 2, "dataPoints":
            points.iter().map(|(_, time, value)| json!({"timeUnixNano": at(*time), "asInt": value})).collect::<Vec<_>>()}}),
    );
    let found: Vec<Option<f64>> = readings(&[request], &rate("shop.orders"), Arm::Canary, 2).iter().map(total).collect();
    assert_eq!(found, [Some(5.0), Some(2.0)], "the first point is only a starting point: when it began is not known");
}

#[test]
fn what_began_long_before_it_was_first_seen_is_a_starting_point() {
    assert_eq!(totals(&[(-9000.0 + 9000.0, 5.0, 7)], 2)[0], Some(7.0));
    let old = metrics(
        "v2",
        "a-0",
        &json!({"name": "shop.orders", "sum": {"isMonotonic": true, "aggregationTemporality": 2, "dataPoints": [
        {"startTimeUnixNano": "1795470000000000000", "timeUnixNano": at(5.0), "asInt": 7000},
        {"startTimeUnixNano": "1795470000000000000", "timeUnixNano": at(15.0), "asInt": 7003}]}}),
    );
    let found: Vec<Option<f64>> = readings(&[old], &rate("shop.orders"), Arm::Canary, 2).iter().map(total).collect();
    assert_eq!(found, [None, Some(3.0)]);
}

#[test]
fn deltas_are_increments_and_one_over_many_windows_is_unknown() {
    let points = [(0.0, 5.0, 4), (5.0, 9.0, 5), (9.0, 15.0, 12)];
    assert_eq!(totals(&points, 1), [Some(9.0), Some(12.0), None, None]);
    assert_eq!(totals(&[(0.0, 35.0, 100)], 1), [None, None, None, None], "nobody knows when it was");
}

#[test]
fn two_instances_are_added_and_told_apart() {
    let one = metrics("v2", "a-0", &sum(&[(1.0, 5.0, 4), (1.0, 15.0, 10)], 2));
    let other = metrics("v2", "a-1", &sum(&[(0.0, 5.0, 40), (5.0, 15.0, 60)], 1));
    let found = windows(&OtlpSource::new(store(&[one, other]), "otlp"), &rate("shop_orders_total"), 2);
    assert_eq!(found[1].metrics[0].canary.merged(), Reading::Total(66.0), "one cumulative, one delta");
    assert_eq!(found[1].metrics[0].canary.of("a-1"), Some(&Reading::Total(60.0)));
    assert_eq!((found[1].instances.canary, found[1].instances.baseline), (2, 0));
}

#[test]
fn milliseconds_are_read_as_the_rule_names_them() {
    let data = json!({"name": "http.server.duration", "unit": "ms", "histogram": {"aggregationTemporality": 1, "dataPoints": [
        {"startTimeUnixNano": at(1.0), "timeUnixNano": at(5.0), "count": 6, "bucketCounts": [1, 2, 3], "explicitBounds": [5, 75]}]}});
    let request = [metrics("v2", "a-0", &data)];
    let of = |name: &str| buckets(&readings(&request, &histogram(name), Arm::Canary, 1)[0]).expect("buckets");
    assert_eq!(of("http_server_duration_milliseconds"), (vec![5.0, 75.0], vec![1.0, 2.0, 3.0]));
    assert_eq!(of("http_server_duration_seconds"), (vec![0.005, 0.075], vec![1.0, 2.0, 3.0]));
    assert_eq!(of("http.server.duration").0, [0.005, 0.075]);
}

#[test]
fn exponential_histograms_of_different_scales_are_added() {
    let data = |scale: i32, offset: i32, counts: &[u64]| {
        json!({"name": "d", "unit": "s", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [
            {"startTimeUnixNano": at(1.0), "timeUnixNano": at(5.0), "count": counts.iter().sum::<u64>(), "scale": scale,
             "positive": {"offset": offset, "bucketCounts": counts}}]}})
    };
    // (1, 2] three times as (1, 2^(1/64)] and so on, and (1, 2], (2, 4] at scale 0.
    let requests = [metrics("v2", "a-0", &data(6, 0, &[1, 1, 1])), metrics("v2", "a-1", &data(0, 0, &[5, 7]))];
    let (bounds, counts) = buckets(&readings(&requests, &histogram("d"), Arm::Canary, 1)[0]).expect("buckets");
    assert_eq!(counts.iter().sum::<f64>(), 15.0);
    assert!(bounds.contains(&2.0) && bounds.contains(&4.0), "{bounds:?}");
    let below: f64 = bounds.iter().zip(&counts).filter(|(bound, _)| **bound <= 2.0).map(|(_, count)| count).sum();
    assert_eq!(below, 8.0);
}

#[test]
fn a_summary_counts_and_has_no_buckets() {
    let data = json!({"name": "rpc.latency", "unit": "s", "summary": {"dataPoints": [
        {"startTimeUnixNano": at(1.0), "timeUnixNano": at(5.0), "count": 9, "sum": 1.5, "quantileValues": [{"quantile": 0.5, "value": 0.1}]}]}});
    let request = [metrics("v2", "a-0", &data)];
    assert_eq!(readings(&request, &rate("rpc_latency_seconds_count"), Arm::Canary, 1), [Reading::Total(9.0)]);
    assert_eq!(readings(&request, &histogram("rpc_latency_seconds"), Arm::Canary, 1), [Reading::Missing]);
}

#[test]
fn levels_are_read_by_expressions() {
    let gauge = |instance: &str, value: f64| {
        metrics(
            "v2",
            instance,
            &json!({"name": "process.cpu.utilization", "unit": "1", "gauge": {"dataPoints": [{"timeUnixNano": at(5.0), "asDouble": value}]}}),
        )
    };
    let request = [gauge("a-0", 0.25), gauge("a-1", 0.75)];
    let of = |text: &str| {
        let plan = plan(vec![StreamSpec::Expression(text.to_owned())], vec![Metric::Scalar { stream: 0 }]);
        readings(&request, &plan, Arm::Canary, 1)[0].clone()
    };
    assert_eq!(of("avg(process_cpu_utilization{{{arm}}})"), Reading::Value(0.5));
    assert_eq!(of("max(process_cpu_utilization_ratio{{{arm}}})"), Reading::Value(0.75));
    let plan = plan(vec![StreamSpec::Expression("rate(a{{{arm}}}[5m])".to_owned())], vec![Metric::Scalar { stream: 0 }]);
    let source = OtlpSource::new(store(&request), "otlp in a test");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(source.fetch(&plan, Part::Run, Span { start_ms: T0_MS, end_ms: T0_MS + STEP_MS }));
    assert!(answer[0].as_ref().unwrap_err().to_string().contains("OTLP is no PromQL"), "{answer:?}");
}

fn logs(records: &[Value]) -> Request {
    let body = json!({"resourceLogs": [{"resource": {"attributes": [{"key": "service.version", "value": {"stringValue": "v2"}}]},
        "scopeLogs": [{"logRecords": records}]}]});
    decode(Signal::Logs, Encoding::Json, body.to_string().as_bytes()).expect("sound")
}

#[test]
fn log_records_are_counted_once_by_severity() {
    let record =
        |secs: f64, severity: u8, body: &str| json!({"timeUnixNano": at(secs), "severityNumber": severity, "body": {"stringValue": body}});
    let batch =
        logs(&[record(3.0, 17, "lost"), record(3.0, 17, "lost"), record(4.0, 9, "fine"), record(4.5, 21, "dead"), record(13.0, 9, "fine")]);
    let errors = plan(
        vec![StreamSpec::Counter(selector("log_records_total"))],
        vec![Metric::Ratio { events: 0, events_where: parse_matchers("severity=~\"ERROR|FATAL\"").unwrap(), total: 0 }],
    );
    let found = readings(&[batch.clone(), batch.clone(), batch], &errors, Arm::Canary, 2);
    assert_eq!(found[0], Reading::Counts { events: 3.0, requests: 4.0 }, "two alike in one request are two; a retry is none");
    assert_eq!(found[1], Reading::Counts { events: 0.0, requests: 1.0 });
}

#[test]
fn server_spans_give_latency_errors_and_throughput() {
    let span = |id: u8, kind: u8, from: f64, to: f64, code: u8| {
        json!({"traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": "GET /work", "kind": kind,
            "startTimeUnixNano": at(from), "endTimeUnixNano": at(to), "status": {"code": code}})
    };
    let body = json!({"resourceSpans": [{"resource": {"attributes": [{"key": "service.version", "value": {"stringValue": "v2"}}]},
        "scopeSpans": [{"spans": [span(1, 2, 1.0, 1.25, 0), span(2, 2, 2.0, 2.25, 2), span(3, 3, 2.0, 2.2, 0), span(4, 2, 5.0, 7.0, 1)]}]}]});
    let request = decode(Signal::Traces, Encoding::Json, body.to_string().as_bytes()).unwrap();
    let requests = [request.clone(), request];
    let plan = plan(
        vec![
            StreamSpec::Histogram(selector("traces_span_metrics_duration_seconds")),
            StreamSpec::Counter(selector("traces.span.metrics.duration.count")),
        ],
        vec![
            Metric::Histogram { stream: 0 },
            Metric::Ratio { events: 1, events_where: parse_matchers("status_code=STATUS_CODE_ERROR").unwrap(), total: 1 },
        ],
    );
    let shared = store(&requests);
    let found = windows(&OtlpSource::new(shared.clone(), "otlp"), &plan, 1);
    let (bounds, counts) = buckets(&found[0].metrics[0].canary.merged()).unwrap();
    assert_eq!(counts.iter().sum::<f64>(), 3.0);
    assert!(bounds.contains(&0.25) && bounds.contains(&2.0), "an observation at a bound lies below it: {bounds:?}");
    assert_eq!(found[0].metrics[1].canary.merged(), Reading::Counts { events: 1.0, requests: 3.0 });
    assert_eq!(shared.usage().ignored, [(Reason::Duplicate, 3), (Reason::NotServerSpan, 2)].into());
}

#[test]
fn what_was_rejected_is_told_and_its_window_is_not_trusted() {
    let store = WindowStore::new(Limits::offline());
    let data = |count: u64| {
        json!({"name": "d", "unit": "s", "histogram": {"aggregationTemporality": 1, "dataPoints": [
        {"startTimeUnixNano": at(1.0), "timeUnixNano": at(5.0), "count": count, "bucketCounts": [1, 2], "explicitBounds": [1]}]}})
    };
    assert_eq!(store.accept(&metrics("v1", "a-0", &data(3))), davy_sources::otlp::Outcome::default());
    let outcome = store.accept(&metrics("v2", "a-1", &data(4)));
    assert_eq!(outcome.rejected, 1);
    assert!(outcome.message.as_deref().unwrap().contains("(first d)"), "{outcome:?}");
    let source = OtlpSource::new(std::sync::Arc::new(store), "otlp");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let span = Span { start_ms: T0_MS, end_ms: T0_MS + STEP_MS };
    let answer = runtime.block_on(source.fetch(&histogram("d"), Part::Run, span));
    let doubts = &answer[0].as_ref().unwrap().doubts;
    assert_eq!(doubts.len(), 1);
    assert!(doubts[0].1.contains("points of d were not taken"), "{doubts:?}");
}

/// What keeps the first window of a plan's only stream from being trusted.
fn doubts(requests: &[Request], plan: &FetchPlan) -> Vec<(Span, String)> {
    let source = OtlpSource::new(store(requests), "otlp");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let span = Span { start_ms: T0_MS, end_ms: T0_MS + STEP_MS };
    let mut answer = runtime.block_on(source.fetch(plan, Part::Run, span));
    answer.remove(0).expect("an answer").doubts
}

#[test]
fn what_says_no_time_may_be_missing_in_any_window() {
    let timeless =
        json!({"name": "shop.orders", "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{"asInt": "4"}]}});
    let requests = [metrics("v1", "a-0", &sum(&[(1.0, 5.0, 4)], 2)), metrics("v2", "b-0", &timeless)];
    let found = doubts(&requests, &rate("shop_orders_total"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, Span { start_ms: T0_MS, end_ms: T0_MS + STEP_MS });
    assert!(found[0].1.contains("found none"), "{found:?}");
    assert_eq!(doubts(&[metrics("v3", "b-0", &timeless)], &rate("shop_orders_total")), [], "it belongs to neither arm");
}

#[test]
fn a_level_that_was_not_taken_is_not_made_up_of_the_one_before() {
    let level = |value: Value| json!({"name": "load", "gauge": {"dataPoints": [{"timeUnixNano": at(5.0), "asDouble": value}]}});
    let mut plan = rate("load");
    plan.streams = vec![StreamSpec::Expression("sum(load{ {{arm}} })".to_owned())];
    plan.signals = vec![Metric::Scalar { stream: 0 }];
    assert_eq!(doubts(&[metrics("v2", "b-0", &level(json!(0.5)))], &plan), []);
    let found = doubts(&[metrics("v2", "b-0", &level(json!(0.5))), metrics("v2", "b-1", &level(json!("NaN")))], &plan);
    assert!(found.len() == 1 && found[0].1.contains("points of load were not taken"), "{found:?}");
}

#[test]
fn holes_beyond_number_are_anybodys() {
    let bad = |name: &str| json!({"name": name, "gauge": {"dataPoints": [{"timeUnixNano": at(5.0), "asDouble": "NaN"}]}});
    let mut requests: Vec<Request> = (0..10_000).map(|number| metrics("v9", "z-0", &bad(&format!("other.{number}")))).collect();
    let plan = rate("shop_orders_total");
    assert_eq!(doubts(&requests, &plan), [], "of other metrics, of neither arm");
    requests.push(metrics("v9", "z-0", &bad("one.more")));
    let found = doubts(&requests, &plan);
    assert!(found.len() == 1 && found[0].1.contains("too many"), "{found:?}");
}

#[test]
fn an_empty_arm_is_explained_by_what_there_is() {
    let request = metrics("v3", "a-0", &sum(&[(1.0, 5.0, 4)], 2));
    let source = OtlpSource::new(store(&[request]), "otlp");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let span = Span { start_ms: T0_MS, end_ms: T0_MS + STEP_MS };
    let why = |plan: &FetchPlan| runtime.block_on(source.explain_empty(plan, Arm::Canary, span)).unwrap();
    assert!(
        why(&rate("shop_orders_total")).contains("has service_version=\"v2\"; values there: v3"),
        "{}",
        why(&rate("shop_orders_total"))
    );
    assert!(why(&rate("shop_order_total")).contains("shop_orders_total"), "{}", why(&rate("shop_order_total")));
}

#[test]
fn bounds_in_series_time_and_memory_are_kept_and_counted() {
    let one = |instance: &str, secs: f64| metrics("v2", instance, &sum(&[(0.0, secs, 4)], 2));
    let few = WindowStore::new(Limits { max_series: 2, ..Limits::offline() });
    for instance in ["a-0", "a-1", "a-2", "a-0"] {
        few.accept(&one(instance, 5.0));
    }
    assert_eq!((few.usage().series, few.usage().ignored.get(&Reason::SeriesLimit)), (2, Some(&1)));

    let short = WindowStore::new(Limits { retention_ms: Some(60_000), ..Limits::offline() });
    for second in 0..200 {
        short.accept(&one("a-0", f64::from(second)));
    }
    assert!(short.usage().points < 80 && short.usage().evicted > 120, "{:?}", short.usage());
    assert_eq!(short.accept(&one("a-0", 1.5)).rejected, 1, "it would come back from the dead");

    let small = WindowStore::new(Limits { max_bytes: 60_000, ..Limits::offline() });
    for minute in 0..2000 {
        small.accept(&one("a-0", f64::from(minute) * 60.0));
    }
    assert!(small.usage().bytes <= 60_000 && small.usage().evicted > 0, "{:?}", small.usage());
    assert!(small.usage().points >= 10, "the last ten minutes stay: {:?}", small.usage());

    let live = WindowStore::new(Limits::live());
    assert_eq!(live.accept_at(&one("a-0", 5000.0), T0_MS).rejected, 1, "a clock that runs ahead ages nobody else's points");
    assert_eq!(live.newest_ms(), None);
}
