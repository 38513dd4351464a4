//! Collects samples and answers with windows.

use davy_judge::arm::Arm;

use crate::align::{AlignedWindow, Grid};
use crate::samples::{FetchPlan, StreamData};

/// Collects samples of all streams, and makes windows of them.
#[derive(Debug, Clone)]
pub struct Aligner {
    grid: Grid,
}

impl Aligner {
    /// An aligner without samples.
    ///
    /// # Errors
    /// A matcher of the plan that does not compile, or a signal that names no stream, in words for people.
    pub fn new(_plan: &FetchPlan, grid: Grid) -> Result<Self, String> {
        Ok(Aligner { grid })
    }

    /// Takes in samples of one stream. May be called again with later, earlier or overlapping samples: what counts is
    /// the set of samples. Streams that the plan does not have are ignored.
    pub fn feed(&mut self, _stream: usize, _data: &StreamData) {
        unimplemented!("lands within minutes")
    }

    /// The window that ends at `end_ms`; it depends only on samples at or before that time.
    pub fn window(&self, _end_ms: i64) -> AlignedWindow {
        unimplemented!("lands within minutes: {:?}", self.grid)
    }

    /// The time of an arm's first usable sample among those kept.
    pub fn first_sample(&self, _arm: Arm) -> Option<i64> {
        unimplemented!("lands within minutes")
    }

    /// Frees the memory of what windows that end after `end_ms` do not need. Earlier windows become gaps, and samples at
    /// or before that time are no longer taken in.
    pub fn forget_before(&mut self, _end_ms: i64) {
        unimplemented!("lands within minutes")
    }
}
