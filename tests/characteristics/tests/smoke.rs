//! A part of the operating characteristics in every test run. A bound is broken only where so many wrong answers would be seen
//! with a probability below 1e-6 if the bound held: chance fails this file about once in a hundred thousand runs.

use std::path::Path;

use davy_characteristics::cell::Cell;
use davy_characteristics::random::{Draws, EXPERIMENTS as SEED};
use davy_characteristics::replicate::{DAVY, Ending, Prepared, now};
use davy_characteristics::rules::{STEP_MS, plan};
use davy_characteristics::runner::{self, Job};
use davy_characteristics::service::simulate;
use davy_characteristics::statistics::at_least;
use davy_characteristics::tally::{Measured, Tally};
use davy_gate::pipeline::{Patience, Run};
use davy_judge::verdict::Verdict;

/// A bound that holds is broken by chance with at most this probability.
const CHANCE: f64 = 1e-6;

fn measured(cell: &str, replicates: u64) -> Measured {
    let state = tempfile::tempdir().expect("a directory");
    run_in(state.path(), &[cell], replicates).remove(0)
}

fn run_in(directory: &Path, cells: &[&str], replicates: u64) -> Vec<Measured> {
    let cells: Vec<Cell> = cells.iter().map(|cell| Cell::parse(cell).expect("a cell")).collect();
    let job = Job { cells: &cells, replicates, seed: SEED, directory, program: b"this test", progress: false };
    runner::run(&job).expect("it runs").measured
}

fn davy(measured: &Measured) -> &Tally {
    measured.of(DAVY).expect("Davy judged")
}

#[track_caller]
fn at_most(what: &str, hits: u64, trials: u64, bound: f64) {
    let chance = at_least(hits, trials, bound);
    assert!(chance >= CHANCE, "{what}: {hits} of {trials}, at most {bound} was promised (chance {chance:e})");
}

#[test]
fn a_canary_that_is_the_same_is_not_rolled_back() {
    for (cell, replicates) in [
        ("iid 1:1 p99 aa history", 300),
        ("ar.8 1:1 p99 aa history", 300),
        ("heavy 1:99 p99 aa history", 200),
        ("iid 1:9 native aa history", 60),
        ("iid 1:9 errors aa history", 100),
    ] {
        let measured = measured(cell, replicates);
        let tally = davy(&measured);
        at_most(cell, tally.rolled_back(), tally.replicates, 0.01);
        // It is no use never to answer.
        assert!(tally.promoted() * 5 > tally.replicates, "{cell}: {tally:?}");
    }
}

#[test]
fn a_canary_at_the_tolerance_is_seldom_rolled_back_and_seldom_promoted() {
    for (cell, replicates) in [("iid 1:1 p99 tol history", 300), ("heavy 1:1 p99 tol history", 300), ("iid 1:9 errors tol history", 100)] {
        let measured = measured(cell, replicates);
        let tally = davy(&measured);
        at_most(cell, tally.rolled_back(), tally.replicates, 0.015);
        at_most(cell, tally.promoted(), tally.replicates, 0.05);
    }
}

#[test]
fn half_as_slow_again_is_found_soon_and_not_promoted() {
    for (cell, replicates) in [
        ("iid 1:1 p99 +50% history", 300),
        ("ar.8 1:1 p99 +50% history", 300),
        ("iid 1:9 native +50% history", 60),
        ("iid 1:99 classic +100% history", 60),
    ] {
        let measured = measured(cell, replicates);
        let tally = davy(&measured);
        at_most(cell, tally.replicates - tally.rolled_back(), tally.replicates, 0.02);
        at_most(cell, tally.promoted(), tally.replicates, 0.001);
        let median = tally.windows_to_detect(&measured.cell, 0.5);
        assert!(median.is_some_and(|window| (3..=11).contains(&window)), "{cell}: {median:?}");
    }
}

#[test]
fn kayenta_is_wrong_in_a_third_of_autocorrelated_canaries_that_are_the_same() {
    // Published: 33 % at AR .8 and 1:1 when asked after each minute, 10 % at AR .5, about none where noise is independent.
    for (cell, least, most) in [("ar.8 1:1 p99 aa history", 0.28, 0.43), ("iid 1:1 p99 aa history", 0.0, 0.02)] {
        let measured = measured(cell, 300);
        let kayenta = measured.of("kayenta").expect("Kayenta judged");
        at_most(cell, kayenta.rolled_back(), kayenta.replicates, most);
        at_most(cell, kayenta.replicates - kayenta.rolled_back(), kayenta.replicates, 1.0 - least);
    }
}

