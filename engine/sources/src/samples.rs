//! What a source delivers, before alignment: series of raw samples, each belonging to one arm.
//!
//! A *stream* is one selection of series that several metrics may share (P95 and P99 of one histogram; throughput and
//! the denominator of an error rate). Times are milliseconds since the epoch. Every source yields the same shapes, and a
//! recording stores them, so that a replay goes through exactly the code that a live analysis went through.

use std::collections::BTreeMap;

use davy_judge::arm::{Arm, PerArm};

/// One label matcher, as PromQL has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// How the value is compared.
    pub op: MatchOp,
    /// The value, or the anchored regular expression.
    pub value: String,
}

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, anchored at both ends
    Regex,
    /// `!~`, anchored at both ends
    NotRegex,
}

/// A metric name with matchers: an instant vector selector without range, offset or function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// The metric's name (for a histogram its base name, without `_bucket`).
    pub name: String,
    /// Matchers, sorted.
    pub matchers: Vec<Matcher>,
}

/// What to fetch for one stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamSpec {
    /// Counters.
    Counter(Selector),
    /// A classic or native histogram; the source finds out which.
    Histogram(Selector),
    /// A PromQL expression with `{{arm}}` (label matchers) and `{{step}}` left to fill, evaluated once per arm at each
    /// window's end.
    Expression(String),
}

/// How a metric is read from streams.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// Buckets of a histogram stream.
    Histogram {
        /// Index into [`FetchPlan::streams`].
        stream: usize,
    },
    /// Events among all requests of one counter stream, or of two.
    Ratio {
        /// Where the events are.
        events: usize,
        /// Which series of that stream are events: every matcher must hold.
        events_where: Vec<Matcher>,
        /// Where the requests are.
        total: usize,
    },
    /// All increments of a counter stream.
    Rate {
        /// Index into [`FetchPlan::streams`].
        stream: usize,
    },
    /// Values of an expression stream.
    Scalar {
        /// Index into [`FetchPlan::streams`].
        stream: usize,
    },
}

impl Signal {
    /// The streams that it is read from.
    pub fn streams(&self) -> Vec<usize> {
        match self {
            Signal::Histogram { stream } | Signal::Rate { stream } | Signal::Scalar { stream } => vec![*stream],
            Signal::Ratio { events, total, .. } => vec![*events, *total],
        }
    }
}

/// Everything a source must know to fetch. Part of a recording's manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchPlan {
    /// Streams, without duplicates.
    pub streams: Vec<StreamSpec>,
    /// One per metric, in the rules' order.
    pub signals: Vec<Signal>,
    /// Labels by whose values a metric is read in slices as well, one list per metric; a list that is empty or not there:
    /// as a whole only.
    pub slices: Vec<Vec<String>>,
    /// Matchers that tell the arms apart; at least one for each arm.
    pub arms: PerArm<Vec<Matcher>>,
    /// Whose history: matchers in place of the baseline's, where the rules say so.
    pub history_from: Option<Vec<Matcher>>,
    /// The label that names an instance; none: no history.
    pub instance: Option<String>,
    /// The windows' length.
    pub step_ms: i64,
    /// The most samples that history may take.
    pub max_history_samples: u64,
}

impl FetchPlan {
    /// The labels of a metric's slices; empty: none.
    pub fn labels_of_slices(&self, metric: usize) -> &[String] {
        self.slices.get(metric).map_or(&[], Vec::as_slice)
    }
}

/// Half-open at the left: samples with `start_ms < time <= end_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Exclusive.
    pub start_ms: i64,
    /// Inclusive.
    pub end_ms: i64,
}

/// What the samples are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Both arms, during the analysis.
    Run,
    /// The baseline alone (or [`FetchPlan::history_from`]), before it. Its series carry [`Arm::Baseline`].
    History,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Which arm it belongs to.
    pub arm: Arm,
    /// All its labels, with `__name__` where the source gives it.
    pub labels: BTreeMap<String, String>,
    /// Its samples, by ascending time, no time twice.
    pub samples: Samples,
}

/// A series' samples: (time in ms, value).
#[derive(Debug, Clone, PartialEq)]
pub enum Samples {
    /// A counter's raw readings. Finite.
    Counter(Vec<(i64, f64)>),
    /// What was added in the window that ends at the time: already differenced by the source, hence extrapolated.
    Increase(Vec<(i64, f64)>),
    /// Values at window ends. `NaN` and infinities are kept here, so that they can be counted as gaps.
    Value(Vec<(i64, f64)>),
    /// A native histogram's raw readings.
    Native(Vec<(i64, NativeHistogram)>),
    /// What was added to a native histogram since the sample before: exact increments, as OTLP's deltas are.
    NativeIncrease(Vec<(i64, NativeHistogram)>),
}

/// One reading of a native histogram: counts since the process started.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NativeHistogram {
    /// All observations.
    pub count: f64,
    /// Buckets `(left, right, count)`, ascending, those that are not empty.
    pub buckets: Vec<(f64, f64, f64)>,
}

/// What came back for one stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamData {
    /// The series, sorted by arm, then labels.
    pub series: Vec<Series>,
    /// The queries as sent, without address or credentials.
    pub queries: Vec<String>,
    /// What the server warned of: any of these means that the data may not be complete, so no promotion.
    pub warnings: Vec<String>,
    /// The same about a part of what was asked for: a recording joins many fetches, and knows which of them was warned of,
    /// or failed. Spans are those of the fetches.
    pub doubts: Vec<(Span, String)>,
    /// The same where a fetch failed: what is known of that time was not known when it was judged.
    pub failures: Vec<(Span, String)>,
    /// What a reader should know (counts are extrapolated, instances were left out for the budget); never a danger.
    pub notes: Vec<String>,
}

impl StreamData {
    /// Leaves out samples that are not in the span, and series that have no other.
    pub fn retain_within(&mut self, span: Span) {
        self.series.retain_mut(|series| series.samples.retain_within(span));
    }
}

impl Samples {
    /// Leaves out samples that are not in the span; false: there is none left.
    fn retain_within(&mut self, span: Span) -> bool {
        fn keep<T>(points: &mut Vec<(i64, T)>, span: Span) -> bool {
            points.retain(|(time, _)| span.start_ms < *time && *time <= span.end_ms);
            !points.is_empty()
        }
        match self {
            Samples::Counter(points) | Samples::Increase(points) | Samples::Value(points) => keep(points, span),
            Samples::Native(points) | Samples::NativeIncrease(points) => keep(points, span),
        }
    }
}
