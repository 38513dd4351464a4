//! Says why an arm is empty: which matcher matched nothing, and what there is instead. For people; changes no verdict.

use davy_judge::arm::Arm;

use super::client::Client;
use super::gather::instant;
use super::history::label_values;
use super::promql::{duration, seconds, selector};
use super::wire::Matrix;
use crate::error::SourceError;
use crate::samples::{FetchPlan, MatchOp, Matcher, Selector, Span, StreamSpec};

/// How many values or names are shown.
const SHOWN: usize = 5;
/// How much of a value is shown, in characters.
const SHOWN_CHARS: usize = 60;
/// How many labels are looked into, the most alike first.
const LABELS_LOOKED_AT: usize = 12;
/// Beyond this many characters two names are not compared.
const COMPARED_CHARS: usize = 128;

/// The first stream whose emptiness can be explained.
pub(super) async fn explain_empty(client: &Client, plan: &FetchPlan, arm: Arm, span: Span) -> Option<String> {
    for stream in &plan.streams {
        let names = match stream {
            StreamSpec::Counter(metric) => vec![metric.name.clone()],
            StreamSpec::Histogram(metric) => vec![metric.name.clone(), format!("{}_bucket", metric.name)],
            StreamSpec::Expression(_) => continue,
        };
        let (StreamSpec::Counter(metric) | StreamSpec::Histogram(metric)) = stream else { continue };
        let question = Question { client, metric, names, span };
        match question.explain(plan.arms.get(arm)).await {
            Ok(Some(text)) => return Some(text),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "cannot explain an empty arm"),
        }
    }
    None
}

struct Question<'q> {
    client: &'q Client,
    metric: &'q Selector,
    names: Vec<String>,
    span: Span,
}

impl Question<'_> {
    async fn explain(&self, arm: &[Matcher]) -> Result<Option<String>, SourceError> {
        // The arm's matchers first: they are what a user types anew for each rollout.
        let matchers: Vec<Matcher> = arm.iter().chain(&self.metric.matchers).cloned().collect();
        if self.any(&matchers).await? {
            return Ok(None);
        }
        if !self.any(&[]).await? {
            return self.unknown_name().await.map(Some);
        }
        for dropped in 0..matchers.len() {
            let mut others = matchers.clone();
            let culprit = others.remove(dropped);
            if self.any(&others).await? {
                return self.blame(&culprit, &others).await.map(Some);
            }
        }
        // No single one: add them one by one until nothing is left, the metric's own first.
        let mut held: Vec<Matcher> = Vec::new();
        for matcher in self.metric.matchers.iter().chain(arm) {
            held.push(matcher.clone());
            if !self.any(&held).await? {
                held.pop();
                return self.blame(matcher, &held).await.map(Some);
            }
        }
        Ok(None)
    }

    fn selector(&self, matchers: &[Matcher]) -> String {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        selector(&names, matchers)
    }

    /// Whether any series has a sample in the span.
    async fn any(&self, matchers: &[Matcher]) -> Result<bool, SourceError> {
        let length = duration((self.span.end_ms - self.span.start_ms).max(1000));
        let query = format!("count(last_over_time({}[{length}]))", self.selector(matchers));
        let reply = self.client.ask::<Matrix>(&instant(query, self.span.end_ms)).await?;
        Ok(!reply.answer.data.result.is_empty())
    }

    async fn values(&self, label: &str, matchers: &[Matcher]) -> Result<Vec<String>, SourceError> {
        let request = label_values(label, &self.selector(matchers), self.span);
        Ok(self.client.ask::<Vec<String>>(&request).await?.answer.data)
    }

    async fn blame(&self, culprit: &Matcher, others: &[Matcher]) -> Result<String, SourceError> {
        let named = selector(&[&self.metric.name], others);
        let values = self.values(&culprit.label, others).await?;
        if values.is_empty() {
            return Ok(format!("no series of {named} has the label {}{}", culprit.label, self.tell_apart(culprit, others).await?));
        }
        if culprit.op == MatchOp::Equal && values.contains(&culprit.value) {
            return Ok(format!("series of {named} with {culprit} exist, but have no sample in the time asked for"));
        }
        Ok(format!("no series of {named} has {culprit}; values there: {}", shown(nearest(&culprit.value, values))))
    }

    /// Which labels the series have instead: where the value stands, else those that tell series apart.
    async fn tell_apart(&self, culprit: &Matcher, others: &[Matcher]) -> Result<String, SourceError> {
        let parameters =
            vec![("match[]", self.selector(others)), ("start", seconds(self.span.start_ms)), ("end", seconds(self.span.end_ms))];
        let request = super::client::Request { endpoint: vec!["labels".to_owned()], parameters };
        let mut labels = nearest(&culprit.label, self.client.ask::<Vec<String>>(&request).await?.answer.data);
        labels.retain(|label| label != "__name__" && label != "le");
        labels.truncate(LABELS_LOOKED_AT);
        let mut telling = Vec::new();
        for label in labels {
            let values = self.values(&label, others).await?;
            let label = printable(&label);
            if culprit.op == MatchOp::Equal && values.contains(&culprit.value) {
                return Ok(format!("; {} stands in the label {label}", printable(&culprit.value)));
            }
            if values.len() > 1 {
                telling.push(format!("{label} ({})", shown(nearest(&culprit.value, values))));
            }
        }
        Ok(if telling.is_empty() {
            "; no label tells its series apart".to_owned()
        } else {
            telling.truncate(SHOWN);
            format!("; labels that tell series apart: {}", telling.join(", "))
        })
    }

    async fn unknown_name(&self) -> Result<String, SourceError> {
        let name = &self.metric.name;
        let request = super::client::Request {
            endpoint: vec!["label".to_owned(), "__name__".to_owned(), "values".to_owned()],
            parameters: label_values("", "", self.span).parameters.into_iter().filter(|(key, _)| *key != "match[]").collect(),
        };
        let mut known = self.client.ask::<Vec<String>>(&request).await?.answer.data;
        if self.names.iter().any(|wanted| known.contains(wanted)) {
            return Ok(format!("{name} exists, but has no sample in the time asked for"));
        }
        if self.names.len() > 1 {
            // A histogram is named without its suffix.
            known = known.into_iter().filter_map(|name| name.strip_suffix("_bucket").map(str::to_owned)).collect();
        }
        let close = (name.chars().count() / 3).max(3);
        known.retain(|other| distance(name, other) <= close);
        if known.is_empty() {
            return Ok(format!("no series is named {name}"));
        }
        Ok(format!("no series is named {name}; did you mean {}?", shown(nearest(name, known))))
    }
}

