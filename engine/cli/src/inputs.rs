//! From typed arguments to rules, arms, times and a source.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use davy_gate::rules::{self, Options, RuleSet};
use davy_sources::prometheus::{Auth, Prometheus, PrometheusConfig, Secret, SecretSource};
use davy_sources::recording::Weight;
use davy_sources::samples::Matcher;
use davy_sources::selector::parse_matchers;

use crate::args::{AccessArgs, AnalysisArgs, PrometheusArgs};
use crate::source::{self, AnySource};
use crate::time::parse_time;

/// Reads a rule file, or `presets/NAME`.
pub fn rules(name: &str, options: &Options) -> anyhow::Result<RuleSet> {
    let loaded = match name.strip_prefix("presets/") {
        Some(preset) if !Path::new(name).exists() => rules::load_preset(preset, options),
        Some(_) | None => rules::load_file(from_here(Path::new(name)), options),
    };
    loaded.map_err(|diagnostics| anyhow!("{}", crate::terminal::diagnostics(&diagnostics)))
}

/// A path below the working directory as seen from there: reports name files as a repository's reader knows them.
fn from_here(path: &Path) -> &Path {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path)
}

/// Variables and arms.
pub fn options(args: &AnalysisArgs) -> anyhow::Result<Options> {
    let arm = |flag: &str, text: &Option<String>| -> anyhow::Result<Option<Vec<Matcher>>> {
        text.as_deref().map(parse_matchers).transpose().map_err(|error| anyhow!("--{flag}: {error}"))
    };
    Ok(Options { variables: variables(&args.variables)?, baseline: arm("baseline", &args.baseline)?, canary: arm("canary", &args.canary)? })
}

/// `NAME=VALUE`, each name once.
pub fn variables(texts: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for text in texts {
        let (name, value) = text.split_once('=').with_context(|| format!("--var: expected NAME=VALUE, found `{text}`"))?;
        if variables.insert(name.trim().to_owned(), value.to_owned()).is_some() {
            bail!("--var: `{name}` is given twice");
        }
    }
    Ok(variables)
}

/// `TIME=WEIGHT`, sorted by time.
pub fn weights(texts: &[String]) -> anyhow::Result<Vec<Weight>> {
    let mut weights = Vec::new();
    for text in texts {
        let (time, weight) = text.rsplit_once('=').with_context(|| format!("--weight: expected TIME=WEIGHT, found `{text}`"))?;
        let weight: f64 =
            weight.trim_end_matches('%').parse().ok().with_context(|| format!("--weight: expected a number, found `{weight}`"))?;
        if !(0.0..=100.0).contains(&weight) {
            bail!("--weight: expected a weight from 0 to 100, found {weight}");
        }
        weights.push(Weight { time_ms: parse_time(time).context("--weight")?, weight });
    }
    weights.sort_by_key(|weight| weight.time_ms);
    Ok(weights)
}

/// The source that is named: files where there are any, else the server.
pub fn source(args: &PrometheusArgs) -> anyhow::Result<AnySource> {
    if !args.otlp_files.is_empty() {
        return source::from_files(&args.otlp_files);
    }
    let url = args.prometheus.as_deref().context("expected --prometheus URL or --otlp-file PATH, found neither")?;
    server(url, &args.access)
}

/// A server as a source.
pub fn server(url: &str, args: &AccessArgs) -> anyhow::Result<AnySource> {
    Ok(AnySource::Prometheus(Box::new(prometheus_at(url, args)?)))
}

/// The Prometheus source at an address.
fn prometheus_at(url: &str, args: &AccessArgs) -> anyhow::Result<Prometheus> {
    let from = |file: &Option<std::path::PathBuf>, variable: &str| match file {
        Some(path) => Some(SecretSource::File(path.clone())),
        None => std::env::var_os(variable).map(|_| SecretSource::Env(variable.to_owned())),
    };
    let mut config = PrometheusConfig::new(url);
    config.auth = match &args.user {
        Some(user) => Auth::Basic {
            user: user.clone(),
            password: from(&args.password_file, "DAVY_PASSWORD").context("--user needs --password-file or DAVY_PASSWORD")?,
        },
        None => from(&args.token_file, "DAVY_TOKEN").map_or(Auth::None, Auth::Bearer),
    };
    for header in &args.headers {
        let (name, value) = header.split_once(':').with_context(|| "--header: expected NAME: VALUE, found no colon".to_owned())?;
        config.headers.push((name.trim().to_owned(), Secret::new(value.trim())));
    }
    config.ca_file.clone_from(&args.ca_file);
    config.client_cert = args.client_cert.clone().zip(args.client_key.clone());
    config.query_timeout = match rules::quantity::parse(&args.query_timeout) {
        Ok(rules::quantity::Quantity::Seconds(seconds)) if (0.001..=3600.0).contains(&seconds) => Duration::from_secs_f64(seconds),
        Ok(_) => bail!("--query-timeout: expected a duration between 1ms and 1h, found `{}`", args.query_timeout),
        Err(error) => bail!("--query-timeout: {error}"),
    };
    config.max_body = args.max_body;
    Prometheus::new(config).map_err(|error| anyhow!("{error}"))
}
