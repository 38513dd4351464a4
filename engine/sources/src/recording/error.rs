//! What can go wrong with a recording: which file, where in it, what was expected and what was found.

use std::path::PathBuf;

/// A recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file system says no.
    #[error("{file}: {message}", file = file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// The system's words.
        message: String,
    },
    /// There is something already.
    #[error("{file} exists already; choose another path, or say that it may be replaced", file = file.display())]
    Exists {
        /// Where.
        file: PathBuf,
    },
    /// A newer davy wrote it.
    #[error("{file}: expected schema {expected}, found {found}: a newer davy wrote this recording", file = file.display())]
    Schema {
        /// The manifest.
        file: PathBuf,
        /// What this program reads.
        expected: String,
        /// What it says.
        found: String,
    },
    /// The content is not what it should be.
    #[error("{file}{place}: expected {expected}, found {found}", file = file.display(), place = place_text(.row))]
    Content {
        /// Which file.
        file: PathBuf,
        /// Which row of it, counted from 1 without the heading; none where the file as a whole is meant.
        row: Option<usize>,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
}

fn place_text(row: &Option<usize>) -> String {
    row.map_or_else(String::new, |row| format!(" row {row}"))
}

impl RecordError {
    pub(super) fn io(file: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        RecordError::Io { file: file.into(), message: error.to_string() }
    }

    pub(super) fn content(file: impl Into<PathBuf>, row: Option<usize>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        RecordError::Content { file: file.into(), row, expected: expected.into(), found: found.into() }
    }
}
