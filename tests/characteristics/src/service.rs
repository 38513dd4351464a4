//! One simulated rollout: six instances of the baseline with a past, a canary, and a source that serves their samples.
//!
//! An arm's noise is common to its instances. What the baseline's instances do against each other is drawn so that the history's
//! rows (one instance against the rest; with arms of one size one half against the other) vary exactly as much as the canary
//! against the baseline does: the judge is shown the noise that it will meet, unless the kind of noise says otherwise.

use std::collections::BTreeMap;

use davy_gate::plan::Plan;
use davy_judge::arm::{Arm, PerArm};
use davy_sources::samples::{FetchPlan, NativeHistogram, Part, Samples, Series, Span, StreamData, StreamSpec};
use davy_sources::source::{Fetched, Source};

use crate::cell::{Cell, ERROR_RATE, Effect, Metric, Split};
use crate::latency::{CLASSIC, Latency, MEDIAN, NATIVE, interpolated_p99, native_reading, nominal};
use crate::noise::{MISSING, Noise, QUIETER};
use crate::observed::Observed;
use crate::random::Draws;
use crate::rules::{REQUESTS, STEP_MS, Timeline};

/// Instances of the baseline.
pub const INSTANCES: usize = 6;
const ROUNDING: f64 = 0.01;

/// Samples in memory.
#[derive(Debug, Clone, Default)]
pub struct Service {
    run: Vec<StreamData>,
    history: Vec<StreamData>,
}

impl Service {
    /// The same service whose canary never sends anything.
    #[must_use]
    pub fn without_canary(mut self) -> Service {
        for data in &mut self.run {
            data.series.retain(|series| series.arm != Arm::Canary);
        }
        self
    }

    /// The same service whose canary falls silent at this time, ms since the epoch.
    #[must_use]
    pub fn silent_from(mut self, time_ms: i64) -> Service {
        for series in self.run.iter_mut().flat_map(|data| &mut data.series).filter(|series| series.arm == Arm::Canary) {
            match &mut series.samples {
                Samples::Counter(points) | Samples::Increase(points) | Samples::Value(points) => points.retain(|(time, _)| *time < time_ms),
                Samples::Native(points) | Samples::NativeIncrease(points) => points.retain(|(time, _)| *time < time_ms),
            }
        }
        self
    }
}

impl Source for Service {
    async fn fetch(&self, plan: &FetchPlan, part: Part, span: Span) -> Fetched {
        let of_part = if part == Part::Run { &self.run } else { &self.history };
        (0..plan.streams.len())
            .map(|stream| {
                let mut data = of_part.get(stream).cloned().unwrap_or_default();
                data.retain_within(span);
                Ok(data)
            })
            .collect()
    }

    async fn explain_empty(&self, _plan: &FetchPlan, _arm: Arm, _span: Span) -> Option<String> {
        None
    }
}

/// What happens, in log units: `ln(level / healthy level)` by window, over the run or over history and run.
struct Fate {
    /// Over history and run.
    common: Vec<f64>,
    /// The arms' own noise over the run; the canary's without its effect.
    arms: PerArm<Vec<f64>>,
    /// The instances' own noise over history and run.
    instances: Vec<Vec<f64>>,
}

fn added(one: &[f64], share: f64, other: &[f64], other_share: f64) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| share * one + other_share * other).collect()
}

