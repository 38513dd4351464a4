"""Sends known telemetry with the OpenTelemetry SDK of Python, for tests/tests/otlp_clients.rs.

Arguments: protocol (grpc, http), temporality (cumulative, delta), histograms (explicit, exponential), compression (none, gzip,
deflate), endpoint. Sends metrics twice, spans and logs once; fails where the receiver does not take them.
"""

import logging
import sys

from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult

protocol, temporality, histograms, compression, endpoint = sys.argv[1:]
if protocol == "grpc":
    import grpc
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    compressions = {"none": grpc.Compression.NoCompression, "gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}

    def options(_):
        return {"endpoint": endpoint, "insecure": True, "compression": compressions[compression], "timeout": 10}

else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    def options(signal):
        return {"endpoint": f"{endpoint}/v1/{signal}", "compression": Compression(compression), "timeout": 10}


failures = []


def watched(exporter, success):
    """The exporter, with every result that is not success noted."""
    export = exporter.export

    def checked(*arguments, **named):
        result = export(*arguments, **named)
        if getattr(result, "name", result) != success:
            failures.append(f"{type(exporter).__name__}: {result}")
        return result

    exporter.export = checked
    return exporter


resource = Resource.create({"service.name": "shop", "service.version": "v2"})
chosen = AggregationTemporality.DELTA if temporality == "delta" else AggregationTemporality.CUMULATIVE
aggregation = ExponentialBucketHistogramAggregation() if histograms == "exponential" else ExplicitBucketHistogramAggregation()
exporter = OTLPMetricExporter(
    preferred_temporality={Counter: chosen, Histogram: chosen}, preferred_aggregation={Histogram: aggregation}, **options("metrics")
)
reader = PeriodicExportingMetricReader(watched(exporter, MetricExportResult.SUCCESS.name), export_interval_millis=3_600_000)
meters = MeterProvider([reader], resource)
meter = meters.get_meter("send")
requests = meter.create_counter("requests")
duration = meter.create_histogram("http.server.request.duration", "s")
for round in (1, 2):
    for number in range(10 * round):
        requests.add(1, {"http.route": "/cart"})
        duration.record(0.001 * (number + 1), {"http.route": "/cart", "http.response.status_code": 200})
    if not meters.force_flush():
        failures.append("metrics were not flushed")

spans = TracerProvider(resource=resource)
spans.add_span_processor(SimpleSpanProcessor(watched(OTLPSpanExporter(**options("traces")), SpanExportResult.SUCCESS.name)))
for _ in range(3):
    with spans.get_tracer("send").start_as_current_span("GET /cart"):
        pass

logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(SimpleLogRecordProcessor(watched(OTLPLogExporter(**options("logs")), "SUCCESS")))
logging.getLogger("shop").addHandler(LoggingHandler(logger_provider=logs))
logging.getLogger("shop").error("the cart is empty")

for provider in (spans, logs, meters):
    provider.shutdown()
if failures:
    sys.exit("\n".join(failures))
