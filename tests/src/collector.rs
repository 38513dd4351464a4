//! What receives Davy's own telemetry in tests: an HTTP server that keeps what it is sent, and a real collector (Rotel)
//! that decodes OTLP and passes it on. What arrived is decoded by OpenTelemetry's Python types, which share no code with
//! the exporter.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::davy::workspace;

/// How long something may take that takes a second. The tests may share two cores with compilers.
const WITHIN: Duration = Duration::from_secs(60);

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// How requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// With this status and an empty body.
    Status(u16),
    /// With a status of success and a body that is no OTLP.
    Nonsense,
    /// Never.
    Nothing,
}

/// An HTTP server that keeps what it is sent. It ends with its runtime.
pub struct Receiver {
    address: SocketAddr,
    received: watch::Receiver<Vec<Received>>,
}

#[derive(Clone)]
struct Keep {
    answer: Answer,
    received: watch::Sender<Vec<Received>>,
}

impl Receiver {
    /// Starts on a port of the system's choice.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(answer: Answer) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("binding")?;
        let address = listener.local_addr()?;
        let (sender, received) = watch::channel(Vec::new());
        let router = Router::new().fallback(keep).with_state(Keep { answer, received: sender });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Receiver { address, received })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.borrow().clone()
    }

    /// Waits until requests of all these paths have come.
    ///
    /// # Errors
    /// They do not come in time.
    pub async fn wait_for(&mut self, paths: &[&str]) -> anyhow::Result<()> {
        let has_all = |received: &Vec<Received>| paths.iter().all(|path| received.iter().any(|request| request.path == *path));
        let has_come = matches!(tokio::time::timeout(WITHIN, self.received.wait_for(has_all)).await, Ok(Ok(_)));
        ensure!(has_come, "expected requests to {paths:?}, found {:?}", paths_of(&self.received()));
        Ok(())
    }

    /// Waits until anything has come.
    ///
    /// # Errors
    /// Nothing comes in time.
    pub async fn wait_for_any(&mut self) -> anyhow::Result<()> {
        let has_any = |received: &Vec<Received>| !received.is_empty();
        let has_come = matches!(tokio::time::timeout(WITHIN, self.received.wait_for(has_any)).await, Ok(Ok(_)));
        ensure!(has_come, "expected a request, found none");
        Ok(())
    }

    /// Decodes what came to a path: spans of `/v1/traces`, points of `/v1/metrics`.
    ///
    /// # Errors
    /// The decoder is missing or cannot read it.
    pub fn decoded(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let bodies: Vec<Vec<u8>> = self.received().into_iter().filter(|request| request.path == path).map(|request| request.body).collect();
        decode(if path.ends_with("traces") { "traces" } else { "metrics" }, &bodies)
    }
}

async fn keep(State(keep): State<Keep>, uri: Uri, headers: HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
    let request = Received { path: uri.path().to_owned(), headers, body: body.to_vec() };
    keep.received.send_modify(|received| received.push(request));
    match keep.answer {
        Answer::Status(status) => (StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT), Vec::new()),
        Answer::Nonsense => (StatusCode::OK, b"<html>not OTLP</html>".to_vec()),
        Answer::Nothing => std::future::pending().await,
    }
}

fn paths_of(received: &[Received]) -> Vec<&str> {
    received.iter().map(|request| request.path.as_str()).collect()
}

/// Decodes requests by OpenTelemetry's Python types.
///
/// # Errors
/// The decoder is missing or cannot read them.
pub fn decode(signal: &str, bodies: &[Vec<u8>]) -> anyhow::Result<Vec<Value>> {
    let folder = TempDir::new()?;
    let mut command = Command::new(tools()?.join("bin/python"));
    command.arg(workspace().join("tests/otlp/decode.py")).arg(signal).stdin(Stdio::null());
    for (number, body) in bodies.iter().enumerate() {
        let path = folder.path().join(number.to_string());
        std::fs::write(&path, body)?;
        command.arg(path);
    }
    let output = command.output().context("running the decoder")?;
    ensure!(output.status.success(), "the decoder says: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Rotel, an OpenTelemetry collector: receives OTLP over HTTP, decodes it, and sends it on. Killed when dropped.
pub struct Collector {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Collector {
    /// Starts one that sends everything on to a receiver.
    ///
    /// # Errors
    /// It is not installed (`scripts/test` installs it), or does not listen in time; with its own last words.
    pub async fn start(to: &Receiver) -> anyhow::Result<Self> {
        Self::sending_to(&to.url()).await
    }

    /// Starts one that sends everything on to an URL, over HTTP.
    ///
    /// # Errors
    /// As [`Collector::start`].
    pub async fn sending_to(url: &str) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("davy-otlp-").tempdir()?;
        let log = directory.path().join("log");
        let (address, grpc) = (free_address()?, free_address()?);
        let child = Command::new(program()?)
            .arg("start")
            .arg(format!("--otlp-http-endpoint={address}"))
            .arg(format!("--otlp-grpc-endpoint={grpc}"))
            .arg(format!("--otlp-exporter-endpoint={url}"))
            .args(["--exporter=otlp", "--otlp-exporter-protocol=http"])
            .arg(format!("--pid-file={}", directory.path().join("pid").display()))
            .arg(format!("--log-file={}", directory.path().join("rotel.log").display()))
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?)
            .spawn()
            .context("starting rotel")?;
        let collector = Collector { child, address, _directory: directory };
        let until = Instant::now() + WITHIN;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > until {
                bail!("rotel does not listen; it says: {}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(collector)
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Both fail only when it is dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").context("looking for a free port")?.local_addr()?)
}

/// Where `scripts/test` installs OpenTelemetry's SDKs, Python's OTLP types and Rotel.
///
/// # Errors
/// They are not there.
pub fn tools() -> anyhow::Result<PathBuf> {
    let path = match std::env::var_os("DAVY_TEST_TOOLS") {
        Some(path) => PathBuf::from(path),
        // TARGET/PROFILE/deps/TEST-HASH
        None => std::env::current_exe()?.ancestors().nth(3).context("this program lies in no target directory")?.join("test-tools"),
    };
    ensure!(path.join("bin/python").exists(), "expected test tools in {}, found none; run: bash scripts/test telemetry", path.display());
    Ok(path)
}

fn program() -> anyhow::Result<PathBuf> {
    let libraries = tools()?.join("lib");
    let mut pythons = std::fs::read_dir(&libraries).with_context(|| libraries.display().to_string())?;
    let found = pythons.find_map(|entry| {
        let path = entry.ok()?.path().join(Path::new("site-packages/rotel/rotel-agent"));
        path.exists().then_some(path)
    });
    found.with_context(|| format!("expected rotel below {}, found none; run: bash scripts/test telemetry", libraries.display()))
}