impl Fate {
    fn draw(cell: &Cell, timeline: &Timeline, draws: &mut Draws, shared: Option<&Fate>) -> Fate {
        let (noise, deviation) = (cell.noise, cell.metric.deviation());
        let (history, run) = (timeline.history, timeline.windows());
        let all = history + run;
        let common = noise.common(draws, all);
        let mut arms = PerArm::from_fn(|_| noise.own(draws, run, deviation));
        let offset = noise.offset(draws);
        let burst = noise.unseen_burst(draws, run);
        for (at, value) in arms.canary.iter_mut().enumerate() {
            *value += offset + noise.cold(at);
        }
        if let Some((hits_canary, windows, height)) = burst {
            let arm = if hits_canary { Arm::Canary } else { Arm::Baseline };
            arms.get_mut(arm)[windows].iter_mut().for_each(|value| *value += height);
        }
        // The variance of a row: of a half against the other 2 (a) + 2/3 (b), of one against five .72 (a) + 1.2 (b), where a is
        // the variance that a half shares and b an instance's own; both shall be 2, or of the split that there is.
        let (of_half, of_one) = match (cell.split, cell.metric) {
            (Split::Half, metric) if metric != Metric::P99 => (1.0, 0.0),
            (Split::Ramp, metric) if metric != Metric::P99 => (5.0 / 9.0, 4.0 / 3.0),
            _ => (0.0, 5.0 / 3.0),
        };
        let mut offset = |share: f64| f64::sqrt(share / 2.0) * noise.offset(draws);
        let half_offsets = [offset(of_half), offset(of_half)];
        let offsets: Vec<f64> = (0..INSTANCES).map(|_| offset(of_one)).collect();
        let halves = [(); 2].map(|()| noise.own(draws, all, deviation));
        let mut instances: Vec<Vec<f64>> = (0..INSTANCES)
            .map(|at| {
                let half = 2 * at / INSTANCES;
                let own = if of_one > 0.0 { noise.own(draws, all, deviation) } else { vec![0.0; all] };
                let mut both = added(&halves[half], f64::sqrt(of_half), &own, f64::sqrt(of_one));
                both.iter_mut().for_each(|value| *value += half_offsets[half] + offsets[at]);
                both
            })
            .collect();
        if noise == Noise::QuietHistory {
            for instance in &mut instances {
                instance[..history].iter_mut().for_each(|value| *value /= QUIETER);
            }
        }
        if let Some(shared) = shared {
            let half = f64::sqrt(0.5);
            for arm in Arm::BOTH {
                *arms.get_mut(arm) = added(arms.get(arm), half, shared.arms.get(arm), half);
            }
            for (own, shared) in instances.iter_mut().zip(&shared.instances) {
                *own = added(own, half, shared, half);
            }
        }
        Fate { common, arms, instances }
    }

    /// An instance of the baseline in a window of history and run: during the run around the arm's level.
    fn instance(&self, at: usize, instance: usize, history: usize) -> f64 {
        let own = self.instances[instance][at];
        if at < history {
            return self.common[at] + own;
        }
        let mean = self.instances.iter().map(|other| other[at]).sum::<f64>() / self.instances.len() as f64;
        self.common[at] + self.arms.baseline[at - history] + own - mean
    }

    fn arm(&self, arm: Arm, window: usize, history: usize) -> f64 {
        self.common[history + window] + self.arms.get(arm)[window]
    }
}

/// A replicate: what the source serves, and what the peers see of each metric.
pub struct Simulated {
    /// The samples.
    pub service: Service,
    /// One per metric.
    pub observed: Vec<Observed>,
}

/// Draws a replicate.
pub fn simulate(cell: &Cell, plan: &Plan, draws: &mut Draws) -> Simulated {
    let timeline = Timeline::of(cell);
    let shared = cell.correlated.then(|| Fate::draw(cell, &timeline, draws, None));
    let missing = PerArm::from_fn(|_| {
        let is_gappy = cell.noise == Noise::Gaps;
        (0..timeline.history + timeline.windows()).map(|_| is_gappy && draws.chance(MISSING)).collect::<Vec<bool>>()
    });
    let mut simulation = Simulation { cell, plan, timeline, missing, draws, service: Service::default(), observed: Vec::new() };
    simulation.service.run.resize(plan.fetch.streams.len(), StreamData::default());
    simulation.service.history.resize(plan.fetch.streams.len(), StreamData::default());
    for number in 0..cell.metrics {
        let fate = Fate::draw(cell, &simulation.timeline, simulation.draws, shared.as_ref());
        match cell.metric {
            Metric::P99 => simulation.values(number, &fate),
            Metric::Native | Metric::Classic | Metric::Errors | Metric::Throughput => simulation.counters(&fate),
        }
    }
    Simulated { service: simulation.service, observed: simulation.observed }
}

