//! An oracle: Wald's sequential likelihood ratio of the true effect against the tolerance, by somebody who knows the noise, the
//! effect and its onset. Nobody who has to learn them can be faster on average at the same level, so it says what the data hold.
//!
//! It sees what Davy compares, the arms against each other, never the nominal level. Where a window's noise is continuous it
//! works on the log ratio; where events are few, on the binomial of the pooled events, the noise integrated out. The sampling
//! error of a P99 is taken as normal, and independent of the window.

use crate::cell::{Cell, Metric, Split};
use crate::latency::{Latency, SIGMA, normal_quantile};
use crate::noise::{Noise, SPIKE, SPIKES};
use crate::observed::Observed;
use crate::replicate::Ending;
use crate::rules::REQUESTS;
use crate::service::ln_bound;

/// 1 / `false_rollback`.
const NEEDED: f64 = 100.0;
/// Nodes of the integral over a window's noise.
const NODES: usize = 41;
/// A step of the tables of heavy densities, log units.
const CELL: f64 = 0.004;
/// Half their width, in steps.
const HALF: usize = 750;

/// What is known of a cell.
pub struct Oracle {
    onset: usize,
    kind: Kind,
}

enum Kind {
    /// An autoregressive signal of this variance and coefficient with white noise of the other variance on top: means under the
    /// alternative and the hypothesis.
    Gaussian { signal: f64, coefficient: f64, white: f64, effect: f64, bound: f64 },
    /// ln of the density of the log ratio's noise, in steps about 0.
    Table { ln_density: Vec<f64>, effect: f64, bound: f64 },
    /// Logs of the rate ratio under both, with the noise's nodes and weights.
    Counts { nodes: Vec<(f64, f64)>, effect: f64, bound: f64 },
}

impl Oracle {
    /// Of a cell with one metric, a fixed split, a harmful effect on everything, and noise that is independent, autoregressive or
    /// heavy; else there is none.
    pub fn new(cell: &Cell) -> Option<Oracle> {
        let is_late_or_whole = cell.ln_effect() > cell.ln_tolerance() + 1e-9;
        if cell.metrics > 1 || cell.split == Split::Ramp || !is_late_or_whole {
            return None;
        }
        let coefficient = match cell.noise {
            Noise::Iid | Noise::Drift | Noise::QuietHistory => 0.0,
            Noise::Ar5 => 0.5,
            Noise::Ar8 => 0.8,
            Noise::Heavy => 0.0,
            Noise::Quantised
            | Noise::Gaps
            | Noise::WarmUp
            | Noise::Lottery
            | Noise::Wander
            | Noise::Bursts
            | Noise::BurstyErrors
            | Noise::Storms
            | Noise::Sawtooth => return None,
        };
        let share = cell.split.shares()[0];
        let (canary, baseline) = (REQUESTS * share, REQUESTS * (1.0 - share));
        let deviation = cell.metric.deviation();
        let (effect, bound) = (cell.ln_effect(), cell.ln_tolerance());
        let kind = match cell.metric {
            Metric::P99 => {
                let white = p99_variance(canary) + p99_variance(baseline);
                if cell.noise == Noise::Heavy {
                    Kind::Table { ln_density: heavy_density(deviation, white), effect, bound }
                } else {
                    Kind::Gaussian { signal: 2.0 * deviation * deviation, coefficient, white, effect, bound }
                }
            }
            Metric::Errors if coefficient == 0.0 && cell.noise != Noise::Heavy => {
                Kind::Counts { nodes: nodes(2.0 * deviation * deviation), effect, bound }
            }
            Metric::Native | Metric::Classic if coefficient == 0.0 && cell.noise != Noise::Heavy => {
                // On the rate of exceedance: the tail's local slope turns noise of latency into noise of the rate.
                let at = ln_bound(cell.metric);
                let survival = |shift: f64| Latency { shift, tail_only: false }.survival(at).ln();
                let slope = (survival(deviation) - survival(-deviation)) / (2.0 * deviation);
                let ln_ratio = |shift: f64| survival(shift) - survival(0.0);
                Kind::Counts { nodes: nodes(2.0 * (slope * deviation).powi(2)), effect: ln_ratio(effect), bound: ln_ratio(bound) }
            }
            Metric::Throughput => {
                Kind::Gaussian { signal: 2.0 * deviation * deviation, coefficient, white: 1.0 / canary + 1.0 / baseline, effect, bound }
            }
            Metric::Errors | Metric::Native | Metric::Classic => return None,
        };
        Some(Oracle { onset: cell.onset(), kind })
    }

