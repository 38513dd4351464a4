//! Properties that every engine of evidence has, on ordinary and on nasty values.

use std::sync::Arc;

use davy_judge::arm::PerArm;
use davy_judge::evidence::Side;
use davy_judge::evidence::against_limit::AgainstLimit;
use davy_judge::evidence::calibrated::Calibrated;
use davy_judge::evidence::counts::{Counts, PairedCounts, dispersion, paired_log_ratio};
use davy_judge::evidence::uncalibrated::Uncalibrated;
use davy_judge::fixed_horizon::kayenta::classify;
use davy_judge::fixed_horizon::{hodges_lehmann, mann_whitney};
use davy_judge::noise::{NoProfile, NoiseProfile};
use proptest::collection::vec;
use proptest::prelude::*;

const SIDES: [Side; 2] = [Side::Harm, Side::Safe];

fn ordinary() -> impl Strategy<Value = f64> {
    prop_oneof![9 => -0.5..0.5_f64, 1 => Just(f64::NAN)]
}

fn nasty() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(1e-9),
        Just(-1e-9),
        Just(1e12),
        Just(-1e12),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        -1.0..1.0_f64
    ]
}

fn history(values: impl Strategy<Value = f64>) -> impl Strategy<Value = Vec<Vec<f64>>> {
    vec(vec(values, 80), 3)
}

fn profile(rows: &[Vec<f64>]) -> Option<Arc<NoiseProfile>> {
    NoiseProfile::from_history(rows, 30).ok().map(Arc::new)
}

fn calibrated(side: Side, profiles: &[Arc<NoiseProfile>], d: &[f64], bound: f64) -> Calibrated {
    let mut engine = Calibrated::new(side, 30);
    let per_step = d.len().div_ceil(profiles.len()).max(1);
    for (window, value) in d.iter().enumerate() {
        if window % per_step == 0 {
            engine.begin_step(Arc::clone(&profiles[window / per_step]));
        }
        engine.push(*value, bound, &[]);
    }
    engine
}

fn uncalibrated(side: Side, d: &[f64], bound: f64) -> Uncalibrated {
    let mut engine = Uncalibrated::new(side, 30);
    d.iter().for_each(|value| engine.push(*value, bound));
    engine
}

fn counts(side: Side, windows: &[[f64; 4]], ratio: f64) -> Counts {
    let mut engine = Counts::new(side, 30);
    windows.iter().for_each(|window| engine.push(window[0], window[1], window[2], window[3], ratio));
    engine
}

/// Harm falls with the bound, safety rises, but for rounding.
fn assert_monotone(side: Side, at_lower: f64, at_higher: f64) {
    let rise = at_higher - at_lower;
    let slack = 1e-9 * (1.0 + at_lower.abs());
    match side {
        Side::Harm => assert!(rise <= slack, "harm rises by {rise}"),
        Side::Safe => assert!(rise >= -slack, "safety falls by {rise}"),
    }
}

