//! Traffic steps through the whole pipeline: each has its own warm-up and its own `min_windows`, evidence is carried over, and
//! the recording replays to the same bytes.

#[path = "faults/service.rs"]
#[expect(dead_code, reason = "the faults are for another test")]
mod service;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use davy_gate::pipeline::{Patience, Run};
use davy_gate::plan::Plan;
use davy_gate::render::to_json;
use davy_gate::replay::replay;
use davy_gate::report::report;
use davy_gate::rules::{Options, load_str};
use davy_judge::verdict::{Cause, Verdict};
use davy_sources::recording::{Recording, Weight};
use service::{BEGIN_MS, Canary, STEP_MS, Service};

/// Windows of 10 s, warm-up of 3; steps at windows 0, 20 and 40: 17 judged windows in each of the first two.
const RULES: &str = "
schema: davy/v1
name: steps
arms:
  baseline: { version: v1 }
  canary: { version: v2 }
history: { last: 40m, instance: pod }
window: { step: 10s, warmup: 30s, deadline: 900s, min_windows: 18 }
metrics:
  - name: latency
    histogram: latency_seconds
    quantile: 0.9
    tolerance: 40%
";
const STEPS: [i64; 3] = [0, 20, 40];

fn plan() -> Plan {
    let rules = load_str("steps", RULES, &Options::default()).expect("valid rules");
    let weight = |(window, weight): (&i64, f64)| Weight { time_ms: BEGIN_MS + window * STEP_MS, weight };
    Plan::new(rules, STEP_MS, None, BEGIN_MS, STEPS.iter().zip([1.0, 10.0, 50.0]).map(weight).collect()).expect("a plan")
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("neither the double nor a recording ever waits"),
    }
}

#[test]
fn a_good_canary_is_promoted_in_the_step_that_has_windows_enough() {
    let (plan, service) = (plan(), Service::new(3, Canary::Good, Vec::new()));
    let mut run = Run::new(&plan, &service).expect("a run").recorded();
    let mut safe = Vec::new();
    for window in 1..=70 {
        let until_ms = BEGIN_MS + window * STEP_MS;
        service.set_now(until_ms);
        now(run.advance(until_ms, Patience::Live, |_| {})).expect("nothing fails");
        let decision = run.analysis().decision(false);
        let judged_in_step = match window {
            0..=20 => window - 3,
            21..=40 => window - 23,
            _ => window - 43,
        };
        if judged_in_step >= 1 && !decision.is_final {
            assert_eq!(decision.windows_in_step as i64, judged_in_step, "window {window}");
            safe.push((window, decision.findings[0].ln_safe));
        }
        match window {
            // Windows enough for evidence, too few for the step.
            20 | 40 | 60 => {
                assert_eq!(decision.verdict, Verdict::Hold, "window {window}");
                assert_eq!(decision.cause, Cause::TooFewWindows { judged: 17, wanted: 18 }, "window {window}");
            }
            61 => assert_eq!((decision.verdict, decision.steps), (Verdict::Promote, 3)),
            _ => {}
        }
    }
    // Evidence of safety goes on from where the step before ended.
    let at = |wanted: i64| safe.iter().find(|(window, _)| *window == wanted).expect("it was judged").1;
    assert!(at(20) > 3.0 && at(40) > 3.0, "{safe:?}");
    assert!(at(24) > at(20) - 1.0 && at(44) > at(40) - 1.0, "{safe:?}");
    assert!(at(60) > at(20), "{safe:?}");

    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("recording");
    run.recorder().expect("it is recorded").write(&path, &plan.about(), false).expect("written");
    let replayed = now(replay(&Recording::open(&path).expect("a recording"), None, false)).expect("replayed");
    assert_eq!(to_json(&report(&run, false)), to_json(&replayed.report));
}

#[test]
fn a_canary_that_turns_bad_with_more_traffic_is_rolled_back_in_that_step() {
    // Bad from the second step on: as a load that it cannot bear would make it.
    let (plan, service) = (plan(), Service::new(5, Canary::BadFrom(BEGIN_MS + 20 * STEP_MS), Vec::new()));
    let mut run = Run::new(&plan, &service).expect("a run");
    service.set_now(BEGIN_MS + 90 * STEP_MS);
    let mut ended = None;
    now(run.advance(BEGIN_MS + 90 * STEP_MS, Patience::Once, |run| {
        if run.is_over() {
            ended.get_or_insert((run.judged_to_ms() - BEGIN_MS) / STEP_MS);
        }
    }))
    .expect("nothing fails");
    let decision = run.analysis().decision(false);
    assert_eq!((decision.verdict, decision.steps), (Verdict::Rollback, 2));
    // Not in the step's warm-up, and soon after it.
    assert!(ended.is_some_and(|window| (24..34).contains(&window)), "{ended:?}");
}
