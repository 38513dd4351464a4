//! A forecast from one past says what fresh futures of the same service do. The fresh ones are made here, from the service's
//! true rates, and share nothing with the forecast but the judge.

use std::sync::Arc;

use davy_gate::forecast::{Effort, Forecast, RemedyKind, forecast};
use davy_gate::plan::Plan;
use davy_gate::rules::{Options, load_str};
use davy_judge::analysis::Analysis;
use davy_judge::arm::PerArm;
use davy_judge::reading::{BucketCounts, Reading};
use davy_judge::verdict::Verdict;
use davy_judge::window::{MetricWindow, StepStart, Window};
use davy_sources::align::{AlignedWindow, InstanceReadings};
use davy_sources::pseudo_canary::{HistoryWindows, binomial, choose};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const STEP_MS: i64 = 60_000;
const PAST: i64 = 240;
const PODS: usize = 8;
const FUTURES: usize = 200;
/// Sampling error of two shares of 200, at three standard errors, and what one past of four hours is off.
const OFF: f64 = 0.2;
const BOUNDS: [f64; 5] = [0.1, 0.2, 0.3, 0.45, 0.7];
/// Shares of a service's latencies in the buckets: P99 near 300 ms.
const SHARES: [f64; 6] = [0.80, 0.16, 0.029, 0.009, 0.0018, 0.0002];

const ERRORS: &str = "schema: davy/v1
name: shop
arms: { baseline: { version: v1 }, canary: { version: v2 } }
metrics:
  - name: error_rate
    ratio: { events: 'requests_total{code=~\"5..\"}', total: requests_total }
    tolerance: 100%
";
const LATENCY: &str = "schema: davy/v1
name: shop
arms: { baseline: { version: v1 }, canary: { version: v2 } }
metrics:
  - name: latency_p99
    histogram: latency_seconds
    quantile: 0.99
    tolerance: 25%
";

fn plan(yaml: &str) -> Plan {
    let rules = load_str("test", yaml, &Options::default()).expect("valid rules");
    Plan::new(rules, STEP_MS, Some("pod".to_owned()), 1_700_000_000_000 / STEP_MS * STEP_MS, Vec::new()).expect("a plan")
}

fn errors(random: &mut ChaCha8Rng, requests: u64, rate: f64) -> Reading {
    Reading::Counts { events: binomial(random, requests, rate) as f64, requests: requests as f64 }
}

fn latencies(random: &mut ChaCha8Rng, requests: u64, shares: &[f64]) -> Reading {
    let (mut left, mut share_left) = (requests, 1.0);
    let counts = shares.iter().map(|share| {
        let taken = binomial(random, left, share / share_left);
        left -= taken;
        share_left -= share;
        taken as f64
    });
    let counts: Vec<f64> = counts.collect();
    Reading::Histogram(BucketCounts::new(Arc::from(BOUNDS), counts).expect("sane counts"))
}

/// Four hours of a baseline, pod by pod.
fn past(random: &mut ChaCha8Rng, mut draw: impl FnMut(&mut ChaCha8Rng) -> Reading) -> Vec<AlignedWindow> {
    let window = |index: i64, random: &mut ChaCha8Rng, draw: &mut dyn FnMut(&mut ChaCha8Rng) -> Reading| AlignedWindow {
        end_ms: index * STEP_MS,
        metrics: vec![PerArm {
            baseline: InstanceReadings { by_instance: (0..PODS).map(|pod| (format!("pod-{pod}"), draw(random))).collect() },
            canary: InstanceReadings::default(),
        }],
        instances: PerArm { baseline: PODS, canary: 0 },
        gaps: vec![PerArm::default()],
        slices: Vec::new(),
    };
    (0..PAST).map(|index| window(index, random, &mut draw)).collect()
}

/// The share of fresh futures that end with a verdict.
fn fresh(
    plan: &Plan,
    past: &[AlignedWindow],
    requests: f64,
    verdict: Verdict,
    mut draw: impl FnMut(&mut ChaCha8Rng) -> PerArm<Reading>,
) -> f64 {
    let rules: Vec<_> = plan.rules.metrics.iter().map(|metric| metric.rule.clone()).collect();
    let history = HistoryWindows { windows: past.to_vec() };
    let learned = choose(&history, 0, requests, PODS as f64 * requests, 6).map(|pseudo| pseudo.rows(&history, 0, 1));
    let policy = plan.rules.policy(STEP_MS);
    let mut random = ChaCha8Rng::seed_from_u64(99);
    let mut window = |end_ms: i64| Window {
        end_ms,
        metrics: vec![MetricWindow { arms: draw(&mut random), ..MetricWindow::default() }],
        instances: PerArm { baseline: PODS, canary: 1 },
    };
    let mut hits = 0;
    for _ in 0..FUTURES {
        let mut analysis = Analysis::new(rules.clone(), policy.clone());
        analysis.begin_step(&StepStart {
            histories: vec![learned.clone()],
            lead: (0..5).map(&mut window).collect(),
            ..StepStart::default()
        });
        for end_ms in 0..policy.longest as i64 {
            let _ = analysis.push(&window(end_ms));
        }
        hits += usize::from(analysis.decision(true).verdict == verdict);
    }
    f64::from(u32::try_from(hits).expect("a few")) / FUTURES as f64
}

