//! Replaying the recording of a live gate gives the same report bytes: whatever arrived late, out of order, corrected or
//! never, whatever failed in between, and however often one asked.

mod late;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use davy_gate::pipeline::{Patience, Run};
use davy_gate::plan::Plan;
use davy_gate::render::to_json;
use davy_gate::replay::replay;
use davy_gate::report::report;
use davy_gate::rules::{Options, load_str};
use davy_judge::arm::Arm;
use davy_sources::recording::{About, Recording, Weight};
use late::{Fate, Known, Late, LateSeries};
use proptest::prelude::*;

const STEP_MS: i64 = 10_000;
const START_MS: i64 = 1_700_000_000_000;
const HISTORY_MS: i64 = 300_000;
const DEADLINE_MS: i64 = 200_000;
const SCRAPE_MS: i64 = 2_500;
/// latency, requests, errors, queue
const STREAMS: usize = 4;

fn rules(at_deadline: &str) -> String {
    format!(
        r#"
schema: davy/v1
name: late
arms: {{ baseline: {{ version: v1 }}, canary: {{ version: v2 }} }}
history: {{ last: 5m, instance: pod }}
window: {{ step: 10s, warmup: 20s, deadline: 200s, min_windows: 4 }}
decision: {{ at_deadline: {at_deadline} }}
metrics:
  - {{ name: p90, histogram: latency, quantile: 0.9, worse: higher, tolerance: 20% }}
  - {{ name: errors, ratio: {{ events: errors_total, total: requests_total }}, worse: higher, tolerance: 100%, ignore_below: 1% }}
  - {{ name: traffic, rate: requests_total, worse: lower, tolerance: 20%, on_breach: hold }}
  - {{ name: queue, promql: 'max(queue{{ {{{{arm}}}} }})', worse: higher, tolerance: 50%, on_breach: warn }}
"#
    )
}

fn plan(at_deadline: &str, weights: Vec<Weight>) -> Plan {
    let rules = load_str("late.yaml", &rules(at_deadline), &Options::default()).unwrap_or_else(|wrong| panic!("{wrong}"));
    Plan::new(rules, STEP_MS, None, START_MS, weights).expect("a plan")
}

/// Numbers that look random, and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn labels(name: &str, arm: Arm, pod: usize, le: Option<&str>) -> BTreeMap<String, String> {
    let version = match arm {
        Arm::Baseline => "v1",
        Arm::Canary => "v2",
    };
    let all = [("__name__", Some(name)), ("version", Some(version)), ("le", le)];
    let mut labels: BTreeMap<String, String> =
        all.into_iter().filter_map(|(label, value)| value.map(|value| (label.to_owned(), value.to_owned()))).collect();
    labels.insert("pod".to_owned(), format!("{version}-{pod}"));
    labels
}

/// How punctual samples are: one in `one_in` is late by up to 70 s, one in 20 of those is never known, and one in
/// `corrected_one_in` is corrected later. 0: none.
#[derive(Debug, Clone, Copy)]
struct Manners {
    late_one_in: u64,
    corrected_one_in: u64,
    /// The canary answers so much slower.
    slower: bool,
}

fn samples(dice: &mut Dice, manners: Manners, points: Vec<(i64, f64)>) -> Vec<Known> {
    let mut known = Vec::with_capacity(points.len());
    for (time_ms, value) in points {
        let is_late = manners.late_one_in > 0 && time_ms > START_MS && dice.below(manners.late_one_in) == 0;
        let delay_ms = if is_late { dice.below(70_000) as i64 } else { dice.below(1_500) as i64 };
        if is_late && dice.below(20) == 0 {
            continue;
        }
        known.push(Known { time_ms, value, arrives_ms: time_ms + delay_ms });
        if manners.corrected_one_in > 0 && dice.below(manners.corrected_one_in) == 0 {
            let later_ms = dice.below(60_000) as i64;
            known.push(Known { time_ms, value: value + dice.below(3) as f64, arrives_ms: time_ms + delay_ms + later_ms });
        }
    }
    known
}

