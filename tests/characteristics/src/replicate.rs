//! One replicate: simulated once, judged by Davy's production path, by its peers and by the oracle.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anyhow::anyhow;
use davy_gate::pipeline::{Patience, Run};
use davy_judge::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::cell::Cell;
use crate::oracle::Oracle;
use crate::peers;
use crate::random::Draws;
use crate::rules::plan;
use crate::service::simulate;

/// How one judge ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Rolled back at this judged window; 1 is the first.
    Rollback(usize),
    /// Promoted at this judged window.
    Promote(usize),
    /// Neither, until the deadline.
    Hold,
}

/// What must be known of a cell before its replicates.
pub struct Prepared {
    /// The cell.
    pub cell: Cell,
    oracle: Option<Oracle>,
}

impl Prepared {
    /// Prepares a cell.
    pub fn new(cell: Cell) -> Prepared {
        Prepared { oracle: Oracle::new(&cell), cell }
    }

    /// The names of all judges, in the order of [`Prepared::judge`]'s endings.
    pub fn judges(&self) -> Vec<&'static str> {
        let mut names = vec![DAVY];
        names.extend(peers::of(&self.cell).iter().map(|peer| peer.name()));
        names.extend(self.oracle.as_ref().map(|_| ORACLE));
        names
    }

    /// Simulates one replicate and lets everybody judge it.
    ///
    /// # Errors
    /// Rules that the gate refuses; a source that waits.
    pub fn judge(&self, seed: &str, replicate: u64) -> anyhow::Result<Vec<Ending>> {
        let mut draws = Draws::new(seed, &self.cell.to_string(), replicate);
        let plan = plan(&self.cell, replicate)?;
        let simulated = simulate(&self.cell, &plan, &mut draws);
        let mut run = Run::new(&plan, &simulated.service).map_err(|error| anyhow!(error))?;
        // Watching never changes the answer: crossing is remembered window by window, so one call is as good as sixty.
        now(run.advance(plan.deadline_ms, Patience::Once, |_| {}))?.map_err(|outage| anyhow!("the source failed: {outage:?}"))?;
        let windows = run.analysis().windows();
        let mut endings = vec![match run.analysis().ended() {
            Some(Verdict::Rollback) => Ending::Rollback(windows),
            Some(Verdict::Promote) => Ending::Promote(windows),
            Some(Verdict::Hold) | None => Ending::Hold,
        }];
        endings.extend(peers::of(&self.cell).iter().map(|peer| peer.judge(&self.cell, &simulated.observed)));
        endings.extend(self.oracle.as_ref().map(|oracle| oracle.judge(&simulated.observed)));
        Ok(endings)
    }
}

/// Davy's name among the judges.
pub const DAVY: &str = "davy";
/// The oracle's.
pub const ORACLE: &str = "oracle";

/// The value of a future that never waits.
///
/// # Errors
/// It waits.
pub fn now<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err(anyhow!("expected a source in memory, found one that waits")),
    }
}