fn ask(plan: &Plan, past: &[AlignedWindow], requests: f64) -> Forecast {
    let traffic = [PerArm { baseline: PODS as f64 * requests, canary: requests }];
    forecast(plan, past, &traffic, Effort { good: FUTURES, other: FUTURES }, &|_| {}).expect("there is a past")
}

#[test]
fn a_good_canary_is_promoted_as_often_as_foreseen() {
    let plan = plan(ERRORS);
    let mut middling = 0;
    for requests in [12, 30, 60, 400] {
        let past = past(&mut ChaCha8Rng::seed_from_u64(requests), |random| errors(random, requests, 0.02));
        let foreseen = ask(&plan, &past, requests as f64);
        let happens = fresh(&plan, &past, requests as f64, Verdict::Promote, |random| PerArm {
            baseline: errors(random, PODS as u64 * requests, 0.02),
            canary: errors(random, requests, 0.02),
        });
        let promoted = foreseen.promoted.value();
        assert!((promoted - happens).abs() < OFF, "{requests} requests per window: foreseen {promoted}, happens {happens}");
        assert!(foreseen.rolled_back.value() < 0.05, "{requests}: {:?}", foreseen.rolled_back);
        middling += usize::from((0.1..0.9).contains(&happens));
        if foreseen.promotes() {
            assert!(foreseen.remedies.is_empty() && foreseen.promoted_after.is_some());
        }
    }
    assert!(middling >= 1, "none of the cases tells a good forecast from a constant");
}

#[test]
fn a_regression_is_seen_as_often_as_foreseen_and_smaller_ones_with_more_traffic() {
    let plan = plan(ERRORS);
    let mut smallest = Vec::new();
    for requests in [60_u64, 600] {
        let past = past(&mut ChaCha8Rng::seed_from_u64(requests), |random| errors(random, requests, 0.02));
        let foreseen = ask(&plan, &past, requests as f64);
        let detection = foreseen.metrics[0].detection.clone().expect("a large regression is seen");
        let happens = fresh(&plan, &past, requests as f64, Verdict::Rollback, |random| PerArm {
            baseline: errors(random, PODS as u64 * requests, 0.02),
            canary: errors(random, requests, detection.value),
        });
        assert!((detection.found.value() - happens).abs() < OFF, "{requests}: foreseen {:?}, happens {happens}", detection.found);
        smallest.push(detection.value);
    }
    assert!(smallest[1] < smallest[0] && smallest[1] > 0.04, "{smallest:?}; up to 4 % is tolerated");
}

#[test]
fn a_slower_canary_is_seen_as_often_as_foreseen() {
    let plan = plan(LATENCY);
    let requests = 400;
    let past = past(&mut ChaCha8Rng::seed_from_u64(5), |random| latencies(random, requests, &SHARES));
    let foreseen = ask(&plan, &past, requests as f64);
    let detection = foreseen.metrics[0].detection.clone().expect("a large regression is seen");
    let ratio = detection.ratio.expect("the baseline has a P99");
    // The tail at 300 ms falls by a factor per ln of latency that its neighbours tell; slower by `ratio`, it grows so.
    let above = |first: usize| SHARES[first..].iter().sum::<f64>();
    let slope = (above(2) / above(3)).ln() / (BOUNDS[2] / BOUNDS[1]).ln();
    let grown = ratio.powf(slope).min(above(2) / above(3) * 0.99);
    let mut slow = SHARES;
    for (bucket, share) in slow.iter_mut().enumerate() {
        *share = if bucket > 2 { SHARES[bucket] * grown } else { SHARES[bucket] };
    }
    slow[2] -= slow.iter().sum::<f64>() - 1.0;
    let happens = fresh(&plan, &past, requests as f64, Verdict::Rollback, |random| PerArm {
        baseline: latencies(random, PODS as u64 * requests, &SHARES),
        canary: latencies(random, requests, &slow),
    });
    assert!(happens > 0.6 && detection.found.value() >= 0.8, "×{ratio}: foreseen {:?}, happens {happens}", detection.found);
}