#[test]
fn a_canary_that_sends_nothing_or_falls_silent_is_never_promoted() {
    for name in ["iid 1:1 p99 aa history", "iid 1:9 native aa history", "iid 1:1 errors aa none", "iid 1:9 throughput aa history"] {
        let cell = Cell::parse(name).expect("a cell");
        for replicate in 0..5 {
            let plan = plan(&cell, replicate).expect("a plan");
            let simulated = simulate(&cell, &plan, &mut Draws::new(SEED, name, replicate));
            let judged_from_ms = plan.start_ms + 6 * STEP_MS;
            for service in [simulated.service.clone().without_canary(), simulated.service.silent_from(judged_from_ms + 4 * STEP_MS)] {
                let mut run = Run::new(&plan, &service).expect("a run");
                now(run.advance(plan.deadline_ms, Patience::Once, |_| {})).expect("in memory").expect("nothing fails");
                let decision = run.analysis().decision(true);
                assert_ne!(decision.verdict, Verdict::Promote, "{name}, {replicate}: {:?}", decision.cause);
            }
        }
    }
}

#[test]
fn looking_after_every_window_gives_the_same_ending() {
    for name in ["iid 1:1 p99 +25% history", "heavy 1:1 p99 aa none", "iid 1:9 errors ->0.3% history", "iid ramp native +50% history"] {
        let cell = Cell::parse(name).expect("a cell");
        let prepared = Prepared::new(cell.clone());
        for replicate in 0..3 {
            let at_once = prepared.judge(SEED, replicate).expect("judged")[0];
            let plan = plan(&cell, replicate).expect("a plan");
            let service = simulate(&cell, &plan, &mut Draws::new(SEED, name, replicate)).service;
            let mut run = Run::new(&plan, &service).expect("a run");
            let mut until_ms = plan.start_ms;
            while until_ms < plan.deadline_ms && !run.is_over() {
                until_ms += STEP_MS;
                now(run.advance(until_ms, Patience::Live, |_| {})).expect("in memory").expect("nothing fails");
            }
            let decision = run.analysis().decision(run.is_at_deadline());
            let polled = match decision.verdict {
                Verdict::Rollback => Ending::Rollback(decision.windows),
                Verdict::Promote => Ending::Promote(decision.windows),
                Verdict::Hold => {
                    assert_eq!(decision.windows, 60, "{name}: all windows are judged");
                    Ending::Hold
                }
            };
            assert_eq!(at_once, polled, "{name}, {replicate}");
        }
    }
}

#[test]
fn a_run_that_was_ended_goes_on_and_ends_the_same() {
    let cells = ["iid 1:1 p99 +25% history", "heavy 1:99 p99 aa history"];
    let (whole, parts) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let at_once = run_in(whole.path(), &cells, 250);
    assert!(at_once.iter().all(|one| davy(one).replicates == 250));
    // Ended after the first chunks of one cell, in the middle of a line.
    run_in(parts.path(), &cells[..1], 200);
    let file = std::fs::read_dir(parts.path()).expect("a directory").next().expect("a store").expect("readable").path();
    let mut text = std::fs::read_to_string(&file).expect("a store");
    assert_eq!(text.lines().count(), 2);
    text.truncate(text.len() - 40);
    std::fs::write(&file, &text).expect("written");
    let parsed: Vec<Cell> = cells.iter().map(|cell| Cell::parse(cell).expect("a cell")).collect();
    let job = |program| Job { cells: &parsed, replicates: 250, seed: SEED, directory: parts.path(), program, progress: false };
    let resumed = runner::run(&job(b"this test")).expect("it runs");
    assert_eq!((resumed.resumed, &resumed.measured), (1, &at_once));
    let again = runner::run(&job(b"this test")).expect("it runs");
    assert_eq!((again.resumed, &again.measured), (6, &at_once));
    // Another judge does not go on with this one's answers.
    assert_eq!(runner::run(&job(b"another judge")).expect("it runs").resumed, 0);
}
