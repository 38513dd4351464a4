//! What the Prometheus source does on the wire when nothing is wrong, and what it keeps from going wrong: compression and
//! its bombs, redirects, servers without POST, tokens that rotate, how many requests are under way at once.

#![cfg(test)]

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use davy_judge::arm::PerArm;
use davy_sources::error::{SourceError, SourceErrorKind};
use davy_sources::prometheus::{Auth, Prometheus, PrometheusConfig, Secret, SecretSource};
use davy_sources::samples::{FetchPlan, MatchOp, Matcher, Part, Selector, Span, StreamData, StreamSpec};
use davy_sources::source::Source;

/// The recorded counters lie in this span.
const SPAN: Span = Span { start_ms: 1_700_000_090_000, end_ms: 1_700_000_140_000 };

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../fixtures/wire/prometheus/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a double was asked: method, path with query string, headers.
type Seen = Arc<Mutex<Vec<(Method, String, HeaderMap)>>>;
type Answer = Arc<dyn Fn(&Method, &str) -> Response + Send + Sync>;

async fn handle(State((seen, answer)): State<(Seen, Answer)>, request: Request) -> Response {
    let target = request.uri().to_string();
    seen.lock().unwrap().push((request.method().clone(), target.clone(), request.headers().clone()));
    answer(request.method(), &target)
}

/// An HTTP server on loopback; gives its address and what it was asked.
async fn double(answer: impl Fn(&Method, &str) -> Response + Send + Sync + 'static) -> (String, Seen) {
    let (seen, answer): (Seen, Answer) = (Seen::default(), Arc::new(answer));
    let router = Router::new().fallback(handle).with_state((seen.clone(), answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), seen)
}

fn plan(streams: usize) -> FetchPlan {
    let version = |value: &str| vec![Matcher { label: "version".to_owned(), op: MatchOp::Equal, value: value.to_owned() }];
    let counter = |number: usize| StreamSpec::Counter(Selector { name: format!("requests_{number}"), matchers: Vec::new() });
    FetchPlan {
        streams: (0..streams).map(counter).collect(),
        signals: Vec::new(),
        slices: Vec::new(),
        arms: PerArm { baseline: version("v1"), canary: version("v2") },
        history_from: None,
        instance: None,
        step_ms: 15_000,
        max_history_samples: 1000,
    }
}

async fn fetch(config: PrometheusConfig) -> Result<StreamData, SourceError> {
    Prometheus::new(config).unwrap().fetch(&plan(1), Part::Run, SPAN).await.remove(0)
}

fn counters() -> Response {
    fixture("prometheus-2.42-counters.json").into_response()
}

fn zipped(body: Vec<u8>) -> Response {
    ([(header::CONTENT_ENCODING, "gzip")], body).into_response()
}

#[tokio::test]
async fn a_compressed_answer_is_unpacked() {
    let (url, seen) = double(|_, _| zipped(fixture("prometheus-2.42-counters.json.gz"))).await;
    let data = fetch(PrometheusConfig::new(url)).await.unwrap();
    assert_eq!(data.series.len(), 3);
    let accepted = seen.lock().unwrap()[0].2[header::ACCEPT_ENCODING].to_str().unwrap().to_owned();
    assert!(accepted.contains("gzip"), "{accepted}");
}

#[tokio::test]
async fn the_limit_holds_for_what_is_unpacked() {
    let packed = fixture("bomb.gz");
    let limit = 1 << 20;
    assert!((packed.len() as u64) < limit, "it would be too large as it is");
    let (url, _) = double(move |_, _| zipped(packed.clone())).await;
    let error = fetch(PrometheusConfig { max_body: limit, ..PrometheusConfig::new(url) }).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::TooLarge { limit });
}

#[tokio::test]
async fn half_a_compressed_answer_is_none() {
    let (url, _) = double(|_, _| {
        let mut packed = fixture("prometheus-2.42-counters.json.gz");
        packed.truncate(packed.len() / 2);
        zipped(packed)
    })
    .await;
    let error = fetch(PrometheusConfig { attempts: 1, ..PrometheusConfig::new(url) }).await.unwrap_err();
    assert!(matches!(error.kind, SourceErrorKind::Truncated(_)), "{error:?}");
    let (url, _) = double(|_, _| zipped(b"this is no gzip at all".to_vec())).await;
    let error = fetch(PrometheusConfig { attempts: 1, ..PrometheusConfig::new(url) }).await.unwrap_err();
    assert!(matches!(error.kind, SourceErrorKind::Malformed { .. }), "{error:?}");
}