struct Simulation<'a> {
    cell: &'a Cell,
    plan: &'a Plan,
    timeline: Timeline,
    /// Over history and run.
    missing: PerArm<Vec<bool>>,
    draws: &'a mut Draws,
    service: Service,
    observed: Vec<Observed>,
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Simulation<'_> {
    /// How bad the canary is in a window of the run, oriented: more is worse.
    fn harm(&self, window: usize) -> f64 {
        let onset = self.timeline.judged.get(self.cell.onset()).copied().unwrap_or(0);
        if self.cell.onset() > 0 && window < onset { 0.0 } else { self.cell.ln_effect() }
    }

    fn latency(&self, arm: Arm, window: usize, level: f64) -> Latency {
        let is_canary = arm == Arm::Canary;
        let harm = if is_canary { self.harm(window) } else { 0.0 };
        Latency { shift: level + harm, tail_only: is_canary && self.cell.effect == Effect::TailOnly }
    }

    /// The time of the right edge of a window of history and run.
    fn end_ms(&self, at: usize) -> i64 {
        self.plan.start_ms + (at as i64 + 1 - self.timeline.history as i64) * STEP_MS
    }

    /// A ready series: one value per arm in the run, one per instance in the history.
    fn values(&mut self, number: usize, fate: &Fate) {
        let history = self.timeline.history;
        let share = self.timeline.shares[0];
        let rounded = |value: f64| if self.cell.noise == Noise::Quantised { (value / ROUNDING).round() * ROUNDING } else { value };
        // So many requests that an instance against the mean of five others is as uncertain as the canary against the baseline.
        let per_instance = (1.2 * REQUESTS * share * (1.0 - share)).round();
        for instance in 0..INSTANCES {
            let mut points = Vec::with_capacity(history);
            for at in 0..history {
                let latency = Latency { shift: fate.instance(at, instance, history), tail_only: false };
                let value = rounded(latency.sampled_p99(self.draws, per_instance));
                if !self.missing.baseline[at] {
                    points.push((self.end_ms(at), value));
                }
            }
            let labels = labels(&[("pod", &format!("baseline-{instance}"))]);
            let series = Series { arm: Arm::Baseline, labels, samples: Samples::Value(points) };
            self.service.history[number].series.push(series);
        }
        let mut observed = Observed { nominal: nominal(), ..Observed::default() };
        for arm in Arm::BOTH {
            let mut points = Vec::new();
            for window in 0..self.timeline.windows() {
                let share = self.timeline.shares[window];
                let requests = REQUESTS * if arm == Arm::Canary { share } else { 1.0 - share };
                let latency = self.latency(arm, window, fate.arm(arm, window, history));
                let value = rounded(latency.sampled_p99(self.draws, requests.round()));
                let is_missing = self.missing.get(arm)[history + window];
                if window == 0 {
                    // The canary is there from the start.
                    points.push((self.plan.start_ms, value));
                }
                if !is_missing {
                    points.push((self.end_ms(history + window), value));
                }
                if self.timeline.judged.binary_search(&window).is_ok() {
                    observed.values.get_mut(arm).push(if is_missing { f64::NAN } else { value });
                }
            }
            let series = Series { arm, labels: BTreeMap::new(), samples: Samples::Value(points) };
            self.service.run[number].series.push(series);
        }
        self.observed.push(observed);
    }

    /// Counters of every instance, cumulative.
    fn counters(&mut self, fate: &Fate) {
        let history = self.timeline.history;
        let windows = self.timeline.windows();
        let mut totals = PerArm::from_fn(|_| vec![Window::default(); windows]);
        let mut scratch = Vec::new();
        for instance in 0..INSTANCES {
            let labels = labels(&[("pod", &format!("baseline-{instance}"))]);
            let mut exposed = Exposed::new(self.cell.metric, self.end_ms(0) - STEP_MS);
            for at in 0..history {
                let requests = REQUESTS / INSTANCES as f64;
                let level = fate.instance(at, instance, history);
                let window = self.window(Arm::Baseline, None, requests, level, &mut scratch);
                exposed.add(self.end_ms(at), &window, !self.missing.baseline[at]);
            }
            exposed.into_series(Arm::Baseline, &labels, &self.plan.fetch, &mut self.service.history);
            let mut exposed = Exposed::new(self.cell.metric, self.plan.start_ms);
            for at in 0..windows {
                let requests = REQUESTS * (1.0 - self.timeline.shares[at]) / INSTANCES as f64;
                let level = fate.instance(history + at, instance, history);
                let window = self.window(Arm::Baseline, Some(at), requests, level, &mut scratch);
                exposed.add(self.end_ms(history + at), &window, !self.missing.baseline[history + at]);
                totals.baseline[at].add(&window);
            }
            exposed.into_series(Arm::Baseline, &labels, &self.plan.fetch, &mut self.service.run);
        }
        let mut exposed = Exposed::new(self.cell.metric, self.plan.start_ms);
        for at in 0..windows {
            let level = fate.arm(Arm::Canary, at, history);
            let window = self.window(Arm::Canary, Some(at), REQUESTS * self.timeline.shares[at], level, &mut scratch);
            exposed.add(self.end_ms(history + at), &window, !self.missing.canary[history + at]);
            totals.canary[at].add(&window);
        }
        exposed.into_series(Arm::Canary, &labels(&[("pod", "canary-0")]), &self.plan.fetch, &mut self.service.run);
        for data in self.service.run.iter_mut().chain(&mut self.service.history) {
            data.series.sort_by(|one, other| (one.arm, &one.labels).cmp(&(other.arm, &other.labels)));
        }
        let observed = self.observed_of(&totals);
        self.observed.push(observed);
    }

    /// One window of one instance. `at`: its window of the run.
    fn window(&mut self, arm: Arm, at: Option<usize>, requests: f64, level: f64, scratch: &mut Vec<f64>) -> Window {
        let harm = if arm == Arm::Canary { at.map_or(0.0, |at| self.harm(at)) } else { 0.0 };
        match self.cell.metric {
            Metric::Errors => {
                let rate = (ERROR_RATE * (level + harm).exp()).min(1.0);
                let requests = requests.round();
                Window { requests, events: self.draws.binomial(requests, rate), buckets: Vec::new() }
            }
            Metric::Throughput => {
                // A thousandth of a share is lost or won with each request: Poisson, as the limit of many rare ones.
                let trials = 1e9;
                let mean = requests * (level - harm).exp();
                Window { requests: self.draws.binomial(trials, mean / trials), events: 0.0, buckets: Vec::new() }
            }
            Metric::Native | Metric::Classic | Metric::P99 => {
                let latency = self.latency(arm, at.unwrap_or(0), level);
                latency.counts(self.draws, requests.round(), ln_bounds(self.cell.metric), scratch);
                Window { requests: requests.round(), events: 0.0, buckets: scratch.clone() }
            }
        }
    }

    fn observed_of(&self, totals: &PerArm<Vec<Window>>) -> Observed {
        let judged = |arm: Arm| self.timeline.judged.iter().map(move |at| (*at, arm));
        let is_seen = |at: usize, arm: Arm| !self.missing.get(arm)[self.timeline.history + at];
        let share = |at: usize, arm: Arm| {
            let share = self.timeline.shares[at];
            if arm == Arm::Canary { share } else { 1.0 - share }
        };
        let value = |at: usize, arm: Arm| {
            let window = &totals.get(arm)[at];
            match self.cell.metric {
                Metric::Errors => window.events / window.requests,
                // Higher is worse: seconds between requests per share.
                Metric::Throughput => share(at, arm) * REQUESTS / window.requests,
                Metric::Native => interpolated_p99(&NATIVE, &window.buckets),
                Metric::Classic | Metric::P99 => interpolated_p99(&CLASSIC, &window.buckets),
            }
        };
        let counts = |at: usize, arm: Arm| {
            let window = &totals.get(arm)[at];
            match self.cell.metric {
                Metric::Errors => Some((window.events, window.requests)),
                Metric::Native | Metric::Classic => {
                    Some((window.buckets[bound_index(self.cell.metric) + 1..].iter().sum(), window.requests))
                }
                Metric::Throughput | Metric::P99 => None,
            }
        };
        let values = PerArm::from_fn(|arm| {
            judged(arm).map(|(at, arm)| if is_seen(at, arm) { value(at, arm) } else { f64::NAN }).collect::<Vec<f64>>()
        });
        let counted = PerArm::from_fn(|arm| {
            judged(arm).map(|(at, arm)| if is_seen(at, arm) { counts(at, arm) } else { Some((0.0, 0.0)) }).collect::<Option<Vec<_>>>()
        });
        let counts = match counted {
            PerArm { baseline: Some(baseline), canary: Some(canary) } => Some(PerArm { baseline, canary }),
            PerArm { .. } => None,
        };
        let nominal = match self.cell.metric {
            Metric::Errors => ERROR_RATE,
            Metric::Throughput => 1.0,
            Metric::Native | Metric::Classic | Metric::P99 => nominal(),
        };
        Observed { values, counts, nominal }
    }
}

