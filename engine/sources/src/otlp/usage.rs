//! What the store holds, and what it did not take.

use std::collections::BTreeMap;

use crate::otlp::{Reason, Signal};

/// What became of one request: OTLP's partial success.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Points, records or spans that were not taken.
    pub rejected: u64,
    /// Why, for people; also where something was of no use without being rejected.
    pub message: Option<String>,
}

/// How large the store is, and what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Series.
    pub series: usize,
    /// Points in them.
    pub points: usize,
    /// About how many bytes they take.
    pub bytes: usize,
    /// Points, records and spans that were taken, by signal.
    pub taken: BTreeMap<Signal, u64>,
    /// Points that were dropped for their age or for the bound on memory.
    pub evicted: u64,
    /// What was not taken, or taken with a remark.
    pub ignored: BTreeMap<Reason, u64>,
}
