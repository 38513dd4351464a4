//! A Prometheus that already holds an hour or two of a service: back-filled by `promtool`, so that nothing has to be waited
//! for. It scrapes nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::lab::random::Draws;
use crate::lab::server::http_client;

/// How long the server may take to become ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Bounds of the latency histogram, in seconds.
const BOUNDS: [f64; 7] = [0.05, 0.1, 0.2, 0.3, 0.45, 0.7, 1.5];

/// How a service counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Names {
    /// The histogram of latencies, without `_bucket`; none: it has none.
    pub latency: Option<&'static str>,
    /// What its values are multiplied by: 1 for seconds, 1000 for milliseconds.
    pub scale: f64,
    /// The counter of requests; none: it has none (that of the histogram stands in).
    pub requests: Option<&'static str>,
    /// The label that holds the status code; none: there is none.
    pub status: Option<&'static str>,
    /// Labels that every series has.
    pub labels: Vec<(&'static str, &'static str)>,
}

impl Names {
    /// As a Prometheus client library has it.
    pub fn prom_http() -> Self {
        Names {
            latency: Some("http_request_duration_seconds"),
            scale: 1.0,
            requests: Some("http_requests_total"),
            status: Some("code"),
            labels: Vec::new(),
        }
    }

    /// As OpenTelemetry has it.
    pub fn otel_http() -> Self {
        Names {
            latency: Some("http_server_request_duration_seconds"),
            scale: 1.0,
            requests: None,
            status: Some("http_response_status_code"),
            labels: vec![("http_request_method", "GET")],
        }
    }
}

/// One version of a service: some pods.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// Labels of all its series.
    pub labels: Vec<(&'static str, &'static str)>,
    /// How many pods.
    pub pods: usize,
    /// Requests per second and pod.
    pub rate: f64,
    /// Median latency, in seconds; the P99 is 4.04 times as long.
    pub median: f64,
    /// The share of requests that fail.
    pub errors: f64,
    /// When it begins, in seconds before the end.
    pub begins: i64,
}

impl Version {
    /// Ten requests a second and pod, a median of 60 ms, 0.3 % failures, from the beginning.
    pub fn usual(labels: &[(&'static str, &'static str)], pods: usize) -> Self {
        Version { labels: labels.to_vec(), pods, rate: 10.0, median: 0.06, errors: 0.003, begins: i64::MAX }
    }
}

/// The exposition of versions up to `end` (seconds since the epoch) for `length` seconds, scraped every `scrape` seconds.
pub fn exposition(names: &Names, versions: &[Version], end: i64, length: i64, scrape: i64, seed: u64) -> String {
    let mut text = String::new();
    let mut draws = Draws::new(seed);
    for version in versions {
        for pod in 0..version.pods {
            let version_name = version.labels.first().map_or("x", |(_, value)| *value);
            let mut labels: BTreeMap<&str, String> =
                version.labels.iter().chain(&names.labels).map(|(label, value)| (*label, (*value).to_owned())).collect();
            labels.insert("pod", format!("{version_name}-{pod}"));
            let begin = end - length.min(version.begins);
            write_pod(&mut text, names, version, &labels, &mut draws, (begin + pod as i64 % scrape, end, scrape));
        }
    }
    text
}

fn write_pod(
    text: &mut String,
    names: &Names,
    version: &Version,
    labels: &BTreeMap<&str, String>,
    draws: &mut Draws,
    (begin, end, scrape): (i64, i64, i64),
) {
    // Per status: buckets, all of them, their sum.
    let mut counted: BTreeMap<&str, ([u64; BOUNDS.len()], u64, f64)> = BTreeMap::new();
    counted.insert("200", Default::default());
    if names.status.is_some() {
        counted.insert("503", Default::default());
    }
    let mut next = draws.exponential(version.rate);
    let mut time = begin;
    while time <= end {
        while next < (time - begin) as f64 {
            let latency = draws.lognormal(version.median, 0.6);
            let status = if draws.chance(version.errors) && names.status.is_some() { "503" } else { "200" };
            let (buckets, all, sum) = counted.entry(status).or_default();
            for (bucket, bound) in buckets.iter_mut().zip(BOUNDS) {
                *bucket += u64::from(latency <= bound);
            }
            *all += 1;
            *sum += latency;
            next += draws.exponential(version.rate);
        }
        for (status, (buckets, all, sum)) in &counted {
            let mut own: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
            own.extend(names.status.map(|label| format!("{label}=\"{status}\"")));
            let own = own.join(",");
            let mut line = |name: String, value: f64| writeln!(text, "{name} {value} {time}").expect("a string grows as needed");
            if let Some(latency) = names.latency {
                for (bucket, bound) in buckets.iter().zip(BOUNDS) {
                    line(format!("{latency}_bucket{{{own},le=\"{}\"}}", bound * names.scale), *bucket as f64);
                }
                line(format!("{latency}_bucket{{{own},le=\"+Inf\"}}"), *all as f64);
                line(format!("{latency}_count{{{own}}}"), *all as f64);
                line(format!("{latency}_sum{{{own}}}"), *sum * names.scale);
            }
            if let Some(requests) = names.requests {
                line(format!("{requests}{{{own}}}"), *all as f64);
            }
        }
        time += scrape;
    }
}

/// The server.
pub struct Filled {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Drop for Filled {
    fn drop(&mut self) {
        // Both fail only when it is dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Filled {
    /// Starts Prometheus on what the exposition holds.
    ///
    /// # Errors
    /// `prometheus` or `promtool` is not installed (`scripts/test` installs both), or does not take the data.
    pub fn start(exposition: &str) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("davy-filled-").tempdir().context("making a directory")?;
        let (text, data) = (directory.path().join("text"), directory.path().join("data"));
        fs::create_dir(&data).context("making the data directory")?;
        if !exposition.is_empty() {
            fs::write(&text, format!("{exposition}# EOF\n")).context("writing the exposition")?;
            let filled = Command::new("promtool").args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&text).arg(&data).output();
            let filled = filled.context("promtool comes with Debian's prometheus; scripts/test installs it")?;
            if !filled.status.success() {
                bail!("promtool: {}", String::from_utf8_lossy(&filled.stderr));
            }
        }
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = File::create(directory.path().join("log"))?;
        let mut command = Command::new("prometheus");
        command.args(["--config.file=/dev/null", "--storage.tsdb.retention.time=100y", "--log.level=warn"]);
        command.arg(format!("--storage.tsdb.path={}", data.display())).arg(format!("--web.listen-address={address}"));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("cannot start prometheus; scripts/test installs it")?;
        Ok(Filled { child, address, _directory: directory })
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn ready(self) -> anyhow::Result<Self> {
        let deadline = Instant::now() + READY_WITHIN;
        let ready = format!("{}/-/ready", self.url());
        while !http_client().get(&ready).send().await.is_ok_and(|reply| reply.status().is_success()) {
            if Instant::now() > deadline {
                bail!("prometheus was not ready within {READY_WITHIN:?}: {:?}", fs::read_to_string(self._directory.path().join("log")));
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Ok(self)
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Seconds since the epoch.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("the clock is past 1970");
    i64::try_from(since.as_secs()).expect("the clock is before the year 292 billion")
}
