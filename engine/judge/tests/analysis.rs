//! Whole analyses: what windows lead to, and what never changes the answer.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod draws;

use std::sync::Arc;

use davy_judge::analysis::Analysis;
use davy_judge::arm::{Arm, PerArm};
use davy_judge::history::MetricHistory;
use davy_judge::reading::{BucketCounts, Reading};
use davy_judge::rule::{AtDeadline, Breaker, Direction, Kind, Method, OnBreach, OnMissing, Policy, Rule, Tolerance};
use davy_judge::verdict::{Cause, Decision, Obstacle, Outcome, Verdict};
use davy_judge::window::{MetricWindow, StepStart, Window};
use draws::Draws;
use proptest::prelude::*;

fn policy(longest: usize) -> Policy {
    Policy {
        false_rollback: 0.01,
        false_promote: 0.05,
        at_deadline: AtDeadline::Hold,
        on_missing: OnMissing::Hold,
        min_windows: 10,
        breaker: Some(Breaker { ratio: 2.0, windows: 3, min_events: 30.0 }),
        expected_split: None,
        longest,
        step_seconds: 60.0,
    }
}

fn rule(name: &str, kind: Kind) -> Rule {
    Rule {
        name: name.to_owned(),
        kind,
        worse: if kind == Kind::Rate { Direction::Lower } else { Direction::Higher },
        tolerance: Some(Tolerance::Relative(if kind == Kind::Ratio { 1.0 } else { 0.1 })),
        ignore_below: None,
        limit: None,
        on_breach: OnBreach::Rollback,
        required: true,
        weight: 1.0,
        method: Method::Auto,
    }
}

const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A lognormal's (median .1 s times `factor`, sigma .6) observations by default buckets.
fn histogram(draws: &mut Draws, requests: f64, factor: f64) -> Reading {
    use statrs::distribution::{ContinuousCDF, Normal};
    let normal = Normal::new(0.0, 1.0).unwrap();
    let below = |bound: f64| normal.cdf((bound / (0.1 * factor)).ln() / 0.6);
    let mut counts = Vec::new();
    let mut last = 0.0;
    for bound in BOUNDS {
        counts.push(draws.poisson(requests * (below(bound) - last)));
        last = below(bound);
    }
    counts.push(draws.poisson(requests * (1.0 - last)));
    Reading::Histogram(BucketCounts::new(Arc::from(BOUNDS), counts).unwrap())
}

fn counts(draws: &mut Draws, requests: f64, rate: f64) -> Reading {
    Reading::Counts { events: draws.poisson(requests * rate), requests }
}

/// Window number `index` of one metric, by kind: `worse` multiplies what is bad about the canary.
fn reading(draws: &mut Draws, kind: Kind, requests: f64, worse: f64) -> Reading {
    match kind {
        Kind::Quantile(_) => histogram(draws, requests, worse),
        Kind::Ratio => counts(draws, requests, 0.01 * worse),
        Kind::Rate => Reading::Total(draws.poisson(requests / worse)),
        Kind::Scalar => Reading::Value(0.2 * worse * (0.05 * draws.normal()).exp()),
    }
}

/// What the same draws would have shown had every request been slower, or every error come `factor` times as often.
fn worse_reading(draws: &mut Draws, kind: Kind, level: f64, factor: f64) -> Reading {
    match kind {
        Kind::Quantile(_) => {
            let mut counts = vec![0.0; BOUNDS.len() + 1];
            for _ in 0..400 {
                let seconds = 0.1 * level * (0.6 * draws.normal()).exp() * factor;
                counts[BOUNDS.partition_point(|bound| *bound < seconds)] += 1.0;
            }
            Reading::Histogram(BucketCounts::new(Arc::from(BOUNDS), counts).unwrap())
        }
        Kind::Ratio => Reading::Counts { events: (draws.poisson(20.0 * level) * factor).ceil(), requests: 2000.0 },
        Kind::Rate => Reading::Total(draws.poisson(2000.0) / factor),
        Kind::Scalar => Reading::Value(0.2 * level * (0.05 * draws.normal()).exp() * factor),
    }
}

