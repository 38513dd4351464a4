//! The judge against two more tables in `fixtures/reference/`: SciPy alone, and runs of 300 windows with outages.

#[path = "reference/table.rs"]
mod table;

use std::sync::Arc;

use davy_judge::arm::PerArm;
use davy_judge::evidence::Side;
use davy_judge::evidence::against_limit::AgainstLimit;
use davy_judge::evidence::calibrated::Calibrated;
use davy_judge::evidence::counts::{Counts, PairedCounts, dispersion};
use davy_judge::evidence::uncalibrated::Uncalibrated;
use davy_judge::fixed_horizon::mann_whitney::mann_whitney_asymptotic;
use davy_judge::fixed_horizon::{mann_whitney, rate_ratio};
use davy_judge::histogram::{Quantile, quantile};
use davy_judge::noise::NoiseProfile;
use davy_judge::reading::BucketCounts;
use serde_json::Value;
use table::{assert_all_close, assert_close, load, number, numbers, rows};

const SIDES: [(Side, &str); 2] = [(Side::Harm, "harm"), (Side::Safe, "safe")];

/// The cases of one kind; a table without any would test nothing.
fn cases(name: &str, key: &str) -> Vec<Value> {
    let cases = load(name)[key].as_array().expect("an array of cases").clone();
    assert!(cases.len() > 2, "{name} has few {key}");
    cases
}

fn whole(case: &Value, key: &str) -> u64 {
    case[key].as_u64().expect("a whole number")
}

fn paired(case: &Value) -> Vec<Vec<PairedCounts>> {
    let of = |key: &str| rows(&case[key]);
    let (canary, baseline) = (of("canary_events"), of("baseline_events"));
    let (canary_requests, baseline_requests) = (of("canary_requests"), of("baseline_requests"));
    let window = |row: usize, index: usize| PairedCounts {
        canary_events: canary[row][index],
        baseline_events: baseline[row][index],
        canary_requests: canary_requests[row][index],
        baseline_requests: baseline_requests[row][index],
    };
    (0..canary.len()).map(|row| (0..canary[row].len()).map(|index| window(row, index)).collect()).collect()
}

#[test]
fn mann_whitney_of_every_shape() {
    for case in cases("classical.json", "mann_whitney") {
        let (baseline, canary) = (numbers(&case["baseline"]), numbers(&case["canary"]));
        let arms = PerArm { baseline: &baseline[..], canary: &canary[..] };
        let what = format!("{} v {}, exact {}", canary.len(), baseline.len(), case["exact"]);
        let test = mann_whitney(arms).unwrap();
        assert_eq!(Value::from(test.exact), case["exact"], "{what}");
        assert_close(&what, test.u, number(&case["u"]));
        assert_close(&what, test.p_two_sided, number(&case["two_sided"]));
        assert_close(&what, test.p_greater, number(&case["greater"]));
        assert_close(&what, test.p_less, number(&case["less"]));
        if !test.exact {
            assert_eq!(mann_whitney_asymptotic(arms).unwrap(), test);
        }
    }
}

#[test]
fn rate_ratios_at_several_confidences() {
    for case in cases("classical.json", "rate_ratios") {
        let events = PerArm { baseline: whole(&case, "x_b"), canary: whole(&case, "x_c") };
        let requests = PerArm { baseline: whole(&case, "n_b"), canary: whole(&case, "n_c") };
        let found = rate_ratio(events, requests, number(&case["bound"]), number(&case["confidence"])).unwrap();
        let what = format!("{case}");
        assert_close(&what, found.p_greater, number(&case["p_greater"]));
        assert_close(&what, found.p_less, number(&case["p_less"]));
        assert_close(&what, found.lower, number(&case["lower"]));
        let upper = if case["upper"].is_null() { f64::INFINITY } else { number(&case["upper"]) };
        assert!(found.upper == upper || (found.upper / upper - 1.0).abs() < 1e-9, "{what}: {}", found.upper);
    }
}

