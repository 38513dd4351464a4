//! What the Prometheus source makes of servers that fail, one fault at a time: the kind, what the text says to do, how
//! often the server was asked. What `davy gate` makes of them: `fault_table.rs`.

#![cfg(test)]

use std::time::{Duration, Instant};

use davy_judge::arm::{Arm, PerArm};
use davy_sources::error::{SourceError, SourceErrorKind as Kind};
use davy_sources::prometheus::{Auth, Prometheus, PrometheusConfig, Secret, SecretSource};
use davy_sources::samples::{FetchPlan, MatchOp, Matcher, Part, Selector, Span, StreamData, StreamSpec};
use davy_sources::source::Source;
use davy_tests::double::{Asked, Double, Reply, http, ok};
use tokio::net::TcpListener;

const SPAN: Span = Span { start_ms: 1_700_000_000_000, end_ms: 1_700_000_060_000 };
const SECRET: &str = "hunter2";
/// How often a query is tried here, unless a test says otherwise.
const ATTEMPTS: u32 = 3;
const ANSWER: &str = concat!(
    r#"{"status":"success","data":{"resultType":"matrix","result":["#,
    r#"{"metric":{"version":"v1"},"values":[[1700000015,"1"],[1700000030,"4"]]},"#,
    r#"{"metric":{"version":"v2"},"values":[[1700000015,"2"]]}]}}"#
);

/// With credentials in every place where there may be some.
fn credentials(double: &Double) -> PrometheusConfig {
    config(&format!("http://{}/prom?key={SECRET}-key", double.address))
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
        slices: Vec::new(),
        arms: PerArm { baseline: version("v1"), canary: version("v2") },
        history_from: None,
        instance: None,
        step_ms: 15_000,
        max_history_samples: 1000,
    };
    let source = Prometheus::new(config)?;
    let traffic = source.traffic();
    assert_eq!((traffic.asked(), traffic.answered(), traffic.bytes()), (0, 0, 0));
    let answer = source.fetch(&plan, Part::Run, SPAN).await.remove(0);
    // Whoever waits sees every request end, whatever became of it.
    assert!(traffic.asked() > 0 && traffic.asked() == traffic.answered(), "{traffic:?}");
    assert!(answer.is_err() || traffic.bytes() > 0, "{traffic:?}");
    answer
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
    let data = fetch(credentials(&double)).await.unwrap();
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
        let kind = refusal(credentials(&double), &[&number.to_string(), says]).await;
        assert!(matches!(kind, Kind::Auth { status, .. } if status == number), "{kind:?}");
        assert_eq!(double.asked(), 1);
    }
    let double = Double::always(http("401 Unauthorized", "", "")).await;
    refusal(PrometheusConfig { auth: Auth::None, ..credentials(&double) }, &["none were sent", "give a user and password"]).await;
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it() {
    let busy = http("429 Too Many Requests", "retry-after: 1\r\n", "slow down");
    let double = Double::start(move |number, _| if number == 1 { busy.clone() } else { ok(ANSWER) }).await;
    let began = Instant::now();
    let data = fetch(credentials(&double)).await.unwrap();
    assert!(answered(&data), "{data:?}");
    assert_eq!(double.asked(), 2);
    assert!(began.elapsed() >= Duration::from_secs(1), "asked again too early: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_asks_for_too_much_time_is_left_alone() {
    let double = Double::always(http("429 Too Many Requests", "retry-after: 3600\r\n", "")).await;
    let began = Instant::now();
    let kind = refusal(credentials(&double), &["429", "after 1 attempt", "try later"]).await;
    assert_eq!(kind, Kind::Overloaded { status: 429, attempts: 1, retry_after: Some(Duration::from_secs(3600)) });
    assert!(double.asked() == 1 && began.elapsed() < Duration::from_secs(2), "{} {:?}", double.asked(), began.elapsed());
}

#[tokio::test]
async fn a_server_that_stays_overloaded_is_asked_so_often() {
    let double = Double::always(http("503 Service Unavailable", "", "<html><title>no backend</title>")).await;
    let kind = refusal(credentials(&double), &["503", "after 3 attempts", "try later"]).await;
    assert_eq!(kind, Kind::Overloaded { status: 503, attempts: 3, retry_after: None });
    assert_eq!(double.asked(), 3);
}

#[tokio::test]
async fn an_internal_error_is_tried_again_and_told_in_its_words() {
    let body = r#"{"status":"error","errorType":"internal","error":"disk on fire"}"#;
    let double = Double::always(http("500 Internal Server Error", "", body)).await;
    let kind = refusal(credentials(&double), &["500", "disk on fire"]).await;
    assert!(matches!(kind, Kind::Status { status: 500, .. }), "{kind:?}");
    assert_eq!(double.asked(), 3);
    let broken = http("500 Internal Server Error", "", body);
    let double = Double::start(move |number, _| if number < 3 { broken.clone() } else { ok(ANSWER) }).await;
    assert!(answered(&fetch(credentials(&double)).await.unwrap()));
}

#[tokio::test]
async fn a_slow_answer_has_a_deadline() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"status\":".to_vec();
    for sent in [Vec::new(), begun] {
        let double = Double::always(Reply::Stall(sent)).await;
        let began = Instant::now();
        let impatient = PrometheusConfig { query_timeout: Duration::from_millis(300), ..credentials(&double) };
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
        let kind = refusal(credentials(&double), &["cut off", "100 bytes", "check the proxy"]).await;
        assert_eq!(kind, Kind::Truncated(100));
        assert_eq!(double.asked(), 3);
        let double = Double::start(move |number, _| if number == 1 { Reply::Bytes(bytes.clone()) } else { ok(ANSWER) }).await;
        assert!(answered(&fetch(credentials(&double)).await.unwrap()));
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
        let kind = refusal(credentials(&double), words).await;
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
        let bearer = PrometheusConfig { attempts: 1, ..credentials(&double) };
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
    let data = fetch(credentials(&Double::always(ok(&warned)).await)).await.unwrap();
    assert!(answered(&data), "{data:?}");
    assert_eq!(data.warnings, ["store-2 did not answer"]);
    assert_eq!(data.notes, ["metric might not be a counter"]);
    let partial = ANSWER.replace(r#"{"status":"#, r#"{"isPartial":true,"status":"#);
    let data = fetch(credentials(&Double::always(ok(&partial)).await)).await.unwrap();
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
        let kind = refusal(PrometheusConfig { max_body: LIMIT, ..credentials(&double) }, &["10000 bytes", "--max-body"]).await;
        assert_eq!(kind, Kind::TooLarge { limit: LIMIT });
        // Raw samples once, then increases of all four windows, of two and of one: less cannot be asked for.
        assert_eq!(double.asked(), 4);
    }
}
