//! Alignment: real counters, and properties that hold for any samples.

use std::collections::BTreeMap;
use std::path::Path;

use davy_judge::arm::{Arm, PerArm};
use davy_judge::reading::Reading;
use davy_sources::align::{AlignedWindow, Aligner, Grid};
use davy_sources::samples::{
    FetchPlan, MatchOp, Matcher, NativeHistogram, Part, Samples, Selector, Series, Signal, Span, StreamData, StreamSpec,
};
use davy_sources::{recording::Recording, source::Source};
use proptest::prelude::*;

const STEP: i64 = 10;
const GRID: Grid = Grid { origin_ms: 0, step_ms: STEP };

fn matcher(label: &str, op: MatchOp, value: &str) -> Matcher {
    Matcher { label: label.to_owned(), op, value: value.to_owned() }
}

/// Stream 0: requests by code; 1: a latency histogram; 2: an expression; 3: errors as a counter of their own.
fn plan() -> FetchPlan {
    let selector = |name: &str| Selector { name: name.to_owned(), matchers: Vec::new() };
    FetchPlan {
        streams: vec![
            StreamSpec::Counter(selector("requests_total")),
            StreamSpec::Histogram(selector("latency")),
            StreamSpec::Expression("cpu{ {{arm}} }".to_owned()),
            StreamSpec::Counter(selector("errors_total")),
        ],
        signals: vec![
            Signal::Ratio { events: 0, events_where: vec![matcher("code", MatchOp::Regex, "5..")], total: 0 },
            Signal::Rate { stream: 0 },
            Signal::Histogram { stream: 1 },
            Signal::Scalar { stream: 2 },
            Signal::Ratio { events: 3, events_where: Vec::new(), total: 0 },
        ],
        slices: Vec::new(),
        arms: PerArm { baseline: vec![matcher("version", MatchOp::Equal, "v1")], canary: vec![matcher("version", MatchOp::Equal, "v2")] },
        history_from: None,
        instance: Some("pod".to_owned()),
        step_ms: STEP,
        max_history_samples: 1_000_000,
    }
}

const RATIO: usize = 0;
const RATE: usize = 1;
const LATENCY: usize = 2;
const CPU: usize = 3;
const OTHER_RATIO: usize = 4;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

fn counter(arm: Arm, pairs: &[(&str, &str)], points: &[(i64, f64)]) -> Series {
    Series { arm, labels: labels(pairs), samples: Samples::Counter(points.to_vec()) }
}

fn data(series: Vec<Series>) -> StreamData {
    StreamData { series, ..StreamData::default() }
}

fn aligned(streams: Vec<(usize, Vec<Series>)>) -> Aligner {
    let mut aligner = Aligner::new(&plan(), GRID).expect("a sound plan");
    for (stream, series) in streams {
        aligner.feed(stream, &data(series));
    }
    aligner
}

fn baseline(aligner: &Aligner, metric: usize, end_ms: i64) -> Reading {
    aligner.window(end_ms).metrics[metric].baseline.merged()
}

#[test]
fn the_first_error_of_a_service_is_counted_exactly() {
    let aligner = aligned(vec![(
        0,
        vec![
            counter(Arm::Baseline, &[("pod", "a"), ("code", "200")], &[(5, 100.0), (15, 110.0), (25, 120.0), (35, 130.0)]),
            counter(Arm::Baseline, &[("pod", "a"), ("code", "500")], &[(25, 3.0), (35, 3.0)]),
        ],
    )]);
    assert_eq!(baseline(&aligner, RATIO, 10), Reading::Missing, "only a starting point");
    assert_eq!(baseline(&aligner, RATIO, 20), Reading::Counts { events: 0.0, requests: 10.0 });
    assert_eq!(baseline(&aligner, RATIO, 30), Reading::Counts { events: 3.0, requests: 13.0 });
    assert_eq!(baseline(&aligner, RATIO, 40), Reading::Counts { events: 0.0, requests: 10.0 });
    assert_eq!(baseline(&aligner, RATIO, 50), Reading::Missing, "absence is not zero");
}

