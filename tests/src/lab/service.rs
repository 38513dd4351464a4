//! One instance of an instrumented service: its handler, its metrics, its `/metrics`.

use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use davy_judge::arm::Arm;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use serde::Deserialize;

use super::exposition::{self, encode_delimited, families_of_text, native_family};
use super::model::{Mode, Timeline};
use super::native::Native;
use super::random::Draws;
use super::work::{Answer, answer, behaviour};

/// Prometheus' default bounds and three more around the service's P99, in seconds.
pub const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The counter of requests, labels `code` and `handler`.
pub const REQUESTS: &str = "http_requests_total";
/// The classic histogram, label `handler`.
pub const DURATION: &str = "http_request_duration_seconds";
/// The native histogram of the same latencies; only in protobuf.
pub const NATIVE_DURATION: &str = "http_request_duration_native_seconds";

/// Who an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// What the pair of services does.
    pub mode: Mode,
    /// Which of the two services it belongs to.
    pub arm: Arm,
    /// Its number in the arm, from 0.
    pub number: usize,
}

impl Identity {
    /// The label `instance`.
    pub fn instance(self) -> String {
        format!("{}-{}-{}", self.mode.name(), self.arm.name(), self.number)
    }

    /// Seeds differ between modes, arms and instances.
    pub fn seed(self) -> u64 {
        let arm = match self.arm {
            Arm::Baseline => 0,
            Arm::Canary => 1,
        };
        20_260_101 + (self.mode as u64 * 2 + arm) * 100 + self.number as u64
    }
}

/// What an instance has served since its process started, counted apart from its instrumentation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Served {
    /// Requests.
    pub requests: u64,
    /// Of them, answered with 500.
    pub errors: u64,
    /// Of them, slower than 0.4 s.
    pub over_400ms: u64,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    code: u16,
    handler: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HandlerLabels {
    handler: &'static str,
}

/// What one life of the process knows; a restart begins anew.
struct Process {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    duration: Histogram,
    native: Native,
    served: Served,
    scrapes: Vec<Served>,
}

impl Process {
    fn new() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<RequestLabels, Counter>::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        let durations = Family::<HandlerLabels, Histogram>::new_with_constructor(|| Histogram::new(BOUNDS));
        registry.register(DURATION, "Time to the answer, in seconds", durations.clone());
        // Known from the start, so that the first failure is an increment and not a birth.
        for code in [200, 500] {
            drop(requests.get_or_create(&RequestLabels { code, handler: "/work" }));
        }
        let duration = durations.get_or_create(&HandlerLabels { handler: "/work" }).clone();
        Process { registry, requests, duration, native: Native::default(), served: Served::default(), scrapes: Vec::new() }
    }
}

/// One instance. Cheap to share; what it draws goes on over restarts, what it counts does not.
pub struct Instance {
    /// Who it is.
    pub identity: Identity,
    timeline: Timeline,
    process: Mutex<Process>,
    draws: Mutex<Draws>,
}

impl Instance {
    /// A process that has served nothing yet.
    pub fn new(identity: Identity, timeline: Timeline) -> Arc<Self> {
        let draws = Mutex::new(Draws::new(identity.seed()));
        Arc::new(Instance { identity, timeline, process: Mutex::new(Process::new()), draws })
    }

    /// Handles one request that arrives `at` seconds after the lab began. Its metrics change all at once, as far as
    /// a scrape can see.
    pub fn work(&self, at: f64) -> Answer {
        let Identity { mode, arm, number } = self.identity;
        let behaviour = behaviour(mode, arm, number, at, &self.timeline);
        let answer = answer(&mut self.draws.lock().expect("no draw panics"), &behaviour);
        let mut process = self.process();
        process.requests.get_or_create(&RequestLabels { code: answer.status, handler: "/work" }).inc();
        process.duration.observe(answer.latency);
        process.native.observe(answer.latency);
        process.served.requests += 1;
        process.served.errors += u64::from(answer.status == 500);
        process.served.over_400ms += u64::from(answer.latency > 0.4);
        answer
    }

    /// By which it lives.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// What the present process has served.
    pub fn served(&self) -> Served {
        self.process().served
    }

    /// What the present process had served at each of its scrapes.
    pub fn scrapes(&self) -> Vec<Served> {
        self.process().scrapes.clone()
    }

    /// A new process takes the place of the old: every counter begins at zero.
    pub fn restart(&self) {
        *self.process() = Process::new();
    }

    /// The instance's HTTP interface.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        axum::Router::new().route("/metrics", get(metrics)).route("/work", get(work)).with_state(Arc::clone(self))
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().expect("no handler panics")
    }

    /// The metrics as one moment shows them.
    fn scrape(&self, protobuf: bool) -> anyhow::Result<(&'static str, Vec<u8>)> {
        let mut process = self.process();
        let mut text = String::new();
        encode(&mut text, &process.registry).context("encoding the registry")?;
        let served = process.served;
        process.scrapes.push(served);
        if !protobuf {
            return Ok((exposition::TEXT, text.into_bytes()));
        }
        let mut families = families_of_text(&text)?;
        families.push(native_family(NATIVE_DURATION, &process.native));
        Ok((exposition::PROTOBUF, encode_delimited(&families)))
    }
}

async fn metrics(State(instance): State<Arc<Instance>>, headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match instance.scrape(accepted.contains("application/vnd.google.protobuf")) {
        Ok((content_type, body)) => ([(header::CONTENT_TYPE, content_type)], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

#[derive(Deserialize)]
struct Arrival {
    at: f64,
}

async fn work(State(instance): State<Arc<Instance>>, Query(arrival): Query<Arrival>) -> StatusCode {
    StatusCode::from_u16(instance.work(arrival.at).status).expect("200 and 500 are statuses")
}
