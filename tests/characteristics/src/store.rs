//! What was measured already: a file of one line per chunk, so that a run that was ended goes on.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::tally::Tally;

/// Replicates per chunk.
pub const CHUNK: u64 = 100;

/// A chunk of one cell: replicates `CHUNK * index` and on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// The cell, as it is written.
    pub cell: String,
    /// Which of its chunks.
    pub index: u64,
    /// How many replicates.
    pub replicates: u64,
    /// By judge.
    pub tallies: BTreeMap<String, Tally>,
    /// What it cost, in seconds of one core.
    pub seconds: f64,
}

/// The file.
pub struct Store {
    path: PathBuf,
    file: File,
}

impl Store {
    /// Opens the store of one program and seed in a directory, and reads what is there. A line that was cut short is forgotten.
    /// `program`: what measures; another judge must not go on with this one's chunks.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn open(directory: &Path, program: &[u8], seed: &str) -> anyhow::Result<(Store, Vec<Chunk>)> {
        let mut hash = Sha256::new();
        hash.update(program);
        hash.update(seed.as_bytes());
        let name: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let path = directory.join(format!("{name}.jsonl"));
        let text = fs::read_to_string(&path).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let chunks: Vec<Chunk> = whole.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if whole.len() < text.len() {
            fs::write(&path, whole).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok((Store { path, file }, chunks))
    }

    /// Keeps a chunk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&mut self, chunk: &Chunk) -> anyhow::Result<()> {
        let mut line = serde_json::to_string(chunk)?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
