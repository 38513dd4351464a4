//! Every preset as it ships, on what its exporters really show (`fixtures/wire/exporters`; which of them were run and which
//! written from documentation stands in the first line of each file), in a real Prometheus: a canary like its baseline is
//! not rolled back, one that is three times as slow and fails one request in twenty is, and nothing is without values.

#![cfg(test)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use davy_gate::rules::{self, MetricSignal, Options, preset_names};
use davy_tests::davy;
use davy_tests::exporters::{Scraped, directory, parse, text, write_past};
use davy_tests::filled::Filled;
use futures::future::join_all;
use serde_json::Value;

/// When the baseline is there first: a multiple of a minute.
const BEGIN: i64 = 1_700_000_040;
/// When the analysis begins, and with it the canary.
const START: i64 = BEGIN + 40 * 60;
const END: i64 = START + 60 * 60;
const SCRAPE: i64 = 15;
const ARMS: [&str; 3] = ["baseline", "canary", "bad"];

/// Who shows an arm's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Each instance its own: `PRESET.ARM.prom`.
    ByItself,
    /// All arms together, by this many proxies or nodes: `PRESET.prom`.
    Together(usize),
}

struct Case {
    preset: &'static str,
    shown: Shown,
    /// The arm's matchers, with `ARM` for its name.
    arm: &'static str,
    /// What a bad canary must lead to, and what is blamed for it.
    bad: (&'static str, &'static [&'static str]),
}

const ROLLBACK: (&str, &[&str]) = ("rollback", &["latency_p99", "error_rate", "grpc_error_rate"]);

const CASES: [Case; 13] = [
    Case { preset: "prom-http", shown: Shown::ByItself, arm: "version=ARM", bad: ROLLBACK },
    Case { preset: "prom-http-status", shown: Shown::ByItself, arm: "version=ARM", bad: ROLLBACK },
    Case { preset: "otel-http", shown: Shown::ByItself, arm: "version=ARM", bad: ROLLBACK },
    Case { preset: "otel-http-ms", shown: Shown::ByItself, arm: "version=ARM", bad: ROLLBACK },
    Case { preset: "otel-rpc", shown: Shown::ByItself, arm: "version=ARM", bad: ROLLBACK },
    Case { preset: "otel-rpc-ms", shown: Shown::ByItself, arm: "version=ARM", bad: ROLLBACK },
    Case { preset: "istio", shown: Shown::ByItself, arm: "destination_version=ARM", bad: ROLLBACK },
    Case { preset: "linkerd", shown: Shown::ByItself, arm: "deployment=checkout-ARM", bad: ROLLBACK },
    Case { preset: "envoy", shown: Shown::Together(3), arm: "envoy_cluster_name=ARM", bad: ROLLBACK },
    Case { preset: "nginx-ingress", shown: Shown::Together(3), arm: "ingress=checkout,canary=ARM", bad: ROLLBACK },
    Case { preset: "traefik", shown: Shown::Together(3), arm: "service=ARM@file", bad: ROLLBACK },
    Case { preset: "haproxy", shown: Shown::Together(3), arm: "proxy=ARM", bad: ("rollback", &["error_rate"]) },
    Case { preset: "kubernetes", shown: Shown::Together(1), arm: "pod=~\"checkout-ARM-.*\"", bad: ("hold", &["restarts"]) },
];

impl Case {
    fn matchers(&self, arm: &str) -> String {
        let arm = match (self.preset, arm) {
            ("nginx-ingress", "baseline") => "\"\"".to_owned(),
            ("nginx-ingress", other) => format!("shop-checkout-{other}-80"),
            (_, other) => other.to_owned(),
        };
        format!("exporter={},{}", self.preset, self.arm.replace("ARM", &arm))
    }

    /// The metrics that the preset reads.
    fn names(&self) -> BTreeSet<String> {
        let rules = rules::load_preset(self.preset, &Options::default()).expect("the preset loads");
        let mut names = BTreeSet::new();
        for metric in &rules.metrics {
            match &metric.signal {
                MetricSignal::Histogram(selector) => {
                    names.extend(["_bucket", "_sum", "_count"].map(|suffix| format!("{}{suffix}", selector.name)))
                }
                MetricSignal::Ratio { events, total } => names.extend([events.name.clone(), total.name.clone()]),
                MetricSignal::Rate(selector) => names.extend([selector.name.clone()]),
                MetricSignal::Promql(expression) => {
                    names.extend(expression.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned));
                }
            }
        }
        names
    }

    /// What a server would have stored.
    fn write(&self, out: &mut String, number: u64) {
        let names = self.names();
        let mut write = |file: &str, target: &[(&str, &str)], from: i64, seed: u64| {
            let samples = parse(&text(file).expect("recorded")).expect("an exposition");
            let scraped = Scraped { target, from, to: END + 60, every: SCRAPE, seed: number * 100 + seed };
            write_past(out, &samples, &names, &scraped);
        };
        match self.shown {
            Shown::Together(count) => {
                for (instance, seed) in (0..count).zip(0_u64..) {
                    let instance = format!("proxy-{instance}:9000");
                    write(self.preset, &[("exporter", self.preset), ("instance", &instance)], BEGIN, seed);
                }
            }
            Shown::ByItself => {
                for (arm, first) in ARMS.into_iter().zip([0_u64, 10, 20]) {
                    let (count, from) = if arm == "baseline" { (4, BEGIN) } else { (2, START) };
                    for instance in 0..count {
                        let (pod, deployment) = (format!("checkout-{arm}-{instance}"), format!("checkout-{arm}"));
                        let target = [
                            ("exporter", self.preset),
                            ("namespace", "shop"),
                            ("pod", &pod),
                            ("deployment", &deployment),
                            ("version", arm),
                        ];
                        write(&format!("{}.{arm}", self.preset), &target, from, first + instance);
                    }
                }
            }
        }
    }
}

/// What is wrong with the report about one arm.
fn mistakes(name: &str, report: &Value, wanted: &[&str], blamed: &[&str]) -> Vec<String> {
    let mut mistakes = Vec::new();
    let (verdict, reason) = (report["verdict"].as_str().unwrap_or("none"), report["reason"].as_str().unwrap_or("none"));
    if !wanted.contains(&verdict) {
        mistakes.push(format!("{name}: expected {wanted:?}, found {verdict}: {reason}"));
    }
    if !blamed.is_empty() && !blamed.iter().any(|metric| reason.contains(metric)) {
        mistakes.push(format!("{name}: expected the reason to name one of {blamed:?}, found: {reason}"));
    }
    let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    for finding in findings {
        let metric = finding["metric"].as_str().unwrap_or("none");
        for arm in ["baseline", "canary"] {
            let value = finding[arm]["value"].as_f64();
            // The recorded services answer within 15 to 240 ms, whatever the exporter's unit.
            let seconds = match finding[arm]["unit"].as_str() {
                Some("ms") => value.map(|value| value / 1000.0),
                _ => value,
            };
            let is_plausible = match (metric, seconds) {
                (_, None) => false,
                ("latency_p99" | "latency_mean", Some(seconds)) => (0.01..0.6).contains(&seconds),
                ("error_rate" | "grpc_error_rate", Some(share)) => (0.0..0.12).contains(&share),
                ("throughput", Some(rate)) => (30.0..400.0).contains(&rate),
                ("cpu", Some(cores)) => (0.05..0.5).contains(&cores),
                ("memory", Some(bytes)) => (1e8..1e9).contains(&bytes),
                ("restarts", Some(count)) => (0.0..1000.0).contains(&count),
                (_, Some(_)) => false,
            };
            if !is_plausible {
                mistakes.push(format!("{name}: {metric} of the {arm} is {value:?}: {}", finding["reason"]));
            }
        }
    }
    if findings.is_empty() {
        mistakes.push(format!("{name}: nothing was judged"));
    }
    mistakes
}

/// Gates a past canary; `rules` as the command line takes them.
async fn judge(server: &Filled, rules: &str, baseline: String, canary: String) -> Value {
    let mut arguments: Vec<String> = ["gate", "--rules", rules, "--output", "json", "--prometheus"].map(str::to_owned).into();
    arguments.extend([server.url(), "--baseline".to_owned(), baseline, "--canary".to_owned(), canary]);
    arguments.extend(["--start".to_owned(), START.to_string(), "--end".to_owned(), END.to_string()]);
    let run = davy::run_async(arguments).await.expect("davy runs");
    run.report().expect("a report")
}

#[test]
fn every_preset_has_its_exporters() {
    let cases: Vec<&str> = CASES.iter().map(|case| case.preset).collect();
    let mut shipped = preset_names();
    shipped.sort_unstable_by_key(|name| cases.iter().position(|case| case == name));
    assert_eq!(cases, shipped);
}

/// The server's own check of the text format, on the recorded text as it is.
#[test]
fn expositions_are_such() {
    let mut files: Vec<_> = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "prom"));
    assert!(files.len() >= CASES.len());
    for file in files {
        let mut promtool = Command::new("promtool");
        promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = promtool.spawn().expect("promtool comes with Debian's prometheus; scripts/test installs it");
        child.stdin.take().unwrap().write_all(&std::fs::read(&file).unwrap()).unwrap();
        let output = child.wait_with_output().unwrap();
        // 3: only its opinions on names.
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presets_tell_a_bad_canary_from_a_good_one() {
    let mut past = String::new();
    for (case, number) in CASES.iter().zip(0_u64..) {
        case.write(&mut past, number);
    }
    let server = Filled::start(&past).unwrap().ready().await.unwrap();
    let mut wrong = Vec::new();
    for case in &CASES {
        let rules = format!("presets/{}", case.preset);
        let reports = join_all(["canary", "bad"].map(|arm| judge(&server, &rules, case.matchers("baseline"), case.matchers(arm)))).await;
        wrong.extend(mistakes(&format!("{} canary", case.preset), &reports[0], &["promote"], &[]));
        wrong.extend(mistakes(&format!("{} bad", case.preset), &reports[1], &[case.bad.0], case.bad.1));
    }
    // One pattern of pods for a mesh's series and for the pods' own.
    let combined = davy::workspace().join("fixtures/rules/valid/combined.yaml").display().to_string();
    let pods = |arm: &str| format!("namespace=shop,pod=~\"checkout-{arm}-.*\"");
    let reports = join_all(["canary", "bad"].map(|arm| judge(&server, &combined, pods("baseline"), pods(arm)))).await;
    wrong.extend(mistakes("combined canary", &reports[0], &["promote"], &[]));
    wrong.extend(mistakes("combined bad", &reports[1], &["rollback"], ROLLBACK.1));
    assert_eq!(reports[0]["findings"].as_array().map(Vec::len), Some(7));
    // Absence is not health: where the status has another name there are no errors to be seen, and no promotion.
    let version = |arm: &str| format!("exporter=prom-http-status,version={arm}");
    let report = judge(&server, "presets/prom-http", version("baseline"), version("bad")).await;
    let errors = report["findings"].as_array().and_then(|all| all.iter().find(|finding| finding["metric"] == "error_rate").cloned());
    let errors = errors.expect("the error rate is judged");
    if report["verdict"] == "promote" || errors["outcome"] != "inconclusive" || !errors["canary"]["value"].is_null() {
        wrong.push(format!("another label: {} with errors {errors}", report["verdict"]));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
