//! Recordings: what goes in comes out, to the last bit; what is damaged is refused with the place of the damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use davy_judge::arm::{Arm, PerArm};
use davy_judge::verdict::Verdict;
use davy_sources::error::{SourceError, SourceErrorKind};
use davy_sources::exemplars::{Exemplar, ExemplarRequest};
use davy_sources::recording::{About, Expected, RecordError, Recorded, Recorder, Recording, RulePlace, Storage, Weight};
use davy_sources::samples::{
    FetchPlan, MatchOp, Matcher, NativeHistogram, Part, Samples, Selector, Series, Signal, Span, StreamData, StreamSpec,
};
use davy_sources::source::{Fetched, Source};
use proptest::prelude::*;

fn matcher(label: &str, op: MatchOp, value: &str) -> Matcher {
    Matcher { label: label.to_owned(), op, value: value.to_owned() }
}

fn plan() -> FetchPlan {
    let selector = |name: &str, matchers: Vec<Matcher>| Selector { name: name.to_owned(), matchers };
    FetchPlan {
        streams: vec![
            StreamSpec::Counter(selector("requests_total", vec![matcher("handler", MatchOp::NotRegex, "/(health|\"odd\")\n.*")])),
            StreamSpec::Histogram(selector("latency", Vec::new())),
            StreamSpec::Expression("sum(rate(cpu{ {{arm}} }[{{step}}]))".to_owned()),
        ],
        signals: vec![
            Signal::Ratio { events: 0, events_where: vec![matcher("code", MatchOp::Regex, "5..")], total: 0 },
            Signal::Rate { stream: 0 },
            Signal::Histogram { stream: 1 },
            Signal::Scalar { stream: 2 },
        ],
        slices: Vec::new(),
        arms: PerArm {
            baseline: vec![matcher("version", MatchOp::Equal, "v1")],
            canary: vec![matcher("version", MatchOp::NotEqual, "v1")],
        },
        history_from: Some(vec![matcher("env", MatchOp::Equal, "prod")]),
        instance: Some("pod".to_owned()),
        step_ms: 5000,
        max_history_samples: 1_000_000,
    }
}

