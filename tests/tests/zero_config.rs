//! A first verdict without a rules file: which preset is chosen, what is said about it, and how it is kept.

use std::fs;
use std::time::Instant;

use davy_tests::davy::{Run, run, run_async};
use davy_tests::filled::{Filled, Names, Version, exposition, now};

/// Two hours of the baseline, the last twenty minutes of them with a canary.
const LENGTH: i64 = 7_200;
const CANARY: i64 = 1_200;

fn service(canary: impl Fn(Version) -> Version) -> Vec<Version> {
    let usual = Version::usual(&[("version", "v2"), ("app", "shop")], 2);
    vec![Version::usual(&[("version", "v1"), ("app", "shop")], 6), canary(Version { begins: CANARY, ..usual })]
}

async fn server(parts: &[(Names, Vec<Version>)]) -> Filled {
    let end = now();
    let text: String = parts.iter().map(|(names, versions)| exposition(names, versions, end, LENGTH, 15, 7)).collect();
    Filled::start(&text).expect("a filled Prometheus").ready().await.expect("a ready Prometheus")
}

async fn gate(url: &str, arms: [&str; 2], more: &[&str]) -> Run {
    let mut arguments = ["gate", "--once", "--output", "json", "--prometheus", url, "--baseline", arms[0], "--canary", arms[1]].to_vec();
    arguments.extend(more);
    run_async(arguments.into_iter().map(str::to_owned).collect()).await.expect("davy runs")
}

const ARMS: [&str; 2] = ["app=shop,version=v1", "app=shop,version=v2"];

#[tokio::test]
async fn a_first_verdict_takes_seconds_and_can_be_kept_and_replayed() {
    let slow = service(|canary| Version { median: 0.15, ..canary });
    let server = server(&[(Names::prom_http(), slow)]).await;
    let url = server.url();
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("recording").display().to_string();
    let began = Instant::now();
    let found = gate(&url, ARMS, &["--record", &recording]).await;
    // The work itself, a debug build on a shared machine included.
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    let report = found.report().unwrap();
    assert_eq!(found.code, Some(1), "{}", found.stderr);
    assert_eq!(report["rules"]["name"], "shop");
    let metrics: Vec<&str> = report["findings"].as_array().unwrap().iter().filter_map(|finding| finding["metric"].as_str()).collect();
    assert_eq!(metrics, ["latency_p99", "error_rate", "throughput"]);
    assert_eq!(report["findings"][0]["noise"]["calibrated"], true, "the instance label was found: {}", found.stdout);
    for says in ["presets/prom-http", "windows of 1m", "by pod", "davy rules init --from-prometheus"] {
        assert!(found.stderr.contains(says), "expected {says:?} in\n{}", found.stderr);
    }
    // The recording holds the rules that were chosen.
    let replayed = run(["replay", &recording, "--output", "json"]).unwrap();
    let mut again = replayed.report().unwrap();
    let mut live = report.clone();
    for both in [&mut again, &mut live] {
        both.as_object_mut().unwrap().remove("timings");
    }
    assert_eq!(again, live);
    // What is kept gives the same verdict by the same rules.
    let kept = folder.path().join("davy.yaml").display().to_string();
    let init = ["rules", "init", "--from-prometheus", &url, "--baseline", ARMS[0], "--canary", ARMS[1], &kept];
    let written = run_async(init.map(str::to_owned).to_vec()).await.unwrap();
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    let text = fs::read_to_string(&kept).unwrap();
    assert!(text.contains("{{ baseline }}") && text.contains("instance: \"pod\"") && text.contains("step: 1m"), "{text}");
    let checked = run(["rules", "check", &kept]).unwrap();
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
    let by_file = gate(&url, ARMS, &["--rules", &kept]).await;
    assert_eq!(by_file.report().unwrap()["rules"], report["rules"]);
    assert_eq!(by_file.code, Some(1));
    let variables = ["--rules", &kept, "--var", "baseline=v1", "--var", "canary=v2"];
    let by_variables = [&["gate", "--once", "--output", "json", "--prometheus", &url][..], &variables].concat();
    let by_variables = run_async(by_variables.into_iter().map(str::to_owned).collect()).await.unwrap();
    assert_eq!(by_variables.report().unwrap()["arms"], report["arms"]);
    // It overwrites nothing.
    let again = run_async(init.map(str::to_owned).to_vec()).await.unwrap();
    assert_eq!(again.code, Some(2), "{}", again.stderr);
}

#[tokio::test]
async fn the_preset_that_fits_is_chosen_and_its_rivals_are_named() {
    let prom_only_baseline = (Names::prom_http(), vec![Version::usual(&[("version", "v1"), ("app", "shop")], 3)]);
    let otel = (Names::otel_http(), service(|canary| canary));
    // Only one of two is in both arms.
    let one = server(&[prom_only_baseline, otel.clone()]).await;
    let found = gate(&one.url(), ARMS, &[]).await;
    assert!(found.stderr.contains("holds: presets/otel-http") && !found.stderr.contains("would do too"), "{}", found.stderr);
    assert!(matches!(found.code, Some(0 | 3)), "{}", found.stderr);
    // Both are.
    let both = server(&[(Names::prom_http(), service(|canary| canary)), otel]).await;
    let found = gate(&both.url(), ARMS, &[]).await;
    assert!(found.stderr.contains("would do too; choose by `--rules presets/"), "{}", found.stderr);
}

