//! Where the measurements of this command are: a server, or files. The one place that knows that there are several kinds.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use davy_judge::arm::{Arm, PerArm};
use davy_sources::error::SourceError;
use davy_sources::exemplars::{Exemplar, ExemplarRequest};
use davy_sources::otlp::{Limits, OtlpSource, WindowStore, file};
use davy_sources::prometheus::{Holding, Prometheus, Traffic};
use davy_sources::samples::{FetchPlan, Matcher, Part, Span};
use davy_sources::source::{Fetched, Source};

use crate::screen;
use crate::time::now_ms;

/// A source of any kind.
pub enum AnySource {
    /// A server that is asked.
    Prometheus(Box<Prometheus>),
    /// What was read of OTLP files: it holds the past, and its newest point is now.
    Files(OtlpSource),
}

/// Reads OTLP files into a source, and says what was left out.
///
/// # Errors
/// A file that cannot be read.
pub fn from_files(paths: &[PathBuf]) -> anyhow::Result<AnySource> {
    let store = WindowStore::new(Limits::offline());
    for path in paths {
        let summary = file::read(&store, path)?;
        for remark in &summary.remarks {
            screen::say(&format!("davy: {remark}\n"));
        }
        tracing::info!("{}: {} requests in {} files", path.display(), summary.requests, summary.files);
    }
    if store.newest_ms().is_none() {
        anyhow::bail!("{}: expected points, records or spans, found none", shown(paths));
    }
    Ok(AnySource::Files(OtlpSource::new(Arc::new(store), format!("otlp in {}", shown(paths)))))
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl AnySource {
    /// What it is called where a kind is named already.
    pub fn place(&self) -> String {
        match self {
            AnySource::Prometheus(source) => source.place(),
            AnySource::Files(source) => source.place(),
        }
    }

    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            AnySource::Prometheus(source) => format!("prometheus at {}", source.place()),
            AnySource::Files(source) => source.place(),
        }
    }

    /// The newest time that it can know of, ms.
    pub fn now_ms(&self) -> i64 {
        match self {
            AnySource::Prometheus(_) => now_ms(),
            AnySource::Files(source) => source.store().newest_ms().unwrap_or_default(),
        }
    }

    /// Whether nothing will be added any more.
    pub fn is_past(&self) -> bool {
        matches!(self, AnySource::Files(_))
    }

    /// Counts of the requests so far.
    pub fn traffic(&self) -> Arc<Traffic> {
        match self {
            AnySource::Prometheus(source) => source.traffic(),
            AnySource::Files(_) => Arc::default(),
        }
    }

    /// Its clock less ours, ms.
    pub fn clock_skew_ms(&self) -> Option<i64> {
        match self {
            AnySource::Prometheus(source) => source.clock_skew_ms(),
            AnySource::Files(_) => None,
        }
    }

    /// The median spacing of the plan's samples shortly before `end_ms`, ms.
    pub async fn scrape_interval(&self, plan: &FetchPlan, end_ms: i64) -> Option<i64> {
        match self {
            AnySource::Prometheus(source) => source.scrape_interval(plan, end_ms).await,
            AnySource::Files(source) => source.scrape_interval(plan, end_ms),
        }
    }

    /// The label that names instances.
    pub async fn find_instance_label(&self, plan: &FetchPlan, span: Span) -> Option<String> {
        match self {
            AnySource::Prometheus(source) => source.find_instance_label(plan, span).await,
            AnySource::Files(source) => source.find_instance_label(plan, span),
        }
    }

    /// When an arm's first sample was, ms.
    ///
    /// # Errors
    /// Whatever kept it from answering.
    pub async fn first_sample_ms(&self, plan: &FetchPlan, arm: Arm, since: Span) -> Result<Option<i64>, SourceError> {
        match self {
            AnySource::Prometheus(source) => source.first_sample_ms(plan, arm, since).await,
            AnySource::Files(source) => source.first_sample_ms(plan, arm, since),
        }
    }

    /// Which of these metric names exist.
    ///
    /// # Errors
    /// Whatever kept it from answering.
    pub async fn names(&self, wanted: &BTreeSet<String>, span: Span) -> Result<BTreeSet<String>, SourceError> {
        match self {
            AnySource::Prometheus(source) => source.names(wanted, span).await,
            AnySource::Files(source) => Ok(source.names(wanted, span)),
        }
    }

    /// What there is of each stream of a plan.
    ///
    /// # Errors
    /// Whatever kept it from answering.
    pub async fn holdings(&self, plan: &FetchPlan, span: Span) -> Result<Vec<Holding>, SourceError> {
        match self {
            AnySource::Prometheus(source) => source.holdings(plan, span).await,
            AnySource::Files(source) => source.holdings(plan, span),
        }
    }

    /// Names of metrics that look as if they could be judged.
    ///
    /// # Errors
    /// Whatever kept it from answering.
    pub async fn alike(&self, arms: &PerArm<Vec<Matcher>>, span: Span) -> Result<Vec<String>, SourceError> {
        match self {
            AnySource::Prometheus(source) => source.alike(arms, span).await,
            AnySource::Files(source) => Ok(source.alike(arms, span)),
        }
    }
}

impl Source for AnySource {
    async fn fetch(&self, plan: &FetchPlan, part: Part, span: Span) -> Fetched {
        match self {
            AnySource::Prometheus(source) => source.fetch(plan, part, span).await,
            AnySource::Files(source) => source.fetch(plan, part, span).await,
        }
    }

    async fn explain_empty(&self, plan: &FetchPlan, arm: Arm, span: Span) -> Option<String> {
        match self {
            AnySource::Prometheus(source) => source.explain_empty(plan, arm, span).await,
            AnySource::Files(source) => source.explain_empty(plan, arm, span).await,
        }
    }

    async fn exemplars(&self, wanted: &ExemplarRequest) -> Vec<Exemplar> {
        match self {
            AnySource::Prometheus(source) => source.exemplars(wanted).await,
            AnySource::Files(source) => source.exemplars(wanted).await,
        }
    }
}
