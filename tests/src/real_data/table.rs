//! Plain tables: a heading, then rows of as many cells, by commas and without quotes, as all of these data sets have them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// A table in memory.
#[derive(Debug)]
pub struct Table {
    file: PathBuf,
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, or a row with more or fewer cells than the heading.
    pub fn read(file: &Path) -> anyhow::Result<Table> {
        let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        Table::parse(file, &text)
    }

    /// Reads text; `file` is for messages.
    ///
    /// # Errors
    /// A row with more or fewer cells than the heading.
    pub fn parse(file: &Path, text: &str) -> anyhow::Result<Table> {
        let cells = |line: &str| line.trim_end_matches('\r').split(',').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let mut lines = text.lines();
        let heading = cells(lines.next().with_context(|| format!("{}: expected a heading, found an empty file", file.display()))?);
        let mut rows = Vec::new();
        for (index, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let row = cells(line);
            ensure!(
                row.len() == heading.len(),
                "{}:{}: expected {} cells as in the heading, found {}",
                file.display(),
                index + 2,
                heading.len(),
                row.len()
            );
            rows.push(row);
        }
        Ok(Table { file: file.to_owned(), heading, rows })
    }

    /// One column as text.
    ///
    /// # Errors
    /// No such column.
    pub fn texts(&self, column: &str) -> anyhow::Result<Vec<&str>> {
        let index = self
            .heading
            .iter()
            .position(|name| name == column)
            .with_context(|| format!("{}: expected a column `{column}`, found {}", self.file.display(), self.heading.join(", ")))?;
        Ok(self.rows.iter().map(|row| row[index].as_str()).collect())
    }

    /// One column as numbers; an empty cell and `NaN` are none.
    ///
    /// # Errors
    /// No such column, or a cell that is neither.
    pub fn numbers(&self, column: &str) -> anyhow::Result<Vec<Option<f64>>> {
        let number = |(index, text): (usize, &str)| {
            if text.is_empty() {
                return Ok(None);
            }
            let value: f64 = text
                .parse()
                .with_context(|| format!("{}:{}: expected a number in `{column}`, found `{text}`", self.file.display(), index + 2))?;
            Ok(value.is_finite().then_some(value))
        };
        self.texts(column)?.into_iter().enumerate().map(number).collect()
    }
}
