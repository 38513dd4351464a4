//! What the judge's numbers cost: `cargo bench -p davy-judge`. What each should cost stands in `docs/performance.md`.

use std::sync::Arc;

use davy_judge::arm::PerArm;
use davy_judge::evidence::Side;
use davy_judge::evidence::against_limit::AgainstLimit;
use davy_judge::evidence::calibrated::Calibrated;
use davy_judge::evidence::counts::Counts;
use davy_judge::evidence::uncalibrated::Uncalibrated;
use davy_judge::fixed_horizon::kayenta::{Classification, classify};
use davy_judge::fixed_horizon::{hodges_lehmann, mann_whitney};
use davy_judge::interval::{Edge, Expected, edge};
use davy_judge::noise::NoiseProfile;
use divan::{Bencher, black_box};

const WINDOWS: usize = 60;
const LONG: usize = 1_440;
const FALSE_ROLLBACK: f64 = 0.01;
const FALSE_PROMOTE: f64 = 0.05;

fn main() {
    divan::main();
}

/// Roughly normal noise of standard deviation 1 from a fixed seed: the sum of twelve uniform numbers.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn series(&mut self, length: usize, level: f64, deviation: f64) -> Vec<f64> {
        (0..length).map(|_| level + deviation * self.normal()).collect()
    }
}

fn history() -> Vec<Vec<f64>> {
    let mut noise = Noise(1);
    (0..6).map(|_| noise.series(120, 0.0, 0.07)).collect()
}

fn profile(longest: usize) -> Arc<NoiseProfile> {
    Arc::new(NoiseProfile::from_history(&history(), longest).expect("720 windows are enough"))
}

/// How much slower the canary is: not at all, and by a quarter.
const FACTORS: [f64; 2] = [1.0, 1.25];

fn log_ratios(length: usize, factor: f64) -> Vec<f64> {
    Noise(2).series(length, factor.ln(), 0.07)
}

/// An analysis that is looked at after every window, in both directions, and whose effect's interval is wanted at the end.
fn polled(profile: &Arc<NoiseProfile>, d: &[f64]) -> (Option<usize>, Option<usize>, Edge, Edge) {
    let bound = 1.1_f64.ln();
    let (harmful, safe) = ((1.0 / FALSE_ROLLBACK).ln(), (1.0 / FALSE_PROMOTE).ln());
    let (mut against, mut for_it) = (Calibrated::new(Side::Harm, d.len()), Calibrated::new(Side::Safe, d.len()));
    against.begin_step(Arc::clone(profile));
    for_it.begin_step(Arc::clone(profile));
    let (mut rollback, mut promote) = (None, None);
    for (window, value) in d.iter().enumerate() {
        against.push(*value, bound, &[]);
        for_it.push(*value, bound, &[]);
        if against.reaches(harmful) && rollback.is_none() {
            rollback = Some(window);
        }
        if for_it.reaches(safe) && promote.is_none() {
            promote = Some(window);
        }
    }
    let middle = d.iter().sum::<f64>() / d.len() as f64;
    let (against, for_it) = (against.elsewhere(), for_it.elsewhere());
    let lower = edge(-3.0, 3.0, middle, Expected::Below, |at| against.ln_e(|_| at) - harmful);
    let upper = edge(-3.0, 3.0, middle, Expected::Above, |at| for_it.ln_e(|_| at) - safe);
    (rollback, promote, lower, upper)
}

#[divan::bench(args = FACTORS)]
fn polled_analysis_of_60_windows(bencher: Bencher, factor: f64) {
    let (profile, d) = (profile(WINDOWS), log_ratios(WINDOWS, factor));
    bencher.bench(|| polled(black_box(&profile), black_box(&d)));
}

#[divan::bench(args = FACTORS)]
fn polled_analysis_with_its_profile_from_720_windows(bencher: Bencher, factor: f64) {
    let (rows, d) = (history(), log_ratios(WINDOWS, factor));
    bencher.bench(|| {
        let profile = NoiseProfile::from_history(black_box(&rows), WINDOWS).expect("720 windows are enough");
        polled(&Arc::new(profile), black_box(&d))
    });
}

