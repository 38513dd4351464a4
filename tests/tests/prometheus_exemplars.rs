//! Exemplars from a real Prometheus that keeps them (`--enable-feature=exemplar-storage`), scraped as OpenMetrics; and from a
//! server that keeps none.

#![cfg(test)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use axum::http::header;
use axum::routing::get;
use davy_sources::exemplars::{Exemplar, ExemplarRequest};
use davy_sources::prometheus::{Prometheus, PrometheusConfig};
use davy_sources::samples::{MatchOp, Matcher, Selector, Span};
use davy_sources::source::Source;
use davy_tests::lab::exposition;
use davy_tests::lab::server::{Server, ServerKind, Target};

/// Two versions, two routes; seven traces, one of them twice.
const METRICS: &str = r#"# TYPE latency_seconds histogram
latency_seconds_bucket{version="v2",route="/pay",le="0.1"} 8 # {trace_id="quick"} 0.05
latency_seconds_bucket{version="v2",route="/pay",le="1.0"} 9 # {traceID="slow"} 0.9
latency_seconds_bucket{version="v2",route="/pay",le="+Inf"} 10 # {trace_id="slowest"} 2.5
latency_seconds_bucket{version="v2",route="/",le="0.1"} 8 # {trace_id="slow"} 0.08
latency_seconds_bucket{version="v2",route="/",le="1.0"} 8
latency_seconds_bucket{version="v2",route="/",le="+Inf"} 9 # {span_id="no trace"} 9.5
latency_seconds_bucket{version="v1",route="/pay",le="0.1"} 8
latency_seconds_bucket{version="v1",route="/pay",le="1.0"} 8
latency_seconds_bucket{version="v1",route="/pay",le="+Inf"} 9 # {trace_id="the baseline's"} 7
# TYPE http_requests counter
http_requests_total{version="v2",code="500"} 3 # {trace_id="failed"} 1
# EOF
"#;

async fn service() -> Target {
    let page = get(|| async { ([(header::CONTENT_TYPE, exposition::TEXT)], METRICS) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = axum::serve(listener, axum::Router::new().route("/metrics", page));
    tokio::spawn(async move { serving.await });
    Target { address, labels: BTreeMap::new() }
}

fn request(name: &str, matchers: &[(&str, &str)]) -> ExemplarRequest {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
    let now = i64::try_from(now).expect("before the year 292 million");
    let equal = |(label, value): &(&str, &str)| Matcher { label: (*label).to_owned(), op: MatchOp::Equal, value: (*value).to_owned() };
    ExemplarRequest {
        series: Selector { name: name.to_owned(), matchers: matchers.iter().map(equal).collect() },
        span: Span { start_ms: now - 120_000, end_ms: now + 60_000 },
    }
}

async fn until_there(source: &Prometheus, wanted: &ExemplarRequest) -> Vec<Exemplar> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = source.exemplars(wanted).await;
        if !found.is_empty() {
            return found;
        }
        assert!(Instant::now() < deadline, "no exemplars of {wanted:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_canarys_slowest_requests_come_first_and_who_keeps_none_says_nothing() {
    let target = service().await;
    let server = Server::start(ServerKind::Prometheus, std::slice::from_ref(&target)).await.expect("scripts/test installs it");
    let source = Prometheus::new(PrometheusConfig::new(server.url())).expect("a sound address");
    let found = until_there(&source, &request("latency_seconds_bucket", &[("version", "v2")])).await;
    let shown: Vec<(&str, f64, &str)> =
        found.iter().map(|exemplar| (exemplar.trace_id.as_str(), exemplar.value, exemplar.labels["route"].as_str())).collect();
    assert_eq!(shown, [("slowest", 2.5, "/pay"), ("slow", 0.9, "/pay"), ("quick", 0.05, "/pay")]);
    assert!(found.iter().all(|exemplar| !exemplar.labels.contains_key("le") && !exemplar.labels.contains_key("__name__")));
    let window = request("latency_seconds_bucket", &[]).span;
    assert!(found.iter().all(|exemplar| window.start_ms < exemplar.time_ms && exemplar.time_ms <= window.end_ms));
    let slice = source.exemplars(&request("latency_seconds_bucket", &[("version", "v2"), ("route", "/")])).await;
    assert_eq!(slice.iter().map(|exemplar| exemplar.trace_id.as_str()).collect::<Vec<_>>(), ["slow"]);
    let failed = source.exemplars(&request("http_requests_total", &[("version", "v2"), ("code", "500")])).await;
    assert_eq!(failed.iter().map(|exemplar| exemplar.trace_id.as_str()).collect::<Vec<_>>(), ["failed"]);
    assert!(source.exemplars(&request("latency_seconds_bucket", &[("version", "v9")])).await.is_empty());

    let other = Server::start(ServerKind::VictoriaMetrics, &[target]).await.expect("scripts/test installs it");
    let source = Prometheus::new(PrometheusConfig::new(other.url())).expect("a sound address");
    assert!(source.exemplars(&request("latency_seconds_bucket", &[("version", "v2")])).await.is_empty());
    drop(other);
    assert!(source.exemplars(&request("latency_seconds_bucket", &[("version", "v2")])).await.is_empty(), "a dead server says nothing");
}
