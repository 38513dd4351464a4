//! Series and samples as tables: `series.csv`, and `samples.csv` or `samples.parquet`.
//!
//! `series`: id, part, stream, arm, kind, labels (a JSON object). `samples`: series, time_ms, value, and `buckets` where
//! there are native histograms (`left:right:count`, separated by semicolons; `value` is then the count of all). Numbers are
//! text in CSV, in the shortest form that gives the same `f64` back.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use davy_judge::arm::Arm;
use polars::prelude::{Column, DataFrame, DataType, Field, PlSmallStr, Schema};
use polars_io::SerReader;
use polars_io::SerWriter;
use polars_io::csv::read::CsvReadOptions;
use polars_io::csv::write::CsvWriter;
use polars_io::parquet::read::ParquetReader;
use polars_io::parquet::write::ParquetWriter;

use crate::recording::RecordError;
use crate::samples::{NativeHistogram, Part, Samples, Series};

/// A series, and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub part: Part,
    pub stream: usize,
    pub series: Series,
}

const SERIES_COLUMNS: [&str; 6] = ["id", "part", "stream", "arm", "kind", "labels"];

/// How many samples there are.
pub(super) fn sample_count(placed: &[Placed]) -> usize {
    placed.iter().map(|one| length(&one.series.samples)).sum()
}

fn length(samples: &Samples) -> usize {
    match samples {
        Samples::Counter(points) | Samples::Increase(points) | Samples::Value(points) => points.len(),
        Samples::Native(points) | Samples::NativeIncrease(points) => points.len(),
    }
}

/// `series.csv`.
pub(super) fn encode_series(placed: &[Placed]) -> Result<Vec<u8>, String> {
    let mut columns: [Vec<String>; 6] = Default::default();
    for (id, one) in placed.iter().enumerate() {
        let labels = serde_json::to_string(&one.series.labels).map_err(|error| error.to_string())?;
        let fields = [
            id.to_string(),
            part_name(one.part).to_owned(),
            one.stream.to_string(),
            one.series.arm.name().to_owned(),
            kind_name(&one.series.samples).to_owned(),
            labels,
        ];
        for (column, field) in columns.iter_mut().zip(fields) {
            column.push(field);
        }
    }
    let columns = SERIES_COLUMNS.iter().zip(columns).map(|(name, values)| Column::new(PlSmallStr::from_static(name), values));
    to_csv(columns.collect())
}

/// Every sample as a row: series, time, value, buckets.
fn rows(placed: &[Placed]) -> impl Iterator<Item = (u32, i64, f64, Option<String>)> {
    placed.iter().enumerate().flat_map(|(id, one)| {
        let id = u32::try_from(id).unwrap_or(u32::MAX);
        let rows: Vec<(u32, i64, f64, Option<String>)> = match &one.series.samples {
            Samples::Counter(points) | Samples::Increase(points) | Samples::Value(points) => {
                points.iter().map(|(time, value)| (id, *time, *value, None)).collect()
            }
            Samples::Native(points) | Samples::NativeIncrease(points) => {
                points.iter().map(|(time, native)| (id, *time, native.count, Some(encode_buckets(native)))).collect()
            }
        };
        rows
    })
}

fn has_native(placed: &[Placed]) -> bool {
    placed.iter().any(|one| matches!(one.series.samples, Samples::Native(_) | Samples::NativeIncrease(_)))
}

/// `samples.csv`.
pub(super) fn encode_samples_csv(placed: &[Placed]) -> Result<Vec<u8>, String> {
    let (mut series, mut times, mut values, mut buckets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, time, value, native) in rows(placed) {
        series.push(id.to_string());
        times.push(time.to_string());
        values.push(format!("{value:?}"));
        buckets.push(native);
    }
    let mut columns = vec![column("series", series), column("time_ms", times), column("value", values)];
    if has_native(placed) {
        columns.push(Column::new(PlSmallStr::from_static("buckets"), buckets));
    }
    to_csv(columns)
}

