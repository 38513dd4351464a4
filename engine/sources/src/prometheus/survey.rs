//! What a server holds of a stream, arm by arm: enough to choose rules by before there are any. Reads no samples.

use std::collections::BTreeSet;

use davy_judge::arm::{Arm, PerArm};

use super::client::{Client, Request};
use super::gather::{at_window_ends, instant};
use super::history::label_values;
use super::promql::{any_of, duration, seconds, selector};
use super::wire::Matrix;
use crate::error::SourceError;
use crate::samples::{MatchOp, Matcher, Selector, Span, StreamSpec};
use crate::selector::fill_template;

/// Names in which latencies and requests are commonly counted.
const ALIKE: &str = "(?i).*(duration|latency|request|response_time|rpc|http).*(_bucket|_total|_count|seconds|milliseconds)";
/// Into how many points the search for an expression's values cuts a span, and the shortest step that it takes.
const POINTS: i64 = 20;
const LEAST_STEP_MS: i64 = 60_000;

/// What a server holds of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holding {
    /// Whether an arm has a sample in the time asked for.
    pub held: PerArm<bool>,
    /// Whether an arm has one under the same name, the stream's own matchers aside.
    pub named: PerArm<bool>,
    /// Whether anybody has one under the name, arms and matchers aside.
    pub anywhere: bool,
    /// Names of the labels that series of the name have: of both arms, else of anybody.
    pub labels: BTreeSet<String>,
}

impl Holding {
    /// Of a name that the server does not know.
    pub fn none() -> Self {
        Holding::default()
    }
}

/// The metric names that exist among these.
pub(super) async fn names(client: &Client, wanted: &BTreeSet<String>, span: Span) -> Result<BTreeSet<String>, SourceError> {
    if wanted.is_empty() {
        return Ok(BTreeSet::new());
    }
    names_like(client, &any_of(wanted.iter().map(String::as_str)), &[], span).await
}

/// Names of series that look like latencies or requests: those of the arms, else anybody's.
pub(super) async fn alike(client: &Client, arms: &PerArm<Vec<Matcher>>, span: Span) -> Result<Vec<String>, SourceError> {
    for matchers in [&arms.baseline, &arms.canary, &Vec::new()] {
        let found = names_like(client, ALIKE, matchers, span).await?;
        if !found.is_empty() {
            return Ok(found.into_iter().collect());
        }
    }
    Ok(Vec::new())
}

async fn names_like(client: &Client, pattern: &str, matchers: &[Matcher], span: Span) -> Result<BTreeSet<String>, SourceError> {
    let named = Matcher { label: "__name__".to_owned(), op: MatchOp::Regex, value: pattern.to_owned() };
    let all: Vec<Matcher> = std::iter::once(named).chain(matchers.iter().cloned()).collect();
    let request = label_values("__name__", &selector(&[], &all), span);
    Ok(client.ask::<Vec<String>>(&request).await?.answer.data.into_iter().collect())
}

/// What there is of one stream.
pub(super) async fn holding(client: &Client, stream: &StreamSpec, arms: &PerArm<Vec<Matcher>>, span: Span) -> Result<Holding, SourceError> {
    let (metric, is_histogram) = match stream {
        StreamSpec::Counter(metric) => (metric, false),
        StreamSpec::Histogram(metric) => (metric, true),
        StreamSpec::Expression(promql) => return holding_of_expression(client, promql, arms, span).await,
    };
    let mut holding = Holding::default();
    for arm in Arm::BOTH {
        let matchers = arms.get(arm);
        let all: Vec<Matcher> = matchers.iter().chain(&metric.matchers).cloned().collect();
        let held = any(client, metric, is_histogram, &all, span).await?;
        *holding.held.get_mut(arm) = held;
        *holding.named.get_mut(arm) = held || any(client, metric, is_histogram, matchers, span).await?;
        if *holding.named.get(arm) {
            holding.labels.extend(labels(client, metric, is_histogram, matchers, span).await?);
        }
    }
    holding.anywhere = holding.named.baseline || holding.named.canary || any(client, metric, is_histogram, &[], span).await?;
    if holding.anywhere && holding.labels.is_empty() {
        holding.labels = labels(client, metric, is_histogram, &[], span).await?.into_iter().collect();
    }
    Ok(holding)
}

async fn holding_of_expression(client: &Client, promql: &str, arms: &PerArm<Vec<Matcher>>, span: Span) -> Result<Holding, SourceError> {
    let step_ms = ((span.end_ms - span.start_ms) / POINTS).max(LEAST_STEP_MS);
    let mut holding = Holding::default();
    for arm in Arm::BOTH {
        let text = fill_template(promql, arms.get(arm), LEAST_STEP_MS);
        *holding.held.get_mut(arm) = !at_window_ends(client, &text, span, step_ms).await?.series.is_empty();
    }
    holding.named = holding.held;
    holding.anywhere = holding.held.baseline || holding.held.canary;
    Ok(holding)
}

/// A stream's series; of classic buckets only `+Inf`, which counts all.
fn series(metric: &Selector, is_histogram: bool, matchers: &[Matcher]) -> String {
    if !is_histogram {
        return selector(&[&metric.name], matchers);
    }
    let mut all = matchers.to_vec();
    all.push(Matcher { label: "le".to_owned(), op: MatchOp::Regex, value: "|\\+Inf".to_owned() });
    selector(&[&metric.name, &format!("{}_bucket", metric.name)], &all)
}

async fn any(client: &Client, metric: &Selector, is_histogram: bool, matchers: &[Matcher], span: Span) -> Result<bool, SourceError> {
    let length = duration((span.end_ms - span.start_ms).max(1000));
    let query = format!("count(last_over_time({}[{length}]))", series(metric, is_histogram, matchers));
    let reply = client.ask::<Matrix>(&instant(query, span.end_ms)).await?;
    Ok(!reply.answer.data.result.is_empty())
}

/// The labels that a stream's series have.
async fn labels(
    client: &Client,
    metric: &Selector,
    is_histogram: bool,
    matchers: &[Matcher],
    span: Span,
) -> Result<Vec<String>, SourceError> {
    let parameters =
        vec![("match[]", series(metric, is_histogram, matchers)), ("start", seconds(span.start_ms)), ("end", seconds(span.end_ms))];
    let request = Request { endpoint: vec!["labels".to_owned()], parameters };
    Ok(client.ask::<Vec<String>>(&request).await?.answer.data)
}
