//! The published page: prose is written by hand, tables between markers are written here.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::cell::Effect;
use crate::chart;
use crate::peers;
use crate::random::SEED;
use crate::replicate::{DAVY, ORACLE};
use crate::table::{self, detection, markdown, percent, with_interval};
use crate::tally::Measured;
use crate::targets;

const PAGE: &str = "operating-characteristics.md";
const CSV: &str = "operating-characteristics.csv";
const END: &str = "<!-- end of table -->";

/// Writes page, CSV and charts, and says which files these are.
///
/// # Errors
/// A file that cannot be read or written; a page without one of the markers.
pub fn publish(docs: &Path, measured: &[Measured]) -> anyhow::Result<Vec<PathBuf>> {
    let page = docs.join(PAGE);
    let before = std::fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    let mut files = vec![(page, filled(&before, measured)?), (docs.join(CSV), table::csv(measured))];
    for (name, picture) in chart::charts(measured) {
        files.push((docs.join(format!("operating-characteristics-{name}.svg")), picture));
    }
    for (path, text) in &files {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// The page with all tables anew.
///
/// # Errors
/// A marker that is missing.
pub fn filled(page: &str, measured: &[Measured]) -> anyhow::Result<String> {
    let mut page = page.to_owned();
    for (name, text) in tables(measured) {
        let begin = format!("<!-- table: {name} -->");
        let Some(from) = page.find(&begin).map(|at| at + begin.len()) else {
            bail!("expected `{begin}` in {PAGE}, found none; put it where the table shall be, with `{END}` after it");
        };
        let Some(length) = page[from..].find(END) else {
            bail!("expected `{END}` after `{begin}` in {PAGE}, found none");
        };
        page.replace_range(from..from + length, &format!("\n{}\n", text.trim_end()));
    }
    Ok(page)
}

fn tables(measured: &[Measured]) -> Vec<(&'static str, String)> {
    vec![
        ("run", run(measured)),
        ("targets", targets::table(measured)),
        ("wrong", wrong(measured)),
        ("right", right(measured)),
        ("losses", targets::losses(measured)),
        ("history", history(measured)),
        ("kept-out", kept_out(measured)),
    ]
}

fn run(measured: &[Measured]) -> String {
    let replicates = measured.iter().filter_map(|one| one.of(DAVY)).map(|tally| tally.replicates).min().unwrap_or(0);
    format!("{} cells, {replicates} simulated rollouts each, seed `{SEED}`.", measured.len())
}

fn peer_heads(first: &[&'static str]) -> Vec<&'static str> {
    let mut head = first.to_vec();
    head.extend(["kayenta", "tuned", "argo", "tuned", "flagger", "tuned", "z-test", "tuned"]);
    head
}

/// Canaries that are within the tolerance or exactly at it.
fn wrong(measured: &[Measured]) -> String {
    let mut rows = Vec::new();
    for one in measured.iter().filter(|one| !one.cell.is_harmful()) {
        let Some(davy) = one.of(DAVY) else { continue };
        let promoted = with_interval(davy.promoted(), davy.replicates);
        let mut row = vec![
            format!("`{}`", one.cell),
            with_interval(davy.rolled_back(), davy.replicates),
            if one.cell.must_not_pass() { format!("**{promoted}**") } else { promoted },
            percent(davy.held() as f64 / davy.replicates as f64),
        ];
        for peer in peers::of(&one.cell) {
            row.push(one.of(peer.name()).map_or_else(String::new, |tally| percent(tally.rolled_back() as f64 / tally.replicates as f64)));
        }
        rows.push(row);
    }
    markdown(&peer_heads(&["cell", "Davy: rolled back %", "promoted %", "held %"]), &rows)
}

/// Canaries that are worse than tolerated.
fn right(measured: &[Measured]) -> String {
    let mut rows = Vec::new();
    for one in measured.iter().filter(|one| one.cell.is_harmful()) {
        let Some(davy) = one.of(DAVY) else { continue };
        let mut row = vec![
            format!("`{}`", one.cell),
            detection(&one.cell, davy),
            one.of(ORACLE).map_or_else(String::new, |tally| detection(&one.cell, tally)),
            percent(davy.promoted() as f64 / davy.replicates as f64),
            percent(davy.held() as f64 / davy.replicates as f64),
        ];
        for peer in peers::of(&one.cell) {
            row.push(one.of(peer.name()).map_or_else(String::new, |tally| detection(&one.cell, tally)));
        }
        rows.push(row);
    }
    markdown(&peer_heads(&["cell", "Davy: found % @ median / p90", "oracle", "promoted %", "held %"]), &rows)
}

/// Cells that were measured with and without history.
fn history(measured: &[Measured]) -> String {
    let mut rows = Vec::new();
    for without in measured.iter().filter(|one| !one.cell.history) {
        let with =
            measured.iter().find(|other| other.cell.history && crate::cell::Cell { history: false, ..other.cell.clone() } == without.cell);
        let Some((with, (davy, without_tally))) = with.and_then(|with| Some((with, (with.of(DAVY)?, without.of(DAVY)?)))) else { continue };
        let figure = |tally: &crate::tally::Tally| {
            if with.cell.is_harmful() {
                format!("found {}", detection(&with.cell, tally))
            } else {
                let median = tally.windows_to_promote(0.5).map_or_else(|| "–".to_owned(), |window| window.to_string());
                let share = |hits: u64| percent(hits as f64 / tally.replicates as f64);
                format!("rolled back {}, promoted {} @ {median}", share(tally.rolled_back()), share(tally.promoted()))
            }
        };
        let name = with.cell.to_string();
        rows.push(vec![format!("`{}`", name.trim_end_matches(" history")), figure(davy), figure(without_tally)]);
    }
    markdown(&["cell", "with history, %", "without, %"], &rows)
}

/// Kinds of noise that nobody tuned to.
fn kept_out(measured: &[Measured]) -> String {
    let mut rows = Vec::new();
    for one in measured.iter().filter(|one| one.cell.noise.is_kept_out()) {
        let Some(davy) = one.of(DAVY) else { continue };
        let what = match one.cell.effect {
            Effect::Same | Effect::AtTolerance => with_interval(davy.rolled_back(), davy.replicates),
            Effect::Worse(_) | Effect::Late(..) | Effect::TailOnly | Effect::Errors(_) => detection(&one.cell, davy),
        };
        rows.push(vec![format!("`{}`", one.cell), what, with_interval(davy.promoted(), davy.replicates)]);
    }
    markdown(&["cell", "rolled back, or found %", "promoted %"], &rows)
}
