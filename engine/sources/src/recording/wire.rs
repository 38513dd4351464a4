//! The manifest as JSON. Kept apart from the types that the program works with, so that those may change.

use std::collections::BTreeMap;
use std::path::Path;

use davy_judge::arm::PerArm;
use davy_judge::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::exemplars::{Exemplar, ExemplarRequest};
use crate::recording::{
    About, Body, Expected, Failure, KeptExemplars, Manifest, RecordError, Remark, RulePlace, SCHEMA, Storage, StoredFile, StreamRecord,
    Weight,
};
use crate::samples::{FetchPlan, MatchOp, Matcher, Part, Selector, Signal, Span, StreamSpec};

#[derive(Deserialize)]
struct OnlySchema {
    schema: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireManifest {
    schema: String,
    service: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<WireExpected>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waited_until_ms: Option<i64>,
    run: WireSpan,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    history: Option<WireSpan>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weights: Vec<WireWeight>,
    plan: WirePlan,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    streams: Vec<WireStream>,
    #[serde(default, skip_serializing_if = "WireExplanations::is_empty")]
    explanations: WireExplanations,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exemplars: Vec<WireKeptExemplars>,
    samples: WireStorage,
    rules: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rules_version: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    places: Vec<WirePlace>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePlace {
    metric: String,
    file: String,
    line: usize,
    column: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireExpected {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verdict: Option<WireVerdict>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not: Option<WireVerdict>,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum WireVerdict {
    Promote,
    Hold,
    Rollback,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
struct WireSpan {
    start_ms: i64,
    end_ms: i64,
}

/// The weight is text, because not every JSON reader gives the same `f64` back.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireWeight {
    time_ms: i64,
    weight: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePlan {
    step_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    arms: WireArms,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    history_from: Option<Vec<WireMatcher>>,
    max_history_samples: u64,
    streams: Vec<WireSpec>,
    signals: Vec<WireSignal>,
    #[serde(default, skip_serializing_if = "has_no_slices")]
    slices: Vec<Vec<String>>,
}

/// Recordings without slices look as they did before there were any.
fn has_no_slices(slices: &[Vec<String>]) -> bool {
    slices.iter().all(Vec::is_empty)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireArms {
    baseline: Vec<WireMatcher>,
    canary: Vec<WireMatcher>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireMatcher {
    label: String,
    op: WireOp,
    value: String,
}

#[derive(Serialize, Deserialize)]
enum WireOp {
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "=~")]
    Regex,
    #[serde(rename = "!~")]
    NotRegex,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum WireSpec {
    Counter(WireSelector),
    Histogram(WireSelector),
    Expression(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSelector {
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    matchers: Vec<WireMatcher>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum WireSignal {
    Histogram { stream: usize },
    Ratio { events: usize, events_where: Vec<WireMatcher>, total: usize },
    Rate { stream: usize },
    Scalar { stream: usize },
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum WirePart {
    Run,
    History,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireStream {
    stream: usize,
    part: WirePart,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    queries: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<WireRemark>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<WireRemark>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<WireFailure>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRemark {
    span: WireSpan,
    text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFailure {
    span: WireSpan,
    place: String,
    text: String,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WireExplanations {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canary: Option<String>,
}

impl WireExplanations {
    fn is_empty(&self) -> bool {
        self.baseline.is_none() && self.canary.is_none()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum WireStorage {
    Csv { series: WireFile, samples: WireFile },
    Parquet { series: WireFile, samples: WireFile },
    Bodies(Vec<WireBody>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFile {
    rows: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireBody {
    stream: usize,
    part: WirePart,
    file: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireKeptExemplars {
    series: WireSelector,
    span: WireSpan,
    found: Vec<WireExemplar>,
}

/// The value is text, because not every JSON reader gives the same `f64` back.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireExemplar {
    trace_id: String,
    value: String,
    time_ms: i64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
}

fn exemplars_to_wire(kept: &KeptExemplars) -> WireKeptExemplars {
    let found = kept.found.iter().map(|exemplar| WireExemplar {
        trace_id: exemplar.trace_id.clone(),
        value: format!("{:?}", exemplar.value),
        time_ms: exemplar.time_ms,
        labels: exemplar.labels.clone(),
    });
    WireKeptExemplars { series: selector_to_wire(&kept.request.series), span: span_to_wire(kept.request.span), found: found.collect() }
}

fn exemplars_from_wire(wire: WireKeptExemplars) -> Result<KeptExemplars, Wrong> {
    let request = ExemplarRequest { series: selector_from_wire(wire.series), span: span_from_wire(wire.span)? };
    let exemplar = |wire: WireExemplar| match wire.value.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Exemplar { trace_id: wire.trace_id, value, time_ms: wire.time_ms, labels: wire.labels }),
        Ok(_) | Err(_) => Err(("an exemplar's value that is a number".to_owned(), format!("{:?}", wire.value))),
    };
    Ok(KeptExemplars { request, found: wire.found.into_iter().map(exemplar).collect::<Result<_, Wrong>>()? })
}

/// The manifest as the bytes of a file.
pub(super) fn encode(manifest: &Manifest) -> Result<Vec<u8>, String> {
    let mut bytes = serde_json::to_vec_pretty(&to_wire(manifest)).map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads the bytes of a manifest; `file` is only named in errors.
pub(super) fn decode(bytes: &[u8], file: &Path) -> Result<Manifest, RecordError> {
    let malformed = |error: serde_json::Error| RecordError::content(file, None, "a manifest of a recording", error.to_string());
    let schema = serde_json::from_slice::<OnlySchema>(bytes).map_err(malformed)?.schema;
    if schema != SCHEMA {
        let version = schema.strip_prefix("davy.recording/v").and_then(|version| version.parse::<u32>().ok());
        return Err(match version {
            Some(_) => RecordError::Schema { file: file.to_owned(), expected: SCHEMA.to_owned(), found: schema },
            None => RecordError::content(file, None, format!("schema {SCHEMA}"), schema),
        });
    }
    let wire: WireManifest = serde_json::from_slice(bytes).map_err(malformed)?;
    from_wire(wire).map_err(|(expected, found)| RecordError::content(file, None, expected, found))
}

fn to_wire(manifest: &Manifest) -> WireManifest {
    let about = &manifest.about;
    WireManifest {
        schema: SCHEMA.to_owned(),
        service: about.service.clone(),
        label: about.label.clone(),
        expected: about.expected.as_ref().map(|expected| match expected {
            Expected::Verdict { verdict, metric } => {
                WireExpected { verdict: Some(verdict_to_wire(*verdict)), metric: metric.clone(), not: None }
            }
            Expected::Not(verdict) => WireExpected { verdict: None, metric: None, not: Some(verdict_to_wire(*verdict)) },
        }),
        start_ms: about.start_ms,
        waited_until_ms: about.waited_until_ms,
        run: span_to_wire(manifest.run),
        history: manifest.history.map(span_to_wire),
        weights: about.weights.iter().map(|at| WireWeight { time_ms: at.time_ms, weight: format!("{:?}", at.weight) }).collect(),
        plan: plan_to_wire(&manifest.plan),
        streams: manifest.streams.iter().map(stream_to_wire).collect(),
        explanations: WireExplanations { baseline: manifest.explanations.baseline.clone(), canary: manifest.explanations.canary.clone() },
        exemplars: manifest.exemplars.iter().map(exemplars_to_wire).collect(),
        samples: match &manifest.storage {
            Storage::Csv { series, samples } => WireStorage::Csv { series: file_to_wire(series), samples: file_to_wire(samples) },
            Storage::Parquet { series, samples } => WireStorage::Parquet { series: file_to_wire(series), samples: file_to_wire(samples) },
            Storage::Bodies(bodies) => WireStorage::Bodies(
                bodies
                    .iter()
                    .map(|body| WireBody { stream: body.stream, part: part_to_wire(body.part), file: body.file.clone() })
                    .collect(),
            ),
        },
        rules: about.rules.clone(),
        rules_version: about.rules_version.clone(),
        places: about.places.iter().map(place_to_wire).collect(),
    }
}

/// What is wrong: expected, found.
type Wrong = (String, String);

fn from_wire(wire: WireManifest) -> Result<Manifest, Wrong> {
    let streams = wire.plan.streams.len();
    let about = About {
        service: wire.service,
        label: wire.label,
        rules: wire.rules,
        rules_version: wire.rules_version,
        start_ms: wire.start_ms,
        waited_until_ms: wire.waited_until_ms,
        weights: wire.weights.into_iter().map(weight_from_wire).collect::<Result<_, _>>()?,
        places: wire.places.into_iter().map(place_from_wire).collect(),
        expected: wire.expected.map(expected_from_wire).transpose()?,
    };
    let manifest = Manifest {
        about,
        plan: plan_from_wire(wire.plan)?,
        run: span_from_wire(wire.run)?,
        history: wire.history.map(span_from_wire).transpose()?,
        streams: wire.streams.into_iter().map(stream_from_wire).collect::<Result<_, _>>()?,
        explanations: PerArm { baseline: wire.explanations.baseline, canary: wire.explanations.canary },
        exemplars: wire.exemplars.into_iter().map(exemplars_from_wire).collect::<Result<_, _>>()?,
        storage: match wire.samples {
            WireStorage::Csv { series, samples } => Storage::Csv { series: file_from_wire(series), samples: file_from_wire(samples) },
            WireStorage::Parquet { series, samples } => {
                Storage::Parquet { series: file_from_wire(series), samples: file_from_wire(samples) }
            }
            WireStorage::Bodies(bodies) => Storage::Bodies(bodies.into_iter().map(body_from_wire).collect::<Result<_, _>>()?),
        },
    };
    let bodies: &[Body] = match &manifest.storage {
        Storage::Bodies(bodies) => bodies,
        Storage::Csv { .. } | Storage::Parquet { .. } => &[],
    };
    let mut named = manifest.streams.iter().map(|record| record.stream).chain(bodies.iter().map(|body| body.stream));
    match named.find(|stream| *stream >= streams) {
        Some(stream) => Err((format!("a stream below {streams}"), stream.to_string())),
        None => Ok(manifest),
    }
}

fn place_to_wire(place: &RulePlace) -> WirePlace {
    WirePlace { metric: place.metric.clone(), file: place.file.clone(), line: place.line, column: place.column }
}

fn place_from_wire(wire: WirePlace) -> RulePlace {
    RulePlace { metric: wire.metric, file: wire.file, line: wire.line, column: wire.column }
}

fn verdict_to_wire(verdict: Verdict) -> WireVerdict {
    match verdict {
        Verdict::Promote => WireVerdict::Promote,
        Verdict::Hold => WireVerdict::Hold,
        Verdict::Rollback => WireVerdict::Rollback,
    }
}

fn verdict_from_wire(verdict: WireVerdict) -> Verdict {
    match verdict {
        WireVerdict::Promote => Verdict::Promote,
        WireVerdict::Hold => Verdict::Hold,
        WireVerdict::Rollback => Verdict::Rollback,
    }
}

fn expected_from_wire(wire: WireExpected) -> Result<Expected, Wrong> {
    match (wire.verdict, wire.metric, wire.not) {
        (Some(verdict), metric, None) => Ok(Expected::Verdict { verdict: verdict_from_wire(verdict), metric }),
        (None, None, Some(verdict)) => Ok(Expected::Not(verdict_from_wire(verdict))),
        (Some(_), _, Some(_)) | (None, Some(_), _) | (None, None, None) => {
            Err(("`expected` with either `verdict` (and `metric`) or `not`".to_owned(), "something else".to_owned()))
        }
    }
}

fn weight_from_wire(wire: WireWeight) -> Result<Weight, Wrong> {
    match wire.weight.parse::<f64>() {
        Ok(weight) if weight.is_finite() && weight >= 0.0 => Ok(Weight { time_ms: wire.time_ms, weight }),
        Ok(_) | Err(_) => Err(("a weight that is a number, at least 0".to_owned(), format!("{:?}", wire.weight))),
    }
}

fn span_to_wire(span: Span) -> WireSpan {
    WireSpan { start_ms: span.start_ms, end_ms: span.end_ms }
}

fn span_from_wire(wire: WireSpan) -> Result<Span, Wrong> {
    if wire.start_ms > wire.end_ms {
        return Err(("a span that starts before it ends".to_owned(), format!("{} to {}", wire.start_ms, wire.end_ms)));
    }
    Ok(Span { start_ms: wire.start_ms, end_ms: wire.end_ms })
}

fn part_to_wire(part: Part) -> WirePart {
    match part {
        Part::Run => WirePart::Run,
        Part::History => WirePart::History,
    }
}

fn part_from_wire(part: WirePart) -> Part {
    match part {
        WirePart::Run => Part::Run,
        WirePart::History => Part::History,
    }
}

fn file_to_wire(file: &StoredFile) -> WireFile {
    WireFile { rows: file.rows, sha256: file.sha256.clone() }
}

fn file_from_wire(wire: WireFile) -> StoredFile {
    StoredFile { rows: wire.rows, sha256: wire.sha256 }
}

/// A file lies inside the recording: a recording from a stranger must not make us read elsewhere.
fn body_from_wire(wire: WireBody) -> Result<Body, Wrong> {
    let is_plain = !wire.file.is_empty() && !wire.file.starts_with('.') && !wire.file.contains(['/', '\\', '\0']);
    if !is_plain {
        return Err(("a plain file name".to_owned(), format!("{:?}", wire.file)));
    }
    Ok(Body { stream: wire.stream, part: part_from_wire(wire.part), file: wire.file })
}

fn stream_to_wire(record: &StreamRecord) -> WireStream {
    let remarks = |remarks: &[Remark]| {
        remarks.iter().map(|remark| WireRemark { span: span_to_wire(remark.span), text: remark.text.clone() }).collect()
    };
    WireStream {
        stream: record.stream,
        part: part_to_wire(record.part),
        queries: record.queries.clone(),
        warnings: remarks(&record.warnings),
        notes: remarks(&record.notes),
        failures: record
            .failures
            .iter()
            .map(|failure| WireFailure { span: span_to_wire(failure.span), place: failure.place.clone(), text: failure.text.clone() })
            .collect(),
    }
}

fn stream_from_wire(wire: WireStream) -> Result<StreamRecord, Wrong> {
    let remarks = |remarks: Vec<WireRemark>| -> Result<Vec<Remark>, Wrong> {
        remarks.into_iter().map(|remark| Ok(Remark { span: span_from_wire(remark.span)?, text: remark.text })).collect()
    };
    let failures = wire.failures.into_iter();
    Ok(StreamRecord {
        stream: wire.stream,
        part: part_from_wire(wire.part),
        queries: wire.queries,
        warnings: remarks(wire.warnings)?,
        notes: remarks(wire.notes)?,
        failures: failures
            .map(|failure| Ok(Failure { span: span_from_wire(failure.span)?, place: failure.place, text: failure.text }))
            .collect::<Result<_, Wrong>>()?,
    })
}

fn plan_to_wire(plan: &FetchPlan) -> WirePlan {
    WirePlan {
        step_ms: plan.step_ms,
        instance: plan.instance.clone(),
        arms: WireArms { baseline: matchers_to_wire(&plan.arms.baseline), canary: matchers_to_wire(&plan.arms.canary) },
        history_from: plan.history_from.as_deref().map(matchers_to_wire),
        max_history_samples: plan.max_history_samples,
        streams: plan
            .streams
            .iter()
            .map(|spec| match spec {
                StreamSpec::Counter(selector) => WireSpec::Counter(selector_to_wire(selector)),
                StreamSpec::Histogram(selector) => WireSpec::Histogram(selector_to_wire(selector)),
                StreamSpec::Expression(text) => WireSpec::Expression(text.clone()),
            })
            .collect(),
        signals: plan
            .signals
            .iter()
            .map(|signal| match signal {
                Signal::Histogram { stream } => WireSignal::Histogram { stream: *stream },
                Signal::Ratio { events, events_where, total } => {
                    WireSignal::Ratio { events: *events, events_where: matchers_to_wire(events_where), total: *total }
                }
                Signal::Rate { stream } => WireSignal::Rate { stream: *stream },
                Signal::Scalar { stream } => WireSignal::Scalar { stream: *stream },
            })
            .collect(),
        slices: plan.slices.clone(),
    }
}

fn plan_from_wire(wire: WirePlan) -> Result<FetchPlan, Wrong> {
    if wire.step_ms < 1 {
        return Err(("a step of at least 1 ms".to_owned(), wire.step_ms.to_string()));
    }
    Ok(FetchPlan {
        streams: wire
            .streams
            .into_iter()
            .map(|spec| match spec {
                WireSpec::Counter(selector) => StreamSpec::Counter(selector_from_wire(selector)),
                WireSpec::Histogram(selector) => StreamSpec::Histogram(selector_from_wire(selector)),
                WireSpec::Expression(text) => StreamSpec::Expression(text),
            })
            .collect(),
        signals: wire
            .signals
            .into_iter()
            .map(|signal| match signal {
                WireSignal::Histogram { stream } => Signal::Histogram { stream },
                WireSignal::Ratio { events, events_where, total } => {
                    Signal::Ratio { events, events_where: matchers_from_wire(events_where), total }
                }
                WireSignal::Rate { stream } => Signal::Rate { stream },
                WireSignal::Scalar { stream } => Signal::Scalar { stream },
            })
            .collect(),
        slices: wire.slices,
        arms: PerArm { baseline: matchers_from_wire(wire.arms.baseline), canary: matchers_from_wire(wire.arms.canary) },
        history_from: wire.history_from.map(matchers_from_wire),
        instance: wire.instance,
        step_ms: wire.step_ms,
        max_history_samples: wire.max_history_samples,
    })
}

fn selector_to_wire(selector: &Selector) -> WireSelector {
    WireSelector { name: selector.name.clone(), matchers: matchers_to_wire(&selector.matchers) }
}

fn selector_from_wire(wire: WireSelector) -> Selector {
    let mut matchers = matchers_from_wire(wire.matchers);
    matchers.sort();
    Selector { name: wire.name, matchers }
}

fn matchers_to_wire(matchers: &[Matcher]) -> Vec<WireMatcher> {
    matchers
        .iter()
        .map(|matcher| WireMatcher {
            label: matcher.label.clone(),
            op: match matcher.op {
                MatchOp::Equal => WireOp::Equal,
                MatchOp::NotEqual => WireOp::NotEqual,
                MatchOp::Regex => WireOp::Regex,
                MatchOp::NotRegex => WireOp::NotRegex,
            },
            value: matcher.value.clone(),
        })
        .collect()
}

fn matchers_from_wire(wire: Vec<WireMatcher>) -> Vec<Matcher> {
    wire.into_iter()
        .map(|matcher| Matcher {
            label: matcher.label,
            op: match matcher.op {
                WireOp::Equal => MatchOp::Equal,
                WireOp::NotEqual => MatchOp::NotEqual,
                WireOp::Regex => MatchOp::Regex,
                WireOp::NotRegex => MatchOp::NotRegex,
            },
            value: matcher.value,
        })
        .collect()
}
