//! What was aimed at, and whether the measurement shows it: by the end of the interval that is worse for us.

use crate::cell::{Effect, Metric, Split};
use crate::noise::Noise;
use crate::replicate::{DAVY, ORACLE};
use crate::statistics::interval;
use crate::table::{markdown, percent, with_interval};
use crate::tally::{Measured, Tally};

/// One figure of one cell against its bound.
struct Check {
    cell: String,
    found: String,
    is_met: bool,
    /// How far from the bound, to find the worst; larger is worse.
    distance: f64,
}

/// One line of the table.
pub struct Target {
    what: &'static str,
    wanted: &'static str,
    checks: Vec<Check>,
}

/// What is counted.
#[derive(Clone, Copy)]
enum Share {
    RolledBack,
    Promoted,
}

fn hits(one: &Measured, tally: &Tally, share: Share) -> u64 {
    match share {
        Share::RolledBack if one.cell.is_harmful() => tally.detected(&one.cell),
        Share::RolledBack => tally.rolled_back(),
        Share::Promoted => tally.promoted(),
    }
}

fn at_most(one: &Measured, tally: &Tally, share: Share, bound: f64) -> Check {
    let hits = hits(one, tally, share);
    let (_, high) = interval(hits, tally.replicates);
    Check { cell: one.cell.to_string(), found: with_interval(hits, tally.replicates), is_met: high <= bound, distance: high - bound }
}

fn at_least(one: &Measured, tally: &Tally, bound: f64) -> Check {
    let hits = hits(one, tally, Share::RolledBack);
    let (low, _) = interval(hits, tally.replicates);
    Check { cell: one.cell.to_string(), found: with_interval(hits, tally.replicates), is_met: low >= bound, distance: bound - low }
}

fn median_at_most(one: &Measured, tally: &Tally, bound: f64) -> Check {
    let median = tally.windows_to_detect(&one.cell, 0.5);
    let windows = median.map_or(f64::INFINITY, |window| window as f64);
    let found = median.map_or_else(|| "never".to_owned(), |window| window.to_string());
    let found = if bound.fract() == 0.0 { found } else { format!("{found} of {bound:.1}") };
    Check { cell: one.cell.to_string(), found, is_met: windows <= bound, distance: (windows - bound).min(1e6) }
}

impl Target {
    fn new(
        measured: &[Measured],
        what: &'static str,
        wanted: &'static str,
        belongs: impl Fn(&Measured) -> bool,
        check: impl Fn(&Measured, &Tally) -> Option<Check>,
    ) -> Target {
        let checks = measured.iter().filter(|one| belongs(one)).filter_map(|one| check(one, one.of(DAVY)?)).collect();
        Target { what, wanted, checks }
    }

    /// Whether every cell meets it; none: no cell was measured.
    pub fn is_met(&self) -> Option<bool> {
        (!self.checks.is_empty()).then(|| self.checks.iter().all(|check| check.is_met))
    }

    fn row(&self) -> Vec<String> {
        let worst = self.checks.iter().max_by(|one, other| one.distance.total_cmp(&other.distance));
        let missed: Vec<String> =
            self.checks.iter().filter(|check| !check.is_met).map(|check| format!("`{}`: {}", check.cell, check.found)).collect();
        let verdict = match self.is_met() {
            None => "not measured".to_owned(),
            Some(true) => "MET".to_owned(),
            Some(false) => format!("**NOT MET** in {} of {}: {}", missed.len(), self.checks.len(), missed.join("; ")),
        };
        let worst = worst.map_or_else(String::new, |check| format!("{} (`{}`)", check.found, check.cell));
        vec![self.what.to_owned(), self.wanted.to_owned(), worst, verdict]
    }
}

