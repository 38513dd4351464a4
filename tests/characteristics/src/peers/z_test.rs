//! A z-test at every look, as a script beside a dashboard does it.

use davy_judge::arm::{Arm, PerArm};
use statrs::function::erf::erfc_inv;

use crate::observed::Observed;

/// Windows before a variance of values is believed.
const FIRST: usize = 5;

/// The first window (1-based) at which any metric is higher by more than `ln_bound` with one-sided `p < level`, on all windows so
/// far: two proportions where events of requests are counted, else Welch's test on the values' logarithms.
pub fn first_failure(metrics: &[Observed], ln_bound: f64, level: f64) -> Option<usize> {
    let windows = metrics.first()?.windows();
    let needed = std::f64::consts::SQRT_2 * erfc_inv(2.0 * level);
    let mut sums: Vec<PerArm<Sums>> = metrics.iter().map(|_| PerArm::default()).collect();
    (0..windows).find_map(|window| {
        let mut is_failed = false;
        for (sums, metric) in sums.iter_mut().zip(metrics) {
            for arm in Arm::BOTH {
                sums.get_mut(arm).add(metric, arm, window);
            }
            let z = if metric.counts.is_some() { proportions(sums, ln_bound) } else { welch(sums, ln_bound) };
            is_failed |= z > needed;
        }
        is_failed.then_some(window + 1)
    })
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
    events: f64,
    requests: f64,
}

impl Sums {
    fn add(&mut self, metric: &Observed, arm: Arm, window: usize) {
        let ln = metric.values.get(arm)[window].ln();
        if ln.is_finite() {
            self.count += 1.0;
            self.sum += ln;
            self.squares += ln * ln;
        }
        if let Some(counts) = &metric.counts {
            let (events, requests) = counts.get(arm)[window];
            self.events += events;
            self.requests += requests;
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count
    }

    fn variance_of_mean(&self) -> f64 {
        (self.squares - self.sum * self.sum / self.count) / (self.count - 1.0) / self.count
    }
}

fn welch(sums: &PerArm<Sums>, ln_bound: f64) -> f64 {
    if sums.baseline.count < FIRST as f64 || sums.canary.count < FIRST as f64 {
        return 0.0;
    }
    let deviation = (sums.baseline.variance_of_mean() + sums.canary.variance_of_mean()).sqrt();
    (sums.canary.mean() - sums.baseline.mean() - ln_bound) / deviation
}

/// Of two rates, the canary's expected events being those of the pooled rate at the bound.
fn proportions(sums: &PerArm<Sums>, ln_bound: f64) -> f64 {
    let events = sums.baseline.events + sums.canary.events;
    let weight = ln_bound.exp() * sums.canary.requests;
    if events <= 0.0 || weight <= 0.0 || sums.baseline.requests <= 0.0 {
        return 0.0;
    }
    let share = weight / (weight + sums.baseline.requests);
    (sums.canary.events - events * share) / (events * share * (1.0 - share)).sqrt()
}
