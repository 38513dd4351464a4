//! What the Prometheus source makes of servers that fail, one fault at a time: the kind, what the text says to do, how
//! often the server was asked. Then the same through `davy gate`: a fault is never a promotion.

#![cfg(test)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use davy_judge::arm::{Arm, PerArm};
use davy_sources::error::{SourceError, SourceErrorKind as Kind};
use davy_sources::prometheus::{Auth, Prometheus, PrometheusConfig, Secret, SecretSource};
use davy_sources::samples::{FetchPlan, MatchOp, Matcher, Part, Selector, Span, StreamData, StreamSpec};
use davy_sources::source::Source;
use davy_tests::davy::{Run, run_async, workspace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SPAN: Span = Span { start_ms: 1_700_000_000_000, end_ms: 1_700_000_060_000 };
const SECRET: &str = "hunter2";
/// How often a query is tried here, unless a test says otherwise.
const ATTEMPTS: u32 = 3;
const ANSWER: &str = concat!(
    r#"{"status":"success","data":{"resultType":"matrix","result":["#,
    r#"{"metric":{"version":"v1"},"values":[[1700000015,"1"],[1700000030,"4"]]},"#,
    r#"{"metric":{"version":"v2"},"values":[[1700000015,"2"]]}]}}"#
);

/// What the double does with one request.
#[derive(Clone)]
enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends these bytes and no more, but keeps the connection.
    Stall(Vec<u8>),
}

fn http(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Bytes(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}").into_bytes())
}

fn ok(body: &str) -> Reply {
    http("200 OK", "content-type: application/json\r\n", body)
}

/// A request as it came.
struct Asked {
    /// Up to the query string.
    path: String,
    /// The form's fields.
    fields: Vec<(String, String)>,
    /// All of it.
    text: String,
}

impl Asked {
    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }
}

/// An HTTP server on loopback that does what it is told. Ends with its runtime.
struct Double {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    last: Arc<Mutex<String>>,
}

impl Double {
    /// `reply` is given the number of the request, from 1.
    async fn start(reply: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Double {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let double = Double { address: listener.local_addr().unwrap(), asked: Arc::default(), last: Arc::default() };
        let (asked, last, reply) = (double.asked.clone(), double.last.clone(), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (asked, last, reply) = (asked.clone(), last.clone(), reply.clone());
                tokio::spawn(async move {
                    let mut stream = stream;
                    let Some(request) = read(&mut stream).await else { return };
                    last.lock().unwrap().clone_from(&request.text);
                    let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
                    match reply(number, &request) {
                        Reply::Bytes(bytes) => {
                            let _ = stream.write_all(&bytes).await;
                            let _ = stream.shutdown().await;
                            // Whoever closes with unread bytes resets, and the answer may be lost.
                            let _ = stream.read(&mut [0; 64]).await;
                        }
                        Reply::Stall(bytes) => {
                            let _ = stream.write_all(&bytes).await;
                            // Until the client goes.
                            let _ = stream.read(&mut [0; 64]).await;
                        }
                    }
                });
            }
        });
        double
    }

    /// The same reply to everything.
    async fn always(reply: Reply) -> Double {
        Self::start(move |_, _| reply.clone()).await
    }

    /// With credentials in every place where there may be some.
    fn config(&self) -> PrometheusConfig {
        config(&format!("http://{}/prom?key={SECRET}-key", self.address))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let lower = head.to_ascii_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        let path = head.split([' ', '?']).nth(1)?.to_owned();
        let form = reqwest::Url::parse(&format!("http://form/?{body}")).ok()?;
        let fields = form.query_pairs().into_owned().collect();
        return Some(Asked { path, fields, text });
    }
}

fn config(url: &str) -> PrometheusConfig {
    PrometheusConfig {
        auth: Auth::Bearer(SecretSource::Literal(Secret::new(format!("{SECRET}-token")))),
        headers: vec![("X-Scope-OrgID".to_owned(), Secret::new(format!("{SECRET}-tenant")))],
        query_timeout: Duration::from_secs(2),
        attempts: ATTEMPTS,
        ..PrometheusConfig::new(url)
    }
}