proptest! {
    #[test]
    fn calibrated_is_monotone_and_knows_its_bounds(rows in history(ordinary()), d in vec(ordinary(), 0..30), bound in -0.3..0.3_f64, more in 0.0..0.3_f64, steps in 1..4_usize) {
        let Some(profile) = profile(&rows) else { return Ok(()) };
        let profiles = vec![profile; steps];
        for side in SIDES {
            let (here, higher) = (calibrated(side, &profiles, &d, bound), calibrated(side, &profiles, &d, bound + more));
            assert_monotone(side, here.ln_e(), higher.ln_e());
            prop_assert!((here.ln_e_at(|_| bound + more) - higher.ln_e()).abs() < 1e-9 * (1.0 + higher.ln_e().abs()));
            prop_assert!(here.at_most() >= here.ln_e() - 1e-12);
            for threshold in [-2.0, 0.0, 1e-3, 1.0, 3.0, 4.6, here.ln_e()] {
                prop_assert_eq!(here.reaches(threshold), here.ln_e() >= threshold - 1e-9);
            }
            // A canary that is slower in every window.
            let slower: Vec<f64> = d.iter().map(|value| value + more).collect();
            assert_monotone(side, calibrated(side, &profiles, &slower, bound).ln_e(), here.ln_e());
        }
    }

    #[test]
    fn uncalibrated_is_blind_to_a_common_offset(d in vec(ordinary(), 0..30), bound in -0.3..0.3_f64, offset in -0.3..0.3_f64) {
        for side in SIDES {
            let here = uncalibrated(side, &d, bound).ln_e();
            let moved: Vec<f64> = d.iter().map(|value| value + offset).collect();
            let there = uncalibrated(side, &moved, bound + offset).ln_e();
            prop_assert!((here - there).abs() < 1e-6 * (1.0 + here.abs()), "{} {}", here, there);
        }
    }

    #[test]
    fn swapped_arms_argue_the_other_way(rows in history(-0.2..0.25_f64), d in vec(ordinary(), 1..30), bound in -0.3..0.3_f64, events in [0..50_u32, 0..50_u32]) {
        let negated: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|value| -value).collect()).collect();
        let (one, other) = (profile(&rows).unwrap(), profile(&negated).unwrap());
        prop_assert!((one.scale() - other.scale()).abs() < 1e-12 && (one.bias() + other.bias()).abs() < 1e-12);
        for clip in 0..3 {
            for (harm, safe) in one.log_mgf(Side::Harm, clip).iter().zip(other.log_mgf(Side::Safe, clip)) {
                prop_assert!((harm - safe).abs() < 1e-9 * (1.0 + harm));
            }
        }
        // An analysis of one window has one start: then harm and safety mirror each other.
        let (mut harm, mut safe) = (Uncalibrated::new(Side::Harm, 1), Uncalibrated::new(Side::Safe, 1));
        for value in &d {
            harm.push(*value, bound);
            safe.push(-value, -bound);
        }
        prop_assert!((harm.ln_e() - safe.ln_e()).abs() < 1e-9 * (1.0 + harm.ln_e().abs()));
        let [canary, baseline] = events.map(f64::from);
        let there = paired_log_ratio(canary, baseline, 1e3, 3e3);
        prop_assert!((there + paired_log_ratio(baseline, canary, 3e3, 1e3)).abs() < 1e-12);
    }

    #[test]
    fn looking_changes_nothing(rows in history(ordinary()), d in vec(ordinary(), 0..30), bound in -0.3..0.3_f64) {
        let Some(profile) = profile(&rows) else { return Ok(()) };
        for side in SIDES {
            let mut watched = Calibrated::new(side, 30);
            watched.begin_step(Arc::clone(&profile));
            let mut watched_alone = Uncalibrated::new(side, 30);
            for value in &d {
                watched.push(*value, bound, &[]);
                watched_alone.push(*value, bound);
                let _ = (watched.ln_e(), watched.reaches(1.0), watched.ln_e_at(|_| 0.3), watched_alone.ln_e(), watched_alone.ln_e_at(|_| 0.3));
            }
            prop_assert_eq!(watched.ln_e().to_bits(), calibrated(side, &[Arc::clone(&profile)], &d, bound).ln_e().to_bits());
            prop_assert_eq!(watched_alone.ln_e().to_bits(), uncalibrated(side, &d, bound).ln_e().to_bits());
        }
    }

    #[test]
    fn counts_are_monotone(windows in vec([0..40_u32, 0..40_u32, 0..9_u32, 0..9_u32], 0..30), ratio in 0.3..3.0_f64, more in 1.0..2.0_f64) {
        let windows: Vec<[f64; 4]> = windows.iter().map(|[xc, xb, nc, nb]| [f64::from(*xc), f64::from(*xb), f64::from(*nc) * 100.0, f64::from(*nb) * 100.0]).collect();
        for side in SIDES {
            let here = counts(side, &windows, ratio);
            assert_monotone(side, here.ln_e(), counts(side, &windows, ratio * more).ln_e());
            prop_assert!((here.ln_e_at(|_| ratio) - here.ln_e()).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_nasty_panics_or_yields_nan(rows in history(nasty()), d in vec(nasty(), 0..40), bound in nasty(), counted in vec([nasty(), nasty(), nasty(), nasty()], 0..40)) {
        for side in SIDES {
            if let Some(profile) = profile(&rows) {
                prop_assert!(profile.scale() > 0.0 && profile.scale().is_finite() && profile.bias().is_finite());
                let engine = calibrated(side, &[Arc::clone(&profile), profile], &d, bound);
                prop_assert!(!engine.ln_e().is_nan() && !engine.ln_e_at(|_| 0.1).is_nan());
                prop_assert!(engine.ln_e() < f64::INFINITY);
            }
            let engine = uncalibrated(side, &d, bound);
            prop_assert!(engine.ln_e().is_finite() && engine.ln_e_at(|_| 0.1).is_finite());
            let engine = counts(side, &counted, bound);
            prop_assert!(engine.ln_e().is_finite() && engine.ln_e_at(|_| 1.1).is_finite());
            let mut engine = AgainstLimit::new(side, bound);
            counted.iter().for_each(|window| engine.push(window[0], window[1]));
            prop_assert!(!engine.ln_e().is_nan() && engine.ln_e() < f64::INFINITY);
        }
        let pairs: Vec<PairedCounts> = counted.iter().map(|[xc, xb, nc, nb]| PairedCounts { canary_events: *xc, baseline_events: *xb, canary_requests: *nc, baseline_requests: *nb }).collect();
        if let Some(measured) = dispersion(&[pairs]) {
            prop_assert!(measured.is_finite() && measured >= 1.0);
        }
        let arms = PerArm { baseline: &d[..], canary: &rows[0][..] };
        if let Some(test) = mann_whitney(arms) {
            prop_assert!((0.0..=1.0).contains(&test.p_two_sided) && (0.0..=1.0).contains(&test.canary_higher));
        }
        let _ = (hodges_lehmann(arms, 0.98), classify(arms));
    }

    #[test]
    fn mann_whitney_swaps(baseline in vec(-5..5_i32, 1..30), canary in vec(-5..5_i32, 1..30), unit in prop::sample::select(vec![1e-9, 1.0, 1e12])) {
        let values = |whole: &[i32]| -> Vec<f64> { whole.iter().map(|value| f64::from(*value) * unit).collect() };
        let (baseline, canary) = (values(&baseline), values(&canary));
        let one = mann_whitney(PerArm { baseline: &baseline, canary: &canary }).unwrap();
        let other = mann_whitney(PerArm { baseline: &canary, canary: &baseline }).unwrap();
        prop_assert!((one.cliffs_delta + other.cliffs_delta).abs() < 1e-12);
        prop_assert!((one.p_greater - other.p_less).abs() < 1e-12);
        let shift = hodges_lehmann(PerArm { baseline: &baseline, canary: &canary }, 0.95).unwrap();
        let back = hodges_lehmann(PerArm { baseline: &canary, canary: &baseline }, 0.95).unwrap();
        prop_assert!((shift.estimate + back.estimate).abs() <= 1e-12 * unit && shift.lower <= shift.estimate && shift.estimate <= shift.upper);
    }
}

#[test]
fn nothing_to_go_by_is_no_evidence() {
    assert_eq!(NoiseProfile::from_history(&vec![vec![0.1; 59]; 2], 30), Err(NoProfile::TooLittleHistory { found: 118, needed: 120 }));
    let flat = profile(&vec![vec![0.0; 60]; 2]).unwrap();
    for side in SIDES {
        let missing = [f64::NAN; 20];
        assert_eq!(calibrated(side, &[Arc::clone(&flat)], &missing, 0.1).ln_e(), 0.0);
        assert_eq!(uncalibrated(side, &missing, 0.1).ln_e(), 0.0);
        assert_eq!(counts(side, &[[0.0; 4]; 20], 1.5).ln_e(), 0.0);
        assert_eq!(Calibrated::new(side, 0).ln_e(), 0.0);
        let mut too_late = Calibrated::new(side, 30);
        too_late.push(5.0, 0.0, &[]);
        assert_eq!((too_late.ln_e(), too_late.present()), (0.0, 0));
    }
    assert!(paired_log_ratio(0.0, 0.0, 0.0, 5.0).is_nan());
    assert_eq!(paired_log_ratio(3.0, 3.0, 10.0, 10.0), 0.0);
}

#[test]
fn a_traffic_step_carries_evidence_and_is_a_start() {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        0.1 * ((state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5)
    };
    let rows: Vec<Vec<f64>> = (0..4).map(|_| (0..60).map(|_| noise()).collect()).collect();
    let profile = profile(&rows).unwrap();
    let slower: Vec<f64> = (0..28).map(|_| 0.3 + noise()).collect();
    let whole = calibrated(Side::Harm, &[Arc::clone(&profile)], &slower, 0.1).ln_e();
    let in_steps = calibrated(Side::Harm, &[Arc::clone(&profile), Arc::clone(&profile)], &slower, 0.1);
    assert!(in_steps.ln_e() > 0.5 * whole && in_steps.present() == 28 && in_steps.present_in_step() == 14);
    // Good until the step, which is no scheduled start: harm is found from the step on.
    let late: Vec<f64> = (0..28).map(|window| if window < 13 { noise() } else { 0.4 + noise() }).collect();
    let mut engine = Calibrated::new(Side::Harm, 60);
    engine.begin_step(Arc::clone(&profile));
    late[..13].iter().for_each(|value| engine.push(*value, 0.1, &[]));
    let before = engine.ln_e();
    engine.begin_step(Arc::clone(&profile));
    assert!((engine.ln_e() - before).abs() < 1e-9, "a step alone changes nothing");
    late[13..18].iter().for_each(|value| engine.push(*value, 0.1, &[]));
    assert!(engine.ln_e() > before + 2.0, "{} {before}", engine.ln_e());
    assert!((engine.ln_e_at(|_| 0.1) - engine.ln_e()).abs() < 1e-9);
}