#[tokio::test]
async fn milliseconds_are_judged_as_such_and_seconds_come_first_where_both_are() {
    let old = Names {
        latency: Some("http_server_duration_milliseconds"),
        scale: 1000.0,
        requests: None,
        status: Some("http_status_code"),
        labels: Vec::new(),
    };
    let slow = service(|canary| Version { median: 0.15, ..canary });
    let alone = server(&[(old.clone(), slow.clone())]).await;
    let found = gate(&alone.url(), ARMS, &[]).await;
    assert!(found.stderr.contains("holds: presets/otel-http-ms"), "{}", found.stderr);
    let report = found.report().unwrap();
    assert_eq!(found.code, Some(1), "{}", found.stdout);
    let latency = &report["findings"][0]["baseline"];
    let p99 = latency["value"].as_f64().unwrap();
    assert!((200.0..300.0).contains(&p99) && latency["unit"] == "ms", "{latency}");
    let both = server(&[(Names::otel_http(), slow.clone()), (old, slow)]).await;
    let found = gate(&both.url(), ARMS, &[]).await;
    assert!(
        found.stderr.contains("holds: presets/otel-http (") && found.stderr.contains("presets/otel-http-ms would do too"),
        "{}",
        found.stderr
    );
    assert_eq!(found.code, Some(1));
}

#[tokio::test]
async fn another_label_of_the_status_is_taken_and_none_is_said() {
    let names = Names { status: Some("status"), ..Names::prom_http() };
    let failing = service(|canary| Version { errors: 0.05, ..canary });
    let other = server(&[(names, failing.clone())]).await;
    let found = gate(&other.url(), ARMS, &[]).await;
    assert!(found.stderr.contains("the label status in place of the preset's code"), "{}", found.stderr);
    assert_eq!(found.code, Some(1), "{}\n{}", found.stderr, found.stdout);
    let none = server(&[(Names { status: None, ..Names::prom_http() }, failing)]).await;
    let found = gate(&none.url(), ARMS, &[]).await;
    assert!(found.stderr.contains("error_rate is left out") && found.stderr.contains("label code"), "{}", found.stderr);
    let report = found.report().unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn wrong_arms_hold_and_name_what_there_is() {
    let server = server(&[(Names::prom_http(), service(|canary| canary))]).await;
    let cases = [
        // The value does not exist.
        (["app=shop,version=v1", "app=shop,version=v22"], "canary: no series of", "values there: v2, v1"),
        // The label does not exist, and its value stands elsewhere.
        (["app=shop,version=v1", "app=shop,track=v2"], "has the label track", "v2 stands in the label version"),
        // Neither.
        (["app=shop,track=stable", "app=shop,track=canary"], "has the label track", "labels that tell series apart: "),
    ];
    for (arms, says, and) in cases {
        let found = gate(&server.url(), arms, &[]).await;
        let report = found.report().unwrap();
        assert_eq!((found.code, report["verdict"].as_str()), (Some(3), Some("hold")), "{arms:?} {}", found.stderr);
        assert!(found.stderr.contains(says) && found.stderr.contains(and), "{arms:?}\n{}", found.stderr);
        assert!(found.stdout.contains(and), "the report says it too: {}", found.stdout);
    }
}

#[tokio::test]
async fn where_nothing_fits_it_says_what_was_looked_for_and_what_is_there() {
    let names = Names { latency: Some("checkout_latency_seconds"), requests: Some("checkout_requests_total"), ..Names::prom_http() };
    let server = server(&[(names, service(|canary| canary))]).await;
    let found = gate(&server.url(), ARMS, &[]).await;
    assert_eq!((found.code, found.stdout.as_str()), (Some(2), ""), "{}", found.stderr);
    for says in
        ["prom-http: http_request_duration_seconds", "checkout_latency_seconds_bucket", "histogram: checkout_latency_seconds", "--rules"]
    {
        assert!(found.stderr.contains(says), "expected {says:?} in\n{}", found.stderr);
    }
    let empty = Filled::start("").unwrap().ready().await.unwrap();
    let found = gate(&empty.url(), ARMS, &[]).await;
    assert_eq!(found.code, Some(2));
    assert!(found.stderr.contains("no series there"), "{}", found.stderr);
}

#[tokio::test]
async fn what_keeps_it_from_asking_is_no_analysis_and_missing_arms_are_a_mistake() {
    let refusing = axum::Router::new().fallback(|| async { axum::http::StatusCode::UNAUTHORIZED });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, refusing).await });
    for (address, says) in [(url.as_str(), "401"), ("http://127.0.0.1:1", "127.0.0.1:1")] {
        let found = gate(address, ARMS, &[]).await;
        assert_eq!((found.code, found.stdout.as_str()), (Some(4), ""), "{}", found.stderr);
        assert!(found.stderr.contains("no analysis took place") && found.stderr.contains(says), "{}", found.stderr);
    }
    serving.abort();
    let found = run(["gate", "--prometheus", "http://127.0.0.1:1", "--baseline", "version=v1", "--once"]).unwrap();
    assert_eq!(found.code, Some(2));
    assert!(found.stderr.contains("no --canary"), "{}", found.stderr);
}
