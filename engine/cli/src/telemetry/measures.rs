//! Metrics, made of the spans when they end: what a trace shows of one run, these show of many.
//!
//! Attributes are verdicts, endpoints and kinds of errors: a dozen series in all.

use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Seconds; those of the semantic conventions for requests.
const REQUEST_BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Seconds: from `--once` to a canary of a day.
const ANALYSIS_BOUNDS: [f64; 14] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0, 86_400.0];

/// The instruments.
pub struct Measures {
    analyses: Counter<u64>,
    analysis_duration: Histogram<f64>,
    query_duration: Histogram<f64>,
    source_errors: Counter<u64>,
    windows: Counter<u64>,
}

/// What is known of a span that is still open.
struct Open {
    since: Instant,
    verdict: Option<String>,
    endpoint: Option<String>,
    error: Option<String>,
    windows: u64,
}

impl Measures {
    /// Makes the instruments.
    pub fn new(meter: &Meter) -> Self {
        let counter = |name, unit, text| meter.u64_counter(name).with_unit(unit).with_description(text).build();
        let seconds = |name, text, bounds: &[f64]| {
            meter.f64_histogram(name).with_unit("s").with_description(text).with_boundaries(bounds.to_vec()).build()
        };
        Measures {
            analyses: counter("davy.analyses", "{analysis}", "Analyses that ended, by verdict."),
            analysis_duration: seconds("davy.analysis.duration", "Time from the start of an analysis to its end.", &ANALYSIS_BOUNDS),
            query_duration: seconds("davy.query.duration", "Time of a query with its retries.", &REQUEST_BOUNDS),
            source_errors: counter("davy.source.errors", "{error}", "Queries that the source did not answer, by kind of error."),
            windows: counter("davy.windows", "{window}", "Windows that were looked at."),
        }
    }

    fn ended(&self, name: &str, open: Open) {
        let seconds = open.since.elapsed().as_secs_f64();
        match name {
            "analysis" => {
                let verdict = KeyValue::new("davy.verdict", open.verdict.unwrap_or_else(|| "none".to_owned()));
                self.analyses.add(1, std::slice::from_ref(&verdict));
                self.analysis_duration.record(seconds, &[verdict]);
            }
            "query" => {
                let endpoint = KeyValue::new("davy.query.endpoint", open.endpoint.unwrap_or_default());
                let error = open.error.map(|kind| KeyValue::new("error.type", kind));
                if let Some(kind) = &error {
                    self.source_errors.add(1, std::slice::from_ref(kind));
                }
                let attributes: Vec<KeyValue> = [Some(endpoint), error].into_iter().flatten().collect();
                self.query_duration.record(seconds, &attributes);
            }
            "judgement" => self.windows.add(open.windows, &[]),
            _ => {}
        }
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Measures {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut open = Open { since: Instant::now(), verdict: None, endpoint: None, error: None, windows: 0 };
        attributes.record(&mut open);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(open);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            values.record(open);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = context.span(&id)
            && let Some(open) = span.extensions_mut().remove::<Open>()
        {
            self.ended(span.name(), open);
        }
    }
}

impl Visit for Open {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "davy.verdict" => self.verdict = Some(value.to_owned()),
            "davy.query.endpoint" => self.endpoint = Some(value.to_owned()),
            "error.type" => self.error = Some(value.to_owned()),
            _ => {}
        }
    }

    // Unsigned numbers would become texts in the trace.
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "davy.windows" {
            self.windows = value.unsigned_abs();
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
