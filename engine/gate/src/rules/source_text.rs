//! The texts that rules were read from, and places in them.

use crate::rules::diagnostic::{Diagnostic, Excerpt, Place, Severity};

/// Characters of a source line that an excerpt shows at most.
const EXCERPT_WIDTH: usize = 120;

/// One of the texts of a [`Texts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextId(usize);

/// A part of a text: bytes `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Which text.
    pub text: TextId,
    /// The first byte.
    pub start: usize,
    /// After the last byte.
    pub end: usize,
}

/// All texts that one rule set was read from.
#[derive(Debug, Default)]
pub struct Texts {
    texts: Vec<Text>,
}

#[derive(Debug)]
struct Text {
    name: String,
    content: String,
    line_starts: Vec<usize>,
}

impl Texts {
    /// Keeps a text under the name that diagnostics show.
    pub fn add(&mut self, name: &str, content: String) -> TextId {
        let mut line_starts = vec![0];
        line_starts.extend(content.match_indices('\n').map(|(at, _)| at + 1));
        self.texts.push(Text { name: name.to_owned(), content, line_starts });
        TextId(self.texts.len() - 1)
    }

    /// Every text's name, in the order in which they were read.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.texts.iter().map(|text| text.name.as_str())
    }

    /// The whole text.
    pub fn content(&self, text: TextId) -> &str {
        &self.texts[text.0].content
    }

    /// Where a span begins.
    pub fn place(&self, span: Span) -> Place {
        let text = &self.texts[span.text.0];
        let (line, before) = text.locate(span.start);
        Place { file: text.name.clone(), line: line + 1, column: before.chars().count() + 1 }
    }

    /// An error about a span.
    pub fn error(&self, span: Span, message: impl Into<String>, help: Option<String>) -> Diagnostic {
        self.diagnostic(Severity::Error, span, message.into(), help)
    }

    /// A warning about a span.
    pub fn warning(&self, span: Span, message: impl Into<String>, help: Option<String>) -> Diagnostic {
        self.diagnostic(Severity::Warning, span, message.into(), help)
    }

    fn diagnostic(&self, severity: Severity, span: Span, message: String, help: Option<String>) -> Diagnostic {
        let text = &self.texts[span.text.0];
        Diagnostic { severity, place: Some(self.place(span)), message, help, excerpt: text.excerpt(span) }
    }
}

impl Text {
    /// The line (from 0) that holds a byte, and what stands before it on that line.
    fn locate(&self, at: usize) -> (usize, &str) {
        let at = floor_char(&self.content, at);
        let line = self.line_starts.partition_point(|start| *start <= at) - 1;
        (line, &self.content[self.line_starts[line]..at])
    }

    fn excerpt(&self, span: Span) -> Option<Excerpt> {
        let (line, before) = self.locate(span.start);
        let start = self.line_starts[line];
        let end = self.content[start..].find('\n').map_or(self.content.len(), |length| start + length);
        let whole = self.content[start..end].trim_end_matches('\r');
        if whole.trim().is_empty() {
            return None;
        }
        let skip = before.chars().count();
        let marked_end = floor_char(&self.content, span.end.clamp(start + before.len(), start + whole.len().max(before.len())));
        let width = self.content[start + before.len()..marked_end].chars().count().max(1);
        Some(cut(whole, skip, width))
    }
}

/// Keeps the part of a long line that is marked.
fn cut(line: &str, skip: usize, width: usize) -> Excerpt {
    let length = line.chars().count();
    if length <= EXCERPT_WIDTH {
        return Excerpt { line: line.to_owned(), skip, width };
    }
    let first = skip.saturating_sub(EXCERPT_WIDTH / 3);
    let kept: String = line.chars().skip(first).take(EXCERPT_WIDTH).collect();
    let left = if first > 0 { "…" } else { "" };
    let right = if first + EXCERPT_WIDTH < length { "…" } else { "" };
    let shift = skip - first + left.chars().count();
    Excerpt { line: format!("{left}{kept}{right}"), skip: shift, width: width.min(EXCERPT_WIDTH * 2 / 3) }
}

/// The nearest character boundary at or before a byte.
fn floor_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(content: &str) -> (Texts, TextId) {
        let mut texts = Texts::default();
        let text = texts.add("a.yaml", content.to_owned());
        (texts, text)
    }

    #[test]
    fn places_count_characters_from_one() {
        let (texts, text) = one("é: 1\nü: ab\r\n");
        let start = texts.content(text).find("ab").unwrap();
        let error = texts.error(Span { text, start, end: start + 2 }, "no", None);
        assert_eq!(error.place, Some(Place { file: "a.yaml".into(), line: 2, column: 4 }));
        assert_eq!(error.excerpt, Some(Excerpt { line: "ü: ab".into(), skip: 3, width: 2 }));
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let content = format!("{}HERE{}", "x".repeat(500), "y".repeat(500));
        let (texts, text) = one(&content);
        let excerpt = texts.error(Span { text, start: 500, end: 504 }, "no", None).excerpt.unwrap();
        let marked: String = excerpt.line.chars().skip(excerpt.skip).take(excerpt.width).collect();
        assert_eq!(marked, "HERE");
        assert!(excerpt.line.chars().count() <= EXCERPT_WIDTH + 2);
    }

    #[test]
    fn any_offset_has_a_place() {
        let (texts, text) = one("é\n\n");
        for start in 0..20 {
            texts.error(Span { text, start, end: start }, "no", None);
        }
        let (empty, text) = one("");
        assert_eq!(empty.place(Span { text, start: 0, end: 0 }).line, 1);
    }
}
