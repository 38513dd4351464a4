//! Analyses that Kayenta decides: when it speaks, and that absence never promotes.

mod draws;

use davy_judge::analysis::Analysis;
use davy_judge::arm::PerArm;
use davy_judge::fixed_horizon::kayenta::{Classification, Grade, NanStrategy, Settings};
use davy_judge::kayenta::{KayentaCause, KayentaMetric, KayentaPolicy};
use davy_judge::reading::Reading;
use davy_judge::rule::{AtDeadline, Breaker, Direction, Kind, Method, OnBreach, OnMissing, Policy, Rule};
use davy_judge::verdict::{Cause, Decision, Outcome, Verdict};
use davy_judge::window::{MetricWindow, StepStart, Window};
use draws::Draws;
use proptest::prelude::*;

const WINDOWS: usize = 40;

fn policy() -> Policy {
    Policy {
        false_rollback: 0.01,
        false_promote: 0.05,
        at_deadline: AtDeadline::Hold,
        on_missing: OnMissing::Hold,
        min_windows: 10,
        breaker: None,
        expected_split: None,
        longest: WINDOWS,
        step_seconds: 60.0,
    }
}

fn rule(name: &str, kind: Kind) -> Rule {
    Rule {
        name: name.to_owned(),
        kind,
        worse: Direction::Higher,
        tolerance: None,
        ignore_below: None,
        limit: None,
        on_breach: OnBreach::Rollback,
        required: true,
        weight: 1.0,
        method: Method::Auto,
    }
}

fn metric() -> KayentaMetric {
    KayentaMetric {
        settings: Settings { direction: Direction::Higher, ..Settings::default() },
        muted: false,
        groups: vec!["metrics".to_owned()],
    }
}

fn kayenta(metrics: Vec<KayentaMetric>, look_every: Option<usize>) -> KayentaPolicy {
    KayentaPolicy { metrics, weights: Vec::new(), pass: 95.0, marginal: 50.0, look_every }
}

/// `count` windows of ready values; `canary` tells what window and metric show, none: nothing.
fn windows(count: usize, metrics: usize, canary: impl Fn(usize, usize) -> Option<f64>) -> Vec<Window> {
    let mut draws = Draws(5);
    (0..count)
        .map(|window| Window {
            end_ms: (window as i64 + 1) * 60_000,
            metrics: (0..metrics)
                .map(|metric| {
                    let (baseline, noise) = (100.0 + 5.0 * draws.normal(), 5.0 * draws.normal());
                    let canary = canary(window, metric).map_or(Reading::Missing, |level| Reading::Value(level + noise));
                    MetricWindow { arms: PerArm { baseline: Reading::Value(baseline), canary }, ..MetricWindow::default() }
                })
                .collect(),
            instances: PerArm { baseline: 2, canary: 2 },
        })
        .collect()
}

fn judge(policy: Policy, kayenta: KayentaPolicy, windows: &[Window]) -> Analysis {
    let rules = (0..kayenta.metrics.len()).map(|index| rule(&format!("m{index}"), Kind::Scalar)).collect();
    let mut analysis = Analysis::new(rules, policy).decided_by_kayenta(kayenta);
    analysis.begin_step(&StepStart::default());
    for window in windows {
        analysis.push(window);
    }
    analysis
}

fn at_deadline(policy: Policy, kayenta: KayentaPolicy, windows: &[Window]) -> Decision {
    judge(policy, kayenta, windows).decision(true)
}

fn said(decision: &Decision) -> (Verdict, Cause) {
    (decision.verdict, decision.cause.clone())
}

#[test]
fn it_promotes_at_the_deadline_alone() {
    let same = windows(WINDOWS, 2, |_, _| Some(100.0));
    let analysis = judge(policy(), kayenta(vec![metric(), metric()], Some(10)), &same);
    let before = analysis.decision(false);
    assert_eq!((before.verdict, before.is_final), (Verdict::Hold, false));
    assert_eq!(before.cause, Cause::Kayenta(KayentaCause::NotYet));
    let last = analysis.decision(true);
    assert_eq!(said(&last), (Verdict::Promote, Cause::Kayenta(KayentaCause::Pass)));
    let look = last.kayenta.expect("it decided");
    assert_eq!((look.scored.score, look.grade, look.windows), (100.0, Grade::Pass, WINDOWS));
    assert!(last.findings.iter().all(|finding| finding.outcome == Outcome::Pass && finding.required && finding.method == "kayenta"));
}

