//! What one live verdict costs beside the plain queries that it replaces, on a real Prometheus with a real service; then
//! how much memory a live gate takes. `cargo run --release -p davy-tests --bin queries`, about four minutes; a release
//! build of `davy` is taken from DAVY_BIN.
//!
//! Both sides answer the same question (P99, P95, error ratio and throughput of both arms in the latest window), over
//! loopback, with connections kept alive, by turns. *One verdict*: a live analysis takes one more window (fetch, align,
//! judge) and the whole report is made. *Plain*: eight instant queries, one per metric and arm, and their numbers are read;
//! nothing is compared.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use davy_gate::pipeline::{Patience, Run};
use davy_gate::plan::Plan;
use davy_gate::render::to_json;
use davy_gate::report::report;
use davy_gate::rules::{Options, load_str};
use davy_sources::prometheus::{Prometheus, PrometheusConfig};
use davy_tests::davy::command;
use davy_tests::lab::model::{Mode, Rules, Timeline};
use davy_tests::lab::running::Lab;
use davy_tests::lab::server::http_client;
use futures::future::try_join_all;
use serde_json::Value;

const ROUNDS: usize = 300;
/// When both sides are measured, and when the gate begins whose memory is measured: seconds after the lab's beginning.
const MEASURED_AT: f64 = 90.0;
const RULES: &str = r#"
schema: davy/v1
name: queries
arms: { baseline: { version: baseline, mode: same }, canary: { version: canary, mode: same } }
history: false
window: { step: 5s, warmup: 15s, deadline: 30m, min_windows: 100 }
metrics:
  - { name: p99, histogram: http_request_duration_seconds, quantile: 0.99, worse: higher, tolerance: 15% }
  - { name: p95, histogram: http_request_duration_seconds, quantile: 0.95, worse: higher, tolerance: 15% }
  - { name: error_rate, ratio: { events: 'http_requests_total{code="500"}', total: http_requests_total }, worse: higher, tolerance: 100% }
  - { name: throughput, rate: http_requests_total, worse: lower, tolerance: 15%, on_breach: hold }
"#;

/// The eight queries that people write: one per metric and arm.
fn plain_queries(range: &str) -> Vec<String> {
    let mut queries = Vec::new();
    for version in ["baseline", "canary"] {
        let arm = format!("version=\"{version}\",mode=\"same\"");
        for quantile in ["0.99", "0.95"] {
            queries.push(format!(
                "histogram_quantile({quantile}, sum by (le) (rate(http_request_duration_seconds_bucket{{{arm}}}[{range}])))"
            ));
        }
        let all = format!("sum(rate(http_requests_total{{{arm}}}[{range}]))");
        queries.push(format!("(sum(rate(http_requests_total{{{arm},code=\"500\"}}[{range}])) or vector(0)) / {all}"));
        queries.push(all);
    }
    queries
}

