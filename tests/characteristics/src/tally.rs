//! Endings, counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cell::Cell;
use crate::replicate::Ending;
use crate::statistics;

/// How often one judge ended how in one cell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// All replicates.
    pub replicates: u64,
    /// Rollbacks by window; 0 is never used.
    pub rollbacks: Vec<u64>,
    /// Promotions by window.
    pub promotions: Vec<u64>,
}

impl Tally {
    /// Counts one.
    pub fn add(&mut self, ending: Ending) {
        self.replicates += 1;
        let (counts, window) = match ending {
            Ending::Rollback(window) => (&mut self.rollbacks, window),
            Ending::Promote(window) => (&mut self.promotions, window),
            Ending::Hold => return,
        };
        if counts.len() <= window {
            counts.resize(window + 1, 0);
        }
        counts[window] += 1;
    }

    /// Counts all of another.
    pub fn merge(&mut self, other: &Tally) {
        self.replicates += other.replicates;
        for (counts, more) in [(&mut self.rollbacks, &other.rollbacks), (&mut self.promotions, &other.promotions)] {
            if counts.len() < more.len() {
                counts.resize(more.len(), 0);
            }
            counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        }
    }

    /// How many were rolled back.
    pub fn rolled_back(&self) -> u64 {
        self.rollbacks.iter().sum()
    }

    /// How many were promoted.
    pub fn promoted(&self) -> u64 {
        self.promotions.iter().sum()
    }

    /// How many were neither.
    pub fn held(&self) -> u64 {
        self.replicates - self.rolled_back() - self.promoted()
    }

    /// Rollbacks by windows since the onset; those before it are none.
    fn since_onset(&self, cell: &Cell) -> &[u64] {
        self.rollbacks.get(cell.onset()..).filter(|_| cell.onset() > 0).unwrap_or(if cell.onset() > 0 { &[] } else { &self.rollbacks })
    }

    /// How many rollbacks came when something was wrong.
    pub fn detected(&self, cell: &Cell) -> u64 {
        let since = self.since_onset(cell);
        // At the onset itself nothing had been seen yet.
        since.iter().skip(1).sum()
    }

    /// Windows since the onset until this share of all replicates was rolled back; none: fewer ever were.
    pub fn windows_to_detect(&self, cell: &Cell, share: f64) -> Option<usize> {
        let mut since = self.since_onset(cell).to_vec();
        if let Some(before) = since.first_mut() {
            *before = 0;
        }
        statistics::quantile(&since, self.replicates, share)
    }

    /// Windows until this share of all replicates was promoted.
    pub fn windows_to_promote(&self, share: f64) -> Option<usize> {
        statistics::quantile(&self.promotions, self.replicates, share)
    }
}

/// One cell's tallies, by judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The cell.
    pub cell: Cell,
    /// By the judge's name.
    pub tallies: BTreeMap<String, Tally>,
}

impl Measured {
    /// One judge's tally.
    pub fn of(&self, judge: &str) -> Option<&Tally> {
        self.tallies.get(judge)
    }
}
