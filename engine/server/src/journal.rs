//! Keeps what the receiver acknowledged: bodies as they came, in order, on disk before the answer goes out.
//!
//! One thread writes: it takes what waits, commits it at once and lets those who wait go on, so that a hundred clients cost one
//! sync of the disk. Old bodies are deleted by time, and their space is used again; beyond the bound of bytes nothing is taken.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, params};

use davy_sources::otlp::{Encoding, Signal};

/// What the tables mean; another number is another davy's.
const SCHEMA: i64 = 1;
/// At most as many bodies in one commit.
const GROUP: usize = 256;
/// How often the old ones are deleted, in ms of the time of what comes.
const SWEEP_MS: i64 = 10_000;
/// How long another process is waited for: one that is just ending.
const BUSY: Duration = Duration::from_secs(1);
/// The least that zstd does: most of what it can, at a fifth of the time of a decode.
const ZSTD_LEVEL: i32 = 1;

/// Where and how long.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// A directory of its own; made where it is not there.
    pub directory: PathBuf,
    /// How long a body is kept, in ms.
    pub keep_ms: i64,
    /// The most that it takes on disk, in bytes, beside some megabytes of write-ahead log.
    pub max_bytes: u64,
}

/// A body as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// When, in ms since the epoch.
    pub received_ms: i64,
    /// What it tells.
    pub signal: Signal,
    /// How it is written.
    pub encoding: Encoding,
    /// Decompressed.
    pub body: Vec<u8>,
}

/// What cannot be kept or read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the journal in {directory}: {kind}")]
pub struct JournalError {
    /// Where.
    pub directory: String,
    /// What.
    pub kind: JournalErrorKind,
}

/// What cannot be kept or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalErrorKind {
    /// Another process has it.
    #[error("another davy uses it; give this one a directory of its own with --state")]
    InUse,
    /// The bound, or the disk.
    #[error("no space left (bound: {0} MiB); old bodies make room with time, or give --state another disk")]
    Full(u64),
    /// Written by another version.
    #[error("expected schema {SCHEMA}, found {0}; use the davy that wrote it, or another directory")]
    Schema(i64),
    /// Anything else, in the library's words.
    #[error("{0}; if it stays so, move the directory away and begin anew")]
    Other(String),
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Bodies.
    pub bodies: u64,
    /// Bytes on disk, free pages included.
    pub bytes: u64,
}

/// A body on its way to disk: compressed by whoever waits for it, so that the one that writes only writes.
struct Entry {
    received_ms: i64,
    signal: Signal,
    encoding: Encoding,
    zstd: Vec<u8>,
    done: SyncSender<Result<(), JournalError>>,
}