/// All targets.
pub fn targets(measured: &[Measured]) -> Vec<Target> {
    let is = |one: &Measured, effect: Effect, history: bool| one.cell.effect == effect && one.cell.history == history;
    let single = |one: &Measured| one.cell.metrics == 1;
    let seen = |one: &Measured| one.cell.noise != Noise::Bursts;
    let is_at_tolerance = |one: &Measured| is(one, Effect::AtTolerance, true) && single(one);
    let is_late = |one: &Measured| matches!(one.cell.effect, Effect::Late(..)) && one.cell.history;
    let native = |one: &Measured, noise: Noise| {
        is(one, Effect::Worse(0.25), true)
            && one.cell.metric == Metric::Native
            && one.cell.split == Split::Hundredth
            && one.cell.noise == noise
    };
    let quarter = |one: &Measured| {
        let cell = &one.cell;
        is(one, Effect::Worse(0.25), true)
            && (cell.noise, cell.split, cell.metric, cell.zero_tolerance) == (Noise::Iid, Split::Half, Metric::P99, false)
    };
    let is_latency = |one: &Measured| matches!(one.cell.metric, Metric::P99 | Metric::Native | Metric::Classic);
    let half = |one: &Measured, history: bool| is(one, Effect::Worse(0.5), history) && is_latency(one);
    let double = |one: &Measured| is(one, Effect::Worse(1.0), true) && is_latency(one);
    let errors =
        |one: &Measured| is(one, Effect::Errors(0.003), true) && one.cell.split == Split::Hundredth && one.cell.noise == Noise::Iid;
    let without = |one: &Measured, noise: Noise| is(one, Effect::AtTolerance, false) && one.cell.noise == noise;
    let rolled_back = |bound: f64| move |one: &Measured, tally: &Tally| Some(at_most(one, tally, Share::RolledBack, bound));
    let promoted = |bound: f64| move |one: &Measured, tally: &Tally| Some(at_most(one, tally, Share::Promoted, bound));
    let found = |bound: f64| move |one: &Measured, tally: &Tally| Some(at_least(one, tally, bound));
    let median = |bound: f64| move |one: &Measured, tally: &Tally| Some(median_at_most(one, tally, bound));
    let against_oracle = |one: &Measured, tally: &Tally| {
        let oracle = one.of(ORACLE)?.windows_to_detect(&one.cell, 0.5)?;
        Some(median_at_most(one, tally, 1.5 * oracle as f64))
    };
    let new = |what, wanted, belongs: &dyn Fn(&Measured) -> bool, check: &dyn Fn(&Measured, &Tally) -> Option<Check>| {
        Target::new(measured, what, wanted, belongs, check)
    };
    vec![
        new("A/A, every cell but unseen bursts: rolled back", "≤ 1 %", &|one| is(one, Effect::Same, true) && seen(one), &rolled_back(0.01)),
        new(
            "A/A with bursts that history never showed: rolled back",
            "≤ 1 %",
            &|one| is(one, Effect::Same, true) && !seen(one),
            &rolled_back(0.01),
        ),
        new("At tolerance, every cell: rolled back", "≤ 1.5 %", &is_at_tolerance, &rolled_back(0.015)),
        new("At tolerance, every cell: promoted", "≤ 5 %", &is_at_tolerance, &promoted(0.05)),
        new("20 metrics at tolerance: rolled back", "≤ 1 %", &|one| is(one, Effect::AtTolerance, true) && !single(one), &rolled_back(0.01)),
        new("+25 % P99, iid 1:1: found", "≥ 99.8 %", &quarter, &found(0.998)),
        new("+25 % P99, iid 1:1: median windows", "≤ 1.5 × oracle's", &quarter, &against_oracle),
        new("+25 % native 1:99, iid: found", "≥ 99 %", &|one| native(one, Noise::Iid), &found(0.99)),
        new("+25 % native 1:99, AR .8: found", "≥ 90 %", &|one| native(one, Noise::Ar8), &found(0.9)),
        new("+25 % native 1:99, heavy: found", "≥ 80 %", &|one| native(one, Noise::Heavy), &found(0.8)),
        new("+50 %, any kind and split: found", "≥ 98 %", &|one| half(one, true), &found(0.98)),
        new("+50 %, any kind and split: median windows", "≤ 11", &|one| half(one, true), &median(11.0)),
        new("+100 %: found", "≥ 99.8 %", &double, &found(0.998)),
        new("+100 %: median windows", "≤ 5", &double, &median(5.0)),
        new("+50 % that begins at window 30: found by 60", "≥ 95 %", &is_late, &found(0.95)),
        new("+50 % that begins at window 30: median windows after onset", "≤ 15", &is_late, &median(15.0)),
        new("Errors .1 → .3 % at 1:99, iid: found", "≥ 60 %", &errors, &found(0.6)),
        new("No history, A/A: rolled back", "≤ 1 %", &|one| is(one, Effect::Same, false), &rolled_back(0.01)),
        new("No history, AR .8 at tolerance: rolled back", "≤ 5 %", &|one| without(one, Noise::Ar8), &rolled_back(0.05)),
        new("No history, AR .8 at tolerance: promoted", "≤ 5 %", &|one| without(one, Noise::Ar8), &promoted(0.05)),
        new("No history, +50 % 1:1: found", "≥ 99 %", &|one| half(one, false) && one.cell.split == Split::Half, &found(0.99)),
        new("No history, +50 % 1:1: median windows", "≤ 10", &|one| half(one, false) && one.cell.split == Split::Half, &median(10.0)),
    ]
}