fn ln_bounds(metric: Metric) -> &'static [f64] {
    static NATIVE_LN: std::sync::LazyLock<Vec<f64>> =
        std::sync::LazyLock::new(|| NATIVE.iter().map(|bound| (bound / MEDIAN).ln()).collect());
    static CLASSIC_LN: std::sync::LazyLock<Vec<f64>> =
        std::sync::LazyLock::new(|| CLASSIC.iter().map(|bound| (bound / MEDIAN).ln()).collect());
    if metric == Metric::Native { &NATIVE_LN } else { &CLASSIC_LN }
}

/// The index of the bound whose exceedance is nearest to a hundredth in the healthy service, in logs.
pub fn bound_index(metric: Metric) -> usize {
    let gap = |ln_bound: f64| (Latency { shift: 0.0, tail_only: false }.survival(ln_bound) / 0.01).ln().abs();
    let bounds = ln_bounds(metric);
    (0..bounds.len()).min_by(|one, other| gap(bounds[*one]).total_cmp(&gap(bounds[*other]))).unwrap_or(0)
}

/// ln(bound / median) of that bound.
pub fn ln_bound(metric: Metric) -> f64 {
    ln_bounds(metric)[bound_index(metric)]
}

/// What happened in a window.
#[derive(Debug, Clone, Default)]
struct Window {
    requests: f64,
    events: f64,
    buckets: Vec<f64>,
}