    /// Judges a replicate.
    pub fn judge(&self, metrics: &[Observed]) -> Ending {
        let Some(metric) = metrics.first() else { return Ending::Hold };
        let crossed = match &self.kind {
            Kind::Gaussian { signal, coefficient, white, effect, bound } => {
                let mut filters = [Filter::new(*signal), Filter::new(*signal)];
                self.crossing(metric, |window| {
                    let d = difference(metric, window);
                    let [one, other] = &mut filters;
                    let likelihood = |filter: &mut Filter, mean: f64| filter.take(d - mean, *signal, *coefficient, *white);
                    likelihood(one, *effect) - likelihood(other, *bound)
                })
            }
            Kind::Table { ln_density, effect, bound } => self.crossing(metric, |window| {
                let d = difference(metric, window);
                let at = |mean: f64| {
                    let place = ((d - mean) / CELL + HALF as f64).round().clamp(0.0, (2 * HALF) as f64);
                    ln_density[place as usize]
                };
                if d.is_finite() { at(*effect) - at(*bound) } else { 0.0 }
            }),
            Kind::Counts { nodes, effect, bound } => {
                let Some(counts) = &metric.counts else { return Ending::Hold };
                self.crossing(metric, |window| {
                    let ((bad_canary, canary), (bad_baseline, baseline)) = (counts.canary[window], counts.baseline[window]);
                    if canary <= 0.0 || baseline <= 0.0 {
                        return 0.0;
                    }
                    let likelihood = |mean: f64| {
                        let term = |(noise, weight): &(f64, f64)| {
                            let odds = (mean + noise).exp() * canary / baseline;
                            weight.ln() + bad_canary * odds.ln() - (bad_canary + bad_baseline) * odds.ln_1p()
                        };
                        ln_sum(&nodes.iter().map(term).collect::<Vec<f64>>())
                    };
                    likelihood(*effect) - likelihood(*bound)
                })
            }
        };
        crossed.map_or(Ending::Hold, Ending::Rollback)
    }

    fn crossing(&self, metric: &Observed, mut increment: impl FnMut(usize) -> f64) -> Option<usize> {
        let mut sum = 0.0;
        (self.onset..metric.windows()).find_map(|window| {
            sum += increment(window);
            (sum >= NEEDED.ln()).then_some(window + 1)
        })
    }
}

fn difference(metric: &Observed, window: usize) -> f64 {
    metric.values.canary[window].ln() - metric.values.baseline[window].ln()
}

fn ln_sum(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
}

/// The variance of ln P99 of so many requests, in large samples.
fn p99_variance(requests: f64) -> f64 {
    let z = normal_quantile(0.99);
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    0.01 * 0.99 * (SIGMA / density).powi(2) / requests
}

/// Kalman's filter of one autoregressive signal with white noise on top.
struct Filter {
    mean: f64,
    variance: f64,
}

impl Filter {
    fn new(signal: f64) -> Filter {
        Filter { mean: 0.0, variance: signal }
    }

    /// ln of the value's density given those before (up to a constant), and on to the next window.
    fn take(&mut self, value: f64, signal: f64, coefficient: f64, white: f64) -> f64 {
        let mut ln = 0.0;
        if value.is_finite() {
            let total = self.variance + white;
            let surprise = value - self.mean;
            ln = -0.5 * (surprise * surprise / total + total.ln());
            let gain = self.variance / total;
            self.mean += gain * surprise;
            self.variance *= 1.0 - gain;
        }
        self.mean *= coefficient;
        self.variance = coefficient * coefficient * self.variance + (1.0 - coefficient * coefficient) * signal;
        ln
    }
}

/// Nodes and weights of a normal of this variance.
fn nodes(variance: f64) -> Vec<(f64, f64)> {
    let at = |node: usize| -5.0 + 10.0 * node as f64 / (NODES - 1) as f64;
    let total: f64 = (0..NODES).map(|node| (-0.5 * at(node).powi(2)).exp()).sum();
    (0..NODES).map(|node| (at(node) * variance.sqrt(), (-0.5 * at(node).powi(2)).exp() / total)).collect()
}

/// ln density of the difference of two heavy noises with sampling error of this variance, on steps of [`CELL`] about 0.
fn heavy_density(deviation: f64, white: f64) -> Vec<f64> {
    let steps = 2 * HALF + 1;
    let x = |at: usize| (at as f64 - HALF as f64) * CELL;
    let scale = deviation / 3.0_f64.sqrt();
    let student = |value: f64| 2.0 / (std::f64::consts::PI * 3.0_f64.sqrt() * scale) / (1.0 + (value / scale).powi(2) / 3.0).powi(2);
    let arm: Vec<f64> = (0..steps).map(|at| (1.0 - SPIKES) * student(x(at)) + SPIKES * student(x(at) - SPIKE.ln())).collect();
    let mut difference = vec![0.0; steps];
    for (at, value) in difference.iter_mut().enumerate() {
        // The integral of arm(y) arm(y - x) over y.
        *value =
            (0..steps).filter_map(|y| (y + HALF).checked_sub(at).and_then(|other| arm.get(other)).map(|other| arm[y] * other)).sum::<f64>()
                * CELL;
    }
    let reach = (5.0 * white.sqrt() / CELL).ceil() as i64;
    let kernel: Vec<f64> = (-reach..=reach).map(|at| (-0.5 * (at as f64 * CELL).powi(2) / white).exp()).collect();
    let whole: f64 = kernel.iter().sum();
    (0..steps)
        .map(|at| {
            let sum: f64 = kernel
                .iter()
                .zip(-reach..=reach)
                .map(|(weight, by)| {
                    weight * usize::try_from(at as i64 + by).ok().and_then(|other| difference.get(other)).copied().unwrap_or(0.0)
                })
                .sum();
            (sum / whole).max(1e-12).ln()
        })
        .collect()
}
