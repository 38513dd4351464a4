//! The engines and the tests for a single look on more inputs than the vectors have.

use std::sync::Arc;

use davy_judge::arm::PerArm;
use davy_judge::evidence::Side;
use davy_judge::evidence::calibrated::Calibrated;
use davy_judge::evidence::counts::dispersion;
use davy_judge::fixed_horizon::hodges_lehmann::hodges_lehmann_asymptotic;
use davy_judge::fixed_horizon::mann_whitney::mann_whitney_asymptotic;
use davy_judge::fixed_horizon::{mann_whitney, rate_ratio};
use davy_judge::histogram::{Quantile, factor_for_ratio, nearest_bound, quantile, survival, tail_ratio};
use davy_judge::noise::NoiseProfile;
use davy_judge::reading::BucketCounts;
use davy_judge::sample_ratio::srm_log_e;
use serde_json::Value;

use crate::others::{against_limit, counts, paired_rows, paired_series, uncalibrated};
use crate::table::{assert_all_close, assert_close, load, number, numbers, rows};

fn cases(table: &Value, key: &str) -> Vec<Value> {
    table[key].as_array().expect("an array of cases").clone()
}

fn name(case: &Value) -> &str {
    case["name"].as_str().expect("a name")
}

fn calibrated(side: Side, profile: &Arc<NoiseProfile>, case: &Value) -> Vec<f64> {
    let (d, bound, now) = (numbers(&case["d"]), numbers(&case["bound"]), rows(&case["now"]));
    let mut engine = Calibrated::new(side, profile.longest());
    engine.begin_step(Arc::clone(profile));
    let mut trail = Vec::new();
    for window in 0..d.len() {
        engine.push(d[window], bound[window], &[now[0][window], now[1][window]]);
        assert_close("at the same bounds", engine.ln_e_at(|index| bound[index]), engine.ln_e());
        trail.push(engine.ln_e());
    }
    trail
}

#[test]
fn profiles_and_calibrated_evidence() {
    for case in cases(&load("engines.json"), "calibrated") {
        let longest = case["longest"].as_u64().unwrap() as usize;
        let profile = Arc::new(NoiseProfile::from_history(&rows(&case["history"]), longest).unwrap());
        let what = name(&case);
        assert_close(what, profile.scale(), number(&case["scale"]));
        assert_close(what, profile.bias(), number(&case["bias"]));
        for clip in 0..3 {
            for (windows, expected) in numbers(&case["variance"][clip]).iter().enumerate() {
                assert_close(what, profile.variance(clip, windows), *expected);
            }
            assert_all_close(what, profile.log_mgf(Side::Harm, clip), &numbers(&case["log_mgf"][0][clip]));
            assert_all_close(what, profile.log_mgf(Side::Safe, clip), &numbers(&case["log_mgf"][1][clip]));
            assert_all_close(what, profile.bets(clip), &numbers(&case["lambdas"][clip]));
        }
        assert_all_close(what, &calibrated(Side::Harm, &profile, &case), &numbers(&case["harm"]));
        assert_all_close(what, &calibrated(Side::Safe, &profile, &case), &numbers(&case["safe"]));
    }
}

#[test]
fn uncalibrated_evidence() {
    for case in cases(&load("engines.json"), "uncalibrated") {
        let (d, bound) = (numbers(&case["d"]), numbers(&case["bound"]));
        let longest = case["longest"].as_u64().unwrap() as usize;
        assert_all_close(name(&case), &uncalibrated(Side::Harm, &d, &bound, longest), &numbers(&case["harm"]));
        assert_all_close(name(&case), &uncalibrated(Side::Safe, &d, &bound, longest), &numbers(&case["safe"]));
    }
}

#[test]
fn evidence_of_counts() {
    for case in cases(&load("engines.json"), "counts") {
        let history = dispersion(&paired_rows(&case["history"]));
        assert_close(name(&case), history.unwrap(), number(&case["history"]["dispersion"]));
        let (windows, ratio) = (paired_series(&case), numbers(&case["ratio"]));
        let longest = case["longest"].as_u64().unwrap() as usize;
        for (key, side, known) in [
            ("harm", Side::Harm, None),
            ("safe", Side::Safe, None),
            ("harm_with_history", Side::Harm, history),
            ("safe_with_history", Side::Safe, history),
        ] {
            assert_all_close(&format!("{} {key}", name(&case)), &counts(side, &windows, &ratio, known, longest), &numbers(&case[key]));
        }
        let (events, requests, limit) = (numbers(&case["canary_events"]), numbers(&case["canary_requests"]), number(&case["limit"]));
        assert_all_close(name(&case), &against_limit(Side::Harm, &events, &requests, limit), &numbers(&case["limit_harm"]));
        assert_all_close(name(&case), &against_limit(Side::Safe, &events, &requests, limit), &numbers(&case["limit_safe"]));
    }
}

