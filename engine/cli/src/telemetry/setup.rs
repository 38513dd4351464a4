//! Starts and ends the log and, where they are asked for, traces and metrics.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::measures::Measures;
use super::parent::{Parent, parent};
use super::settings::{Destination, Signal, destination};
use super::transport::{Failures, Transport};

/// How long the end of a run waits for the collector, whatever the variables say: a pipeline is waiting too.
const LEAVE_TIME: Duration = Duration::from_secs(2);

/// Telemetry under way.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
    parent: Parent,
    failures: Failures,
}

/// A log on stderr and nothing else.
pub fn log_only(verbose: u8) {
    tracing_subscriber::registry().with(log_layer(verbose)).init();
}

/// The log, and what the variables ask for. Must not be called from within an async runtime.
pub fn start(verbose: u8) -> Telemetry {
    let mut complaints = Vec::new();
    let failures = Failures::default();
    let mut wanted = |signal| {
        let asked = destination(signal, variable).and_then(|destination| {
            destination.map(|to| Transport::new(&to, failures.clone()).map(|transport| (to, transport))).transpose()
        });
        asked.unwrap_or_else(|why| {
            complaints.push(format!("no {} are sent: {why}", signal.name()));
            None
        })
    };
    let (to_traces, to_metrics) = (wanted(Signal::Traces), wanted(Signal::Metrics));
    if to_traces.is_none() && to_metrics.is_none() {
        tracing_subscriber::registry().with(log_layer(verbose)).init();
        complain(&complaints);
        return Telemetry { traces: None, metrics: None, parent: Parent::None, failures };
    }
    let traces = to_traces.and_then(|(to, transport)| built(tracer_provider(&to, transport), Signal::Traces, &mut complaints));
    let metrics = to_metrics.and_then(|(to, transport)| built(meter_provider(&to, transport), Signal::Metrics, &mut complaints));
    let trace_layer = traces.as_ref().map(|provider| {
        // Where in the code and on which thread: nobody's concern but ours. Events may repeat a query, so only spans go out.
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer_with_scope(scope()))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_filter(only_our_spans())
    });
    let metric_layer = metrics.as_ref().map(|provider| Measures::new(&provider.meter_with_scope(scope())).with_filter(only_our_spans()));
    tracing_subscriber::registry().with(log_layer(verbose)).with(trace_layer).with(metric_layer).init();
    let parent = parent(variable);
    if matches!(parent, Parent::Invalid) {
        complaints.push(
            "TRACEPARENT: expected 00-TRACE-SPAN-FLAGS in hexadecimal (W3C), found something else; this trace stands alone".to_owned(),
        );
    }
    complain(&complaints);
    Telemetry { traces, metrics, parent, failures }
}

impl Telemetry {
    /// Makes a span a part of the caller's trace. It must not have been entered.
    pub fn continue_trace(&self, span: &Span) {
        if let Parent::Given(context) = &self.parent {
            // Fails where no traces are sent.
            let _ = span.set_parent(context.clone());
        }
    }

    /// Sends what is left, or gives up after [`LEAVE_TIME`].
    pub fn finish(self) {
        let until = Instant::now() + LEAVE_TIME;
        let (done, ended) = mpsc::channel();
        let mut under_way = 0;
        // Each on a thread that may outlast this function: the end of the process takes it along.
        if let Some(provider) = self.traces {
            let done = done.clone();
            under_way += 1;
            thread::spawn(move || done.send(provider.shutdown_with_timeout(LEAVE_TIME).is_ok()));
        }
        if let Some(provider) = self.metrics {
            under_way += 1;
            thread::spawn(move || done.send(provider.shutdown_with_timeout(LEAVE_TIME).is_ok()));
        }
        let is_late = (0..under_way).any(|_| ended.recv_timeout(until.saturating_duration_since(Instant::now())).is_err());
        if is_late {
            tracing::warn!("the collector is slow: after {LEAVE_TIME:?} the rest of traces and metrics is given up");
        }
        if let Some(text) = self.failures.text() {
            tracing::warn!("not all traces and metrics were sent: {text}");
        }
    }
}

fn complain(complaints: &[String]) {
    for text in complaints {
        tracing::warn!("{text}");
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn built<P>(provider: Result<P, opentelemetry_otlp::ExporterBuildError>, signal: Signal, complaints: &mut Vec<String>) -> Option<P> {
    // The error's own text may repeat the address.
    provider.map_err(|_| complaints.push(format!("no {} are sent: check the OTEL_EXPORTER_OTLP_* variables", signal.name()))).ok()
}

fn tracer_provider(to: &Destination, transport: Transport) -> Result<SdkTracerProvider, opentelemetry_otlp::ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(transport)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(to.endpoint.as_str())
        .with_timeout(to.timeout)
        .build()?;
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build())
}

fn meter_provider(to: &Destination, transport: Transport) -> Result<SdkMeterProvider, opentelemetry_otlp::ExporterBuildError> {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_http_client(transport)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(to.endpoint.as_str())
        .with_timeout(to.timeout)
        .build()?;
    Ok(SdkMeterProvider::builder().with_periodic_exporter(exporter).with_resource(resource()).build())
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("davy").with_version(env!("CARGO_PKG_VERSION")).build()
}

/// `OTEL_SERVICE_NAME`, then `OTEL_RESOURCE_ATTRIBUTES`, then what davy knows of itself.
fn resource() -> Resource {
    let given = variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let given = given.split(',').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let form = format!("v={}", value.trim().replace('+', "%2B"));
        let url = reqwest::Url::parse(&format!("http://form/?{form}")).ok()?;
        let (_, decoded) = url.query_pairs().next()?;
        Some(KeyValue::new(key.trim().to_owned(), decoded.into_owned()))
    });
    let service = variable("OTEL_SERVICE_NAME").filter(|name| !name.is_empty()).map(|name| KeyValue::new("service.name", name));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes([KeyValue::new("service.name", "davy"), KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))])
        .with_attributes(given)
        .with_attributes(service)
        .build()
}

fn only_our_spans() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    let is_ours: fn(&Metadata<'_>) -> bool =
        |metadata| metadata.is_span() && *metadata.level() <= tracing::Level::INFO && metadata.target().starts_with("davy");
    FilterFn::new(is_ours).with_max_level_hint(LevelFilter::INFO)
}

fn log_layer<S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>>(verbose: u8) -> impl Layer<S> {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt::layer().with_writer(crate::screen::AboveLines).with_target(false).without_time().with_filter(level)
}