#[test]
fn no_requests_is_a_gap_for_a_ratio_and_zero_for_throughput() {
    let aligner = aligned(vec![(0, vec![counter(Arm::Baseline, &[("pod", "a"), ("code", "200")], &[(5, 7.0), (15, 7.0)])])]);
    let window = aligner.window(20);
    assert_eq!(window.metrics[RATIO].baseline.merged(), Reading::Missing);
    assert_eq!(window.gaps[RATIO].baseline.no_requests, 1);
    assert_eq!(window.metrics[RATE].baseline.merged(), Reading::Total(0.0));
}

#[test]
fn more_events_than_requests_are_cut_and_counted() {
    let aligner = aligned(vec![
        (0, vec![counter(Arm::Canary, &[("pod", "a"), ("code", "200")], &[(5, 0.0), (15, 4.0)])]),
        (3, vec![counter(Arm::Canary, &[("pod", "a")], &[(5, 0.0), (15, 5.0)])]),
    ]);
    let window = aligner.window(20);
    assert_eq!(window.metrics[OTHER_RATIO].canary.merged(), Reading::Counts { events: 4.0, requests: 4.0 });
    assert_eq!(window.gaps[OTHER_RATIO].canary.clamped, 1);
}

#[test]
fn events_that_fell_silent_are_unknown_and_events_that_never_were_are_none() {
    let requests = counter(Arm::Canary, &[("pod", "a"), ("code", "200")], &[(5, 0.0), (15, 4.0), (25, 8.0)]);
    let never = aligned(vec![(0, vec![requests.clone()])]);
    assert_eq!(never.window(30).metrics[OTHER_RATIO].canary.merged(), Reading::Counts { events: 0.0, requests: 4.0 });
    let silent = aligned(vec![(0, vec![requests]), (3, vec![counter(Arm::Canary, &[("pod", "a")], &[(5, 0.0), (15, 1.0)])])]);
    assert_eq!(silent.window(20).metrics[OTHER_RATIO].canary.merged(), Reading::Counts { events: 1.0, requests: 4.0 });
    assert_eq!(silent.window(30).metrics[OTHER_RATIO].canary.merged(), Reading::Missing, "its requests went on: not zero errors");
}

#[test]
fn a_counter_of_events_that_appears_was_born_at_zero_where_its_process_was_scraped_without_it() {
    let requests = |points: &[(i64, f64)]| counter(Arm::Canary, &[("pod", "a")], points);
    let errors = |points: &[(i64, f64)]| counter(Arm::Canary, &[("pod", "a")], points);
    let shown = |requests: Series, errors: Series, end: i64| {
        let aligner = aligned(vec![(0, vec![requests]), (3, vec![errors])]);
        aligner.window(end).metrics[OTHER_RATIO].canary.merged()
    };
    let steady = [(5, 10.0), (15, 14.0), (25, 20.0)];
    // The first error of all, in the window that ends at 20: its counter's first value is the increment.
    assert_eq!(shown(requests(&steady), errors(&[(15, 2.0), (25, 3.0)]), 20), Reading::Counts { events: 2.0, requests: 4.0 });
    assert_eq!(shown(requests(&steady), errors(&[(15, 2.0), (25, 3.0)]), 30), Reading::Counts { events: 1.0, requests: 6.0 });
    assert_eq!(shown(requests(&steady), errors(&[(15, 2.0), (25, 3.0)]), 10), Reading::Missing, "only starting points");
    // The process restarts in the window, and has its first error after that.
    assert_eq!(
        shown(requests(&[(5, 1000.0), (12, 3.0), (15, 9.0)]), errors(&[(15, 2.0)]), 20),
        Reading::Counts { events: 2.0, requests: 9.0 }
    );
    // Both appear at once: nobody knows what the counter began with.
    assert_eq!(shown(requests(&[(15, 900.0), (18, 904.0)]), errors(&[(15, 80.0)]), 20), Reading::Missing);
    assert_eq!(
        shown(requests(&[(15, 900.0), (18, 904.0)]), errors(&[(15, 80.0), (18, 81.0)]), 20),
        Reading::Counts { events: 1.0, requests: 4.0 }
    );
    // Last scraped too long ago: the events' query may have failed since.
    assert_eq!(shown(requests(&[(9, 1.0), (25, 9.0), (26, 10.0)]), errors(&[(25, 80.0)]), 30), Reading::Missing);
    // Another process, and sums that name none, prove nothing.
    let other = counter(Arm::Canary, &[("pod", "a"), ("container", "sidecar")], &[(15, 80.0)]);
    assert_eq!(shown(requests(&steady), other, 20), Reading::Missing);
    let (sum, of_errors) = (counter(Arm::Canary, &[("job", "shop")], &steady), counter(Arm::Canary, &[("job", "shop")], &[(15, 80.0)]));
    assert_eq!(shown(sum, of_errors, 20), Reading::Missing);
}