fn windows(draws: &mut Draws, kinds: &[Kind], count: usize, worse: impl Fn(usize) -> f64) -> Vec<Window> {
    (0..count)
        .map(|index| Window {
            end_ms: (index as i64 + 1) * 60_000,
            metrics: kinds
                .iter()
                .map(|kind| MetricWindow {
                    arms: PerArm { baseline: reading(draws, *kind, 2000.0, 1.0), canary: reading(draws, *kind, 2000.0, worse(index)) },
                    today: Vec::new(),
                    slices: Vec::new(),
                    instances: Vec::new(),
                })
                .collect(),
            instances: PerArm { baseline: 2, canary: 2 },
        })
        .collect()
}

fn history(draws: &mut Draws, kind: Kind, rows: usize, count: usize) -> MetricHistory {
    MetricHistory {
        rows: (0..rows)
            .map(|_| {
                (0..count)
                    .map(|_| PerArm { baseline: reading(draws, kind, 10_000.0, 1.0), canary: reading(draws, kind, 2000.0, 1.0) })
                    .collect()
            })
            .collect(),
        exposure: vec![PerArm { baseline: 5.0, canary: 1.0 }; rows],
        baseline: (0..count).map(|_| reading(draws, kind, 2000.0, 1.0)).collect(),
        notes: Vec::new(),
    }
}

fn start(histories: Vec<Result<MetricHistory, String>>, first: &Window) -> StepStart {
    StepStart { histories, lead: vec![first.clone()], slices: Vec::new() }
}

fn judge(rules: Vec<Rule>, policy: Policy, histories: Vec<Result<MetricHistory, String>>, windows: &[Window]) -> Analysis {
    let mut analysis = Analysis::new(rules, policy);
    analysis.begin_step(&start(histories, &windows[0]));
    for window in windows {
        analysis.push(window);
    }
    analysis
}

fn without_history(metrics: usize) -> Vec<Result<MetricHistory, String>> {
    vec![Err("no history here".to_owned()); metrics]
}

fn decide(analysis: &Analysis) -> Decision {
    analysis.decision(false)
}

const KINDS: [Kind; 4] = [Kind::Quantile(0.99), Kind::Ratio, Kind::Rate, Kind::Scalar];

#[test]
fn a_good_canary_is_promoted_and_a_bad_one_rolled_back_in_every_kind() {
    for (index, kind) in KINDS.into_iter().enumerate() {
        let mut draws = Draws(40 + index as u64);
        let past = vec![Ok(history(&mut draws, kind, 6, 60))];
        let good = windows(&mut draws, &[kind], 60, |_| 1.0);
        let analysis = judge(vec![rule("metric", kind)], policy(60), past.clone(), &good);
        assert_eq!(decide(&analysis).verdict, Verdict::Promote, "{kind:?}: {:?}", decide(&analysis).findings[0]);
        assert!(analysis.windows() < 60, "{kind:?}: the promotion ends the analysis");

        let bad = windows(&mut draws, &[kind], 60, |_| if kind == Kind::Ratio { 4.0 } else { 1.5 });
        let decision = decide(&judge(vec![rule("metric", kind)], policy(60), past, &bad));
        assert_eq!((decision.verdict, decision.is_final), (Verdict::Rollback, true), "{kind:?}: {:?}", decision.findings[0]);
        assert_eq!(decision.findings[0].outcome, Outcome::Breach);
        assert_eq!(decision.score, 0.0);

        let unknown = decide(&judge(vec![rule("metric", kind)], policy(60), without_history(1), &bad));
        assert_eq!(unknown.verdict, Verdict::Rollback, "{kind:?} without history: {:?}", unknown.findings[0]);
    }
}

