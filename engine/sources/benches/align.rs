//! Alignment: `cargo bench -p davy-sources --bench align`.

use std::collections::BTreeMap;

use davy_judge::arm::{Arm, PerArm};
use davy_sources::align::{Aligner, Grid};
use davy_sources::pseudo_canary::{HistoryWindows, choose};
use davy_sources::samples::{FetchPlan, Samples, Selector, Series, Signal, StreamData, StreamSpec};

const STEP: i64 = 60_000;
const SCRAPE: i64 = 15_000;

fn main() {
    divan::main();
}

fn plan() -> FetchPlan {
    let selector = |name: &str| Selector { name: name.to_owned(), matchers: Vec::new() };
    FetchPlan {
        streams: vec![StreamSpec::Histogram(selector("latency")), StreamSpec::Counter(selector("requests_total"))],
        signals: vec![
            Signal::Histogram { stream: 0 },
            Signal::Histogram { stream: 0 },
            Signal::Ratio { events: 1, events_where: Vec::new(), total: 1 },
            Signal::Rate { stream: 1 },
        ],
        slices: Vec::new(),
        arms: PerArm::default(),
        history_from: None,
        instance: Some("pod".to_owned()),
        step_ms: STEP,
        max_history_samples: u64::MAX,
    }
}

/// Instances × (12 buckets, 3 codes), scraped every 15 s.
fn streams(instances: usize, windows: i64) -> Vec<StreamData> {
    let times: Vec<i64> = (0..=windows * STEP / SCRAPE).map(|index| index * SCRAPE + 1).collect();
    let series = |labels: &[(&str, String)], speed: f64| Series {
        arm: Arm::Baseline,
        labels: labels.iter().map(|(label, value)| ((*label).to_owned(), value.clone())).collect::<BTreeMap<_, _>>(),
        samples: Samples::Counter(times.iter().map(|time| (*time, (*time as f64 * speed).floor())).collect()),
    };
    let (mut buckets, mut requests) = (Vec::new(), Vec::new());
    for instance in 0..instances {
        let pod = ("pod", format!("pod-{instance:02}"));
        for bound in 0..12 {
            let le = if bound == 11 { "+Inf".to_owned() } else { format!("{:?}", 0.005 * f64::from(1 << bound)) };
            buckets.push(series(&[pod.clone(), ("le", le)], 0.01 * f64::from(bound + 1)));
        }
        for code in ["200", "404", "500"] {
            requests.push(series(&[pod.clone(), ("code", code.to_owned())], 0.05));
        }
    }
    [buckets, requests].map(|series| StreamData { series, ..StreamData::default() }).to_vec()
}

fn fed(data: &[StreamData]) -> Aligner {
    let mut aligner = Aligner::new(&plan(), Grid { origin_ms: 0, step_ms: STEP }).expect("a sound plan");
    for (stream, data) in data.iter().enumerate() {
        aligner.feed(stream, data);
    }
    aligner
}

fn history(data: &[StreamData], windows: i64) -> HistoryWindows {
    let aligner = fed(data);
    HistoryWindows { windows: (1..=windows).map(|end| aligner.window(end * STEP)).collect() }
}

#[divan::bench(args = [(2, 60), (6, 240), (6, 720)])]
fn feed_and_make_all_windows(bencher: divan::Bencher<'_, '_>, (instances, windows): (usize, i64)) {
    let data = streams(instances, windows);
    bencher.bench_local(|| history(&data, windows));
}

#[divan::bench(args = [60, 720])]
fn one_more_window(bencher: divan::Bencher<'_, '_>, windows: i64) {
    let aligner = fed(&streams(6, windows));
    bencher.bench_local(|| aligner.window(windows * STEP));
}

#[divan::bench(args = [240, 720])]
fn rows_of_pseudo_canaries(bencher: divan::Bencher<'_, '_>, windows: i64) {
    let history = history(&streams(6, windows), windows);
    let chosen = choose(&history, 0, 3_000.0, 40_000.0, 6).expect("six instances");
    bencher.bench_local(|| chosen.rows(&history, 0, 42));
}
