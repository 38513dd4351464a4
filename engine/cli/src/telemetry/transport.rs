//! Sends what the exporters made, with a deadline, and keeps what went wrong.
//!
//! The exporters' own client would follow the same variables, but neither trust a private authority nor tell failures.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::blocking::Client;

use super::settings::Destination;

/// The most of a collector's answer that is read, in bytes.
const MOST_ANSWER: u64 = 1 << 20;

/// What was sent and what was not, over all signals.
#[derive(Debug, Clone, Default)]
pub struct Failures {
    inner: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    failed: u64,
    last: String,
}

impl Failures {
    fn note(&self, outcome: Result<(), &str>) {
        let mut counts = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        counts.requests += 1;
        if let Err(text) = outcome {
            counts.failed += 1;
            text.clone_into(&mut counts.last);
        }
    }

    /// What went wrong, for the log; none where everything arrived.
    pub fn text(&self) -> Option<String> {
        let counts = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (counts.failed > 0)
            .then(|| format!("{} of {} requests to the collector failed, the last: {}", counts.failed, counts.requests, counts.last))
    }
}

/// A connection to one collector. Its thread lives as long as it does.
#[derive(Debug)]
pub struct Transport {
    client: Client,
    timeout: Duration,
    /// Host and port: all of the address that is ever printed.
    place: String,
    failures: Failures,
}

impl Transport {
    /// Reads certificates; does not connect. Must not be called from within an async runtime.
    ///
    /// # Errors
    /// The certificates cannot be read.
    pub fn new(destination: &Destination, failures: Failures) -> Result<Self, String> {
        // Fails where someone installed a provider before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(destination.timeout);
        if let Some(path) = &destination.ca_file {
            let pem = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|found| !found.is_empty())
                .ok_or_else(|| format!("expected PEM certificates in {}, found none", path.display()))?;
            builder = builder.tls_certs_only(authorities);
        } else if destination.endpoint.scheme() == "http" {
            // Without TLS there is no need for the system's certificates, which a small container may not have.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|_| "no HTTPS client can be made; check the system's certificates".to_owned())?;
        let host = destination.endpoint.host_str().unwrap_or("");
        let port = destination.endpoint.port_or_known_default().unwrap_or(0);
        Ok(Transport { client, timeout: destination.timeout, place: format!("{host}:{port}"), failures })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answered = reqwest::blocking::Request::try_from(request).and_then(|request| self.client.execute(request)).and_then(read);
        let outcome = match &answered {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("{} answered HTTP {}", self.place, response.status().as_u16())),
            Err(error) if error.is_timeout() => Err(format!("no answer from {} within {:?}", self.place, self.timeout)),
            Err(error) if error.is_connect() => Err(format!("cannot connect to {}", self.place)),
            Err(_) => Err(format!("{} broke off", self.place)),
        };
        self.failures.note(outcome.as_ref().copied().map_err(String::as_str));
        answered.map_err(|error| error.without_url().into())
    }
}

fn read(response: reqwest::blocking::Response) -> Result<Response<Bytes>, reqwest::Error> {
    let (status, headers) = (response.status(), response.headers().clone());
    let is_short = response.content_length().is_some_and(|length| length <= MOST_ANSWER);
    // Only a refusal of single spans stands there, which nobody can do anything about.
    let body = if is_short { response.bytes()? } else { Bytes::new() };
    let mut whole = Response::new(body);
    *whole.status_mut() = status;
    *whole.headers_mut() = headers;
    Ok(whole)
}

impl HttpClient for Transport {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        // The exporters run on threads of their own, where blocking is what is wanted.
        Box::pin(std::future::ready(self.send(request)))
    }
}