#[test]
fn a_regression_that_begins_late_is_found() {
    let mut draws = Draws(7);
    let past = vec![Ok(history(&mut draws, Kind::Quantile(0.99), 6, 60))];
    let mut tight = rule("latency", Kind::Quantile(0.99));
    // A tolerance so tight that the first good windows do not promote.
    tight.tolerance = Some(Tolerance::Relative(0.02));
    let late = windows(&mut draws, &[Kind::Quantile(0.99)], 40, |window| if window < 10 { 1.0 } else { 1.6 });
    let decision = decide(&judge(vec![tight], policy(60), past, &late));
    assert_eq!(decision.verdict, Verdict::Rollback);
    assert!(decision.windows > 10 && decision.windows < 25, "found after {} windows", decision.windows);
}

#[test]
fn the_metric_that_is_worse_is_named() {
    let mut draws = Draws(11);
    let kinds = [Kind::Quantile(0.99), Kind::Ratio];
    let past = kinds.iter().map(|kind| Ok(history(&mut draws, *kind, 6, 60))).collect();
    let mut shown = windows(&mut draws, &kinds, 30, |_| 1.0);
    let worse = windows(&mut draws, &[Kind::Ratio], 30, |_| 5.0);
    for (window, other) in shown.iter_mut().zip(worse) {
        window.metrics[1] = other.metrics[0].clone();
    }
    let decision = decide(&judge(vec![rule("latency", kinds[0]), rule("errors", kinds[1])], policy(60), past, &shown));
    assert_eq!(decision.verdict, Verdict::Rollback);
    assert!(decision.cause == Cause::Harm(vec![1]) || decision.cause == Cause::Breaker(1), "{:?}", decision.cause);
    assert_eq!(decision.findings[1].outcome, Outcome::Breach);
    assert_ne!(decision.findings[0].outcome, Outcome::Breach);
}

#[test]
fn a_service_without_an_error_is_promoted_by_ignore_below_alone() {
    let none = Window {
        end_ms: 0,
        metrics: vec![MetricWindow {
            arms: PerArm::from_fn(|_| Reading::Counts { events: 0.0, requests: 2000.0 }),
            today: Vec::new(),
            slices: Vec::new(),
            instances: Vec::new(),
        }],
        instances: PerArm { baseline: 2, canary: 2 },
    };
    let mut errors = rule("errors", Kind::Ratio);
    errors.ignore_below = Some(0.001);
    let decision = decide(&judge(vec![errors], policy(60), without_history(1), &vec![none.clone(); 40]));
    assert_eq!(decision.verdict, Verdict::Promote);
    let bare = decide(&judge(vec![rule("errors", Kind::Ratio)], policy(60), without_history(1), &vec![none; 60]));
    assert_eq!(bare.verdict, Verdict::Hold, "no events say nothing about a ratio");
}

#[test]
fn a_limit_rolls_back_alone_and_holds_when_the_baseline_is_beyond_it_too() {
    let mut draws = Draws(5);
    let mut limited = rule("errors", Kind::Ratio);
    limited.tolerance = None;
    limited.limit = Some(0.02);
    let worse = windows(&mut draws, &[Kind::Ratio], 40, |_| 5.0);
    let decision = decide(&judge(vec![limited.clone()], policy(60), without_history(1), &worse));
    assert_eq!(decision.verdict, Verdict::Rollback, "5 % against a limit of 2 %");
    let good = windows(&mut draws, &[Kind::Ratio], 40, |_| 1.0);
    let decision = decide(&judge(vec![limited.clone()], policy(60), without_history(1), &good));
    assert_eq!(decision.verdict, Verdict::Promote, "1 % against a limit of 2 %");
    limited.limit = Some(0.002);
    let decision = decide(&judge(vec![limited], policy(60), without_history(1), &good));
    assert_eq!((decision.verdict, decision.cause), (Verdict::Hold, Cause::BaselineBeyondLimit(0)));
}

