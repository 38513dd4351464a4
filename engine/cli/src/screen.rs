//! The lines at the end of stderr that are drawn again in place, below the log.
//!
//! One per process, as stderr is: who logs goes through here, so that a log line stands above what is drawn and not in the
//! middle of it. The cursor rests at the start of the line below, so nothing needs mending when davy ends in any way; only
//! the echo of keys is off meanwhile, where that was asked for. Nothing is drawn from the background.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use davy_gate::render::live::Drawn;
use tracing_subscriber::fmt::MakeWriter;

/// Begins and ends what a terminal shows at once; those that do not know it ignore it.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";
/// Clears to the end of the line, and of the screen.
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

static SCREEN: Mutex<Screen> = Mutex::new(Screen { shown: Vec::new(), columns: 0, keys: None, is_lent: false });

/// What is drawn at present.
struct Screen {
    shown: Vec<Drawn>,
    columns: usize,
    keys: Option<keys::Echo>,
    is_lent: bool,
}

impl Screen {
    fn erase(&mut self) {
        if !self.shown.is_empty() && keys::is_foreground() {
            send(&update(&self.shown, self.columns, &[], self.columns));
        }
        self.shown.clear();
    }
}

/// Draws these lines in place of those before. Each must be narrower than the terminal, all lower than it.
pub fn draw(lines: Vec<Drawn>, columns: usize) {
    let mut screen = locked();
    if screen.is_lent || !keys::is_foreground() {
        return;
    }
    let update = update(&screen.shown, screen.columns, &lines, columns);
    (screen.shown, screen.columns) = (lines, columns);
    send(&update);
}

/// Removes what is drawn, and gives the keys their echo back.
pub fn clear() {
    let mut screen = locked();
    screen.erase();
    if let Some(echo) = screen.keys.take() {
        echo.restore();
    }
}

/// The same for a while: nothing is drawn until [`take_back`].
pub fn lend() {
    let mut screen = locked();
    screen.erase();
    screen.is_lent = true;
    if let Some(echo) = &screen.keys {
        echo.restore();
    }
}

/// Somebody else had the terminal: what was drawn is not ours to change any more, and the echo is on.
pub fn take_back() {
    let mut screen = locked();
    screen.shown.clear();
    screen.is_lent = false;
    if let Some(echo) = &screen.keys {
        echo.off_again();
    }
}

/// Keys that are pressed do not show (they would push the lines apart), until [`clear`].
pub fn hush_keys() {
    let mut screen = locked();
    if screen.keys.is_none() {
        screen.keys = keys::Echo::off();
    }
}

/// Columns and rows of the terminal.
pub fn size() -> (usize, usize) {
    let size = terminal_size::terminal_size_of(std::io::stderr());
    size.map_or((80, 24), |(columns, rows)| (usize::from(columns.0), usize::from(rows.0)))
}

/// Says whole lines above what is drawn, with their colours where stderr shows them.
pub fn say(text: &str) {
    let is_plain = anstream::AutoStream::choice(&std::io::stderr()) == anstream::ColorChoice::Never;
    let text = if is_plain { anstream::adapter::strip_str(text).to_string() } else { text.to_owned() };
    // Where stderr has gone there is nobody to tell.
    let _ = AboveLines.write_all(text.as_bytes());
}

/// Where the log goes: above the lines.
#[derive(Debug, Clone, Copy)]
pub struct AboveLines;

impl Write for AboveLines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let screen = locked();
        let mut stderr = std::io::stderr().lock();
        if screen.shown.is_empty() || !keys::is_foreground() {
            stderr.write_all(bytes)?;
            return Ok(bytes.len());
        }
        let (columns, shown) = (screen.columns, &screen.shown);
        let mut text = Vec::new();
        text.extend(BEGIN.as_bytes());
        text.extend(update(shown, columns, &[], columns).as_bytes());
        text.extend(bytes);
        text.extend(update(&[], columns, shown, columns).as_bytes());
        text.extend(END.as_bytes());
        stderr.write_all(&text)?;
        stderr.flush()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

impl MakeWriter<'_> for AboveLines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

/// A panic while drawing leaves at worst a wrong picture.
fn locked() -> MutexGuard<'static, Screen> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watching never changes the answer: a terminal that has gone is no error.
fn send(update: &str) {
    if update.is_empty() {
        return;
    }
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(format!("{BEGIN}{update}{END}").as_bytes()).and_then(|()| stderr.flush());
}