#[test]
fn a_restart_counts_what_came_after_it() {
    let aligner = aligned(vec![(
        0,
        vec![
            counter(Arm::Baseline, &[("pod", "a"), ("code", "200")], &[(5, 1000.0), (15, 30.0)]),
            counter(Arm::Baseline, &[("pod", "a"), ("code", "500")], &[(5, 2.0), (15, 1.0)]),
            counter(Arm::Baseline, &[("pod", "b"), ("code", "200")], &[(5, 50.0), (15, 70.0)]),
        ],
    )]);
    let window = aligner.window(20);
    assert_eq!(window.metrics[RATIO].baseline.of("a"), Some(&Reading::Counts { events: 1.0, requests: 31.0 }));
    assert_eq!(window.metrics[RATIO].baseline.merged(), Reading::Counts { events: 1.0, requests: 51.0 });
    assert_eq!(window.gaps[RATIO].baseline.resets, 2);
}

#[test]
fn an_increment_over_a_long_gap_belongs_to_no_window() {
    let points = [(5, 0.0), (15, 10.0), (45, 900.0), (55, 910.0)];
    let aligner = aligned(vec![(0, vec![counter(Arm::Baseline, &[("pod", "a"), ("code", "200")], &points)])]);
    let found: Vec<Reading> = [20, 30, 40, 50, 60].into_iter().map(|end| baseline(&aligner, RATE, end)).collect();
    let gap = Reading::Missing;
    assert_eq!(found, [Reading::Total(10.0), gap.clone(), gap.clone(), gap, Reading::Total(10.0)]);
    assert_eq!(aligner.window(50).gaps[RATE].baseline.long_gaps, 1);
}

#[test]
fn live_instances_are_those_that_sent_something() {
    let aligner = aligned(vec![
        (
            0,
            vec![
                counter(Arm::Baseline, &[("pod", "a"), ("code", "200")], &[(5, 1.0), (15, 2.0)]),
                counter(Arm::Baseline, &[("pod", "b"), ("code", "200")], &[(5, 1.0)]),
                counter(Arm::Canary, &[("pod", "c"), ("code", "200")], &[(15, 1.0)]),
            ],
        ),
        (2, vec![Series { arm: Arm::Canary, labels: labels(&[]), samples: Samples::Value(vec![(10, 1.0), (20, 1.0)]) }]),
    ]);
    assert_eq!(aligner.window(10).instances, PerArm { baseline: 2, canary: 0 });
    assert_eq!(aligner.window(20).instances, PerArm { baseline: 1, canary: 1 });
    assert_eq!(aligner.first_sample(Arm::Baseline, |_| true), Some(5));
    assert_eq!(aligner.first_sample(Arm::Canary, |_| true), Some(10));
}

#[test]
fn values_are_taken_at_the_windows_end_and_nothing_else_is_a_number() {
    let values = |arm, points: &[(i64, f64)]| Series { arm, labels: labels(&[]), samples: Samples::Value(points.to_vec()) };
    let aligner = aligned(vec![(2, vec![values(Arm::Baseline, &[(10, 1.5), (15, 9.0), (20, f64::NAN), (30, f64::INFINITY), (40, -2.0)])])]);
    let found: Vec<Reading> = [10, 20, 30, 40, 50].into_iter().map(|end| baseline(&aligner, CPU, end)).collect();
    assert_eq!(found, [Reading::Value(1.5), Reading::Missing, Reading::Missing, Reading::Value(-2.0), Reading::Missing]);
    assert_eq!(aligner.window(20).gaps[CPU].baseline.not_finite, 1);
}

