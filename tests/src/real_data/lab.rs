//! The recorded lab (5 s scrapes, two minutes): the verbatim bodies of a Prometheus through the whole pipeline, polled at
//! every window. Once by raw counters and buckets, once by ready series.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use davy_gate::pipeline::{Patience, Run};
use davy_gate::plan::Plan;
use davy_gate::rules::{Options, load_str};
use davy_judge::arm::Arm;
use davy_sources::error::{SourceError, SourceErrorKind};
use davy_sources::prometheus::decode_matrix;
use davy_sources::samples::{FetchPlan, Part, Samples, Series, Span, StreamData, StreamSpec};
use davy_sources::source::{Fetched, Source};
use serde_json::Value;

use super::drive::{Answer, Rules, answer};

/// The recorded modes, and whether the canary is worse.
pub const MODES: [(&str, bool); 3] = [("same", false), ("slower", true), ("erroring", true)];
/// The rule files: what is read, and how.
pub const RULES: [(&str, &str); 2] = [
    ("raw counters and buckets", include_str!("../../real-data/lab-raw.yaml")),
    ("ready `rate[30s]` series", include_str!("../../real-data/lab-ready.yaml")),
];

/// A mode's bodies as a source. A stream's file has the name of what it selects.
struct Bodies {
    folder: PathBuf,
    step_ms: i64,
}

impl Bodies {
    fn read(&self, spec: &StreamSpec, span: Span) -> anyhow::Result<StreamData> {
        let file = match spec {
            StreamSpec::Histogram(_) => "buckets_raw.json".to_owned(),
            StreamSpec::Counter(_) => "requests_raw.json".to_owned(),
            StreamSpec::Expression(text) => format!("{}.json", text.split('{').next().unwrap_or(text).trim()),
        };
        let path = self.folder.join(file);
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let decoded = decode_matrix(&bytes).with_context(|| format!("decoding {}", path.display()))?;
        let mut data = StreamData { warnings: decoded.warnings, notes: decoded.infos, ..StreamData::default() };
        for series in decoded.series {
            let version = series.labels.get("version").map(String::as_str);
            let arm = Arm::BOTH.into_iter().find(|arm| Some(arm.name()) == version);
            let arm = arm.with_context(|| format!("{}: expected a version of baseline or canary, found {version:?}", path.display()))?;
            let samples = match spec {
                // An expression is evaluated at the windows' ends; these were, on a grid of their own that begins elsewhere.
                StreamSpec::Expression(_) => {
                    Samples::Value(series.values.into_iter().map(|(time, value)| (time - time.rem_euclid(self.step_ms), value)).collect())
                }
                StreamSpec::Counter(_) | StreamSpec::Histogram(_) => Samples::Counter(series.values),
            };
            data.series.push(Series { arm, labels: series.labels, samples });
        }
        data.series.sort_by(|left, right| (left.arm, &left.labels).cmp(&(right.arm, &right.labels)));
        data.retain_within(span);
        Ok(data)
    }
}

impl Source for Bodies {
    async fn fetch(&self, plan: &FetchPlan, _part: Part, span: Span) -> Fetched {
        let failed =
            |error: anyhow::Error| SourceError { place: "the lab's bodies".to_owned(), kind: SourceErrorKind::File(format!("{error:#}")) };
        plan.streams.iter().map(|spec| self.read(spec, span).map_err(failed)).collect()
    }

    async fn explain_empty(&self, _plan: &FetchPlan, _arm: Arm, _span: Span) -> Option<String> {
        None
    }
}

/// When a mode's series begin and end, ms since the epoch.
fn times(folder: &Path) -> anyhow::Result<Span> {
    let path = folder.join("requests_raw.json");
    let body: Value = serde_json::from_slice(&fs::read(&path).with_context(|| format!("reading {}", path.display()))?)?;
    let values = body["data"]["result"][0]["values"].as_array().with_context(|| format!("{}: expected a matrix", path.display()))?;
    let time = |point: Option<&Value>| point.and_then(|point| point[0].as_f64()).map(|seconds| (seconds * 1000.0) as i64);
    let (first, last) = (time(values.first()), time(values.last()));
    let (first, last) = first.zip(last).with_context(|| format!("{}: expected points, found none", path.display()))?;
    Ok(Span { start_ms: first, end_ms: last })
}

/// Judges one mode by one rule file.
///
/// # Errors
/// Bodies that are missing or no answers of a Prometheus.
pub async fn judge(data: &Path, mode: &str, rules: &str) -> anyhow::Result<Answer> {
    let folder = data.join("lab").join(mode);
    let span = times(&folder)?;
    let set = load_str("the lab's rules", rules, &Options::default()).map_err(|mistakes| anyhow!("{mistakes}"))?;
    let step_ms = set.window.step_ms.context("expected `window.step` in the lab's rules")?;
    let source = Bodies { folder, step_ms };
    let plan = Plan::new(set, step_ms, None, span.start_ms + 1, Vec::new())?;
    let mut run = Run::new(&plan, &source).map_err(|why| anyhow!(why))?;
    let mut until_ms = plan.edge_before(span.start_ms);
    while !run.is_over() && until_ms + step_ms <= span.end_ms {
        until_ms += step_ms;
        run.advance(until_ms, Patience::Once, |_| {}).await.map_err(|outage| anyhow!("{outage:?}"))?;
    }
    ensure!(run.analysis().windows() > 0, "{}: expected windows to judge, found none", source.folder.display());
    let rules = Rules { rules: plan.rules.metrics.iter().map(|metric| metric.rule.clone()).collect(), policy: plan.rules.policy(step_ms) };
    Ok(answer(&rules, &run.analysis().decision(true)))
}
