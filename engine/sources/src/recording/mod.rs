//! Recordings: what a source answered, kept so that the same analysis can be judged again without it.
//!
//! A recording is a directory: `manifest.json` says what was asked and why, `series.csv` names the series, and
//! `samples.csv` (small, diffable) or `samples.parquet` (large) holds the samples. Instead of the last two it may hold
//! verbatim `query_range` bodies of a Prometheus. Writing: [`Recorded`], [`Recorder`]. Reading: [`Recording`].

mod bodies;
mod directory;
mod error;
mod manifest;
mod recorded;
mod recorder;
mod replay;
mod table;
mod wire;

pub use error::RecordError;
pub use manifest::{
    About, Body, Expected, Failure, KeptExemplars, Manifest, Remark, RulePlace, SCHEMA, Storage, StoredFile, StreamRecord, Weight,
};
pub use recorded::Recorded;
pub use recorder::{RecordSummary, Recorder};
pub use replay::Recording;
