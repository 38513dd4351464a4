//! A recording as a source.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use davy_judge::arm::Arm;

use crate::error::{SourceError, SourceErrorKind};
use crate::exemplars::{Exemplar, ExemplarRequest};
use crate::recording::directory::MANIFEST;
use crate::recording::recorder::sha256;
use crate::recording::table::{self, decode_samples_csv, decode_samples_parquet, decode_series};
use crate::recording::{Manifest, RecordError, Storage, StoredFile, StreamRecord, bodies, wire};
use crate::samples::{FetchPlan, Part, Samples, Series, Span, StreamData, StreamSpec};
use crate::source::{Fetched, Source};

/// A recording in memory. As a source it answers a fetch with exactly the samples of the span that it holds; a plan may
/// differ from the recorded one as long as its streams, arms and instance are among what was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// What was asked, why, and what came back besides samples.
    pub manifest: Manifest,
    path: PathBuf,
    streams: BTreeMap<(Part, usize), Vec<Series>>,
}

impl Recording {
    /// Reads a recording: a directory, or its `manifest.json`.
    ///
    /// # Errors
    /// A file that is missing, cut off, corrupted, or written by a newer version.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        let directory = if path.ends_with(MANIFEST) { path.parent().unwrap_or(Path::new("")) } else { path };
        let file = directory.join(MANIFEST);
        let manifest = wire::decode(&read(&file)?, &file)?;
        let mut streams: BTreeMap<(Part, usize), Vec<Series>> = BTreeMap::new();
        let mut records = manifest.streams.clone();
        match &manifest.storage {
            Storage::Csv { series, samples } | Storage::Parquet { series, samples } => {
                let is_csv = matches!(manifest.storage, Storage::Csv { .. });
                let mut placed = Stored::read(directory.join("series.csv"), series)?.with(decode_series)?;
                let name = if is_csv { "samples.csv" } else { "samples.parquet" };
                let stored = Stored::read(directory.join(name), samples)?;
                if is_csv {
                    stored.with(|source| decode_samples_csv(source, &mut placed))?;
                } else {
                    stored.with(|source| decode_samples_parquet(source, &mut placed))?;
                }
                for (index, one) in placed.into_iter().enumerate() {
                    if one.stream >= manifest.plan.streams.len() {
                        let expected = format!("a stream below {}", manifest.plan.streams.len());
                        return Err(RecordError::content(directory.join("series.csv"), Some(index + 1), expected, one.stream.to_string()));
                    }
                    streams.entry((one.part, one.stream)).or_default().push(one.series);
                }
            }
            Storage::Bodies(all) => {
                for body in all {
                    let file = directory.join(&body.file);
                    let data = bodies::decode(&manifest, body, &file, &read(&file)?)?;
                    note_body(&mut records, &manifest, body.part, body.stream, &data);
                    streams.entry((body.part, body.stream)).or_default().extend(data.series);
                }
            }
        }
        for series in streams.values_mut() {
            series.sort_by(|left, right| (left.arm, &left.labels).cmp(&(right.arm, &right.labels)));
        }
        Ok(Recording { manifest: Manifest { streams: records, ..manifest }, path: directory.to_owned(), streams })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn error(&self, place: Option<&str>, text: impl Into<String>) -> SourceError {
        let place = place.map_or_else(|| format!("recording {}", self.name()), str::to_owned);
        SourceError { place, kind: SourceErrorKind::File(text.into()) }
    }

    /// The directory's own name: where it lies is nobody's business.
    fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    fn fetch_stream(&self, plan: &FetchPlan, wanted: &StreamSpec, part: Part, span: Span) -> Result<StreamData, SourceError> {
        let recorded = &self.manifest.plan;
        let Some(stream) = recorded.streams.iter().position(|spec| spec == wanted) else {
            return Err(self.error(None, format!("the recording does not hold {}", spec_text(wanted))));
        };
        let same_arms = match part {
            Part::Run => recorded.arms == plan.arms,
            Part::History => recorded.arms.baseline == plan.arms.baseline && recorded.history_from == plan.history_from,
        };
        if !same_arms {
            return Err(self.error(None, "the recording was made for other arms"));
        }
        let Some(record) = self.manifest.streams.iter().find(|record| record.part == part && record.stream == stream) else {
            let what = if part == Part::History { "no history" } else { "no run" };
            return Err(self.error(None, format!("the recording holds {what}")));
        };
        let kept = self.streams.get(&(part, stream)).map(Vec::as_slice).unwrap_or_default();
        if recorded.step_ms != plan.step_ms && kept.iter().any(|series| is_tied_to_step(&series.samples)) {
            let text = format!("the recording was made with a step of {} ms, and holds values per step", recorded.step_ms);
            return Err(self.error(None, text));
        }
        self.answer(record, kept, span)
    }