impl Window {
    fn add(&mut self, other: &Window) {
        self.requests += other.requests;
        self.events += other.events;
        self.buckets.resize(other.buckets.len(), 0.0);
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(sum, more)| *sum += more);
    }
}

/// An instance's counters as they are scraped at the right edge of each window.
struct Exposed {
    metric: Metric,
    total: Window,
    requests: Vec<(i64, f64)>,
    events: Vec<(i64, f64)>,
    native: Vec<(i64, NativeHistogram)>,
    classic: Vec<Vec<(i64, f64)>>,
}

impl Exposed {
    /// Born at zero, and scraped then.
    fn new(metric: Metric, born_ms: i64) -> Exposed {
        let mut exposed = Exposed {
            metric,
            total: Window::default(),
            requests: Vec::new(),
            events: Vec::new(),
            native: Vec::new(),
            classic: vec![Vec::new(); CLASSIC.len() + 1],
        };
        let buckets = if metric == Metric::Native { NATIVE.len() + 1 } else { CLASSIC.len() + 1 };
        exposed.add(born_ms, &Window { buckets: vec![0.0; buckets], ..Window::default() }, true);
        exposed
    }

    fn add(&mut self, end_ms: i64, window: &Window, is_scraped: bool) {
        self.total.add(window);
        if !is_scraped {
            return;
        }
        match self.metric {
            Metric::Native => self.native.push((end_ms, native_reading(&self.total.buckets))),
            Metric::Classic => {
                let mut sum = 0.0;
                for (track, count) in self.classic.iter_mut().zip(&self.total.buckets) {
                    sum += count;
                    track.push((end_ms, sum));
                }
            }
            Metric::Errors | Metric::Throughput | Metric::P99 => {
                self.requests.push((end_ms, self.total.requests));
                self.events.push((end_ms, self.total.events));
            }
        }
    }

    fn into_series(self, arm: Arm, labels: &BTreeMap<String, String>, plan: &FetchPlan, streams: &mut [StreamData]) {
        for (spec, data) in plan.streams.iter().zip(streams) {
            let series = |labels: BTreeMap<String, String>, samples: Samples| Series { arm, labels, samples };
            match (spec, self.metric) {
                (StreamSpec::Histogram(_), Metric::Native) => {
                    data.series.push(series(labels.clone(), Samples::Native(self.native.clone())));
                }
                (StreamSpec::Histogram(_), _) => {
                    for (at, track) in self.classic.iter().enumerate() {
                        let mut labels = labels.clone();
                        labels.insert("le".to_owned(), CLASSIC.get(at).map_or_else(|| "+Inf".to_owned(), f64::to_string));
                        data.series.push(series(labels, Samples::Counter(track.clone())));
                    }
                }
                (StreamSpec::Counter(selector), _) => {
                    let points = if selector.name == "errors_total" { &self.events } else { &self.requests };
                    data.series.push(series(labels.clone(), Samples::Counter(points.clone())));
                }
                (StreamSpec::Expression(_), _) => {}
            }
        }
    }
}
