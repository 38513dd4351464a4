//! What a collector's file exporter wrote: JSON Lines, or protobuf with four bytes of length before each message; a directory of
//! rotated files; signals mixed. A last line or message that was cut off is said and left out; any other that cannot be read is an error.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::otlp::{Encoding, Request, Signal, WindowStore, decode};

/// How much of a file tells what it is, in bytes.
const LOOKED_AT: u64 = 64 * 1024;
/// The longest message that is read, in bytes: a larger length is no length.
const LONGEST: usize = 256 << 20;

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {found}", path.display())]
pub struct FileError {
    /// Which.
    pub path: PathBuf,
    /// Where in it and what was wrong.
    pub found: String,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileSummary {
    /// Files.
    pub files: usize,
    /// Requests in them.
    pub requests: usize,
    /// Points, records and spans that were not taken.
    pub rejected: u64,
    /// What a reader should know: files that were left out, a last line that was cut off, what was rejected and why.
    pub remarks: Vec<String>,
}

/// Whether a path looks like something that [`read`] reads.
pub fn is_otlp(path: &Path) -> bool {
    if path.is_dir() {
        return files_in(path).is_ok_and(|files| files.iter().any(|file| kind_of(file).is_ok_and(|kind| kind.is_some())));
    }
    kind_of(path).is_ok_and(|kind| kind.is_some())
}

/// Reads a file, or every file of a directory, into a store.
///
/// # Errors
/// A file that is missing, that is nothing of OTLP, or in whose middle something cannot be read.
pub fn read(store: &WindowStore, path: &Path) -> Result<FileSummary, FileError> {
    let mut summary = FileSummary::default();
    if !path.is_dir() {
        let kind = kind_of(path)?.ok_or_else(|| {
            error(path, "expected lines of OTLP/JSON (resourceMetrics, resourceLogs, resourceSpans) or protobuf messages with their length, found neither")
        })?;
        read_one(store, path, kind, &mut summary)?;
        return Ok(summary);
    }
    for file in files_in(path)? {
        match kind_of(&file)? {
            Some(kind) => read_one(store, &file, kind, &mut summary)?,
            None => summary.remarks.push(format!("{}: left out, it is nothing of OTLP", file.display())),
        }
    }
    if summary.files == 0 {
        return Err(error(path, "expected files of OTLP in the directory, found none"));
    }
    Ok(summary)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lines,
    Frames,
    /// One request, as a body of HTTP.
    Body,
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = std::fs::read_dir(folder).map_err(|found| error(folder, found))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|path| path.is_file()).collect();
    files.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    files.sort();
    Ok(files)
}

fn kind_of(path: &Path) -> Result<Option<Kind>, FileError> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(|found| error(path, found))?;
    let length = file.metadata().map_or(0, |about| about.len());
    file.take(LOOKED_AT).read_to_end(&mut head).map_err(|found| error(path, found))?;
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'{') {
        let text = String::from_utf8_lossy(&head);
        let is_known = ["resourceMetrics", "resourceLogs", "resourceSpans", "resource_metrics", "resource_logs", "resource_spans"];
        return Ok(is_known.iter().any(|key| text.contains(key)).then_some(Kind::Lines));
    }
    if let Some(prefix) = head.first_chunk::<4>() {
        let size = u32::from_be_bytes(*prefix) as usize;
        let message = head.get(4..).unwrap_or_default();
        // The first field of every request is 1, with a length: 0x0a.
        if size > 1 && size <= LONGEST && message.first() == Some(&0x0a) {
            return Ok(Some(Kind::Frames));
        }
    }
    if head.first() == Some(&0x0a) && length <= LONGEST as u64 {
        let whole = std::fs::read(path).map_err(|found| error(path, found))?;
        return Ok(protobuf(&whole).is_ok().then_some(Kind::Body));
    }
    Ok(None)
}

fn read_one(store: &WindowStore, path: &Path, kind: Kind, summary: &mut FileSummary) -> Result<(), FileError> {
    summary.files += 1;
    match kind {
        Kind::Lines => read_lines(store, path, summary),
        Kind::Frames => read_frames(store, path, summary),
        Kind::Body => {
            let whole = std::fs::read(path).map_err(|found| error(path, found))?;
            take(store, path, &protobuf(&whole).map_err(|found| error(path, found))?, summary);
            Ok(())
        }
    }
}

