//! Ten thousand random faults, and no promotion: a canary that must not be promoted is not promoted because its source fails,
//! and one that would be promoted is not while a fault lasts.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "faults/service.rs"]
mod service;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use davy_gate::pipeline::{Patience, Run};
use davy_gate::plan::Plan;
use davy_gate::report::report;
use davy_gate::rules::{Options, load_str};
use proptest::prelude::*;
use service::{BEGIN_MS, Canary, Fault, Kind, STEP_MS, Service, WINDOWS};

const RULES: &str = "
schema: davy/v1
name: faults
arms:
  baseline: { version: v1 }
  canary: { version: v2 }
history: { last: 5m, instance: pod }
window: { step: 10s, warmup: 0s, deadline: 400s, min_windows: 10 }
decision: { at_deadline: AT_DEADLINE, on_missing: hold }
metrics:
  - name: latency
    histogram: latency_seconds
    quantile: 0.9
    tolerance: 40%
  - name: errors
    ratio: { events: 'requests_total{code=\"500\"}', total: requests_total }
    tolerance: 200%
    ignore_below: 1%
";

fn plan(at_deadline: &str) -> Plan {
    let rules = load_str("faults", &RULES.replace("AT_DEADLINE", at_deadline), &Options::default()).unwrap();
    Plan::new(rules, STEP_MS, None, BEGIN_MS, Vec::new()).unwrap()
}

/// The double answers at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the double never waits"),
    }
}

/// Gates as a live gate does: asks at the given windows (ascending), waits for what fails, and ends with the deadline.
fn verdict(plan: &Plan, service: &Service, polls: &[usize]) -> String {
    let mut run = Run::new(plan, service).unwrap();
    for window in polls.iter().copied().chain([WINDOWS, WINDOWS, WINDOWS]) {
        let until_ms = BEGIN_MS + window as i64 * STEP_MS;
        service.set_now(until_ms);
        // An outage judges nothing; the next poll asks again.
        let _ = now(run.advance(until_ms, Patience::Live, |_| {}));
    }
    report(&run, true).verdict.to_owned()
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        (0usize..10).prop_map(Kind::Error),
        Just(Kind::Warning),
        Just(Kind::NoBaseline),
        Just(Kind::NoCanary),
        Just(Kind::NoSeries),
        Just(Kind::HalfTheInstances),
        Just(Kind::Stale),
        Just(Kind::Late),
        Just(Kind::Restart),
    ]
}

/// Faults that leave nothing to go by as long as they last.
fn lasting_kind() -> impl Strategy<Value = Kind> {
    any_kind().prop_filter("what does not lack data may be promoted", |kind| !matches!(kind, Kind::Restart | Kind::Late))
}

fn any_fault() -> impl Strategy<Value = Fault> {
    (any_kind(), prop::option::of(0usize..2), 0..WINDOWS, 1..WINDOWS).prop_map(|(kind, stream, first, length)| Fault {
        kind,
        stream,
        windows: first..first + length,
    })
}

fn polls() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..=WINDOWS, 1..20).prop_map(|mut polls| {
        polls.sort_unstable();
        polls
    })
}

fn at_deadline() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("hold"), Just("promote")]
}

#[test]
fn without_a_fault_the_good_are_promoted_and_the_bad_rolled_back() {
    for seed in 0..20 {
        let verdict = |canary| verdict(&plan("hold"), &Service::new(seed, canary, Vec::new()), &[5, 11, 12]);
        assert_eq!(verdict(Canary::Good), "promote", "seed {seed}: else the properties below prove nothing");
        assert_eq!(verdict(Canary::Bad), "rollback", "seed {seed}");
        assert_ne!(verdict(Canary::BadFrom(BEGIN_MS + 5 * STEP_MS)), "promote", "seed {seed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bad_canary_is_never_promoted(
        seed in any::<u64>(), faults in prop::collection::vec(any_fault(), 1..4), polls in polls(), at_deadline in at_deadline(),
    ) {
        let verdict = verdict(&plan(at_deadline), &Service::new(seed, Canary::Bad, faults), &polls);
        prop_assert_ne!(verdict, "promote");
    }

    #[test]
    fn a_good_canary_is_not_promoted_while_a_fault_lasts(
        seed in any::<u64>(), kind in lasting_kind(), stream in prop::option::of(0usize..2), first in 0usize..7,
        others in prop::collection::vec(any_fault(), 0..3), polls in polls(), at_deadline in at_deadline(),
    ) {
        // Half the instances are missing everywhere or nowhere: that is what a store that is down does. And they must have been
        // there and have been seen: nobody misses what never was.
        let (stream, first) = if kind == Kind::HalfTheInstances { (None, first.max(3)) } else { (stream, first) };
        let mut faults = vec![Fault { kind, stream, windows: first..WINDOWS + 1 }];
        if kind != Kind::HalfTheInstances {
            faults.extend(others);
        }
        let verdict = verdict(&plan(at_deadline), &Service::new(seed, Canary::Good, faults), &polls);
        prop_assert_ne!(verdict, "promote");
    }
}
