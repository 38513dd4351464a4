//! The contract of the Prometheus source, held against real servers that were filled with the same samples: what comes
//! back is exactly what went in. Prometheus 2.42 and VictoriaMetrics 1.79, as Debian 12 has them.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use davy_judge::arm::{Arm, PerArm};
use davy_sources::error::SourceErrorKind;
use davy_sources::prometheus::{Prometheus, PrometheusConfig};
use davy_sources::samples::{FetchPlan, MatchOp, Matcher, Part, Samples, Selector, Signal, Span, StreamData, StreamSpec};
use davy_sources::source::Source;
use davy_tests::lab::model::{Mode, Timeline};
use davy_tests::lab::server::{Server, ServerKind, Target, http_client};
use davy_tests::lab::service::{Identity, Instance, NATIVE_DURATION};
use tempfile::TempDir;

/// When the samples begin: a multiple of a minute.
const BEGIN_MS: i64 = 1_700_000_100_000;
const SCRAPE_MS: i64 = 15_000;
/// Half an hour.
const SCRAPES: i64 = 120;
/// The canary's first scrape.
const CANARY_FROM: i64 = 40;
/// The scrape at which one pod restarts.
const RESTART: i64 = 60;
const EVIL: &str = "v\"1\\\"} or vector(1) #\n{{step}}";

/// A series as it is put into the servers.
struct Truth {
    name: &'static str,
    labels: BTreeMap<String, String>,
    points: Vec<(i64, f64)>,
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

/// Pod `c` is scraped exactly at window ends, the others between them.
fn truth() -> Vec<Truth> {
    let mut all = Vec::new();
    for (version, pod, offset_ms, speed, from) in
        [("v1", "a", 571, 1, 0), ("v1", "b", 9_250, 2, 0), ("v1", "c", 0, 3, 0), ("v2", "x", 4_001, 1, CANARY_FROM)]
    {
        let points = |count: &dyn Fn(i64) -> i64| -> Vec<(i64, f64)> {
            let age = |scrape: i64| if pod == "b" && scrape >= RESTART { scrape - RESTART } else { scrape - from };
            (from..SCRAPES).map(|scrape| (BEGIN_MS + scrape * SCRAPE_MS + offset_ms, count(age(scrape)) as f64)).collect()
        };
        let mut push = |name, more: (&str, &str), count: &dyn Fn(i64) -> i64| {
            all.push(Truth { name, labels: labels(&[("version", version), ("pod", pod), more]), points: points(count) });
        };
        push("http_requests_total", ("code", "200"), &|age| 30 * speed * age);
        push("http_requests_total", ("code", "500"), &|age| age / 7);
        push("latency_seconds_bucket", ("le", "0.1"), &|age| 15 * speed * age);
        push("latency_seconds_bucket", ("le", "0.5"), &|age| 27 * speed * age);
        push("latency_seconds_bucket", ("le", "+Inf"), &|age| 30 * speed * age);
    }
    let points = (0..SCRAPES).map(|scrape| (BEGIN_MS + scrape * SCRAPE_MS, scrape as f64)).collect();
    all.push(Truth { name: "http_requests_total", labels: labels(&[("version", EVIL), ("pod", "e"), ("code", "200")]), points });
    all
}

/// The exposition format, each sample with its time.
fn exposition(all: &[Truth], time: impl Fn(i64) -> String) -> String {
    let mut text = String::new();
    for Truth { name, labels, points } in all {
        let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
        for (at, value) in points {
            writeln!(text, "{name}{{{}}} {value} {}", labels.join(","), time(*at)).unwrap();
        }
    }
    text
}

/// A server on loopback that scrapes nothing, killed when dropped.
struct Store {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Store {
    async fn prometheus(all: &[Truth], arguments: &[&str]) -> Store {
        let directory = tempfile::tempdir().unwrap();
        let (text, data) = (directory.path().join("text"), directory.path().join("data"));
        let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
        fs::write(&text, exposition(all, seconds) + "# EOF\n").unwrap();
        let filled = Command::new("promtool").args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&text).arg(&data).output();
        let filled = filled.expect("promtool comes with Debian's prometheus; scripts/test installs it");
        assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
        let mut command = Command::new("prometheus");
        command.args(["--config.file=/dev/null", "--storage.tsdb.retention.time=100y", "--log.level=warn"]);
        command.arg(format!("--storage.tsdb.path={}", data.display())).args(arguments);
        Self::start(command, directory, "--web.listen-address=", "-/ready").await
    }

