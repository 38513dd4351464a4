//! The lab itself, before anything is concluded from it: what the servers store is exactly what the services served.

#![cfg(test)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use davy_judge::arm::Arm;
use davy_tests::lab::model::{INSTANCES, Mode, Timeline};
use davy_tests::lab::running::Lab;
use davy_tests::lab::server::{Server, ServerKind};
use davy_tests::lab::service::{DURATION, NATIVE_DURATION, REQUESTS, Served};
use serde_json::Value;

/// How long a server may take to have scraped what is there; a scrape comes every second.
const SCRAPED_WITHIN: Duration = Duration::from_secs(20);

/// The values of an instant vector by the label `instance`.
async fn by_instance(server: &Server, promql: &str) -> BTreeMap<String, u64> {
    let result = server.query(promql, None).await.unwrap();
    result.iter().map(|series| (text(&series["metric"]["instance"]), text(&series["value"][1]).parse().unwrap())).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Asks again until the answer is the expected one; the last answer when it never is.
async fn settled(server: &Server, promql: &str, expected: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let deadline = Instant::now() + SCRAPED_WITHIN;
    loop {
        let answer = by_instance(server, promql).await;
        if answer == *expected || Instant::now() > deadline {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn served(lab: &Lab, modes: &[Mode], count: fn(Served) -> u64) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for &mode in modes {
        for arm in Arm::BOTH {
            counts.extend(lab.instances(mode, arm).map(|instance| (instance.identity.instance(), count(instance.served()))));
        }
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_count_what_the_services_served() {
    let modes = [Mode::Same, Mode::Erroring];
    let servers = [ServerKind::Prometheus, ServerKind::VictoriaMetrics];
    let mut lab = Lab::start(&modes, Timeline::brief(), &servers).await.unwrap();
    lab.wait_until(8.0).await;
    lab.stop_load().await;

    let requests = served(&lab, &modes, |served| served.requests);
    assert_eq!(requests.len(), modes.len() * (INSTANCES.baseline + INSTANCES.canary));
    // 100 a second for six seconds in a canary, 200 for eight in a baseline; Poisson, and the HTTP load may lag.
    assert!(requests.values().all(|count| *count > 300), "{requests:?}");
    let errors = served(&lab, &modes, |served| served.errors);
    let slow = served(&lab, &modes, |served| served.requests - served.over_400ms);
    let queries = [
        (format!("sum by (instance) ({REQUESTS})"), &requests),
        (format!("sum by (instance) ({REQUESTS}{{code=\"500\"}})"), &errors),
        (format!("sum by (instance) ({DURATION}_count)"), &requests),
        (format!("sum by (instance) ({DURATION}_bucket{{le=\"+Inf\"}})"), &requests),
        (format!("sum by (instance) ({DURATION}_bucket{{le=\"0.4\"}})"), &slow),
    ];
    let victoria_metrics = lab.victoria_metrics.as_ref().unwrap();
    for (promql, expected) in &queries {
        assert_eq!(settled(&lab.prometheus, promql, expected).await, **expected, "Prometheus: {promql}");
        assert_eq!(settled(victoria_metrics, promql, expected).await, **expected, "VictoriaMetrics: {promql}");
    }
    let native_count = format!("histogram_count(sum by (instance) ({NATIVE_DURATION}))");
    assert_eq!(settled(&lab.prometheus, &native_count, &requests).await, requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_is_what_the_service_said_at_that_scrape() {
    let mut lab = Lab::start(&[Mode::Slower], Timeline::brief(), &[ServerKind::Prometheus]).await.unwrap();
    lab.wait_until(6.0).await;
    lab.stop_load().await;
    let result = lab.prometheus.query(&format!("{DURATION}_count[1m]"), None).await.unwrap();
    assert_eq!(result.len(), INSTANCES.baseline + INSTANCES.canary);
    for series in &result {
        let name = text(&series["metric"]["instance"]);
        let stored: Vec<u64> = series["values"].as_array().unwrap().iter().map(|sample| text(&sample[1]).parse().unwrap()).collect();
        let instance = Arm::BOTH.into_iter().flat_map(|arm| lab.instances(Mode::Slower, arm)).find(|it| it.identity.instance() == name);
        let said: Vec<u64> = instance.unwrap().scrapes().iter().map(|served| served.requests).collect();
        assert!(stored.len() >= 3, "{name}: {stored:?}");
        assert_eq!(stored, said[..stored.len()], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn native_histograms_arrive_with_their_buckets() {
    let mut lab = Lab::start(&[Mode::Slower], Timeline::brief(), &[ServerKind::Prometheus]).await.unwrap();
    lab.wait_until(8.0).await;
    lab.stop_load().await;
    let instance = lab.instances(Mode::Slower, Arm::Baseline).next().unwrap();
    let name = instance.identity.instance();
    let expected = BTreeMap::from([(name.clone(), instance.served().requests)]);
    let selector = format!("{NATIVE_DURATION}{{instance=\"{name}\"}}");
    assert_eq!(settled(&lab.prometheus, &format!("histogram_count({selector})"), &expected).await, expected);

    let result = lab.prometheus.query(&selector, None).await.unwrap();
    let buckets = result[0]["histogram"][1]["buckets"].as_array().unwrap();
    let counts: Vec<f64> = buckets.iter().map(|bucket| text(&bucket[3]).parse().unwrap()).collect();
    assert_eq!(counts.iter().sum::<f64>() as u64, instance.served().requests);
    assert!(counts.len() > 15, "{counts:?}");

    // 0.40 s lies inside the native bucket (0.386, 0.420]; the services say how many were slower.
    let above = |bound: f64| {
        let beyond = buckets.iter().filter(|bucket| text(&bucket[1]).parse::<f64>().unwrap() >= bound);
        beyond.map(|bucket| text(&bucket[3]).parse::<f64>().unwrap()).sum::<f64>() as u64
    };
    let over = instance.served().over_400ms;
    assert!((above(0.419)..=above(0.385)).contains(&over), "{over} of {buckets:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_deaths_and_missing_labels_show() {
    let modes = [Mode::CounterReset, Mode::CanaryDead, Mode::LabelMissing];
    let timeline = Timeline::brief();
    let mut lab = Lab::start(&modes, timeline, &[ServerKind::Prometheus]).await.unwrap();

    lab.wait_until(timeline.canary_dies - 0.5).await;
    let alive = by_instance(&lab.prometheus, "sum by (instance) (http_requests_total{mode=\"canary_dead\", version=\"canary\"})").await;
    assert_eq!(alive.len(), INSTANCES.canary);

    lab.wait_until(timeline.deadline).await;
    lab.stop_load().await;
    let requests = served(&lab, &[Mode::CounterReset], |served| served.requests);
    let counted = "sum by (instance) (http_requests_total{mode=\"counter_reset\"})";
    assert_eq!(settled(&lab.prometheus, counted, &requests).await, requests, "after the restart");
    let resets = by_instance(&lab.prometheus, &format!("resets({DURATION}_count{{mode=\"counter_reset\"}}[1m])")).await;
    let once: BTreeMap<String, u64> = requests.keys().map(|instance| (instance.clone(), 1)).collect();
    assert_eq!(resets, once);

    let dead = lab.prometheus.query("http_requests_total{mode=\"canary_dead\", version=\"canary\"}", None).await.unwrap();
    assert!(dead.is_empty(), "a dead target is stale at once, not after five minutes: {dead:?}");
    let up = by_instance(&lab.prometheus, "up{mode=\"canary_dead\", version=\"canary\"}").await;
    assert_eq!(up.values().collect::<Vec<_>>(), [&0, &0]);
    let past = "count_over_time(up{mode=\"canary_dead\", version=\"canary\"}[1m])";
    assert!(by_instance(&lab.prometheus, past).await.values().all(|scrapes| *scrapes > 3));

    let unlabelled = by_instance(&lab.prometheus, "sum by (instance) (http_requests_total{mode=\"label_missing\", version=\"\"})").await;
    assert_eq!(unlabelled.keys().collect::<Vec<_>>(), ["label_missing-canary-0", "label_missing-canary-1"]);
}
