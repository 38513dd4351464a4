//! From requests to points: checks every one, and counts those that cannot be taken.

mod logs;
mod metrics;
mod spans;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::otlp::Request;
use crate::otlp::labels;
use crate::otlp::store::{Intake, origin_key};

/// The length of a cell in which events are counted, ns. Windows are whole seconds in practice, so no cell lies across an edge.
const CELL_NS: u64 = 1_000_000_000;

/// Takes in a request.
pub(super) fn take(intake: &mut Intake<'_>, request: &Request) {
    match request {
        Request::Metrics(request) => metrics::take(intake, request),
        Request::Logs(request) => logs::take(intake, request),
        Request::Traces(request) => spans::take(intake, request),
    }
}

/// A resource's canonical bytes.
fn resource_key(resource: Option<&Resource>) -> Vec<u8> {
    labels::key(resource.map_or(&[], |resource| &resource.attributes))
}

/// The sender's index.
fn origin(intake: &mut Intake<'_>, resource: Option<&Resource>, resource_key: &[u8], scope: Option<&InstrumentationScope>) -> usize {
    let (name, version) = scope.map_or(("", ""), |scope| (scope.name.as_str(), scope.version.as_str()));
    let scope_key = labels::key(scope.map_or(&[], |scope| &scope.attributes));
    intake.origin(origin_key(resource_key, (name, version), &scope_key), || {
        let mut all = labels::Labels::new();
        for (label, value) in [("otel.scope.name", name), ("otel.scope.version", version)] {
            if !value.is_empty() {
                all.insert(label.to_owned(), value.to_owned());
            }
        }
        labels::add(&mut all, scope.map_or(&[], |scope| &scope.attributes));
        labels::add(&mut all, resource.map_or(&[], |resource| &resource.attributes));
        all
    })
}

/// The cell that a time lies in: its end and its start.
fn cell(time_ns: u64) -> (u64, u64) {
    let end = time_ns.div_ceil(CELL_NS).max(1) * CELL_NS;
    (end, end - CELL_NS)
}
