//! Gives each series that came to the arm it belongs to, in the shape that its stream has.

use std::collections::{BTreeMap, BTreeSet};

use davy_judge::arm::{Arm, PerArm};

use super::gather::{Gathered, Labels, Readings, append_new};
use crate::samples::{Matcher, Samples, Series, StreamData};

/// How series find their arm.
#[derive(Debug, Clone, Copy)]
pub(super) enum Assign<'p> {
    /// The query was for one arm.
    To(Arm),
    /// The query was for both; each arm's matchers are equalities.
    ByLabels(&'p PerArm<Vec<Matcher>>),
}

impl Assign<'_> {
    fn arms(self, labels: &Labels) -> Vec<Arm> {
        match self {
            Assign::To(arm) => vec![arm],
            Assign::ByLabels(arms) => Arm::BOTH.into_iter().filter(|arm| arms.get(*arm).iter().all(|wanted| has(labels, wanted))).collect(),
        }
    }
}

/// Whether an equality holds; an absent label is the empty string.
fn has(labels: &Labels, wanted: &Matcher) -> bool {
    labels.get(&wanted.label).map_or("", String::as_str) == wanted.value
}

/// Takes over what goes with the series, and returns those.
fn unpack(gathered: Gathered, data: &mut StreamData) -> BTreeMap<Labels, Readings> {
    append_new(&mut data.queries, gathered.queries);
    append_new(&mut data.warnings, gathered.warnings);
    append_new(&mut data.notes, gathered.notes);
    gathered.series
}

/// Adds one series to the arms that have it; readings that are no number are gaps.
fn push(data: &mut StreamData, assign: Assign<'_>, labels: Labels, samples: Samples) {
    for arm in assign.arms(&labels) {
        data.series.push(Series { arm, labels: labels.clone(), samples: samples.clone() });
    }
}

fn finite(values: Vec<(i64, f64)>) -> Vec<(i64, f64)> {
    values.into_iter().filter(|(_, value)| value.is_finite()).collect()
}

/// Adds a counter stream's series. A native histogram is a counter too: of its observations.
pub(super) fn add_counters(data: &mut StreamData, assign: Assign<'_>, gathered: Gathered, raw: bool) {
    for (labels, readings) in unpack(gathered, data) {
        let mut values = readings.values;
        if !readings.histograms.is_empty() {
            values.extend(readings.histograms.into_iter().map(|(time, histogram)| (time, histogram.count)));
            // A process that changed from the one to the other has both, never at one time.
            values.sort_by_key(|(time, _)| *time);
        }
        let values = finite(values);
        if !values.is_empty() {
            push(data, assign, labels, if raw { Samples::Counter(values) } else { Samples::Increase(values) });
        }
    }
}

/// Adds a histogram stream's series: the classic buckets where there are any, else the native ones.
///
/// Classic buckets come first since their bounds are the same in both versions and in every window, and since the
/// choice must not change while a service moves to native ones and exposes both. Where only some series have moved, what
/// is left out is a warning: half of an arm is no arm.
pub(super) fn add_histograms(data: &mut StreamData, assign: Assign<'_>, gathered: Gathered, name: &str) {
    let bucket_name = format!("{name}_bucket");
    let mut classic = Vec::new();
    let mut native = Vec::new();
    for (labels, readings) in unpack(gathered, data) {
        // Also a summary's quantiles have the base name; they are neither.
        if labels.contains_key("le") && labels.get("__name__").is_none_or(|found| *found == bucket_name) {
            let values = finite(readings.values);
            if !values.is_empty() {
                classic.push((labels, values));
            }
        } else if !readings.histograms.is_empty() {
            native.push((labels, readings.histograms));
        }
    }
    if classic.is_empty() {
        for (labels, mut readings) in native {
            readings.retain(|(_, reading)| {
                reading.count.is_finite()
                    && reading.buckets.iter().all(|(left, right, count)| !left.is_nan() && !right.is_nan() && count.is_finite())
            });
            push(data, assign, labels, Samples::Native(readings));
        }
        return;
    }
    let moved: BTreeSet<Labels> = native.iter().map(|(labels, _)| without_bucket(labels)).collect();
    let known: BTreeSet<Labels> = classic.iter().map(|(labels, _)| without_bucket(labels)).collect();
    let lost = moved.difference(&known).count();
    if lost > 0 {
        let text = format!("{lost} series of {name} have native buckets only and are left out, since others have classic ones only");
        append_new(&mut data.warnings, [text]);
    } else if !moved.is_empty() {
        append_new(&mut data.notes, [format!("{name} has classic and native buckets; the classic ones are used")]);
    }
    for (labels, values) in classic {
        push(data, assign, labels, Samples::Counter(values));
    }
}

fn without_bucket(labels: &Labels) -> Labels {
    labels
        .iter()
        .filter(|(label, _)| !matches!(label.as_str(), "le" | "__name__"))
        .map(|(label, value)| (label.clone(), value.clone()))
        .collect()
}

/// Adds increases of a classic histogram.
pub(super) fn add_increases(data: &mut StreamData, assign: Assign<'_>, gathered: Gathered) {
    add_counters(data, assign, gathered, false);
}

/// Adds the values of an expression; more than one series is not an answer.
///
/// # Errors
/// How many series there are.
pub(super) fn add_values(data: &mut StreamData, arm: Arm, gathered: Gathered, extra: Option<(&str, &str)>) -> Result<(), usize> {
    let series = unpack(gathered, data);
    if series.len() > 1 {
        return Err(series.len());
    }
    for (mut labels, readings) in series {
        if let Some((label, value)) = extra {
            labels.insert(label.to_owned(), value.to_owned());
        }
        if readings.values.is_empty() {
            append_new(&mut data.warnings, ["the expression yields native histograms, not numbers".to_owned()]);
            continue;
        }
        data.series.push(Series { arm, labels, samples: Samples::Value(readings.values) });
    }
    Ok(())
}

/// Sorts by arm, then labels.
pub(super) fn sort(data: &mut StreamData) {
    data.series.sort_by(|one, other| (one.arm, &one.labels).cmp(&(other.arm, &other.labels)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::NativeHistogram;

    #[test]
    fn a_native_histogram_counts_its_observations() {
        let reading = |count| NativeHistogram { count, buckets: vec![(0.1, 0.2, count)] };
        let readings = Readings { values: vec![(1, 70.0)], histograms: vec![(2, reading(5.0)), (3, reading(9.0))] };
        let labels = Labels::from([("__name__".to_owned(), "latency".to_owned())]);
        let gathered = Gathered { series: BTreeMap::from([(labels.clone(), readings)]), ..Gathered::default() };
        let mut data = StreamData::default();
        add_counters(&mut data, Assign::To(Arm::Canary), gathered, true);
        assert!(data.warnings.is_empty() && data.notes.is_empty());
        assert_eq!(data.series, [Series { arm: Arm::Canary, labels, samples: Samples::Counter(vec![(1, 70.0), (2, 5.0), (3, 9.0)]) }]);
    }
}
