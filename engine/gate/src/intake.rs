//! What of a source's answers is taken, and recorded: a window that was judged is closed.
//!
//! A sample that comes later than its window was judged is left out, so that what a window showed never depends on how
//! often one asked, and a recording (which holds what was taken, and nothing else) is judged to the same bytes.

use davy_judge::arm::Arm;
use davy_sources::align::{AlignedWindow, Aligner, Trust};
use davy_sources::error::SourceError;
use davy_sources::recording::Recorder;
use davy_sources::samples::{Part, Span};
use davy_sources::source::Fetched;

use crate::plan::Plan;

/// Fetches in a row that a stream may fail before the analysis goes on without it.
pub const PATIENCE: u32 = 3;

/// No window could be judged now; asking again later may help.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// Every stream that failed.
    pub errors: Vec<SourceError>,
    /// Whether every stream failed.
    pub is_total: bool,
}

/// Whether to wait for a stream that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// There will be another time: wait for it, [`PATIENCE`] times.
    Live,
    /// There will not: go on with what there is.
    Once,
}

/// A stretch of time in which a stream is not to be trusted: its windows count as missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Index of the stream.
    pub stream: usize,
    /// When.
    pub span: Span,
    /// Nothing came; else something came that may not be all.
    pub is_failure: bool,
    /// Why: the server's warning, or the error.
    pub text: String,
}

/// The samples of a run that were taken so far.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    aligner: Aligner,
    step_ms: i64,
    /// Up to where each stream's samples were taken.
    taken_to_ms: Vec<i64>,
    failures: Vec<u32>,
    doubts: Vec<Doubt>,
    notes: Vec<(usize, String)>,
    history_notes: Vec<(usize, String)>,
    recorder: Option<Recorder>,
    has_answered: bool,
    has_taken: bool,
}

impl Intake {
    /// Nothing was taken yet; windows begin at `edge_ms`.
    ///
    /// # Errors
    /// A matcher of the plan that does not compile.
    pub fn new(plan: &Plan, edge_ms: i64) -> Result<Self, String> {
        Ok(Intake {
            aligner: Aligner::new(&plan.fetch, plan.grid())?,
            step_ms: plan.step_ms,
            // One step more at the left: the first increment needs the sample before it.
            taken_to_ms: vec![edge_ms - plan.step_ms; plan.fetch.streams.len()],
            failures: vec![0; plan.fetch.streams.len()],
            doubts: Vec::new(),
            notes: Vec::new(),
            history_notes: Vec::new(),
            recorder: None,
            has_answered: false,
            has_taken: false,
        })
    }

    /// Also records what is taken.
    pub fn record(&mut self, plan: &Plan) {
        self.recorder = Some(Recorder::new(&plan.fetch));
    }

    /// What must be fetched to judge `new`: a stream that failed before needs the sample before its first increment.
    pub fn wanted(&self, new: Span) -> Span {
        let has_all = self.taken_to_ms.iter().all(|taken_to_ms| *taken_to_ms >= new.start_ms);
        if has_all { new } else { widened(new, self.step_ms) }
    }

    /// Takes what the source answered about `new`, or says what it failed at; then nothing was taken.
    pub fn take(&mut self, mut fetched: Fetched, new: Span, patience: Patience) -> Result<(), Outage> {
        let mut errors = Vec::new();
        let mut worth_waiting = false;
        for (stream, answer) in fetched.iter().enumerate() {
            match answer {
                Ok(_) => self.failures[stream] = 0,
                Err(error) => {
                    self.failures[stream] += 1;
                    worth_waiting |= error.kind.is_retryable() && self.failures[stream] < PATIENCE;
                    errors.push(error.clone());
                }
            }
        }
        let is_total = errors.len() == fetched.len();
        self.has_answered |= !is_total;
        // A source that is silent altogether is waited for: its windows are not lost, they come later.
        if is_total || (worth_waiting && patience == Patience::Live) {
            return Err(Outage { errors, is_total });
        }
        self.has_taken = true;
        for (stream, answer) in fetched.iter_mut().enumerate() {
            if let Ok(data) = answer {
                let wanted = widened(new, self.step_ms);
                data.retain_within(Span { start_ms: wanted.start_ms.max(self.taken_to_ms[stream]), ..new });
                self.taken_to_ms[stream] = new.end_ms;
            }
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.add(Part::Run, widened(new, self.step_ms), &fetched);
        }
        for (stream, answer) in fetched.into_iter().enumerate() {
            match answer {
                Ok(data) => {
                    self.aligner.feed(stream, &data);
                    self.doubts.extend(data.warnings.into_iter().map(|text| Doubt { stream, span: new, is_failure: false, text }));
                    // The spans in a recording were widened as this one is.
                    let narrowed = |span: Span| Span { start_ms: span.start_ms + self.step_ms, ..span };
                    for (is_failure, doubts) in [(false, data.doubts), (true, data.failures)] {
                        let doubts = doubts.into_iter();
                        self.doubts.extend(doubts.map(|(span, text)| Doubt { stream, span: narrowed(span), is_failure, text }));
                    }
                    note(&mut self.notes, stream, data.notes);
                }
                Err(error) => self.doubts.push(Doubt { stream, span: new, is_failure: true, text: error.to_string() }),
            }
        }
        Ok(())
    }

