//! `just characteristics`: how often Davy and its peers are wrong, and how soon they are right.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::Parser;
use davy_characteristics::cell::Cell;
use davy_characteristics::random::{EXPERIMENTS, SEED};
use davy_characteristics::runner::{self, Job};
use davy_characteristics::{page, table};

/// The published cells.
const PUBLISHED: &str = include_str!("../cells.txt");

/// Simulates rollouts, lets Davy and its peers judge them, and writes what came out.
///
/// Ended half-way and called again, it goes on. Without --only and --full it writes the published page.
#[derive(Debug, Parser)]
struct Arguments {
    /// Replicates of each cell.
    #[arg(long, default_value_t = 2000)]
    replicates: u64,
    /// A list of cells in place of the published one.
    #[arg(long)]
    cells: Option<PathBuf>,
    /// Only cells whose name contains this (repeatable); prints a table and writes nothing.
    #[arg(long)]
    only: Vec<String>,
    /// Every combination that makes sense: a night. Writes full.csv into the state directory.
    #[arg(long, conflicts_with_all = ["cells", "only"])]
    full: bool,
    /// Another seed. Without it the published run has its own, and --only, --cells and --full have another.
    #[arg(long)]
    seed: Option<String>,
    /// Where chunks are kept, so that a run can go on.
    #[arg(long, default_value = "target/characteristics")]
    state: PathBuf,
    /// The directory with operating-characteristics.md.
    #[arg(long, default_value = "docs")]
    docs: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.replicates == 0 {
        bail!("expected at least one replicate, found 0");
    }
    let mut cells = match &arguments.cells {
        _ if arguments.full => Cell::product(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Cell::list(&text).map_err(|why| anyhow!("{}: {why}", path.display()))?
        }
        None => Cell::list(PUBLISHED).map_err(|why| anyhow!("cells.txt: {why}"))?,
    };
    if !arguments.only.is_empty() {
        cells.retain(|cell| arguments.only.iter().any(|wanted| cell.to_string().contains(wanted.as_str())));
        if cells.is_empty() {
            bail!("no cell's name contains {}; names look like `iid 1:1 p99 aa history`", arguments.only.join(" or "));
        }
    }
    let is_published = arguments.cells.is_none() && arguments.only.is_empty() && !arguments.full;
    if !is_published {
        let before = cells.len();
        cells.retain(|cell| !cell.noise.is_kept_out());
        if cells.len() < before {
            eprintln!(
                "{} cells with kinds of noise that are kept out of all tuning are left out: only the published run has them",
                before - cells.len()
            );
        }
    }
    let seed = arguments.seed.as_deref().unwrap_or(if is_published { SEED } else { EXPERIMENTS });
    let program = std::fs::read(std::env::current_exe()?).context("cannot read the program itself")?;
    let job = Job { cells: &cells, replicates: arguments.replicates, seed, directory: &arguments.state, program: &program, progress: true };
    let outcome = runner::run(&job)?;
    let spent: f64 = outcome.seconds.iter().sum();
    eprintln!("{} cells, {} replicates each, {spent:.0} s of one core", cells.len(), arguments.replicates);
    if arguments.full {
        let path = arguments.state.join("full.csv");
        std::fs::write(&path, table::csv(&outcome.measured)).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    } else if is_published {
        for path in page::publish(&arguments.docs, &outcome.measured)? {
            println!("{}", path.display());
        }
    } else {
        print!("{}", table::overview(&outcome.measured, &outcome.seconds));
    }
    Ok(())
}
