//! The page: prose stays, tables come anew, and what is checked in speaks of the cells that are published.

use std::path::Path;

use davy_characteristics::cell::Cell;
use davy_characteristics::page::{filled, publish};
use davy_characteristics::replicate::Ending;
use davy_characteristics::table::{COLUMNS, csv};
use davy_characteristics::tally::{Measured, Tally};
use davy_characteristics::targets::{losses, table, targets};

const PAGE: &str = include_str!("../../../docs/operating-characteristics.md");

/// A cell with endings of judges: (judge, rolled back at window 3, at window 20, promoted) of 1000.
fn one(cell: &str, judges: &[(&str, u64, u64, u64)]) -> Measured {
    let tally = |(_, soon, late, promoted): &(&str, u64, u64, u64)| {
        let mut tally = Tally::default();
        for at in 0..1000 {
            tally.add(match at {
                at if at < *soon => Ending::Rollback(3),
                at if at < soon + late => Ending::Rollback(20),
                at if at < soon + late + promoted => Ending::Promote(12),
                _ => Ending::Hold,
            });
        }
        tally
    };
    let tallies = judges.iter().map(|judge| (judge.0.to_owned(), tally(judge))).collect();
    Measured { cell: Cell::parse(cell).expect("a cell"), tallies }
}

#[test]
fn targets_are_met_only_where_the_worse_end_of_the_interval_is() {
    let verdict = |rolled_back: u64| {
        let measured = [one("iid 1:1 p99 aa history", &[("davy", rolled_back, 0, 900)])];
        targets(&measured)[0].is_met()
    };
    // 5 of 1000 has an upper end of 1.16 %, 3 of .87 %.
    assert_eq!((verdict(5), verdict(3)), (Some(false), Some(true)));
    assert_eq!(targets(&[])[0].is_met(), None);
    let text = table(&[one("iid 1:1 p99 aa history", &[("davy", 5, 0, 900)])]);
    assert!(text.contains("**NOT MET** in 1 of 1: `iid 1:1 p99 aa history`: 0.5 (0.2–1.2)") && text.contains("not measured"), "{text}");
    // What is found before anything is wrong is no detection, and a median is counted from the onset.
    let late = one("iid 1:1 p99 +50%@30 history", &[("davy", 1000, 0, 0)]);
    assert_eq!((late.tallies["davy"].detected(&late.cell), late.tallies["davy"].windows_to_detect(&late.cell, 0.5)), (0, None));
    let soon = one("iid 1:1 p99 +50%@10 history", &[("davy", 0, 600, 0)]);
    assert_eq!((soon.tallies["davy"].detected(&soon.cell), soon.tallies["davy"].windows_to_detect(&soon.cell, 0.5)), (600, Some(10)));
    assert_eq!(soon.tallies["davy"].windows_to_detect(&soon.cell, 0.9), None);
}

#[test]
fn a_loss_needs_a_peer_that_keeps_to_one_percent_and_is_faster() {
    let lost = |false_alarms: u64, soon: u64| {
        let measured = [
            one("iid 1:1 p99 aa history", &[("davy", 0, 0, 900), ("kayenta", false_alarms, 0, 900), ("argo", 900, 0, 0)]),
            one("iid 1:1 p99 tol history", &[("davy", 0, 0, 0), ("kayenta", 800, 0, 0)]),
            one("iid 1:1 p99 +25% history", &[("davy", 0, 1000, 0), ("kayenta", soon, 1000 - soon, 0), ("argo", 1000, 0, 0)]),
        ];
        losses(&measured)
    };
    let text = lost(10, 900);
    assert!(
        text.starts_with("Losses: 1, at the same tolerance: 0.") && text.contains("| kayenta | 100 @ 3 / 3 | 100 @ 20 / 20 | no | 80 |"),
        "{text}"
    );
    assert!(lost(11, 900).starts_with("Losses: 0,") && lost(10, 400).starts_with("Losses: 0,"));
    let alone = losses(&[one("iid 1:1 p99 +25% history", &[("davy", 0, 1000, 0), ("kayenta", 1000, 0, 0)])]);
    assert!(alone.contains("hence not looked at: `iid 1:1 p99 +25% history`"), "{alone}");
}

#[test]
fn a_run_rewrites_tables_and_never_the_prose() {
    let measured = [
        one("iid 1:1 p99 aa history", &[("davy", 1, 0, 900), ("kayenta", 10, 0, 990)]),
        one("iid 1:1 p99 +25% history", &[("davy", 500, 400, 0), ("oracle", 1000, 0, 0)]),
        one("iid 1:1 p99 +25% none", &[("davy", 0, 400, 0)]),
    ];
    let once = filled(PAGE, &measured).expect("all markers are there");
    assert_eq!(filled(&once, &measured).expect("they still are"), once);
    let prose = |page: &str| {
        let mut is_table = false;
        let kept = page.lines().filter(|line| {
            is_table = (is_table || line.starts_with("<!-- table:")) && !line.starts_with("<!-- end of table");
            !is_table
        });
        kept.map(str::to_owned).collect::<Vec<String>>()
    };
    assert_eq!(prose(&once), prose(PAGE));
    assert!(once.contains("3 cells, 1000 simulated rollouts each"));
    assert!(once.contains("| `iid 1:1 p99 +25%` | found 90 @ 3 / 20 | found 40 @ – / – |"), "{once}");
    let broken = PAGE.replace("<!-- table: losses -->", "");
    assert!(filled(&broken, &measured).expect_err("a marker is missing").to_string().contains("expected `<!-- table: losses -->`"));

    let docs = tempfile::tempdir().expect("a directory");
    std::fs::write(docs.path().join("operating-characteristics.md"), PAGE).expect("written");
    let files = publish(docs.path(), &measured).expect("published");
    assert_eq!(files.len(), 4);
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "svg")) {
        let picture = std::fs::read_to_string(file).expect("a chart");
        assert!(
            picture.starts_with("<svg") && picture.ends_with("</svg>\n") && picture.contains("iid 1:1 p99") && !picture.contains("NaN")
        );
    }
}

#[test]
fn page_and_figures_are_of_one_run_of_the_published_cells() {
    let csv_path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating-characteristics.csv");
    let published = Cell::list(include_str!("../cells.txt")).expect("the published list");
    let was_run = PAGE.lines().find(|line| line.contains("simulated rollouts each, seed"));
    assert_eq!(was_run.is_some(), csv_path.exists(), "the page's tables and the CSV come together: run `just characteristics`");
    if let Some(was_run) = was_run {
        assert!(was_run.starts_with(&format!("{} cells, ", published.len())), "{was_run}");
        let text = std::fs::read_to_string(&csv_path).expect("the CSV");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(COLUMNS));
        let mut found: Vec<&str> = lines.map(|line| line.split(',').next().unwrap_or("")).collect();
        found.dedup();
        let wanted: Vec<String> = published.iter().map(Cell::to_string).collect();
        assert_eq!(found, wanted, "run `just characteristics` after cells.txt was changed");
    }
    let columns = COLUMNS.split(',').count();
    assert!(csv(&[one("iid 1:1 p99 aa history", &[("davy", 1, 0, 900)])]).lines().all(|line| line.split(',').count() == columns));
}