/// What to send so that `new` stands where `old` stood. The cursor is below the old lines, and then below the new ones.
fn update(old: &[Drawn], old_columns: usize, new: &[Drawn], columns: usize) -> String {
    if old == new && old_columns == columns {
        return String::new();
    }
    let mut text = String::new();
    let is_same_width = old_columns == columns;
    // A terminal that became narrower has wrapped what stood there.
    let rows = |line: &Drawn| if is_same_width || columns == 0 { 1 } else { line.width.div_ceil(columns).max(1) };
    let up: usize = old.iter().map(rows).sum();
    if up > 0 {
        text.push_str(&format!("\x1b[{up}A"));
    }
    if up > 0 || !new.is_empty() {
        text.push('\r');
    }
    if !is_same_width && up > 0 {
        text.push_str(CLEAR_BELOW);
    }
    for (index, line) in new.iter().enumerate() {
        if !is_same_width || old.get(index) != Some(line) {
            text.push_str(&line.text);
            if index < old.len() && is_same_width {
                text.push_str(CLEAR_LINE);
            }
        }
        text.push_str("\r\n");
    }
    if old.len() > new.len() && is_same_width {
        text.push_str(CLEAR_BELOW);
    }
    text
}

#[cfg(unix)]
mod keys {
    use rustix::process::getpgrp;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

    /// The terminal's modes as they were.
    pub struct Echo(Termios);

    /// Whether the terminal is ours. To set its modes from the background would stop us.
    pub fn is_foreground() -> bool {
        tcgetpgrp(std::io::stderr()).is_ok_and(|group| group == getpgrp())
    }

    impl Echo {
        /// Turns the echo off, where the terminal is ours.
        pub fn off() -> Option<Echo> {
            if !is_foreground() {
                return None;
            }
            let before = tcgetattr(std::io::stderr()).ok()?;
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            tcsetattr(std::io::stderr(), OptionalActions::Now, &quiet).ok()?;
            Some(Echo(before))
        }

        /// After somebody else had the terminal.
        pub fn off_again(&self) {
            let _ = Self::off();
        }

        /// As it was.
        pub fn restore(&self) {
            if is_foreground() {
                let _ = tcsetattr(std::io::stderr(), OptionalActions::Now, &self.0);
            }
        }
    }
}

#[cfg(not(unix))]
mod keys {
    use std::io::IsTerminal;

    pub struct Echo;

    pub fn is_foreground() -> bool {
        std::io::stderr().is_terminal()
    }

    impl Echo {
        pub fn off() -> Option<Echo> {
            None
        }

        pub fn off_again(&self) {}

        pub fn restore(&self) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<Drawn> {
        texts.iter().map(|text| Drawn { text: (*text).to_owned(), width: text.len() }).collect()
    }

    #[test]
    fn only_what_changed_is_written_again() {
        let old = lines(&["HOLD", "12 s left", "same"]);
        assert_eq!(update(&[], 80, &old, 80), "\rHOLD\r\n12 s left\r\nsame\r\n");
        assert_eq!(update(&old, 80, &lines(&["HOLD", "9 s left", "same"]), 80), "\x1b[3A\r\r\n9 s left\x1b[K\r\n\r\n");
        assert_eq!(update(&old, 80, &old, 80), "");
    }

    #[test]
    fn lines_that_go_are_cleared_and_lines_that_come_are_added() {
        let old = lines(&["a", "b", "c"]);
        assert_eq!(update(&old, 80, &lines(&["a"]), 80), "\x1b[3A\r\r\n\x1b[J");
        assert_eq!(update(&old, 80, &lines(&["a", "b", "c", "d"]), 80), "\x1b[3A\r\r\n\r\n\r\nd\r\n");
        assert_eq!(update(&old, 80, &[], 80), "\x1b[3A\r\x1b[J");
    }

    #[test]
    fn a_narrower_terminal_has_wrapped_the_lines() {
        // 25 columns take three rows of 10; an empty line takes one.
        let old = lines(&["0123456789012345678901234", "", "short"]);
        assert_eq!(update(&old, 80, &lines(&["new"]), 10), "\x1b[5A\r\x1b[Jnew\r\n");
        assert_eq!(update(&old, 80, &lines(&["new"]), 120), "\x1b[3A\r\x1b[Jnew\r\n");
    }
}