/// An open journal; ends with what waits written.
pub struct Journal {
    directory: String,
    entries: Option<SyncSender<Entry>>,
    thread: Option<JoinHandle<()>>,
    connection: Arc<Mutex<Connection>>,
    bodies: Arc<AtomicU64>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens or makes one, and passes on what it holds, in the order in which it was acknowledged.
    ///
    /// # Errors
    /// Another process has it, another version wrote it, or the disk fails.
    pub fn open(config: &JournalConfig, mut each: impl FnMut(Kept)) -> Result<Journal, JournalError> {
        let directory = config.directory.display().to_string();
        let bound = config.max_bytes >> 20;
        let failed = |error: &rusqlite::Error| error_of(&directory, bound, error);
        private_directory(&config.directory)
            .map_err(|error| JournalError { directory: directory.clone(), kind: JournalErrorKind::Other(error.to_string()) })?;
        let connection = open(config).map_err(|error| failed(&error))?;
        let schema = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| failed(&error))?;
        if schema != SCHEMA {
            return Err(JournalError { directory, kind: JournalErrorKind::Schema(schema) });
        }
        let count = read(&connection, &mut each).map_err(|error| failed(&error))?;
        let bodies = Arc::new(AtomicU64::new(count));
        let connection = Arc::new(Mutex::new(connection));
        let (entries, waiting) = sync_channel(GROUP);
        let writer = Writer {
            directory: directory.clone(),
            bound,
            keep_ms: config.keep_ms,
            swept_ms: i64::MIN,
            connection: Arc::clone(&connection),
            bodies: Arc::clone(&bodies),
        };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.write_all(&waiting));
        let thread =
            thread.map_err(|error| JournalError { directory: directory.clone(), kind: JournalErrorKind::Other(error.to_string()) })?;
        Ok(Journal { directory, entries: Some(entries), thread: Some(thread), connection, bodies })
    }

    /// Keeps a body: once this returns it is on disk. Blocks until then.
    ///
    /// # Errors
    /// It is not kept: no space, or the disk fails.
    pub fn append(&self, kept: Kept) -> Result<(), JournalError> {
        let failed = |what: String| JournalError { directory: self.directory.clone(), kind: JournalErrorKind::Other(what) };
        let ended = || failed("its thread has ended".to_owned());
        let Kept { received_ms, signal, encoding, body } = kept;
        let zstd = zstd::bulk::compress(&body, ZSTD_LEVEL).map_err(|error| failed(error.to_string()))?;
        drop(body);
        let (done, outcome) = sync_channel(1);
        let entries = self.entries.as_ref().ok_or_else(ended)?;
        entries.send(Entry { received_ms, signal, encoding, zstd, done }).map_err(|_| ended())?;
        outcome.recv().map_err(|_| ended())?
    }

    /// How much there is.
    pub fn usage(&self) -> Usage {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let pragma = |name| connection.pragma_query_value::<i64, _>(None, name, |row| row.get(0)).unwrap_or(0).unsigned_abs();
        Usage { bodies: self.bodies.load(Ordering::Relaxed), bytes: pragma("page_count") * pragma("page_size") }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Without a sender the thread ends once it has written what waits.
        self.entries = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Writer {
    directory: String,
    bound: u64,
    keep_ms: i64,
    swept_ms: i64,
    connection: Arc<Mutex<Connection>>,
    bodies: Arc<AtomicU64>,
}

impl Writer {
    fn write_all(mut self, waiting: &Receiver<Entry>) {
        while let Ok(first) = waiting.recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(next) = waiting.try_recv()
            {
                group.push(next);
            }
            let outcome = self.commit(&group).map_err(|error| error_of(&self.directory, self.bound, &error));
            for entry in group {
                // Whoever does not wait any more has gone.
                let _ = entry.done.send(outcome.clone());
            }
        }
    }

    fn commit(&mut self, group: &[Entry]) -> rusqlite::Result<()> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let newest_ms = group.iter().map(|entry| entry.received_ms).max().unwrap_or(i64::MIN);
        if newest_ms.saturating_sub(self.swept_ms) >= SWEEP_MS {
            // By itself, so that room is made also where nothing more fits.
            let deleted = connection.execute("DELETE FROM body WHERE received_ms < ?1", params![newest_ms.saturating_sub(self.keep_ms)])?;
            self.bodies.fetch_sub(deleted as u64, Ordering::Relaxed);
            self.swept_ms = newest_ms;
        }
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare("INSERT INTO body (received_ms, signal, encoding, zstd) VALUES (?1, ?2, ?3, ?4)")?;
            for entry in group {
                insert.execute(params![entry.received_ms, signal_number(entry.signal), encoding_number(entry.encoding), entry.zstd])?;
            }
        }
        transaction.commit()?;
        self.bodies.fetch_add(group.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

fn open(config: &JournalConfig) -> rusqlite::Result<Connection> {
    let connection = Connection::open(config.directory.join("otlp.sqlite"))?;
    connection.busy_timeout(BUSY)?;
    // Held until we end, also by kill -9: a second davy is told at once.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit returns when the disk has it.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    let page_size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = i64::try_from(config.max_bytes).unwrap_or(i64::MAX) / page_size;
    connection.pragma_update(None, "max_page_count", pages.min(i64::from(u32::MAX - 1)))?;
    let is_new = connection.pragma_query_value::<i64, _>(None, "user_version", |row| row.get(0))? == 0;
    if is_new {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             CREATE TABLE body (number INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, signal INTEGER NOT NULL,
                                encoding INTEGER NOT NULL, zstd BLOB NOT NULL);
             CREATE INDEX body_received ON body (received_ms);
             PRAGMA user_version = {SCHEMA};
             COMMIT;"
        ))?;
    } else {
        // Takes the lock.
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT;")?;
    }
    Ok(connection)
}

fn read(connection: &Connection, each: &mut impl FnMut(Kept)) -> rusqlite::Result<u64> {
    let mut count = 0;
    let mut select = connection.prepare("SELECT received_ms, signal, encoding, zstd FROM body ORDER BY number")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (signal, encoding): (i64, i64) = (row.get(1)?, row.get(2)?);
        let damaged = || rusqlite::Error::IntegralValueOutOfRange(1, signal);
        let squeezed: Vec<u8> = row.get(3)?;
        let body = zstd::stream::decode_all(&squeezed[..]).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let signal = [Signal::Metrics, Signal::Logs, Signal::Traces].into_iter().find(|known| signal_number(*known) == signal);
        let encoding = [Encoding::Protobuf, Encoding::Json].into_iter().find(|known| encoding_number(*known) == encoding);
        each(Kept { received_ms: row.get(0)?, signal: signal.ok_or_else(damaged)?, encoding: encoding.ok_or_else(damaged)?, body });
        count += 1;
    }
    Ok(count)
}

/// On disk; never to be changed.
fn signal_number(signal: Signal) -> i64 {
    match signal {
        Signal::Metrics => 1,
        Signal::Logs => 2,
        Signal::Traces => 3,
    }
}

/// On disk; never to be changed.
fn encoding_number(encoding: Encoding) -> i64 {
    match encoding {
        Encoding::Protobuf => 1,
        Encoding::Json => 2,
    }
}

fn error_of(directory: &str, bound: u64, error: &rusqlite::Error) -> JournalError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalErrorKind::InUse,
        Some(ErrorCode::DiskFull) => JournalErrorKind::Full(bound),
        Some(_) | None => JournalErrorKind::Other(error.to_string()),
    };
    JournalError { directory: directory.to_owned(), kind }
}

/// Telemetry may tell of people: nobody else reads it.
fn private_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests;