/// The table.
pub fn table(measured: &[Measured]) -> String {
    let targets = targets(measured);
    let met = targets.iter().filter(|target| target.is_met() == Some(true)).count();
    let rows: Vec<Vec<String>> = targets.iter().map(Target::row).collect();
    format!(
        "{met} of {} targets are met.\n\n{}",
        targets.len(),
        markdown(&["target", "value", "worst cell, % or windows", "verdict"], &rows)
    )
}

/// Cells in which a peer in its default settings that keeps to 1 % in the same service's A/A is faster, as Markdown.
pub fn losses(measured: &[Measured]) -> String {
    let family = |one: &Measured, effect: Effect| {
        let wanted = one.cell.with(effect);
        let is_alike = |other: &&Measured| {
            let cell = &other.cell;
            cell.effect == effect
                && (cell.noise, cell.split, cell.metric, cell.metrics, cell.correlated)
                    == (wanted.noise, wanted.split, wanted.metric, wanted.metrics, wanted.correlated)
        };
        measured.iter().find(|other| other.cell == wanted).or_else(|| measured.iter().find(is_alike))
    };
    let mut rows = Vec::new();
    let mut unknown = Vec::new();
    for one in measured.iter().filter(|one| one.cell.is_harmful()) {
        let Some(davy) = one.of(DAVY) else { continue };
        let Some(same) = family(one, Effect::Same) else {
            unknown.push(format!("`{}`", one.cell));
            continue;
        };
        for peer in crate::peers::of(&one.cell).iter().filter(|peer| peer.is_default()) {
            let (Some(tally), Some(in_same)) = (one.of(peer.name()), same.of(peer.name())) else { continue };
            let false_alarms = in_same.rolled_back() as f64 / in_same.replicates as f64;
            if false_alarms > 0.01 || !is_faster(one, tally, davy) {
                continue;
            }
            let at_tolerance = family(one, Effect::AtTolerance).and_then(|at| at.of(peer.name()));
            rows.push(vec![
                format!("`{}`", one.cell),
                peer.name().to_owned(),
                crate::table::detection(&one.cell, tally),
                crate::table::detection(&one.cell, davy),
                if peer.tolerates_nothing() == one.cell.zero_tolerance { "yes" } else { "no" }.to_owned(),
                at_tolerance.map_or_else(String::new, |at| percent(at.rolled_back() as f64 / at.replicates as f64)),
            ]);
        }
    }
    let same: usize = rows.iter().filter(|row| row[4] == "yes").count();
    let mut text = format!("Losses: {}, at the same tolerance: {same}.\n\n", rows.len());
    let head = ["cell", "peer", "it finds % @ median / p90", "Davy finds", "same tolerance", "it rolls back at Davy's tolerance, %"];
    text.push_str(&markdown(&head, &rows));
    if !unknown.is_empty() {
        text.push_str(&format!("\nWithout an A/A of the same service among the cells, hence not looked at: {}.\n", unknown.join(", ")));
    }
    text
}

/// By the median; where neither finds half of all, by the shares' intervals.
fn is_faster(one: &Measured, peer: &Tally, davy: &Tally) -> bool {
    let median = |tally: &Tally| tally.windows_to_detect(&one.cell, 0.5);
    match (median(peer), median(davy)) {
        (Some(peer), Some(davy)) => peer < davy,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => {
            let share = |tally: &Tally| interval(tally.detected(&one.cell), tally.replicates);
            share(peer).0 > share(davy).1
        }
    }
}
