// Sends known metrics with the OpenTelemetry SDK of Node, for tests/tests/otlp_clients.rs.
//
// Arguments: protocol (grpc, proto, http: JSON), temporality (cumulative, delta), histograms (explicit, exponential), compression
// (none, gzip), endpoint. Sends twice; fails where the receiver does not take them.
const { AggregationType, AggregationTemporality, MeterProvider, PeriodicExportingMetricReader } = require("@opentelemetry/sdk-metrics");
const { resourceFromAttributes } = require("@opentelemetry/resources");

const [protocol, temporality, histograms, compression, endpoint] = process.argv.slice(2);
const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${protocol}`);

const aggregation = histograms === "exponential" ? AggregationType.EXPONENTIAL_HISTOGRAM : AggregationType.EXPLICIT_BUCKET_HISTOGRAM;
const exporter = new OTLPMetricExporter({
  url: protocol === "grpc" ? endpoint : `${endpoint}/v1/metrics`,
  compression,
  temporalityPreference: temporality === "delta" ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
});
let failure;
const send = exporter.export.bind(exporter);
exporter.export = (metrics, done) =>
  send(metrics, (result) => {
    failure ??= result.code === 0 ? undefined : (result.error ?? result);
    done(result);
  });
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3600000 });
const provider = new MeterProvider({
  resource: resourceFromAttributes({ "service.name": "shop", "service.version": "v2" }),
  readers: [reader],
  views: [{ instrumentName: "*duration", aggregation: { type: aggregation } }],
});
const meter = provider.getMeter("send");
const requests = meter.createCounter("requests");
const duration = meter.createHistogram("http.server.request.duration", { unit: "s" });

async function main() {
  for (const round of [1, 2]) {
    for (let number = 0; number < 10 * round; number++) {
      requests.add(1, { "http.route": "/cart" });
      duration.record(0.001 * (number + 1), { "http.route": "/cart", "http.response.status_code": 200 });
    }
    await provider.forceFlush();
  }
  await provider.shutdown();
  if (failure) throw failure;
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