    fn answer(&self, record: &StreamRecord, kept: &[Series], span: Span) -> Result<StreamData, SourceError> {
        let touching = |other: Span| other.start_ms < span.end_ms && span.start_ms < other.end_ms;
        let mut failures: Vec<(Span, String)> = Vec::new();
        for failure in record.failures.iter().filter(|failure| touching(failure.span)) {
            let covers = failure.span.start_ms <= span.start_ms && span.end_ms <= failure.span.end_ms;
            if covers {
                return Err(self.error(Some(&failure.place), failure.text.clone()));
            }
            failures.push((failure.span, format!("{}: {}", failure.place, failure.text)));
        }
        let remarks = |remarks: &[crate::recording::Remark]| -> Vec<String> {
            remarks.iter().filter(|remark| touching(remark.span)).map(|remark| remark.text.clone()).collect()
        };
        let warned = record.warnings.iter().filter(|remark| touching(remark.span));
        let doubts = warned.map(|remark| (remark.span, remark.text.clone())).collect();
        Ok(StreamData {
            series: kept.iter().filter_map(|series| within(series, span)).collect(),
            queries: record.queries.clone(),
            warnings: Vec::new(),
            doubts,
            failures,
            notes: remarks(&record.notes),
        })
    }
}

impl Source for Recording {
    async fn fetch(&self, plan: &FetchPlan, part: Part, span: Span) -> Fetched {
        plan.streams.iter().map(|wanted| self.fetch_stream(plan, wanted, part, span)).collect()
    }

    async fn explain_empty(&self, _plan: &FetchPlan, arm: Arm, _span: Span) -> Option<String> {
        self.manifest.explanations.get(arm).clone()
    }

    async fn exemplars(&self, wanted: &ExemplarRequest) -> Vec<Exemplar> {
        let kept = self.manifest.exemplars.iter().find(|kept| kept.request == *wanted);
        kept.map(|kept| kept.found.clone()).unwrap_or_default()
    }
}

/// The samples of a series in a span; none: the series is not there.
fn within(series: &Series, span: Span) -> Option<Series> {
    fn cut<T: Clone>(points: &[(i64, T)], span: Span) -> Vec<(i64, T)> {
        let start = points.partition_point(|(time, _)| *time <= span.start_ms);
        let end = points.partition_point(|(time, _)| *time <= span.end_ms);
        points.get(start..end).map(<[_]>::to_vec).unwrap_or_default()
    }
    let (samples, is_empty) = match &series.samples {
        Samples::Counter(points) => with_emptiness(cut(points, span), Samples::Counter),
        Samples::Increase(points) => with_emptiness(cut(points, span), Samples::Increase),
        Samples::Value(points) => with_emptiness(cut(points, span), Samples::Value),
        Samples::Native(points) => with_emptiness(cut(points, span), Samples::Native),
        Samples::NativeIncrease(points) => with_emptiness(cut(points, span), Samples::NativeIncrease),
    };
    (!is_empty).then(|| Series { arm: series.arm, labels: series.labels.clone(), samples })
}

fn with_emptiness<T>(points: Vec<T>, make: impl FnOnce(Vec<T>) -> Samples) -> (Samples, bool) {
    let is_empty = points.is_empty();
    (make(points), is_empty)
}

/// Whether samples mean something only at the step that they were made with.
fn is_tied_to_step(samples: &Samples) -> bool {
    match samples {
        Samples::Increase(_) | Samples::Value(_) | Samples::NativeIncrease(_) => true,
        Samples::Counter(_) | Samples::Native(_) => false,
    }
}

fn spec_text(spec: &StreamSpec) -> String {
    match spec {
        StreamSpec::Counter(selector) | StreamSpec::Histogram(selector) => selector.to_string(),
        StreamSpec::Expression(text) => text.clone(),
    }
}

/// A body that was put in by hand has no record of its own; its warnings count as the server's.
fn note_body(records: &mut Vec<StreamRecord>, manifest: &Manifest, part: Part, stream: usize, data: &StreamData) {
    let span = match part {
        Part::Run => manifest.run,
        Part::History => manifest.history.unwrap_or(manifest.run),
    };
    let remarks = |texts: &[String]| texts.iter().map(|text| crate::recording::Remark { span, text: text.clone() }).collect::<Vec<_>>();
    let record = match records.iter_mut().find(|record| record.part == part && record.stream == stream) {
        Some(record) => record,
        None => records.push_mut(StreamRecord {
            stream,
            part,
            queries: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            failures: Vec::new(),
        }),
    };
    record.warnings.extend(remarks(&data.warnings));
    record.notes.extend(remarks(&data.notes));
}

/// The bytes of a file that is what the manifest says.
struct Stored {
    file: PathBuf,
    bytes: Vec<u8>,
    rows: usize,
}

impl Stored {
    fn read(file: PathBuf, stored: &StoredFile) -> Result<Self, RecordError> {
        let bytes = read(&file)?;
        if let Some(wanted) = &stored.sha256 {
            let found = sha256(&bytes);
            if found != *wanted {
                return Err(RecordError::content(file, None, format!("SHA-256 {wanted}"), format!("{found} ({} bytes)", bytes.len())));
            }
        }
        Ok(Stored { file, bytes, rows: stored.rows })
    }

    fn with<T>(&self, decode: impl FnOnce(&table::Source<'_>) -> Result<T, RecordError>) -> Result<T, RecordError> {
        decode(&table::Source { file: &self.file, bytes: &self.bytes, rows: self.rows })
    }
}

fn read(file: &Path) -> Result<Vec<u8>, RecordError> {
    fs::read(file).map_err(|error| RecordError::io(file, &error))
}