#[test]
fn ready_values_and_throughput_are_foreseen_too() {
    let yaml = "schema: davy/v1
name: shop
arms: { baseline: { version: v1 }, canary: { version: v2 } }
metrics:
  - name: cpu
    promql: 'avg(cpu_seconds{ {{arm}} })'
    tolerance: 30%
  - name: throughput
    rate: requests_total
    worse: lower
    tolerance: 10%
";
    let plan = plan(yaml);
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut windows = past(&mut random, |random| Reading::Value(0.5 + binomial(random, 100, 0.5) as f64 / 1_000.0));
    let totals = past(&mut random, |random| Reading::Total(binomial(random, 4_000, 0.5) as f64));
    for (window, totals) in windows.iter_mut().zip(totals) {
        window.metrics.extend(totals.metrics);
        window.gaps.extend(totals.gaps);
    }
    let traffic = [PerArm::default(), PerArm { baseline: 16_000.0, canary: 2_000.0 }];
    let foreseen = forecast(&plan, &windows, &traffic, Effort::of(60), &|_| {}).expect("there is a past");
    assert!(foreseen.promotes(), "{:?} {:?}", foreseen.promoted, foreseen.held_for);
    let ratio = |metric: usize| foreseen.metrics[metric].detection.as_ref().and_then(|detection| detection.ratio).expect("it is seen");
    // Beyond what is tolerated, and not by much: little noise.
    assert!((1.3..2.0).contains(&ratio(0)), "{}", ratio(0));
    assert!((0.6..0.9).contains(&ratio(1)), "{}", ratio(1));
}

#[test]
fn where_little_traffic_keeps_a_good_canary_from_promotion_something_helps() {
    let plan = plan(ERRORS);
    let requests = 12;
    let past = past(&mut ChaCha8Rng::seed_from_u64(3), |random| errors(random, requests, 0.02));
    let foreseen = ask(&plan, &past, requests as f64);
    assert!(!foreseen.promotes(), "{:?}", foreseen.promoted);
    assert!(foreseen.metrics[0].waiting.value() > 0.2);
    let tolerated = foreseen.remedies.iter().find(|remedy| matches!(remedy.kind, RemedyKind::Tolerance(_)));
    let longer = foreseen.remedies.iter().find(|remedy| matches!(remedy.kind, RemedyKind::Deadline(_)));
    assert!(tolerated.is_some() && longer.is_some(), "{:?}", foreseen.remedies);
    assert!(foreseen.remedies.iter().all(|remedy| remedy.promoted.value() >= 0.8));
    // The remedy holds what it promises.
    let Some(RemedyKind::Deadline(deadline_ms)) = longer.map(|remedy| remedy.kind.clone()) else { panic!("a deadline") };
    let longer = self::plan(&format!("{ERRORS}window: {{ deadline: {}m }}\n", deadline_ms / 60_000));
    let promoted = ask(&longer, &past, requests as f64).promoted;
    assert!(promoted.interval().1 >= 0.8, "{promoted:?}");
}

#[test]
fn the_same_past_gives_the_same_forecast_and_none_gives_none() {
    let plan = plan(ERRORS);
    let past = past(&mut ChaCha8Rng::seed_from_u64(1), |random| errors(random, 100, 0.02));
    let traffic = [PerArm { baseline: 800.0, canary: 100.0 }];
    let effort = Effort::of(20);
    assert_eq!(forecast(&plan, &past, &traffic, effort, &|_| {}), forecast(&plan, &past, &traffic, effort, &|_| {}));
    assert_eq!(forecast(&plan, &[], &traffic, effort, &|_| {}), None);
}

#[test]
fn without_instances_the_forecast_is_a_best_case_and_says_so() {
    let plan = plan(ERRORS);
    let whole: Vec<AlignedWindow> = past(&mut ChaCha8Rng::seed_from_u64(1), |random| errors(random, 400, 0.02))
        .into_iter()
        .map(|mut window| {
            let merged = window.metrics[0].baseline.merged();
            window.metrics[0].baseline.by_instance = vec![(String::new(), merged)];
            window
        })
        .collect();
    let foreseen = ask(&plan, &whole, 400.0);
    assert!(foreseen.metrics[0].is_made_up && !foreseen.metrics[0].typical.noise.calibrated);
    assert!(foreseen.rolled_back.value() < 0.05, "{:?}", foreseen.rolled_back);
    assert!(foreseen.metrics[0].detection.is_some());
}