fn read_lines(store: &WindowStore, path: &Path, summary: &mut FileSummary) -> Result<(), FileError> {
    let mut reader = BufReader::new(File::open(path).map_err(|found| error(path, found))?);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(|found| error(path, found))? == 0 {
            return Ok(());
        }
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match json(&line) {
            Ok(requests) => requests.iter().for_each(|request| take(store, path, request, summary)),
            // A writer that was stopped leaves half a line; half a line in the middle is something else.
            Err(_) if line.last() != Some(&b'\n') => {
                summary.remarks.push(format!("{}: line {number} was cut off and is left out", path.display()));
            }
            Err(found) => return Err(error(path, format!("line {number}: {found}"))),
        }
    }
}

fn read_frames(store: &WindowStore, path: &Path, summary: &mut FileSummary) -> Result<(), FileError> {
    let mut reader = BufReader::new(File::open(path).map_err(|found| error(path, found))?);
    let mut number = 0;
    loop {
        let mut prefix = Vec::new();
        reader.by_ref().take(4).read_to_end(&mut prefix).map_err(|found| error(path, found))?;
        if prefix.is_empty() {
            return Ok(());
        }
        number += 1;
        let mut is_cut_off = true;
        if let Some(prefix) = prefix.first_chunk::<4>() {
            let size = u32::from_be_bytes(*prefix) as usize;
            if size > LONGEST {
                return Err(error(path, format!("message {number}: expected a length of at most {LONGEST} bytes, found {size}")));
            }
            let mut message = Vec::new();
            reader.by_ref().take(size as u64).read_to_end(&mut message).map_err(|found| error(path, found))?;
            is_cut_off = message.len() < size;
            if !is_cut_off {
                let request = protobuf(&message).map_err(|found| error(path, format!("message {number}: {found}")))?;
                take(store, path, &request, summary);
            }
        }
        if is_cut_off {
            summary.remarks.push(format!("{}: message {number} was cut off and is left out", path.display()));
            return Ok(());
        }
    }
}

/// The keys under which each signal stands.
const KEYS: [(Signal, [&str; 2]); 3] = [
    (Signal::Metrics, ["resourceMetrics", "resource_metrics"]),
    (Signal::Logs, ["resourceLogs", "resource_logs"]),
    (Signal::Traces, ["resourceSpans", "resource_spans"]),
];

/// A line's requests: as many as it has signals.
fn json(line: &[u8]) -> Result<Vec<Request>, String> {
    let keys: std::collections::BTreeMap<String, serde::de::IgnoredAny> =
        serde_json::from_slice(line).map_err(|found| format!("expected a whole request on one line: {found}"))?;
    let there = KEYS.into_iter().filter(|(_, names)| names.iter().any(|name| keys.contains_key(*name)));
    let requests: Vec<Request> =
        there.map(|(signal, _)| decode(signal, Encoding::Json, line).map_err(|found| found.to_string())).collect::<Result<_, _>>()?;
    if requests.is_empty() {
        return Err(format!(
            "expected resourceMetrics, resourceLogs or resourceSpans, found {}",
            keys.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        ));
    }
    Ok(requests)
}

/// A message does not say what it is; but points, spans and records have fields of one number with other types, so that no message is
/// two of them.
fn protobuf(bytes: &[u8]) -> Result<Request, String> {
    let mut found = Err("an empty list".to_owned());
    for signal in [Signal::Metrics, Signal::Traces, Signal::Logs] {
        match decode(signal, Encoding::Protobuf, bytes) {
            Ok(request) => return Ok(request),
            Err(error) if found.is_err() => found = Err(error.to_string()),
            Err(_) => {}
        }
    }
    found
}

fn take(store: &WindowStore, path: &Path, request: &Request, summary: &mut FileSummary) {
    summary.requests += 1;
    let outcome = store.accept(request);
    summary.rejected += outcome.rejected;
    let remark = outcome.message.map(|message| format!("{}: {message}", path.display()));
    // The same of each line would bury the rest; how many it was in all is counted.
    summary.remarks.extend(remark.filter(|remark| summary.remarks.len() < MOST_REMARKS && !summary.remarks.contains(remark)));
}

/// The most remarks that are kept.
const MOST_REMARKS: usize = 20;

fn error(path: &Path, found: impl std::fmt::Display) -> FileError {
    FileError { path: path.to_owned(), found: found.to_string() }
}
