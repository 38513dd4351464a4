//! A real browser without a window: Chromium, driven over the WebDriver protocol, so that pages are seen as people see them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a command may take; a loaded machine starts a browser slowly.
const PATIENCE: Duration = Duration::from_secs(90);

/// A browser with one empty page.
pub struct Browser {
    driver: Child,
    session: String,
    client: reqwest::Client,
    /// Its profile and its home; removed with it.
    _home: TempDir,
}

impl Browser {
    /// Starts `chromedriver` on a port of its own choice, and through it `chromium`.
    ///
    /// # Errors
    /// One of them is not installed (`scripts/test` installs both), or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        // Plain HTTP only, but the client wants to know how it would do TLS; a second installation is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        let home = tempfile::tempdir()?;
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting chromedriver (Debian: chromium-driver)")?;
        let stdout = driver.stdout.take().context("its stdout was asked for")?;
        let port = tokio::task::spawn_blocking(move || port_in(stdout)).await??;
        let mut browser = Browser { driver, session: format!("http://127.0.0.1:{port}/session"), client, _home: home };
        let profile = browser._home.path().join("profile").display().to_string();
        let switches = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-device-scale-factor=1",
            &format!("--user-data-dir={profile}"),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": switches, "binary": "/usr/bin/chromium" },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let opened = browser.post("", &wanted).await.context("opening a browser (Debian: chromium)")?;
        let id = opened["sessionId"].as_str().context("a session has an id")?.to_owned();
        browser.session = format!("{}/{id}", browser.session);
        Ok(browser)
    }

    /// Shows a page at a width, in light or dark.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn show(&self, url: &str, width: u32, is_dark: bool) -> anyhow::Result<()> {
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await?;
        self.post("/url", &json!({ "url": url })).await?;
        Ok(())
    }

    /// What a script returns in the page.
    ///
    /// # Errors
    /// It throws.
    pub async fn run(&self, script: &str) -> anyhow::Result<Value> {
        self.post("/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// What the console said since the last time.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn console(&self) -> anyhow::Result<Vec<String>> {
        let entries = self.post("/se/log", &json!({ "type": "browser" })).await?;
        Ok(entries.as_array().into_iter().flatten().map(|entry| entry["message"].to_string()).collect())
    }

    /// The addresses that pages asked for since the last time; not those of the browser's own pages.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn requests(&self) -> anyhow::Result<Vec<String>> {
        let entries = self.post("/se/log", &json!({ "type": "performance" })).await?;
        let mut addresses = Vec::new();
        for entry in entries.as_array().into_iter().flatten() {
            let event: Value = serde_json::from_str(entry["message"].as_str().context("an event is text")?)?;
            let page = event["message"]["params"]["documentURL"].as_str().unwrap_or_default();
            if event["message"]["method"] == "Network.requestWillBeSent" && !page.starts_with("chrome:") {
                addresses.push(event["message"]["params"]["request"]["url"].as_str().unwrap_or("?").to_owned());
            }
        }
        Ok(addresses)
    }

    /// The whole page as a PNG, in base64 as the protocol has it.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn picture(&self) -> anyhow::Result<String> {
        let taken = self.devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await?;
        Ok(taken["data"].as_str().context("a picture")?.to_owned())
    }

    /// Ends the browser; a test calls it before it judges what it saw, so that nothing is left behind.
    pub async fn close(self) {
        // The driver ends with this in any case; a browser that does not answer has ended already.
        let _ = self.client.delete(&self.session).send().await;
    }

    async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let sent = self.client.post(format!("{}{path}", self.session)).header("content-type", "application/json").body(body.to_string());
        let answer: Value = serde_json::from_str(&sent.send().await?.text().await?)?;
        if let Some(error) = answer["value"]["error"].as_str() {
            bail!("{path}: {error}: {}", answer["value"]["message"]);
        }
        Ok(answer["value"].clone())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn port_in(stdout: impl std::io::Read) -> anyhow::Result<u16> {
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if let Some((_, rest)) = line.split_once("successfully on port ") {
            return rest.trim_end_matches('.').trim().parse().with_context(|| format!("expected a port, found {line}"));
        }
    }
    bail!("expected chromedriver to say its port, found the end of its output")
}