#[test]
fn quantiles_invert_the_distribution() {
    for case in cases("classical.json", "quantiles") {
        let bounds = numbers(&case["bounds"]);
        let highest = *bounds.last().unwrap();
        let histogram = BucketCounts::new(bounds.into(), numbers(&case["counts"])).unwrap();
        for (q, expected) in numbers(&case["q"]).into_iter().zip(numbers(&case["at"])) {
            let Quantile::At(found) = quantile(&histogram, q) else { panic!("{q} is inside the bounds") };
            assert_close(&format!("{q}"), found, expected);
        }
        for q in numbers(&case["q_above"]) {
            assert_eq!(quantile(&histogram, q), Quantile::AtLeast(highest));
        }
    }
}

#[test]
fn long_calibrated_runs() {
    for case in cases("more.json", "calibrated") {
        let longest = whole(&case, "longest") as usize;
        let profile = Arc::new(NoiseProfile::from_history(&rows(&case["history"]), longest).unwrap());
        let what = case["name"].as_str().unwrap();
        assert_eq!(profile.degenerate(), what.starts_with("degenerate"), "{what}");
        let (d, now, bound) = (numbers(&case["d"]), rows(&case["now"]), number(&case["bound"]));
        for (side, key) in SIDES {
            let mut engine = Calibrated::new(side, longest);
            engine.begin_step(Arc::clone(&profile));
            let push = |(window, value): (usize, &f64)| {
                engine.push(*value, bound, &[now[0][window], now[1][window]]);
                engine.ln_e()
            };
            let trail: Vec<f64> = d.iter().enumerate().map(push).collect();
            assert_all_close(&format!("{what}, {key}"), &trail, &numbers(&case[key]));
        }
    }
}

#[test]
fn long_uncalibrated_runs() {
    for case in cases("more.json", "uncalibrated") {
        let bound = number(&case["bound"]);
        for (side, key) in SIDES {
            let mut engine = Uncalibrated::new(side, whole(&case, "longest") as usize);
            let push = |value: &f64| {
                engine.push(*value, bound);
                engine.ln_e()
            };
            let trail: Vec<f64> = numbers(&case["d"]).iter().map(push).collect();
            assert_all_close(&format!("{}, {key}", case["name"]), &trail, &numbers(&case[key]));
        }
    }
}

#[test]
fn long_count_runs() {
    for case in cases("more.json", "counts") {
        let of = |key: &str| numbers(&case[key]);
        let known = dispersion(&paired(&case["history"])).unwrap();
        assert_close("dispersion", known, number(&case["history"]["dispersion"]));
        let (canary, baseline) = (of("canary_events"), of("baseline_events"));
        let (canary_requests, baseline_requests) = (of("canary_requests"), of("baseline_requests"));
        for (side, key) in SIDES {
            let mut engine = Counts::new(side, whole(&case, "longest") as usize);
            engine.set_dispersion(Some(known));
            let push = |index: usize| {
                let requests = (canary_requests[index], baseline_requests[index]);
                engine.push(canary[index], baseline[index], requests.0, requests.1, number(&case["ratio"]));
                engine.ln_e()
            };
            let trail: Vec<f64> = (0..canary.len()).map(push).collect();
            assert_all_close(&format!("{}, {key}", case["name"]), &trail, &of(key));
        }
    }
}

#[test]
fn long_runs_against_a_limit() {
    for case in cases("more.json", "limits") {
        for (side, key) in SIDES {
            let mut engine = AgainstLimit::new(side, number(&case["limit"]));
            let push = |(events, requests): (f64, f64)| {
                engine.push(events, requests);
                engine.ln_e()
            };
            let trail: Vec<f64> = numbers(&case["events"]).into_iter().zip(numbers(&case["requests"])).map(push).collect();
            assert_all_close(&format!("{}, {key}", case["name"]), &trail, &numbers(&case[key]));
        }
    }
}
