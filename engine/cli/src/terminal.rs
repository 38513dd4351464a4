//! What the terminal can show, asked per stream.

use std::io::IsTerminal;

use davy_gate::render::Look;
use davy_gate::rules::diagnostic::{Diagnostic, Diagnostics, render};

/// Columns where the width is not known.
const WIDTH: usize = 100;

/// How stdout wants its text.
pub fn look() -> Look {
    let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns >= 40).unwrap_or(WIDTH);
    let colour = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    Look { width, colour, ascii: !is_utf8() }
}

/// Whether the locale says that more than ASCII can be shown. Without any word of it, it can.
fn is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_none_or(|locale| {
        let upper = locale.to_uppercase();
        upper.contains("UTF-8") || upper.contains("UTF8") || upper == "C" || upper == "POSIX"
    })
}

/// Whether progress may be drawn.
pub fn shows_progress() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("CI").is_none()
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
        anstream::eprint!("{}", render(warnings, true));
    }
}
