//! How far the requests to a server are: for people who wait, and for nothing else.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one client's requests. They may be read at any time, from anywhere.
#[derive(Debug, Default)]
pub struct Traffic {
    asked: AtomicU64,
    answered: AtomicU64,
    announced: AtomicU64,
    bytes: AtomicU64,
}

impl Traffic {
    /// Requests that were sent or are known to follow.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed) + self.announced.load(Ordering::Relaxed)
    }

    /// Requests that have their answer, or their error.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Bytes received in answers, after decompression.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// So many requests will follow.
    pub(super) fn announce(&self, requests: usize) {
        self.announced.fetch_add(requests as u64, Ordering::Relaxed);
    }

    /// So many announced requests are sent now, or never.
    pub(super) fn take_back(&self, requests: usize) {
        self.announced.fetch_sub(requests as u64, Ordering::Relaxed);
    }

    pub(super) fn begin(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn receive(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
