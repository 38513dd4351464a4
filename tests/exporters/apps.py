"""One instrumented service in a process of its own: `python apps.py KIND ARM PORT METRICS_PORT`."""

import asyncio
import json
import sys

import uvicorn

import behaviour


def otel_reader(metrics_port):
    """The SDK with its Prometheus exporter, listening."""
    from opentelemetry import metrics
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk.metrics import MeterProvider
    from prometheus_client import start_http_server

    metrics.set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()]))
    start_http_server(metrics_port, "127.0.0.1")


def fastapi_app(arm):
    """Answers as `behaviour` has it; what fails raises, as real failures do."""
    from fastapi import FastAPI, Response

    app, requests = FastAPI(), iter(range(sys.maxsize))

    @app.get("/")
    async def answer():
        n = next(requests)
        await asyncio.sleep(behaviour.delay(arm, n))
        status = behaviour.status(arm, n)
        if status >= 500 and n % 3 == 0:
            raise RuntimeError("a failure that nobody handled")
        return Response(status_code=status)

    return app


def otel_http(arm, metrics_port):
    """OpenTelemetry's FastAPI instrumentation; OTEL_SEMCONV_STABILITY_OPT_IN chooses the conventions."""
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    otel_reader(metrics_port)
    app = fastapi_app(arm)
    FastAPIInstrumentor.instrument_app(app)
    return app


def otel_rpc(arm, metrics_port):
    """Connect's server with its OpenTelemetry interceptor. Messages are JSON objects: what they hold plays no part."""
    from connectrpc.code import Code
    from connectrpc.errors import ConnectError
    from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
    from connectrpc.server import ConnectASGIApplication, Endpoint
    from connectrpc_otel import OpenTelemetryInterceptor

    class JsonCodec:
        """Plain objects in place of Protocol Buffers."""

        def name(self):
            return "json"

        def encode(self, message):
            return json.dumps(message).encode()

        def decode(self, data, _message_class):
            return json.loads(data)

    requests = iter(range(sys.maxsize))
    codes = {404: Code.NOT_FOUND, 503: Code.UNAVAILABLE}

    async def answer(_request, _context):
        n = next(requests)
        await asyncio.sleep(behaviour.delay(arm, n))
        status = behaviour.status(arm, n)
        if status >= 500 and n % 3 == 0:
            raise RuntimeError("a failure that nobody handled")
        if status != 200:
            raise ConnectError(codes[status], "no")
        return {}

    class Application(ConnectASGIApplication):
        @property
        def path(self):
            return "/shop.Checkout"

    otel_reader(metrics_port)
    kind = {"idempotency_level": IdempotencyLevel.UNKNOWN, "stream_type": StreamType.UNARY}
    method = MethodInfo(name="Pay", service_name="shop.Checkout", input=dict, output=dict, **kind)
    endpoints = {"/shop.Checkout/Pay": Endpoint.unary(method, answer)}
    return Application(service=None, endpoints=lambda _: endpoints, interceptors=[OpenTelemetryInterceptor()], codecs=[JsonCodec()])


def otel_rpc_ms(arm, metrics_port):
    """No package of these registries measures the old RPC conventions; the SDK and the exporter are real, the instrument is
    made by hand as semantic conventions 1.37 describe it."""
    from opentelemetry import metrics

    otel_reader(metrics_port)
    duration = metrics.get_meter("by-hand").create_histogram("rpc.server.duration", unit="ms")
    inner = fastapi_app(arm)
    numbers = {200: 0, 404: 5, 500: 2, 503: 14}

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return await inner(scope, receive, send)
        begin, status = asyncio.get_running_loop().time(), 500

        async def watch(message):
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await inner(scope, receive, watch)
        finally:
            took = (asyncio.get_running_loop().time() - begin) * 1000
            attributes = {"rpc.system": "grpc", "rpc.service": "shop.Checkout", "rpc.method": "Pay"}
            duration.record(took, {**attributes, "rpc.grpc.status_code": numbers[status]})

    return app


def prom_http(arm, metrics_port):
    """prometheus-client, with the names and labels that the client libraries' documentation uses."""
    from prometheus_client import Counter, Histogram, start_http_server

    total = Counter("http_requests_total", "Requests.", ["method", "code"])
    duration = Histogram("http_request_duration_seconds", "Duration of requests.", ["method"])
    inner = fastapi_app(arm)

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return await inner(scope, receive, send)
        begin, status = asyncio.get_running_loop().time(), 500

        async def watch(message):
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await inner(scope, receive, watch)
        finally:
            duration.labels("get").observe(asyncio.get_running_loop().time() - begin)
            total.labels("get", str(status)).inc()

    start_http_server(metrics_port, "127.0.0.1")
    return app


def prom_http_status(arm, metrics_port):
    """prometheus-fastapi-instrumentator as its README sets it up."""
    from prometheus_client import start_http_server
    from prometheus_fastapi_instrumentator import Instrumentator

    app = fastapi_app(arm)
    Instrumentator().instrument(app)
    start_http_server(metrics_port, "127.0.0.1")
    return app


KINDS = {
    "otel-http": otel_http,
    "otel-http-ms": otel_http,
    "otel-rpc": otel_rpc,
    "otel-rpc-ms": otel_rpc_ms,
    "prom-http": prom_http,
    "prom-http-status": prom_http_status,
}

if __name__ == "__main__":
    kind, arm, port, metrics_port = sys.argv[1:]
    uvicorn.run(KINDS[kind](arm, int(metrics_port)), host="127.0.0.1", port=int(port), log_level="critical", access_log=False)
