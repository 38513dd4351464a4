//! Which instances play the canary, and how much of their traffic they keep.

use std::collections::BTreeMap;

use davy_judge::reading::Reading;

use super::level_shift::last_shift;
use super::rows::split;
use super::{HistoryWindows, PseudoCanaries};
use crate::align::{InstanceReadings, merged};

/// Fewer rows leave the differences between hosts unmeasured.
const ENOUGH_ROWS: usize = 4;
/// A row may miss this share of its windows, counted from its instances' first reading.
const MOST_MISSING: f64 = 0.2;
/// Sizes that differ by less than this count as alike.
const ALIKE: f64 = 2.0;
/// Fewer windows after a level shift than this are worth nothing.
const FEWEST_WINDOWS: usize = 10;
/// Present windows, over all rows, below which the judge makes no profile.
const PROFILE_WINDOWS: usize = 120;

/// Cuts one metric's baseline into pseudo-canaries that see about as many requests as the canary: disjoint groups by sorted
/// instance id, at most half of the instances, the complement of a half being no row of its own.
///
/// `canary_requests_per_window` and `baseline_requests_per_window` are today's; 0 or not finite where unknown: then groups
/// are single instances and keep everything. At most `rows_wanted` rows.
///
/// # Errors
/// Why there are none, in words for people.
pub fn choose(
    history: &HistoryWindows,
    metric: usize,
    canary_requests_per_window: f64,
    baseline_requests_per_window: f64,
    rows_wanted: usize,
) -> Result<PseudoCanaries, String> {
    let all: Vec<&InstanceReadings> =
        history.windows.iter().filter_map(|window| window.metrics.get(metric).map(|arms| &arms.baseline)).collect();
    if all.is_empty() || rows_wanted == 0 {
        return Err("the history has no windows".to_owned());
    }
    let mut notes = Vec::new();
    let shift = last_shift(history, metric).unwrap_or(0);
    let readings = &all[shift..];
    if shift > 0 {
        notes.push(format!("the level stepped inside the history: only the {} windows after it are used", readings.len()));
        if readings.len() < FEWEST_WINDOWS {
            return Err(format!("the history after a level shift is too short: {} windows", readings.len()));
        }
    }
    let instances = usable_instances(readings, &mut notes)?;
    let sizes = Sizes::new(readings, &instances, canary_requests_per_window, baseline_requests_per_window);
    let groups = grouped(&instances, &sizes, rows_wanted);
    let mut chosen = PseudoCanaries {
        groups: Vec::new(),
        thinning: Vec::new(),
        thinning_today: Vec::new(),
        rest_instances: Vec::new(),
        from_ms: history.windows[shift].end_ms,
        notes,
    };
    let mut left_out = 0;
    let mut present = 0;
    for group in groups {
        match check_row(readings, &group) {
            Some(row) => {
                let size = sizes.of(&group);
                chosen.thinning.push(sizes.keep(size));
                chosen.thinning_today.push(sizes.keep(size * sizes.today));
                chosen.rest_instances.push(row.rest_instances);
                chosen.groups.push(group);
                present += row.present;
            }
            None => left_out += 1,
        }
    }
    if left_out > 0 {
        chosen.notes.push(format!("{left_out} rows left out: more than 20 % of their windows are missing"));
    }
    if chosen.groups.is_empty() {
        return Err("no group of baseline instances has 80 % of the history's windows".to_owned());
    }
    describe(&mut chosen, &sizes, present);
    Ok(chosen)
}

/// Instances that have 80 % of the windows since their first reading; sorted.
fn usable_instances(readings: &[&InstanceReadings], notes: &mut Vec<String>) -> Result<Vec<String>, String> {
    let mut presence: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (index, window) in readings.iter().enumerate() {
        for (name, reading) in &window.by_instance {
            if *reading != Reading::Missing {
                presence.entry(name).or_insert((index, 0)).1 += 1;
            }
        }
    }
    let found = presence.len();
    if found < 2 {
        return Err(format!("the baseline's history has {found} instances, and a pseudo-canary needs at least 2"));
    }
    let usable: Vec<String> = presence
        .iter()
        .filter(|(_, (first, count))| *count as f64 >= (1.0 - MOST_MISSING) * (readings.len() - first) as f64)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if usable.len() < 2 {
        return Err(format!("of {found} baseline instances in the history, {} have 80 % of their windows; at least 2 must", usable.len()));
    }
    if usable.len() < found {
        notes
            .push(format!("{} of {found} baseline instances came or went: they are in the rest, and play no canary", found - usable.len()));
    }
    Ok(usable)
}

/// Requests per window: of each instance in the history, and of the canary today.
struct Sizes {
    by_instance: BTreeMap<String, f64>,
    /// The canary's requests per window; none: unknown, or a metric whose requests cannot be counted.
    wanted: Option<f64>,
    /// The canary's share against one instance of the baseline, for ready values.
    against_one_instance: Option<f64>,
    /// The baseline's traffic today over its traffic in the history.
    today: f64,
}

