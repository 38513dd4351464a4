//! Sends one request and reads one answer: deadline, bounds, credentials, retries. Knows nothing of metrics.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument;
use tracing::field::Empty;

use super::address::{Address, form};
use super::backoff::{http_date_ms, retry_after, wait_after};
use super::config::{Auth, PrometheusConfig};
use super::failure::{Refusal, of_status, of_transport};
use super::hide::hide;
use super::secret::Secret;
use super::traffic::Traffic;
use super::wire::{Answer, decode};
use crate::error::{SourceError, SourceErrorKind};

/// How many times one attempt's deadline a query may take with its retries.
const OVERALL: u32 = 3;
/// How much of a refusal's body is read.
const REFUSAL_BODY: u64 = 64 << 10;

/// What to ask. Equal requests have equal answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Request {
    /// Path below `/api/v1`.
    pub endpoint: Vec<String>,
    /// Parameters; the query itself is the one named `query`.
    pub parameters: Vec<(&'static str, String)>,
}

impl Request {
    /// The endpoint's name without what was asked of it, as it stands in metrics.
    fn endpoint_name(&self) -> &'static str {
        match self.endpoint.first().map(String::as_str) {
            Some("query") => "query",
            Some("query_range") => "query_range",
            Some("labels") => "labels",
            Some("label") => "label_values",
            Some("series") => "series",
            Some("metadata") => "metadata",
            Some(_) | None => "other",
        }
    }

    fn query(&self) -> &str {
        self.parameters.iter().find(|(name, _)| matches!(*name, "query" | "match[]")).map_or("", |(_, text)| text)
    }
}

/// What came, and who sent it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply<D> {
    pub answer: Answer<D>,
    /// VictoriaMetrics names its host in every answer; nobody else sends that header.
    pub from_victoria: bool,
    /// The server's clock when it answered, in ms.
    pub server_ms: Option<i64>,
}

/// A connection pool to one server.
pub(super) struct Client {
    http: reqwest::Client,
    address: Address,
    auth: Auth,
    /// What else goes out and must not come back in a text: values of headers and of the address' own query string.
    secrets: Vec<Secret>,
    permits: Semaphore,
    query_timeout: Duration,
    max_body: u64,
    attempts: u32,
    /// The server's clock less ours at its last answer, in ms.
    clock_skew_ms: Mutex<Option<i64>>,
    traffic: Arc<Traffic>,
}

impl Client {
    /// Reads certificates and checks headers; does not connect.
    pub fn new(config: &PrometheusConfig) -> Result<Self, SourceError> {
        let nowhere = |kind| SourceError { place: "prometheus".to_owned(), kind };
        let (address, auth) = Address::parse(&config.url, &config.auth).map_err(nowhere)?;
        let here = |kind| SourceError { place: format!("prometheus at {}", address.place), kind };
        let http = connection_pool(config, &address).map_err(here)?;
        let given = address.fixed.iter().map(|(_, value)| Secret::new(value));
        let secrets = given.chain(config.headers.iter().map(|(_, value)| value.clone())).collect();
        Ok(Client {
            http,
            auth,
            secrets,
            permits: Semaphore::new(config.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            query_timeout: config.query_timeout,
            max_body: config.max_body,
            attempts: config.attempts.max(1),
            clock_skew_ms: Mutex::new(None),
            traffic: Arc::default(),
            address,
        })
    }

    /// The server's clock less ours at its last answer, in ms, to a second; none before the first that says its time.
    pub fn clock_skew_ms(&self) -> Option<i64> {
        *self.clock_skew_ms.lock().expect("nobody panics with the lock")
    }

    /// Counts of the requests so far.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    pub fn place(&self) -> &str {
        &self.address.place
    }

    pub fn error(&self, kind: SourceErrorKind) -> SourceError {
        SourceError { place: format!("prometheus at {}", self.address.place), kind }
    }

    /// Asks until there is an answer, an error that will not go away, or no time left; one span for all of it.
    pub async fn ask<D: DeserializeOwned>(&self, request: &Request) -> Result<Reply<D>, SourceError> {
        let span = tracing::info_span!(
            "query",
            otel.kind = "client",
            davy.query.endpoint = request.endpoint_name(),
            "error.type" = Empty,
            otel.status_code = Empty
        );
        self.traffic.begin();
        let answered = self.ask_often(request).instrument(span.clone()).await;
        self.traffic.end();
        if let Err(error) = &answered {
            span.record("error.type", error.kind.name());
            span.record("otel.status_code", "ERROR");
        }
        answered
    }

