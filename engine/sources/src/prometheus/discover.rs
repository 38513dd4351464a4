//! What must be known of a plan's series before it is complete: their spacing, their instances, when the canary began.

use davy_judge::arm::Arm;
use futures::future::try_join_all;

use super::client::{Client, Request};
use super::fetch::raw_selector;
use super::gather::{at_window_ends, raw};
use super::promql::seconds;
use crate::error::SourceError;
use crate::samples::{FetchPlan, MatchOp, Matcher, Span, StreamSpec};
use crate::selector::fill_template;

/// How far back the spacing of samples is looked for, at first and when that showed nothing.
const SPACING_LOOKBACK_MS: [i64; 2] = [5 * 60_000, 60 * 60_000];
/// Into how many points the search for a first sample cuts a span, and the shortest step that it takes.
const FIRST_SAMPLE_POINTS: i64 = 240;
const FIRST_SAMPLE_STEP_MS: i64 = 5_000;
/// How long Prometheus takes an old sample for a present one.
const LOOKBACK_MS: i64 = 5 * 60_000;

/// Selectors of a plan's counters and histograms for some matchers. Of classic buckets only `+Inf`, which counts all.
fn selectors(plan: &FetchPlan, matchers: &[Matcher]) -> Vec<String> {
    let mut texts = Vec::new();
    for stream in &plan.streams {
        match stream {
            StreamSpec::Counter(metric) => texts.push(raw_selector(metric, false, matchers)),
            StreamSpec::Histogram(metric) => {
                let mut all = matchers.to_vec();
                all.push(Matcher { label: "le".to_owned(), op: MatchOp::Regex, value: "|\\+Inf".to_owned() });
                texts.push(raw_selector(metric, true, &all));
            }
            StreamSpec::Expression(_) => {}
        }
    }
    texts
}

/// The median spacing of the baseline's raw samples shortly before `end_ms`.
pub(super) async fn scrape_interval(client: &Client, plan: &FetchPlan, end_ms: i64) -> Option<i64> {
    for lookback_ms in SPACING_LOOKBACK_MS {
        let span = Span { start_ms: end_ms - lookback_ms, end_ms };
        for text in selectors(plan, &plan.arms.baseline) {
            match raw(client, &text, span, 1).await {
                Ok(gathered) => {
                    let floats = gathered.series.values().map(|readings| times(&readings.values));
                    let natives = gathered.series.values().map(|readings| times(&readings.histograms));
                    if let Some(median) = median_spacing(floats.chain(natives)) {
                        return Some(median);
                    }
                }
                Err(error) => tracing::debug!(%error, "cannot tell the spacing of samples"),
            }
        }
    }
    None
}

fn times<V>(points: &[(i64, V)]) -> Vec<i64> {
    points.iter().map(|(time, _)| *time).collect()
}

fn median_spacing(series: impl Iterator<Item = Vec<i64>>) -> Option<i64> {
    let mut spacings: Vec<i64> = Vec::new();
    for times in series {
        spacings.extend(times.windows(2).map(|pair| pair[1] - pair[0]));
    }
    spacings.sort_unstable();
    spacings.get(spacings.len() / 2).copied()
}

/// `pod` if the series of the baseline have it, else `instance` if they have that.
pub(super) async fn instance_label(client: &Client, plan: &FetchPlan, span: Span) -> Option<String> {
    let whose = super::history::whose(plan);
    let mut parameters: Vec<(&'static str, String)> = selectors(plan, whose).into_iter().map(|text| ("match[]", text)).collect();
    if parameters.is_empty() {
        parameters.push(("match[]", super::promql::selector(&[], whose)));
    }
    parameters.extend([("start", seconds(span.start_ms)), ("end", seconds(span.end_ms))]);
    let request = Request { endpoint: vec!["labels".to_owned()], parameters };
    match client.ask::<Vec<String>>(&request).await {
        Ok(reply) => ["pod", "instance"].into_iter().find(|label| reply.answer.data.iter().any(|found| found == label)).map(str::to_owned),
        Err(error) => {
            tracing::debug!(%error, "cannot tell which label names an instance");
            None
        }
    }
}

/// When an arm's first sample within the span was taken.
///
/// First on a coarse grid whether there is any series, then among the raw samples around the first such point.
pub(super) async fn first_sample_ms(client: &Client, plan: &FetchPlan, arm: Arm, since: Span) -> Result<Option<i64>, SourceError> {
    let matchers = plan.arms.get(arm);
    let step_ms = ((since.end_ms - since.start_ms) / FIRST_SAMPLE_POINTS).max(FIRST_SAMPLE_STEP_MS);
    // Up to the first grid point after the span's end, so that a sample shortly before the end is not overlooked.
    let grid = Span { start_ms: since.start_ms, end_ms: (since.end_ms.div_euclid(step_ms) + 1) * step_ms };
    let selected = selectors(plan, matchers);
    let exact = try_join_all(selected.iter().map(|text| first_raw(client, text, since, grid, step_ms))).await?;
    let expressions = plan.streams.iter().filter_map(|stream| match stream {
        StreamSpec::Expression(promql) => Some(fill_template(promql, matchers, plan.step_ms)),
        StreamSpec::Counter(_) | StreamSpec::Histogram(_) => None,
    });
    let mut first = exact.into_iter().flatten().min();
    if selected.is_empty() {
        for text in expressions {
            let found = first_point(client, &text, grid, step_ms).await?.map(|time| time.min(since.end_ms));
            first = first.into_iter().chain(found).min();
        }
    }
    Ok(first)
}

async fn first_point(client: &Client, expression: &str, grid: Span, step_ms: i64) -> Result<Option<i64>, SourceError> {
    let gathered = at_window_ends(client, expression, grid, step_ms).await?;
    Ok(gathered.series.values().filter_map(|readings| readings.values.first().map(|(time, _)| *time)).min())
}

async fn first_raw(client: &Client, selector: &str, since: Span, grid: Span, step_ms: i64) -> Result<Option<i64>, SourceError> {
    let Some(seen) = first_point(client, &format!("count({selector})"), grid, step_ms).await? else { return Ok(None) };
    // What was seen at the first point may be older than the span; then look as far as such a sample can be trusted.
    for (from, to) in [(seen - step_ms, seen), (since.start_ms, seen.saturating_add(LOOKBACK_MS))] {
        let near = Span { start_ms: from.max(since.start_ms), end_ms: to.min(since.end_ms) };
        if near.start_ms >= near.end_ms {
            continue;
        }
        let gathered = raw(client, selector, near, 1).await?;
        let firsts = gathered.series.values().flat_map(|readings| {
            let float = readings.values.iter().find(|(_, value)| !value.is_nan()).map(|(time, _)| *time);
            float.into_iter().chain(readings.histograms.first().map(|(time, _)| *time))
        });
        if let Some(first) = firsts.min() {
            return Ok(Some(first));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spacing_is_the_median_of_all_series() {
        let series = [vec![0, 15, 30, 90], vec![7, 22], vec![4]];
        assert_eq!(median_spacing(series.into_iter()), Some(15));
        assert_eq!(median_spacing([vec![4]].into_iter()), None);
    }
}
