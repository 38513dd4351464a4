//! What futures are drawn from: the baseline's past, cut into pairs of a canary and a baseline between which nothing is
//! wrong.

use davy_judge::arm::PerArm;
use davy_judge::history::MetricHistory;
use davy_judge::reading::{BucketCounts, Reading};
use davy_judge::rule::Kind;
use davy_sources::align::AlignedWindow;
use davy_sources::pseudo_canary::{HistoryWindows, choose};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::forecast::effect::drawn;
use crate::plan::Plan;

/// Pairs that are made up where the baseline cannot be cut.
const MADE_UP_ROWS: usize = 4;
/// Neighbours on either side that tell how a window was, where its canary is made up.
const NEIGHBOURS: usize = 5;

/// One metric's pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricMaterial {
    /// Pairs over time, each as long as the others: a pseudo-canary as `canary`, the rest of the baseline as `baseline`.
    pub rows: Vec<Vec<PerArm<Reading>>>,
    /// What the judge is given to learn noise from, or why there is nothing.
    pub history: Result<MetricHistory, String>,
    /// All observations of the past in one histogram, where the metric is one.
    pub pooled: Option<BucketCounts>,
    /// The canary was drawn from the whole baseline, because there are no instances to play it: as quiet as chance allows.
    pub is_made_up: bool,
}

/// All metrics' pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Material {
    /// One per metric, in the rules' order.
    pub metrics: Vec<MetricMaterial>,
    /// How many instances stand behind each arm, for throughput: in thousandths.
    pub instances: PerArm<usize>,
    /// Windows that futures are drawn from, counted back from the last one, ascending in time: those in which any metric shows
    /// the baseline. Before a service was there, and while nobody looked, nothing happened that could happen again.
    usable: Vec<usize>,
}

impl Material {
    /// Cuts the baseline's past as an analysis would. `traffic`: requests per window of each arm, one per metric; 0 where
    /// unknown.
    pub fn of(plan: &Plan, past: &[AlignedWindow], traffic: &[PerArm<f64>], seed: u64) -> Material {
        let rows_wanted = plan.rules.history.as_ref().map_or(0, |history| history.pseudo_canaries);
        let history = HistoryWindows { windows: past.to_vec() };
        let mut metrics = Vec::new();
        // Of the first rate: the others are brought to it.
        let mut exposure: Option<PerArm<f64>> = None;
        for (metric, rule) in plan.rules.metrics.iter().enumerate() {
            let arms = traffic.get(metric).copied().unwrap_or_default();
            let whole: Vec<Reading> =
                past.iter().map(|window| window.metrics.get(metric).map_or(Reading::Missing, |arms| arms.baseline.merged())).collect();
            let pooled = pooled(&whole);
            let chosen =
                choose(&history, metric, arms.canary, arms.baseline, rows_wanted).map(|pseudo| pseudo.rows(&history, metric, seed));
            metrics.push(match chosen {
                Ok(history) if rule.rule.kind == Kind::Rate => {
                    let rows = history.rows.iter().zip(&history.exposure);
                    let rows = rows.map(|(row, of_row)| {
                        let (row, own) = whole_baseline(row, *of_row, &history.baseline);
                        let wanted = *exposure.get_or_insert(own);
                        brought_to(row, own, wanted)
                    });
                    MetricMaterial { rows: rows.collect(), history: Ok(history), pooled, is_made_up: false }
                }
                Ok(history) => MetricMaterial { rows: history.rows.clone(), history: Ok(history), pooled, is_made_up: false },
                Err(why) => {
                    let share = if arms.baseline > 0.0 && arms.canary > 0.0 { arms.canary / arms.baseline } else { 1.0 };
                    let mut random = ChaCha8Rng::seed_from_u64(seed ^ (metric as u64 + 1));
                    let rows = (0..MADE_UP_ROWS).map(|_| made_up(&whole, share, &mut random));
                    let own = PerArm { baseline: 1.0, canary: share };
                    let rows = rows.map(|row| match rule.rule.kind {
                        Kind::Rate => brought_to(row, own, *exposure.get_or_insert(own)),
                        Kind::Ratio | Kind::Quantile(_) | Kind::Scalar => row,
                    });
                    MetricMaterial { rows: rows.collect(), history: Err(why), pooled, is_made_up: true }
                }
            });
        }
        let thousandths = |share: f64| ((share * 1e3).round() as usize).max(1);
        let longest = metrics.iter().map(|metric| metric.rows.iter().map(Vec::len).min().unwrap_or(0)).min().unwrap_or(0);
        let shows = |back: usize| {
            metrics
                .iter()
                .flat_map(|metric| &metric.rows)
                .any(|row| row.len().checked_sub(back + 1).and_then(|at| row.get(at)).is_some_and(|pair| pair.baseline != Reading::Missing))
        };
        let usable = (0..longest).rev().filter(|back| shows(*back)).collect();
        Material { metrics, usable, instances: exposure.map_or(PerArm { baseline: 1, canary: 1 }, |exposure| exposure.map(thousandths)) }
    }

    /// How many windows futures are drawn from.
    pub fn windows(&self) -> usize {
        self.usable.len()
    }

    /// How many rows the metric with the most of them has.
    pub fn rows(&self) -> usize {
        self.metrics.iter().map(|metric| metric.rows.len()).max().unwrap_or(0)
    }

    /// The pair of a metric in a row (rows of metrics with fewer are used again) in one of the windows, ascending in time.
    /// Counted from the end, so that all metrics show the same time.
    pub fn pair(&self, metric: usize, row: usize, window: usize) -> PerArm<Reading> {
        let Some(back) = self.usable.get(window) else { return PerArm::default() };
        let rows = &self.metrics[metric].rows;
        let Some(row) = rows.get(row % rows.len().max(1)) else { return PerArm::default() };
        row.len().checked_sub(back + 1).and_then(|at| row.get(at)).cloned().unwrap_or_default()
    }
}

