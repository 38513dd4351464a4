//! Controllers that look at one number per window: Argo Rollouts and Flagger.

use crate::observed::Observed;

/// Argo Rollouts: a measurement of canary / baseline at most `limit` succeeds, any other fails (no number fails too, but a
/// window without data is an error, which is another budget); more than `failure_limit` failures of one metric end the run.
pub fn ratio(metrics: &[Observed], limit: f64, failure_limit: usize) -> Option<usize> {
    first(metrics, failure_limit + 1, |metric, window| {
        let (baseline, canary) = (metric.values.baseline[window], metric.values.canary[window]);
        let is_within = matches!(canary / baseline, ratio if ratio <= limit);
        let has_data = !baseline.is_nan() && !canary.is_nan();
        has_data && !is_within
    })
}

/// Flagger: a check of the canary above `limit` × nominal fails, and so does one without data; failures add up over the run and
/// over all metrics, one a window, and `threshold` of them roll back.
pub fn absolute(metrics: &[Observed], limit: f64, threshold: usize) -> Option<usize> {
    let windows = metrics.first()?.windows();
    let mut failed = 0;
    (0..windows).find_map(|window| {
        let is_failed = metrics.iter().any(|metric| !matches!(metric.values.canary[window], value if value <= limit * metric.nominal));
        failed += usize::from(is_failed);
        (failed >= threshold).then_some(window + 1)
    })
}

fn first(metrics: &[Observed], failures: usize, is_failed: impl Fn(&Observed, usize) -> bool) -> Option<usize> {
    let windows = metrics.first()?.windows();
    let mut failed = vec![0; metrics.len()];
    (0..windows).find_map(|window| {
        for (count, metric) in failed.iter_mut().zip(metrics) {
            *count += usize::from(is_failed(metric, window));
        }
        failed.iter().any(|count| *count >= failures).then_some(window + 1)
    })
}