/// Credentials go to the server that they were given for, and to no other.
#[tokio::test]
async fn a_redirect_to_another_server_is_not_followed() {
    let (elsewhere, stolen) = double(|_, _| counters()).await;
    for status in [StatusCode::FOUND, StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT] {
        let target = format!("{elsewhere}/login?token=hunter2");
        let (url, _) = double(move |_, _| (status, [(header::LOCATION, target.clone())]).into_response()).await;
        let mut config = PrometheusConfig::new(url);
        config.auth = Auth::Bearer(SecretSource::Literal(Secret::new("hunter2")));
        let text = fetch(config).await.unwrap_err().to_string();
        assert!(text.contains("redirects to") && text.contains(&elsewhere) && !text.contains("hunter2"), "{text}");
    }
    assert!(stolen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_redirect_at_home_is_followed_with_the_query() {
    let (url, seen) = double(|_, target| match target {
        "/api/v1/query" => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "/prometheus/api/v1/query")]).into_response(),
        _ => counters(),
    })
    .await;
    assert_eq!(fetch(PrometheusConfig::new(url.as_str())).await.unwrap().series.len(), 3);
    let methods: Vec<Method> = seen.lock().unwrap().iter().map(|(method, _, _)| method.clone()).collect();
    assert_eq!(methods, [Method::POST, Method::POST]);
    // Without end: stopped, and said.
    let (url, seen) = double(|_, _| (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "/api/v1/query")]).into_response()).await;
    assert!(fetch(PrometheusConfig::new(url)).await.unwrap_err().to_string().contains("redirects to"));
    assert!(seen.lock().unwrap().len() <= 4);
}

#[tokio::test]
async fn a_server_that_takes_no_post_is_asked_by_get() {
    let (url, seen) =
        double(|method, _| if method == Method::GET { counters() } else { StatusCode::METHOD_NOT_ALLOWED.into_response() }).await;
    assert_eq!(fetch(PrometheusConfig::new(url)).await.unwrap().series.len(), 3);
    let (method, target, _) = seen.lock().unwrap()[1].clone();
    assert_eq!(method, Method::GET);
    assert!(target.starts_with("/api/v1/query?query=requests_0%7Bversion"), "{target}");
}

#[tokio::test]
async fn a_token_is_read_again_for_each_request() {
    let (url, seen) = double(|_, _| counters()).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut config = PrometheusConfig::new(url);
    config.auth = Auth::Bearer(SecretSource::File(file.path().to_owned()));
    config.headers = vec![("X-Scope-OrgID".to_owned(), Secret::new("team-a"))];
    let source = Prometheus::new(config).unwrap();
    for token in ["first", "second"] {
        file.as_file_mut().set_len(0).unwrap();
        std::fs::write(file.path(), format!("{token}\n")).unwrap();
        file.flush().unwrap();
        source.fetch(&plan(1), Part::Run, SPAN).await.remove(0).unwrap();
    }
    let seen = seen.lock().unwrap();
    let sent = |name: &str| seen.iter().map(|(_, _, headers)| headers[name].to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(sent("authorization"), ["Bearer first", "Bearer second"]);
    assert_eq!(sent("x-scope-orgid"), ["team-a", "team-a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_requests_than_allowed_are_under_way() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (now.clone(), most.clone());
    let router = Router::new().fallback(move || {
        let (counted, highest) = (counted.clone(), highest.clone());
        async move {
            let under_way = counted.fetch_add(1, Ordering::SeqCst) + 1;
            highest.fetch_max(under_way, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            counted.fetch_sub(1, Ordering::SeqCst);
            counters()
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let source = Prometheus::new(PrometheusConfig { concurrency: 2, ..PrometheusConfig::new(url) }).unwrap();
    let fetched = source.fetch(&plan(9), Part::Run, SPAN).await;
    assert!(fetched.len() == 9 && fetched.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 2);
}
