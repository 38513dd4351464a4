//! What a waiting person sees: the live view of a run, or how far a long piece of work is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use davy_gate::pipeline::Run;
use davy_gate::plan::Plan;
use davy_gate::render::Look;
use davy_gate::render::live::{Drawn, Line, Moment, PlainLines, Snapshot, frame};
use davy_gate::words;
use davy_sources::prometheus::Traffic;
use davy_sources::source::Source;

use crate::live::Live;
use crate::screen;
use crate::terminal::Watching;
use crate::time::{clock_text, now_ms};

/// The least of a piece of work, and the shortest time (ms), from which the rest can be told.
const LEAST_SHARE: f64 = 0.02;
const LEAST_TIME_MS: i64 = 1_000;

/// A run as it is watched. Watching never changes the answer: it only reads.
pub struct Watch {
    live: Live,
    plain: Option<PlainLines>,
    traffic: Arc<Traffic>,
}

impl Watch {
    /// Before the source was asked anything.
    pub fn start(watching: Watching, place: &str, traffic: Arc<Traffic>) -> Self {
        let live = Live::start(watching);
        let title = format!("asking {place} what it holds");
        live.paint(one_line(title, traffic.clone()));
        Watch { live, plain: (watching == Watching::Plain).then(PlainLines::default), traffic }
    }

    /// A run begins that is waited for; signals are minded from now on.
    pub fn follow<S: Source>(&mut self, run: &Run<'_, S>) {
        say_plan(run.plan());
        self.live.follow_terminal();
        self.show(run, None, None);
    }

    /// A look at what is there begins.
    pub fn reading(&self, plan: &Plan) {
        say_plan(plan);
        self.live.paint(one_line(format!("reading {}", plan.rules.name), self.traffic.clone()));
    }

    /// Shows where the run stands. `next_ms`: when the source is asked next; none: now. `trouble`: what it failed with.
    pub fn show<S: Source>(&mut self, run: &Run<'_, S>, next_ms: Option<i64>, trouble: Option<String>) {
        let snapshot = Snapshot::of(run);
        if let Some(plain) = &mut self.plain
            && (next_ms.is_some() || run.is_over())
            && let Some(line) = plain.next(&snapshot, now_ms(), trouble.is_some())
        {
            screen::say(&format!("{line}\n"));
        }
        let (traffic, before, asked_ms) = (self.traffic.clone(), Before::of(&self.traffic), now_ms());
        self.live.paint(move |now_ms, rows, look| {
            let asking = next_ms.is_none().then(|| traffic_text(&traffic, before, now_ms - asked_ms));
            let moment = Moment { now_ms, next_ms, trouble: trouble.as_deref(), asking: asking.as_deref() };
            frame(&snapshot, moment, rows, look)
        });
    }
}

fn say_plan(plan: &Plan) {
    tracing::info!(
        "judging {} from {} UTC, windows of {}, deadline {} UTC",
        plan.rules.name,
        clock_text(plan.start_ms),
        words::duration(plan.step_ms),
        clock_text(plan.deadline_ms)
    );
}

/// A title and how far the requests are.
fn one_line(title: String, traffic: Arc<Traffic>) -> impl Fn(i64, usize, Look) -> Vec<Drawn> + Send + 'static {
    let (before, since_ms) = (Before::of(&traffic), now_ms());
    move |now_ms, rows, look| {
        let line = Line::of(format!("{title}: {}", traffic_text(&traffic, before, now_ms - since_ms)));
        vec![line.draw(look.width, look.colour, look.ascii)].into_iter().take(rows).collect()
    }
}

/// What is counted was before this piece of work.
#[derive(Debug, Clone, Copy)]
struct Before {
    answered: u64,
    bytes: u64,
}

impl Before {
    fn of(traffic: &Traffic) -> Self {
        Before { answered: traffic.answered(), bytes: traffic.bytes() }
    }
}

/// `3 of 8 requests answered, 12 MB; about 10 s left`.
fn traffic_text(traffic: &Traffic, before: Before, elapsed_ms: i64) -> String {
    let (answered, asked) = (traffic.answered() - before.answered, traffic.asked().saturating_sub(before.answered));
    let megabytes = (traffic.bytes() - before.bytes) as f64 / 1e6;
    let size = if megabytes >= 0.1 { format!(", {} MB", words::digits(megabytes)) } else { String::new() };
    format!("{answered} of {asked} requests answered{size}{}", left_text(answered, asked, elapsed_ms))
}

/// `; about 10 s left`, where it can be told.
fn left_text(done: u64, of: u64, elapsed_ms: i64) -> String {
    let share = done as f64 / of as f64;
    if of == 0 || !(LEAST_SHARE..1.0).contains(&share) || elapsed_ms < LEAST_TIME_MS {
        return String::new();
    }
    #[expect(clippy::cast_possible_truncation, reason = "the work of a command, in ms")]
    let left_ms = (elapsed_ms as f64 * (1.0 - share) / share).round() as i64;
    format!("; about {} left", words::duration(left_ms.max(1_000)))
}

/// A number of equal pieces of work, such as recordings.
pub struct Pieces {
    done: Arc<AtomicU64>,
    _live: Live,
}

impl Pieces {
    /// Before the first.
    pub fn start(watching: Watching, of: usize, noun: &'static str) -> Self {
        let done = Arc::new(AtomicU64::new(0));
        let live = Live::start(watching);
        let (counted, began_ms, of) = (done.clone(), now_ms(), of as u64);
        live.paint(move |now_ms, rows, look| {
            let done = counted.load(Ordering::Relaxed);
            let left = left_text(done, of, now_ms - began_ms);
            let line = Line::of(format!("{} {done} of {of} {noun}{left}", bar(done, of, look)));
            vec![line.draw(look.width, look.colour, look.ascii)].into_iter().take(rows).collect()
        });
        Pieces { done, _live: live }
    }

    /// One more is done.
    pub fn add_one(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

fn bar(done: u64, of: u64, look: Look) -> String {
    let width = look.width / 4;
    let full = usize::try_from(done * width as u64 / of.max(1)).unwrap_or(width).min(width);
    let (bar, rest) = if look.ascii { ("#", ".") } else { ("━", "─") };
    format!("{}{}", bar.repeat(full), rest.repeat(width - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_once_it_can_be() {
        assert_eq!(left_text(10, 40, 20_000), "; about 1 m left");
        assert_eq!(left_text(39, 40, 3_900), "; about 1 s left");
        // Too early, too little, nothing to do, all done.
        for (done, of, elapsed_ms) in [(10, 40, 900), (0, 40, 60_000), (0, 0, 60_000), (40, 40, 60_000)] {
            assert_eq!(left_text(done, of, elapsed_ms), "");
        }
    }

    #[test]
    fn a_bar_is_full_when_all_is_done() {
        let look = Look { width: 40, colour: false, ascii: true };
        assert_eq!([bar(0, 4, look), bar(2, 4, look), bar(4, 4, look)], ["..........", "#####.....", "##########"]);
        assert_eq!(bar(0, 0, look), "..........");
    }
}