#[divan::bench]
fn profile_from_720_windows(bencher: Bencher) {
    let rows = history();
    bencher.bench(|| NoiseProfile::from_history(black_box(&rows), WINDOWS));
}

/// Kayenta's classification after every window, on both arms' values.
#[divan::bench(args = FACTORS)]
fn polled_kayenta_of_60_windows(bencher: Bencher, factor: f64) {
    let mut noise = Noise(3);
    let baseline = noise.series(WINDOWS, 100.0, 5.0);
    let canary = noise.series(WINDOWS, 100.0 * factor, 5.0);
    bencher.bench(|| {
        (1..=WINDOWS)
            .filter(|count| {
                let arms = PerArm { baseline: &black_box(&baseline)[..*count], canary: &black_box(&canary)[..*count] };
                classify(arms) == Classification::High
            })
            .count()
    });
}

#[divan::bench(args = [WINDOWS, LONG])]
fn one_more_window_calibrated(bencher: Bencher, windows: usize) {
    let (profile, d) = (profile(windows), log_ratios(windows, 1.05));
    let mut engine = Calibrated::new(Side::Harm, windows);
    engine.begin_step(profile);
    d[1..].iter().for_each(|value| engine.push(*value, 0.1, &[]));
    bencher.with_inputs(|| engine.clone()).bench_local_values(|mut running| {
        running.push(d[0], 0.1, &[]);
        let ln_e = running.ln_e();
        (running, ln_e)
    });
}

#[divan::bench(args = [WINDOWS, LONG])]
fn one_more_window_uncalibrated(bencher: Bencher, windows: usize) {
    let d = log_ratios(windows, 1.05);
    let mut engine = Uncalibrated::new(Side::Harm, windows);
    d[1..].iter().for_each(|value| engine.push(*value, 0.1));
    bencher.with_inputs(|| engine.clone()).bench_local_values(|mut running| {
        running.push(d[0], 0.1);
        let ln_e = running.ln_e();
        (running, ln_e)
    });
}

#[divan::bench(args = [WINDOWS, LONG])]
fn one_more_window_counts(bencher: Bencher, windows: usize) {
    let mut engine = Counts::new(Side::Harm, windows);
    let events = Noise(4).series(2 * windows, 10.0, 3.0);
    let mut pairs = events.chunks_exact(2).map(|pair| (pair[0].round().abs(), pair[1].round().abs()));
    let last = pairs.next().expect("there are windows");
    pairs.for_each(|(canary, baseline)| engine.push(canary, baseline, 1e4, 1e4, 1.5));
    bencher.with_inputs(|| engine.clone()).bench_local_values(|mut running| {
        running.push(last.0, last.1, 1e4, 1e4, 1.5);
        let ln_e = running.ln_e();
        (running, ln_e)
    });
}

#[divan::bench(args = [WINDOWS, LONG])]
fn one_more_window_against_a_limit(bencher: Bencher, windows: usize) {
    let mut engine = AgainstLimit::new(Side::Harm, 0.001);
    let events = Noise(5).series(windows, 10.0, 3.0);
    events[1..].iter().for_each(|count| engine.push(count.round().abs(), 1e4));
    bencher.with_inputs(|| engine.clone()).bench_local_values(|mut running| {
        running.push(events[0].round().abs(), 1e4);
        let ln_e = running.ln_e();
        (running, ln_e)
    });
}

#[divan::bench(sample_count = 20)]
fn mann_whitney_with_interval_of_100_000(bencher: Bencher) {
    let mut noise = Noise(6);
    let (baseline, canary) = (noise.series(100_000, 100.0, 5.0), noise.series(100_000, 100.1, 5.0));
    bencher.bench(|| {
        let arms = PerArm { baseline: black_box(&baseline[..]), canary: black_box(&canary[..]) };
        (mann_whitney(arms), hodges_lehmann(arms, 0.98))
    });
}