#[test]
fn a_vanished_canary_is_never_promoted() {
    let mut draws = Draws(3);
    for (on_missing, verdict) in [(OnMissing::Hold, Verdict::Hold), (OnMissing::Rollback, Verdict::Rollback)] {
        let mut shown = windows(&mut draws, &[Kind::Ratio], 30, |_| 1.0);
        for window in shown.iter_mut().skip(8) {
            window.metrics[0].arms.canary = Reading::Missing;
            window.instances.canary = 0;
        }
        let decision = decide(&judge(vec![rule("errors", Kind::Ratio)], Policy { on_missing, ..policy(60) }, without_history(1), &shown));
        assert_eq!((decision.verdict, decision.cause), (verdict, Cause::Vanished));
    }
}

#[test]
fn an_incident_in_both_arms_holds() {
    let mut draws = Draws(9);
    let kind = Kind::Quantile(0.99);
    let past = vec![Ok(history(&mut draws, kind, 6, 60))];
    let mut shown = windows(&mut draws, &[kind], 30, |_| 2.0);
    for window in &mut shown {
        window.metrics[0].arms.baseline = reading(&mut draws, kind, 2000.0, 2.0);
    }
    let decision = decide(&judge(vec![rule("latency", kind)], policy(60), past, &shown));
    assert_eq!((decision.verdict, decision.cause), (Verdict::Hold, Cause::CommonIncident(0)));
}

#[test]
fn a_wrong_split_holds() {
    let mut draws = Draws(13);
    let mut split = policy(60);
    split.expected_split = Some(PerArm { baseline: 3.0, canary: 1.0 });
    let shown = windows(&mut draws, &[Kind::Ratio], 30, |_| 1.0);
    let mut errors = rule("errors", Kind::Ratio);
    errors.tolerance = Some(Tolerance::Relative(2.0));
    let decision = decide(&judge(vec![errors], split, without_history(1), &shown));
    assert_eq!(decision.verdict, Verdict::Hold);
    assert!(matches!(decision.cause, Cause::SampleRatioMismatch { expected, .. } if expected == 0.25), "{:?}", decision.cause);
}

#[test]
fn hold_and_warn_metrics_are_tested_alone_and_never_roll_back() {
    let mut draws = Draws(17);
    for (on_breach, verdict) in [(OnBreach::Hold, Verdict::Hold), (OnBreach::Warn, Verdict::Promote)] {
        let kinds = [Kind::Ratio, Kind::Scalar];
        let mut shown = windows(&mut draws, &kinds, 60, |_| 1.0);
        for window in &mut shown {
            window.metrics[1].arms.canary = reading(&mut draws, Kind::Scalar, 0.0, 2.0);
        }
        let side = Rule { on_breach, required: false, ..rule("cpu", Kind::Scalar) };
        let decision = decide(&judge(vec![rule("errors", Kind::Ratio), side], policy(60), without_history(2), &shown));
        assert_eq!(decision.verdict, verdict, "{on_breach:?}: {:?}", decision.cause);
        assert_eq!(decision.findings[1].outcome, Outcome::Breach);
    }
}

#[test]
fn todays_pseudo_canaries_are_compared_by_their_own_shares() {
    let mut draws = Draws(29);
    let past = history(&mut draws, Kind::Rate, 6, 60);
    let mut shown = windows(&mut draws, &[Kind::Rate], 40, |_| 1.0);
    for window in &mut shown {
        window.metrics[0].today = (0..6)
            .map(|_| PerArm {
                baseline: reading(&mut draws, Kind::Rate, 10_000.0, 1.0),
                canary: reading(&mut draws, Kind::Rate, 2000.0, 1.0),
            })
            .collect();
    }
    let decision = decide(&judge(vec![rule("throughput", Kind::Rate)], policy(60), vec![Ok(past)], &shown));
    assert_eq!(decision.verdict, Verdict::Promote, "a fivefold share is no noise: {:?}", decision.findings[0]);
}