fn about() -> About {
    About {
        service: "check \"out\", größer".to_owned(),
        label: Some("a\nb".to_owned()),
        rules: "schema: davy/v1\nname: x\n".to_owned(),
        rules_version: Some("0123456789ab".to_owned()),
        start_ms: Some(-5),
        weights: vec![Weight { time_ms: 1, weight: 100.0 / 3.0 }],
        places: vec![RulePlace { metric: "latency_p99".to_owned(), file: "davy.yaml".to_owned(), line: 7, column: 5 }],
        waited_until_ms: Some(1_700_000_000_123),
        expected: Some(Expected::Verdict { verdict: Verdict::Rollback, metric: Some("latency_p99".to_owned()) }),
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

fn data(series: Vec<Series>) -> StreamData {
    StreamData { series, ..StreamData::default() }
}

/// One of everything, with the numbers and the labels that formats get wrong.
fn awkward() -> Fetched {
    let numbers = [0.1, 1.0 / 3.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, 9_007_199_254_740_993.0, 1e22, 123_456_789.123_456_79, 0.0];
    let points: Vec<(i64, f64)> = numbers.iter().enumerate().map(|(index, value)| (index as i64 * 1000, *value)).collect();
    let odd = labels(&[("version", "v1"), ("path", "a,\"b\"\n\tc;'d'\\"), ("emoji", "🐤"), ("empty", ""), ("__name__", "requests_total")]);
    let counters = vec![
        Series { arm: Arm::Baseline, labels: odd.clone(), samples: Samples::Counter(points.clone()) },
        Series { arm: Arm::Canary, labels: labels(&[]), samples: Samples::Increase(points.clone()) },
    ];
    let natives = vec![
        (0, NativeHistogram { count: 0.0, buckets: Vec::new() }),
        (1000, NativeHistogram { count: 7.5, buckets: vec![(f64::NEG_INFINITY, -0.0, 1.0 / 3.0), (0.1, f64::INFINITY, 5e-324)] }),
    ];
    let histograms = vec![
        Series { arm: Arm::Baseline, labels: odd.clone(), samples: Samples::Counter(points) },
        Series { arm: Arm::Baseline, labels: odd, samples: Samples::Native(natives) },
    ];
    let values = vec![(0, f64::NAN), (5000, f64::INFINITY), (10_000, f64::NEG_INFINITY), (15_000, -0.0), (20_000, -1e-300)];
    let scalars = vec![Series { arm: Arm::Canary, labels: labels(&[]), samples: Samples::Value(values) }];
    vec![Ok(data(counters)), Ok(data(histograms)), Ok(data(scalars))]
}

const SPAN: Span = Span { start_ms: -1, end_ms: 1_000_000 };

fn written(recorder: &Recorder, replace: bool) -> (tempfile::TempDir, std::path::PathBuf) {
    let place = tempfile::tempdir().expect("a temporary directory");
    let path = place.path().join("recording");
    recorder.write(&path, &about(), replace).expect("written");
    (place, path)
}

/// Bits and all: NaN is equal to itself, and minus zero is not zero.
fn text(fetched: &Fetched) -> String {
    format!("{:?}", fetched.iter().map(|answer| answer.as_ref().map(|data| &data.series)).collect::<Vec<_>>())
}

async fn fetched(recording: &Recording, part: Part, span: Span) -> Fetched {
    recording.fetch(&plan(), part, span).await
}

#[tokio::test]
async fn text_gives_back_every_bit() {
    let mut recorder = Recorder::new(&plan());
    recorder.add(Part::Run, SPAN, &awkward());
    let (_place, path) = written(&recorder, false);
    let recording = Recording::open(&path).unwrap();
    assert!(matches!(recording.manifest.storage, Storage::Csv { .. }));
    assert_eq!(recording.manifest.about, about());
    assert_eq!(recording.manifest.plan, plan());
    assert_eq!((recording.manifest.run, recording.manifest.history), (SPAN, None));
    assert_eq!(text(&fetched(&recording, Part::Run, SPAN).await), text(&awkward()));
    let again = Recording::open(&path.join("manifest.json")).unwrap();
    assert_eq!(format!("{:?}", recording.manifest), format!("{:?}", again.manifest));
}

/// Enough samples that text would be too long.
fn many() -> StreamData {
    let series = (0..20).map(|pod| Series {
        arm: if pod % 2 == 0 { Arm::Baseline } else { Arm::Canary },
        labels: labels(&[("pod", &format!("pod-{pod:02}"))]),
        samples: Samples::Counter((0..3000).map(|index| (index * 1000, (index * (pod + 1)) as f64 / 7.0)).collect()),
    });
    let mut series: Vec<Series> = series.collect();
    series.sort_by(|left, right| (left.arm, &left.labels).cmp(&(right.arm, &right.labels)));
    data(series)
}

#[tokio::test]
async fn parquet_gives_back_every_bit() {
    let mut all = awkward();
    all[0] = Ok(many());
    let span = Span { start_ms: -1, end_ms: 10_000_000 };
    let mut recorder = Recorder::new(&plan());
    recorder.add(Part::Run, span, &all);
    recorder.add(Part::History, span, &all);
    let (_place, path) = written(&recorder, false);
    let recording = Recording::open(&path).unwrap();
    assert!(matches!(recording.manifest.storage, Storage::Parquet { .. }));
    for part in [Part::Run, Part::History] {
        assert_eq!(text(&fetched(&recording, part, span).await), text(&all));
    }
}

#[tokio::test]
async fn a_fetch_answers_with_the_span_alone() {
    let mut recorder = Recorder::new(&plan());
    recorder.add(Part::Run, SPAN, &vec![Ok(many()), Ok(data(Vec::new())), Ok(data(Vec::new()))]);
    let (_place, path) = written(&recorder, false);
    let recording = Recording::open(&path).unwrap();
    let answer = fetched(&recording, Part::Run, Span { start_ms: 1000, end_ms: 3000 }).await;
    let Samples::Counter(points) = &answer[0].as_ref().unwrap().series[0].samples else { panic!("counters") };
    assert_eq!(points.iter().map(|(time, _)| *time).collect::<Vec<_>>(), [2000, 3000], "half-open at the left");
    let beyond = fetched(&recording, Part::Run, Span { start_ms: 5_000_000, end_ms: 6_000_000 }).await;
    assert!(beyond[0].as_ref().unwrap().series.is_empty());
    let reversed = fetched(&recording, Part::Run, Span { start_ms: 9000, end_ms: 1000 }).await;
    assert!(reversed[0].as_ref().unwrap().series.is_empty());
}

#[tokio::test]
async fn overlapping_fetches_leave_each_sample_once() {
    let cut = |from: i64, to: i64| {
        let mut part = many();
        for series in &mut part.series {
            if let Samples::Counter(points) = &mut series.samples {
                points.retain(|(time, _)| *time > from && *time <= to);
            }
        }
        vec![Ok(part), Ok(data(Vec::new())), Ok(data(Vec::new()))]
    };
    let mut recorder = Recorder::new(&plan());
    for (from, to) in [(1_000_000, 3_000_000), (-1, 800_000), (500_000, 1_200_000)] {
        recorder.add(Part::Run, Span { start_ms: from, end_ms: to }, &cut(from, to));
    }
    let (_place, path) = written(&recorder, false);
    let recording = Recording::open(&path).unwrap();
    let whole = Span { start_ms: -1, end_ms: 3_000_000 };
    assert_eq!(recording.manifest.run, whole);
    assert_eq!(text(&fetched(&recording, Part::Run, whole).await), text(&cut(-1, 3_000_000)));
}

fn refused() -> SourceError {
    SourceError { place: "prometheus at host:9090".to_owned(), kind: SourceErrorKind::Connect("refused".to_owned()) }
}

fn span(start_ms: i64, end_ms: i64) -> Span {
    Span { start_ms, end_ms }
}

#[tokio::test]
async fn a_stream_that_always_failed_fails_again_with_the_same_words() {
    let mut recorder = Recorder::new(&plan());
    recorder.add(Part::Run, span(0, 5000), &vec![Ok(many()), Err(refused()), Ok(data(Vec::new()))]);
    let (_place, path) = written(&recorder, false);
    let answer = fetched(&Recording::open(&path).unwrap(), Part::Run, span(0, 5000)).await;
    assert!(answer[0].is_ok());
    assert_eq!(answer[1].as_ref().unwrap_err().to_string(), refused().to_string());
}

#[tokio::test]
async fn a_failure_in_between_is_a_doubt_and_one_made_good_is_none() {
    let mut recorder = Recorder::new(&plan());
    let quiet = || Ok(data(Vec::new()));
    recorder.add(Part::Run, span(0, 5000), &vec![Ok(many()), quiet(), quiet()]);
    recorder.add(Part::Run, span(5000, 10_000), &vec![Err(refused()), Err(refused()), quiet()]);
    recorder.add(Part::Run, span(5000, 15_000), &vec![Err(refused()), Ok(many()), quiet()]);
    recorder.add(Part::Run, span(15_000, 20_000), &vec![Ok(many()), quiet(), quiet()]);
    let (_place, path) = written(&recorder, false);
    let recording = Recording::open(&path).unwrap();
    let answer = fetched(&recording, Part::Run, span(0, 20_000)).await;
    let doubts = &answer[0].as_ref().unwrap().failures;
    assert!(doubts.iter().any(|(at, text)| *at == span(5000, 15_000) && text.contains("refused")), "{doubts:?}");
    assert!(answer[1].as_ref().unwrap().failures.is_empty(), "a later fetch made it good");
    assert!(fetched(&recording, Part::Run, span(6000, 9000)).await[0].is_err(), "nothing else is known of that time");
}

#[tokio::test]
async fn warnings_and_notes_belong_to_their_time() {
    let mut recorder = Recorder::new(&plan());
    let said = |warning: &str, note: &str| {
        let said = StreamData {
            warnings: vec![warning.to_owned()],
            notes: vec![note.to_owned()],
            queries: vec!["q".to_owned()],
            ..StreamData::default()
        };
        vec![Ok(said), Ok(data(Vec::new())), Ok(data(Vec::new()))]
    };
    recorder.add(Part::Run, span(0, 5000), &said("partial", "extrapolated"));
    recorder.add(Part::Run, span(4000, 10_000), &said("partial", "extrapolated"));
    // What only touches is not joined: fetches reach back, so that there may be a window between.
    recorder.add(Part::Run, span(10_000, 15_000), &said("partial", "extrapolated"));
    recorder.add(Part::Run, span(50_000, 55_000), &said("late", "extrapolated"));
    let (_place, path) = written(&recorder, false);
    let recording = Recording::open(&path).unwrap();
    let early = fetched(&recording, Part::Run, span(0, 20_000)).await;
    let early = early[0].as_ref().unwrap();
    assert_eq!(early.doubts, [(span(0, 10_000), "partial".to_owned()), (span(10_000, 15_000), "partial".to_owned())]);
    assert_eq!((early.notes.clone(), early.queries.clone()), (vec!["extrapolated".to_owned(); 2], vec!["q".to_owned()]));
    let late = fetched(&recording, Part::Run, span(50_000, 60_000)).await;
    assert_eq!(late[0].as_ref().unwrap().doubts, [(span(50_000, 55_000), "late".to_owned())]);
}

#[tokio::test]
async fn what_was_not_recorded_is_an_error_and_never_empty() {
    let mut recorder = Recorder::new(&plan());
    recorder.add(Part::Run, SPAN, &awkward());
    let (_place, path) = written(&recorder, false);
    let recording = Recording::open(&path).unwrap();
    assert!(fetched(&recording, Part::History, SPAN).await.iter().all(Result::is_err));
    let mut other = plan();
    other.streams[1] = StreamSpec::Counter(Selector { name: "other_total".to_owned(), matchers: Vec::new() });
    let answer = recording.fetch(&other, Part::Run, SPAN).await;
    assert!(answer[0].is_ok() && answer[1].as_ref().unwrap_err().to_string().contains("other_total"));
    let mut other = plan();
    other.arms.canary = vec![matcher("version", MatchOp::Equal, "v3")];
    assert!(recording.fetch(&other, Part::Run, SPAN).await.iter().all(Result::is_err));
    let mut other = plan();
    other.step_ms = 10_000;
    let answer = recording.fetch(&other, Part::Run, SPAN).await;
    assert!(answer[1].is_ok(), "raw counters do for any step");
    assert!(answer[2].as_ref().unwrap_err().to_string().contains("step"), "values do not");
}

struct Fixed;

impl Source for Fixed {
    async fn fetch(&self, _plan: &FetchPlan, _part: Part, _span: Span) -> Fetched {
        awkward()
    }

    async fn explain_empty(&self, _plan: &FetchPlan, arm: Arm, _span: Span) -> Option<String> {
        (arm == Arm::Canary).then(|| "version=\"v2\" matched nothing; there are v1, v3".to_owned())
    }

    async fn exemplars(&self, wanted: &ExemplarRequest) -> Vec<Exemplar> {
        if wanted.series.name != "latency_bucket" {
            return Vec::new();
        }
        let labels = BTreeMap::from([("route".to_owned(), "/\"\n".to_owned())]);
        [0.1 + 0.2, 5e-324].map(|value| Exemplar { trace_id: "4bf9".to_owned(), value, time_ms: 1_500, labels: labels.clone() }).into()
    }
}

#[tokio::test]
async fn a_recorded_source_answers_as_before_and_its_recording_too() {
    let source = Recorded::new(Fixed, &plan());
    assert_eq!(text(&source.fetch(&plan(), Part::Run, SPAN).await), text(&awkward()));
    let why = source.explain_empty(&plan(), Arm::Canary, SPAN).await;
    assert_eq!(source.explain_empty(&plan(), Arm::Baseline, SPAN).await, None);
    let wanted = |name: &str| ExemplarRequest { series: Selector { name: name.to_owned(), matchers: Vec::new() }, span: SPAN };
    let exemplars = source.exemplars(&wanted("latency_bucket")).await;
    assert!(exemplars.len() == 2 && source.exemplars(&wanted("other")).await.is_empty());
    let (_place, path) = written(&source.snapshot(), false);
    let recording = Recording::open(&path).unwrap();
    assert_eq!(recording.exemplars(&wanted("latency_bucket")).await, exemplars);
    assert!(recording.exemplars(&wanted("other")).await.is_empty());
    assert_eq!(recording.manifest.exemplars.len(), 1, "what found nothing leaves no trace");
    assert_eq!(text(&fetched(&recording, Part::Run, SPAN).await), text(&awkward()));
    assert_eq!(recording.explain_empty(&plan(), Arm::Canary, SPAN).await, why);
    assert_eq!(recording.explain_empty(&plan(), Arm::Baseline, SPAN).await, None);
}

#[test]
fn nothing_is_overwritten_unasked() {
    let mut recorder = Recorder::new(&plan());
    recorder.add(Part::Run, SPAN, &awkward());
    let (_place, path) = written(&recorder, false);
    assert!(matches!(recorder.write(&path, &about(), false), Err(RecordError::Exists { .. })));
    recorder.write(&path, &About { service: "second".to_owned(), ..about() }, true).unwrap();
    assert_eq!(Recording::open(&path).unwrap().manifest.about.service, "second");
}

#[test]
fn the_same_samples_make_the_same_bytes() {
    let mut recorder = Recorder::new(&plan());
    recorder.add(Part::Run, SPAN, &awkward());
    let ((_one, first), (_two, second)) = (written(&recorder, false), written(&recorder, false));
    for file in ["manifest.json", "series.csv", "samples.csv"] {
        assert_eq!(fs::read(first.join(file)).unwrap(), fs::read(second.join(file)).unwrap(), "{file}");
    }
}

// ---------------------------------------------------------------- damage

/// Changes a file's text; leaves the digests out, as in a recording made by hand, so that the content itself is looked at.
fn damaged(file: &str, change: impl FnOnce(String) -> String) -> RecordError {
    let mut recorder = Recorder::new(&plan());
    recorder.add(Part::Run, SPAN, &awkward());
    let (_place, path) = written(&recorder, false);
    let manifest = fs::read_to_string(path.join("manifest.json")).expect("a manifest");
    let without = manifest.lines().filter(|line| !line.contains("\"sha256\"")).collect::<Vec<_>>().join("\n");
    // The comma before the digest.
    fs::write(path.join("manifest.json"), without_last_commas(&without)).expect("written");
    assert!(Recording::open(&path).is_ok(), "whole without digests: {without}");
    let before = fs::read_to_string(path.join(file)).expect("a file");
    let after = change(before.clone());
    assert_ne!(before, after, "the change must change something");
    fs::write(path.join(file), after).expect("written");
    Recording::open(&path).expect_err("damaged")
}

fn without_last_commas(json: &str) -> String {
    let lines: Vec<&str> = json.lines().collect();
    let closes = |index: usize| lines.get(index + 1).is_some_and(|next| next.trim_start().starts_with('}'));
    let kept = lines.iter().enumerate().map(|(index, line)| if closes(index) { line.trim_end_matches(',') } else { line });
    kept.collect::<Vec<_>>().join("\n")
}

#[test]
fn damage_is_named_with_file_and_row() {
    let replace = |from: &'static str, to: &'static str| move |text: String| text.replacen(from, to, 1);
    let cases: Vec<(&str, RecordError, &[&str])> = vec![
        ("a number", damaged("samples.csv", replace("0,1000,0.333", "0,1000,0.3x3")), &["samples.csv", "row 2", "0.3x3"]),
        ("a time", damaged("samples.csv", replace("0,1000,", "0,,")), &["samples.csv", "row 2", "a time"]),
        ("order", damaged("samples.csv", replace("0,1000,", "0,0,")), &["samples.csv", "row 2", "after 0"]),
        ("a series", damaged("samples.csv", replace("0,1000,", "77,1000,")), &["samples.csv", "row 2", "77"]),
        ("the heading", damaged("samples.csv", replace("time_ms", "time")), &["samples.csv", "heading", "time"]),
        ("a bucket", damaged("samples.csv", replace("0.1:inf", "0.1;inf")), &["samples.csv", "buckets"]),
        ("an arm", damaged("series.csv", replace("canary", "canaries")), &["series.csv", "row 2", "canaries"]),
        ("a kind", damaged("series.csv", replace("increase", "gauge")), &["series.csv", "row 2", "gauge"]),
        ("labels", damaged("series.csv", replace("\"{}\"", "[]").compose_braces()), &["series.csv", "row 2", "JSON"]),
        ("an unknown key", damaged("manifest.json", replace("\"service\"", "\"servise\"")), &["manifest.json", "servise"]),
        ("a verdict", damaged("manifest.json", replace("\"rollback\"", "\"maybe\"")), &["manifest.json", "maybe"]),
        ("a weight", damaged("manifest.json", replace("33.3", "x33.3")), &["manifest.json", "x33.3"]),
    ];
    for (what, error, words) in cases {
        let text = error.to_string();
        for word in words {
            assert!(text.contains(word), "{what}: {text}");
        }
    }
}

trait Compose: Sized + FnOnce(String) -> String {
    /// Empty labels may or may not be quoted.
    fn compose_braces(self) -> impl FnOnce(String) -> String {
        move |text| {
            let changed = self(text.clone());
            if changed == text { text.replacen(",{}", ",[]", 1) } else { changed }
        }
    }
}

impl<F: FnOnce(String) -> String> Compose for F {}

#[test]
fn a_newer_schema_and_a_foreign_one_are_told_apart() {
    let newer =
        damaged("manifest.json", |text| text.replacen("davy.recording/v1", "davy.recording/v2", 1).replacen("\"service\"", "\"new\"", 1));
    assert!(matches!(&newer, RecordError::Schema { found, .. } if found == "davy.recording/v2"), "{newer}");
    let foreign = damaged("manifest.json", |text| text.replacen("davy.recording/v1", "other", 1));
    assert!(matches!(&foreign, RecordError::Content { found, .. } if found == "other"), "{foreign}");
}

#[test]
fn a_file_that_was_cut_off_anywhere_is_refused() {
    for most in [false, true] {
        let mut recorder = Recorder::new(&plan());
        let mut all = awkward();
        if most {
            all[0] = Ok(many());
        }
        recorder.add(Part::Run, SPAN, &all);
        let (_place, path) = written(&recorder, false);
        let samples = if most { "samples.parquet" } else { "samples.csv" };
        for file in ["manifest.json", "series.csv", samples] {
            let whole = fs::read(path.join(file)).unwrap();
            // The manifest's last byte is only its line break.
            let longest = if file == "manifest.json" { whole.len() - 2 } else { whole.len() - 1 };
            for cut in (0..=longest).step_by(1 + longest / 97).chain([longest]) {
                fs::write(path.join(file), &whole[..cut]).unwrap();
                let error = Recording::open(&path).expect_err("cut off");
                assert!(error.to_string().contains(file), "{error}");
            }
            fs::write(path.join(file), &whole).unwrap();
            fs::rename(path.join(file), path.join("away")).unwrap();
            assert!(matches!(Recording::open(&path), Err(RecordError::Io { .. })), "{file} is missing");
            fs::rename(path.join("away"), path.join(file)).unwrap();
        }
        assert!(Recording::open(&path).is_ok());
    }
}

#[test]
fn text_without_digests_that_was_cut_off_is_refused_too() {
    for (file, length) in [("samples.csv", 40), ("samples.csv", 1), ("series.csv", 20), ("series.csv", 1)] {
        let error = damaged(file, |text| text[..text.len() - length].to_owned());
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[test]
fn a_flipped_bit_is_noticed() {
    let mut recorder = Recorder::new(&plan());
    recorder.add(Part::Run, SPAN, &awkward());
    let (_place, path) = written(&recorder, false);
    let mut bytes = fs::read(path.join("samples.csv")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path.join("samples.csv"), bytes).unwrap();
    assert!(Recording::open(&path).unwrap_err().to_string().contains("SHA-256"));
}

#[test]
fn a_body_outside_the_recording_is_not_read() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recordings/lab-same");
    let manifest = fs::read_to_string(fixture.join("manifest.json")).unwrap();
    for name in ["../buckets_raw.json", "/etc/passwd", ".hidden", ""] {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("manifest.json"), manifest.replacen("buckets_raw.json", name, 1)).unwrap();
        let error = Recording::open(place.path()).unwrap_err();
        assert!(error.to_string().contains("plain file name"), "{name}: {error}");
    }
}

#[tokio::test]
async fn verbatim_bodies_are_read_as_the_server_sent_them() {
    for name in ["lab-same", "lab-slower", "lab-erroring"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recordings").join(name);
        let recording = Recording::open(&path).unwrap();
        let everything = span(i64::MIN, i64::MAX);
        for answer in recording.fetch(&recording.manifest.plan, Part::Run, everything).await {
            let data = answer.unwrap();
            for arm in Arm::BOTH {
                let of_arm: Vec<&Series> = data.series.iter().filter(|series| series.arm == arm).collect();
                assert!(!of_arm.is_empty());
                for series in of_arm {
                    assert_eq!(series.labels["version"], arm.name());
                    assert!(matches!(&series.samples, Samples::Counter(points) if points.len() == 25));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_samples_survive(
        labels in prop::collection::btree_map(".{0,8}", ".{0,12}", 0..4),
        values in prop::collection::btree_map(any::<i64>(), any::<f64>(), 0..20),
        buckets in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 0..5),
    ) {
        let points: Vec<(i64, f64)> = values.into_iter().filter(|(time, _)| *time > i64::MIN).map(|(time, value)| (time, if value.is_nan() { f64::NAN } else { value })).collect();
        let sane = |number: f64| if number.is_nan() { 0.5 } else { number };
        let native = NativeHistogram { count: 1.5, buckets: buckets.into_iter().map(|(l, r, c)| (sane(l), sane(r), sane(c))).collect() };
        let native = points.iter().map(|(time, _)| (*time, native.clone())).collect();
        let series = |samples| Series { arm: Arm::Canary, labels: labels.clone(), samples };
        let all = vec![
            Ok(data(if points.is_empty() { Vec::new() } else { vec![series(Samples::Counter(points.clone()))] })),
            Ok(data(if points.is_empty() { Vec::new() } else { vec![series(Samples::Native(native))] })),
            Ok(data(if points.is_empty() { Vec::new() } else { vec![series(Samples::Value(points.clone()))] })),
        ];
        let everything = Span { start_ms: i64::MIN, end_ms: i64::MAX };
        let mut recorder = Recorder::new(&plan());
        recorder.add(Part::Run, everything, &all);
        let (_place, path) = written(&recorder, false);
        let recording = Recording::open(&path).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert_eq!(text(&runtime.block_on(fetched(&recording, Part::Run, everything))), text(&all));
    }
}
