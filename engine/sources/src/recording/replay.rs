//! A recording as a source.

use std::path::Path;

use davy_judge::arm::Arm;

use crate::recording::{Manifest, RecordError};
use crate::samples::{FetchPlan, Part, Span, StreamData};
use crate::source::{Fetched, Source};

/// A recording in memory. As a source it answers a fetch with exactly the samples of the span that it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// What was asked, why, and what came back besides samples.
    pub manifest: Manifest,
    run: Vec<StreamData>,
    history: Vec<StreamData>,
}

impl Recording {
    /// Reads a recording: a directory, or its `manifest.json`.
    ///
    /// # Errors
    /// A file that is missing, cut off, corrupted, or written by a newer version.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        Err(RecordError::content(path, None, "a reader", "none yet"))
    }
}

impl Source for Recording {
    async fn fetch(&self, _plan: &FetchPlan, part: Part, _span: Span) -> Fetched {
        let kept = match part {
            Part::Run => &self.run,
            Part::History => &self.history,
        };
        kept.iter().cloned().map(Ok).collect()
    }

    async fn explain_empty(&self, _plan: &FetchPlan, _arm: Arm, _span: Span) -> Option<String> {
        None
    }
}
