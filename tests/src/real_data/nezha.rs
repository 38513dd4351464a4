//! Nezha (Online Boutique on Kubernetes, one pod per service, points of a minute, injected faults).
//!
//! A fault's canary is its pod from the injection to the next one; its baseline and its history are stretches of the same
//! pod after the last fault. Pairs of such stretches, both ways round, are the A/A.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use davy_judge::reading::Reading;
use serde::Deserialize;

use super::drive::Comparison;
use super::pairs::{Pair, chosen, history, windows};
use super::table::Table;

/// The days of Online Boutique; the other two of the data set hold no metrics here.
pub const DAYS: [&str; 2] = ["2022-08-22", "2022-08-23"];
/// The service whose answers the user sees.
const FRONT: &str = "frontend";
/// Windows of a stretch: half an hour.
pub const LENGTH: usize = 30;
/// Pseudo-canaries: the default of `history.pseudo_canaries`.
pub const ROWS: usize = 6;
/// Minutes after the last injection from which on nothing is wrong, as the data's description has it.
const RECOVERY: usize = 15;
/// Seconds that one point of requests a second speaks of: its steps are 1/15.
const SECONDS_SEEN: f64 = 15.0;
/// The user's success below which a fault of the code is a known regression, in percent.
const KNOWN_BELOW: f64 = 99.5;

/// One injected fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The service whose pod it was injected into.
    pub service: String,
    /// What was injected: `cpu_contention`, `return`, …
    pub kind: String,
    /// Seconds since the epoch.
    pub at: i64,
}

/// One day.
#[derive(Debug)]
pub struct Day {
    /// Its date.
    pub date: String,
    /// Faults by time.
    pub faults: Vec<Fault>,
    /// Pods whose file could not be used, and why.
    pub unusable: BTreeMap<String, String>,
    /// Seconds since the epoch of the first window's end.
    start: i64,
    /// Per service: one list of readings per metric, one reading per window.
    pods: BTreeMap<String, [Vec<Reading>; 2]>,
    /// Errors at the front, in every window.
    errors: Vec<Reading>,
    /// The front's success during each fault, by service and time, in percent.
    success: BTreeMap<(String, i64), f64>,
}

#[derive(Deserialize)]
struct Injection {
    inject_timestamp: String,
    inject_pod: String,
    inject_type: String,
}

fn service_of(pod: &str) -> &str {
    pod.split('-').next().unwrap_or(pod)
}

/// The windows' indices of times, where they are one every minute; none where the clock of the file is broken.
fn indices(times: &[Option<f64>], start: i64) -> Result<Vec<usize>, String> {
    let mut found: Vec<usize> = Vec::with_capacity(times.len());
    for time in times {
        let seconds = time.ok_or("a time is missing")? - start as f64;
        let index = (seconds / 60.0).round();
        if !(0.0..=100_000.0).contains(&index) || found.last().is_some_and(|last| index <= *last as f64) {
            return Err(format!("times that run away or backwards (row {}, {seconds} s after the first)", found.len() + 2));
        }
        found.push(index as usize);
    }
    Ok(found)
}