    async fn victoria_metrics(all: &[Truth], arguments: &[&str]) -> Store {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("victoria-metrics");
        command.args(["-retentionPeriod=100y", "-memory.allowedBytes=256MB", "-loggerLevel=ERROR"]);
        command.arg(format!("-storageDataPath={}", directory.path().join("data").display())).args(arguments);
        let store = Self::start(command, directory, "-httpListenAddr=", "health").await;
        let import = format!("{}/api/v1/import/prometheus", store.url());
        let imported = http_client().post(import).body(exposition(all, |ms| ms.to_string())).send().await.unwrap();
        assert!(imported.status().is_success());
        let flushed = http_client().get(format!("{}/internal/force_flush", store.url())).send().await.unwrap();
        assert!(flushed.status().is_success());
        store
    }

    async fn start(mut command: Command, directory: TempDir, listen: &str, ready: &str) -> Store {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        command.arg(format!("{listen}{address}")).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}; scripts/test installs it", command.get_program()));
        let store = Store { child, address, _directory: directory };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !http_client().get(format!("{}/{ready}", store.url())).send().await.is_ok_and(|reply| reply.status().is_success()) {
            assert!(Instant::now() < deadline, "not ready: {:?}", fs::read_to_string(store._directory.path().join("log")));
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        store
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn source(&self) -> Prometheus {
        Prometheus::new(PrometheusConfig::new(self.url())).unwrap()
    }
}

fn equal(label: &str, value: &str) -> Matcher {
    Matcher { label: label.to_owned(), op: MatchOp::Equal, value: value.to_owned() }
}

fn metric(name: &str) -> Selector {
    Selector { name: name.to_owned(), matchers: Vec::new() }
}

fn plan(streams: Vec<StreamSpec>) -> FetchPlan {
    FetchPlan {
        streams,
        signals: Vec::new(),
        slices: Vec::new(),
        arms: PerArm { baseline: vec![equal("version", "v1")], canary: vec![equal("version", "v2")] },
        history_from: None,
        instance: Some("pod".to_owned()),
        step_ms: 60_000,
        max_history_samples: 1_000_000,
    }
}

fn all_streams() -> Vec<StreamSpec> {
    vec![StreamSpec::Counter(metric("http_requests_total")), StreamSpec::Histogram(metric("latency_seconds"))]
}

/// The whole half hour.
const WHOLE: Span = Span { start_ms: BEGIN_MS - 1, end_ms: BEGIN_MS + SCRAPES * SCRAPE_MS };

/// (arm, labels without the name, points), as the source should deliver them.
type Flat = Vec<(Arm, BTreeMap<String, String>, Vec<(i64, f64)>)>;

fn expected(name: &str, arms: &[(Arm, &str)], span: Span) -> Flat {
    let mut flat = Flat::new();
    for series in truth().into_iter().filter(|series| series.name == name) {
        let points: Vec<_> = series.points.into_iter().filter(|(time, _)| span.start_ms < *time && *time <= span.end_ms).collect();
        for (arm, _) in arms.iter().filter(|(_, version)| series.labels["version"] == *version) {
            if !points.is_empty() {
                flat.push((*arm, series.labels.clone(), points.clone()));
            }
        }
    }
    flat.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    flat
}

fn counters(data: &StreamData) -> Flat {
    assert!(data.warnings.is_empty(), "{:?}", data.warnings);
    let flat = data.series.iter().map(|series| {
        let Samples::Counter(points) = &series.samples else { panic!("{series:?}") };
        let mut labels = series.labels.clone();
        labels.remove("__name__");
        (series.arm, labels, points.clone())
    });
    flat.collect()
}

const V1_V2: [(Arm, &str); 2] = [(Arm::Baseline, "v1"), (Arm::Canary, "v2")];

/// Everything that holds for every server alike.
async fn contract(source: &Prometheus) {
    exactly_the_samples_of_the_span(source).await;
    arms_of_any_kind(source).await;
    expressions(source).await;
    one_failure_hides_nothing(source).await;
    history_within_its_budget(source).await;
    what_is_known_beforehand(source).await;
    emptiness_explained(source).await;
}

async fn exactly_the_samples_of_the_span(source: &Prometheus) {
    let plan = plan(all_streams());
    // Whole; cut at scrapes of pod `c` (start exclusive, end inclusive); between them; before and after everything.
    for (start_ms, end_ms) in
        [(-1, 1_800_000), (300_000, 600_000), (300_001, 599_999), (571, 571 + 15_000), (-90_000, -1), (1_900_000, 2_000_000)]
    {
        let span = Span { start_ms: BEGIN_MS + start_ms, end_ms: BEGIN_MS + end_ms };
        let fetched = source.fetch(&plan, Part::Run, span).await;
        for (answer, name) in fetched.iter().zip(["http_requests_total", "latency_seconds_bucket"]) {
            let data = answer.as_ref().unwrap();
            assert_eq!(counters(data), expected(name, &V1_V2, span), "{name} {start_ms} {end_ms}");
            assert_eq!(data.queries.len(), 1, "both arms come in one query: {:?}", data.queries);
            assert!(data.notes.is_empty(), "{:?}", data.notes);
        }
        assert_eq!(fetched, source.fetch(&plan, Part::Run, span).await, "asked again, the same comes back");
    }
}

async fn arms_of_any_kind(source: &Prometheus) {
    let mut plan = plan(vec![StreamSpec::Counter(metric("http_requests_total"))]);
    // Not equalities on the same labels: one query each.
    let regex = Matcher { op: MatchOp::Regex, ..equal("version", "v2|v9") };
    plan.arms = PerArm { baseline: vec![equal("version", "v1"), equal("pod", "a")], canary: vec![regex] };
    let data = source.fetch(&plan, Part::Run, WHOLE).await.remove(0).unwrap();
    let mut wanted = expected("http_requests_total", &V1_V2, WHOLE);
    wanted.retain(|(arm, labels, _)| *arm == Arm::Canary || labels["pod"] == "a");
    assert_eq!((counters(&data), data.queries.len()), (wanted, 2));
    // A value that tries to leave its string selects the series that has it, and nothing else.
    plan.arms = PerArm { baseline: vec![equal("version", "v1")], canary: vec![equal("version", EVIL)] };
    let data = source.fetch(&plan, Part::Run, WHOLE).await.remove(0).unwrap();
    assert_eq!(counters(&data), expected("http_requests_total", &[(Arm::Baseline, "v1"), (Arm::Canary, EVIL)], WHOLE));
    // A label that no series has is the empty string.
    plan.arms = PerArm { baseline: vec![equal("track", "")], canary: vec![equal("track", "canary")] };
    let data = source.fetch(&plan, Part::Run, WHOLE).await.remove(0).unwrap();
    assert_eq!(counters(&data).len(), 9);
    assert!(data.series.iter().all(|series| series.arm == Arm::Baseline));
}

async fn expressions(source: &Prometheus) {
    let values = |data: &StreamData, arm: Arm| -> Vec<(i64, f64)> {
        let series = data.series.iter().find(|series| series.arm == arm).map(|series| series.samples.clone());
        let Some(Samples::Value(points)) = series else { panic!("{data:?}") };
        points
    };
    let mut plan = plan(vec![StreamSpec::Expression("sum(http_requests_total{ {{arm}} ,code=\"200\",pod!=\"b\"})".to_owned())]);
    let span = Span { start_ms: BEGIN_MS + 899_000, end_ms: BEGIN_MS + 1_079_000 };
    let data = source.fetch(&plan, Part::Run, span).await.remove(0).unwrap();
    // At each window's end the last scrape counts: of pods a and c for the baseline.
    let wanted = |minute: i64| -> (i64, f64) {
        let at_end = 4 * minute;
        (BEGIN_MS + minute * 60_000, (30 * (at_end - 1) + 90 * at_end) as f64)
    };
    assert_eq!(values(&data, Arm::Baseline), [wanted(15), wanted(16), wanted(17)]);
    assert_eq!(values(&data, Arm::Canary)[0], (BEGIN_MS + 900_000, (30 * (59 - CANARY_FROM)) as f64));
    assert_eq!(data.queries.len(), 2);

    // More points than a server gives at once.
    plan.step_ms = 1_000;
    let four_hours = Span { start_ms: BEGIN_MS - 12_600_000, end_ms: BEGIN_MS + 1_800_000 };
    let data = source.fetch(&plan, Part::Run, four_hours).await.remove(0).unwrap();
    let baseline = values(&data, Arm::Baseline);
    assert!(baseline.len() >= 1_700 && baseline.windows(2).all(|pair| pair[0].0 < pair[1].0), "{}", baseline.len());

    // Not a number is kept, to be counted as a gap.
    plan.step_ms = 60_000;
    plan.streams = vec![StreamSpec::Expression("sum(http_requests_total{ {{arm}} }) / 0".to_owned())];
    let data = source.fetch(&plan, Part::Run, span).await.remove(0).unwrap();
    assert!(values(&data, Arm::Baseline).iter().all(|(_, value)| *value == f64::INFINITY));

    plan.streams = vec![StreamSpec::Expression("http_requests_total{ {{arm}},code=\"200\" }".to_owned())];
    let error = source.fetch(&plan, Part::Run, span).await.remove(0).unwrap_err();
    assert!(error.to_string().contains("expected one series for baseline, found 3 (add \"sum by"), "{error}");
}

async fn one_failure_hides_nothing(source: &Prometheus) {
    let plan = plan(vec![
        StreamSpec::Expression("sum(rate(http_requests_total{ {{arm}} }))) + ".to_owned()),
        StreamSpec::Counter(metric("http_requests_total")),
        StreamSpec::Counter(metric("nobody_counts_this")),
    ]);
    let fetched = source.fetch(&plan, Part::Run, WHOLE).await;
    let error = fetched[0].as_ref().unwrap_err();
    assert!(matches!(&error.kind, SourceErrorKind::Query { query, .. } if query.contains("version=\"v1\"")), "{error:?}");
    assert_eq!(counters(fetched[1].as_ref().unwrap()).len(), 8);
    assert!(fetched[2].as_ref().unwrap().series.is_empty(), "an unknown metric is empty, not an error");
}

async fn history_within_its_budget(source: &Prometheus) {
    let fetch = async |budget: u64| {
        let mut plan = plan(all_streams());
        plan.max_history_samples = budget;
        plan.signals = vec![Signal::Ratio { events: 0, events_where: vec![equal("code", "500")], total: 0 }];
        let fetched = source.fetch(&plan, Part::History, WHOLE).await;
        fetched.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };
    let baseline = |name| expected(name, &[(Arm::Baseline, "v1")], WHOLE);
    let all = fetch(1_800).await;
    assert_eq!(counters(&all[0]), baseline("http_requests_total"));
    assert_eq!(counters(&all[1]), baseline("latency_seconds_bucket"));
    assert!(all[0].notes.is_empty(), "{:?}", all[0].notes);

    // Three instances with 600 samples each; two would be too few to learn from, and increases of all fit.
    let summed = fetch(1_300).await;
    assert!(summed[0].notes.iter().any(|note| note.contains("extrapolated by increase()")), "{:?}", summed[0].notes);
    let series = &summed[0].series;
    let kept: Vec<_> = series.iter().map(|found| found.labels.keys().map(String::as_str).collect::<Vec<_>>()).collect();
    assert_eq!(kept, vec![vec!["code", "pod", "version"]; 6]);
    let Samples::Increase(points) = &series[0].samples else { panic!("{series:?}") };
    let inner = points.iter().filter(|(time, _)| (BEGIN_MS + 120_000..BEGIN_MS + 1_740_000).contains(time));
    assert!(
        inner.clone().count() > 20 && inner.clone().all(|(time, value)| time % 60_000 == 0 && (*value - 120.0).abs() < 31.0),
        "{points:?}"
    );
    assert_eq!(summed[1].series.len(), 9);

    // Sums keep the labels of slices, and no more than they must.
    for (by, wanted) in [(vec!["code".to_owned()], vec!["code", "pod", "version"]), (Vec::new(), vec!["pod", "version"])] {
        let mut plan = plan(vec![StreamSpec::Counter(metric("http_requests_total"))]);
        plan.max_history_samples = 500;
        plan.signals = vec![Signal::Rate { stream: 0 }];
        plan.slices = vec![by];
        let fetched = source.fetch(&plan, Part::History, WHOLE).await;
        let data = fetched[0].as_ref().unwrap();
        assert!(data.notes.iter().any(|note| note.contains("extrapolated by increase()")), "{:?}", data.notes);
        for series in &data.series {
            assert_eq!(series.labels.keys().map(String::as_str).collect::<Vec<_>>(), wanted);
        }
        assert_eq!(data.series.len(), if wanted.len() == 3 { 6 } else { 3 });
    }

    let nothing = fetch(10).await;
    assert!(nothing.iter().all(|data| data.series.is_empty() && data.notes[0].contains("no history is used")), "{nothing:?}");

    // An expression is evaluated for each instance.
    let plan = plan(vec![StreamSpec::Expression("sum(http_requests_total{ {{arm}} })".to_owned())]);
    let data = source.fetch(&plan, Part::History, WHOLE).await.remove(0).unwrap();
    let pods: Vec<&str> = data.series.iter().map(|series| series.labels["pod"].as_str()).collect();
    assert_eq!(pods, ["a", "b", "c"]);
}

async fn what_is_known_beforehand(source: &Prometheus) {
    let plan = plan(all_streams());
    assert_eq!(source.scrape_interval(&plan, WHOLE.end_ms).await, Some(SCRAPE_MS));
    assert_eq!(source.scrape_interval(&plan, BEGIN_MS - 3_600_000).await, None);
    assert_eq!(source.find_instance_label(&plan, WHOLE).await.as_deref(), Some("pod"));
    let first = |arm, since| source.first_sample_ms(&plan, arm, since);
    assert_eq!(first(Arm::Canary, WHOLE).await, Ok(Some(BEGIN_MS + CANARY_FROM * SCRAPE_MS + 4_001)));
    assert_eq!(first(Arm::Baseline, WHOLE).await, Ok(Some(BEGIN_MS)));
    // Within the span, also when there was something before it; and nothing when it begins too late.
    let later = Span { start_ms: BEGIN_MS + 900_000, end_ms: BEGIN_MS + 1_200_000 };
    assert_eq!(first(Arm::Baseline, later).await, Ok(Some(BEGIN_MS + 900_571)));
    let before = Span { start_ms: BEGIN_MS, end_ms: BEGIN_MS + CANARY_FROM * SCRAPE_MS + 4_000 };
    assert_eq!(first(Arm::Canary, before).await, Ok(None));
}

async fn emptiness_explained(source: &Prometheus) {
    let explain = async |streams: Vec<StreamSpec>, canary: Matcher, span: Span| {
        let mut plan = plan(streams);
        plan.arms.canary = vec![canary];
        source.explain_empty(&plan, Arm::Canary, span).await
    };
    let requests = || vec![StreamSpec::Counter(metric("http_requests_total"))];
    let text = explain(requests(), equal("version", "v3"), WHOLE).await.unwrap();
    assert!(text.starts_with("no series of http_requests_total has version=\"v3\"; values there: v1, v2"), "{text}");
    let text = explain(requests(), equal("versoin", "v2"), WHOLE).await.unwrap();
    assert_eq!(text, "no series of http_requests_total has the label versoin; v2 stands in the label version");
    let text = explain(vec![StreamSpec::Counter(metric("http_requests_totl"))], equal("version", "v2"), WHOLE).await.unwrap();
    assert_eq!(text, "no series is named http_requests_totl; did you mean http_requests_total?");
    let text = explain(vec![StreamSpec::Histogram(metric("latency_second"))], equal("version", "v2"), WHOLE).await.unwrap();
    assert_eq!(text, "no series is named latency_second; did you mean latency_seconds?");
    let own = Selector { name: "http_requests_total".to_owned(), matchers: vec![equal("code", "503")] };
    let text = explain(vec![StreamSpec::Counter(own)], equal("version", "v2"), WHOLE).await.unwrap();
    assert!(text.contains("has code=\"503\"; values there: 500, 200"), "{text}");
    assert_eq!(explain(requests(), equal("version", "v2"), WHOLE).await, None, "a full arm needs no explanation");
    let early = Span { start_ms: BEGIN_MS, end_ms: BEGIN_MS + 300_000 };
    let text = explain(requests(), equal("version", "v2"), early).await.unwrap();
    assert!(text.contains("no sample in the time") || text.contains("values there: v1"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_keeps_the_contract() {
    contract(&Store::prometheus(&truth(), &[]).await.source()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victoria_metrics_keeps_the_contract() {
    contract(&Store::victoria_metrics(&truth(), &[]).await.source()).await;
}

/// Smaller questions are asked where a large one is refused, and `increase()` only where even those are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_many_samples_is_asked_for_less() {
    let mut plan = plan(all_streams());
    plan.signals = vec![Signal::Ratio { events: 0, events_where: vec![equal("code", "500")], total: 0 }];
    let store = Store::prometheus(&truth(), &["--query.max-samples=400"]).await;
    let pieces = store.source().fetch(&plan, Part::Run, WHOLE).await.remove(0).unwrap();
    assert_eq!(counters(&pieces), expected("http_requests_total", &V1_V2, WHOLE));
    assert!(pieces.queries.len() > 1, "{:?}", pieces.queries);

    let store = Store::prometheus(&truth(), &["--query.max-samples=50"]).await;
    let summed = store.source().fetch(&plan, Part::Run, WHOLE).await.remove(0).unwrap();
    assert!(summed.notes[0].contains("extrapolated"), "{:?}", summed.notes);
    assert!(summed.series.iter().all(|series| matches!(series.samples, Samples::Increase(_))));
    assert_eq!(summed.series.len(), 8);
}

/// Where it is not told otherwise, VictoriaMetrics repeats an old value for the last 30 seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victoria_metrics_last_seconds_are_not_taken_for_still() {
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let begin = (now_ms / 5_000 - 24) * 5_000;
    let points: Vec<(i64, f64)> = (0..24).map(|index| (begin + index * 5_000, index as f64)).collect();
    let recent = [Truth { name: "recent", labels: labels(&[("version", "v1")]), points: points.clone() }];
    let store = Store::victoria_metrics(&recent, &[]).await;
    let mut plan = plan(vec![StreamSpec::Expression("sum(recent{ {{arm}} })".to_owned()), StreamSpec::Counter(metric("recent"))]);
    plan.step_ms = 5_000;
    let span = Span { start_ms: begin - 1, end_ms: points[points.len() - 1].0 };
    let fetched = store.source().fetch(&plan, Part::Run, span).await;
    let values = &fetched[0].as_ref().unwrap().series[0].samples;
    assert_eq!(*values, Samples::Value(points.clone()));
    assert_eq!(fetched[1].as_ref().unwrap().series[0].samples, Samples::Counter(points));
}

/// Native histograms cannot be put in from a file, so this one is scraped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn native_histograms_come_where_there_are_no_classic_ones() {
    let instance = Instance::new(Identity { mode: Mode::Same, arm: Arm::Baseline, number: 0 }, Timeline::brief());
    for request in 0..500 {
        instance.work(f64::from(request) / 100.0);
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = instance.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let target = Target { address, labels: labels(&[("version", "v1")]) };
    let server = Server::start(ServerKind::Prometheus, &[target]).await.unwrap();
    let source = Prometheus::new(PrometheusConfig::new(server.url())).unwrap();
    let plan = plan(vec![StreamSpec::Histogram(metric(NATIVE_DURATION))]);
    let deadline = Instant::now() + Duration::from_secs(60);
    let series = loop {
        let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
        let span = Span { start_ms: now_ms - 60_000, end_ms: now_ms };
        let data = source.fetch(&plan, Part::Run, span).await.remove(0).unwrap();
        if let [series] = &data.series[..] {
            break series.clone();
        }
        assert!(Instant::now() < deadline, "{data:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let Samples::Native(readings) = &series.samples else { panic!("{series:?}") };
    let (_, first) = &readings[0];
    assert_eq!(first.count, 500.0);
    assert_eq!(first.buckets.iter().map(|(_, _, count)| count).sum::<f64>(), 500.0);
    assert!(first.buckets.windows(2).all(|pair| pair[0].1 <= pair[1].0) && first.buckets.iter().all(|(left, right, _)| left < right));
}
