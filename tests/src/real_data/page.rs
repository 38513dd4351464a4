//! What the traces gave, as Markdown, and its place in a page.

use std::fmt::Write as _;

use anyhow::Context;
use davy_judge::verdict::Verdict;

use super::drive::{Answer, Told};

/// Where the command's part of the page begins and ends.
pub const MARKERS: (&str, &str) = ("<!-- made by `just real-data PATH`: begin -->", "<!-- made by `just real-data PATH`: end -->");

/// A page with its made part replaced.
///
/// # Errors
/// A page without the two markers.
pub fn replaced(page: &str, made: &str) -> anyhow::Result<String> {
    let (begin, end) = MARKERS;
    let from = page.find(begin).with_context(|| format!("expected `{begin}` in the page, found none"))? + begin.len();
    let to = page[from..].find(end).with_context(|| format!("expected `{end}` after the first marker, found none"))? + from;
    Ok(format!("{}\n\n{}\n\n{}", &page[..from], made.trim(), &page[to..]))
}

/// A Markdown table.
#[derive(Debug, Clone)]
pub struct Rows {
    text: String,
}

impl Rows {
    /// Only its heading.
    pub fn new(heading: &[&str]) -> Rows {
        Rows { text: format!("| {} |\n|{}\n", heading.join(" | "), "---|".repeat(heading.len())) }
    }

    /// One more row.
    pub fn push(&mut self, cells: &[String]) {
        let _ = writeln!(self.text, "| {} |", cells.join(" | "));
    }

    /// The whole.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// How many of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Promoted.
    pub promoted: usize,
    /// Neither.
    pub held: usize,
    /// Rolled back.
    pub rolled_back: usize,
}

impl Tally {
    /// Counts one more.
    pub fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Promote => self.promoted += 1,
            Verdict::Hold => self.held += 1,
            Verdict::Rollback => self.rolled_back += 1,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Tally) -> Tally {
        Tally { promoted: self.promoted + other.promoted, held: self.held + other.held, rolled_back: self.rolled_back + other.rolled_back }
    }

    /// All.
    pub fn all(self) -> usize {
        self.promoted + self.held + self.rolled_back
    }

    /// The cells of a row: all, promoted, held, rolled back.
    pub fn cells(self) -> [String; 4] {
        [self.all(), self.promoted, self.held, self.rolled_back].map(|count| count.to_string())
    }
}

/// The lower and upper median and the share that is found, of windows to detect; a miss counts as longer than anything.
pub fn median(found: &[Option<usize>]) -> String {
    let mut windows: Vec<usize> = found.iter().map(|windows| windows.unwrap_or(usize::MAX)).collect();
    windows.sort_unstable();
    match windows.get(windows.len().saturating_sub(1) / 2) {
        None => "–".to_owned(),
        Some(&usize::MAX) => "not found".to_owned(),
        Some(windows) => windows.to_string(),
    }
}

/// A verdict with its window.
pub fn verdict(answer: &Answer) -> String {
    match answer.verdict {
        Verdict::Hold => format!("hold ({})", answer.windows),
        Verdict::Promote | Verdict::Rollback => format!("{} @ {}", answer.verdict.name(), answer.windows),
    }
}

/// What one metric told, in numbers.
pub fn numbers(told: &Told) -> String {
    let noise = match (told.noise.scale, told.noise.dependence) {
        (Some(scale), Some(dependence)) => format!(
            "noise {scale:.3}, dependence {dependence:.1}, offset {:.2}, {} rows, {} windows",
            told.noise.offset.unwrap_or(0.0),
            told.noise.rows,
            told.noise.windows
        ),
        _ => format!("no profile: {}", told.noise.notes.join("; ")),
    };
    let estimate = told.estimate.map_or_else(|| "–".to_owned(), |effect| format!("× {effect:.2}"));
    let (last, most) = told.ln_harm;
    format!("{}: {estimate}, ln harm {last:.1} (at most {most:.1}), ln safe {:.1} ({noise})", told.name, told.ln_safe)
}
