"""Decodes OTLP requests with OpenTelemetry's own Python types, for tests/src/collector.rs.

Arguments: traces, metrics or logs, then files that each hold one request, protobuf or JSON, compressed or not. Prints JSON: a list of
spans, points or records, each with its resource and scope.
"""

import gzip
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def attributes(pairs):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def spans(request):
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield {
                    "resource": attributes(resource.resource.attributes),
                    "scope": scope.scope.name,
                    "name": span.name,
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "state": span.trace_state,
                    "kind": span.kind,
                    "status": span.status.code,
                    "attributes": attributes(span.attributes),
                    "events": len(span.events),
                    "nanoseconds": span.end_time_unix_nano - span.start_time_unix_nano,
                }


def points(request):
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind)
                for point in data.data_points:
                    yield {
                        "resource": attributes(resource.resource.attributes),
                        "scope": scope.scope.name,
                        "name": metric.name,
                        "unit": metric.unit,
                        "description": metric.description,
                        "kind": kind,
                        "monotonic": kind == "sum" and data.is_monotonic,
                        "temporality": data.aggregation_temporality,
                        "attributes": attributes(point.attributes),
                        "value": point.count if "histogram" in kind else getattr(point, point.WhichOneof("value")),
                    }


def records(request):
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield {
                    "resource": attributes(resource.resource.attributes),
                    "severity": record.severity_number,
                    "body": record.body.string_value,
                }


READERS = {"traces": (ExportTraceServiceRequest, spans), "metrics": (ExportMetricsServiceRequest, points), "logs": (ExportLogsServiceRequest, records)}

message, read = READERS[sys.argv[1]]
found = []
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        body = file.read()
    body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    is_json = body[:1] == b"{"
    found.extend(read(json_format.Parse(body, message(), ignore_unknown_fields=True) if is_json else message.FromString(body)))
json.dump(found, sys.stdout)