#[test]
fn the_deadline_does_what_the_rules_say() {
    let mut draws = Draws(19);
    let few = windows(&mut draws, &[Kind::Ratio], 12, |_| 1.0);
    let tight = Rule { tolerance: Some(Tolerance::Relative(0.01)), ..rule("errors", Kind::Ratio) };
    let at = |at_deadline, windows: &[Window]| {
        judge(vec![tight.clone()], Policy { at_deadline, ..policy(12) }, without_history(1), windows).decision(true).verdict
    };
    assert_eq!(at(AtDeadline::Hold, &few), Verdict::Hold);
    assert_eq!(at(AtDeadline::Rollback, &few), Verdict::Rollback);
    let better = windows(&mut draws, &[Kind::Ratio], 12, |_| 0.9);
    assert_eq!(at(AtDeadline::Promote, &better), Verdict::Promote);
    let worse = windows(&mut draws, &[Kind::Ratio], 12, |_| 1.15);
    assert_eq!(at(AtDeadline::Promote, &worse), Verdict::Hold, "the estimate is beyond the tolerance");
    assert_eq!(at(AtDeadline::Promote, &better[..8]), Verdict::Hold, "too few windows");
    let mut gappy = better.clone();
    for window in gappy.iter_mut().take(4) {
        window.metrics[0].arms.canary = Reading::Missing;
    }
    assert_eq!(at(AtDeadline::Promote, &gappy), Verdict::Hold, "absence is never health");
}

#[test]
fn a_histogram_without_a_bound_near_the_quantile_is_too_coarse() {
    let coarse = |_| Reading::Histogram(BucketCounts::new(Arc::from([0.001, 100.0]), vec![0.0, 2000.0, 0.0]).unwrap());
    let window = Window {
        end_ms: 0,
        metrics: vec![MetricWindow { arms: PerArm::from_fn(coarse), today: Vec::new(), slices: Vec::new(), instances: Vec::new() }],
        instances: PerArm { baseline: 1, canary: 1 },
    };
    let decision = decide(&judge(vec![rule("latency", Kind::Quantile(0.99))], policy(60), without_history(1), &vec![window; 30]));
    assert_eq!(decision.verdict, Verdict::Hold);
    assert_eq!(decision.findings[0].obstacle, Some(Obstacle::TooCoarse));
}

