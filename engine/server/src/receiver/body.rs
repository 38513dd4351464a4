//! Reads a body: within its size, its time and the budget of all.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use super::budget::Share;
use super::limits::Limits;
use super::refusal::{Kind, Refusal};

/// The first piece that is set aside for a body; it doubles from there, so that a length that is only claimed costs nothing.
const FIRST: usize = 16 << 10;

/// The bytes of a body of at most `limit`. `check` sees what has come so far each time, and may refuse early.
///
/// # Errors
/// Too large, too slow, no memory for it now, cut off, or what `check` says.
pub async fn read(
    body: &mut Incoming,
    limit: usize,
    limits: &Limits,
    share: &mut Share,
    check: impl Fn(&[u8]) -> Result<(), Refusal>,
) -> Result<Vec<u8>, Refusal> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large("body", limits.body));
    }
    let until = Instant::now() + limits.whole;
    let mut bytes = Vec::new();
    while let Some(piece) = next(body, until, limits).await? {
        if bytes.len() + piece.len() > limit {
            return Err(too_large("body", limits.body));
        }
        append(&mut bytes, &piece, limit, share, limits)?;
        check(&bytes)?;
    }
    Ok(bytes)
}

/// Reads on and forgets, so that a client that writes before it reads gets to read why it was refused.
pub async fn discard(body: &mut Incoming, limits: &Limits) {
    let until = Instant::now() + limits.drain;
    let mut left = limits.body;
    while let Ok(Some(piece)) = next(body, until, limits).await {
        left = match left.checked_sub(piece.len()) {
            Some(left) => left,
            None => return,
        };
    }
}

/// Appends, and grows by doubling up to `limit` and within the budget.
pub fn append(bytes: &mut Vec<u8>, piece: &[u8], limit: usize, share: &mut Share, limits: &Limits) -> Result<(), Refusal> {
    let needed = bytes.len() + piece.len();
    if needed > bytes.capacity() {
        let capacity = (bytes.capacity() * 2).max(FIRST).min(limit).max(needed);
        if !share.grow(capacity - bytes.capacity()) {
            return Err(busy(limits));
        }
        bytes.reserve_exact(capacity - bytes.len());
    }
    bytes.extend_from_slice(piece);
    Ok(())
}

/// The refusal of what has no room now.
pub fn busy(limits: &Limits) -> Refusal {
    let message = format!("the bodies being read fill the {} MiB that they may; send again later", limits.memory >> 20);
    Refusal::new(Kind::Busy(limits.retry_after), message)
}

/// The refusal of what is too large.
pub fn too_large(what: &str, limit: usize) -> Refusal {
    let limit = if limit >= 1 << 20 { format!("{} MiB", limit >> 20) } else { format!("{limit} bytes") };
    Refusal::new(Kind::TooLarge, format!("expected a {what} of at most {limit}, found more; send smaller batches"))
}

async fn next(body: &mut Incoming, until: Instant, limits: &Limits) -> Result<Option<Bytes>, Refusal> {
    loop {
        let by = until.min(Instant::now() + limits.pause);
        match timeout_at(by, poll_fn(|context| Pin::new(&mut *body).poll_frame(context))).await {
            Err(_) => {
                return Err(Refusal::new(Kind::TooSlow, "the body did not come in time; check the network between exporter and davy"));
            }
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Err(Refusal::new(Kind::Malformed, format!("the body was cut off: {error}"))),
            Ok(Some(Ok(frame))) => {
                // Trailers say nothing here.
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}
