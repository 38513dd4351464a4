//! Slices: the same counts cut by the values of labels; what cannot be put into a slice is unknown, never zero.

use std::collections::BTreeMap;
use std::sync::Arc;

use davy_judge::arm::{Arm, PerArm};
use davy_judge::reading::{BucketCounts, Reading};
use davy_sources::align::{Aligner, Grid, InstanceReadings, SliceReadings};
use davy_sources::samples::{FetchPlan, MatchOp, Matcher, NativeHistogram, Samples, Selector, Series, Signal, StreamData, StreamSpec};
use proptest::prelude::*;

const STEP: i64 = 10;

fn matcher(label: &str, op: MatchOp, value: &str) -> Matcher {
    Matcher { label: label.to_owned(), op, value: value.to_owned() }
}

/// Stream 0: requests by code and route; 1: a latency histogram; 2: errors as a counter of their own. Metrics: ratio, rate,
/// latency, a ratio of two counters, and the ratio not sliced.
fn plan(by: &[&str]) -> FetchPlan {
    let selector = |name: &str| Selector { name: name.to_owned(), matchers: Vec::new() };
    let by: Vec<String> = by.iter().map(|label| (*label).to_owned()).collect();
    let errors = || vec![matcher("code", MatchOp::Regex, "5..")];
    FetchPlan {
        streams: vec![
            StreamSpec::Counter(selector("requests_total")),
            StreamSpec::Histogram(selector("latency")),
            StreamSpec::Counter(selector("errors_total")),
        ],
        signals: vec![
            Signal::Ratio { events: 0, events_where: errors(), total: 0 },
            Signal::Rate { stream: 0 },
            Signal::Histogram { stream: 1 },
            Signal::Ratio { events: 2, events_where: Vec::new(), total: 0 },
            Signal::Ratio { events: 0, events_where: errors(), total: 0 },
        ],
        slices: vec![by.clone(), by.clone(), by.clone(), by],
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
const TWO_COUNTERS: usize = 3;
const WHOLE: usize = 4;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

fn counter(pairs: &[(&str, &str)], points: &[(i64, f64)]) -> Series {
    Series { arm: Arm::Baseline, labels: labels(pairs), samples: Samples::Counter(points.to_vec()) }
}

fn aligned(by: &[&str], streams: Vec<(usize, Vec<Series>)>) -> Aligner {
    let mut aligner = Aligner::new(&plan(by), Grid { origin_ms: 0, step_ms: STEP }).expect("a sound plan");
    for (stream, series) in streams {
        aligner.feed(stream, &StreamData { series, ..StreamData::default() });
    }
    aligner
}

/// Each slice's merged reading in the baseline.
fn slices(aligner: &Aligner, metric: usize, end_ms: i64) -> Vec<(String, Reading)> {
    let window = aligner.window(end_ms);
    let of = |(key, readings): (&Vec<String>, &InstanceReadings)| (key.join("|"), readings.merged());
    window.slices[metric].baseline.iter().map(of).collect()
}

fn counts(events: f64, requests: f64) -> Reading {
    Reading::Counts { events, requests }
}

#[test]
fn counters_are_cut_by_route_and_a_metric_without_by_is_not() {
    let aligner = aligned(
        &["route"],
        vec![(
            0,
            vec![
                counter(&[("pod", "a"), ("route", "/pay"), ("code", "200")], &[(5, 0.0), (15, 10.0)]),
                counter(&[("pod", "a"), ("route", "/pay"), ("code", "500")], &[(5, 0.0), (15, 2.0)]),
                counter(&[("pod", "b"), ("route", "/pay"), ("code", "200")], &[(5, 0.0), (15, 4.0)]),
                counter(&[("pod", "a"), ("route", "/"), ("code", "200")], &[(5, 0.0), (15, 100.0)]),
                // A route that is called for the first time was born at zero: its process was there before.
                counter(&[("pod", "a"), ("route", "/new"), ("code", "200")], &[(15, 3.0)]),
                counter(&[("pod", "a"), ("code", "200")], &[(5, 0.0), (15, 1.0)]),
            ],
        )],
    );
    let named = |wanted: [(&str, Reading); 4]| wanted.map(|(name, reading)| (name.to_owned(), reading)).to_vec();
    let ratios = named([("", counts(0.0, 1.0)), ("/", counts(0.0, 100.0)), ("/new", counts(0.0, 3.0)), ("/pay", counts(2.0, 16.0))]);
    assert_eq!(slices(&aligner, RATIO, 20), ratios);
    let totals =
        named([("", Reading::Total(1.0)), ("/", Reading::Total(100.0)), ("/new", Reading::Total(3.0)), ("/pay", Reading::Total(16.0))]);
    assert_eq!(slices(&aligner, RATE, 20), totals);
    assert_eq!(slices(&aligner, WHOLE, 20), []);
    assert_eq!(aligner.window(20).metrics[WHOLE].baseline.merged(), counts(2.0, 120.0));
    assert_eq!(aligner.window(20).slices[RATIO].canary, SliceReadings::new());
}

#[test]
fn several_labels_make_one_key_in_the_rules_order() {
    let aligner =
        aligned(&["zone", "route"], vec![(0, vec![counter(&[("pod", "a"), ("route", "/pay"), ("zone", "z1")], &[(5, 0.0), (15, 10.0)])])]);
    assert_eq!(slices(&aligner, RATE, 20), [("z1|/pay".to_owned(), Reading::Total(10.0))]);
}

#[test]
fn histograms_are_cut_classic_and_native() {
    let classic = |route: &str, le: &str, count: f64| {
        counter(&[("__name__", "latency_bucket"), ("pod", "a"), ("route", route), ("le", le)], &[(5, 0.0), (15, count)])
    };
    let native = |route: &str, count: f64| Series {
        arm: Arm::Baseline,
        labels: labels(&[("pod", "a"), ("route", route)]),
        samples: Samples::Native(vec![(5, NativeHistogram::default()), (15, NativeHistogram { count, buckets: vec![(1.0, 2.0, count)] })]),
    };
    let aligner = aligned(
        &["route"],
        vec![(1, vec![classic("/pay", "1", 4.0), classic("/pay", "+Inf", 6.0), classic("/", "1", 9.0), classic("/", "+Inf", 9.0)])],
    );
    let found = slices(&aligner, LATENCY, 20);
    let buckets = |counts: Vec<f64>| Reading::Histogram(BucketCounts::new(Arc::from([1.0]), counts).expect("sound"));
    assert_eq!(found, [("/".to_owned(), buckets(vec![9.0, 0.0])), ("/pay".to_owned(), buckets(vec![4.0, 2.0]))]);
    let aligner = aligned(&["route"], vec![(1, vec![native("/pay", 5.0), native("/", 2.0)])]);
    let totals: Vec<f64> = slices(&aligner, LATENCY, 20)
        .iter()
        .map(|(_, reading)| match reading {
            Reading::Histogram(counts) => counts.total(),
            Reading::Missing | Reading::Value(_) | Reading::Total(_) | Reading::Counts { .. } => f64::NAN,
        })
        .collect();
    assert_eq!(totals, [2.0, 5.0]);
}

#[test]
fn events_that_belong_to_no_slice_make_all_of_them_unknown() {
    let requests = || counter(&[("pod", "a"), ("route", "/pay")], &[(5, 0.0), (15, 10.0), (25, 20.0), (35, 30.0)]);
    // Errors are counted without a route: they appear in the second window, and stand still in the third.
    let errors = counter(&[("pod", "a")], &[(5, 0.0), (15, 0.0), (25, 4.0), (35, 4.0)]);
    let aligner = aligned(&["route"], vec![(0, vec![requests()]), (2, vec![errors])]);
    assert_eq!(slices(&aligner, TWO_COUNTERS, 20), [("/pay".to_owned(), counts(0.0, 10.0))]);
    assert_eq!(slices(&aligner, TWO_COUNTERS, 30), [("/pay".to_owned(), Reading::Missing)]);
    assert_eq!(slices(&aligner, TWO_COUNTERS, 40), [("/pay".to_owned(), Reading::Missing)], "a quiet window is no health either");
    let whole = aligner.window(30).metrics[TWO_COUNTERS].baseline.merged();
    assert_eq!(whole, counts(4.0, 10.0), "the whole is known");
    let named = counter(&[("pod", "a"), ("route", "/pay")], &[(5, 0.0), (15, 0.0), (25, 4.0)]);
    let aligner = aligned_with(requests(), named);
    assert_eq!(slices(&aligner, TWO_COUNTERS, 30), [("/pay".to_owned(), counts(4.0, 10.0))]);
}

/// A live run forgets what it has judged, a replay has all samples at once: both must say the same.
#[test]
fn events_of_no_slice_are_remembered_after_they_are_forgotten() {
    // Counted without a route, then restarted to exactly zero.
    let requests = [(5, 0.0), (15, 10.0), (25, 20.0), (35, 30.0), (45, 40.0), (55, 50.0)];
    let errors = [(5, 0.0), (15, 4.0), (25, 0.0), (35, 0.0), (45, 0.0), (55, 0.0)];
    let part = |points: &[(i64, f64)], from: i64, to: i64| -> Vec<(i64, f64)> {
        points.iter().copied().filter(|(time, _)| from < *time && *time <= to).collect()
    };
    let take = |aligner: &mut Aligner, from: i64, to: i64| {
        for (stream, series) in [
            (0, counter(&[("pod", "a"), ("route", "/pay")], &part(&requests, from, to))),
            (2, counter(&[("pod", "a")], &part(&errors, from, to))),
        ] {
            aligner.feed(stream, &StreamData { series: vec![series], ..StreamData::default() });
        }
    };
    let mut at_once = aligned(&["route"], Vec::new());
    take(&mut at_once, 0, 60);
    let mut live = aligned(&["route"], Vec::new());
    for end_ms in [20, 30, 40, 50, 60] {
        take(&mut live, end_ms - if end_ms == 20 { 20 } else { STEP }, end_ms);
        assert_eq!(slices(&live, TWO_COUNTERS, end_ms), slices(&at_once, TWO_COUNTERS, end_ms), "window {end_ms}");
        live.forget_before(end_ms - STEP);
    }
    assert_eq!(slices(&live, TWO_COUNTERS, 60), [("/pay".to_owned(), Reading::Missing)]);
}

fn aligned_with(requests: Series, errors: Series) -> Aligner {
    aligned(&["route"], vec![(0, vec![requests]), (2, vec![errors])])
}

#[test]
fn an_instance_that_is_silent_is_missing_in_its_slices() {
    let aligner = aligned(&["route"], vec![(0, vec![counter(&[("pod", "a"), ("route", "/pay")], &[(5, 0.0), (15, 10.0)])])]);
    assert_eq!(slices(&aligner, RATE, 30), [("/pay".to_owned(), Reading::Missing)]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the routes, their counts add up to the whole's, and their names and order change no count.
    #[test]
    fn slices_add_up_to_the_whole(adds in proptest::collection::vec((0..3_usize, 0..4_usize, any::<bool>(), 0..1000_u32), 1..30)) {
        let names = ["", "/", "/pay", "{evil=\"\n"];
        let mut series: BTreeMap<(usize, usize, bool), f64> = BTreeMap::new();
        for (pod, route, is_error, count) in adds {
            *series.entry((pod, route, is_error)).or_default() += f64::from(count);
        }
        let all: Vec<Series> = series
            .iter()
            .map(|((pod, route, is_error), count)| {
                let pod = format!("pod-{pod}");
                let code = if *is_error { "500" } else { "200" };
                counter(&[("pod", &pod), ("route", names[*route]), ("code", code)], &[(5, 0.0), (15, *count)])
            })
            .collect();
        let aligner = aligned(&["route"], vec![(0, all)]);
        let total = |reading: &Reading| match reading {
            Reading::Total(total) => *total,
            Reading::Missing | Reading::Value(_) | Reading::Counts { .. } | Reading::Histogram(_) => 0.0,
        };
        let window = aligner.window(20);
        let sum: f64 = window.slices[RATE].baseline.values().map(|slice| total(&slice.merged())).sum();
        prop_assert_eq!(sum, total(&window.metrics[RATE].baseline.merged()));
        for readings in window.slices[RATE].baseline.values() {
            prop_assert!(readings.by_instance.windows(2).all(|pair| pair[0].0 < pair[1].0), "instances are sorted");
        }
        let (mut events, mut requests) = (0.0, 0.0);
        for slice in window.slices[RATIO].baseline.values() {
            if let Reading::Counts { events: bad, requests: all } = slice.merged() {
                events += bad;
                requests += all;
            }
        }
        let whole = window.metrics[RATIO].baseline.merged();
        prop_assert_eq!(if requests > 0.0 { counts(events, requests) } else { Reading::Missing }, whole);
    }
}
