//! The seam between measurements and judgement.

use std::future::Future;

use crate::error::SourceError;
use crate::exemplars::{Exemplar, ExemplarRequest};
use crate::samples::{FetchPlan, Part, Span, StreamData};
use davy_judge::arm::Arm;

/// What a source answered: one entry per stream of the plan, in its order.
pub type Fetched = Vec<Result<StreamData, SourceError>>;

/// Where measurements come from. Implementations: Prometheus, recordings.
///
/// `fetch` returns every sample of the span that the source has, no other, and the same again when asked again for a
/// past span. One stream's failure never hides another's samples. A failure is an error, never an empty answer.
pub trait Source: Sync {
    /// Fetches every stream of the plan.
    fn fetch(&self, plan: &FetchPlan, part: Part, span: Span) -> impl Future<Output = Fetched> + Send;

    /// Says why an arm is empty: which matcher matched nothing, and which values exist, nearest first. None where the
    /// source cannot tell. Called only for people to read; what it says never changes a verdict.
    fn explain_empty(&self, plan: &FetchPlan, arm: Arm, span: Span) -> impl Future<Output = Option<String>> + Send;

    /// A few requests by their trace, those with the largest values first. Best effort: nothing where the source keeps none, or
    /// does not answer. For people to look at, once, when the verdict is there.
    fn exemplars(&self, _wanted: &ExemplarRequest) -> impl Future<Output = Vec<Exemplar>> + Send {
        std::future::ready(Vec::new())
    }
}
