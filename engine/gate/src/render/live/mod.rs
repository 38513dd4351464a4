//! The live view of a run: snapshots of it, as lines for a terminal or for a log.

mod frame;
mod line;
mod metric;
mod plain;
mod snapshot;

pub use frame::{Moment, frame};
pub use line::{Drawn, Line};
pub use plain::PlainLines;
pub use snapshot::{Meter, Snapshot, Stage};
