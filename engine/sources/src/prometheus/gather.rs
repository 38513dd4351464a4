//! Asks piece by piece and puts the pieces together: each sample once, by time, exactly those of the span.

use std::collections::{BTreeMap, VecDeque};

use futures::future::try_join_all;

use super::client::{Client, Reply, Request};
use super::promql::{duration, seconds};
use super::wire::{Answer, Matrix};
use crate::error::{SourceError, SourceErrorKind};
use crate::samples::{NativeHistogram, Span};

/// Prometheus refuses more points than this per series.
const MOST_POINTS: i64 = 11_000;
/// The shortest span that is still cut in two when the server says that it is too much.
const SHORTEST_PIECE_MS: i64 = 60_000;
/// The most requests that one query is cut into when the server says that it is too much.
const MOST_PIECES: usize = 64;
/// VictoriaMetrics repeats an older value at window ends as late as this (`-search.latencyOffset`, 30 s if not set), and
/// says nothing of it. 1.79 does so for steps below a minute.
const VICTORIA_UNSETTLED_MS: i64 = 60_000;

/// A series' labels.
pub(super) type Labels = BTreeMap<String, String>;

/// Floats and native histograms of one series, by ascending time, no time twice.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Readings {
    pub values: Vec<(i64, f64)>,
    pub histograms: Vec<(i64, NativeHistogram)>,
}

/// Everything that a query gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Gathered {
    pub series: BTreeMap<Labels, Readings>,
    pub queries: Vec<String>,
    pub warnings: Vec<String>,
    pub notes: Vec<String>,
}

impl Gathered {
    fn add(&mut self, answer: Answer<Matrix>, keep: impl Fn(i64) -> bool) {
        for found in answer.data.result {
            let mut values = found.values;
            let mut histograms = found.histograms;
            values.retain(|(time, _)| keep(*time));
            histograms.retain(|(time, _)| keep(*time));
            if values.is_empty() && histograms.is_empty() {
                continue;
            }
            let readings = self.series.entry(found.labels).or_default();
            // The first piece is moved, not copied: most queries have only one.
            if readings.values.is_empty() {
                readings.values = values
            } else {
                readings.values.append(&mut values)
            }
            if readings.histograms.is_empty() { readings.histograms = histograms } else { readings.histograms.append(&mut histograms) }
        }
        append_new(&mut self.warnings, answer.warnings);
        append_new(&mut self.notes, answer.infos);
    }

    /// Sorts, and keeps the first of samples at one time. Pieces come in order, so this usually finds nothing to do.
    fn settle(mut self) -> Self {
        for readings in self.series.values_mut() {
            readings.values.sort_by_key(|(time, _)| *time);
            readings.values.dedup_by_key(|(time, _)| *time);
            readings.histograms.sort_by_key(|(time, _)| *time);
            readings.histograms.dedup_by_key(|(time, _)| *time);
        }
        self
    }
}

/// Appends what is not there yet.
pub(super) fn append_new(list: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for text in more {
        if !list.contains(&text) {
            list.push(text);
        }
    }
}

/// Whether a smaller question may be answered where this one was refused.
pub(super) fn asks_too_much(kind: &SourceErrorKind) -> bool {
    match kind {
        SourceErrorKind::TooLarge { .. } => true,
        SourceErrorKind::Query { message, .. } => {
            // Prometheus and Thanos; VictoriaMetrics; Mimir and Cortex.
            ["too many samples", "-search.max", "err-mimir-max", "exceeded the maximum", "the query hit the max"]
                .iter()
                .any(|words| message.contains(words))
        }
        SourceErrorKind::Connect(_)
        | SourceErrorKind::Tls(_)
        | SourceErrorKind::Timeout(_)
        | SourceErrorKind::Auth { .. }
        | SourceErrorKind::Overloaded { .. }
        | SourceErrorKind::Status { .. }
        | SourceErrorKind::Malformed { .. }
        | SourceErrorKind::Truncated(_)
        | SourceErrorKind::File(_) => false,
    }
}

/// An instant query. What a server does not know it ignores: Thanos shall fail rather than leave stores out, keep one of
/// its replicas, and not downsample; VictoriaMetrics shall not answer from its cache and fail rather than answer partly.
pub(super) fn instant(query: String, at_ms: i64) -> Request {
    let mut parameters = vec![("query", query), ("time", seconds(at_ms))];
    parameters.extend(strictness());
    Request { endpoint: vec!["query".to_owned()], parameters }
}

