//! The published page.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::table;
use crate::tally::Measured;

/// Writes the CSV.
///
/// # Errors
/// It cannot be written.
pub fn publish(docs: &Path, measured: &[Measured]) -> anyhow::Result<Vec<PathBuf>> {
    let csv = docs.join("operating-characteristics.csv");
    std::fs::write(&csv, table::csv(measured)).with_context(|| format!("cannot write {}", csv.display()))?;
    Ok(vec![csv])
}
