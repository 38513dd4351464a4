//! One line of a terminal: spans of text that know their width, cut where the terminal ends.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::render::ascii::to_ascii;

/// A line as it goes to a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// With its colours, without a line break.
    pub text: String,
    /// The columns that it takes.
    pub width: usize,
}

/// A line that is being put together.
#[derive(Debug, Clone, Default)]
pub struct Line {
    spans: Vec<(Style, String)>,
}

impl Line {
    /// A line of one text.
    pub fn of(text: impl Into<String>) -> Self {
        Line::default().plain(text)
    }

    /// With one more text, without a style.
    pub fn plain(self, text: impl Into<String>) -> Self {
        self.styled(Style::new(), text)
    }

    /// With one more text.
    pub fn styled(mut self, style: Style, text: impl Into<String>) -> Self {
        self.spans.push((style, text.into()));
        self
    }

    /// The line cut to `columns`, without blanks at its end. A line that is cut ends with an ellipsis. Control signs, which a server's texts may hold,
    /// become blanks: they would move the cursor.
    pub fn draw(&self, columns: usize, colour: bool, ascii: bool) -> Drawn {
        let mut spans: Vec<(Style, String)> = self.spans.iter().map(|(style, text)| (*style, harmless(text, ascii))).collect();
        if let Some((_, last)) = spans.last_mut() {
            last.truncate(last.trim_end().len());
        }
        let whole: usize = spans.iter().map(|(_, text)| text.width()).sum();
        let ellipsis = if ascii { "..." } else { "…" };
        let is_cut = whole > columns;
        let room = if is_cut { columns.saturating_sub(ellipsis.width()) } else { columns };
        let mut drawn = Drawn { text: String::new(), width: 0 };
        for (style, text) in &spans {
            let kept = &text[..cut_at(text, room - drawn.width)];
            drawn.width += kept.width();
            push(&mut drawn.text, if colour { *style } else { Style::new() }, kept);
            if kept.len() < text.len() {
                break;
            }
        }
        if is_cut && columns >= ellipsis.width() {
            drawn.text.push_str(ellipsis);
            drawn.width += ellipsis.width();
        }
        drawn
    }
}

fn push(text: &mut String, style: Style, more: &str) {
    if style == Style::new() || more.is_empty() {
        text.push_str(more);
    } else {
        text.push_str(&format!("{style}{more}{style:#}"));
    }
}

fn harmless(text: &str, ascii: bool) -> String {
    let text: String = text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    if ascii { to_ascii(&text) } else { text }
}

/// How many bytes of the text fit into the columns.
fn cut_at(text: &str, columns: usize) -> usize {
    let mut width = 0;
    for (index, sign) in text.char_indices() {
        width += sign.width().unwrap_or(0);
        if width > columns {
            return index;
        }
    }
    text.len()
}

/// A text padded with blanks to a width, or cut to it with an ellipsis.
pub fn fitted(text: &str, columns: usize) -> String {
    let width = text.width();
    if width > columns {
        return format!("{}…", &text[..cut_at(text, columns.saturating_sub(1))]);
    }
    format!("{text}{}", " ".repeat(columns - width))
}

/// A text padded with blanks at the left.
pub fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(text.width())))
}

/// A text broken between words into at most `most` lines; what is left stands on the last, which is cut when it is drawn.
pub fn wrapped(text: &str, columns: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_last = lines.len() >= most;
        match lines.last_mut() {
            Some(line) if is_last || line.width() + 1 + word.width() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    #[test]
    fn a_line_is_cut_by_columns_and_not_by_bytes() {
        let line = Line::of("日本 ").styled(AnsiColor::Red.on_default(), "größe").plain(" x");
        assert_eq!(line.draw(20, false, false), Drawn { text: "日本 größe x".to_owned(), width: 12 });
        assert_eq!(line.draw(8, false, false), Drawn { text: "日本 gr…".to_owned(), width: 8 });
        // A wide sign that fits only half is left out.
        assert_eq!(line.draw(4, false, false), Drawn { text: "日…".to_owned(), width: 3 });
        assert_eq!(line.draw(0, false, false), Drawn { text: String::new(), width: 0 });
        assert_eq!(line.draw(9, false, true).text, "?? gr?...");
    }

    #[test]
    fn colours_end_where_their_text_ends() {
        let line = Line::of("a").styled(AnsiColor::Red.on_default(), "red").plain("z");
        assert_eq!(line.draw(9, true, false), Drawn { text: "a\u{1b}[31mred\u{1b}[0mz".to_owned(), width: 5 });
        assert_eq!(line.draw(3, true, false), Drawn { text: "a\u{1b}[31mr\u{1b}[0m…".to_owned(), width: 3 });
    }

    #[test]
    fn what_a_server_sends_cannot_move_the_cursor() {
        assert_eq!(Line::of("x\u{1b}[2J\r\ny\u{9b}").draw(20, true, false).text, "x [2J  y");
    }

    #[test]
    fn words_wrap_and_the_rest_stands_on_the_last_line() {
        assert_eq!(wrapped("one two three four", 8, 2), ["one two", "three four"]);
        assert_eq!(wrapped("one two three", 8, 9), ["one two", "three"]);
        assert_eq!(fitted("latency", 5), "late…");
        assert_eq!(fitted("a", 3), "a  ");
        assert_eq!(right("a", 3), "  a");
    }
}
