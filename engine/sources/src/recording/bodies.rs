//! Verbatim `query_range` bodies of a Prometheus as series.

use std::path::Path;

use davy_judge::arm::Arm;

use crate::align::Track;
use crate::matching::LabelFilter;
use crate::prometheus::decode_matrix;
use crate::recording::{Body, Manifest, RecordError};
use crate::samples::{Part, Samples, Series, StreamData, StreamSpec};

/// What a body holds for its stream. Its series are given to the arms by the plan's matchers; a series of neither arm is
/// left out, one of both is an error.
pub(super) fn decode(manifest: &Manifest, body: &Body, file: &Path, bytes: &[u8]) -> Result<StreamData, RecordError> {
    let wrong = |expected: &str, found: String| RecordError::content(file, None, expected, found);
    let filter = |arm: Arm| LabelFilter::new(manifest.plan.arms.get(arm)).map_err(|error| wrong("matchers of arms", error));
    let (baseline, canary) = (filter(Arm::Baseline)?, filter(Arm::Canary)?);
    let history_from = manifest.plan.history_from.as_deref().map(LabelFilter::new).transpose();
    let history_from = history_from.map_err(|error| wrong("matchers of the history", error))?;
    let spec = manifest.plan.streams.get(body.stream).ok_or_else(|| wrong("a stream of the plan", body.stream.to_string()))?;
    let decoded = decode_matrix(bytes).map_err(|error| wrong("the body of a query_range", error.to_string()))?;
    let mut data = StreamData { warnings: decoded.warnings, notes: decoded.infos, ..StreamData::default() };
    for series in decoded.series {
        let arm = match body.part {
            Part::History => history_from.as_ref().unwrap_or(&baseline).matches(&series.labels).then_some(Arm::Baseline),
            Part::Run => match (baseline.matches(&series.labels), canary.matches(&series.labels)) {
                (true, true) => return Err(wrong("series of one arm each", format!("one of both: {:?}", series.labels))),
                (true, false) => Some(Arm::Baseline),
                (false, true) => Some(Arm::Canary),
                (false, false) => None,
            },
        };
        let Some(arm) = arm else { continue };
        // Order and uniqueness are promised of samples, and a file may hold anything.
        let mut floats = Track::default();
        let finite = |(_, value): &(i64, f64)| value.is_finite();
        let samples = match spec {
            StreamSpec::Expression(_) => {
                floats.insert_all(series.values);
                Samples::Value(floats.points().to_vec())
            }
            StreamSpec::Histogram(_) if series.values.is_empty() => {
                let mut natives = Track::default();
                natives.insert_all(series.histograms);
                Samples::Native(natives.points().to_vec())
            }
            StreamSpec::Counter(_) | StreamSpec::Histogram(_) => {
                floats.insert_all(series.values.into_iter().filter(finite).collect());
                Samples::Counter(floats.points().to_vec())
            }
        };
        data.series.push(Series { arm, labels: series.labels, samples });
    }
    data.series.sort_by(|left, right| (left.arm, &left.labels).cmp(&(right.arm, &right.labels)));
    Ok(data)
}
