//! The manifest: what was asked, why, and what came back besides samples.

use davy_judge::verdict::Verdict;

use crate::samples::{FetchPlan, Part, Span};

/// What this program writes and reads.
pub const SCHEMA: &str = "davy.recording/v1";

/// What the caller knows of an analysis and the samples do not tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct About {
    /// The service's name.
    pub service: String,
    /// What this recording shows, for people.
    pub label: Option<String>,
    /// The resolved rules, as YAML text.
    pub rules: String,
    /// The caller's `--start`, ms since the epoch.
    pub start_ms: Option<i64>,
    /// The traffic weights that the caller gave, ascending by time.
    pub weights: Vec<Weight>,
    /// What `replay --check` compares with.
    pub expected: Option<Expected>,
}

/// From this time on the canary was given this weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// When, ms since the epoch.
    pub time_ms: i64,
    /// The canary's weight, as the caller gave it.
    pub weight: f64,
}

/// Which verdict a replay should give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// This one, and attributed to this metric where one is named.
    Verdict {
        /// The verdict.
        verdict: Verdict,
        /// The metric's name.
        metric: Option<String>,
    },
    /// Any but this one.
    Not(Verdict),
}

/// What was asked, why, and what came back besides samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// What the caller knows.
    pub about: About,
    /// What was fetched.
    pub plan: FetchPlan,
    /// What the analysis covers.
    pub run: Span,
    /// What the history covers, where there is one.
    pub history: Option<Span>,
    /// One per stream and part that was fetched.
    pub streams: Vec<StreamRecord>,
    /// Where the samples are.
    pub storage: Storage,
}

/// What came back for one stream in one part, besides samples.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamRecord {
    /// Index into the plan's streams.
    pub stream: usize,
    /// What it was for.
    pub part: Part,
    /// The queries as sent.
    pub queries: Vec<String>,
    /// The server's warnings, and what they were about.
    pub warnings: Vec<(Span, String)>,
    /// What a reader should know, and what it is about.
    pub notes: Vec<(Span, String)>,
    /// Fetches that failed and were not made good by a later one: place and text of the error.
    pub failures: Vec<(Span, String, String)>,
}

/// Where the samples are.
#[derive(Debug, Clone, PartialEq)]
pub enum Storage {
    /// `series.csv` and `samples.csv`.
    Csv,
    /// `series.csv` and `samples.parquet`.
    Parquet,
    /// Verbatim `query_range` bodies.
    Bodies(Vec<Body>),
}

/// One verbatim body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Index into the plan's streams.
    pub stream: usize,
    /// What it is for.
    pub part: Part,
    /// The file's name, inside the recording.
    pub file: String,
}
