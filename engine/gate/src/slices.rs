//! Which slices of each sliced metric are judged, and what they showed: chosen once, from what the baseline sent before.

use std::collections::BTreeMap;

use davy_judge::history::MetricHistory;
use davy_judge::slices::by_traffic;
use davy_judge::window::{MetricWindow, Window};
use davy_sources::align::{AlignedWindow, SliceKey};
use davy_sources::pseudo_canary::{HistoryWindows, PseudoCanaries, choose};
use davy_sources::samples::FetchPlan;

use crate::pipeline::{requests_of, traffic_of};

/// Keeps the draws of slices apart from those of whole metrics.
const SEED_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The slices of all metrics of one analysis.
#[derive(Debug, Clone)]
pub struct Slicing {
    metrics: Vec<Option<Sliced>>,
    /// Windows of the present warm-up, while any metric is sliced.
    lead: Vec<AlignedWindow>,
    seed: u64,
}

#[derive(Debug, Clone, Default)]
struct Sliced {
    /// Sorted; one slice more holds all others. None: not chosen yet.
    keys: Option<Vec<SliceKey>>,
    /// Slices are judged in windows that end after this.
    after_ms: i64,
    pseudo: Vec<Option<PseudoCanaries>>,
}

impl Slicing {
    /// Nothing chosen yet.
    pub fn new(plan: &FetchPlan, seed: u64) -> Self {
        let sliced = |metric| (!plan.labels_of_slices(metric).is_empty()).then(Sliced::default);
        Slicing { metrics: (0..plan.signals.len()).map(sliced).collect(), lead: Vec::new(), seed }
    }

    /// The slices of a metric that are judged for themselves; none: not sliced, or not chosen yet.
    pub fn keys(&self, metric: usize) -> Option<&[SliceKey]> {
        self.metrics.get(metric)?.as_ref()?.keys.as_deref()
    }

    /// Keeps a window of the warm-up, or the first judged one.
    pub fn keep(&mut self, aligned: &AlignedWindow) {
        if self.metrics.iter().any(Option::is_some) {
            self.lead.push(aligned.clone());
        }
    }

    /// Begins a traffic step whose lead ends with its first judged window: chooses slices where that was not done, adds them to
    /// the lead, and gives each one's history.
    pub fn begin_step(
        &mut self,
        lead: &mut [Window],
        history: Result<&HistoryWindows, &str>,
        rows: usize,
    ) -> Vec<Vec<Result<MetricHistory, String>>> {
        let kept = std::mem::take(&mut self.lead);
        // A warm-up that was begun anew has left windows of the one before.
        let kept: Vec<AlignedWindow> =
            kept.into_iter().filter(|aligned| lead.iter().any(|window| window.end_ms == aligned.end_ms)).collect();
        let seed = self.seed;
        let begin = |(metric, sliced): (usize, &mut Option<Sliced>)| match sliced {
            Some(sliced) => sliced.begin_step(metric, lead, &kept, history, rows, seed),
            None => Vec::new(),
        };
        self.metrics.iter_mut().enumerate().map(begin).collect()
    }

    /// Adds what the slices showed in a judged window.
    pub fn fill(&self, window: &mut Window, aligned: &AlignedWindow) {
        for (metric, shown) in window.metrics.iter_mut().enumerate() {
            let Some(Some(sliced)) = self.metrics.get(metric) else { continue };
            let Some(keys) = sliced.keys.as_ref().filter(|_| aligned.end_ms > sliced.after_ms) else { continue };
            let cut = aligned.of_slices(metric, keys);
            shown.slices = plain(&cut);
            for (slice, pseudo) in sliced.pseudo.iter().enumerate() {
                if let Some(pseudo) = pseudo {
                    shown.slices[slice].today = pseudo.today(&cut, slice, seed_of(self.seed, metric));
                }
            }
        }
    }
}

impl Sliced {
    fn begin_step(
        &mut self,
        metric: usize,
        lead: &mut [Window],
        kept: &[AlignedWindow],
        history: Result<&HistoryWindows, &str>,
        rows: usize,
        seed: u64,
    ) -> Vec<Result<MetricHistory, String>> {
        if self.keys.is_none() {
            self.choose(metric, kept, history.ok());
        }
        let Some(keys) = &self.keys else { return Vec::new() };
        let cut: BTreeMap<i64, AlignedWindow> = kept.iter().map(|window| (window.end_ms, window.of_slices(metric, keys))).collect();
        for window in lead.iter_mut() {
            if let (Some(shown), Some(cut)) = (window.metrics.get_mut(metric), cut.get(&window.end_ms)) {
                shown.slices = plain(cut);
            }
        }
        let past = history
            .map(|history| HistoryWindows { windows: history.windows.iter().map(|window| window.of_slices(metric, keys)).collect() });
        let lead = &*lead;
        let seed = seed_of(seed, metric);
        self.pseudo.resize(keys.len() + 1, None);
        let begin = |(slice, kept): (usize, &mut Option<PseudoCanaries>)| {
            let past = past.as_ref().map_err(|why| (*why).to_owned())?;
            let traffic = traffic_of(lead, |window| window.metrics.get(metric)?.slices.get(slice).map(|slice| &slice.arms));
            let pseudo = choose(past, slice, traffic.canary, traffic.baseline, rows)?;
            let made = pseudo.rows(past, slice, seed);
            *kept = Some(pseudo);
            Ok(made)
        };
        self.pseudo.iter_mut().enumerate().map(begin).collect()
    }

    /// By what the baseline sent before the first judged window; where that is nothing, by that window, which then is not judged
    /// in slices.
    fn choose(&mut self, metric: usize, kept: &[AlignedWindow], history: Option<&HistoryWindows>) {
        let Some((first, warmup)) = kept.split_last() else { return };
        let past = history.map_or(&[][..], |history| &history.windows);
        let mut chosen = busiest(metric, past.iter().chain(warmup));
        if chosen.is_empty() {
            chosen = busiest(metric, [first].into_iter());
            self.after_ms = first.end_ms;
        }
        self.keys = (!chosen.is_empty()).then_some(chosen);
    }
}

/// The slices in which the baseline sent the most requests, sorted.
fn busiest<'a>(metric: usize, windows: impl Iterator<Item = &'a AlignedWindow>) -> Vec<SliceKey> {
    let mut traffic: BTreeMap<&SliceKey, f64> = BTreeMap::new();
    for window in windows {
        let Some(slices) = window.slices.get(metric) else { continue };
        for (key, readings) in &slices.baseline {
            *traffic.entry(key).or_default() += readings.by_instance.iter().filter_map(|(_, reading)| requests_of(reading)).sum::<f64>();
        }
    }
    let keys: Vec<&SliceKey> = traffic.keys().copied().collect();
    let requests: Vec<f64> = traffic.into_values().collect();
    by_traffic(&requests).into_iter().map(|index| keys[index].clone()).collect()
}

fn plain(cut: &AlignedWindow) -> Vec<MetricWindow> {
    let merged = |readings: &davy_sources::align::InstanceReadings| readings.merged();
    cut.metrics.iter().map(|arms| MetricWindow { arms: arms.as_ref().map(merged), ..MetricWindow::default() }).collect()
}

fn seed_of(seed: u64, metric: usize) -> u64 {
    seed ^ (metric as u64 + 1).wrapping_mul(SEED_STEP)
}
