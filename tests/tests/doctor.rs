//! `davy doctor` against a real Prometheus: what is there, what will be seen, what is missing, and the exit code for each.

use std::time::Instant;

use davy_tests::davy::{Run, run, run_async};
use davy_tests::filled::{Filled, Names, Version, exposition, now};

const LENGTH: i64 = 7_200;
const ARMS: [&str; 4] = ["--baseline", "app=shop,version=v1", "--canary", "app=shop,version=v2"];

async fn server(names: &Names, versions: &[Version]) -> Filled {
    let text = exposition(names, versions, now(), LENGTH, 15, 11);
    Filled::start(&text).expect("a filled Prometheus").ready().await.expect("a ready Prometheus")
}

fn baseline() -> Version {
    Version { rate: 20.0, ..Version::usual(&[("version", "v1"), ("app", "shop")], 6) }
}

async fn doctor(url: &str, more: &[&str]) -> Run {
    let arguments = [&["doctor", url, "--trials", "40"][..], &ARMS, more].concat();
    run_async(arguments.into_iter().map(str::to_owned).collect()).await.expect("davy runs")
}

#[tokio::test]
async fn a_service_with_traffic_is_ready_before_its_canary_is_there() {
    let server = server(&Names::prom_http(), &[baseline()]).await;
    let began = Instant::now();
    let found = doctor(&server.url(), &["--output", "json"]).await;
    // A debug build on a shared machine.
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert_eq!(found.code, Some(0), "{}\n{}", found.stdout, found.stderr);
    let report = found.report().unwrap();
    assert_eq!((report["schema"].as_str(), report["ready"].as_bool()), (Some("davy.doctor/v1"), Some(true)));
    assert_eq!(report["history"]["instances"], 6);
    assert_eq!(report["history"]["label"], "pod");
    assert_eq!(report["arms"]["canary_assumed"], true);
    let per_second = report["arms"]["baseline"]["requests_per_second"].as_f64().unwrap();
    assert!((per_second - 120.0).abs() < 6.0, "{per_second}");
    // The median is 60 ms with a sigma of 0.6, so the P99 is 242 ms; its bucket is 200 to 300 ms.
    let latency = &report["metrics"][0];
    let p99 = latency["baseline"].as_f64().unwrap();
    assert!((0.2..0.3).contains(&p99), "{p99}");
    let errors = &report["metrics"][1];
    assert!((errors["baseline"].as_f64().unwrap() - 0.003).abs() < 0.0005, "{errors}");
    for metric in [latency, errors] {
        assert_eq!(metric["noise"]["calibrated"], true);
        let (canary, baseline) = (metric["detects"]["canary"].as_f64().unwrap(), metric["baseline"].as_f64().unwrap());
        assert!(canary > 1.1 * baseline && canary < 10.0 * baseline, "{metric}");
        assert!(metric["detects"]["found"]["share"].as_f64().unwrap() >= 0.8);
    }
    let text = doctor(&server.url(), &[]).await;
    assert_eq!(text.code, Some(0));
    for says in ["READY", "A good canary is promoted", "smallest regression seen", "latency_p99", "6 instances (by pod)", "--share"] {
        assert!(text.stdout.contains(says), "expected {says:?} in\n{}", text.stdout);
    }
    assert!(text.stdout.lines().count() < 40, "one screen: {}", text.stdout);
}

#[tokio::test]
async fn too_little_traffic_is_not_ready_and_says_what_would_help() {
    let server = server(&Names::prom_http(), &[baseline()]).await;
    let found = doctor(&server.url(), &["--share", "0.6%", "--output", "json"]).await;
    assert_eq!(found.code, Some(3), "{}", found.stdout);
    let report = found.report().unwrap();
    assert!(report["good_canary"]["promoted"]["share"].as_f64().unwrap() < 0.8);
    assert_eq!(report["good_canary"]["held_for"][0]["why"], "not enough evidence of safety");
    let remedies: Vec<&str> = report["remedies"].as_array().unwrap().iter().filter_map(|remedy| remedy["what"].as_str()).collect();
    assert!(
        remedies.iter().any(|what| what.contains("tolerance: ")) && remedies.iter().any(|what| what.contains("canary's traffic")),
        "{remedies:?}"
    );
    let plenty = doctor(&server.url(), &["--share", "15%", "--output", "json"]).await;
    let seen = |report: &serde_json::Value| report["metrics"][1]["detects"]["canary"].as_f64().unwrap_or(f64::INFINITY);
    assert!(seen(&plenty.report().unwrap()) < seen(&report), "more traffic shows smaller regressions");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let names = Names { latency: None, ..Names::prom_http() };
    let server = server(&names, &[baseline()]).await;
    let found = doctor(&server.url(), &["--rules", "presets/prom-http"]).await;
    assert_eq!(found.code, Some(3), "{}\n{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("latency_p99: the baseline shows it in no window"), "{}", found.stdout);
    // Without rules the metric is left out, and that is said.
    let found = doctor(&server.url(), &[]).await;
    assert!(found.stderr.contains("latency_p99 is left out"), "{}", found.stderr);
    let wrong = ["doctor", &server.url(), "--baseline", "app=shop,version=v1", "--canary", "app=shp,version=v1"].map(str::to_owned);
    let found = run_async(wrong.to_vec()).await.unwrap();
    assert!(found.stdout.contains("app=\"shp\"; values there: shop"), "{}", found.stdout);
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let refusing = axum::Router::new().fallback(|| async { axum::http::StatusCode::UNAUTHORIZED });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, refusing).await });
    for (address, says) in [(url.as_str(), "401"), ("http://127.0.0.1:1", "127.0.0.1:1")] {
        for rules in [&[][..], &["--rules", "presets/prom-http"]] {
            let found = doctor(address, rules).await;
            assert_eq!((found.code, found.stdout.as_str()), (Some(4), ""), "{}", found.stderr);
            assert!(found.stderr.contains(says), "{}", found.stderr);
        }
    }
    serving.abort();
    for (more, says) in [
        (&["--share", "200%"][..], "less than 100%"),
        (&["--share", "some"], "expected a percentage"),
        (&["--rules", "presets/prom-htp"], "did you mean"),
        (&["--trials", "1"], "10..=10000"),
    ] {
        let arguments = [&["doctor", "http://127.0.0.1:1"][..], &ARMS, more].concat();
        let found = run(arguments).unwrap();
        assert_eq!((found.code, found.stdout.as_str()), (Some(2), ""), "{}", found.stderr);
        assert!(found.stderr.contains(says), "expected {says:?} in {}", found.stderr);
    }
}
