//! Log records as a counter: `log.records`, by severity and the few attributes that tell kinds of errors apart.

use std::hash::{DefaultHasher, Hash, Hasher};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::{cell, origin, resource_key};
use crate::otlp::labels;
use crate::otlp::point::{Shape, Value};
use crate::otlp::series::{MetricKey, SeriesKey};
use crate::otlp::store::Intake;

/// The counter's name.
const RECORDS: &str = "log.records";

/// Takes in log records.
pub(super) fn take(intake: &mut Intake<'_>, request: &ExportLogsServiceRequest) {
    let metric = MetricKey { name: RECORDS.to_owned(), unit: "{record}".to_owned(), shape: Shape::Sum, is_delta: true };
    // The same record twice in one request is two records; in another request it is a retry.
    let mut copies: std::collections::HashMap<u64, u64> = std::collections::HashMap::new();
    for of_resource in &request.resource_logs {
        let key = resource_key(of_resource.resource.as_ref());
        for of_scope in &of_resource.scope_logs {
            let origin = origin(intake, of_resource.resource.as_ref(), &key, of_scope.scope.as_ref());
            for record in &of_scope.log_records {
                let time_ns = if record.time_unix_nano > 0 { record.time_unix_nano } else { record.observed_time_unix_nano };
                if !intake.is_in_time(RECORDS, origin, time_ns) {
                    continue;
                }
                let hash = hash_of(origin, record);
                let copy = copies.entry(hash).or_default();
                *copy += 1;
                let mut hasher = DefaultHasher::new();
                (hash, *copy).hash(&mut hasher);
                let own = labels_of(record, &intake.limits.log_attributes);
                let attributes = own.iter().fold(Vec::new(), |mut bytes, (name, value)| {
                    labels::push(&mut bytes, name.as_bytes());
                    labels::push(&mut bytes, value.as_bytes());
                    bytes
                });
                let key = SeriesKey { origin, attributes: attributes.into() };
                intake.count(&metric, key, || own, cell(time_ns), (hasher.finish(), &Value::Number(1.0)));
            }
        }
    }
}

fn labels_of(record: &LogRecord, kept: &[String]) -> labels::Labels {
    let mut own = labels::Labels::new();
    labels::add(&mut own, &record.attributes);
    own.retain(|name, _| kept.contains(name));
    if !record.event_name.is_empty() {
        own.insert("event.name".to_owned(), record.event_name.clone());
    }
    own.insert("severity".to_owned(), severity(record).to_owned());
    own
}

/// The severity's class by its number; without one, by its text.
fn severity(record: &LogRecord) -> &'static str {
    match record.severity_number {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21..=24 => "FATAL",
        _ => match record.severity_text.to_ascii_lowercase().as_str() {
            "trace" => "TRACE",
            "debug" => "DEBUG",
            "info" | "information" | "notice" => "INFO",
            "warn" | "warning" => "WARN",
            "error" | "err" | "severe" => "ERROR",
            "fatal" | "critical" | "crit" | "alert" | "emergency" | "panic" => "FATAL",
            _ => "UNSPECIFIED",
        },
    }
}

/// What makes a record the same as another.
fn hash_of(origin: usize, record: &LogRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    (origin, record.time_unix_nano, record.observed_time_unix_nano, record.severity_number).hash(&mut hasher);
    (&record.severity_text, &record.event_name, &record.trace_id, &record.span_id).hash(&mut hasher);
    labels::text(record.body.as_ref()).hash(&mut hasher);
    labels::key(&record.attributes).hash(&mut hasher);
    hasher.finish()
}
