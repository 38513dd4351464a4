//! Bytes in flight: what all requests together may hold.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One permit is this many bytes.
const UNIT: usize = 1 << 10;

/// The bytes that may be held at a time.
#[derive(Debug, Clone)]
pub struct Budget {
    units: Arc<Semaphore>,
}

/// The part of one request; given back when dropped.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    held: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// As many bytes.
    pub fn new(bytes: usize) -> Self {
        Budget { units: Arc::new(Semaphore::new((bytes / UNIT).min(Semaphore::MAX_PERMITS))) }
    }

    /// Nothing yet.
    pub fn share(&self) -> Share {
        Share { budget: self.clone(), held: 0, permit: None }
    }
}

impl Share {
    /// Holds this many bytes more; false, and nothing more, where they are not there. Never waits: two requests that wait for each
    /// other's bytes would wait for ever.
    #[must_use]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let wanted = (self.held + bytes).div_ceil(UNIT);
        let missing = wanted.saturating_sub(self.held.div_ceil(UNIT));
        let Ok(missing) = u32::try_from(missing) else { return false };
        let Ok(more) = Arc::clone(&self.budget.units).try_acquire_many_owned(missing) else { return false };
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        self.held += bytes;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_is_dropped_and_never_lends_more_than_there_is() {
        let budget = Budget::new(10 << 10);
        let mut first = budget.share();
        let mut second = budget.share();
        assert!(first.grow(6 << 10));
        assert!(!second.grow(5 << 10), "11 of 10 KiB");
        assert!(second.grow(4 << 10));
        assert!(!first.grow(1));
        drop(second);
        assert!(first.grow(4 << 10));
    }

    #[test]
    fn many_small_steps_take_no_more_than_one_large() {
        let budget = Budget::new(2 << 10);
        let mut share = budget.share();
        assert!((0..2048).all(|_| share.grow(1)));
        assert!(!share.grow(1));
    }
}
