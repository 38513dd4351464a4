//! `/api/v1/query_exemplars`: requests by their trace, where the server keeps them (`--enable-feature=exemplar-storage`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::client::{Client, Request};
use super::promql::{seconds, selector};
use crate::exemplars::{Exemplar, ExemplarRequest, largest, trace_id};

/// How many exemplars are kept of an answer: more traces than these nobody opens.
const MOST: usize = 5;
/// How long they are waited for: the verdict is there already.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSeries {
    #[serde(default)]
    series_labels: BTreeMap<String, String>,
    #[serde(default)]
    exemplars: Vec<WireExemplar>,
}

#[derive(Deserialize)]
struct WireExemplar {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    value: String,
    timestamp: f64,
}

/// The largest exemplars of some series; nothing where the server has none, does not know what they are, or does not answer.
pub(super) async fn exemplars(client: &Client, wanted: &ExemplarRequest) -> Vec<Exemplar> {
    let request = Request {
        endpoint: vec!["query_exemplars".to_owned()],
        parameters: vec![
            ("query", selector(&[&wanted.series.name], &wanted.series.matchers)),
            ("start", seconds(wanted.span.start_ms)),
            ("end", seconds(wanted.span.end_ms)),
        ],
    };
    match tokio::time::timeout(PATIENCE, client.ask::<Vec<WireSeries>>(&request)).await {
        Ok(Ok(reply)) => largest(reply.answer.data.into_iter().flat_map(of_series).collect(), MOST),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no exemplars");
            Vec::new()
        }
        Err(_) => {
            tracing::debug!("no exemplars within {PATIENCE:?}");
            Vec::new()
        }
    }
}

fn of_series(series: WireSeries) -> Vec<Exemplar> {
    let mut labels = series.series_labels;
    labels.retain(|label, _| !matches!(label.as_str(), "__name__" | "le"));
    let exemplar = |wire: WireExemplar| {
        #[expect(clippy::cast_possible_truncation, reason = "a time in milliseconds; a cast saturates")]
        let time_ms = (wire.timestamp * 1e3).round() as i64;
        let trace_id = trace_id(&wire.labels)?.to_owned();
        Some(Exemplar { trace_id, value: wire.value.parse().ok()?, time_ms, labels: labels.clone() })
    };
    series.exemplars.into_iter().filter_map(exemplar).collect()
}