fn range(query: String, first_ms: i64, last_ms: i64, step_ms: i64) -> Request {
    let mut parameters = vec![("query", query), ("start", seconds(first_ms)), ("end", seconds(last_ms)), ("step", seconds(step_ms))];
    parameters.extend(strictness());
    Request { endpoint: vec!["query_range".to_owned()], parameters }
}

fn strictness() -> [(&'static str, String); 5] {
    [
        ("partial_response", "false".to_owned()),
        ("dedup", "true".to_owned()),
        ("max_source_resolution", "0s".to_owned()),
        ("nocache", "1".to_owned()),
        ("deny_partial_response", "1".to_owned()),
    ]
}

/// Raw samples of a selector: the ones that were scraped, at their own times. `pieces` says into how many requests the
/// span is cut to begin with.
///
/// Times on the wire are whole seconds, just outside the span; which edge a server includes is then no matter
/// (Prometheus 2.42 includes the left one; Prometheus 3 and VictoriaMetrics 1.79 do not).
pub(super) async fn raw(client: &Client, selector: &str, span: Span, pieces: i64) -> Result<Gathered, SourceError> {
    let mut gathered = Gathered::default();
    let mut pending: VecDeque<Span> = cut(span, pieces.max(1)).into();
    let traffic = client.traffic();
    traffic.announce(pending.len());
    let mut sent = 0;
    while let Some(piece) = pending.pop_front() {
        traffic.take_back(1);
        let to = whole_second_after(piece.end_ms);
        let from = piece.start_ms.div_euclid(1000) * 1000;
        let query = format!("{selector}[{}]", duration(to - from));
        sent += 1;
        match client.ask::<Matrix>(&instant(query.clone(), to)).await {
            Ok(reply) => {
                gathered.add(reply.answer, |time| piece.start_ms < time && time <= piece.end_ms);
                append_new(&mut gathered.queries, [query]);
            }
            Err(error) if asks_too_much(&error.kind) && sent + pending.len() < MOST_PIECES && length(piece) >= 2 * SHORTEST_PIECE_MS => {
                for half in cut(piece, 2).into_iter().rev() {
                    traffic.announce(1);
                    pending.push_front(half);
                }
            }
            Err(error) => {
                traffic.take_back(pending.len());
                return Err(error);
            }
        }
    }
    Ok(gathered.settle())
}

/// Values of an expression at each window's end in the span.
pub(super) async fn at_window_ends(client: &Client, expression: &str, span: Span, step_ms: i64) -> Result<Gathered, SourceError> {
    let mut gathered = Gathered { queries: vec![expression.to_owned()], ..Gathered::default() };
    let Some((first, last)) = window_ends(span, step_ms) else { return Ok(gathered) };
    let mut pending = VecDeque::from([(first, last)]);
    let mut sent = 0;
    while let Some((from, to)) = pending.pop_front() {
        let points = (to - from) / step_ms + 1;
        if points > MOST_POINTS {
            let middle = from + (MOST_POINTS - 1) * step_ms;
            pending.push_front((middle + step_ms, to));
            pending.push_front((from, middle));
            continue;
        }
        sent += 1;
        match client.ask::<Matrix>(&range(expression.to_owned(), from, to, step_ms)).await {
            Ok(reply) => {
                let settled = settled_until(&reply, to);
                gathered.add(reply.answer, |time| from <= time && time <= settled);
                let unsettled = (from..=to).step_by(step_ms as usize).filter(|end| *end > settled);
                let asked_alone = unsettled.map(|end| async move {
                    let reply = client.ask::<Matrix>(&instant(expression.to_owned(), end)).await?;
                    Ok::<_, SourceError>((end, reply))
                });
                for (end, reply) in try_join_all(asked_alone).await? {
                    gathered.add(stamped(reply.answer, end), |time| time == end);
                }
            }
            Err(error) if asks_too_much(&error.kind) && sent + pending.len() < MOST_PIECES && points > 1 => {
                let middle = from + (points / 2 - 1) * step_ms;
                pending.push_front((middle + step_ms, to));
                pending.push_front((from, middle));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(gathered.settle())
}

/// Up to which window end a range query's values can be believed.
fn settled_until(reply: &Reply<Matrix>, last: i64) -> i64 {
    match reply.server_ms {
        Some(now) if reply.from_victoria => last.min(now - VICTORIA_UNSETTLED_MS),
        Some(_) | None => last,
    }
}

/// An instant query answers for the time it was asked for; servers may print that time rounded.
fn stamped(mut answer: Answer<Matrix>, at_ms: i64) -> Answer<Matrix> {
    for series in &mut answer.data.result {
        for (time, _) in &mut series.values {
            *time = at_ms;
        }
    }
    answer
}

/// The first and the last window end in a span; ends are whole multiples of the step.
pub(super) fn window_ends(span: Span, step_ms: i64) -> Option<(i64, i64)> {
    if step_ms <= 0 {
        return None;
    }
    let first = span.start_ms.div_euclid(step_ms).checked_add(1)?.checked_mul(step_ms)?;
    let last = span.end_ms.div_euclid(step_ms) * step_ms;
    (first <= last).then_some((first, last))
}

fn whole_second_after(ms: i64) -> i64 {
    -(-ms).div_euclid(1000) * 1000
}

fn length(span: Span) -> i64 {
    span.end_ms - span.start_ms
}

/// Cuts a span into about equal pieces, at whole seconds.
fn cut(span: Span, pieces: i64) -> Vec<Span> {
    let piece = (length(span) / pieces).max(SHORTEST_PIECE_MS / 2);
    let mut cuts = Vec::new();
    let mut start = span.start_ms;
    while start < span.end_ms {
        let end = whole_second_after(start + piece);
        // A short rest goes with the last piece.
        let end = if span.end_ms - end < piece / 2 { span.end_ms } else { end };
        cuts.push(Span { start_ms: start, end_ms: end });
        start = end;
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_end_at_multiples_of_the_step() {
        let span = |start_ms, end_ms| Span { start_ms, end_ms };
        assert_eq!(window_ends(span(0, 60_000), 15_000), Some((15_000, 60_000)));
        assert_eq!(window_ends(span(-1, 59_999), 15_000), Some((0, 45_000)));
        assert_eq!(window_ends(span(1, 14_999), 15_000), None);
        assert_eq!(window_ends(span(1, 2), 0), None);
    }

    #[test]
    fn cuts_cover_a_span_without_overlap() {
        for (start_ms, end_ms, pieces) in [(500, 3_600_250, 7), (0, 1, 4), (-7_000, 90_000, 2), (0, 60_000, 1)] {
            let cuts = cut(Span { start_ms, end_ms }, pieces);
            assert_eq!((cuts[0].start_ms, cuts[cuts.len() - 1].end_ms), (start_ms, end_ms));
            assert!(cuts.windows(2).all(|pair| pair[0].end_ms == pair[1].start_ms && pair[0].end_ms % 1000 == 0));
            assert!(cuts.len() <= pieces as usize);
        }
        assert!(cut(Span { start_ms: 5, end_ms: 5 }, 3).is_empty());
    }

    #[test]
    fn a_sample_at_a_cut_counts_once() {
        let body =
            br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"1"],[2,"2"],[3,"3"]]}]}}"#;
        let mut gathered = Gathered::default();
        for _ in 0..2 {
            gathered.add(super::super::wire::decode(body).unwrap(), |time| 1000 < time && time <= 3000);
        }
        let readings = gathered.settle().series.into_values().next().unwrap();
        assert_eq!(readings.values, [(2000, 2.0), (3000, 3.0)]);
    }

    #[test]
    fn the_servers_words_for_too_much_are_known() {
        for words in [
            "query processing would load too many samples into memory in query execution",
            "cannot select more than -search.maxSamplesPerQuery=1000000000 samples",
            "the query exceeded the maximum number of chunks (limit: 2000000 chunks) (err-mimir-max-chunks-per-query)",
        ] {
            assert!(asks_too_much(&SourceErrorKind::Query { query: String::new(), message: words.to_owned() }), "{words}");
        }
        assert!(!asks_too_much(&SourceErrorKind::Query { query: String::new(), message: "parse error".to_owned() }));
    }
}
