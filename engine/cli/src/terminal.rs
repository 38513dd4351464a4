//! What the terminal can show, asked per stream.

use std::io::IsTerminal;

use davy_gate::render::Look;
use davy_gate::rules::diagnostic::{Diagnostic, Diagnostics, render};

/// Columns where the width is not known.
const WIDTH: usize = 100;
/// What is no terminal's width.
const LEAST_WIDTH: usize = 40;

/// How a waiting person is kept up to date, on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watching {
    /// Lines that are drawn again in place.
    Live,
    /// A line when something changed, as logs like it.
    Plain,
    /// Not at all.
    Off,
}

/// Lines in place only where a person looks at a terminal that can do it. A CI system's pseudo-terminal is a log.
pub fn watching(is_quiet: bool) -> Watching {
    if is_quiet {
        return Watching::Off;
    }
    let is_log = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    if std::io::stderr().is_terminal() && !is_log && !is_dumb() { Watching::Live } else { Watching::Plain }
}

/// How stdout wants its text.
pub fn look() -> Look {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let found = || terminal_size::terminal_size_of(std::io::stdout()).map(|(columns, _)| usize::from(columns.0));
    let width = named.or_else(found).filter(|columns| *columns >= LEAST_WIDTH).unwrap_or(WIDTH);
    let colour = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    Look { width, colour, ascii: !is_utf8() }
}

/// How stderr wants its lines; the width is asked at each drawing.
pub fn look_of_stderr() -> Look {
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    Look { width: WIDTH, colour, ascii: !is_utf8() }
}

/// A terminal that cannot move its cursor.
fn is_dumb() -> bool {
    let term = std::env::var("TERM");
    term.as_deref() == Ok("dumb") || (cfg!(unix) && term.is_ok_and(|term| term.is_empty()))
}

/// Whether more than ASCII can be shown: unless the locale (the first of its variables that is set) or a dumb terminal says
/// otherwise. Many containers set no locale at all and have a terminal that can.
fn is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let is_utf8 = locale.is_none_or(|locale| {
        let upper = locale.to_uppercase();
        upper.contains("UTF-8") || upper.contains("UTF8")
    });
    is_utf8 && !is_dumb()
}

/// Rule mistakes, with colour where stderr shows it.
pub fn diagnostics(diagnostics: &Diagnostics) -> String {
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let text = if colour { diagnostics.to_ansi() } else { diagnostics.to_text() };
    text.trim_end().to_owned()
}

/// What is allowed in rules but probably not meant, on stderr.
pub fn warn(warnings: &[Diagnostic]) {
    if !warnings.is_empty() {
        crate::screen::say(&render(warnings, true));
    }
}
