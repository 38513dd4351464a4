//! Davy's own traces and metrics: what a collector receives, what it must never see, and that none of it changes an
//! answer. See `docs/telemetry.md`.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use davy_tests::collector::{Answer, Collector, Receiver, decode};
use davy_tests::davy::{Run, command, workspace};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;

const START: i64 = 1_700_000_010;
const END: i64 = START + 300;
/// What stands in queries, labels and credentials; none of it may leave.
const SECRETS: [&str; 6] = ["business_total", "acme-tenant", "hunter2", "version", "s3cret", "canary-7f3a"];
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

type Variables<'a> = &'a [(&'a str, &'a str)];

/// A Prometheus that knows one counter of each arm, scraped every 15 s.
async fn prometheus() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its number");
    let router = Router::new().fallback(|uri: Uri, body: Bytes| async move { answer(uri.path(), &body).to_string() });
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn answer(path: &str, body: &[u8]) -> Value {
    let form = reqwest::Url::parse(&format!("http://form/?{}", String::from_utf8_lossy(body))).expect("a form");
    let field = |name: &str| form.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default();
    let query = field("query");
    let lookback = query.rsplit_once('[').and_then(|(_, rest)| rest.strip_suffix("s]")?.parse::<i64>().ok());
    let result: Vec<Value> = match (path, lookback) {
        ("/api/v1/query", Some(lookback)) => {
            let to: i64 = field("time").parse().expect("whole seconds");
            let samples = |per_second: i64| -> Vec<Value> {
                let times = (to - lookback..=to).filter(|time| time % 15 == 0);
                times.map(|time| json!([time, ((time - START + 10_000) * per_second).to_string()])).collect()
            };
            let series = |version: &str, per_second| {
                json!({
                    "metric": { "version": version, "tenant": "acme-tenant" }, "values": samples(per_second)
                })
            };
            vec![series("v1", 60), series("canary-7f3a", 10)]
        }
        _ => Vec::new(),
    };
    json!({ "status": "success", "data": { "resultType": "matrix", "result": result } })
}

/// `davy gate` over those five minutes. Drops the caller's own `OTEL_*` and proxies.
async fn gate(prometheus: &str, variables: Variables<'_>) -> Run {
    let mut command = prepared(prometheus, variables);
    let output = tokio::task::spawn_blocking(move || command.output().expect("running davy")).await;
    output.expect("the thread that waits for davy").into()
}

fn prepared(prometheus: &str, variables: Variables<'_>) -> Command {
    let mut command = command().expect("the binary");
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        if upper.starts_with("OTEL_") || upper.starts_with("TRACE") || upper.ends_with("_PROXY") {
            command.env_remove(&name);
        }
    }
    let (start, end) = (START.to_string(), END.to_string());
    command
        .args(["gate", "--prometheus", prometheus, "--output", "json", "--start", &start, "--end", &end])
        .args(["--baseline", "version=v1,tenant=acme-tenant", "--canary", "version=canary-7f3a,tenant=acme-tenant"])
        .arg("--rules")
        .arg(workspace().join("tests/rules/telemetry.yaml"))
        .env("DAVY_TOKEN", "s3cret-token")
        .envs(variables.iter().copied());
    command
}

fn named<'a>(found: &'a [Value], name: &str) -> Vec<&'a Value> {
    found.iter().filter(|value| value["name"] == name).collect()
}