/// One instant query: its number.
async fn plain(http: &reqwest::Client, url: &str, query: &str, at: f64) -> anyhow::Result<f64> {
    let form = [("query", query.to_owned()), ("time", at.to_string())].map(|(name, value)| format!("{name}={}", encoded(&value)));
    let request = http.post(format!("{url}/api/v1/query")).header("content-type", "application/x-www-form-urlencoded");
    let body = request.body(form.join("&")).send().await.context("asking")?.bytes().await.context("reading")?;
    let answer: Value = serde_json::from_slice(&body).context("decoding")?;
    answer["data"]["result"][0]["value"][1].as_str().and_then(|text| text.parse().ok()).with_context(|| format!("no number: {answer}"))
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[derive(Default)]
struct Times {
    verdict: Vec<Duration>,
    fetch: Vec<Duration>,
    together: Vec<Duration>,
    in_turn: Vec<Duration>,
    wide: Vec<Duration>,
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let timeline = Timeline { canary_starts: 5.0, ..Timeline::whole() };
    let lab = Lab::start(&[Mode::Same], timeline, &[]).await?;
    lab.wait_until(MEASURED_AT).await;
    let mut out = std::io::stdout();
    let mut times = measure(&lab).await?;
    let verdict = median(&mut times.verdict);
    writeln!(out, "one live verdict of four metrics: {verdict:.2} ms (its two queries alone {:.2} ms)", median(&mut times.fetch))?;
    for (what, measured) in [
        ("eight plain queries at once, over one window", &mut times.together),
        ("eight plain queries one after the other, over one window", &mut times.in_turn),
        ("eight plain queries at once, over one minute", &mut times.wide),
    ] {
        let plain = median(measured);
        writeln!(out, "{what}: {plain:.2} ms; the verdict takes {:.2} of that", verdict / plain)?;
    }
    writeln!(out, "a live gate's memory: {:.1} MB at most", gate_memory(&lab).await?)?;
    Ok(())
}

async fn measure(lab: &Lab) -> anyhow::Result<Times> {
    let url = lab.prometheus.url();
    let source = Prometheus::new(PrometheusConfig::new(url.as_str()))?;
    let http = http_client();
    let rules = load_str("queries.yaml", RULES, &Options::default()).map_err(|wrong| anyhow::anyhow!("{wrong}"))?;
    let start_ms = millis(lab.epoch(lab.timeline.canary_starts));
    let plan = Plan::new(rules, 5_000, None, start_ms, Vec::new())?;
    let mut run = Run::new(&plan, &source).map_err(anyhow::Error::msg)?;
    let latest_ms = plan.edge_before(millis(lab.epoch(MEASURED_AT)) - 10_000);
    let advanced = run.advance(latest_ms - plan.step_ms, Patience::Once, |_| {}).await;
    ensure!(advanced.is_ok(), "the run so far could not be fetched: {advanced:?}");
    let at = latest_ms as f64 / 1e3;
    let (narrow, wide) = (plain_queries("5s"), plain_queries("1m"));
    let mut times = Times::default();
    for _ in 0..ROUNDS {
        let mut present = run.clone();
        let began = Instant::now();
        let advanced = present.advance(latest_ms, Patience::Once, |_| {}).await;
        let judged = to_json(&report(&present, false));
        times.verdict.push(began.elapsed());
        ensure!(advanced.is_ok() && present.judged_to_ms() == latest_ms && judged.contains("\"hold\""), "no verdict: {judged}");
        let began = Instant::now();
        let span = davy_sources::samples::Span { start_ms: latest_ms - plan.step_ms, end_ms: latest_ms };
        let fetched = davy_sources::source::Source::fetch(&source, &plan.fetch, davy_sources::samples::Part::Run, span).await;
        times.fetch.push(began.elapsed());
        ensure!(fetched.iter().all(Result::is_ok), "a stream failed");
        for (queries, kept) in [(&narrow, &mut times.together), (&wide, &mut times.wide)] {
            let began = Instant::now();
            try_join_all(queries.iter().map(|query| plain(&http, &url, query, at))).await?;
            kept.push(began.elapsed());
        }
        let began = Instant::now();
        for query in &narrow {
            plain(&http, &url, query, at).await?;
        }
        times.in_turn.push(began.elapsed());
    }
    Ok(times)
}

fn millis(seconds: f64) -> i64 {
    (seconds * 1e3).round() as i64
}

/// Runs `davy gate` from now to its verdict, recorded, and watches how much memory it had at most, in MB.
async fn gate_memory(lab: &Lab) -> anyhow::Result<f64> {
    let place = tempfile::tempdir()?;
    let mut arguments = davy_tests::live::recorded_gate(&lab.prometheus, lab, Mode::Same, Rules::Classic, &place.path().join("recording"));
    let start = arguments.iter().position(|argument| argument == "--start").context("a gate has a start")?;
    arguments[start + 1] = (lab.epoch(MEASURED_AT + 30.0)).to_string();
    let mut child = command()?.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut most_kb = 0.0_f64;
    while child.try_wait()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now_kb: f64 = line.and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0.0);
        if now_kb > most_kb {
            most_kb = now_kb;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(most_kb * 1024.0 / 1e6)
}
