//! What is wrong with a rule file: where, what, and how to put it right. As text with a caret, and as JSON.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

/// Whether a diagnostic keeps the file from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// Allowed, but probably not meant.
    Warning,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file as it was named, or `presets/NAME`.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// The line that a diagnostic is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// The source line, tabs as they are, cut when very long.
    pub line: String,
    /// Characters before the caret.
    pub skip: usize,
    /// How many characters are marked; at least 1.
    pub width: usize,
}

/// One thing to say about a rule file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether the file can be used nevertheless.
    pub severity: Severity,
    /// Where; none when the file could not be read at all.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What was expected and found: one lowercase fragment.
    pub message: String,
    /// What to write instead, or the valid choices.
    pub help: Option<String>,
    /// The source line.
    pub excerpt: Option<Excerpt>,
}

/// Everything that is wrong with a rule file and the files that it extends: at least one error, then warnings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// All of them as text, in the files' order, without colour.
    pub fn to_text(&self) -> String {
        render(&self.0, false)
    }

    /// All of them as text with terminal colours.
    pub fn to_ansi(&self) -> String {
        render(&self.0, true)
    }

    /// All of them as a JSON array.
    pub fn to_json(&self) -> String {
        to_json(&self.0)
    }
}

impl std::fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.to_text().trim_end())
    }
}

impl std::error::Error for Diagnostics {}

/// Diagnostics as a JSON array of `{severity, file, line, column, message, help, excerpt}`.
pub fn to_json(diagnostics: &[Diagnostic]) -> String {
    serde_json::to_string_pretty(diagnostics).expect("strings and numbers always serialize")
}

/// Diagnostics as text, and a last line that counts them.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        render_one(&mut text, diagnostic, colour);
        text.push('\n');
    }
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let warnings = diagnostics.len() - errors;
    let mut counts = Vec::new();
    for (count, word) in [(errors, "error"), (warnings, "warning")] {
        if count > 0 {
            counts.push(format!("{count} {word}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if !counts.is_empty() {
        let _ = writeln!(text, "{}", counts.join(", "));
    }
    text
}

fn render_one(text: &mut String, diagnostic: &Diagnostic, colour: bool) {
    let (word, hue) = match diagnostic.severity {
        Severity::Error => ("error", AnsiColor::Red),
        Severity::Warning => ("warning", AnsiColor::Yellow),
    };
    let paint = |style: Style| if colour { style } else { Style::new() };
    let strong = paint(hue.on_default().bold());
    let bold = paint(Style::new().bold());
    let dim = paint(Style::new().dimmed());
    // Writing to a String cannot fail.
    let _ = match &diagnostic.place {
        Some(place) => writeln!(
            text,
            "{bold}{}:{}:{}:{bold:#} {strong}{word}{strong:#}: {}",
            printable(&place.file),
            place.line,
            place.column,
            printable(&diagnostic.message)
        ),
        None => writeln!(text, "{strong}{word}{strong:#}: {}", printable(&diagnostic.message)),
    };
    if let (Some(place), Some(excerpt)) = (&diagnostic.place, &diagnostic.excerpt) {
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab in the source is repeated below it, so that the caret stands under the right character.
        let skipped: String = excerpt.line.chars().take(excerpt.skip).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let carets = "^".repeat(excerpt.width);
        let _ = writeln!(text, "{dim}{number} |{dim:#} {}", printable_line(&excerpt.line));
        let _ = writeln!(text, "{dim}{margin} |{dim:#} {skipped}{strong}{carets}{strong:#}");
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(text, "  {bold}help{bold:#}: {}", printable(help));
    }
}

/// Control characters of a hostile file or variable must not reach a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn printable_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
