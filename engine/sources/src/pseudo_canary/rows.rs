//! From groups of instances to rows of compared readings.

use davy_judge::arm::PerArm;
use davy_judge::history::MetricHistory;
use davy_judge::reading::Reading;

use super::thinning::{Place, thinned};
use super::{HistoryWindows, PseudoCanaries};
use crate::align::{AlignedWindow, InstanceReadings, merged};

impl PseudoCanaries {
    /// The rows of the history, from the first used window on. The same inputs give the same bytes.
    pub fn rows(&self, history: &HistoryWindows, metric: usize, seed: u64) -> MetricHistory {
        let used: Vec<&AlignedWindow> = history.windows.iter().filter(|window| window.end_ms >= self.from_ms).collect();
        let readings = |window: &AlignedWindow| window.metrics.get(metric).map(|arms| arms.baseline.clone()).unwrap_or_default();
        let rows = (0..self.groups.len())
            .map(|row| {
                let windows = used.iter();
                windows.map(|window| self.compared(row, &readings(window), self.thinning[row], metric, seed, window.end_ms)).collect()
            })
            .collect();
        let exposure = (0..self.groups.len())
            .map(|row| PerArm { baseline: self.rest_instances[row], canary: self.groups[row].len() as f64 * self.thinning[row] })
            .collect();
        let baseline = used.iter().map(|window| readings(window).merged()).collect();
        MetricHistory { rows, exposure, baseline, notes: self.notes.clone() }
    }

    /// The same pseudo-canaries in one window of the run, one per row. Windows may be asked in any order.
    pub fn today(&self, window: &AlignedWindow, metric: usize, seed: u64) -> Vec<PerArm<Reading>> {
        let Some(arms) = window.metrics.get(metric) else {
            return vec![PerArm::default(); self.groups.len()];
        };
        let rows = 0..self.groups.len();
        rows.map(|row| self.compared_today(row, &arms.baseline, metric, seed, window.end_ms)).collect()
    }

    /// The exposure of a row is a constant of the history, so today's totals are brought to the history's thinning.
    fn compared_today(&self, row: usize, readings: &InstanceReadings, metric: usize, seed: u64, end_ms: i64) -> PerArm<Reading> {
        let compared = self.compared(row, readings, self.thinning_today[row], metric, seed, end_ms);
        match compared.canary {
            Reading::Total(total) => {
                PerArm { canary: Reading::Total(total * self.thinning[row] / self.thinning_today[row]), baseline: compared.baseline }
            }
            Reading::Missing | Reading::Value(_) | Reading::Counts { .. } | Reading::Histogram(_) => compared,
        }
    }

    fn compared(&self, row: usize, readings: &InstanceReadings, keep: f64, metric: usize, seed: u64, end_ms: i64) -> PerArm<Reading> {
        let (group, rest) = split(readings, &self.groups[row]);
        let place = Place { seed, metric, row, end_ms };
        PerArm {
            baseline: per_instance(merged(rest.iter().copied()), &rest, self.rest_instances[row]),
            canary: per_instance(thinned(&merged(group.iter().copied()), keep, place), &group, self.groups[row].len() as f64),
        }
    }
}

/// The readings of a group (its ids sorted), and those of all others.
pub(super) fn split<'a>(readings: &'a InstanceReadings, group: &[String]) -> (Vec<&'a Reading>, Vec<&'a Reading>) {
    let mut inside = Vec::with_capacity(group.len());
    let mut outside = Vec::with_capacity(readings.by_instance.len());
    for (instance, reading) in &readings.by_instance {
        let side = if group.binary_search(instance).is_ok() { &mut inside } else { &mut outside };
        side.push(reading);
    }
    (inside, outside)
}

/// A total over the instances that are there, brought to the usual number of instances: throughput is compared per live
/// instance. Everything else is a ratio or a value already.
fn per_instance(reading: Reading, parts: &[&Reading], usual: f64) -> Reading {
    match reading {
        Reading::Total(total) => {
            let present = parts.iter().filter(|part| ***part != Reading::Missing).count();
            Reading::Total(total * usual / present as f64)
        }
        Reading::Missing | Reading::Value(_) | Reading::Counts { .. } | Reading::Histogram(_) => reading,
    }
}
