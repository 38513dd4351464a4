//! A deploy inside the history: the metric's level steps, in all instances together, and stays there.

use davy_judge::reading::Reading;

use super::HistoryWindows;

/// Windows that each side of a shift must have, present ones.
const SIDE: usize = 10;
/// Windows on either side of a shift over which it must be complete: a drift takes longer.
const ABRUPT: usize = 5;
/// A shift is at least this many robust standard deviations of single windows …
const SIGNIFICANT: f64 = 6.0;
/// … and at least this much of the level, as a log ratio: 10 %.
const WORTHWHILE: f64 = 0.1;
/// Share of the instances that are there on both sides that must move with it, each by half as much or more.
const TOGETHER: f64 = 0.8;
const MAD_TO_SD: f64 = 1.4826;

/// Index of the first window after the last lasting shift of a metric's level; none where there is no such shift.
pub(super) fn last_shift(history: &HistoryWindows, metric: usize) -> Option<usize> {
    let baseline: Vec<Option<f64>> =
        history.windows.iter().map(|window| window.metrics.get(metric).and_then(|arms| level(&arms.baseline.merged()))).collect();
    let mut from = 0;
    while let Some(shift) = strongest(&baseline[from..]).map(|index| from + index) {
        if !moves_together(history, metric, from, shift, &baseline) {
            break;
        }
        from = shift;
    }
    (from > 0).then_some(from)
}

/// A reading's level on a log scale; for a histogram the mean logarithm of its buckets' bounds. None for a gap, and for
/// what has no logarithm.
fn level(reading: &Reading) -> Option<f64> {
    let found = match reading {
        Reading::Missing => return None,
        Reading::Value(value) => value.ln(),
        Reading::Total(total) => (total + 0.5).ln(),
        Reading::Counts { events, requests } => ((events + 0.5) / (requests + 1.0)).ln(),
        Reading::Histogram(counts) => {
            let positive: Vec<f64> = counts.bounds().iter().copied().filter(|bound| *bound > 0.0).collect();
            let (lowest, highest) = (positive.first()?, positive.last()?);
            let place = |index: usize| counts.bounds().get(index).copied().unwrap_or(*highest);
            let logs = counts.counts().iter().enumerate().map(|(index, count)| {
                let bound = place(index);
                count * if bound > *lowest { bound.ln() } else { lowest.ln() }
            });
            logs.sum::<f64>() / counts.total()
        }
    };
    found.is_finite().then_some(found)
}

/// The index at which the medians of before and after differ most, where that is a step: significant, worthwhile, abrupt.
fn strongest(levels: &[Option<f64>]) -> Option<usize> {
    let present: Vec<(usize, f64)> = levels.iter().enumerate().filter_map(|(index, level)| level.map(|value| (index, value))).collect();
    if present.len() < 2 * SIDE {
        return None;
    }
    let values: Vec<f64> = present.iter().map(|(_, value)| *value).collect();
    // The means of a step's two sides differ most, weighed by how well they are known, at the step itself.
    let total: f64 = values.iter().sum();
    let mut before = 0.0;
    let mut best: Option<(usize, f64)> = None;
    for split in 1..values.len() {
        before += values[split - 1];
        if split < SIDE || values.len() - split < SIDE {
            continue;
        }
        let (left, right) = (split as f64, (values.len() - split) as f64);
        let gain = ((total - before) / right - before / left).abs() * (left * right / (left + right)).sqrt();
        if best.is_none_or(|(_, most)| gain > most) {
            best = Some((split, gain));
        }
    }
    let (split, _) = best?;
    let step = median(&values[split..]) - median(&values[..split]);
    let local = median(&values[split..split + ABRUPT]) - median(&values[split - ABRUPT..split]);
    let (spread_before, spread_after) = (spread(&values[..split]), spread(&values[split..]));
    let spread = if spread_before > spread_after { spread_before } else { spread_after };
    let is_step = step.abs() > SIGNIFICANT * spread && step.abs() > WORTHWHILE && local * step.signum() > 0.7 * step.abs();
    is_step.then(|| present[split].0)
}

/// Whether most instances that are there on both sides make the same step. A history whose instances were all replaced
/// moved together too.
fn moves_together(history: &HistoryWindows, metric: usize, from: usize, shift: usize, baseline: &[Option<f64>]) -> bool {
    let sides = |values: &dyn Fn(usize) -> Option<f64>| {
        let before: Vec<f64> = (from..shift).filter_map(values).collect();
        let after: Vec<f64> = (shift..history.windows.len()).filter_map(values).collect();
        (before.len() >= ABRUPT && after.len() >= ABRUPT).then(|| median(&after) - median(&before))
    };
    let Some(whole) = sides(&|index| baseline[index]) else { return false };
    let mut names: Vec<&str> = Vec::new();
    for window in &history.windows[from..] {
        if let Some(arms) = window.metrics.get(metric) {
            names.extend(arms.baseline.by_instance.iter().map(|(name, _)| name.as_str()));
        }
    }
    names.sort_unstable();
    names.dedup();
    let own = names.iter().filter_map(|name| sides(&|index| history.windows[index].metrics.get(metric)?.baseline.of(name).and_then(level)));
    let moved: Vec<bool> = own.map(|step| step * whole.signum() >= 0.5 * whole.abs()).collect();
    moved.iter().filter(|moved| **moved).count() as f64 >= TOGETHER * moved.len() as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// Robust standard deviation about the median.
fn spread(values: &[f64]) -> f64 {
    let centre = median(values);
    let deviations: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    median(&deviations) * MAD_TO_SD
}