impl Day {
    /// Reads a day below `nezha/`.
    ///
    /// # Errors
    /// Files that are missing or are not in the known form. A pod whose clock is broken is no error but [`Day::unusable`].
    pub fn read(folder: &Path, date: &str) -> anyhow::Result<Day> {
        let success = cases(&folder.join("cases_derived.csv"), date)?;
        let folder = folder.join("rca_data").join(date);
        let faults = faults(&folder.join(format!("{date}-fault_list.json")))?;
        let metrics = folder.join("metric");
        let front = Table::read(&metrics.join("front_service.csv"))?;
        let times = front.numbers("TimeStamp")?;
        let start = times.first().copied().flatten().context("front_service.csv: expected a time in the first row, found none")? as i64;
        let at = indices(&times, start).map_err(|why| anyhow::anyhow!("front_service.csv: {why}"))?;
        let length = at.last().map_or(0, |last| last + 1);
        let answered = spread(&at, &front.numbers("SuccessRate(%)")?, length);
        let mut day =
            Day { date: date.to_owned(), faults, unusable: BTreeMap::new(), start, pods: BTreeMap::new(), errors: Vec::new(), success };
        let mut rate = vec![None; length];
        let mut files: Vec<_> = fs::read_dir(&metrics)?.collect::<Result<Vec<_>, _>>()?.into_iter().map(|entry| entry.path()).collect();
        files.sort();
        for file in files {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let Some(pod) = name.strip_suffix("_metric.csv") else { continue };
            let table = Table::read(&file)?;
            let service = service_of(pod).to_owned();
            let at = match indices(&table.numbers("TimeStamp")?, start) {
                Ok(at) => at,
                Err(why) => {
                    day.unusable.insert(service, why);
                    continue;
                }
            };
            let column = |name: &str| Ok::<_, anyhow::Error>(spread(&at, &table.numbers(name)?, length));
            let values =
                |column: Vec<Option<f64>>| column.into_iter().map(|value| value.map_or(Reading::Missing, Reading::Value)).collect();
            if service == FRONT {
                rate = column("PodWorkload(Ops)")?;
            }
            let read = [values(column("PodServerLatencyP99(s)")?), values(column("CpuUsageRate(%)")?)];
            day.pods.insert(service, read);
        }
        day.errors = answered.iter().zip(&rate).map(|(success, rate)| errors(*success, *rate)).collect();
        ensure!(day.stretches().len() >= 4, "{date}: expected at least four stretches of {LENGTH} minutes after the last fault");
        Ok(day)
    }

    /// Services whose pod can be judged.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.pods.keys().map(String::as_str)
    }

    /// The first window of which at least half lies after a time.
    fn window_at(&self, seconds: i64) -> usize {
        usize::try_from((seconds - self.start + 30 + 59).div_euclid(60)).unwrap_or(0)
    }

    /// Where the stretches without any fault begin; an even number of them.
    fn stretches(&self) -> Vec<usize> {
        let last = self.faults.last().map_or(self.start, |fault| fault.at);
        let quiet = self.window_at(last) + RECOVERY;
        let count = self.errors.len().saturating_sub(quiet) / LENGTH / 2 * 2;
        (0..count).map(|index| quiet + index * LENGTH).collect()
    }

    /// Stretches half the quiet time apart, earlier as canary, as it is with the faults.
    fn pairs(&self) -> Vec<Pair> {
        let stretches = self.stretches();
        let (early, late) = stretches.split_at(stretches.len() / 2);
        early.iter().zip(late).map(|(canary, baseline)| Pair { baseline: *baseline, canary: *canary }).collect()
    }

    /// A pod's metrics in the rules' order: latency, CPU, errors at the front.
    fn series(&self, service: &str) -> [Vec<Reading>; 3] {
        let missing = || vec![Reading::Missing; self.errors.len()];
        let [latency, cpu] = self.pods.get(service).cloned().unwrap_or_else(|| [missing(), missing()]);
        [latency, cpu, self.errors.clone()]
    }

    fn compare(&self, service: &str, pair: Pair, length: usize, past: &[Pair]) -> Comparison {
        let series = self.series(service);
        Comparison {
            histories: series.iter().map(|series| Ok(history(series, past, LENGTH))).collect(),
            metrics: series.iter().map(|series| windows(series, pair, length)).collect(),
        }
    }

    /// A fault's comparison: the pod from the injection to the next one against the first quiet stretch.
    pub fn fault(&self, index: usize) -> Comparison {
        let fault = &self.faults[index];
        let first = self.window_at(fault.at);
        let next = self.faults.get(index + 1).map_or(first + RECOVERY, |next| self.window_at(next.at));
        let pairs = self.pairs();
        // The first pair holds the baseline.
        let pair = Pair { baseline: pairs[0].canary, canary: first };
        self.compare(&fault.service, pair, (next - first).min(LENGTH), &chosen(&pairs[1..], ROWS))
    }

    /// Whether a fault is one that must be found; none: nobody knows.
    pub fn is_known(&self, index: usize) -> Option<bool> {
        let fault = &self.faults[index];
        match fault.kind.as_str() {
            "cpu_contention" | "cpu_consumed" => Some(true),
            "network_delay" => None,
            _ => Some(self.success.get(&(fault.service.clone(), fault.at))? < &KNOWN_BELOW),
        }
    }

    /// The front's success during a fault, in percent, as the data's own list of cases has it.
    pub fn success_during(&self, index: usize) -> Option<f64> {
        let fault = &self.faults[index];
        self.success.get(&(fault.service.clone(), fault.at)).copied()
    }

    /// All comparisons of a pod with itself while nothing was wrong, with what tells them apart.
    pub fn same(&self, service: &str) -> Vec<(String, Comparison)> {
        let pairs = self.pairs();
        let mut made = Vec::new();
        for (index, pair) in pairs.iter().enumerate() {
            let others: Vec<Pair> = pairs.iter().copied().enumerate().filter(|(other, _)| *other != index).map(|(_, pair)| pair).collect();
            let past = chosen(&others, ROWS);
            let turned: Vec<Pair> = past.iter().map(|pair| pair.swapped()).collect();
            made.push((format!("pair {index}, earlier as canary"), self.compare(service, *pair, LENGTH, &past)));
            made.push((format!("pair {index}, later as canary"), self.compare(service, pair.swapped(), LENGTH, &turned)));
        }
        made
    }
}