/// `samples.parquet`. A large recording is written while the gate still holds its samples: every column is as long as it
/// must be, and there is none without need.
pub(super) fn encode_samples_parquet(placed: &[Placed]) -> Result<Vec<u8>, String> {
    let count = sample_count(placed);
    let (mut series, mut times, mut values) = (Vec::with_capacity(count), Vec::with_capacity(count), Vec::with_capacity(count));
    let mut buckets = has_native(placed).then(|| Vec::with_capacity(count));
    for (id, time, value, native) in rows(placed) {
        series.push(id);
        times.push(time);
        values.push(value);
        if let Some(buckets) = &mut buckets {
            buckets.push(native);
        }
    }
    let mut columns = vec![
        Column::new(PlSmallStr::from_static("series"), series),
        Column::new(PlSmallStr::from_static("time_ms"), times),
        Column::new(PlSmallStr::from_static("value"), values),
    ];
    columns.extend(buckets.map(|buckets| Column::new(PlSmallStr::from_static("buckets"), buckets)));
    let mut frame = DataFrame::new_infer_height(columns).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn column(name: &'static str, values: Vec<String>) -> Column {
    Column::new(PlSmallStr::from_static(name), values)
}

fn to_csv(columns: Vec<Column>) -> Result<Vec<u8>, String> {
    let mut frame = DataFrame::new_infer_height(columns).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    CsvWriter::new(&mut bytes).finish(&mut frame).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// What a file must hold, and its name for errors.
pub(super) struct Source<'a> {
    pub file: &'a Path,
    pub bytes: &'a [u8],
    pub rows: usize,
}

impl Source<'_> {
    fn wrong(&self, row: Option<usize>, expected: impl Into<String>, found: impl Into<String>) -> RecordError {
        RecordError::content(self.file, row, expected, found)
    }

    fn check(&self, frame: &DataFrame, columns: &[&str]) -> Result<(), RecordError> {
        let names: Vec<&str> = frame.get_column_names().into_iter().map(PlSmallStr::as_str).collect();
        if names != columns {
            return Err(self.wrong(None, format!("the columns {}", columns.join(",")), names.join(",")));
        }
        if frame.height() != self.rows {
            return Err(self.wrong(None, format!("{} rows", self.rows), frame.height().to_string()));
        }
        Ok(())
    }

    /// Reads CSV with every column as text: what is in it is parsed here, where the row is known.
    fn csv(&self, columns: &[&str]) -> Result<DataFrame, RecordError> {
        if self.rows == 0 && self.bytes.is_empty() {
            return Err(self.wrong(None, "a heading", "an empty file"));
        }
        let schema: Schema = columns.iter().map(|name| Field::new(PlSmallStr::from_str(name), DataType::String)).collect();
        let heading = self.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if heading != columns.join(",").as_bytes() {
            return Err(self.wrong(None, format!("the heading {}", columns.join(",")), String::from_utf8_lossy(heading)));
        }
        if self.bytes.last() != Some(&b'\n') {
            return Err(self.wrong(None, "a line break at the end", "a file that was cut off"));
        }
        if self.rows == 0 && self.bytes.len() == heading.len() + 1 {
            return Ok(DataFrame::empty_with_schema(&schema));
        }
        let options = CsvReadOptions::default().with_has_header(true).with_schema(Some(schema.into())).with_n_threads(Some(1));
        let frame = options
            .into_reader_with_file_handle(Cursor::new(self.bytes))
            .finish()
            .map_err(|error| self.wrong(None, "CSV", error.to_string()))?;
        self.check(&frame, columns)?;
        Ok(frame)
    }

    fn parsed<T: std::str::FromStr>(&self, row: usize, what: &str, text: Option<&str>) -> Result<T, RecordError> {
        let text = text.ok_or_else(|| self.wrong(Some(row), what, "nothing"))?;
        text.parse().map_err(|_| self.wrong(Some(row), what, format!("{text:?}")))
    }
}

/// A text column's values.
fn texts<'a>(source: &Source<'_>, frame: &'a DataFrame, name: &str) -> Result<Vec<Option<&'a str>>, RecordError> {
    let values = frame.column(name).and_then(|column| column.str());
    Ok(values.map_err(|error| source.wrong(None, format!("text in the column {name}"), error.to_string()))?.iter().collect())
}

/// A series without samples yet, from `series.csv`.
pub(super) fn decode_series(source: &Source<'_>) -> Result<Vec<Placed>, RecordError> {
    let frame = source.csv(&SERIES_COLUMNS)?;
    let columns = SERIES_COLUMNS.map(|name| texts(source, &frame, name));
    let [ids, parts, streams, arms, kinds, labels] = columns;
    let (ids, parts, streams, arms, kinds, labels) = (ids?, parts?, streams?, arms?, kinds?, labels?);
    let mut placed = Vec::with_capacity(ids.len());
    for index in 0..ids.len() {
        let row = index + 1;
        let id: usize = source.parsed(row, "an id", ids[index])?;
        if id != index {
            return Err(source.wrong(Some(row), format!("the id {index}"), id.to_string()));
        }
        let part = match parts[index] {
            Some("run") => Part::Run,
            Some("history") => Part::History,
            other => return Err(source.wrong(Some(row), "the part run or history", format!("{other:?}"))),
        };
        let arm = match arms[index] {
            Some("baseline") => Arm::Baseline,
            Some("canary") => Arm::Canary,
            other => return Err(source.wrong(Some(row), "the arm baseline or canary", format!("{other:?}"))),
        };
        let samples = match kinds[index] {
            Some("counter") => Samples::Counter(Vec::new()),
            Some("increase") => Samples::Increase(Vec::new()),
            Some("value") => Samples::Value(Vec::new()),
            Some("native") => Samples::Native(Vec::new()),
            Some("native_increase") => Samples::NativeIncrease(Vec::new()),
            other => {
                return Err(source.wrong(Some(row), "the kind counter, increase, value, native or native_increase", format!("{other:?}")));
            }
        };
        let text = labels[index].unwrap_or_default();
        let labels: BTreeMap<String, String> =
            serde_json::from_str(text).map_err(|error| source.wrong(Some(row), "labels as a JSON object of text", error.to_string()))?;
        let stream = source.parsed(row, "a stream", streams[index])?;
        placed.push(Placed { part, stream, series: Series { arm, labels, samples } });
    }
    Ok(placed)
}

