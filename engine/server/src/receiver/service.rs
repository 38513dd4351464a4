//! Answers one request: what HTTP and gRPC have in common.

use std::sync::Arc;

use davy_sources::otlp::{Encoding, Signal};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Response};
use tokio::sync::Semaphore;

use super::access::Access;
use super::budget::{Budget, Share};
use super::complaints::Complaints;
use super::decompress::{Compression, decompress};
use super::intake::{Intake, Taken};
use super::limits::Limits;
use super::refusal::{Kind, Refusal};
use super::reply::Reply;
use super::{body, elements, grpc, http};

/// Bodies that are unpacked and decoded at a time: what decoding takes beyond a body's bytes is bounded by it. More than there are
/// cores, since one that is being kept waits for the disk.
const WORKERS: usize = 16;

/// What all connections share.
pub struct Service {
    pub limits: Limits,
    pub access: Access,
    pub budget: Budget,
    /// One for each connection that there may be.
    pub slots: Arc<Semaphore>,
    pub complaints: Complaints,
    intake: Arc<Intake>,
    workers: Arc<Semaphore>,
}

/// A body as it was sent, and what it is.
pub struct Sent {
    pub signal: Signal,
    pub encoding: Encoding,
    pub compression: Compression,
    pub body: Vec<u8>,
}

impl Service {
    pub fn new(limits: Limits, access: Access, intake: Intake) -> Self {
        Service {
            limits,
            access,
            budget: Budget::new(limits.memory),
            slots: Arc::new(Semaphore::new(limits.connections)),
            complaints: Complaints::default(),
            intake: Arc::new(intake),
            workers: Arc::new(Semaphore::new(WORKERS)),
        }
    }

    /// Answers; whatever goes wrong is an answer too.
    pub async fn answer(&self, request: Request<Incoming>) -> Response<Reply> {
        let is_grpc = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        if is_grpc { grpc::answer(self, request).await } else { http::answer(self, request).await }
    }

    /// Unpacks, decodes and keeps a body.
    ///
    /// # Errors
    /// It is not what it claims to be, is too large, or cannot be kept now.
    pub async fn take(&self, sent: Sent, mut share: Share) -> Result<Taken, Refusal> {
        let unavailable = || Refusal::new(Kind::Unavailable(self.limits.retry_after), "davy is stopping; send again later");
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| unavailable())?;
        let (limits, intake) = (self.limits, Arc::clone(&self.intake));
        // The share and the worker go along: also a body whose client has gone is counted until it is done.
        let work = move || {
            let body = decompress(sent.compression, sent.body, &limits, &mut share)?;
            weigh(sent.encoding, &body, &limits, &mut share)?;
            let taken = intake(sent.signal, sent.encoding, body);
            drop((share, worker));
            taken
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(taken) => taken,
            Err(error) if error.is_cancelled() => Err(unavailable()),
            Err(_) => Err(Refusal::new(Kind::Malformed, "davy failed on this body, which is a bug; nothing of it was kept")),
        }
    }
}

/// Sets aside what decoding will take.
fn weigh(encoding: Encoding, body: &[u8], limits: &Limits, share: &mut Share) -> Result<(), Refusal> {
    let count = elements::count(encoding, body);
    if count > elements::MOST {
        let message =
            format!("expected a body of at most {} points, attributes and the like, found more; send smaller batches", elements::MOST);
        return Err(Refusal::new(Kind::TooLarge, message));
    }
    if share.grow(count * elements::BYTES_EACH) { Ok(()) } else { Err(body::busy(limits)) }
}