#[test]
fn two_values_for_one_instance_are_none() {
    let values =
        |handler: &str| Series { arm: Arm::Baseline, labels: labels(&[("handler", handler)]), samples: Samples::Value(vec![(10, 1.0)]) };
    let window = aligned(vec![(2, vec![values("x"), values("y")])]).window(10);
    assert_eq!(window.metrics[CPU].baseline.merged(), Reading::Missing);
    assert_eq!(window.gaps[CPU].baseline.incompatible, 1);
}

#[test]
fn classic_and_native_histograms_of_one_instance_are_added() {
    let bucket = |le: &str, points: &[(i64, f64)]| counter(Arm::Canary, &[("pod", "a"), ("le", le)], points);
    let native = |count: f64| NativeHistogram { count, buckets: vec![(0.1, 0.5, count)] };
    let aligner = aligned(vec![(
        1,
        vec![
            bucket("0.1", &[(5, 0.0), (15, 3.0)]),
            bucket("0.5", &[(5, 0.0), (15, 5.0)]),
            bucket("+Inf", &[(5, 0.0), (15, 6.0)]),
            counter(Arm::Canary, &[("pod", "a")], &[(5, 0.0), (15, 99.0)]),
            Series {
                arm: Arm::Canary,
                labels: labels(&[("pod", "a"), ("handler", "new")]),
                samples: Samples::Native(vec![(5, native(1.0)), (15, native(3.0))]),
            },
        ],
    )]);
    let Reading::Histogram(counts) = aligner.window(20).metrics[LATENCY].canary.merged() else { panic!("no histogram") };
    assert_eq!((&counts.bounds()[..], counts.counts()), (&[0.1, 0.5][..], &[3.0, 4.0, 1.0][..]));
}

#[test]
fn a_plan_that_cannot_be_followed_is_refused() {
    let mut wrong_kind = plan();
    wrong_kind.signals.push(Signal::Rate { stream: 2 });
    assert!(Aligner::new(&wrong_kind, GRID).unwrap_err().contains("stream 2"));
    let mut no_such_stream = plan();
    no_such_stream.signals.push(Signal::Rate { stream: 9 });
    assert!(Aligner::new(&no_such_stream, GRID).unwrap_err().contains("found 9"));
    assert!(Aligner::new(&plan(), Grid { origin_ms: 0, step_ms: 0 }).is_err());
}

#[tokio::test(flavor = "current_thread")]
async fn real_counters_lose_and_invent_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recordings/lab-erroring");
    let recording = Recording::open(&path).unwrap();
    let recorded = &recording.manifest.plan;
    let Some(ratio) = recorded.signals.iter().position(|signal| matches!(signal, Signal::Ratio { .. })) else { panic!("no ratio") };
    let span = Span { start_ms: 0, end_ms: i64::MAX };
    let fetched = recording.fetch(recorded, Part::Run, span).await;
    let mut aligner = Aligner::new(recorded, Grid { origin_ms: 0, step_ms: recorded.step_ms }).unwrap();
    for (stream, answer) in fetched.into_iter().enumerate() {
        aligner.feed(stream, &answer.unwrap());
    }
    let mut events = PerArm { baseline: 0.0, canary: 0.0 };
    let mut requests = PerArm { baseline: 0.0, canary: 0.0 };
    for end in (Grid { origin_ms: 0, step_ms: recorded.step_ms }).ends(1_795_478_385_000, 1_795_478_510_000) {
        for arm in Arm::BOTH {
            if let Reading::Counts { events: bad, requests: all } = aligner.window(end).metrics[ratio].get(arm).merged() {
                *events.get_mut(arm) += bad;
                *requests.get_mut(arm) += all;
            }
        }
    }
    // From the bodies by hand: the baseline's code 200 from 7640 to 39304 and 500 from 7 to 42.
    assert_eq!((events.baseline, requests.baseline), (35.0, 31_699.0));
    let rate = events.canary / requests.canary;
    assert!((0.018..0.022).contains(&rate), "the canary was made to fail 2 % of its requests: {rate}");
}

