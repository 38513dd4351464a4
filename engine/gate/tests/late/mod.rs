//! A source whose samples arrive when they like: late, out of order, corrected, or never; and that fails when it is told to.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use davy_judge::arm::Arm;
use davy_sources::error::{SourceError, SourceErrorKind};
use davy_sources::samples::{FetchPlan, Part, Samples, Series, Span, StreamData, StreamSpec};
use davy_sources::source::{Fetched, Source};

/// What happens to one stream in one fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Well,
    /// Worth asking again.
    Refused,
    /// Not worth it.
    Malformed,
    Warned,
    Noted,
}

/// One sample as it became known.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub time_ms: i64,
    pub value: f64,
    /// From when on the source has it.
    pub arrives_ms: i64,
}

/// One series of one stream.
#[derive(Debug, Clone)]
pub struct LateSeries {
    pub stream: usize,
    pub arm: Arm,
    pub labels: BTreeMap<String, String>,
    /// A later one of the same time corrects an earlier one.
    pub samples: Vec<Known>,
}

/// The source. Its clock is the test's.
#[derive(Debug)]
pub struct Late {
    pub series: Vec<LateSeries>,
    pub now_ms: AtomicI64,
    /// The fates of the streams in the coming fetches, one by one; afterwards all is well.
    pub fates: Mutex<Vec<Fate>>,
}

impl Late {
    pub fn new(series: Vec<LateSeries>, mut fates: Vec<Fate>) -> Self {
        fates.reverse();
        Late { series, now_ms: AtomicI64::new(0), fates: Mutex::new(fates) }
    }

    fn next_fate(&self) -> Fate {
        self.fates.lock().expect("nobody panics with it").pop().unwrap_or(Fate::Well)
    }

    fn known(&self, series: &LateSeries, span: Span) -> Vec<(i64, f64)> {
        let now = self.now_ms.load(Ordering::Relaxed);
        let mut latest: BTreeMap<i64, (i64, f64)> = BTreeMap::new();
        let inside = |time: i64| span.start_ms < time && time <= span.end_ms;
        for sample in series.samples.iter().filter(|sample| sample.arrives_ms <= now && inside(sample.time_ms)) {
            let known = latest.entry(sample.time_ms).or_insert((sample.arrives_ms, sample.value));
            if known.0 <= sample.arrives_ms {
                *known = (sample.arrives_ms, sample.value);
            }
        }
        latest.into_iter().map(|(time, (_, value))| (time, value)).collect()
    }

    fn stream(&self, plan: &FetchPlan, stream: usize, part: Part, span: Span) -> Result<StreamData, SourceError> {
        let fate = self.next_fate();
        let error = |kind| Err(SourceError { place: "double".to_owned(), kind });
        let is_expression = matches!(plan.streams[stream], StreamSpec::Expression(_));
        let wanted = |series: &&LateSeries| series.stream == stream && (part == Part::Run || series.arm == Arm::Baseline);
        let mut data = StreamData { queries: vec![format!("q{stream}")], ..StreamData::default() };
        for series in self.series.iter().filter(wanted) {
            let points = self.known(series, span);
            if points.is_empty() {
                continue;
            }
            let samples = if is_expression { Samples::Value(points) } else { Samples::Counter(points) };
            data.series.push(Series { arm: series.arm, labels: series.labels.clone(), samples });
        }
        data.series.sort_by(|left, right| (left.arm, &left.labels).cmp(&(right.arm, &right.labels)));
        match fate {
            Fate::Well => {}
            Fate::Refused => return error(SourceErrorKind::Connect("refused".to_owned())),
            Fate::Malformed => {
                return error(SourceErrorKind::Malformed { expected: "JSON".to_owned(), found: "<html>".to_owned() });
            }
            Fate::Warned => data.warnings.push("partial response".to_owned()),
            Fate::Noted => data.notes.push(format!("noted of {stream} {part:?}")),
        }
        Ok(data)
    }
}

impl Source for Late {
    async fn fetch(&self, plan: &FetchPlan, part: Part, span: Span) -> Fetched {
        (0..plan.streams.len()).map(|stream| self.stream(plan, stream, part, span)).collect()
    }

    async fn explain_empty(&self, _plan: &FetchPlan, _arm: Arm, _span: Span) -> Option<String> {
        None
    }
}
