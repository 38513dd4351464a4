//! Properties of running evidence: a copy goes on as the original, every engine yields to its bound, more harm is never less
//! evidence of harm, and what names metrics keeps order.

use std::sync::Arc;

use davy_judge::evidence::Side;
use davy_judge::evidence::against_limit::AgainstLimit;
use davy_judge::evidence::calibrated::Calibrated;
use davy_judge::evidence::counts::{Counts, paired_log_ratio};
use davy_judge::evidence::uncalibrated::Uncalibrated;
use davy_judge::multiplicity::{benjamini_hochberg, e_bh, holm};
use davy_judge::noise::NoiseProfile;
use proptest::collection::vec;
use proptest::prelude::*;

const SIDES: [Side; 2] = [Side::Harm, Side::Safe];

fn windows() -> impl Strategy<Value = Vec<f64>> {
    vec(prop_oneof![9 => -0.4..0.4_f64, 1 => Just(f64::NAN)], 1..40)
}

fn nasty() -> impl Strategy<Value = f64> {
    let values = [0.0, -0.0, 1e-9, -1e-9, 1e12, -1e12, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    prop_oneof![3 => prop::sample::select(values.to_vec()), 1 => -1.0..1.0_f64]
}

/// Canary events, baseline events, canary requests, baseline requests; either arm may be without traffic.
fn counted() -> impl Strategy<Value = Vec<[f64; 4]>> {
    let window = |(canary, baseline, share, total): (f64, f64, u32, u32)| {
        let requests = [f64::from(share) * f64::from(total), f64::from(10 - share) * f64::from(total)];
        [(canary * requests[0]).floor(), (baseline * requests[1]).floor(), requests[0], requests[1]]
    };
    vec((0.0..0.1_f64, 0.0..0.1_f64, 0..=10_u32, 0..100_u32).prop_map(window), 1..40)
}

/// One row as long as a profile needs.
fn profile(row: &[f64]) -> Arc<NoiseProfile> {
    Arc::new(NoiseProfile::from_history(&[row.to_vec()], 60).expect("enough windows"))
}

/// ln e of an engine that is copied after `cut` windows, the copy going on, against one that is never copied. The original
/// must stay as it was, whatever its copy sees.
fn assert_copies<E: Clone, T>(mut whole: E, windows: &[T], cut: usize, push: impl Fn(&mut E, &T), ln_e: impl Fn(&E) -> f64) {
    let (before, after) = windows.split_at(cut.min(windows.len()));
    let mut original = whole.clone();
    before.iter().for_each(|window| push(&mut original, window));
    let at_cut = ln_e(&original).to_bits();
    let mut copy = original.clone();
    after.iter().for_each(|window| push(&mut copy, window));
    windows.iter().for_each(|window| push(&mut whole, window));
    assert_eq!(ln_e(&copy).to_bits(), ln_e(&whole).to_bits());
    assert_eq!(ln_e(&original).to_bits(), at_cut);
}

/// How far the evidence at a higher bound is on the wrong side of that at a lower one, beyond rounding.
fn assert_yields(side: Side, lower: f64, higher: f64) {
    let slack = 1e-9 * (1.0 + lower.abs());
    match side {
        Side::Harm => assert!(higher <= lower + slack, "harm grows from {lower} to {higher}"),
        Side::Safe => assert!(higher >= lower - slack, "safety falls from {lower} to {higher}"),
    }
}

proptest! {
    #[test]
    fn a_copy_goes_on_as_the_original(row in vec(-0.2..0.2_f64, 130), d in windows(), counted in counted(), cut in 0..40_usize, bound in 0.0..0.2_f64) {
        for side in SIDES {
            let mut engine = Calibrated::new(side, 60);
            engine.begin_step(profile(&row));
            assert_copies(engine, &d, cut, |engine, d| engine.push(*d, bound, &[0.5 * d]), Calibrated::ln_e);
            assert_copies(Uncalibrated::new(side, 60), &d, cut, |engine, d| engine.push(*d, bound), Uncalibrated::ln_e);
            let push = |engine: &mut Counts, [xc, xb, nc, nb]: &[f64; 4]| engine.push(*xc, *xb, *nc, *nb, 1.0 + bound);
            assert_copies(Counts::new(side, 60), &counted, cut, push, Counts::ln_e);
            let push = |engine: &mut AgainstLimit, [xc, _, nc, _]: &[f64; 4]| engine.push(*xc, *nc);
            assert_copies(AgainstLimit::new(side, 0.03), &counted, cut, push, AgainstLimit::ln_e);
        }
    }

    #[test]
    fn evidence_yields_to_the_bound(d in windows(), counted in counted(), bound in -0.3..0.3_f64, more in 0.0..0.5_f64, limit in 0.001..0.9_f64) {
        for side in SIDES {
            let uncalibrated = |bound: f64| {
                let mut engine = Uncalibrated::new(side, 60);
                d.iter().for_each(|d| engine.push(*d, bound));
                engine.ln_e()
            };
            // Whitening subtracts a part of the last window's bound: with one bound for all, what remains is its greater part.
            assert_yields(side, uncalibrated(bound), uncalibrated(bound + more));
            let against = |limit: f64| {
                let mut engine = AgainstLimit::new(side, limit);
                counted.iter().for_each(|[xc, _, nc, _]| engine.push(*xc, *nc));
                engine.ln_e()
            };
            assert_yields(side, against(limit), against(limit + (1.0 - limit) * more));
        }
    }

    #[test]
    fn a_slower_canary_is_no_less_harmful(row in vec(-0.2..0.2_f64, 130), d in vec(-0.2..0.2_f64, 1..40), more in 0.0..2.0_f64) {
        let calibrated = |add: f64| {
            let mut engine = Calibrated::new(Side::Harm, 60);
            engine.begin_step(profile(&row));
            d.iter().for_each(|d| engine.push(d + add, 0.1, &[]));
            engine.ln_e()
        };
        let uncalibrated = |add: f64| {
            let mut engine = Uncalibrated::new(Side::Harm, 60);
            d.iter().for_each(|d| engine.push(d + add, 0.1));
            engine.ln_e()
        };
        let (here, slower) = (uncalibrated(0.0), uncalibrated(more));
        prop_assert!(slower >= here - 1e-6 * (1.0 + here.abs()), "uncalibrated: {} {}", here, slower);
        let (here, slower) = (calibrated(0.0), calibrated(more));
        prop_assert!(slower >= here - 1e-9 * (1.0 + here.abs()), "calibrated: {} {}", here, slower);
    }

    #[test]
    fn nothing_nasty_in_todays_pseudo_canaries_yields_nan(row in vec(-0.2..0.2_f64, 130), d in vec(nasty(), 0..40), today in vec(vec(nasty(), 0..4), 40), kind in 0..3_usize, bound in nasty()) {
        // Ordinary, constant and tied histories.
        let history: Vec<f64> = row.iter().map(|value| [*value, 0.1, value.signum()][kind]).collect();
        for side in SIDES {
            let mut engine = Calibrated::new(side, 60);
            engine.begin_step(profile(&history));
            for (d, today) in d.iter().zip(&today) {
                engine.push(*d, bound, today);
                let ln_e = engine.ln_e();
                prop_assert!(!ln_e.is_nan() && ln_e < f64::INFINITY, "{}", ln_e);
                prop_assert!(engine.at_most() >= ln_e - 1e-12);
            }
        }
    }

    #[test]
    fn swapping_arms_flips_the_sign(counted in counted()) {
        for [xc, xb, nc, nb] in counted {
            let (one, other) = (paired_log_ratio(xc, xb, nc, nb), paired_log_ratio(xb, xc, nb, nc));
            prop_assert_eq!(one.is_nan(), nc == 0.0 || nb == 0.0);
            prop_assert!(one.is_nan() && other.is_nan() || one == -other);
        }
    }

    #[test]
    fn adjusted_chances_keep_order(p in vec(prop_oneof![4 => 0.0..1.0_f64, 2 => 0.0..0.01_f64, 1 => Just(0.0), 1 => Just(1.0), 1 => Just(f64::NAN)], 0..30), smaller in 0.0..1.0_f64, which in 0..30_usize) {
        let (strict, mild) = (holm(&p), benjamini_hochberg(&p));
        let raw: Vec<f64> = p.iter().map(|p| if p.is_nan() { 1.0 } else { *p }).collect();
        prop_assert_eq!((strict.len(), mild.len()), (p.len(), p.len()));
        for one in 0..p.len() {
            prop_assert!((0.0..=1.0).contains(&strict[one]) && (0.0..=1.0).contains(&mild[one]));
            prop_assert!(raw[one] <= mild[one] + 1e-15 && mild[one] <= strict[one] + 1e-15);
            for other in 0..p.len() {
                if raw[one] <= raw[other] {
                    prop_assert!(strict[one] <= strict[other] && mild[one] <= mild[other]);
                }
            }
        }
        // A smaller chance anywhere makes none larger.
        if which < p.len() {
            let mut less = raw.clone();
            less[which] *= smaller;
            for (adjusted, before) in [(holm(&less), &strict), (benjamini_hochberg(&less), &mild)] {
                prop_assert!(adjusted.iter().zip(before).all(|(now, before)| *now <= before + 1e-15));
            }
        }
    }

    #[test]
    fn more_evidence_names_no_fewer(ln_e in vec(prop_oneof![6 => -3.0..9.0_f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(f64::NEG_INFINITY)], 0..30), which in 0..30_usize, more in 0.0..9.0_f64, alpha in 0.001..0.3_f64) {
        let named = e_bh(&ln_e, alpha);
        prop_assert!(named.windows(2).all(|pair| pair[0] < pair[1]) && named.iter().all(|index| *index < ln_e.len() && !ln_e[*index].is_nan()));
        // Wherever one is named, whatever has at least its evidence is too; each has at least 1 / alpha.
        for one in &named {
            prop_assert!(ln_e[*one] >= (1.0 / alpha).ln() - 1e-12);
            prop_assert!((0..ln_e.len()).filter(|other| ln_e[*other] > ln_e[*one]).all(|other| named.contains(&other)));
        }
        // Whatever alone beats Bonferroni's threshold is named.
        let alone = (ln_e.len() as f64 / alpha).ln();
        prop_assert!((0..ln_e.len()).filter(|index| ln_e[*index] > alone).all(|index| named.contains(&index)));
        let milder = e_bh(&ln_e, (2.0 * alpha).min(0.999));
        prop_assert!(named.iter().all(|index| milder.contains(index)));
        if which < ln_e.len() {
            let mut lifted = ln_e.clone();
            lifted[which] += more;
            let after = e_bh(&lifted, alpha);
            prop_assert!(named.iter().all(|index| after.contains(index)));
        }
    }
}

/// The run's spread is measured on scores that are cut about the run's own first windows, so a shift of the whole run never
/// changes it, however wild some windows are (ADR 6). Cut about the profile's offset, windows far below it stayed cut while a
/// shift lifted the others; the spread grew, and with it the price of evidence: ln e fell from 14.2 to 5.4.
#[test]
fn a_shift_past_the_widest_clip_costs_no_evidence() {
    let spread = |window: i32| f64::from(window * 37 % 101 - 50) / 51.0;
    let heavy_tailed = |window: i32| 0.05 * spread(window) / (1.0 - spread(window).powi(2));
    let row: Vec<f64> = (0..202).map(heavy_tailed).collect();
    let known = profile(&row);
    let run = |more: f64| {
        let mut engine = Calibrated::new(Side::Harm, 60);
        engine.begin_step(Arc::clone(&known));
        (0..40).for_each(|window| engine.push(known.scale() * (if window % 6 == 5 { -40.0 } else { 3.0 } + more), 0.0, &[]));
        engine.ln_e()
    };
    let shifts = [0.0, 1.0, 2.0, 3.0, 4.0, 8.0, 20.0, 37.0, 43.0, 50.0];
    let evidence: Vec<f64> = shifts.into_iter().map(run).collect();
    assert!(evidence.is_sorted(), "{evidence:?}");
    assert!(evidence[0] > 5.0 && evidence[9] > 2.0 * evidence[5], "{evidence:?}");
}