/// Adds the samples of `samples.csv`.
pub(super) fn decode_samples_csv(source: &Source<'_>, placed: &mut [Placed]) -> Result<(), RecordError> {
    let columns: &[&str] = if has_native(placed) { &["series", "time_ms", "value", "buckets"] } else { &["series", "time_ms", "value"] };
    let frame = source.csv(columns)?;
    let (series, times, values) = (texts(source, &frame, "series")?, texts(source, &frame, "time_ms")?, texts(source, &frame, "value")?);
    let buckets = if columns.len() > 3 { texts(source, &frame, "buckets")? } else { vec![None; series.len()] };
    for index in 0..series.len() {
        let row = index + 1;
        let id: usize = source.parsed(row, "a series' id", series[index])?;
        let time: i64 = source.parsed(row, "a time in ms", times[index])?;
        let value: f64 = source.parsed(row, "a number", values[index])?;
        add(source, placed, row, (id, time, value, buckets[index]))?;
    }
    Ok(())
}

/// Adds the samples of `samples.parquet`.
pub(super) fn decode_samples_parquet(source: &Source<'_>, placed: &mut [Placed]) -> Result<(), RecordError> {
    let columns: &[&str] = if has_native(placed) { &["series", "time_ms", "value", "buckets"] } else { &["series", "time_ms", "value"] };
    let frame = ParquetReader::new(Cursor::new(source.bytes))
        .set_rechunk(true)
        .finish()
        .map_err(|error| source.wrong(None, "Parquet", error.to_string()))?;
    source.check(&frame, columns)?;
    let wrong = |error: polars::prelude::PolarsError| source.wrong(None, "the columns' types", error.to_string());
    let series = frame.column("series").and_then(|column| column.u32()).map_err(wrong)?;
    let times = frame.column("time_ms").and_then(|column| column.i64()).map_err(wrong)?;
    let values = frame.column("value").and_then(|column| column.f64()).map_err(wrong)?;
    let buckets = if columns.len() > 3 { texts(source, &frame, "buckets")? } else { vec![None; frame.height()] };
    for (index, ((id, time), value)) in series.iter().zip(times.iter()).zip(values.iter()).enumerate() {
        let row = index + 1;
        let (Some(id), Some(time), Some(value)) = (id, time, value) else {
            return Err(source.wrong(Some(row), "a number in each column", "nothing"));
        };
        add(source, placed, row, (id as usize, time, value, buckets[index]))?;
    }
    Ok(())
}

/// Appends one sample to its series, by ascending time.
fn add(
    source: &Source<'_>,
    placed: &mut [Placed],
    row: usize,
    (id, time, value, buckets): (usize, i64, f64, Option<&str>),
) -> Result<(), RecordError> {
    let count = placed.len();
    let Some(one) = placed.get_mut(id) else {
        return Err(source.wrong(Some(row), format!("a series below {count}"), id.to_string()));
    };
    let last = match &mut one.series.samples {
        Samples::Counter(points) | Samples::Increase(points) | Samples::Value(points) => {
            let last = points.last().map(|(at, _)| *at);
            points.push((time, value));
            last
        }
        Samples::Native(points) | Samples::NativeIncrease(points) => {
            let last = points.last().map(|(at, _)| *at);
            let text = buckets.unwrap_or_default();
            let Some(buckets) = decode_buckets(text) else {
                return Err(source.wrong(Some(row), "buckets as left:right:count;…", format!("{text:?}")));
            };
            points.push((time, NativeHistogram { count: value, buckets }));
            last
        }
    };
    match last {
        Some(last) if last >= time => Err(source.wrong(Some(row), format!("a time after {last}"), time.to_string())),
        Some(_) | None => Ok(()),
    }
}

fn encode_buckets(native: &NativeHistogram) -> String {
    let parts: Vec<String> = native.buckets.iter().map(|(left, right, count)| format!("{left:?}:{right:?}:{count:?}")).collect();
    parts.join(";")
}

fn decode_buckets(text: &str) -> Option<Vec<(f64, f64, f64)>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(';')
        .map(|bucket| {
            let mut numbers = bucket.split(':').map(|number| number.parse::<f64>().ok());
            match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
                (Some(Some(left)), Some(Some(right)), Some(Some(count)), None) => Some((left, right, count)),
                _ => None,
            }
        })
        .collect()
}

fn part_name(part: Part) -> &'static str {
    match part {
        Part::Run => "run",
        Part::History => "history",
    }
}

fn kind_name(samples: &Samples) -> &'static str {
    match samples {
        Samples::Counter(_) => "counter",
        Samples::Increase(_) => "increase",
        Samples::Value(_) => "value",
        Samples::Native(_) => "native",
        Samples::NativeIncrease(_) => "native_increase",
    }
}