/// Two arms with three and two pods; the errors' counters appear with the first error.
fn service(seed: u64, manners: Manners) -> Vec<LateSeries> {
    let mut dice = Dice(seed);
    let mut all = Vec::new();
    for (arm, pods, begins_ms) in [(Arm::Baseline, 3, START_MS - HISTORY_MS - 60_000), (Arm::Canary, 2, START_MS - 4_000)] {
        for pod in 0..pods {
            let offset_ms = dice.below(SCRAPE_MS as u64) as i64;
            let mut counts = [0.0; 3];
            let (mut requests, mut errors) = (100.0, 0.0);
            let mut tracks: [Vec<(i64, f64)>; 5] = Default::default();
            for time_ms in (begins_ms + offset_ms..START_MS + DEADLINE_MS + 60_000).step_by(SCRAPE_MS as usize) {
                let arrivals = 10 + dice.below(10);
                for _ in 0..arrivals {
                    let is_slow = dice.below(if manners.slower && arm == Arm::Canary { 3 } else { 12 }) == 0;
                    counts[usize::from(is_slow) * (1 + dice.below(2) as usize)] += 1.0;
                    errors += if dice.below(300) == 0 { 1.0 } else { 0.0 };
                }
                requests += arrivals as f64;
                let cumulative = [counts[0], counts[0] + counts[1], counts[0] + counts[1] + counts[2]];
                for (track, value) in tracks.iter_mut().zip(cumulative.into_iter().chain([requests])) {
                    track.push((time_ms, value));
                }
                if errors > 0.0 {
                    tracks[4].push((time_ms, errors));
                }
            }
            let [low, middle, all_buckets, of_requests, of_errors] = tracks;
            let named = [
                (0, labels("latency_bucket", arm, pod, Some("0.1")), low),
                (0, labels("latency_bucket", arm, pod, Some("0.5")), middle),
                (0, labels("latency_bucket", arm, pod, Some("+Inf")), all_buckets),
                (1, labels("requests_total", arm, pod, None), of_requests),
                (2, labels("errors_total", arm, pod, None), of_errors),
            ];
            for (stream, labels, points) in named {
                all.push(LateSeries { stream, arm, labels, samples: samples(&mut dice, manners, points) });
            }
        }
        let ends = (begins_ms.div_euclid(STEP_MS) + 1..(START_MS + DEADLINE_MS) / STEP_MS + 1).map(|window| window * STEP_MS);
        let points = ends.map(|time_ms| (time_ms, 5.0 + dice.below(4) as f64)).collect();
        all.push(LateSeries { stream: 3, arm, labels: BTreeMap::new(), samples: samples(&mut dice, manners, points) });
    }
    all
}

struct Outcome {
    live: String,
    replayed: String,
}

/// A live gate that asks at these times, ends as `davy gate` does, and is replayed.
fn gate_and_replay(source: &Late, plan: &Plan, polls_ms: &[i64], is_interrupted: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut run = Run::new(plan, source).expect("a run").recorded();
    let mut now_ms = START_MS;
    for poll_ms in polls_ms {
        now_ms = START_MS + poll_ms;
        source.now_ms.store(now_ms, Ordering::Relaxed);
        let _outage = runtime.block_on(run.advance(now_ms - 2 * STEP_MS, Patience::Live, |_| {}));
        if run.is_over() || now_ms > plan.deadline_ms + 4 * STEP_MS {
            break;
        }
    }
    let waited_until_ms = (!is_interrupted).then_some(now_ms);
    let live = to_json(&report(&run, waited_until_ms.is_some_and(|until_ms| until_ms >= plan.deadline_ms)));
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("recording");
    let about = About { waited_until_ms, ..plan.about() };
    run.recorder().expect("it was recorded").write(&path, &about, false).expect("written");
    let recording = Recording::open(&path).expect("a recording");
    let replayed = runtime.block_on(replay(&recording, None, false)).unwrap_or_else(|error| panic!("{error}"));
    Outcome { live, replayed: to_json(&replayed.report) }
}

fn every(step_ms: i64) -> Vec<i64> {
    (1..=(DEADLINE_MS + 90_000) / step_ms).map(|poll| poll * step_ms).collect()
}

fn field<'a>(report: &'a str, name: &str) -> &'a str {
    let after = report.split_once(&format!("\"{name}\":")).unwrap_or_else(|| panic!("no {name} in {report}")).1;
    after.split([',', '\n']).next().expect("something").trim().trim_matches('"')
}

const PUNCTUAL: Manners = Manners { late_one_in: 0, corrected_one_in: 0, slower: false };

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        20 => Just(Fate::Well), 3 => Just(Fate::Refused), 1 => Just(Fate::Malformed), 1 => Just(Fate::Warned), 1 => Just(Fate::Noted)
    ]
}

/// Fates stream by stream; now and then the whole source is away.
fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fetch = prop_oneof![
        4 => proptest::collection::vec(fate(), STREAMS), 1 => Just(vec![Fate::Refused; STREAMS]), 3 => Just(vec![Fate::Well; STREAMS])
    ];
    proptest::collection::vec(fetch, 0..40).prop_map(|fetches| fetches.concat())
}

