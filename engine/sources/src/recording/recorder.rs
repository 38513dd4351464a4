//! Collects what a source answered, and writes it as a recording.

use std::collections::BTreeMap;
use std::path::Path;

use davy_judge::arm::{Arm, PerArm};
use sha2::{Digest, Sha256};

use crate::align::Track;
use crate::exemplars::{Exemplar, ExemplarRequest};
use crate::recording::directory::{MANIFEST, write_whole};
use crate::recording::table::{Placed, encode_samples_csv, encode_samples_parquet, encode_series, sample_count};
use crate::recording::{About, Failure, KeptExemplars, Manifest, RecordError, Remark, Storage, StoredFile, StreamRecord, wire};
use crate::samples::{FetchPlan, NativeHistogram, Part, Samples, Series, Span, StreamData};
use crate::source::Fetched;

/// Up to this many samples a recording is text, which people can read and compare; beyond, Parquet.
const MOST_CSV_SAMPLES: usize = 50_000;

/// What a source answered, merged: overlapping fetches leave each sample once.
#[derive(Debug, Clone)]
pub struct Recorder {
    plan: FetchPlan,
    streams: BTreeMap<(Part, usize), Stream>,
    explanations: PerArm<Option<String>>,
    exemplars: Vec<KeptExemplars>,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSummary {
    /// Series.
    pub series: usize,
    /// Samples.
    pub samples: usize,
}

#[derive(Debug, Clone, Default)]
struct Stream {
    series: BTreeMap<SeriesKey, Kept>,
    queries: Vec<String>,
    warnings: Vec<Remark>,
    notes: Vec<Remark>,
    failures: Vec<Failure>,
    /// All that was asked for.
    asked: Option<Span>,
}

/// Arm, labels, and the kind of samples: a series may have floats and native histograms.
type SeriesKey = (Arm, BTreeMap<String, String>, u8);

#[derive(Debug, Clone)]
enum Kept {
    Counter(Track<f64>),
    Increase(Track<f64>),
    Value(Track<f64>),
    Native(Track<NativeHistogram>),
    NativeIncrease(Track<NativeHistogram>),
}

impl Kept {
    fn samples(&self) -> Samples {
        match self {
            Kept::Counter(track) => Samples::Counter(track.points().to_vec()),
            Kept::Increase(track) => Samples::Increase(track.points().to_vec()),
            Kept::Value(track) => Samples::Value(track.points().to_vec()),
            Kept::Native(track) => Samples::Native(track.points().to_vec()),
            Kept::NativeIncrease(track) => Samples::NativeIncrease(track.points().to_vec()),
        }
    }
}

impl Recorder {
    /// Nothing was fetched yet.
    pub fn new(plan: &FetchPlan) -> Self {
        Recorder { plan: plan.clone(), streams: BTreeMap::new(), explanations: PerArm::default(), exemplars: Vec::new() }
    }

    /// Takes in the answer to one fetch, one element per stream of the plan. A failure stays, unless a later answer
    /// covers all that failed.
    pub fn add(&mut self, part: Part, span: Span, fetched: &Fetched) {
        for (index, answer) in fetched.iter().enumerate() {
            let stream = self.streams.entry((part, index)).or_default();
            stream.asked = Some(stream.asked.map_or(span, |asked| hull(asked, span)));
            match answer {
                Ok(data) => stream.take(span, data),
                Err(error) => {
                    stream.failures.push(Failure { span, place: error.place.clone(), text: error.kind.to_string() });
                }
            }
        }
    }

    /// Forgets a part, which will be fetched again as a whole.
    pub fn forget(&mut self, part: Part) {
        self.streams.retain(|(kept, _), _| *kept != part);
    }

    /// Keeps what the source said of an empty arm.
    pub fn explain(&mut self, arm: Arm, text: Option<&str>) {
        *self.explanations.get_mut(arm) = text.map(str::to_owned);
    }

    /// Keeps what the source answered about exemplars.
    pub fn keep_exemplars(&mut self, request: &ExemplarRequest, found: &[Exemplar]) {
        self.exemplars.retain(|kept| kept.request != *request);
        if !found.is_empty() {
            self.exemplars.push(KeptExemplars { request: request.clone(), found: found.to_vec() });
        }
    }

    /// Writes a recording, whole or not at all: a directory is filled beside `path` and renamed.
    ///
    /// # Errors
    /// `path` exists and `replace` is false, or it is no recording; or the file system refuses.
    pub fn write(&self, path: &Path, about: &About, replace: bool) -> Result<RecordSummary, RecordError> {
        self.write_as(path, about, replace, MOST_CSV_SAMPLES)
    }