/// The report without what the clock says of the run itself.
fn timeless(run: &Run) -> Value {
    let mut report = run.report().expect("a report");
    report.as_object_mut().expect("an object").remove("timings");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_collector_receives_one_trace_and_the_metrics() {
    let mut receiver = Receiver::start(Answer::Status(200)).await.unwrap();
    let collector = Collector::start(&receiver).await.unwrap();
    let run = gate(
        &prometheus().await,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
            ("OTEL_SERVICE_NAME", "checkout-gate"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod%20eu,service.name=overruled"),
            ("TRACEPARENT", PARENT),
            ("TRACESTATE", "vendor=1"),
        ],
    )
    .await;
    let report = run.report().unwrap();
    assert_eq!(run.stderr, "");
    receiver.wait_for(&["/v1/traces", "/v1/metrics"]).await.unwrap();

    let spans = receiver.decoded("/v1/traces").unwrap();
    let analysis = named(&spans, "analysis");
    assert_eq!(analysis.len(), 1, "{spans:#?}");
    let analysis = analysis[0];
    assert_eq!((&analysis["parent"], &analysis["state"]), (&json!("b7ad6b7169203331"), &json!("vendor=1")));
    assert_eq!(analysis["attributes"], json!({ "davy.verdict": report["verdict"] }));
    let children = |name: &str, parent: &Value| {
        let found = named(&spans, name);
        assert!(!found.is_empty(), "no {name}: {spans:#?}");
        assert!(found.iter().all(|span| span["parent"] == parent["span"]), "{name} lies elsewhere: {spans:#?}");
        found.into_iter().cloned().collect::<Vec<Value>>()
    };
    let fetches = children("fetch", analysis);
    let judgements = children("judgement", analysis);
    assert_eq!((fetches.len(), judgements.len()), (1, 1));
    assert_eq!(fetches[0]["attributes"], json!({ "davy.part": "run" }));
    // One query for both arms.
    let below: Vec<&Value> = named(&spans, "query").into_iter().filter(|query| query["parent"] == fetches[0]["span"]).collect();
    assert_eq!(below.len(), 1, "{spans:#?}");
    assert_eq!((&below[0]["kind"], &below[0]["attributes"]), (&json!(3), &json!({ "davy.query.endpoint": "query" })));
    assert!(below[0]["nanoseconds"].as_i64().unwrap() > 0);
    for span in &spans {
        assert_eq!(span["trace"], "0af7651916cd43dd8448eb211c80319c", "{span:#?}");
        assert_eq!((&span["events"], &span["status"], &span["scope"]), (&json!(0), &json!(0), &json!("davy")), "{span:#?}");
    }

    let points = receiver.decoded("/v1/metrics").unwrap();
    for value in spans.iter().chain(&points) {
        let resource = value["resource"].as_object().unwrap();
        assert_eq!((&resource["service.name"], &resource["deployment.environment.name"]), (&json!("checkout-gate"), &json!("prod eu")));
        assert_eq!((&resource["service.version"], &resource["telemetry.sdk.language"]), (&json!("0.1.0"), &json!("rust")));
    }
    let all: BTreeSet<(&str, &str, &str)> =
        points.iter().map(|point| (text(&point["name"]), text(&point["unit"]), text(&point["kind"]))).collect();
    let expected = [
        ("davy.analyses", "{analysis}", "sum"),
        ("davy.analysis.duration", "s", "histogram"),
        ("davy.query.duration", "s", "histogram"),
        ("davy.windows", "{window}", "sum"),
    ];
    assert_eq!(all, BTreeSet::from(expected));
    for point in &points {
        assert_eq!(point["temporality"], 2, "cumulative: {point:#?}");
        assert_ne!(point["description"], "");
        assert_eq!(point["monotonic"], point["kind"] == "sum");
    }
    let analyses = named(&points, "davy.analyses");
    assert_eq!((analyses.len(), &analyses[0]["value"]), (1, &json!(1)));
    assert_eq!(analyses[0]["attributes"], json!({ "davy.verdict": report["verdict"] }));
    let looked_at = named(&points, "davy.windows")[0]["value"].as_u64().unwrap();
    assert_eq!(looked_at, judgements[0]["attributes"]["davy.windows"].as_u64().unwrap());
    assert!(looked_at >= report["window"]["judged"].as_u64().unwrap() && looked_at > 0);
    let queries: u64 = named(&points, "davy.query.duration").iter().map(|point| point["value"].as_u64().unwrap()).sum();
    assert_eq!(queries, named(&spans, "query").len() as u64);

    for value in spans.iter().chain(&points) {
        assert_says_nothing_secret(&value.to_string());
    }
}

fn assert_says_nothing_secret(sent: &str) {
    let sent = sent.replace("service.version", "").replace("telemetry.sdk.version", "");
    for secret in SECRETS {
        assert!(!sent.contains(secret), "{secret} was sent in {sent}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_headers_and_compression_are_the_variables() {
    let receiver = Receiver::start(Answer::Status(200)).await.unwrap();
    let base = format!("{}/base/", receiver.url());
    let own = format!("{}/own/traces", receiver.url());
    let run = gate(
        &prometheus().await,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &base),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &own),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret,x-tenant=a"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ],
    )
    .await;
    assert_eq!(run.stderr, "");
    let received = receiver.received();
    let paths: BTreeSet<&str> = received.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, BTreeSet::from(["/own/traces", "/base/v1/metrics"]));
    for request in &received {
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap_or_default());
        assert_eq!(header("authorization"), Some("Bearer s3cret"));
        assert_eq!(header("x-tenant"), Some("a"));
        assert_eq!(header("content-type"), Some("application/x-protobuf"));
        assert_eq!(header("content-encoding"), Some("gzip"));
        assert_eq!(request.body[..2], [0x1f, 0x8b], "gzip");
    }
}