// ---------------------------------------------------------------- properties

/// A series as one likes it: steps between samples (0 is none), increments (negative: restart).
fn points() -> impl Strategy<Value = Vec<(i64, f64)>> {
    (0_i64..40, prop::collection::vec((1_i64..35, -3_i32..20), 1..25)).prop_map(|(first, steps)| {
        let (mut time, mut value) = (first, 5.0);
        let mut points = vec![(time, value)];
        for (gap, added) in steps {
            time += gap;
            value = if added < 0 { f64::from(-added) } else { value + f64::from(added) };
            points.push((time, value));
        }
        points
    })
}

fn any_arm() -> impl Strategy<Value = Arm> {
    prop_oneof![Just(Arm::Baseline), Just(Arm::Canary)]
}

fn any_series() -> impl Strategy<Value = (usize, Series)> {
    let pod = prop::sample::select(vec!["a", "b", "c"]);
    let code = prop::sample::select(vec!["200", "404", "500", "503"]);
    let le = prop::sample::select(vec!["0.1", "0.5", "1", "+Inf"]);
    prop_oneof![
        (any_arm(), pod.clone(), code, points())
            .prop_map(|(arm, pod, code, points)| (0, counter(arm, &[("pod", pod), ("code", code)], &points))),
        (any_arm(), pod.clone(), le, points()).prop_map(|(arm, pod, le, points)| (1, counter(arm, &[("pod", pod), ("le", le)], &points))),
        (any_arm(), pod.clone(), points()).prop_map(|(arm, pod, points)| (3, counter(arm, &[("pod", pod)], &points))),
        (any_arm(), pod.clone(), points()).prop_map(|(arm, pod, points)| {
            let values = points.iter().map(|(time, value)| (time - time % STEP, if *value == 2.0 { f64::NAN } else { *value }));
            let mut values: Vec<(i64, f64)> = values.collect();
            values.dedup_by_key(|(time, _)| *time);
            (2, Series { arm, labels: labels(&[("pod", pod)]), samples: Samples::Value(values) })
        }),
        (any_arm(), pod, points()).prop_map(|(arm, pod, points)| {
            let natives = points.iter().map(|(time, value)| {
                let wide = value % 3.0 == 0.0;
                let buckets = if wide { vec![(0.1, 0.4, *value)] } else { vec![(0.1, 0.2, 1.0), (0.2, 0.4, value - 1.0)] };
                (*time, NativeHistogram { count: *value, buckets })
            });
            (1, Series { arm, labels: labels(&[("pod", pod), ("kind", "native")]), samples: Samples::Native(natives.collect()) })
        }),
    ]
}

/// Series with names of their own: one name twice would be conflicting samples, which only have to be settled alike.
fn any_set() -> impl Strategy<Value = Vec<(usize, Series)>> {
    prop::collection::vec(any_series(), 1..12).prop_map(|mut all| {
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|(stream, series)| seen.insert((*stream, series.arm, series.labels.clone())));
        all
    })
}

/// Keeps some samples of a series.
fn only(series: &Series, mut keep: impl FnMut(i64) -> bool) -> Series {
    fn some<T: Clone>(points: &[(i64, T)], keep: &mut impl FnMut(i64) -> bool) -> Vec<(i64, T)> {
        points.iter().filter(|(time, _)| keep(*time)).cloned().collect()
    }
    let samples = match &series.samples {
        Samples::Counter(points) => Samples::Counter(some(points, &mut keep)),
        Samples::Increase(points) => Samples::Increase(some(points, &mut keep)),
        Samples::Value(points) => Samples::Value(some(points, &mut keep)),
        Samples::Native(points) => Samples::Native(some(points, &mut keep)),
        Samples::NativeIncrease(points) => Samples::NativeIncrease(some(points, &mut keep)),
    };
    Series { samples, ..series.clone() }
}

const LAST_END: i64 = 900;

fn windows(aligner: &Aligner) -> Vec<AlignedWindow> {
    GRID.ends(-STEP, LAST_END).map(|end| aligner.window(end)).collect()
}