    pub(super) fn write_as(&self, path: &Path, about: &About, replace: bool, most_csv: usize) -> Result<RecordSummary, RecordError> {
        let encoding = |error: String| RecordError::content(path, None, "samples that can be written", error);
        let placed = self.placed();
        let samples = sample_count(&placed);
        let series_file = encode_series(&placed).map_err(encoding)?;
        let is_small = samples <= most_csv;
        let encoded = if is_small { encode_samples_csv(&placed) } else { encode_samples_parquet(&placed) };
        let samples_file = encoded.map_err(encoding)?;
        let series = StoredFile { rows: placed.len(), sha256: Some(sha256(&series_file)) };
        let stored = StoredFile { rows: samples, sha256: Some(sha256(&samples_file)) };
        let (name, storage) = if is_small {
            ("samples.csv", Storage::Csv { series, samples: stored })
        } else {
            ("samples.parquet", Storage::Parquet { series, samples: stored })
        };
        let manifest = wire::encode(&self.manifest(about, storage)).map_err(encoding)?;
        write_whole(path, &[("series.csv", series_file), (name, samples_file), (MANIFEST, manifest)], replace)?;
        Ok(RecordSummary { series: placed.len(), samples })
    }

    fn placed(&self) -> Vec<Placed> {
        let streams = self.streams.iter();
        streams
            .flat_map(|((part, stream), kept)| {
                kept.series.iter().map(|((arm, labels, _), samples)| Placed {
                    part: *part,
                    stream: *stream,
                    series: Series { arm: *arm, labels: labels.clone(), samples: samples.samples() },
                })
            })
            .collect()
    }

    fn manifest(&self, about: &About, storage: Storage) -> Manifest {
        let asked = |wanted: Part| {
            let spans = self.streams.iter().filter(|((part, _), _)| *part == wanted).filter_map(|(_, stream)| stream.asked);
            spans.reduce(hull)
        };
        Manifest {
            about: about.clone(),
            plan: self.plan.clone(),
            run: asked(Part::Run).unwrap_or(Span { start_ms: 0, end_ms: 0 }),
            history: asked(Part::History),
            streams: self.streams.iter().map(|((part, index), stream)| stream.record(*part, *index)).collect(),
            explanations: self.explanations.clone(),
            exemplars: self.exemplars.clone(),
            storage,
        }
    }
}

impl Stream {
    fn take(&mut self, span: Span, data: &StreamData) {
        for series in &data.series {
            self.take_series(series);
        }
        for query in &data.queries {
            if !self.queries.contains(query) {
                self.queries.push(query.clone());
            }
        }
        for warning in &data.warnings {
            remark(&mut self.warnings, span, warning);
        }
        for (part, doubt) in data.doubts.iter().chain(&data.failures) {
            remark(&mut self.warnings, *part, doubt);
        }
        for note in &data.notes {
            remark(&mut self.notes, span, note);
        }
        self.failures.retain(|failure| !(span.start_ms <= failure.span.start_ms && failure.span.end_ms <= span.end_ms));
    }

    fn take_series(&mut self, series: &Series) {
        let key = |kind: u8| (series.arm, series.labels.clone(), kind);
        match &series.samples {
            Samples::Counter(points) => {
                if let Kept::Counter(track) = self.series.entry(key(0)).or_insert_with(|| Kept::Counter(Track::default())) {
                    track.insert_all(points.clone());
                }
            }
            Samples::Increase(points) => {
                if let Kept::Increase(track) = self.series.entry(key(1)).or_insert_with(|| Kept::Increase(Track::default())) {
                    track.insert_all(points.clone());
                }
            }
            Samples::Value(points) => {
                if let Kept::Value(track) = self.series.entry(key(2)).or_insert_with(|| Kept::Value(Track::default())) {
                    track.insert_all(points.clone());
                }
            }
            Samples::Native(points) => {
                if let Kept::Native(track) = self.series.entry(key(3)).or_insert_with(|| Kept::Native(Track::default())) {
                    track.insert_all(points.clone());
                }
            }
            Samples::NativeIncrease(points) => {
                let kept = self.series.entry(key(4)).or_insert_with(|| Kept::NativeIncrease(Track::default()));
                if let Kept::NativeIncrease(track) = kept {
                    track.insert_all(points.clone());
                }
            }
        }
    }

    fn record(&self, part: Part, stream: usize) -> StreamRecord {
        StreamRecord {
            stream,
            part,
            queries: self.queries.clone(),
            warnings: self.warnings.clone(),
            notes: self.notes.clone(),
            failures: self.failures.clone(),
        }
    }
}

/// The same words about spans that overlap are one remark. Spans that only touch are not joined: fetches reach a step
/// further back than what they are for, so between two that touch there may be a window that nothing was said of.
fn remark(remarks: &mut Vec<Remark>, span: Span, text: &str) {
    let known =
        remarks.iter_mut().find(|known| known.text == text && known.span.start_ms < span.end_ms && span.start_ms < known.span.end_ms);
    match known {
        Some(known) => known.span = hull(known.span, span),
        None => remarks.push(Remark { span, text: text.to_owned() }),
    }
}

fn hull(one: Span, other: Span) -> Span {
    Span { start_ms: one.start_ms.min(other.start_ms), end_ms: one.end_ms.max(other.end_ms) }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