    async fn ask_often<D: DeserializeOwned>(&self, request: &Request) -> Result<Reply<D>, SourceError> {
        let until = Instant::now() + self.query_timeout.saturating_mul(OVERALL);
        let mut attempt = 1;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (kind, asked_wait) = match self.attempt(request, self.query_timeout.min(left)).await {
                Ok(reply) => return Ok(reply),
                Err(kind) => {
                    let asked = if let SourceErrorKind::Overloaded { retry_after, .. } = &kind { *retry_after } else { None };
                    (kind, asked)
                }
            };
            let wait = wait_after(attempt).max(asked_wait.unwrap_or_default());
            if !kind.is_retryable() || attempt >= self.attempts || Instant::now() + wait >= until {
                return Err(self.error(with_attempts(kind, attempt)));
            }
            tracing::debug!(place = %self.address.place, attempt, ?wait, %kind, "asking again");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn attempt<D: DeserializeOwned>(&self, request: &Request, timeout: Duration) -> Result<Reply<D>, SourceErrorKind> {
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let answered = tokio::time::timeout(timeout, async {
            let reply = self.send(request, Method::POST).await?;
            match reply.status() {
                // Some proxies let nobody write, and take a POST for that.
                StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                    self.read(self.send(request, Method::GET).await?, request).await
                }
                _ => self.read(reply, request).await,
            }
        });
        answered.await.unwrap_or(Err(SourceErrorKind::Timeout(self.query_timeout)))
    }

    async fn send(&self, request: &Request, method: Method) -> Result<Response, SourceErrorKind> {
        let parts: Vec<&str> = request.endpoint.iter().map(String::as_str).collect();
        let mut url = self.address.endpoint(&parts);
        // Label values are only to be had by GET.
        let in_url = method == Method::GET || request.endpoint.len() > 1;
        let mut builder = if in_url {
            url.query_pairs_mut().extend_pairs(&request.parameters);
            self.http.get(url)
        } else {
            self.http.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form(&request.parameters))
        };
        builder = match &self.auth {
            Auth::None => builder,
            Auth::Basic { user, password } => builder.basic_auth(user, Some(password.read()?.expose())),
            Auth::Bearer(token) => {
                let text = format!("Bearer {}", token.read()?.expose());
                builder.header(AUTHORIZATION, header_value(&text, "the bearer token")?)
            }
        };
        builder.send().await.map_err(|error| of_transport(&error, self.query_timeout, None))
    }

    async fn read<D: DeserializeOwned>(&self, response: Response, request: &Request) -> Result<Reply<D>, SourceErrorKind> {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if !status.is_success() {
            // A body that does not come is no reason to lose the status.
            let body = self.body(response, REFUSAL_BODY).await.unwrap_or_default();
            let body = self.without_secrets(&body);
            let retry_after = text(RETRY_AFTER).and_then(|value| retry_after(value, text(DATE)));
            let location = text(LOCATION).map(|target| self.redirect_target(target));
            let refusal = Refusal { status, body: &body, retry_after, location };
            return Err(of_status(&refusal, request.query(), &self.auth, self.query_timeout));
        }
        let body = self.body(response, self.max_body).await?;
        let answer = decode(&body).map_err(|kind| match self.told_without_secrets::<D>(kind, &body) {
            SourceErrorKind::Query { message, .. } => SourceErrorKind::Query { query: request.query().to_owned(), message },
            other => other,
        })?;
        let from_victoria = headers.contains_key("x-server-hostname");
        let server_ms = text(DATE).and_then(http_date_ms);
        if let (Some(server_ms), Ok(since)) = (server_ms, SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)) {
            let own_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            *self.clock_skew_ms.lock().expect("nobody panics with the lock") = Some(server_ms.saturating_sub(own_ms));
        }
        Ok(Reply { answer, from_victoria, server_ms })
    }

    /// Reads a body piece by piece, so that one beyond the limit never fills the memory, also when it was compressed.
    async fn body(&self, mut response: Response, limit: u64) -> Result<Vec<u8>, SourceErrorKind> {
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(SourceErrorKind::TooLarge { limit });
        }
        let mut body = Vec::new();
        loop {
            let received = body.len() as u64;
            match response.chunk().await.map_err(|error| of_transport(&error, self.query_timeout, Some(received)))? {
                None => return Ok(body),
                Some(chunk) if received + chunk.len() as u64 > limit => return Err(SourceErrorKind::TooLarge { limit }),
                Some(chunk) => {
                    self.traffic.receive(chunk.len());
                    body.extend_from_slice(&chunk);
                }
            }
        }
    }

    /// The same failure, told from a body that does not repeat what was sent. It stays a failure whatever that body says.
    fn told_without_secrets<D: DeserializeOwned>(&self, kind: SourceErrorKind, body: &[u8]) -> SourceErrorKind {
        match kind {
            SourceErrorKind::Query { .. } | SourceErrorKind::Malformed { .. } => {
                decode::<D>(&self.without_secrets(body)).err().unwrap_or(kind)
            }
            other => other,
        }
    }

    /// Some servers and proxies answer with the request that they did not like.
    fn without_secrets(&self, body: &[u8]) -> Vec<u8> {
        let mut secrets = self.secrets.clone();
        match &self.auth {
            Auth::None => {}
            Auth::Bearer(token) => secrets.extend(token.read()),
            Auth::Basic { user, password } => {
                if let Ok(password) = password.read() {
                    let encoded = self.http.get(self.address.endpoint(&[])).basic_auth(user, Some(password.expose())).build().ok();
                    let header = encoded.as_ref().and_then(|request| request.headers().get(AUTHORIZATION)?.to_str().ok());
                    secrets.extend(header.and_then(|text| text.strip_prefix("Basic ")).map(Secret::new));
                    secrets.push(password);
                }
            }
        }
        hide(body, &secrets)
    }

    fn redirect_target(&self, location: &str) -> String {
        match self.address.endpoint(&[]).join(location) {
            Ok(url) => place_of(&url),
            Err(_) => "an address that is none".to_owned(),
        }
    }
}

