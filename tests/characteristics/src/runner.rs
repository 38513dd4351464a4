//! Many replicates of many cells: in parallel, resumed where a run was ended, the same result in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use rayon::prelude::*;

use crate::cell::Cell;
use crate::replicate::Prepared;
use crate::store::{CHUNK, Chunk, Store};
use crate::tally::{Measured, Tally};

/// What is run.
pub struct Job<'a> {
    /// The cells.
    pub cells: &'a [Cell],
    /// Replicates of each.
    pub replicates: u64,
    /// The seed.
    pub seed: &'a str,
    /// Where chunks are kept.
    pub directory: &'a Path,
    /// What measures (the program's bytes).
    pub program: &'a [u8],
    /// Whether to say on stderr how far it is, where that is a terminal.
    pub progress: bool,
}

/// The result.
pub struct Outcome {
    /// One per cell, in order.
    pub measured: Vec<Measured>,
    /// Seconds of one core per cell, in order.
    pub seconds: Vec<f64>,
    /// Chunks that were there already.
    pub resumed: usize,
}

/// Runs what is not there yet.
///
/// # Errors
/// A replicate that cannot be judged; a store that cannot be written.
pub fn run(job: &Job<'_>) -> anyhow::Result<Outcome> {
    let (store, found) = Store::open(job.directory, job.program, job.seed)?;
    let chunks_per_cell = job.replicates.div_ceil(CHUNK);
    let size = |index: u64| CHUNK.min(job.replicates - index * CHUNK);
    let names: Vec<String> = job.cells.iter().map(Cell::to_string).collect();
    let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut done: BTreeMap<(String, u64), Chunk> = BTreeMap::new();
    for chunk in found {
        if known.contains(chunk.cell.as_str()) && chunk.index < chunks_per_cell && chunk.replicates == size(chunk.index) {
            done.insert((chunk.cell.clone(), chunk.index), chunk);
        }
    }
    let resumed = done.len();
    let prepared: Vec<Prepared> = job.cells.iter().cloned().map(Prepared::new).collect();
    // Round by round over all cells, so that whoever ends the run early has seen some of each.
    let todo: Vec<(usize, u64)> = (0..chunks_per_cell)
        .flat_map(|index| (0..job.cells.len()).map(move |cell| (cell, index)))
        .filter(|(cell, index)| !done.contains_key(&(names[*cell].clone(), *index)))
        .collect();
    let progress = Progress::new(job.progress, todo.len(), resumed);
    let kept = Mutex::new((store, progress));
    // One at a time from a common queue: chunks cost very different amounts.
    let made: anyhow::Result<Vec<Chunk>> = todo
        .par_iter()
        .with_max_len(1)
        .map(|(cell, index)| {
            let chunk = measure(&prepared[*cell], job.seed, *index, size(*index))?;
            let mut kept = kept.lock().expect("nobody panics with it");
            kept.0.keep(&chunk)?;
            kept.1.one_more();
            Ok(chunk)
        })
        .collect();
    for chunk in made? {
        done.insert((chunk.cell.clone(), chunk.index), chunk);
    }
    kept.into_inner().expect("nobody panics with it").1.end();
    let mut outcome = Outcome { measured: Vec::new(), seconds: Vec::new(), resumed };
    for (cell, name) in job.cells.iter().zip(&names) {
        let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
        let mut seconds = 0.0;
        for index in 0..chunks_per_cell {
            if let Some(chunk) = done.get(&(name.clone(), index)) {
                seconds += chunk.seconds;
                for (judge, tally) in &chunk.tallies {
                    tallies.entry(judge.clone()).or_default().merge(tally);
                }
            }
        }
        outcome.measured.push(Measured { cell: cell.clone(), tallies });
        outcome.seconds.push(seconds);
    }
    Ok(outcome)
}

fn measure(prepared: &Prepared, seed: &str, index: u64, replicates: u64) -> anyhow::Result<Chunk> {
    let begin = Busy::now();
    let judges = prepared.judges();
    let mut tallies: BTreeMap<String, Tally> = judges.iter().map(|judge| ((*judge).to_owned(), Tally::default())).collect();
    for replicate in index * CHUNK..index * CHUNK + replicates {
        for (judge, ending) in judges.iter().zip(prepared.judge(seed, replicate)?) {
            if let Some(tally) = tallies.get_mut(*judge) {
                tally.add(ending);
            }
        }
    }
    Ok(Chunk { cell: prepared.cell.to_string(), index, replicates, tallies, seconds: begin.seconds() })
}

/// What this thread has cost: time on a core where the system tells it (Linux), else time that went by.
struct Busy {
    on_core: Option<u64>,
    begin: Instant,
}

impl Busy {
    fn on_core() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split_whitespace().next()?.parse().ok()
    }

    fn now() -> Busy {
        Busy { on_core: Busy::on_core(), begin: Instant::now() }
    }

    fn seconds(&self) -> f64 {
        match (self.on_core, Busy::on_core()) {
            (Some(from), Some(to)) => to.saturating_sub(from) as f64 / 1e9,
            (_, _) => self.begin.elapsed().as_secs_f64(),
        }
    }
}

/// How far it is, on a terminal only.
struct Progress {
    is_shown: bool,
    todo: usize,
    done: usize,
    resumed: usize,
    begin: Instant,
}

impl Progress {
    fn new(wanted: bool, todo: usize, resumed: usize) -> Progress {
        Progress { is_shown: wanted && std::io::stderr().is_terminal(), todo, done: 0, resumed, begin: Instant::now() }
    }

    fn one_more(&mut self) {
        self.done += 1;
        if self.is_shown {
            let left = self.begin.elapsed().as_secs_f64() / self.done as f64 * (self.todo - self.done) as f64;
            let (all, done) = (self.todo + self.resumed, self.done + self.resumed);
            let (minutes, seconds) = ((left / 60.0) as u64, left as u64 % 60);
            // Who watches is not told of a terminal that went away.
            let _ = write!(std::io::stderr(), "\r\x1b[K{done} of {all} chunks, {} %, about {minutes}:{seconds:02} left", 100 * done / all);
        }
    }

    fn end(&self) {
        if self.is_shown && self.todo > 0 {
            let _ = writeln!(std::io::stderr());
        }
    }
}
