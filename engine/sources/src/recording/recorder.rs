//! Collects what a source answered, and writes it as a recording.

use std::path::Path;

use crate::recording::{About, RecordError};
use crate::samples::{FetchPlan, Part, Span};
use crate::source::Fetched;

/// What a source answered, merged: overlapping fetches leave each sample once.
#[derive(Debug, Clone)]
pub struct Recorder {
    plan: FetchPlan,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSummary {
    /// Series.
    pub series: usize,
    /// Samples.
    pub samples: usize,
}

impl Recorder {
    /// Nothing was fetched yet.
    pub fn new(plan: &FetchPlan) -> Self {
        Recorder { plan: plan.clone() }
    }

    /// Takes in the answer to one fetch.
    pub fn add(&mut self, _part: Part, _span: Span, _fetched: &Fetched) {}

    /// Writes a recording, whole or not at all: a directory is filled beside `path` and renamed.
    ///
    /// # Errors
    /// `path` exists and `replace` is false; or the file system refuses.
    pub fn write(&self, path: &Path, _about: &About, _replace: bool) -> Result<RecordSummary, RecordError> {
        Err(RecordError::content(path, None, "a writer", format!("none yet for {} streams", self.plan.streams.len())))
    }
}