    /// Takes the history, in place of what was taken of it before: one window after the other, or why there is none.
    pub fn take_history(&mut self, plan: &Plan, fetched: Fetched, span: Span) -> Result<Vec<AlignedWindow>, String> {
        if let Some(recorder) = &mut self.recorder {
            recorder.forget(Part::History);
            recorder.add(Part::History, widened(span, plan.step_ms), &fetched);
        }
        self.history_notes.clear();
        let mut aligner = Aligner::new(&plan.fetch, plan.grid())?;
        let mut is_doubtful = vec![false; fetched.len()];
        let mut failure = None;
        for (stream, answer) in fetched.into_iter().enumerate() {
            match answer {
                Ok(data) => {
                    is_doubtful[stream] = !(data.warnings.is_empty() && data.doubts.is_empty() && data.failures.is_empty());
                    aligner.feed(stream, &data);
                    note(&mut self.history_notes, stream, data.notes);
                }
                Err(error) => failure = Some(format!("the history could not be read: {error}")),
            }
        }
        let trust = |stream: usize| if is_doubtful[stream] { Trust::Part } else { Trust::Whole };
        match failure {
            Some(failure) => Err(failure),
            None => Ok(plan.grid().ends(span.start_ms, span.end_ms).map(|end| aligner.window_of(end, trust)).collect()),
        }
    }

    /// One window, without what is not to be trusted in it; and when the canary was first seen, as far as is known then.
    pub fn window(&self, end_ms: i64) -> (AlignedWindow, Option<i64>) {
        let start_ms = end_ms - self.step_ms;
        let overlaps = |doubt: &&Doubt| doubt.span.start_ms < end_ms && doubt.span.end_ms > start_ms;
        let here: Vec<&Doubt> = self.doubts.iter().filter(overlaps).collect();
        let trust = |stream: usize| {
            let of_stream = || here.iter().filter(|doubt| doubt.stream == stream);
            match (of_stream().next(), of_stream().any(|doubt| doubt.is_failure)) {
                (None, _) => Trust::Whole,
                (Some(_), false) => Trust::Part,
                (Some(_), true) => Trust::None,
            }
        };
        let first_ms = self.aligner.first_sample(Arm::Canary, |stream| trust(stream) != Trust::None).filter(|first_ms| *first_ms <= end_ms);
        (self.aligner.window_of(end_ms, trust), first_ms)
    }

    /// Everything up to this edge was judged.
    pub fn close(&mut self, edge_ms: i64) {
        self.aligner.forget_before(edge_ms - self.step_ms);
    }

    /// Whether the source ever answered a query.
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// What was not to be trusted, and when.
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// What a reader should know of each stream. The history's notes count once it was of use.
    pub fn notes(&self) -> impl Iterator<Item = &(usize, String)> {
        let history = if self.has_taken { self.history_notes.as_slice() } else { &[] };
        history.iter().chain(&self.notes)
    }

    /// Whether an arm was never seen.
    pub fn is_empty_arm(&self, arm: Arm) -> bool {
        self.aligner.first_sample(arm, |_| true).is_none()
    }

    /// What was taken, where it is recorded.
    pub fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_ref()
    }
}

/// With one step more at the left: the first increment needs the sample before it.
pub(crate) fn widened(span: Span, step_ms: i64) -> Span {
    Span { start_ms: span.start_ms - step_ms, ..span }
}

fn note(notes: &mut Vec<(usize, String)>, stream: usize, texts: Vec<String>) {
    for text in texts {
        let note = (stream, text);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}
