//! A thread that keeps lines on the terminal up to date: whoever works only says how they are painted.
//!
//! A thread of its own, so that a terminal that does not take what is written (Ctrl-S) never holds up the work.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use davy_gate::render::Look;
use davy_gate::render::live::Drawn;

use crate::screen;
use crate::terminal::{Watching, look_of_stderr};
use crate::time::now_ms;

/// Lines for a moment (ms since the epoch), at most this many rows, in this look.
pub type Paint = Box<dyn Fn(i64, usize, Look) -> Vec<Drawn> + Send>;

/// What is over before this is not worth a line.
const PATIENCE: Duration = Duration::from_millis(400);
/// How often lines are painted anew, in ms: with the second.
const TICK_MS: i64 = 1_000;

enum Message {
    Paint(Paint),
    Resized,
    Continued,
    Stop,
}

/// Lines that are kept up to date until this is dropped; then they are gone.
pub struct Live {
    sender: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    followers: Vec<tokio::task::JoinHandle<()>>,
}

impl Live {
    /// Begins, where the terminal shows lines; elsewhere everything here does nothing.
    pub fn start(watching: Watching) -> Live {
        let mut live = Live { sender: None, thread: None, followers: Vec::new() };
        if watching == Watching::Live {
            let (sender, receiver) = channel();
            live.thread = std::thread::Builder::new().name("live".to_owned()).spawn(move || keep(&receiver)).ok();
            live.sender = Some(sender);
        }
        live
    }

    /// From now on the lines are painted like this.
    pub fn paint(&self, paint: impl Fn(i64, usize, Look) -> Vec<Drawn> + Send + 'static) {
        self.send(Message::Paint(Box::new(paint)));
    }

    /// For a command that minds signals, in its runtime: keys do not show, the lines follow the terminal at once, and a
    /// command that is stopped (Ctrl-Z) leaves the terminal as it was.
    pub fn follow_terminal(&mut self) {
        if self.sender.is_none() {
            return;
        }
        screen::hush_keys();
        #[cfg(unix)]
        {
            use rustix::process::{Signal, getpid, kill_process};
            self.follow(Signal::WINCH, || Some(Message::Resized));
            self.follow(Signal::CONT, || Some(Message::Continued));
            self.follow(Signal::TSTP, || {
                screen::lend();
                // From here we go on when somebody sends SIGCONT, which is heard above.
                let _ = kill_process(getpid(), Signal::STOP);
                None
            });
        }
    }

    #[cfg(unix)]
    fn follow(&mut self, which: rustix::process::Signal, act: fn() -> Option<Message>) {
        use tokio::signal::unix::{SignalKind, signal};
        let Some(sender) = self.sender.clone() else { return };
        let Ok(mut signals) = signal(SignalKind::from_raw(which.as_raw())) else { return };
        self.followers.push(tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if act().is_some_and(|message| sender.send(message).is_err()) {
                    return;
                }
            }
        }));
    }

    fn send(&self, message: Message) {
        if let Some(sender) = &self.sender {
            // The thread ends only with us.
            let _ = sender.send(message);
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        for follower in &self.followers {
            follower.abort();
        }
        // A follower may hold its sender a moment longer, so the thread is told and not only left alone.
        self.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        screen::clear();
    }
}

fn keep(messages: &Receiver<Message>) {
    let began = Instant::now();
    let mut paint: Option<Paint> = None;
    loop {
        let is_early = began.elapsed() < PATIENCE;
        let until_tick = Duration::from_millis((TICK_MS - now_ms().rem_euclid(TICK_MS)).unsigned_abs());
        let wait = if is_early { PATIENCE.saturating_sub(began.elapsed()) } else { until_tick };
        match messages.recv_timeout(wait) {
            Ok(Message::Paint(new)) => paint = Some(new),
            Ok(Message::Resized) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Message::Continued) => screen::take_back(),
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
        if let Some(paint) = paint.as_ref().filter(|_| began.elapsed() >= PATIENCE) {
            // One column and one line are left free: a full line wraps, and the cursor rests below.
            let (columns, rows) = screen::size();
            let look = Look { width: columns.saturating_sub(1), ..look_of_stderr() };
            screen::draw(paint(now_ms(), rows.saturating_sub(1), look), columns);
        }
    }
}
