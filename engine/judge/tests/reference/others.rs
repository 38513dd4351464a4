//! Uncalibrated evidence, counts, and one arm against a limit.

use davy_judge::evidence::Side;
use davy_judge::evidence::against_limit::AgainstLimit;
use davy_judge::evidence::counts::{Counts, PairedCounts, dispersion, paired_log_ratio};
use davy_judge::evidence::uncalibrated::Uncalibrated;
use serde_json::Value;

use crate::table::{assert_all_close, assert_close, load, number, numbers, rows};

pub fn uncalibrated(side: Side, d: &[f64], bound: &[f64], longest: usize) -> Vec<f64> {
    let mut engine = Uncalibrated::new(side, longest);
    let mut trail = Vec::new();
    for (value, limit) in d.iter().zip(bound) {
        engine.push(*value, *limit);
        assert_close("at the same bound", engine.ln_e_at(|index| bound[index]), engine.ln_e());
        trail.push(engine.ln_e());
    }
    trail
}

pub fn counts(side: Side, windows: &[PairedCounts], ratio: &[f64], history: Option<f64>, longest: usize) -> Vec<f64> {
    let mut engine = Counts::new(side, longest);
    engine.set_dispersion(history);
    let mut trail = Vec::new();
    for (window, tolerated) in windows.iter().zip(ratio) {
        engine.push(window.canary_events, window.baseline_events, window.canary_requests, window.baseline_requests, *tolerated);
        assert_close("at the same ratio", engine.ln_e_at(|index| ratio[index]), engine.ln_e());
        trail.push(engine.ln_e());
    }
    trail
}

pub fn against_limit(side: Side, events: &[f64], requests: &[f64], limit: f64) -> Vec<f64> {
    let mut engine = AgainstLimit::new(side, limit);
    let mut trail = Vec::new();
    for (count, all) in events.iter().zip(requests) {
        engine.push(*count, *all);
        trail.push(engine.ln_e());
    }
    trail
}

pub fn paired(canary_events: &[f64], baseline_events: &[f64], canary_requests: &[f64], baseline_requests: &[f64]) -> Vec<PairedCounts> {
    (0..canary_events.len())
        .map(|window| PairedCounts {
            canary_events: canary_events[window],
            baseline_events: baseline_events[window],
            canary_requests: canary_requests[window],
            baseline_requests: baseline_requests[window],
        })
        .collect()
}

pub fn paired_series(case: &Value) -> Vec<PairedCounts> {
    let of = |key: &str| numbers(&case[key]);
    paired(&of("canary_events"), &of("baseline_events"), &of("canary_requests"), &of("baseline_requests"))
}

pub fn paired_rows(case: &Value) -> Vec<Vec<PairedCounts>> {
    let of = |key: &str| rows(&case[key]);
    let (canary, baseline) = (of("canary_events"), of("baseline_events"));
    let (canary_requests, baseline_requests) = (of("canary_requests"), of("baseline_requests"));
    (0..canary.len()).map(|row| paired(&canary[row], &baseline[row], &canary_requests[row], &baseline_requests[row])).collect()
}

#[test]
fn uncalibrated_vectors() {
    let table = load("judge.json");
    let case = &table["uncalibrated"];
    let d = numbers(&case["d"]);
    let bound = vec![number(&case["tolerated_ratio"]).ln(); d.len()];
    assert_all_close("harm", &uncalibrated(Side::Harm, &d, &bound, 30), &numbers(&case["log_e_harm"]));
    assert_all_close("safe", &uncalibrated(Side::Safe, &d, &bound, 30), &numbers(&case["log_e_safe"]));
}

#[test]
fn counts_vectors() {
    let table = load("judge.json");
    let case = &table["counts"];
    let history = dispersion(&paired_rows(&case["history"]));
    assert_close("dispersion", history.unwrap(), number(&case["history"]["dispersion"]));
    let windows = paired_series(case);
    let ratio = vec![number(&case["tolerated_ratio"]); windows.len()];
    let check = |key: &str, side, dispersion| assert_all_close(key, &counts(side, &windows, &ratio, dispersion, 20), &numbers(&case[key]));
    check("log_e_harm_with_history", Side::Harm, history);
    check("log_e_safe_with_history", Side::Safe, history);
    check("log_e_harm_without", Side::Harm, None);
    check("log_e_safe_without", Side::Safe, None);
    let ratios: Vec<f64> = windows
        .iter()
        .map(|window| paired_log_ratio(window.canary_events, window.baseline_events, window.canary_requests, window.baseline_requests))
        .collect();
    assert_all_close("paired log ratio", &ratios, &numbers(&case["paired_log_ratio"]));
}

#[test]
fn against_limit_vectors() {
    let table = load("judge.json");
    let case = &table["against_limit"];
    let (events, requests, limit) = (numbers(&case["events"]), numbers(&case["requests"]), number(&case["limit"]));
    assert_all_close("harm", &against_limit(Side::Harm, &events, &requests, limit), &numbers(&case["log_e_harm"]));
    assert_all_close("safe", &against_limit(Side::Safe, &events, &requests, limit), &numbers(&case["log_e_safe"]));
}
