//! What davy tells about itself: a log on stderr, and traces over OTLP where the standard variables ask for them.
//!
//! Off, the traces cost nothing. Failing, they are said in the log: watching never changes the answer.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Variables that ask for traces.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// Telemetry under way.
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// A log on stderr and nothing else.
pub fn log_only(verbose: u8) {
    tracing_subscriber::registry().with(log_layer(verbose)).init();
}

/// The log, and traces where they are asked for.
pub fn start(verbose: u8) -> Telemetry {
    let (provider, failure) = match wants_traces().then(provider) {
        None => (None, None),
        Some(Ok(provider)) => (Some(provider), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("davy")).with_filter(LevelFilter::INFO));
    tracing_subscriber::registry().with(log_layer(verbose)).with(traces).init();
    if let Some(error) = failure {
        tracing::warn!("no traces are sent: {error}");
    }
    Telemetry { provider }
}

impl Telemetry {
    /// Sends what is left.
    pub async fn finish(self) {
        let Some(provider) = self.provider else { return };
        let sent = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if let Ok(Err(error)) = sent {
            tracing::warn!("not all traces were sent: {error}");
        }
    }
}

fn wants_traces() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_off = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"))
        || std::env::var("OTEL_TRACES_EXPORTER").is_ok_and(|value| value == "none");
    ENDPOINTS.iter().any(|name| is_set(name)) && !is_off
}

fn provider() -> Result<SdkTracerProvider, opentelemetry_otlp::ExporterBuildError> {
    // The exporter's client needs a TLS provider; the source's own may not be there yet. A second installation is refused,
    // which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder().with_http().build()?;
    let resource = Resource::builder().with_service_name("davy").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

fn log_layer<S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>>(verbose: u8) -> impl Layer<S> {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).without_time().with_filter(level)
}
