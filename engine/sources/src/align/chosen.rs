//! A metric's slices as a window of their own, so that pseudo-canaries are cut from a slice as from a metric.

use std::collections::BTreeMap;

use davy_judge::arm::{Arm, PerArm};
use davy_judge::reading::Reading;

use crate::align::{AlignedWindow, Gaps, InstanceReadings, SliceKey, SliceReadings, merged};

impl AlignedWindow {
    /// One metric's slices in the place of metrics: those of `chosen` (sorted), then all others together.
    ///
    /// A total of which an instance has no series of a slice is zero there while the instance is known: counters are born with
    /// their first request. For everything else no requests are nothing known.
    pub fn of_slices(&self, metric: usize, chosen: &[SliceKey]) -> AlignedWindow {
        let mut metrics: Vec<PerArm<InstanceReadings>> = vec![PerArm::default(); chosen.len() + 1];
        for arm in Arm::BOTH {
            let nothing = SliceReadings::new();
            let slices = self.slices.get(metric).map_or(&nothing, |arms| arms.get(arm));
            let mut others: BTreeMap<&str, Vec<&Reading>> = BTreeMap::new();
            for (key, readings) in slices {
                match chosen.binary_search(key) {
                    Ok(index) => *metrics[index].get_mut(arm) = readings.clone(),
                    Err(_) => {
                        for (instance, reading) in &readings.by_instance {
                            others.entry(instance).or_default().push(reading);
                        }
                    }
                }
            }
            metrics[chosen.len()].get_mut(arm).by_instance =
                others.into_iter().map(|(instance, readings)| (instance.to_owned(), merged(readings))).collect();
            if let Some(whole) = self.metrics.get(metric) {
                for slice in &mut metrics {
                    add_zeros(slice.get_mut(arm), whole.get(arm));
                }
            }
        }
        let gaps = vec![PerArm::from_fn(|_| Gaps::default()); metrics.len()];
        AlignedWindow { end_ms: self.end_ms, metrics, slices: Vec::new(), instances: self.instances, gaps }
    }
}

fn add_zeros(slice: &mut InstanceReadings, whole: &InstanceReadings) {
    let is_known = |reading: &Reading| matches!(reading, Reading::Total(_));
    for (instance, _) in whole.by_instance.iter().filter(|(_, reading)| is_known(reading)) {
        if let Err(place) = slice.by_instance.binary_search_by(|(name, _)| name.cmp(instance)) {
            slice.by_instance.insert(place, (instance.clone(), Reading::Total(0.0)));
        }
    }
}
