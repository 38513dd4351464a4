//! The rules and the plan of a cell: real rule files, read as users' are.

use anyhow::{Context, anyhow};
use davy_gate::plan::Plan;
use davy_gate::rules::{Options, load_str};
use davy_sources::recording::Weight;

use crate::cell::{Cell, Metric, Split};

/// A window, ms.
pub const STEP_MS: i64 = 60_000;
/// Windows that are skipped at the start and after each traffic step: the default at this step.
pub const WARM_UP: usize = 5;
/// Windows that are judged at most, over all traffic steps.
pub const JUDGED: usize = 60;
/// Windows of history: two hours; four where the arms are of one size, because the halves of the baseline are one row then.
const HISTORY: usize = 120;
/// Requests per window in both arms together.
pub const REQUESTS: f64 = 20_000.0;
/// When the first replicate begins, ms since the epoch: a multiple of the step.
const BEGIN_MS: i64 = 1_800_000_000_000 - 1_800_000_000_000 % STEP_MS;

/// Windows of a cell's run, and which of them are judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// Windows before the run.
    pub history: usize,
    /// The canary's share, window by window of the run.
    pub shares: Vec<f64>,
    /// Windows of the run that are judged, by their index.
    pub judged: Vec<usize>,
}

impl Timeline {
    /// Of a cell.
    pub fn of(cell: &Cell) -> Timeline {
        let shares = cell.split.shares();
        let judged_in_step = JUDGED / shares.len();
        let step = WARM_UP + judged_in_step;
        let windows = step * shares.len();
        Timeline {
            history: if cell.split == Split::Half && cell.metric != Metric::P99 { 2 * HISTORY } else { HISTORY },
            shares: (0..windows).map(|at| shares[at / step]).collect(),
            judged: (0..windows).filter(|at| at % step >= WARM_UP).collect(),
        }
    }

    /// Windows of the run.
    pub fn windows(&self) -> usize {
        self.shares.len()
    }
}

/// The rule file of a cell.
pub fn yaml(cell: &Cell) -> String {
    let timeline = Timeline::of(cell);
    let history = if cell.history { format!("{{ last: {}m, instance: pod }}", timeline.history) } else { "false".to_owned() };
    let tolerance = format!("{}%", (cell.tolerance() * 100.0).round());
    let metrics: Vec<String> = (0..cell.metrics)
        .map(|number| match cell.metric {
            Metric::P99 => format!("  - {{ name: p99_{number}, promql: 'p99_{number}{{ {{{{arm}}}} }}', tolerance: {tolerance} }}\n"),
            Metric::Native | Metric::Classic => {
                format!("  - {{ name: latency, histogram: latency_seconds, quantile: 0.99, tolerance: {tolerance} }}\n")
            }
            Metric::Errors => {
                format!("  - {{ name: errors, ratio: {{ events: errors_total, total: requests_total }}, tolerance: {tolerance} }}\n")
            }
            Metric::Throughput => {
                format!("  - {{ name: throughput, rate: requests_total, worse: lower, tolerance: {tolerance}, on_breach: rollback }}\n")
            }
        })
        .collect();
    // Whoever expects harm that begins late lets the canary bake: nothing is promoted before the deadline.
    let least = if cell.onset() > 0 { format!(", min_windows: {JUDGED}") } else { String::new() };
    let canary = (cell.split.shares()[0] * 100.0).round();
    let split = if cell.metric == Metric::Throughput && cell.split != Split::Ramp {
        format!("\n  expected_split: {{ baseline: {}, canary: {canary} }}", 100.0 - canary)
    } else {
        String::new()
    };
    format!(
        "schema: davy/v1\nname: characteristics\narms:\n  baseline: {{ version: v1 }}\n  canary: {{ version: v2 }}{split}\n\
         history: {history}\nwindow: {{ step: 60s, warmup: {WARM_UP}m, deadline: {}m{least} }}\nmetrics:\n{}",
        timeline.windows(),
        metrics.concat(),
    )
}

/// The plan of one replicate. Each begins at a time of its own, so that the thinning of pseudo-canaries draws anew.
///
/// # Errors
/// Rules that are none.
pub fn plan(cell: &Cell, replicate: u64) -> anyhow::Result<Plan> {
    let text = yaml(cell);
    let rules = load_str("characteristics", &text, &Options::default()).map_err(|found| anyhow!("{found}")).context(text)?;
    let start_ms = BEGIN_MS + i64::try_from(replicate).unwrap_or(0) * STEP_MS;
    let shares = cell.split.shares();
    let each = (WARM_UP + JUDGED / shares.len()) as i64 * STEP_MS;
    let weight = |(step, share): (usize, &f64)| Weight { time_ms: start_ms + step as i64 * each, weight: share * 100.0 };
    let weights = if shares.len() > 1 { shares.iter().enumerate().map(weight).collect() } else { Vec::new() };
    Plan::new(rules, STEP_MS, None, start_ms, weights).map_err(|error| anyhow!("{error}"))
}
