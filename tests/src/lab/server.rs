//! A metrics server as a child process: Prometheus or VictoriaMetrics, on loopback, in a directory of its own, killed
//! when dropped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;
use tempfile::TempDir;

/// How long a server may take to become ready. The tests may share two cores with compilers.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often the next port is tried when another process was quicker to take the one that was free.
const ATTEMPTS: usize = 5;

/// What to scrape, every second.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// Labels that every series of the target gets.
    pub labels: BTreeMap<String, String>,
}

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// Prometheus 2.42 as Debian 12 has it, with native histograms and exemplars on.
    Prometheus,
    /// VictoriaMetrics 1.79 as Debian 12 has it, answering about the last seconds too.
    VictoriaMetrics,
}

/// A running server.
pub struct Server {
    kind: ServerKind,
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

/// A client for loopback, with a deadline.
///
/// # Panics
/// Never: no option of it can be wrong.
pub fn http_client() -> reqwest::Client {
    // A second installation fails, and the first still serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let built = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build();
    built.expect("the ring provider is installed and no other option can fail")
}

impl Server {
    /// Starts a server that scrapes the targets, and waits until it is ready.
    ///
    /// # Errors
    /// The program is not installed (`scripts/test` installs it), or it does not become ready; with its own last words.
    pub async fn start(kind: ServerKind, targets: &[Target]) -> anyhow::Result<Self> {
        let mut last_error = None;
        for _ in 0..ATTEMPTS {
            let mut server = Self::spawn(kind, targets)?;
            match server.wait_until_ready().await {
                Ok(()) => return Ok(server),
                Err(error) => last_error = Some(error),
            }
        }
        Err(last_error.expect("there is at least one attempt"))
    }

    /// Where it answers: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Kills it, as a machine that goes down does. The port stays silent.
    pub fn kill(&mut self) {
        // Both fail only when it is dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks `/api/v1/query` and returns `data.result`.
    ///
    /// # Errors
    /// Anything but a successful answer.
    pub async fn query(&self, promql: &str, time: Option<f64>) -> anyhow::Result<Vec<Value>> {
        let mut address = reqwest::Url::parse(&format!("{}/api/v1/query", self.url()))?;
        address.query_pairs_mut().append_pair("query", promql);
        if let Some(time) = time {
            address.query_pairs_mut().append_pair("time", &format!("{time:.3}"));
        }
        let body = http_client().get(address).send().await?.bytes().await?;
        let answer: Value = serde_json::from_slice(&body).with_context(|| String::from_utf8_lossy(&body).into_owned())?;
        if answer["status"] != "success" {
            bail!("{promql}: {answer}");
        }
        Ok(answer["data"]["result"].as_array().context("no result")?.clone())
    }

    /// Waits until every target, up or down, was scraped once. Prometheus begins five seconds after it is ready.
    ///
    /// # Errors
    /// That does not happen in time.
    pub async fn wait_until_scraping(&self, targets: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline {
            if self.query("up", None).await?.len() == targets {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("{:?} did not scrape {targets} targets within {READY_WITHIN:?}", self.kind)
    }

    fn spawn(kind: ServerKind, targets: &[Target]) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("davy-lab-").tempdir().context("making a directory")?;
        let config = directory.path().join("scrape.yml");
        fs::write(&config, scrape_config(targets)).context("writing the scrape configuration")?;
        let address = free_address()?;
        let log = File::create(log_path(&directory)).context("creating the log")?;
        let data = directory.path().join("data");
        let mut command = match kind {
            ServerKind::Prometheus => {
                let mut command = Command::new("prometheus");
                command.arg(format!("--config.file={}", config.display()));
                command.arg(format!("--storage.tsdb.path={}", data.display()));
                command.arg(format!("--web.listen-address={address}"));
                command.args(["--enable-feature=native-histograms,exemplar-storage", "--log.level=warn"]);
                command
            }
            ServerKind::VictoriaMetrics => {
                let mut command = Command::new("victoria-metrics");
                command.arg(format!("-promscrape.config={}", config.display()));
                command.arg(format!("-storageDataPath={}", data.display()));
                command.arg(format!("-httpListenAddr={address}"));
                command.args(["-search.latencyOffset=0s", "-promscrape.suppressScrapeErrors", "-memory.allowedBytes=256MB"]);
                command.arg("-loggerLevel=ERROR");
                command
            }
        };
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {:?}; scripts/test installs it", command.get_program()))?;
        Ok(Server { kind, child, address, directory })
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let path = match self.kind {
            ServerKind::Prometheus => "-/ready",
            ServerKind::VictoriaMetrics => "health",
        };
        let ready = format!("{}/{path}", self.url());
        let client = http_client();
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("{:?} ended with {status}: {}", self.kind, self.last_words());
            }
            if client.get(&ready).send().await.is_ok_and(|response| response.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("{:?} was not ready within {READY_WITHIN:?}: {}", self.kind, self.last_words())
    }

    /// The end of its log.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(log_path(&self.directory)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn log_path(directory: &TempDir) -> PathBuf {
    directory.path().join("server.log")
}

/// A loopback address that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn scrape_config(targets: &[Target]) -> String {
    let mut text = String::from("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- job_name: lab\n  static_configs:\n");
    for Target { address, labels } in targets {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}: \"{value}\"")).collect();
        writeln!(text, "  - {{targets: [\"{address}\"], labels: {{{}}}}}", labels.join(", ")).expect("a string grows as needed");
    }
    if targets.is_empty() {
        text.push_str("  - {targets: []}\n");
    }
    text
}
