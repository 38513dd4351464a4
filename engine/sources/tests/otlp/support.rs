//! Requests made by hand, a plan to read them with, and the windows that come of it.

use std::sync::Arc;

use davy_judge::arm::{Arm, PerArm};
use davy_judge::reading::Reading;
use davy_sources::align::{AlignedWindow, Aligner, Grid};
use davy_sources::otlp::{Encoding, Limits, OtlpSource, Request, Signal, WindowStore, decode};
use davy_sources::samples::{FetchPlan, Part, Signal as Metric, Span, StreamSpec};
use davy_sources::selector::parse_matchers;
use davy_sources::source::Source;
use serde_json::{Value, json};

/// The windows' length.
pub const STEP_MS: i64 = 10_000;
/// When everything begins, ms: a multiple of the step.
pub const T0_MS: i64 = 1_795_477_900_000;

/// A time in s after the beginning as OTLP writes it.
pub fn at(secs: f64) -> String {
    (T0_MS as u64 * 1_000_000 + (secs * 1e9) as u64).to_string()
}

/// One metric of one sender.
pub fn metrics(version: &str, instance: &str, metric: &Value) -> Request {
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let body = json!({"resourceMetrics": [{
        "resource": {"attributes": [attribute("service.version", version), attribute("service.instance.id", instance)]},
        "scopeMetrics": [{"scope": {"name": "test"}, "metrics": [metric]}]
    }]});
    decode(Signal::Metrics, Encoding::Json, body.to_string().as_bytes()).expect("the request is sound")
}

/// A store for tests: nothing is too old.
pub fn store(requests: &[Request]) -> Arc<WindowStore> {
    let store = WindowStore::new(Limits::offline());
    for request in requests {
        store.accept(request);
    }
    Arc::new(store)
}

/// A plan of one metric by each signal, arms by `service.version`.
pub fn plan(streams: Vec<StreamSpec>, signals: Vec<Metric>) -> FetchPlan {
    let arm = |text: &str| parse_matchers(text).expect("matchers");
    FetchPlan {
        streams,
        signals,
        slices: Vec::new(),
        arms: PerArm { baseline: arm("\"service.version\"=v1"), canary: arm("service_version=v2") },
        history_from: None,
        instance: Some("instance".to_owned()),
        step_ms: STEP_MS,
        max_history_samples: 1_000_000,
    }
}

/// What a source answers, on the grid.
pub fn windows(source: &impl Source, plan: &FetchPlan, count: i64) -> Vec<AlignedWindow> {
    let span = Span { start_ms: T0_MS - STEP_MS, end_ms: T0_MS + count * STEP_MS };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let fetched = runtime.block_on(source.fetch(plan, Part::Run, span));
    let mut aligner = Aligner::new(plan, Grid { origin_ms: 0, step_ms: STEP_MS }).expect("a sound plan");
    for (stream, answer) in fetched.into_iter().enumerate() {
        aligner.feed(stream, &answer.expect("an answer"));
    }
    (1..=count).map(|window| aligner.window(T0_MS + window * STEP_MS)).collect()
}

/// The first metric of an arm in each window, all instances together.
pub fn readings(requests: &[Request], plan: &FetchPlan, arm: Arm, count: i64) -> Vec<Reading> {
    let source = OtlpSource::new(store(requests), "otlp in a test");
    windows(&source, plan, count).iter().map(|window| window.metrics[0].get(arm).merged()).collect()
}

/// A histogram's bounds and counts, or what else it is.
pub fn buckets(reading: &Reading) -> Option<(Vec<f64>, Vec<f64>)> {
    match reading {
        Reading::Histogram(counts) => Some((counts.bounds().to_vec(), counts.counts().to_vec())),
        Reading::Missing | Reading::Value(_) | Reading::Total(_) | Reading::Counts { .. } => None,
    }
}

/// How many events a reading counts; none: unknown.
pub fn total(reading: &Reading) -> Option<f64> {
    match reading {
        Reading::Total(total) => Some(*total),
        Reading::Histogram(counts) => Some(counts.total()),
        Reading::Counts { requests, .. } => Some(*requests),
        Reading::Missing | Reading::Value(_) => None,
    }
}