fn is_sound(reading: &Reading) -> bool {
    match reading {
        Reading::Missing => true,
        Reading::Value(value) => value.is_finite(),
        Reading::Total(total) => total.is_finite() && *total >= 0.0,
        Reading::Counts { events, requests } => *events >= 0.0 && events <= requests && *requests > 0.0 && requests.is_finite(),
        Reading::Histogram(counts) => counts.total() > 0.0 && counts.total().is_finite() && !counts.bounds().is_empty(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn portions_order_and_repetition_do_not_matter(set in any_set(), order in any::<u64>(), pieces in 1_i64..6) {
        let whole = aligned(set.iter().map(|(stream, series)| (*stream, vec![series.clone()])).collect());
        let mut portions: Vec<(usize, Vec<Series>)> = Vec::new();
        for piece in 0..pieces {
            for (stream, series) in &set {
                portions.push((*stream, vec![only(series, |time| (time / STEP) % pieces == piece)]));
                portions.push((*stream, vec![only(series, |time| (time / 7) % pieces == piece)]));
            }
        }
        // Any order will do; this one is spelled by the number.
        let mut state = order | 1;
        for index in (1..portions.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            portions.swap(index, (state >> 33) as usize % (index + 1));
        }
        let pieced = aligned(portions);
        prop_assert_eq!(windows(&whole), windows(&pieced));
        for arm in Arm::BOTH {
            prop_assert_eq!(whole.first_sample(arm, |_| true), pieced.first_sample(arm, |_| true));
        }
    }

    #[test]
    fn the_future_changes_nothing(set in any_set(), now in 0_i64..600) {
        let until = GRID.window_end(now);
        let known = aligned(set.iter().map(|(stream, series)| (*stream, vec![only(series, |time| time <= until)])).collect());
        let all = aligned(set.iter().map(|(stream, series)| (*stream, vec![series.clone()])).collect());
        for end in GRID.ends(-STEP, until) {
            prop_assert_eq!(known.window(end), all.window(end));
        }
    }

    #[test]
    fn what_is_forgotten_is_not_needed(set in any_set(), now in 0_i64..600, later in 0_i64..100) {
        let horizon = GRID.window_end(now);
        let whole = aligned(set.iter().map(|(stream, series)| (*stream, vec![series.clone()])).collect());
        let mut forgetful = aligned(set.iter().map(|(stream, series)| (*stream, vec![only(series, |time| time <= horizon + later)])).collect());
        forgetful.forget_before(horizon);
        for (stream, series) in &set {
            forgetful.feed(*stream, &data(vec![only(series, |time| time > horizon - later)]));
        }
        for end in GRID.ends(horizon, LAST_END) {
            prop_assert_eq!(forgetful.window(end), whole.window(end));
        }
    }

    #[test]
    fn every_reading_is_sound(set in any_set()) {
        for window in windows(&aligned(set.iter().map(|(stream, series)| (*stream, vec![series.clone()])).collect())) {
            for arms in &window.metrics {
                for arm in Arm::BOTH {
                    let readings = arms.get(arm);
                    prop_assert!(readings.by_instance.is_sorted_by(|left, right| left.0 < right.0));
                    for (_, reading) in &readings.by_instance {
                        prop_assert!(is_sound(reading), "{:?}", reading);
                    }
                    prop_assert!(is_sound(&readings.merged()));
                }
            }
        }
    }

    #[test]
    fn without_gaps_and_restarts_every_increment_is_counted_once(gaps in prop::collection::vec((1_i64..=20, 0_u32..1000), 1..60)) {
        let (mut time, mut value) = (3, 17.0);
        let mut points = vec![(time, value)];
        for (gap, added) in gaps {
            time += gap;
            value += f64::from(added);
            points.push((time, value));
        }
        let aligner = aligned(vec![(0, vec![counter(Arm::Baseline, &[("pod", "a"), ("code", "200")], &points)])]);
        let sum: f64 = GRID.ends(-STEP, time + STEP).map(|end| match baseline(&aligner, RATE, end) {
            Reading::Total(total) => total,
            _ => 0.0,
        }).sum();
        prop_assert_eq!(sum, value - 17.0);
    }
}