/// All windows' observations; windows with other buckets than the first are left out.
fn pooled(whole: &[Reading]) -> Option<BucketCounts> {
    let mut sum: Option<(std::sync::Arc<[f64]>, Vec<f64>)> = None;
    for reading in whole {
        let Reading::Histogram(counts) = reading else { continue };
        match &mut sum {
            None => sum = Some((counts.bounds().clone(), counts.counts().to_vec())),
            Some((bounds, sum)) if bounds == counts.bounds() => {
                sum.iter_mut().zip(counts.counts()).for_each(|(sum, count)| *sum += count);
            }
            Some(_) => {}
        }
    }
    sum.and_then(|(bounds, counts)| BucketCounts::new(bounds, counts))
}

/// Totals of the rest, scaled to those of the whole baseline, with the shares that then hold: in a rollout the baseline is
/// whole, and its level is compared with its own past.
fn whole_baseline(row: &[PerArm<Reading>], exposure: PerArm<f64>, whole: &[Reading]) -> (Vec<PerArm<Reading>>, PerArm<f64>) {
    let (mut of_rest, mut of_whole) = (0.0, 0.0);
    for (pair, whole) in row.iter().zip(whole) {
        if let (Reading::Total(rest), Reading::Total(whole)) = (&pair.baseline, whole) {
            of_rest += rest;
            of_whole += whole;
        }
    }
    let times = if of_rest > 0.0 { of_whole / of_rest } else { 1.0 };
    let row = row.iter().map(|pair| PerArm { baseline: scaled(&pair.baseline, times), canary: pair.canary.clone() });
    (row.collect(), PerArm { baseline: exposure.baseline * times, canary: exposure.canary })
}

/// Canary totals, scaled so that an equal canary looks equal at the wanted shares.
fn brought_to(row: Vec<PerArm<Reading>>, own: PerArm<f64>, wanted: PerArm<f64>) -> Vec<PerArm<Reading>> {
    let times = (wanted.canary / wanted.baseline) / (own.canary / own.baseline);
    if !(times.is_finite() && times > 0.0) {
        return row;
    }
    row.into_iter().map(|pair| PerArm { canary: scaled(&pair.canary, times), baseline: pair.baseline }).collect()
}

fn scaled(reading: &Reading, times: f64) -> Reading {
    match reading {
        Reading::Total(total) => Reading::Total(total * times),
        Reading::Missing | Reading::Value(_) | Reading::Counts { .. } | Reading::Histogram(_) => reading.clone(),
    }
}

/// A canary that is drawn anew from what the windows around show, with its share of the traffic.
fn made_up(whole: &[Reading], share: f64, random: &mut ChaCha8Rng) -> Vec<PerArm<Reading>> {
    (0..whole.len())
        .map(|at| {
            let around = &whole[at.saturating_sub(NEIGHBOURS)..(at + NEIGHBOURS + 1).min(whole.len())];
            let canary = match &whole[at] {
                Reading::Missing => Reading::Missing,
                // Another window's value: what there is of noise.
                Reading::Value(_) => {
                    let values: Vec<&Reading> = around.iter().filter(|reading| matches!(reading, Reading::Value(_))).collect();
                    values[drawn_index(random, values.len())].clone()
                }
                Reading::Total(total) => Reading::Total(total_of(random, total * share)),
                Reading::Counts { requests, .. } => {
                    let (mut bad, mut all) = (0.0, 0.0);
                    for reading in around {
                        if let Reading::Counts { events, requests } = reading {
                            bad += events;
                            all += requests;
                        }
                    }
                    let requests = (requests * share).round();
                    let events = if all > 0.0 { drawn(random, requests, bad / all) } else { 0.0 };
                    if requests > 0.0 { Reading::Counts { events, requests } } else { Reading::Missing }
                }
                Reading::Histogram(counts) => drawn_histogram(counts, around, share, random),
            };
            PerArm { baseline: whole[at].clone(), canary }
        })
        .collect()
}

fn drawn_index(random: &mut ChaCha8Rng, count: usize) -> usize {
    use rand_chacha::rand_core::Rng as _;
    usize::try_from(random.next_u64() % count.max(1) as u64).unwrap_or(0)
}

/// About Poisson: a large number of rare successes.
fn total_of(random: &mut ChaCha8Rng, mean: f64) -> f64 {
    const RARE: f64 = 1e-3;
    drawn(random, (mean / RARE).round(), RARE)
}

fn drawn_histogram(counts: &BucketCounts, around: &[Reading], share: f64, random: &mut ChaCha8Rng) -> Reading {
    let mut pooled = vec![0.0; counts.counts().len()];
    for reading in around {
        if let Reading::Histogram(other) = reading
            && other.bounds() == counts.bounds()
        {
            for (sum, count) in pooled.iter_mut().zip(other.counts()) {
                *sum += count;
            }
        }
    }
    let mut weight: f64 = pooled.iter().sum();
    let mut left = (counts.total() * share).round();
    let mut own = Vec::with_capacity(pooled.len());
    for count in &pooled {
        let taken = if weight > 0.0 { drawn(random, left, (count / weight).clamp(0.0, 1.0)) } else { 0.0 };
        own.push(taken);
        left -= taken;
        weight -= count;
    }
    match BucketCounts::new(counts.bounds().clone(), own) {
        Some(own) if own.total() > 0.0 => Reading::Histogram(own),
        Some(_) | None => Reading::Missing,
    }
}