/// The front's success after each injection of a day.
fn cases(file: &Path, date: &str) -> anyhow::Result<BTreeMap<(String, i64), f64>> {
    let table = Table::read(file)?;
    let (days, pods, times, success) = (table.texts("day")?, table.texts("pod")?, table.numbers("ts")?, table.numbers("front_succ_after")?);
    let mut found = BTreeMap::new();
    for row in (0..days.len()).filter(|row| days[*row] == date) {
        if let (Some(time), Some(success)) = (times[row], success[row]) {
            found.insert((pods[row].to_owned(), time as i64), success);
        }
    }
    Ok(found)
}

fn faults(file: &Path) -> anyhow::Result<Vec<Fault>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let by_hour: BTreeMap<String, Vec<Injection>> =
        serde_json::from_str(&text).with_context(|| format!("{}: expected injections by hour", file.display()))?;
    let mut faults = Vec::new();
    for injection in by_hour.into_values().flatten() {
        let at = injection
            .inject_timestamp
            .parse()
            .with_context(|| format!("{}: expected seconds since the epoch, found `{}`", file.display(), injection.inject_timestamp))?;
        faults.push(Fault { service: service_of(&injection.inject_pod).to_owned(), kind: injection.inject_type, at });
    }
    faults.sort_by_key(|fault| fault.at);
    Ok(faults)
}

/// Values at their windows.
fn spread(at: &[usize], values: &[Option<f64>], length: usize) -> Vec<Option<f64>> {
    let mut placed = vec![None; length];
    for (index, value) in at.iter().zip(values) {
        if let Some(slot) = placed.get_mut(*index) {
            *slot = *value;
        }
    }
    placed
}

/// Events of requests from a success in percent and requests a second.
fn errors(success: Option<f64>, rate: Option<f64>) -> Reading {
    match (success, rate) {
        (Some(success), Some(rate)) if (0.0..=100.0).contains(&success) && rate > 0.0 => {
            let requests = rate * SECONDS_SEEN;
            Reading::Counts { events: (1.0 - success / 100.0) * requests, requests }
        }
        _ => Reading::Missing,
    }
}