impl Sizes {
    fn new(readings: &[&InstanceReadings], instances: &[String], canary: f64, baseline: f64) -> Self {
        let mut by_instance: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        let (mut total, mut windows) = (0.0, 0.0);
        for window in readings {
            let mut any = false;
            for (name, reading) in &window.by_instance {
                if let Some(found) = requests(reading) {
                    total += found;
                    any = true;
                    let (sum, count) = by_instance.entry(name.clone()).or_default();
                    *sum += found;
                    *count += 1.0;
                }
            }
            windows += f64::from(any);
        }
        let known = |requests: f64| (requests.is_finite() && requests > 0.0).then_some(requests);
        let per_window = known(total).map(|total| total / windows);
        let today = match (known(baseline), per_window) {
            (Some(today), Some(past)) => today / past,
            (Some(_) | None, _) => 1.0,
        };
        Sizes {
            by_instance: by_instance.into_iter().map(|(name, (sum, count))| (name, sum / count)).collect(),
            wanted: per_window.and(known(canary)),
            against_one_instance: known(canary).zip(known(baseline)).map(|(canary, baseline)| canary / baseline * instances.len() as f64),
            today,
        }
    }

    fn of(&self, group: &[String]) -> f64 {
        group.iter().filter_map(|name| self.by_instance.get(name)).sum()
    }

    /// The smaller of the group's traffic in the history and today.
    fn least(&self, group: &[String]) -> f64 {
        let size = self.of(group);
        if self.today < 1.0 { size * self.today } else { size }
    }

    fn keep(&self, size: f64) -> f64 {
        match self.wanted {
            Some(wanted) if size > wanted => wanted / size,
            Some(_) | None => 1.0,
        }
    }
}

fn requests(reading: &Reading) -> Option<f64> {
    match reading {
        Reading::Missing | Reading::Value(_) => None,
        Reading::Total(total) => Some(*total),
        Reading::Counts { requests, .. } => Some(*requests),
        Reading::Histogram(counts) => Some(counts.total()),
    }
}

/// Groups as large as the canary where that leaves enough rows, else half as large, which overstates the noise a little and
/// measures the differences between hosts.
fn grouped(instances: &[String], sizes: &Sizes, rows_wanted: usize) -> Vec<Vec<String>> {
    let Some(wanted) = sizes.wanted else { return packed(instances, sizes, 0.0, rows_wanted) };
    let full = packed(instances, sizes, wanted, rows_wanted);
    if full.len() >= ENOUGH_ROWS.min(rows_wanted) {
        return full;
    }
    let half = packed(instances, sizes, wanted / ALIKE, rows_wanted);
    if half.len() > full.len() { half } else { full }
}

/// Fills groups in the order of ids until each has enough requests, or half of the instances.
fn packed(instances: &[String], sizes: &Sizes, wanted: f64, rows_wanted: usize) -> Vec<Vec<String>> {
    let most = instances.len() / 2;
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut group: Vec<String> = Vec::new();
    for name in instances {
        group.push(name.clone());
        if group.len() == most || sizes.least(&group) >= wanted {
            groups.push(std::mem::take(&mut group));
        }
    }
    // Two halves that are each other's rest compare the same instances twice.
    if groups.len() == 2 && groups[0].len() + groups[1].len() == instances.len() {
        groups.truncate(1);
    }
    groups.truncate(rows_wanted);
    groups
}

struct CheckedRow {
    present: usize,
    rest_instances: f64,
}

/// A row is good where both its group and the rest have 80 % of the windows since the group's first reading.
fn check_row(readings: &[&InstanceReadings], group: &[String]) -> Option<CheckedRow> {
    let mut first = None;
    let (mut present, mut rest_instances) = (0, 0);
    for (index, window) in readings.iter().enumerate() {
        let (inside, outside) = split(window, group);
        let rest_present = outside.iter().filter(|reading| ***reading != Reading::Missing).count();
        let is_present = merged(inside.iter().copied()) != Reading::Missing;
        if is_present && first.is_none() {
            first = Some(index);
        }
        if is_present && rest_present > 0 {
            present += 1;
            rest_instances += rest_present;
        }
    }
    let windows = readings.len() - first?;
    let is_good = present > 0 && present as f64 >= (1.0 - MOST_MISSING) * windows as f64;
    is_good.then(|| CheckedRow { present, rest_instances: rest_instances as f64 / present as f64 })
}

/// Says where the rows differ from what one would wish.
fn describe(chosen: &mut PseudoCanaries, sizes: &Sizes, present: usize) {
    let rows = chosen.groups.len();
    if rows < ENOUGH_ROWS {
        chosen.notes.push(format!("host differences unmeasured: {rows} pseudo-canaries, {ENOUGH_ROWS} would be needed"));
    }
    if present < PROFILE_WINDOWS {
        chosen.notes.push(format!("the history is short: {present} windows over all pseudo-canaries, {PROFILE_WINDOWS} are needed"));
    }
    match (sizes.wanted, sizes.against_one_instance) {
        (Some(wanted), _) => {
            let smallest = chosen
                .groups
                .iter()
                .map(|group| sizes.least(group))
                .fold(f64::INFINITY, |least, size| if size < least { size } else { least });
            if smallest < wanted {
                chosen.notes.push(format!(
                    "pseudo-canaries see {smallest:.0} requests per window, the canary {wanted:.0}: the noise is overstated"
                ));
            }
        }
        (None, Some(times)) if !(1.0 / ALIKE..=ALIKE).contains(&times) => chosen
            .notes
            .push(format!("ready values cannot be thinned: the canary sees {times:.1} times the traffic of one baseline instance")),
        (None, Some(_)) => {}
        (None, None) => chosen.notes.push("the canary's traffic is unknown: pseudo-canaries are single instances".to_owned()),
    }
}
