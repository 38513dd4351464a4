//! A source that keeps what passes through.

use std::sync::{Mutex, MutexGuard, PoisonError};

use davy_judge::arm::Arm;

use crate::exemplars::{Exemplar, ExemplarRequest};
use crate::recording::Recorder;
use crate::samples::{FetchPlan, Part, Span};
use crate::source::{Fetched, Source};

/// A source that answers what the source behind it answers, and remembers it. All fetches must be for the plan that it
/// was made with.
#[derive(Debug)]
pub struct Recorded<S> {
    source: S,
    recorder: Mutex<Recorder>,
}

impl<S: Source> Recorded<S> {
    /// Nothing has passed yet.
    pub fn new(source: S, plan: &FetchPlan) -> Self {
        Recorded { source, recorder: Mutex::new(Recorder::new(plan)) }
    }

    /// The source behind it.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// What has passed so far.
    pub fn snapshot(&self) -> Recorder {
        self.locked().clone()
    }

    /// What has passed.
    pub fn into_recorder(self) -> Recorder {
        self.recorder.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic elsewhere leaves the recorder whole: it is changed by one call that keeps its invariants.
    fn locked(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> Source for Recorded<S> {
    async fn fetch(&self, plan: &FetchPlan, part: Part, span: Span) -> Fetched {
        let fetched = self.source.fetch(plan, part, span).await;
        self.locked().add(part, span, &fetched);
        fetched
    }

    async fn explain_empty(&self, plan: &FetchPlan, arm: Arm, span: Span) -> Option<String> {
        let text = self.source.explain_empty(plan, arm, span).await;
        self.locked().explain(arm, text.as_deref());
        text
    }

    async fn exemplars(&self, wanted: &ExemplarRequest) -> Vec<Exemplar> {
        let found = self.source.exemplars(wanted).await;
        self.locked().keep_exemplars(wanted, &found);
        found
    }
}