async fn fetch(config: PrometheusConfig) -> Result<StreamData, SourceError> {
    let version = |value: &str| vec![Matcher { label: "version".to_owned(), op: MatchOp::Equal, value: value.to_owned() }];
    let plan = FetchPlan {
        streams: vec![StreamSpec::Counter(Selector { name: "http_requests_total".to_owned(), matchers: Vec::new() })],
        signals: Vec::new(),
        arms: PerArm { baseline: version("v1"), canary: version("v2") },
        history_from: None,
        instance: None,
        step_ms: 15_000,
        max_history_samples: 1000,
    };
    Prometheus::new(config)?.fetch(&plan, Part::Run, SPAN).await.remove(0)
}

/// The error, whose text has all these words, names the place and holds no secret.
async fn refusal(config: PrometheusConfig, words: &[&str]) -> Kind {
    let place = reqwest::Url::parse(config.url.expose()).unwrap();
    let place = format!("prometheus at {}:{}: ", place.host_str().unwrap(), place.port_or_known_default().unwrap());
    let error = fetch(config).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(&place), "expected {place:?}, found {text:?}");
    for word in words {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
    assert!(!format!("{text} {error:?}").contains(SECRET), "a secret: {error:?}");
    assert!(!text.contains('\n') && !text.contains("/api/v1"), "{text:?}");
    error.kind
}

fn answered(data: &StreamData) -> bool {
    data.series.iter().map(|series| series.arm).eq([Arm::Baseline, Arm::Canary])
}

#[tokio::test]
async fn a_server_that_is_well_gets_the_credentials() {
    let double = Double::always(ok(ANSWER)).await;
    let data = fetch(double.config()).await.unwrap();
    assert!(answered(&data) && data.warnings.is_empty(), "{data:?}");
    let request = double.last.lock().unwrap().clone();
    for sent in ["POST /prom/api/v1/query?key=hunter2-key ", "Bearer hunter2-token", "hunter2-tenant"] {
        assert!(request.contains(sent), "expected {sent:?} in {request:?}");
    }
    assert!(!format!("{data:?}").contains(SECRET), "queries are kept without credentials: {data:?}");
}

#[tokio::test]
async fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let kind = refusal(config(&format!("http://{address}?key={SECRET}")), &["refused", "check the address"]).await;
    assert!(matches!(kind, Kind::Connect(_)), "{kind:?}");
}

#[tokio::test]
async fn nobody_has_that_name() {
    let one = PrometheusConfig { attempts: 1, ..config(&format!("http://{SECRET}:{SECRET}@prometheus.invalid:9090")) };
    let kind = refusal(PrometheusConfig { auth: Auth::None, ..one }, &["prometheus.invalid", "check the address"]).await;
    assert!(matches!(kind, Kind::Connect(_)), "{kind:?}");
}