fn manners() -> impl Strategy<Value = Manners> {
    (prop_oneof![Just(0_u64), 2..40_u64], prop_oneof![Just(0_u64), 5..60_u64], any::<bool>())
        .prop_map(|(late_one_in, corrected_one_in, slower)| Manners { late_one_in, corrected_one_in, slower })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_gives_the_bytes_of_the_live_gate(
        seed in any::<u64>(),
        manners in manners(),
        fates in fates(),
        waits_ms in proptest::collection::vec(1_000..45_000_i64, 1..40),
        is_interrupted in any::<bool>(),
        at_deadline in prop_oneof![Just("hold"), Just("promote"), Just("rollback")],
        weighted in any::<bool>(),
    ) {
        let weights = [(0, 10.0), (90_000, 50.0)].map(|(after_ms, weight)| Weight { time_ms: START_MS + after_ms, weight });
        let plan = plan(at_deadline, if weighted { weights.to_vec() } else { Vec::new() });
        let mut polls_ms = Vec::new();
        for wait_ms in waits_ms {
            polls_ms.push(polls_ms.last().unwrap_or(&0) + wait_ms);
        }
        let source = Late::new(service(seed, manners), fates);
        let outcome = gate_and_replay(&source, &plan, &polls_ms, is_interrupted);
        prop_assert_eq!(outcome.live, outcome.replayed);
    }

    #[test]
    fn how_often_one_asks_never_changes_the_answer(
        seed in any::<u64>(), slower in any::<bool>(), waits_ms in proptest::collection::vec(1_000..45_000_i64, 40)
    ) {
        let plan = plan("hold", Vec::new());
        let mut polls_ms = Vec::new();
        for wait_ms in waits_ms {
            polls_ms.push(polls_ms.last().unwrap_or(&0) + wait_ms);
        }
        let source = Late::new(service(seed, Manners { slower, ..PUNCTUAL }), Vec::new());
        let [seldom, often] = [polls_ms, every(STEP_MS)].map(|polls_ms| gate_and_replay(&source, &plan, &polls_ms, false));
        prop_assert_eq!(seldom.live, often.live);
    }
}

#[test]
fn the_deadline_that_passes_while_the_source_is_away_is_replayed() {
    let plan = plan("rollback", Vec::new());
    // One fetch of the history and three of the run are answered, then nothing is.
    let fates = [vec![Fate::Well; 4 * STREAMS], vec![Fate::Refused; 200 * STREAMS]].concat();
    let source = Late::new(service(7, PUNCTUAL), fates.clone());
    let outcome = gate_and_replay(&source, &plan, &every(STEP_MS), false);
    assert_eq!(outcome.live, outcome.replayed);
    assert_eq!(field(&outcome.live, "verdict"), "rollback", "{}", outcome.live);
    // Interrupted before the deadline, it is a hold; so is its replay.
    let source = Late::new(service(7, PUNCTUAL), fates);
    let interrupted = gate_and_replay(&source, &plan, &every(STEP_MS)[..8], true);
    assert_eq!(interrupted.live, interrupted.replayed);
    assert_eq!(field(&interrupted.live, "verdict"), "hold");
}

#[test]
fn a_sample_that_comes_after_its_window_was_judged_is_left_out_and_nothing_is_lost() {
    let plan = plan("hold", Vec::new());
    let judged = |source: &Late| {
        let outcome = gate_and_replay(source, &plan, &every(STEP_MS)[..12], true);
        assert_eq!(outcome.live, outcome.replayed);
        outcome.live
    };
    let punctual = judged(&Late::new(service(3, PUNCTUAL), Vec::new()));
    // The last scrape of one window comes half a minute late from every pod.
    let mut series = service(3, PUNCTUAL);
    let (from_ms, to_ms) = (START_MS + 50_000 - SCRAPE_MS, START_MS + 50_000);
    for sample in
        series.iter_mut().flat_map(|series| &mut series.samples).filter(|sample| from_ms < sample.time_ms && sample.time_ms <= to_ms)
    {
        sample.arrives_ms = sample.time_ms + 45_000;
    }
    let belated = judged(&Late::new(series, Vec::new()));
    assert_ne!(punctual, belated, "the window lacks what came too late");
    // Its requests count in the next window: together they are the same.
    assert_eq!(field(&punctual, "requests"), field(&belated, "requests"));
}

#[test]
fn a_gate_that_is_interrupted_before_its_first_window_replays_too() {
    let plan = plan("hold", Vec::new());
    let source = Late::new(service(1, PUNCTUAL), vec![Fate::Refused; 400]);
    for polls_ms in [&[1_000][..], &[15_000, 25_000, 35_000]] {
        let outcome = gate_and_replay(&source, &plan, polls_ms, true);
        assert_eq!(outcome.live, outcome.replayed);
    }
}