fn with_attempts(kind: SourceErrorKind, made: u32) -> SourceErrorKind {
    match kind {
        SourceErrorKind::Overloaded { status, retry_after, .. } => SourceErrorKind::Overloaded { status, attempts: made, retry_after },
        other => other,
    }
}

fn place_of(url: &Url) -> String {
    format!("{}://{}:{}", url.scheme(), url.host_str().unwrap_or(""), url.port_or_known_default().unwrap_or(0))
}

fn connection_pool(config: &PrometheusConfig, address: &Address) -> Result<reqwest::Client, SourceErrorKind> {
    // Fails where someone installed a provider before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("davy/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers(&config.headers)?)
        .redirect(reqwest::redirect::Policy::custom(follow_at_home))
        .connect_timeout(config.query_timeout);
    if let Some(path) = &config.ca_file {
        let authorities = reqwest::Certificate::from_pem_bundle(&read(path)?)
            .ok()
            .filter(|found| !found.is_empty())
            .ok_or_else(|| SourceErrorKind::File(format!("expected PEM certificates in {}, found none", path.display())))?;
        builder = builder.tls_certs_only(authorities);
    } else if !address.is_https() {
        // Without TLS there is no need for the system's certificates, which a small container may not have.
        builder = builder.tls_certs_only([]);
    }
    if let Some((chain, key)) = &config.client_cert {
        let mut pem = read(chain)?;
        pem.push(b'\n');
        pem.extend(read(key)?);
        let identity = reqwest::Identity::from_pem(&pem).map_err(|_| {
            let (chain, key) = (chain.display(), key.display());
            SourceErrorKind::File(format!("expected a PEM certificate in {chain} and its private key in {key}, found no such pair"))
        })?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|error| match of_transport(&error, config.query_timeout, None) {
        SourceErrorKind::File(text) | SourceErrorKind::Connect(text) => SourceErrorKind::Tls(text),
        other => other,
    })
}

/// A redirect is followed when it keeps method, body, host and port: credentials go nowhere else.
fn follow_at_home(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let keeps_method = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let at_home = attempt.previous().first().is_some_and(|first| place_of(first) == place_of(attempt.url()));
    if keeps_method && at_home && attempt.previous().len() <= 3 { attempt.follow() } else { attempt.stop() }
}

fn headers(given: &[(String, super::secret::Secret)]) -> Result<HeaderMap, SourceErrorKind> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| SourceErrorKind::File(format!("expected the name of an HTTP header, found {name:?}")))?;
        headers.append(parsed, header_value(value.expose(), name)?);
    }
    Ok(headers)
}

fn header_value(text: &str, name: &str) -> Result<HeaderValue, SourceErrorKind> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| SourceErrorKind::File(format!("expected one line of plain text for {name}, found other")))?;
    value.set_sensitive(true);
    Ok(value)
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, SourceErrorKind> {
    std::fs::read(path).map_err(|error| SourceErrorKind::File(format!("cannot read {}: {error}", path.display())))
}
