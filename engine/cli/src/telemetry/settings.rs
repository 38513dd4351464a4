//! What the standard `OTEL_*` variables ask for. Says what is wrong with them, and never repeats a value that may hold
//! a credential.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

/// Where a collector listens unless the variables say otherwise.
const DEFAULT_ENDPOINT: &str = "http://localhost:4318";
/// How long one request may take unless the variables say otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    /// As it stands in the variables' names.
    fn variable(self) -> &'static str {
        match self {
            Signal::Traces => "TRACES",
            Signal::Metrics => "METRICS",
        }
    }

    /// As people call it, and as it stands in the address.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
        }
    }
}

/// Where one signal goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The whole address.
    pub endpoint: Url,
    /// How long one request may take.
    pub timeout: Duration,
    /// PEM file of the authorities to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
}

/// What is asked for one signal: nothing, or where to send it.
///
/// # Errors
/// What is expected of which variable. Nothing is sent then.
pub fn destination(signal: Signal, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Destination>, String> {
    // An empty variable is as good as none, says the specification.
    let variable = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let special = |rest: &str| format!("OTEL_EXPORTER_OTLP_{}_{rest}", signal.variable());
    let general = |rest: &str| format!("OTEL_EXPORTER_OTLP_{rest}");
    // The name that was used, and its value.
    let either = |rest: &str| [special(rest), general(rest)].into_iter().find_map(|name| variable(&name).map(|value| (name, value)));
    let exporter_name = format!("OTEL_{}_EXPORTER", signal.variable());
    let given = either("ENDPOINT");
    match variable(&exporter_name) {
        // A tool that runs for a minute does not look for a collector that nobody spoke of.
        None if given.is_none() => return Ok(None),
        None => {}
        Some(names) if names.eq_ignore_ascii_case("none") => return Ok(None),
        Some(names) if names.split(',').any(|name| name.trim() == "otlp") => {}
        Some(names) => return Err(format!("{exporter_name}: expected otlp or none, found {names:?}")),
    }
    if let Some((name, protocol)) = either("PROTOCOL")
        && protocol != "http/protobuf"
    {
        let hint = "collectors listen for it on port 4318, for gRPC on 4317";
        return Err(format!("{name}: expected http/protobuf ({hint}), found {protocol:?}"));
    }
    if let Some((name, compression)) = either("COMPRESSION")
        && !matches!(compression.as_str(), "gzip" | "none")
    {
        return Err(format!("{name}: expected gzip or none, found {compression:?}"));
    }
    let timeout = match either("TIMEOUT") {
        None => DEFAULT_TIMEOUT,
        Some((name, value)) => match value.parse() {
            Ok(ms) if ms > 0 => Duration::from_millis(ms),
            Ok(_) | Err(_) => return Err(format!("{name}: expected milliseconds such as 10000, found {value:?}")),
        },
    };
    let (name, endpoint) = match given {
        Some((name, value)) if name == special("ENDPOINT") => (name, value),
        Some((name, value)) => (name, below(&value, signal)),
        None => (general("ENDPOINT"), below(DEFAULT_ENDPOINT, signal)),
    };
    let endpoint = Url::parse(&endpoint)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| format!("{name}: expected an address such as {DEFAULT_ENDPOINT}, found something else"))?;
    Ok(Some(Destination { endpoint, timeout, ca_file: either("CERTIFICATE").map(|(_, path)| PathBuf::from(path)) }))
}

fn below(base: &str, signal: Signal) -> String {
    format!("{}/v1/{}", base.trim_end_matches('/'), signal.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(signal: Signal, variables: &[(&str, &str)]) -> Result<Option<Destination>, String> {
        destination(signal, |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn address(signal: Signal, variables: &[(&str, &str)]) -> String {
        of(signal, variables).unwrap().unwrap().endpoint.to_string()
    }

    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/otlp/");

    #[test]
    fn nothing_is_sent_unless_it_is_asked_for() {
        for signal in [Signal::Traces, Signal::Metrics] {
            assert_eq!(of(signal, &[]), Ok(None));
            assert_eq!(of(signal, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), Ok(None));
            assert_eq!(of(signal, &[BASE, ("OTEL_SDK_DISABLED", "TRUE")]), Ok(None));
        }
        assert_eq!(of(Signal::Traces, &[BASE, ("OTEL_TRACES_EXPORTER", "none")]), Ok(None));
        assert!(of(Signal::Metrics, &[BASE, ("OTEL_TRACES_EXPORTER", "none")]).unwrap().is_some());
        assert_eq!(of(Signal::Metrics, &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://x:1/y")]), Ok(None));
    }

    #[test]
    fn addresses_are_made_as_the_specification_says() {
        assert_eq!(address(Signal::Traces, &[BASE]), "http://collector:4318/otlp/v1/traces");
        assert_eq!(address(Signal::Metrics, &[BASE]), "http://collector:4318/otlp/v1/metrics");
        // A signal's own address is taken as it is.
        let own = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://prometheus:9090/api/v1/otlp/v1/metrics");
        assert_eq!(address(Signal::Metrics, &[BASE, own]), own.1);
        assert_eq!(address(Signal::Traces, &[BASE, own]), "http://collector:4318/otlp/v1/traces");
        assert_eq!(address(Signal::Traces, &[("OTEL_TRACES_EXPORTER", "otlp")]), "http://localhost:4318/v1/traces");
    }

    #[test]
    fn a_signals_own_timeout_and_certificate_come_first() {
        let variables = [
            BASE,
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "200"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"),
        ];
        let traces = of(Signal::Traces, &variables).unwrap().unwrap();
        let metrics = of(Signal::Metrics, &variables).unwrap().unwrap();
        assert_eq!((traces.timeout, metrics.timeout), (Duration::from_millis(200), Duration::from_millis(500)));
        assert_eq!(traces.ca_file, Some(PathBuf::from("ca.pem")));
        assert_eq!(of(Signal::Traces, &[BASE]).unwrap().unwrap().timeout, DEFAULT_TIMEOUT);
    }

    #[test]
    fn what_is_not_understood_is_said_with_the_variables_name() {
        let cases = [
            ("OTEL_TRACES_EXPORTER", "zipkin", "expected otlp or none"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip or none"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318", "http://localhost:4318"),
        ];
        for (name, value, says) in cases {
            let text = of(Signal::Traces, &[BASE, (name, value)]).unwrap_err();
            assert!(text.starts_with(name) && text.contains(says), "{text}");
        }
        let text = of(Signal::Traces, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://me:hunter2@collector")]).unwrap_err();
        assert!(!text.contains("hunter2"), "{text}");
    }
}
