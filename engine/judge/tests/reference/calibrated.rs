//! Profiles and calibrated evidence.

use std::sync::Arc;

use davy_judge::evidence::Side;
use davy_judge::evidence::calibrated::Calibrated;
use davy_judge::noise::NoiseProfile;

use crate::table::{assert_all_close, assert_close, load, number, numbers, rows};

/// ln e after each window; `now` is one row per pseudo-canary.
pub fn trail(side: Side, profile: &Arc<NoiseProfile>, d: &[f64], bound: f64, now: &[Vec<f64>]) -> Vec<f64> {
    let mut engine = Calibrated::new(side, profile.longest());
    engine.begin_step(Arc::clone(profile));
    let mut trail = Vec::new();
    for (window, value) in d.iter().enumerate() {
        let today: Vec<f64> = now.iter().map(|row| row[window]).collect();
        engine.push(*value, bound, &today);
        let ln_e = engine.ln_e();
        assert!(engine.at_most() >= ln_e - 1e-12);
        for threshold in [ln_e - 1e-6, ln_e + 1e-6, 100f64.ln(), 0.5, -1.0] {
            assert_eq!(engine.reaches(threshold), ln_e >= threshold - 1e-9, "at {threshold}");
        }
        assert_close("at the same bound", engine.ln_e_at(|_| bound), ln_e);
        trail.push(ln_e);
    }
    trail
}

#[test]
fn vectors() {
    let table = load("judge.json");
    let case = &table["calibrated"];
    let profile = Arc::new(NoiseProfile::from_history(&rows(&case["history"]), 30).unwrap());
    let expected = &case["profile"];
    assert_close("scale", profile.scale(), number(&expected["scale"]));
    assert_close("bias", profile.bias(), number(&expected["bias"]));
    for clip in 0..3 {
        let variances: Vec<f64> = (0..=30).map(|windows| profile.variance(clip, windows)).collect();
        assert_all_close("variance", &variances, &numbers(&expected["variance"][clip]));
        assert_all_close("bets", profile.bets(clip), &numbers(&expected["lambdas"][clip]));
        assert_all_close("mgf of harm", profile.log_mgf(Side::Harm, clip), &numbers(&expected["log_mgf_harm"][clip]));
        assert_all_close("mgf of safe", profile.log_mgf(Side::Safe, clip), &numbers(&expected["log_mgf_safe"][clip]));
        assert_close("unit variance", profile.unit_variance(clip), number(&expected["unit_variance"][clip]));
    }
    let (d, now, bound) = (numbers(&case["d"]), rows(&case["now"]), number(&case["tolerated_ratio"]).ln());
    assert_all_close("harm", &trail(Side::Harm, &profile, &d, bound, &now), &numbers(&case["log_e_harm"]));
    assert_all_close("safe", &trail(Side::Safe, &profile, &d, bound, &now), &numbers(&case["log_e_safe"]));
    assert_all_close("without now", &trail(Side::Harm, &profile, &d, bound, &[]), &numbers(&case["log_e_harm_without_now"]));
    let late = &case["late"];
    assert_all_close("late", &trail(Side::Harm, &profile, &numbers(&late["d"]), bound, &[]), &numbers(&late["log_e_harm"]));
}

#[test]
fn rounded_history_is_no_noise_to_learn_from() {
    let table = load("judge.json");
    let case = &table["calibrated"]["rounded"];
    let profile = NoiseProfile::from_history(&rows(&case["history"]), 30).unwrap();
    assert!(profile.degenerate());
    assert_close("scale", profile.scale(), number(&case["profile_scale"]));
    for clip in 0..3 {
        assert_all_close("mgf", profile.log_mgf(Side::Harm, clip), &numbers(&case["log_mgf_harm"][clip]));
    }
}