#[test]
fn looks_before_the_deadline_roll_back_and_are_counted_in_windows() {
    let slower = windows(WINDOWS, 1, |_, _| Some(130.0));
    for (every, ends_after) in [(None, None), (Some(4), Some(12)), (Some(10), Some(10)), (Some(15), Some(15)), (Some(41), None)] {
        let analysis = judge(policy(), kayenta(vec![metric()], every), &slower);
        assert_eq!(analysis.ended().map(|_| analysis.windows()), ends_after, "every {every:?}, not before min_windows");
        let last = analysis.decision(true);
        assert_eq!(said(&last), (Verdict::Rollback, Cause::Kayenta(KayentaCause::Fail)), "every {every:?}");
        assert_eq!(last.kayenta.expect("it decided").failed, [0]);
        assert_eq!(last.findings[0].outcome, Outcome::Breach);
    }
}

#[test]
fn a_marginal_score_holds_and_the_rules_say_what_becomes_of_it() {
    let one_slower = windows(WINDOWS, 2, |_, metric| Some(if metric == 0 { 130.0 } else { 100.0 }));
    let metrics = || kayenta(vec![metric(), metric()], Some(10));
    let held = at_deadline(policy(), metrics(), &one_slower);
    assert_eq!(said(&held), (Verdict::Hold, Cause::Kayenta(KayentaCause::Marginal)));
    assert_eq!(held.kayenta.expect("it decided").scored.score, 50.0, "exactly marginal is not below");
    let strict = at_deadline(Policy { at_deadline: AtDeadline::Rollback, ..policy() }, metrics(), &one_slower);
    assert_eq!(said(&strict), (Verdict::Rollback, Cause::AtDeadline));
    let critical = KayentaMetric { settings: Settings { critical: true, ..metric().settings }, ..metric() };
    let failed = at_deadline(policy(), kayenta(vec![critical, metric()], None), &one_slower);
    assert_eq!(said(&failed), (Verdict::Rollback, Cause::Kayenta(KayentaCause::Fail)));
    let muted = KayentaMetric { muted: true, ..metric() };
    let passed = at_deadline(policy(), kayenta(vec![muted, metric()], None), &one_slower);
    assert_eq!(passed.verdict, Verdict::Promote);
    assert_eq!(passed.findings[0].outcome, Outcome::Breach, "a muted failure is shown");
    assert!(!passed.findings[0].required);
}

/// Each is promoted by Kayenta's own rules: left out of the score, or zeros that are the same.
#[test]
fn what_kayenta_lets_through_for_want_of_data_holds() {
    let never = windows(WINDOWS, 3, |_, metric| (metric > 0).then_some(100.0));
    let half_gone = windows(WINDOWS, 3, |window, metric| (metric > 0 || window % 2 == 0).then_some(100.0));
    let replaced = KayentaMetric { settings: Settings { nan: NanStrategy::Replace, ..metric().settings }, ..metric() };
    for (what, windows) in [("no data", &never), ("half missing", &half_gone)] {
        let decision = at_deadline(policy(), kayenta(vec![metric(), metric(), metric()], Some(10)), windows);
        let look = decision.kayenta.clone().expect("it decided");
        assert_eq!((look.grade, look.unjudged), (Grade::Pass, vec![0]), "{what}: Kayenta itself would pass");
        assert_eq!(said(&decision), (Verdict::Hold, Cause::Kayenta(KayentaCause::Unjudged)), "{what}");
        assert_eq!(decision.findings[0].outcome, Outcome::Inconclusive, "{what}");
    }
    let zeros = windows(WINDOWS, 3, |_, metric| (metric > 0).then_some(100.0));
    let decision = at_deadline(policy(), kayenta(vec![replaced.clone(), metric(), metric()], None), &zeros);
    assert_eq!(said(&decision), (Verdict::Hold, Cause::Kayenta(KayentaCause::Unjudged)), "an empty canary made of zeros");
    // One window: Kayenta's test has no answer, which makes its score 100.
    let one = windows(1, 1, |_, _| Some(100.0));
    let decision = at_deadline(Policy { min_windows: 1, ..policy() }, kayenta(vec![metric()], None), &one);
    let look = decision.kayenta.clone().expect("it decided");
    assert_eq!((look.metrics[0].classification, look.scored.score), (Classification::Error, 100.0));
    assert_eq!(said(&decision), (Verdict::Hold, Cause::Kayenta(KayentaCause::Unjudged)));
    // Nothing is counted: Kayenta's score is 0, and nothing is known.
    let muted = KayentaMetric { muted: true, ..metric() };
    let decision = at_deadline(policy(), kayenta(vec![muted], Some(10)), &windows(WINDOWS, 1, |_, _| Some(100.0)));
    assert_eq!(said(&decision), (Verdict::Hold, Cause::Kayenta(KayentaCause::Unjudged)));
}