#[test]
fn the_interval_covers_the_truth() {
    let mut draws = Draws(23);
    for (kind, truth) in [(Kind::Quantile(0.99), 1.05), (Kind::Ratio, 1.3), (Kind::Scalar, 1.05)] {
        let past = vec![Ok(history(&mut draws, kind, 6, 60))];
        let shown = windows(&mut draws, &[kind], 30, |_| truth);
        let mut wide = rule("metric", kind);
        wide.tolerance = Some(Tolerance::Relative(truth - 1.0));
        let decision = decide(&judge(vec![wide], policy(60), past, &shown));
        let effect = decision.findings[0].effect.expect("there are data");
        let (lower, estimate, upper) = (effect.lower.unwrap(), effect.estimate.unwrap(), effect.upper.unwrap());
        assert!(lower < truth && truth < upper, "{kind:?}: {lower} {truth} {upper}");
        assert!(lower < estimate && estimate < upper, "{kind:?}: {lower} {estimate} {upper}");
    }
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let nasty = prop_oneof![Just(0.0), Just(1e-9), Just(1.0), Just(1e12), 0.0..1e6f64];
    prop_oneof![
        Just(Reading::Missing),
        prop_oneof![nasty.clone(), Just(-1.0), Just(-1e12)].prop_map(Reading::Value),
        nasty.clone().prop_map(Reading::Total),
        (nasty.clone(), 0.0..=1.0f64).prop_map(|(requests, share)| Reading::Counts { events: requests * share, requests }),
        proptest::collection::vec(nasty, 4)
            .prop_map(|counts| Reading::Histogram(BucketCounts::new(Arc::from([0.1, 0.2, 0.4]), counts).unwrap())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever comes, nothing panics and nothing is NaN; what is constant, tied, zero or missing is never promoted by itself.
    #[test]
    fn the_judge_is_total(
        shown in proptest::collection::vec((any_reading(), any_reading()), 1..40),
        kind in prop_oneof![Just(Kind::Quantile(0.9)), Just(Kind::Ratio), Just(Kind::Rate), Just(Kind::Scalar)],
        worse in prop_oneof![Just(Direction::Higher), Just(Direction::Lower), Just(Direction::Either)],
        absolute in any::<bool>(),
        with_history in any::<bool>(),
    ) {
        let windows: Vec<Window> = shown.iter().enumerate().map(|(index, (baseline, canary))| Window {
            end_ms: index as i64,
            metrics: vec![MetricWindow { arms: PerArm { baseline: baseline.clone(), canary: canary.clone() }, today: Vec::new(), slices: Vec::new(), instances: Vec::new() }],
            instances: PerArm { baseline: 1, canary: 1 },
        }).collect();
        let mut asked = rule("metric", kind);
        asked.worse = worse;
        asked.tolerance = Some(if absolute { Tolerance::Absolute(0.05) } else { Tolerance::Relative(0.1) });
        asked.limit = Some(0.5);
        let rows: Vec<Vec<PerArm<Reading>>> = (0..4).map(|_| shown.iter().cycle().take(60).map(|(left, right)| PerArm { baseline: left.clone(), canary: right.clone() }).collect()).collect();
        let past = MetricHistory { rows, exposure: vec![], baseline: shown.iter().cycle().take(60).map(|(left, _)| left.clone()).collect(), notes: vec![] };
        let histories = vec![if with_history { Ok(past) } else { Err("none".to_owned()) }];
        let decision = judge(vec![asked], policy(60), histories, &windows).decision(true);
        let finding = &decision.findings[0];
        prop_assert!(!finding.ln_harm.is_nan() && !finding.ln_safe.is_nan() && !decision.score.is_nan());
        if let Some(effect) = finding.effect {
            for end in [effect.lower, effect.estimate, effect.upper].into_iter().flatten() {
                prop_assert!(!end.is_nan());
            }
        }
    }

    /// An arm that is missing is never promoted, whatever the other shows.
    #[test]
    fn a_missing_arm_is_never_promoted(
        shown in proptest::collection::vec(any_reading(), 1..40), missing_canary in any::<bool>(),
        kind in prop_oneof![Just(Kind::Quantile(0.9)), Just(Kind::Ratio), Just(Kind::Rate), Just(Kind::Scalar)],
    ) {
        let windows: Vec<Window> = shown.iter().map(|reading| {
            let arms = if missing_canary { PerArm { baseline: reading.clone(), canary: Reading::Missing } } else { PerArm { baseline: Reading::Missing, canary: reading.clone() } };
            Window { end_ms: 0, metrics: vec![MetricWindow { arms, today: Vec::new(), slices: Vec::new(), instances: Vec::new() }], instances: PerArm { baseline: 1, canary: 1 } }
        }).collect();
        let mut asked = rule("metric", kind);
        asked.ignore_below = Some(0.5);
        for at_deadline in [AtDeadline::Hold, AtDeadline::Promote] {
            let decision = judge(vec![asked.clone()], Policy { at_deadline, ..policy(60) }, without_history(1), &windows).decision(true);
            prop_assert_ne!(decision.verdict, Verdict::Promote);
        }
    }

    /// Windows that vanish never turn hold or rollback into promote.
    #[test]
    fn windows_that_vanish_never_promote(seed in 0u64..1000, worse in 1.0..1.4f64, from in 0usize..40, arm_is_canary in any::<bool>()) {
        let mut draws = Draws(seed);
        let kind = Kind::Ratio;
        let shown = windows(&mut draws, &[kind], 40, |_| worse);
        let before = decide(&judge(vec![rule("errors", kind)], policy(60), without_history(1), &shown)).verdict;
        let mut gone = shown.clone();
        for window in gone.iter_mut().skip(from) {
            *window.metrics[0].arms.get_mut(if arm_is_canary { Arm::Canary } else { Arm::Baseline }) = Reading::Missing;
        }
        let after = decide(&judge(vec![rule("errors", kind)], policy(60), without_history(1), &gone)).verdict;
        prop_assert!(after != Verdict::Promote || before == Verdict::Promote, "{:?} became {:?}", before, after);
    }

    /// A canary that is worse by a factor in every window never gets a better verdict: whatever the kind, with and without
    /// history, however wild single windows are.
    #[test]
    fn worse_is_never_better(
        seed in 0u64..1000, level in 0.8..1.5f64, factor in 1.0..2.0f64, with_history in any::<bool>(), wild in any::<bool>(),
        kind in prop_oneof![Just(Kind::Quantile(0.9)), Just(Kind::Ratio), Just(Kind::Scalar)],
    ) {
        let mut draws = Draws(seed);
        let past = vec![if with_history { Ok(history(&mut draws, kind, 6, 40)) } else { Err("none".to_owned()) }];
        let levels: Vec<f64> = (0..30).map(|window| if wild && window % 6 == 5 { level / 8.0 } else { level }).collect();
        let mut slower = draws.0;
        let shown = |draws: &mut Draws, factor: f64| -> Vec<Window> {
            let mut shown = windows(draws, &[kind], 30, |_| 1.0);
            for (window, level) in shown.iter_mut().zip(&levels) {
                window.metrics[0].arms.canary = worse_reading(draws, kind, *level, factor);
            }
            shown
        };
        let before = decide(&judge(vec![rule("metric", kind)], policy(30), past.clone(), &shown(&mut draws, 1.0))).verdict;
        std::mem::swap(&mut draws.0, &mut slower);
        let after = decide(&judge(vec![rule("metric", kind)], policy(30), past, &shown(&mut draws, factor))).verdict;
        prop_assert!(after >= before, "{:?} became {:?}", before, after);
    }

    /// Reading the decision after each window, or once at the end, gives the same; so does taking the windows in portions.
    #[test]
    fn watching_changes_nothing(seed in 0u64..1000, worse in 0.9..1.8f64) {
        let mut draws = Draws(seed);
        let past = vec![Ok(history(&mut draws, Kind::Ratio, 6, 40))];
        let shown = windows(&mut draws, &[Kind::Ratio], 30, |_| worse);
        let once = judge(vec![rule("errors", Kind::Ratio)], policy(30), past.clone(), &shown);
        let mut watched = Analysis::new(vec![rule("errors", Kind::Ratio)], policy(30));
        watched.begin_step(&start(past, &shown[0]));
        for window in &shown {
            watched.push(window);
            let _ = watched.decision(false);
            let _ = watched.clone().decision(true);
        }
        prop_assert_eq!(once.decision(true), watched.decision(true));
    }

    /// The unit of a value and the order of metrics do not matter.
    #[test]
    fn units_and_order_do_not_matter(seed in 0u64..1000, worse in 0.9..1.5f64, power in -9i32..12) {
        let mut draws = Draws(seed);
        let kinds = [Kind::Scalar, Kind::Ratio];
        let shown = windows(&mut draws, &kinds, 20, |_| worse);
        let rules = vec![rule("cpu", Kind::Scalar), rule("errors", Kind::Ratio)];
        let decision = decide(&judge(rules.clone(), policy(20), without_history(2), &shown));
        let mut scaled = shown.clone();
        let scale = 2f64.powi(power);
        for window in &mut scaled {
            for arm in Arm::BOTH {
                if let Reading::Value(value) = window.metrics[0].arms.get_mut(arm) {
                    *value *= scale;
                }
            }
        }
        let other = decide(&judge(rules.clone(), policy(20), without_history(2), &scaled));
        prop_assert_eq!(decision.verdict, other.verdict);
        prop_assert!((decision.findings[0].ln_harm - other.findings[0].ln_harm).abs() < 1e-6);
        let mut swapped = shown;
        for window in &mut swapped {
            window.metrics.reverse();
        }
        let reversed = decide(&judge(rules.into_iter().rev().collect(), policy(20), without_history(2), &swapped));
        prop_assert_eq!(decision.verdict, reversed.verdict);
        prop_assert!((decision.ln_harm - reversed.ln_harm).abs() < 1e-9);
    }
}
