//! Real clients of OTLP send to Davy's receiver: OpenTelemetry's SDKs of Python and Node, and Rotel between. What the receiver
//! passed on is decoded by OpenTelemetry's Python types, which share no code with it.

#![cfg(test)]

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use davy_server::receiver::{Config, Intake, Limits, Receiver, Taken};
use davy_sources::otlp::Signal;
use davy_tests::collector::{Collector, decode, tools};
use davy_tests::davy::workspace;
use serde_json::{Value, json};

/// What both rounds of the senders add up to.
const SENT: f64 = 30.0;

type Passed = Arc<Mutex<Vec<(Signal, Vec<u8>)>>>;

async fn receiver() -> anyhow::Result<(Receiver, Passed)> {
    let passed = Passed::default();
    let into = Arc::clone(&passed);
    let intake: Intake = Box::new(move |signal, _, body| {
        into.lock().expect("nobody panics").push((signal, body));
        Ok(Taken::default())
    });
    let config = Config { addresses: vec!["127.0.0.1:0".parse()?], tls: None, token: None, limits: Limits::default() };
    Ok((Receiver::start(config, intake).await?, passed))
}

async fn send(program: &Path, script: &str, arguments: &[&str], endpoint: &str) -> anyhow::Result<()> {
    let mut command = tokio::process::Command::new(program);
    command.arg(workspace().join("tests/otlp").join(script)).args(arguments).arg(endpoint).stdin(Stdio::null());
    let output = command.env("NODE_PATH", tools()?.join("node/node_modules")).output().await.context(program.display().to_string())?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn decoded(passed: &Passed, name: &str, wanted: Signal) -> anyhow::Result<Vec<Value>> {
    let passed = passed.lock().expect("nobody panics");
    let bodies: Vec<Vec<u8>> = passed.iter().filter(|(signal, _)| *signal == wanted).map(|(_, body)| body.clone()).collect();
    decode(name, &bodies)
}

/// Checks the counts of both metrics, and the temporality and the kind of histogram that were asked for.
fn check_metrics(passed: &Passed, temporality: &str, histograms: &str) -> anyhow::Result<()> {
    let points = decoded(passed, "metrics", Signal::Metrics)?;
    let histogram = if histograms == "exponential" { "exponential_histogram" } else { "histogram" };
    for (name, kind) in [("requests", "sum"), ("http.server.request.duration", histogram)] {
        let points: Vec<&Value> = points.iter().filter(|point| point["name"] == name).collect();
        ensure!(points.len() >= 2, "{name}: {points:?}");
        let values = points.iter().filter_map(|point| point["value"].as_f64());
        let total: f64 = if temporality == "delta" { values.sum() } else { values.fold(0.0, f64::max) };
        ensure!(total == SENT, "{name}: expected {SENT}, found {total}: {points:?}");
        for point in points {
            let number = if temporality == "delta" { 1 } else { 2 };
            ensure!(point["kind"] == kind && point["temporality"] == number, "{point}");
            ensure!(point["resource"]["service.version"] == "v2" && point["attributes"]["http.route"] == "/cart", "{point}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_python_sdk_sends_all_signals_by_grpc_and_http() {
    let python = tools().expect("scripts/test installs it").join("bin/python");
    let cases = [
        ["grpc", "cumulative", "explicit", "none"],
        ["grpc", "delta", "exponential", "gzip"],
        ["grpc", "cumulative", "exponential", "deflate"],
        ["http", "cumulative", "explicit", "gzip"],
        ["http", "delta", "exponential", "none"],
        ["http", "delta", "explicit", "deflate"],
    ];
    for case in cases {
        let (receiver, passed) = receiver().await.expect("a receiver");
        send(&python, "send.py", &case, &format!("http://{}", receiver.addresses()[0])).await.unwrap();
        check_metrics(&passed, case[1], case[2]).unwrap();
        let spans = decoded(&passed, "traces", Signal::Traces).unwrap();
        assert_eq!(spans.iter().map(|span| &span["name"]).collect::<Vec<_>>(), ["GET /cart"; 3], "{case:?}");
        let records = decoded(&passed, "logs", Signal::Logs).unwrap();
        let shown: Vec<_> = records.iter().map(|record| json!([record["severity"], record["body"]])).collect();
        assert_eq!(shown, [json!([17, "the cart is empty"])], "{case:?}");
    }
}

#[tokio::test]
async fn the_node_sdk_sends_metrics_by_grpc_protobuf_and_json() {
    let cases = [
        ["grpc", "cumulative", "explicit", "gzip"],
        ["proto", "delta", "exponential", "none"],
        ["http", "cumulative", "explicit", "none"],
        ["http", "delta", "exponential", "gzip"],
    ];
    for case in cases {
        let (receiver, passed) = receiver().await.expect("a receiver");
        send(Path::new("node"), "send.cjs", &case, &format!("http://{}", receiver.addresses()[0])).await.unwrap();
        check_metrics(&passed, case[1], case[2]).unwrap();
    }
}

#[tokio::test]
async fn what_an_sdk_sends_through_a_collector_arrives_whole() {
    let (receiver, passed) = receiver().await.expect("a receiver");
    let collector = Collector::sending_to(&format!("http://{}", receiver.addresses()[0])).await.unwrap();
    let python = tools().expect("scripts/test installs it").join("bin/python");
    send(&python, "send.py", &["http", "delta", "explicit", "gzip"], &collector.url()).await.unwrap();
    // The collector sends when it likes: within a second or so.
    let until = Instant::now() + Duration::from_secs(30);
    while let Err(error) = check_metrics(&passed, "delta", "explicit") {
        assert!(Instant::now() < until, "{error:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