#[test]
fn missing_data_alone_rolls_back_only_where_the_rules_say_so() {
    let must = KayentaMetric { settings: Settings { must_have_data: true, ..metric().settings }, ..metric() };
    let gone = windows(WINDOWS, 2, |_, metric| (metric > 0).then_some(100.0));
    let strict = || KayentaPolicy { marginal: 75.0, ..kayenta(vec![must.clone(), metric()], Some(10)) };
    let held = at_deadline(policy(), strict(), &gone);
    assert_eq!(held.kayenta.as_ref().map(|look| look.grade), Some(Grade::Fail));
    assert_eq!(said(&held), (Verdict::Hold, Cause::Kayenta(KayentaCause::Unjudged)));
    let rolled = at_deadline(Policy { on_missing: OnMissing::Rollback, ..policy() }, strict(), &gone);
    assert_eq!(said(&rolled), (Verdict::Rollback, Cause::Kayenta(KayentaCause::Fail)));
    // A metric that is shown to be worse fails whatever else is missing.
    let worse = windows(WINDOWS, 2, |_, metric| (metric > 0).then_some(130.0));
    let critical = KayentaMetric { settings: Settings { critical: true, ..metric().settings }, ..metric() };
    let failed = at_deadline(policy(), kayenta(vec![metric(), critical], None), &worse);
    assert_eq!(said(&failed), (Verdict::Rollback, Cause::Kayenta(KayentaCause::Fail)));
}

#[test]
fn too_few_windows_and_a_canary_that_vanished_hold() {
    let short = at_deadline(policy(), kayenta(vec![metric()], None), &windows(9, 1, |_, _| Some(100.0)));
    assert_eq!(said(&short), (Verdict::Hold, Cause::TooFewWindows { judged: 9, wanted: 10 }));
    let mut vanishing = windows(WINDOWS, 1, |window, _| (window < WINDOWS - 5).then_some(100.0));
    for window in &mut vanishing[WINDOWS - 5..] {
        window.instances.canary = 0;
    }
    let held = at_deadline(policy(), kayenta(vec![metric()], Some(10)), &vanishing);
    assert_eq!(said(&held), (Verdict::Hold, Cause::Vanished));
    let rolled = at_deadline(Policy { on_missing: OnMissing::Rollback, ..policy() }, kayenta(vec![metric()], Some(10)), &vanishing);
    assert_eq!(said(&rolled), (Verdict::Rollback, Cause::Vanished));
}

#[test]
fn the_breaker_does_not_wait_for_a_look() {
    let counts = |events: f64| Reading::Counts { events, requests: 2000.0 };
    let failing: Vec<Window> = (0..5_i64)
        .map(|window| Window {
            end_ms: window * 60_000,
            metrics: vec![MetricWindow { arms: PerArm { baseline: counts(30.0), canary: counts(300.0) }, ..MetricWindow::default() }],
            instances: PerArm { baseline: 1, canary: 1 },
        })
        .collect();
    let with_breaker = Policy { breaker: Some(Breaker { ratio: 2.0, windows: 3, min_events: 30.0 }), ..policy() };
    let mut analysis = Analysis::new(vec![rule("errors", Kind::Ratio)], with_breaker).decided_by_kayenta(kayenta(vec![metric()], None));
    analysis.begin_step(&StepStart::default());
    for window in &failing {
        analysis.push(window);
    }
    assert_eq!(said(&analysis.decision(false)), (Verdict::Rollback, Cause::Breaker(0)));
}