/// Speaks TLS in front of a receiver: its address, and the PEM of who is to be trusted.
async fn tls_before(receiver: &Receiver) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key))
        .expect("a configuration");
    let (acceptor, target) = (TlsAcceptor::from(Arc::new(config)), receiver.address());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its number");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not trust us goes away.
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let Ok(mut inside) = tokio::net::TcpStream::connect(target).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    (format!("https://{address}"), made.cert.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_where_it_is_named() {
    let prometheus = prometheus().await;
    let receiver = Receiver::start(Answer::Status(200)).await.unwrap();
    let (url, pem) = tls_before(&receiver).await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, pem).unwrap();
    let without = gate(&prometheus, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;
    assert!(without.stderr.contains("cannot connect"), "{}", without.stderr);
    assert!(receiver.received().is_empty());
    let ca = ca.display().to_string();
    let with = gate(&prometheus, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_EXPORTER_OTLP_CERTIFICATE", &ca)]).await;
    assert_eq!(with.stderr, "");
    assert_eq!(receiver.received().len(), 2);
    assert_eq!((with.code, timeless(&with)), (without.code, timeless(&without)));
}

#[tokio::test(flavor = "multi_thread")]
async fn either_signal_can_be_off_and_a_parent_may_ask_for_no_trace() {
    let prometheus = prometheus().await;
    let unsampled = format!("{}0", PARENT.strip_suffix('1').unwrap());
    let cases: [(Variables<'_>, &[&str]); 5] = [
        (&[], &["/v1/metrics", "/v1/traces"]),
        (&[("OTEL_TRACES_EXPORTER", "none")], &["/v1/metrics"]),
        (&[("OTEL_METRICS_EXPORTER", "none")], &["/v1/traces"]),
        (&[("TRACEPARENT", &unsampled)], &["/v1/metrics"]),
        (&[("OTEL_SDK_DISABLED", "true")], &[]),
    ];
    for (more, expected) in cases {
        let receiver = Receiver::start(Answer::Status(200)).await.unwrap();
        let url = receiver.url();
        let mut variables = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())];
        variables.extend(more);
        let run = gate(&prometheus, &variables).await;
        assert_eq!(run.stderr, "");
        let received = receiver.received();
        for request in &received {
            assert_says_nothing_secret(&String::from_utf8_lossy(&request.body));
        }
        let paths: BTreeSet<String> = received.into_iter().map(|request| request.path).collect();
        assert_eq!(paths.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{more:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_counted_by_kind() {
    let receiver = Receiver::start(Answer::Status(200)).await.unwrap();
    // Port 1 of loopback: nobody listens there.
    let run = gate("http://127.0.0.1:1/?key=hunter2", &[("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url())]).await;
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    let points = receiver.decoded("/v1/metrics").unwrap();
    let analyses = named(&points, "davy.analyses");
    assert_eq!((&analyses[0]["attributes"], &analyses[0]["value"]), (&json!({ "davy.verdict": "none" }), &json!(1)));
    let errors = named(&points, "davy.source.errors");
    assert_eq!((errors.len(), &errors[0]["attributes"], &errors[0]["unit"]), (1, &json!({ "error.type": "connect" }), &json!("{error}")));
    let spans = receiver.decoded("/v1/traces").unwrap();
    let query = named(&spans, "query")[0];
    assert_eq!((&query["attributes"]["error.type"], &query["status"]), (&json!("connect"), &json!(2)));
    let analysis = named(&spans, "analysis")[0];
    assert_eq!((&analysis["attributes"], &analysis["status"]), (&json!({}), &json!(2)));
    for request in receiver.received() {
        assert!(!String::from_utf8_lossy(&request.body).contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_fails_changes_nothing_and_delays_little() {
    let prometheus = prometheus().await;
    let began = Instant::now();
    let without = gate(&prometheus, &[]).await;
    let usual = began.elapsed();
    let failing = [
        (None, "cannot connect to 127.0.0.1:1"),
        (Some(Answer::Status(503)), "HTTP 503"),
        (Some(Answer::Status(401)), "HTTP 401"),
        (Some(Answer::Status(307)), "HTTP 307"),
        (Some(Answer::Nothing), "is slow"),
        (Some(Answer::Nonsense), ""),
    ];
    for (answer, says) in failing {
        let receiver = match answer {
            Some(answer) => Some(Receiver::start(answer).await.unwrap()),
            None => None,
        };
        let place = receiver.as_ref().map_or("127.0.0.1:1".to_owned(), |receiver| receiver.address().to_string());
        let url = format!("http://user:hunter2@{place}");
        let began = Instant::now();
        let run = gate(&prometheus, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_EXPORTER_OTLP_HEADERS", "a=s3cret")]).await;
        let delay = began.elapsed().saturating_sub(usual);
        assert_eq!((run.code, timeless(&run)), (without.code, timeless(&without)), "{answer:?}: {}", run.stderr);
        // Two seconds are promised; the rest is for a machine that compiles beside. The SDK's own default is five.
        assert!(delay < Duration::from_millis(4500), "{answer:?} took {delay:?} longer");
        assert!(run.stderr.contains(says) && run.stderr.is_empty() == says.is_empty(), "{answer:?}: {}", run.stderr);
        assert!(!run.stderr.contains("hunter2") && !run.stderr.contains("s3cret"), "{}", run.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_wrongly_is_said_and_changes_nothing() {
    let prometheus = prometheus().await;
    let receiver = Receiver::start(Answer::Status(200)).await.unwrap();
    let url = receiver.url();
    let without = gate(&prometheus, &[]).await;
    let cases = [
        (("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), "no traces are sent: OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf", 0),
        (("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem"), "cannot read /nowhere/ca.pem", 0),
        (("TRACEPARENT", "nonsense"), "TRACEPARENT: expected 00-TRACE-SPAN-FLAGS", 2),
    ];
    for (variable, says, requests) in cases {
        let before = receiver.received().len();
        let run = gate(&prometheus, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), variable]).await;
        assert_eq!((run.code, timeless(&run)), (without.code, timeless(&without)), "{}", run.stderr);
        assert!(run.stderr.contains(says), "expected {says:?} in {}", run.stderr);
        assert_eq!(receiver.received().len() - before, requests, "{variable:?}");
    }
}

/// The kernel's names of a process' threads.
#[cfg(target_os = "linux")]
fn threads(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let name = |entry: std::io::Result<fs::DirEntry>| fs::read_to_string(entry.ok()?.path().join("comm")).ok();
    let mut names: Vec<String> = tasks.filter_map(name).map(|name| name.trim().to_owned()).collect();
    names.sort();
    names
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn off_there_are_no_threads_for_it() {
    let collector = Receiver::start(Answer::Status(200)).await.unwrap();
    let url = collector.url();
    let mut seen = Vec::new();
    for variables in [&[][..], &[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())]] {
        // A source that never answers holds the process still.
        let mut silent = Receiver::start(Answer::Nothing).await.unwrap();
        let mut command = prepared(&silent.url(), variables);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let asked = silent.wait_for_any().await;
        let found = threads(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        asked.unwrap();
        seen.push(found);
    }
    let (off, on) = (&seen[0], &seen[1]);
    // The main thread and two that do the network's work.
    assert_eq!(off.len(), 3, "{off:?}");
    assert!(off.iter().all(|name| name == "davy" || name.starts_with("tokio")), "{off:?}");
    assert!(on.len() > off.len() && on.iter().any(|name| name.starts_with("OpenTelemetry")), "{on:?}");
    assert!(collector.received().is_empty());
}

#[test]
fn the_decoder_can_fail() {
    assert!(decode("traces", &[b"\xff\xff nonsense".to_vec()]).is_err());
}
