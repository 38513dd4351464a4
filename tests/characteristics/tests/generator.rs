//! The generator's noise is what it says: moments against their closed form, at six standard errors.

use davy_characteristics::cell::{Cell, Metric};
use davy_characteristics::latency::{Latency, NATIVE, native_reading, nominal, normal_quantile};
use davy_characteristics::noise::{MISSING, Noise, OFFSET};
use davy_characteristics::random::Draws;
use davy_characteristics::rules::plan;
use davy_characteristics::service::simulate;

fn draws(name: &str) -> Draws {
    Draws::new("a test", name, 0)
}

/// Mean, variance and autocorrelation at lag 1 over many short series, each with its standard error.
fn moments(noise: Noise, deviation: f64) -> [(f64, f64); 3] {
    let mut draws = draws(noise.name());
    let estimates: Vec<[f64; 3]> = (0..400)
        .map(|_| {
            let series = noise.own(&mut draws, 240, deviation);
            let count = series.len() as f64;
            let mean = series.iter().sum::<f64>() / count;
            let square = series.iter().map(|value| value * value).sum::<f64>() / count;
            let cross = series.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / (count - 1.0);
            [mean, square, cross]
        })
        .collect();
    [0, 1, 2].map(|moment| {
        let count = estimates.len() as f64;
        let mean = estimates.iter().map(|estimate| estimate[moment]).sum::<f64>() / count;
        let variance = estimates.iter().map(|estimate| (estimate[moment] - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, (variance / count).sqrt())
    })
}

#[test]
fn noise_has_the_variance_and_the_autocorrelation_that_it_says() {
    for noise in Noise::all() {
        let deviation = 0.05;
        let [(mean, mean_error), (square, square_error), (cross, cross_error)] = moments(noise, deviation);
        if let Some(variance) = noise.variance(deviation) {
            let found = square - mean * mean;
            assert!(
                (found - variance).abs() < 6.0 * (square_error + 2.0 * mean.abs() * mean_error),
                "{}: {found} {variance}",
                noise.name()
            );
            if let Some(autocorrelation) = noise.autocorrelation() {
                let found = cross - mean * mean;
                let wanted = autocorrelation * variance;
                assert!((found - wanted).abs() < 6.0 * (cross_error + 2.0 * mean.abs() * mean_error), "{}: {found} {wanted}", noise.name());
            }
        }
    }
}

#[test]
fn special_kinds_do_what_they_say() {
    let mut draws = draws("special");
    let offsets: Vec<f64> = (0..4000).map(|_| Noise::Lottery.offset(&mut draws)).collect();
    let spread = (offsets.iter().map(|offset| offset * offset).sum::<f64>() / 4000.0).sqrt();
    assert!((spread / OFFSET - 1.0).abs() < 0.07, "{spread}");
    assert_eq!(Noise::Iid.offset(&mut draws), 0.0);
    assert!((Noise::WarmUp.cold(0) - 1.6_f64.ln()).abs() < 1e-12 && Noise::WarmUp.cold(8) < 0.02 && Noise::Iid.cold(0) == 0.0);
    let (_, windows, height) = Noise::Bursts.unseen_burst(&mut draws, 65).expect("a burst");
    assert!(windows.len() == 5 && windows.end <= 65 && (height - 1.5_f64.ln()).abs() < 1e-12);
    let tide = Noise::Drift.common(&mut draws, 240);
    assert!(tide.iter().copied().fold(f64::MIN, f64::max) > 0.39 && tide.iter().sum::<f64>().abs() < 1e-9);
    let wander = Noise::Wander.own(&mut draws, 100_000, 0.0);
    assert!(wander.iter().all(|value| (0.0..=0.2).contains(value)) && wander.iter().any(|value| *value > 0.19));
}

#[test]
fn latencies_have_their_p99() {
    let mut draws = draws("latency");
    assert!((nominal() - 0.4038).abs() < 1e-3 && (normal_quantile(0.975) - 1.959_964).abs() < 1e-5);
    let healthy = Latency { shift: 0.0, tail_only: false };
    // In large samples ln P99 has this standard deviation: sigma √(q (1 − q) / n) / φ(z).
    let requests = 10_000.0;
    let found: Vec<f64> = (0..2000).map(|_| (healthy.sampled_p99(&mut draws, requests) / nominal()).ln()).collect();
    let mean = found.iter().sum::<f64>() / 2000.0;
    let deviation = (found.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2000.0).sqrt();
    let wanted = 0.6 * (0.01_f64 * 0.99 / requests).sqrt() / 0.026_652;
    assert!(mean.abs() < 0.005 && (deviation / wanted - 1.0).abs() < 0.1, "{mean} {deviation} {wanted}");
    // And so have counts by bucket: shares above a bound, all requests in all.
    let ln_bounds: Vec<f64> = NATIVE.iter().map(|bound| (bound / 0.1).ln()).collect();
    let (mut counts, mut sum) = (Vec::new(), vec![0.0; NATIVE.len() + 1]);
    for _ in 0..200 {
        healthy.counts(&mut draws, requests, &ln_bounds, &mut counts);
        assert_eq!(counts.iter().sum::<f64>(), requests);
        sum.iter_mut().zip(&counts).for_each(|(sum, count)| *sum += count);
    }
    for bound in [0, 8, 13, 16] {
        let above = sum[bound + 1..].iter().sum::<f64>() / (200.0 * requests);
        let wanted = healthy.survival(ln_bounds[bound]);
        assert!((above - wanted).abs() < 6.0 * (wanted / (200.0 * requests)).sqrt(), "{bound}: {above} {wanted}");
    }
    let reading = native_reading(&sum);
    assert_eq!(reading.count, 200.0 * requests);
    assert!(reading.buckets.windows(2).all(|pair| pair[0].1 <= pair[1].0));
    // A tail-only regression moves the P99 beyond the tolerance, and the median hardly.
    let tail = Latency { tail_only: true, ..healthy };
    assert!(tail.survival(nominal().ln() - 0.1_f64.ln()) > 0.02 && tail.survival(0.0) < 0.52);
}

#[test]
fn what_the_peers_see_is_what_was_asked_for() {
    for (name, ln_effect) in [
        ("iid 1:1 p99 +25% history", 1.25_f64.ln()),
        ("iid 1:1 errors ->0.3% history", 3.0_f64.ln()),
        ("iid 1:1 native +50% history", 1.5_f64.ln()),
        ("iid 1:9 throughput +25% history", -0.75_f64.ln()),
    ] {
        let cell = Cell::parse(name).expect("a cell");
        let mut sum = 0.0;
        for replicate in 0..4 {
            let plan = plan(&cell, replicate).expect("a plan");
            let observed = simulate(&cell, &plan, &mut Draws::new("a test", name, replicate)).observed.remove(0);
            assert_eq!(observed.windows(), 60);
            sum += (0..60).map(|window| (observed.values.canary[window] / observed.values.baseline[window]).ln()).sum::<f64>();
        }
        let allowed = 6.0 * cell.metric.deviation() * (2.0_f64 / 240.0).sqrt() + 0.03;
        assert!((sum / 240.0 - ln_effect).abs() < allowed, "{name}: {} {ln_effect}", sum / 240.0);
    }
    let cell = Cell::parse("gaps 1:1 p99 aa history").expect("a cell");
    let missing: usize = (0..20)
        .map(|replicate| {
            let plan = plan(&cell, replicate).expect("a plan");
            let observed = simulate(&cell, &plan, &mut Draws::new("a test", "gaps", replicate)).observed.remove(0);
            observed.values.canary.iter().filter(|value| value.is_nan()).count()
        })
        .sum();
    assert!((missing as f64 / 1200.0 - MISSING).abs() < 0.06, "{missing}");
}

#[test]
fn cells_are_read_as_they_are_written() {
    let published = Cell::list(include_str!("../cells.txt")).expect("the published list");
    assert!(!published.is_empty() && published.len() <= 120, "{}", published.len());
    for cell in published.iter().chain(&Cell::product()) {
        assert_eq!(Cell::parse(&cell.to_string()).as_ref(), Ok(cell));
        plan(cell, 1).expect("its rules are valid");
    }
    for (line, wanted) in [
        ("iid 1:1 p99 aa", "NOISE SPLIT"),
        ("odd 1:1 p99 aa history", "a kind of noise"),
        ("iid 1:2 p99 aa history", "a split"),
        ("iid 1:1 p98 aa history", "a metric"),
        ("iid 1:1 p99 much history", "an effect"),
        ("iid 1:1 errors +50% history", "errors have a rate"),
        ("iid 1:1 p99 aa history y", "xM"),
    ] {
        assert!(Cell::parse(line).expect_err(line).contains(wanted), "{line}");
    }
    assert!(Cell::list("iid 1:1 p99 aa history\n\niid 1:1 p99 aa history # again").expect_err("twice").starts_with("line 3"));
    assert_eq!(Cell::parse("iid 1:1 errors tol history").expect("a cell").metric, Metric::Errors);
}

#[test]
fn a_replicate_can_be_made_again_alone() {
    let cell = Cell::parse("ar.5 1:9 errors aa history").expect("a cell");
    let observed = |seed: &str, replicate| {
        let plan = plan(&cell, replicate).expect("a plan");
        simulate(&cell, &plan, &mut Draws::new(seed, &cell.to_string(), replicate)).observed
    };
    assert_eq!(observed("a", 7), observed("a", 7));
    assert_ne!(observed("a", 7), observed("a", 8));
    assert_ne!(observed("a", 7), observed("b", 7));
}
