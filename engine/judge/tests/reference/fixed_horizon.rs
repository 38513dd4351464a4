//! Tests for a single look, histograms, sample ratio and many metrics.

use davy_judge::arm::PerArm;
use davy_judge::evidence::average;
use davy_judge::fixed_horizon::hodges_lehmann::hodges_lehmann_asymptotic;
use davy_judge::fixed_horizon::kayenta::{Classification, classify, interval};
use davy_judge::fixed_horizon::mann_whitney::mann_whitney_asymptotic;
use davy_judge::fixed_horizon::{mann_whitney, rate_ratio};
use davy_judge::histogram::{nearest_bound, tail_ratio};
use davy_judge::multiplicity::{benjamini_hochberg, e_bh, holm};
use davy_judge::sample_ratio::srm_log_e;
use serde_json::Value;

use crate::table::{assert_all_close, assert_close, load, number, numbers};

fn arms(case: &Value) -> PerArm<Vec<f64>> {
    PerArm { baseline: numbers(&case["baseline"]), canary: numbers(&case["canary"]) }
}

fn slices(arms: &PerArm<Vec<f64>>) -> PerArm<&[f64]> {
    PerArm { baseline: &arms.baseline, canary: &arms.canary }
}

#[test]
fn mann_whitney_vectors() {
    let table = load("judge.json");
    let case = &table["mann_whitney"];
    let samples = arms(case);
    let exact = mann_whitney(slices(&samples)).unwrap();
    assert!(exact.exact);
    assert_close("U", exact.u, number(&case["U"]));
    assert_close("exact p", exact.p_two_sided, number(&case["p_two_sided_exact"]));
    assert_close("CLES", exact.canary_higher, number(&case["cles_P_canary_gt_baseline"]));
    assert_close("delta", exact.cliffs_delta, number(&case["cliffs_delta"]));
    let normal = mann_whitney_asymptotic(slices(&samples)).unwrap();
    assert_close("p", normal.p_two_sided, number(&case["p_two_sided_asymptotic_cc"]));
    assert_close("greater", normal.p_greater, number(&case["p_greater_asymptotic_cc"]));
    let shift = hodges_lehmann_asymptotic(slices(&samples), 0.98).unwrap();
    assert_eq!(shift.rank, case["moses_ci98_k"].as_u64().unwrap());
    assert_close("shift", shift.estimate, number(&case["hodges_lehmann_median_of_differences"]));
    assert_all_close("Moses", &[shift.lower, shift.upper], &numbers(&case["moses_ci98"]));
    let kayenta = interval(slices(&samples), 1e-4).unwrap();
    assert_all_close("Kayenta's interval", &[kayenta.lower, kayenta.upper], &numbers(&case["kayenta_ci98"]));
    assert_close("Kayenta's estimate", kayenta.estimate, number(&case["kayenta_estimate"]));
    let precise = interval(slices(&samples), 1e-12).unwrap();
    for (found, expected) in [precise.lower, precise.upper].iter().zip(numbers(&case["kayenta_ci98_brent_tol_1e12"])) {
        assert!((found - expected).abs() < 2e-12, "{found} {expected}");
    }
    assert_eq!(classify(slices(&samples)), Classification::High);

    let tied = &table["mann_whitney_ties"];
    let samples = arms(tied);
    let test = mann_whitney(slices(&samples)).unwrap();
    assert!(!test.exact);
    assert_close("U", test.u, number(&tied["U"]));
    assert_close("p", test.p_two_sided, number(&tied["p_two_sided_asymptotic_cc"]));
    let kayenta = interval(slices(&samples), 1e-4).unwrap();
    assert_all_close("Kayenta's interval", &[kayenta.lower, kayenta.upper], &numbers(&tied["kayenta_ci98"]));
    assert_close("Kayenta's estimate", kayenta.estimate, number(&tied["kayenta_estimate"]));
}

#[test]
fn rate_ratio_vectors() {
    let table = load("judge.json");
    let case = &table["rate_ratio_fixed"];
    let whole = |key: &str| case[key].as_u64().unwrap();
    let events = PerArm { baseline: whole("x_b"), canary: whole("x_c") };
    let requests = PerArm { baseline: whole("n_b"), canary: whole("n_c") };
    let ratio = rate_ratio(events, requests, 1.5, 0.98).unwrap();
    assert_close("p", ratio.p_greater, number(&case["p_one_sided_ratio_le_1_5"]));
    assert_all_close("interval", &[ratio.lower, ratio.upper], &numbers(&case["ci98_exact_conditional"]));
}

#[test]
fn metrics_and_arms_vectors() {
    let table = load("judge.json");
    let p = numbers(&table["multiple"]["p"]);
    assert_all_close("Holm", &holm(&p), &numbers(&table["multiple"]["holm"]));
    assert_all_close("BH", &benjamini_hochberg(&p), &numbers(&table["multiple"]["bh"]));
    let ln_e: Vec<f64> = numbers(&table["ebh"]["e"]).iter().map(|e| e.ln()).collect();
    assert_eq!(e_bh(&ln_e, number(&table["ebh"]["alpha"])).len() as u64, table["ebh"]["rejected"].as_u64().unwrap());
    assert_close("mean e", average(&ln_e).exp(), number(&table["ebh"]["mean_e"]));
    let both = &table["average"];
    let pairs: Vec<Vec<f64>> = both["log_e"].as_array().unwrap().iter().map(numbers).collect();
    let averages = [average(&[pairs[0][0], pairs[1][0]]), average(&[pairs[0][1], pairs[1][1]])];
    assert_all_close("average", &averages, &numbers(&both["result"]));
    let split = &table["srm_log_e"];
    let (counts, weights) = (numbers(&split["counts"]), numbers(&split["weights"]));
    let ln_e = srm_log_e(PerArm { baseline: counts[1], canary: counts[0] }, PerArm { baseline: weights[1], canary: weights[0] });
    assert_close("sample ratio", ln_e, number(&split["log_e"]));
    assert_close("sample ratio", ln_e, number(&table["srm"]["dirichlet_multinomial_log_e_u1000"]));
}

#[test]
fn tail_vectors() {
    let table = load("judge.json");
    let case = &table["tail"];
    let (bounds, survival) = (numbers(&case["bounds"]), numbers(&case["baseline_survival"]));
    let j = nearest_bound(&survival, 1.0 - number(&case["quantile"])).unwrap();
    assert_eq!(j as u64, case["bound_index"].as_u64().unwrap());
    assert_close("ratio", tail_ratio(&bounds, &survival, j, number(&case["tolerated_factor"])).unwrap(), number(&case["ratio"]));
    assert_close("ratio", tail_ratio(&bounds, &survival, j, 2.5).unwrap(), number(&case["ratio_if_factor_2_5"]));
}