#[test]
fn two_samples() {
    for case in cases(&load("fixed_horizon.json"), "two_samples") {
        let (baseline, canary) = (numbers(&case["baseline"]), numbers(&case["canary"]));
        let arms = PerArm { baseline: &baseline[..], canary: &canary[..] };
        let what = format!("{} x {}", canary.len(), baseline.len());
        let check = |test: &davy_judge::fixed_horizon::MannWhitney, expected: &Value| {
            assert_close(&what, test.p_two_sided, number(&expected["two_sided"]));
            assert_close(&what, test.p_greater, number(&expected["greater"]));
            assert_close(&what, test.p_less, number(&expected["less"]));
        };
        let test = mann_whitney(arms).unwrap();
        assert_close(&what, test.u, number(&case["u"]));
        check(&mann_whitney_asymptotic(arms).unwrap(), &case["asymptotic"]);
        assert_eq!(test.exact, !case["exact"].is_null(), "{what}");
        check(&test, if test.exact { &case["exact"] } else { &case["asymptotic"] });
        let shift = hodges_lehmann_asymptotic(arms, 0.98).unwrap();
        assert_close(&what, shift.estimate, number(&case["shift"]));
        assert_eq!(shift.rank, case["rank"].as_u64().unwrap(), "{what}");
        assert_all_close(&what, &[shift.lower, shift.upper], &numbers(&case["interval"]));
    }
}

#[test]
fn rate_ratios() {
    for case in cases(&load("fixed_horizon.json"), "rate_ratios") {
        let whole = |key: &str| case[key].as_u64().unwrap();
        let (events, requests) =
            (PerArm { baseline: whole("x_b"), canary: whole("x_c") }, PerArm { baseline: whole("n_b"), canary: whole("n_c") });
        let ratio = rate_ratio(events, requests, number(&case["bound"]), 0.98).unwrap();
        let what = format!("{case}");
        assert_close(&what, ratio.p_greater, number(&case["p_greater"]));
        assert_close(&what, ratio.p_less, number(&case["p_less"]));
        assert_close(&what, ratio.lower, number(&case["lower"]));
        if case["upper"].is_null() {
            assert_eq!(ratio.upper, f64::INFINITY);
        } else {
            assert_close(&what, ratio.upper, number(&case["upper"]));
        }
    }
}

#[test]
fn splits() {
    for case in cases(&load("fixed_horizon.json"), "splits") {
        let weight = number(&case["weight"]);
        let requests = PerArm { baseline: number(&case["baseline"]), canary: number(&case["canary"]) };
        assert_close(&format!("{case}"), srm_log_e(requests, PerArm { baseline: 1.0 - weight, canary: weight }), number(&case["log_e"]));
    }
}

#[test]
fn histograms() {
    for case in cases(&load("histograms.json"), "histograms") {
        let bounds = numbers(&case["bounds"]);
        let histogram = BucketCounts::new(bounds.clone().into(), numbers(&case["counts"])).unwrap();
        for expected in cases(&case, "quantiles") {
            match quantile(&histogram, number(&expected["q"])) {
                Quantile::At(value) => assert_close(&format!("{expected}"), value, number(&expected["at"])),
                Quantile::AtLeast(value) => assert_close(&format!("{expected}"), value, number(&expected["at_least"])),
                Quantile::Unknown => panic!("{expected}"),
            }
        }
        let shares = survival(&histogram);
        let nearest = nearest_bound(&shares, 0.01);
        assert_eq!(nearest.map_or(-1, |index| index as i64), case["nearest"].as_i64().unwrap());
        for expected in cases(&case, "tails") {
            let factor = number(&expected["factor"]);
            let ratio = tail_ratio(&bounds, &shares, nearest.unwrap(), factor).unwrap();
            assert_close(&format!("{expected}"), ratio, number(&expected["ratio"]));
            let again = factor_for_ratio(&bounds, &shares, nearest.unwrap(), ratio).unwrap();
            assert!((tail_ratio(&bounds, &shares, nearest.unwrap(), again).unwrap() / ratio - 1.0).abs() < 1e-7);
        }
    }
}
