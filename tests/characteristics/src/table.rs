//! Rows of figures: the CSV, and Markdown tables made of the same.

use crate::cell::Cell;
use crate::peers;
use crate::replicate::{DAVY, ORACLE};
use crate::statistics::interval;
use crate::tally::{Measured, Tally};

/// The CSV's columns.
pub const COLUMNS: &str = "cell,noise,split,metric,effect,history,metrics,tolerance,judge,replicates,rolled_back,promoted,held,\
rolled_back_low,rolled_back_high,promoted_low,promoted_high,detected,median_windows,p90_windows,median_windows_to_promote";

/// All cells and judges, one line each. Shares are 0..=1, their ends those of the 95 % interval; windows are counted from the
/// onset, empty where fewer than half (nine tenths) of all replicates ever came there.
pub fn csv(measured: &[Measured]) -> String {
    let mut text = format!("{COLUMNS}\n");
    for one in measured {
        for judge in judges(one) {
            let Some(tally) = one.of(&judge) else { continue };
            let cell = &one.cell;
            let (rolled_back, promoted, trials) = (tally.rolled_back(), tally.promoted(), tally.replicates);
            let (low, high) = interval(rolled_back, trials);
            let (promoted_low, promoted_high) = interval(promoted, trials);
            let window = |window: Option<usize>| window.map(|window| window.to_string()).unwrap_or_default();
            text.push_str(&format!(
                "{cell},{},{},{},{},{},{},{},{judge},{trials},{rolled_back},{promoted},{},{low:.5},{high:.5},{promoted_low:.5},{promoted_high:.5},{},{},{},{}\n",
                cell.noise.name(),
                cell.split.name(),
                cell.metric.name(),
                cell.effect,
                if cell.history { "history" } else { "none" },
                cell.metrics,
                cell.tolerance(),
                tally.held(),
                tally.detected(cell),
                window(tally.windows_to_detect(cell, 0.5)),
                window(tally.windows_to_detect(cell, 0.9)),
                window(tally.windows_to_promote(0.5)),
            ));
        }
    }
    text
}

/// The judges of a cell: Davy, its peers, the oracle.
pub fn judges(one: &Measured) -> Vec<String> {
    let mut names = vec![DAVY.to_owned()];
    names.extend(peers::of(&one.cell).iter().map(|peer| peer.name().to_owned()));
    names.push(ORACLE.to_owned());
    names.retain(|name| one.tallies.contains_key(name));
    names
}

/// A share as people read it: percent with what a sample of this size can tell.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent == 0.0 {
        "0".to_owned()
    } else if percent < 9.95 {
        format!("{percent:.1}")
    } else {
        format!("{percent:.0}")
    }
}

/// `98 @ 7 / 12`: the share that was rolled back once something was wrong, the median and the nine-tenths window; `–`: never.
pub fn detection(cell: &Cell, tally: &Tally) -> String {
    let window = |share: f64| tally.windows_to_detect(cell, share).map_or_else(|| "–".to_owned(), |window| window.to_string());
    let share = percent(tally.detected(cell) as f64 / tally.replicates as f64);
    if tally.detected(cell) == 0 { share } else { format!("{share} @ {} / {}", window(0.5), window(0.9)) }
}

/// `1.2 (0.8–1.7)`.
pub fn with_interval(hits: u64, trials: u64) -> String {
    let (low, high) = interval(hits, trials);
    format!("{} ({}–{})", percent(hits as f64 / trials as f64), percent(low), percent(high))
}

/// A Markdown table.
pub fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = &str>| format!("| {} |\n", cells.collect::<Vec<&str>>().join(" | "));
    let mut text = line(&mut head.iter().copied());
    text.push_str(&line(&mut head.iter().map(|_| "---")));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// All cells and judges in a few columns, for a look at a terminal.
pub fn overview(measured: &[Measured], seconds: &[f64]) -> String {
    let mut rows = Vec::new();
    for (one, seconds) in measured.iter().zip(seconds) {
        for judge in judges(one) {
            let Some(tally) = one.of(&judge) else { continue };
            rows.push(vec![
                if judge == DAVY { format!("**{}**", one.cell) } else { String::new() },
                judge.clone(),
                with_interval(tally.rolled_back(), tally.replicates),
                with_interval(tally.promoted(), tally.replicates),
                detection(&one.cell, tally),
                tally.windows_to_promote(0.5).map_or_else(|| "–".to_owned(), |window| window.to_string()),
                if judge == DAVY { format!("{:.2}", 1000.0 * seconds / tally.replicates as f64) } else { String::new() },
            ]);
        }
    }
    markdown(&["cell", "judge", "rolled back %", "promoted %", "detected % @ median / p90", "promoted @", "ms each"], &rows)
}