/// A rate is compared per live instance, else a canary of one instance among many would always be Low.
#[test]
fn a_rate_is_per_instance() {
    let mut draws = Draws(9);
    let mut window = |share: f64| Window {
        end_ms: 0,
        metrics: vec![MetricWindow {
            arms: PerArm { baseline: Reading::Total(draws.poisson(9000.0)), canary: Reading::Total(draws.poisson(1000.0 * share)) },
            ..MetricWindow::default()
        }],
        instances: PerArm { baseline: 9, canary: 1 },
    };
    let lower = KayentaMetric { settings: Settings { direction: Direction::Lower, ..Settings::default() }, ..metric() };
    for (share, verdict) in [(1.0, Verdict::Promote), (0.7, Verdict::Rollback)] {
        let windows: Vec<Window> = (0..WINDOWS).map(|_| window(share)).collect();
        let asked = Rule { worse: Direction::Lower, ..rule("throughput", Kind::Rate) };
        let mut analysis = Analysis::new(vec![asked], policy()).decided_by_kayenta(kayenta(vec![lower.clone()], None));
        analysis.begin_step(&StepStart::default());
        for window in &windows {
            analysis.push(window);
        }
        assert_eq!(analysis.decision(true).verdict, verdict, "{share}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever is asked and whatever is missing: nothing promotes while a counted metric misses more than a fifth of its windows.
    #[test]
    fn absence_never_promotes(
        present in proptest::collection::vec(proptest::bool::weighted(0.7), WINDOWS),
        replace in any::<bool>(),
        must in any::<bool>(),
        critical in any::<bool>(),
        empty in any::<bool>(),
        every in proptest::option::of(1_usize..50),
        level in 80.0..120.0_f64,
    ) {
        let present: Vec<bool> = present.iter().map(|there| *there && !empty).collect();
        let nan = if replace { NanStrategy::Replace } else { NanStrategy::Remove };
        let settings = Settings { nan, must_have_data: must, critical, ..metric().settings };
        let asked = kayenta(vec![KayentaMetric { settings, ..metric() }, metric(), metric()], every);
        let windows = windows(WINDOWS, 3, |window, metric| (metric > 0 || present[window]).then_some(level));
        let decision = at_deadline(policy(), asked, &windows);
        let missing = present.iter().filter(|there| !**there).count();
        if missing > WINDOWS / 5 {
            prop_assert_ne!(decision.verdict, Verdict::Promote);
        }
        if empty && level < 100.0 {
            prop_assert_eq!(decision.verdict, Verdict::Hold, "{:?}", decision.cause);
        }
    }

    /// How often the decision is read changes nothing, nor does the comparison.
    #[test]
    fn reading_changes_nothing(level in 90.0..140.0_f64, every in proptest::option::of(1_usize..20), read_every in 1_usize..7) {
        let windows = windows(WINDOWS, 2, |_, metric| Some(if metric == 0 { level } else { 100.0 }));
        let asked = kayenta(vec![metric(), metric()], every);
        let plain = at_deadline(policy(), asked.clone(), &windows);
        let rules = (0..2).map(|index| rule(&format!("m{index}"), Kind::Scalar)).collect();
        let mut analysis = Analysis::new(rules, policy()).decided_by_kayenta(asked.clone());
        analysis.begin_step(&StepStart::default());
        for (index, window) in windows.iter().enumerate() {
            analysis.push(window);
            if index % read_every == 0 {
                let _ = (analysis.decision(false), analysis.kayenta_look(&asked));
            }
        }
        prop_assert_eq!(analysis.decision(true), plain);
    }
}