#[tokio::test]
async fn refused_credentials_are_not_tried_again() {
    for (status, number, says) in [("401 Unauthorized", 401, "check the bearer token"), ("403 Forbidden", 403, "may not query")] {
        // It repeats what it was given, as some do.
        let double = Double::start(move |_, asked| http(status, "", &asked.text)).await;
        let kind = refusal(double.config(), &[&number.to_string(), says]).await;
        assert!(matches!(kind, Kind::Auth { status, .. } if status == number), "{kind:?}");
        assert_eq!(double.asked(), 1);
    }
    let double = Double::always(http("401 Unauthorized", "", "")).await;
    refusal(PrometheusConfig { auth: Auth::None, ..double.config() }, &["none were sent", "give a user and password"]).await;
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it() {
    let busy = http("429 Too Many Requests", "retry-after: 1\r\n", "slow down");
    let double = Double::start(move |number, _| if number == 1 { busy.clone() } else { ok(ANSWER) }).await;
    let began = Instant::now();
    let data = fetch(double.config()).await.unwrap();
    assert!(answered(&data), "{data:?}");
    assert_eq!(double.asked(), 2);
    assert!(began.elapsed() >= Duration::from_secs(1), "asked again too early: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_asks_for_too_much_time_is_left_alone() {
    let double = Double::always(http("429 Too Many Requests", "retry-after: 3600\r\n", "")).await;
    let began = Instant::now();
    let kind = refusal(double.config(), &["429", "after 1 attempt", "try later"]).await;
    assert_eq!(kind, Kind::Overloaded { status: 429, attempts: 1, retry_after: Some(Duration::from_secs(3600)) });
    assert!(double.asked() == 1 && began.elapsed() < Duration::from_secs(2), "{} {:?}", double.asked(), began.elapsed());
}

#[tokio::test]
async fn a_server_that_stays_overloaded_is_asked_so_often() {
    let double = Double::always(http("503 Service Unavailable", "", "<html><title>no backend</title>")).await;
    let kind = refusal(double.config(), &["503", "after 3 attempts", "try later"]).await;
    assert_eq!(kind, Kind::Overloaded { status: 503, attempts: 3, retry_after: None });
    assert_eq!(double.asked(), 3);
}

#[tokio::test]
async fn an_internal_error_is_tried_again_and_told_in_its_words() {
    let body = r#"{"status":"error","errorType":"internal","error":"disk on fire"}"#;
    let double = Double::always(http("500 Internal Server Error", "", body)).await;
    let kind = refusal(double.config(), &["500", "disk on fire"]).await;
    assert!(matches!(kind, Kind::Status { status: 500, .. }), "{kind:?}");
    assert_eq!(double.asked(), 3);
    let broken = http("500 Internal Server Error", "", body);
    let double = Double::start(move |number, _| if number < 3 { broken.clone() } else { ok(ANSWER) }).await;
    assert!(answered(&fetch(double.config()).await.unwrap()));
}

#[tokio::test]
async fn a_slow_answer_has_a_deadline() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"status\":".to_vec();
    for sent in [Vec::new(), begun] {
        let double = Double::always(Reply::Stall(sent)).await;
        let began = Instant::now();
        let impatient = PrometheusConfig { query_timeout: Duration::from_millis(300), ..double.config() };
        let kind = refusal(impatient, &["300ms", "--query-timeout"]).await;
        assert_eq!(kind, Kind::Timeout(Duration::from_millis(300)));
        // With its retries a query takes at most three times as long.
        assert!((2..=3).contains(&double.asked()) && began.elapsed() < Duration::from_secs(2), "{} {:?}", double.asked(), began.elapsed());
    }
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let cut = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", ANSWER.len(), &ANSWER[..100]);
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n{}\r\n", &ANSWER[..100]);
    // The length fits, what is in it does not: a proxy that caches what it got.
    let Reply::Bytes(cached) = ok(&ANSWER[..100]) else { panic!("bytes were asked for") };
    for bytes in [cut.into_bytes(), chunked.into_bytes(), cached] {
        let double = Double::always(Reply::Bytes(bytes.clone())).await;
        let kind = refusal(double.config(), &["cut off", "100 bytes", "check the proxy"]).await;
        assert_eq!(kind, Kind::Truncated(100));
        assert_eq!(double.asked(), 3);
        let double = Double::start(move |number, _| if number == 1 { Reply::Bytes(bytes.clone()) } else { ok(ANSWER) }).await;
        assert!(answered(&fetch(double.config()).await.unwrap()));
    }
}

#[tokio::test]
async fn what_is_no_answer_of_the_api_is_not_asked_for_again() {
    let page = "<!doctype html><html><head><title>Sign in</title></head><body>welcome</body></html>";
    for (body, words) in [
        (page, &["a web page titled \"Sign in\"", "proxy"][..]),
        (r#"{"hello":"world"}"#, &["a Prometheus API answer", "status"]),
        (r#"{"status":"success"}"#, &["an answer with data", "none"]),
        (r#"{"status":"success","data":{"result":"ok"}}"#, &["a Prometheus API answer"]),
        ("[1, 2, 3]", &["a Prometheus API answer", "[1, 2, 3]"]),
        ("", &["a Prometheus API answer", "an empty body"]),
    ] {
        let double = Double::always(ok(body)).await;
        let kind = refusal(double.config(), words).await;
        assert!(matches!(kind, Kind::Malformed { .. }), "{body}: {kind:?}");
        assert_eq!(double.asked(), 1, "{body}");
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_request_gives_no_secret_away() {
    let api_error = |asked: &Asked| serde_json::json!({"status": "error", "errorType": "bad_data", "error": asked.text}).to_string();
    for (status, as_json) in
        [("500 Internal Server Error", false), ("404 Not Found", false), ("400 Bad Request", true), ("200 OK", false), ("200 OK", true)]
    {
        let double = Double::start(move |_, asked| http(status, "", &if as_json { api_error(asked) } else { asked.text.clone() })).await;
        let bearer = PrometheusConfig { attempts: 1, ..double.config() };
        let basic = config(&format!("http://ann:{SECRET}@{}", double.address));
        let basic = PrometheusConfig { auth: Auth::None, headers: Vec::new(), attempts: 1, ..basic };
        for config in [bearer, basic] {
            let error = fetch(config).await.unwrap_err();
            let text = format!("{error} {error:?}");
            // The encoded one is ann:hunter2.
            assert!(text.contains("***") && !text.contains(SECRET) && !text.contains("YW5uOmh1bnRlcjI"), "{text}");
        }
    }
}

#[tokio::test]
async fn warnings_come_with_the_data() {
    let warned =
        ANSWER.replace(r#"{"status":"#, r#"{"warnings":["store-2 did not answer"],"infos":["metric might not be a counter"],"status":"#);
    let data = fetch(Double::always(ok(&warned)).await.config()).await.unwrap();
    assert!(answered(&data), "{data:?}");
    assert_eq!(data.warnings, ["store-2 did not answer"]);
    assert_eq!(data.notes, ["metric might not be a counter"]);
    let partial = ANSWER.replace(r#"{"status":"#, r#"{"isPartial":true,"status":"#);
    let data = fetch(Double::always(ok(&partial)).await.config()).await.unwrap();
    assert!(data.warnings.len() == 1 && data.warnings[0].contains("partial"), "{:?}", data.warnings);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read() {
    const LIMIT: u64 = 10_000;
    let body = format!("{}{}", ANSWER, " ".repeat(1 << 20));
    // Without a length; the double never ends, so only a reader that stops gets anywhere.
    let endless = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len());
    for reply in [ok(&body), Reply::Stall(endless.into_bytes())] {
        let double = Double::always(reply).await;
        let kind = refusal(PrometheusConfig { max_body: LIMIT, ..double.config() }, &["10000 bytes", "--max-body"]).await;
        assert_eq!(kind, Kind::TooLarge { limit: LIMIT });
        // Raw samples once, then increases of all four windows, of two and of one: less cannot be asked for.
        assert_eq!(double.asked(), 4);
    }
}

/// What a healthy server has of two equal versions: requests and, of them, 1 % failures, scraped each 5 s.
fn healthy(asked: &Asked) -> String {
    let result = |series: &[String]| format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, series.join(","));
    let range = asked.field("query").rsplit_once('[').and_then(|(_, range)| range.strip_suffix("s]")?.parse::<i64>().ok());
    let (Some(range), Ok(end)) = (range, asked.field("time").parse::<i64>()) else { return result(&[]) };
    let times = ((end - range).div_euclid(5) + 1..=end.div_euclid(5)).map(|scrape| scrape * 5);
    let mut series = Vec::new();
    for (shift, version) in ["v1", "v2"].into_iter().enumerate() {
        for (code, per_second) in [("200", 198), ("500", 2)] {
            // A ripple, differently in time for each version: two signals without any noise would be no measurement.
            let count = |time: i64| per_second * (time - BEGIN + 1000) + (time / 5 + 3 * shift as i64) % 7 % 3 * per_second / 2;
            let points: Vec<String> = times.clone().map(|time| format!(r#"[{time},"{}"]"#, count(time))).collect();
            let labels = format!(r#""__name__":"http_requests_total","version":"{version}","code":"{code}","pod":"{version}-1""#);
            series.push(format!(r#"{{"metric":{{{labels}}},"values":[{}]}}"#, points.join(",")));
        }
    }
    result(&series)
}

/// When the judged past begins, in seconds; a multiple of the step.
const BEGIN: i64 = 1_700_000_100;

const RULES: &str = "
schema: davy/v1
name: faults
arms:
  baseline: { version: v1 }
  canary: { version: v2 }
window: { step: 15s, warmup: 30s, deadline: 30m }
metrics:
  - name: error_rate
    ratio: { events: 'http_requests_total{code=\"500\"}', total: http_requests_total }
    worse: higher
    tolerance: 100%
    ignore_below: 0.1%
";

/// The gate over half an hour of the past.
async fn past_gate(double: &Double) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("faults.yaml");
    std::fs::write(&rules, RULES).unwrap();
    let (start, end) = (BEGIN.to_string(), (BEGIN + 1800).to_string());
    let rules = rules.display().to_string();
    gate(double, &["--rules", &rules, "--start", &start, "--end", &end, "--output", "json"]).await
}

/// The gate on what is there now.
async fn gate_once(double: &Double) -> Run {
    let rules = workspace().join("tests/rules/lab.yaml").display().to_string();
    gate(double, &["--rules", &rules, "--baseline", "version=v1", "--canary", "version=v2", "--once"]).await
}

async fn gate(double: &Double, more: &[&str]) -> Run {
    let url = format!("http://ann:{SECRET}@{}/prom?key={SECRET}", double.address);
    let arguments = ["gate", "--prometheus", &url, "-vv"].into_iter().chain(more.iter().copied());
    let run = run_async(arguments.map(str::to_owned).collect()).await.unwrap();
    assert!(!format!("{}{}", run.stdout, run.stderr).contains(SECRET), "a secret: {run:?}");
    run
}

#[tokio::test]
async fn a_gate_on_a_server_that_only_fails_is_no_analysis() {
    for (reply, says) in [
        (http("401 Unauthorized", "", SECRET), "check user ann"),
        (http("403 Forbidden", "", ""), "may not query here"),
        (ok("<html><title>Sign in</title></html>"), "a web page titled \"Sign in\""),
        (http("503 Service Unavailable", "", ""), "overloaded (HTTP 503)"),
        (ok(&ANSWER[..100]), "cut off"),
        (ok("{}"), "a Prometheus API answer"),
    ] {
        let double = Double::always(reply).await;
        let run = gate_once(&double).await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
        assert!(run.stderr.contains("no analysis took place") && run.stderr.contains(says), "{says:?}: {}", run.stderr);
    }
}

#[tokio::test]
async fn no_fault_turns_what_would_be_promoted_into_a_promotion() {
    let run = past_gate(&Double::start(|_, asked| ok(&healthy(asked))).await).await;
    assert_eq!(run.code, Some(0), "without a fault it is promoted, else this proves nothing: {}\n{}", run.stdout, run.stderr);

    // The same samples, and a warning.
    let warned = Double::start(|_, asked| ok(&healthy(asked).replacen('{', r#"{"warnings":["store-2 did not answer"],"#, 1))).await;
    let run = past_gate(&warned).await;
    assert_eq!(run.code, Some(3), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("store-2 did not answer"), "the report says why: {}", run.stdout);

    // Samples are refused after the server was found to answer.
    for (reply, says) in [
        (http("401 Unauthorized", "", ""), "check user ann"),
        (ok("<html><title>Sign in</title></html>"), "a web page titled"),
        (http("503 Service Unavailable", "", ""), "overloaded (HTTP 503)"),
    ] {
        let double = Double::start(move |_, asked| if asked.path.ends_with("/query") { reply.clone() } else { ok(&healthy(asked)) }).await;
        let run = past_gate(&double).await;
        assert!(matches!(run.code, Some(3 | 4)), "{:?} {}\n{}", run.code, run.stdout, run.stderr);
        assert!(format!("{}{}", run.stdout, run.stderr).contains(says), "{says:?}: {}\n{}", run.stdout, run.stderr);
    }
}