/// Sorted by likeness, then alphabetically.
pub(crate) fn nearest(wanted: &str, mut values: Vec<String>) -> Vec<String> {
    values.sort();
    values.dedup();
    values.sort_by_cached_key(|value| distance(wanted, value));
    values
}

/// The first values in one line that is safe to print.
pub(crate) fn shown(values: Vec<String>) -> String {
    let more = values.len().saturating_sub(SHOWN);
    let mut texts: Vec<String> = values.into_iter().take(SHOWN).map(|value| printable(&value)).collect();
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    texts.join(", ")
}

fn printable(value: &str) -> String {
    let mut text: String = value.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if value.chars().count() > SHOWN_CHARS {
        text.push('…');
    }
    if text.is_empty() { "\"\"".to_owned() } else { text }
}

/// How many characters must be inserted, deleted or replaced (Levenshtein).
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().take(COMPARED_CHARS).collect();
    let other: Vec<char> = other.chars().take(COMPARED_CHARS).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (one, other, edits) in [("", "", 0), ("v1", "v2", 1), ("kitten", "sitting", 3), ("abc", "", 3), ("totl", "total", 1)] {
            assert_eq!(distance(one, other), edits, "{one} {other}");
            assert_eq!(distance(other, one), edits, "{other} {one}");
        }
    }

    #[test]
    fn the_nearest_values_come_first() {
        let values = ["v10", "v2", "stable", "v1", "v2"].map(str::to_owned).to_vec();
        assert_eq!(nearest("v3", values), ["v1", "v2", "v10", "stable"]);
    }

    #[test]
    fn what_is_shown_is_short_and_safe() {
        let values =
            vec!["a\x1b[31m\n".to_owned(), "x".repeat(500), String::new(), "b".to_owned(), "c".to_owned(), "d".to_owned(), "e".to_owned()];
        let text = shown(values);
        assert!(text.chars().count() < 120 && !text.contains(char::is_control) && text.ends_with("and 2 more"), "{text}");
    }
}
