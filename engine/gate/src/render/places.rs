//! Where a metric is worst, a line each: slices, instances, traces.

use crate::report::{FindingReport, InstanceReport, SliceReport};
use crate::rules::rule_set::Unit;
use crate::words;

/// Lines for slices that are not named: enough to see where to look.
const UNNAMED: usize = 1;
/// Lines for slices at all.
const MOST: usize = 5;
/// Traces that are shown; the JSON has them all.
const TRACES: usize = 3;

/// The lines below a metric's sentence.
pub(super) fn lines(finding: &FindingReport, ascii: bool) -> Vec<String> {
    let is_named = |slice: &&SliceReport| slice.keeps_waiting || matches!(slice.outcome, "breach" | "suspect");
    let named: Vec<&SliceReport> = finding.slices.iter().filter(is_named).take(MOST).collect();
    let speaks = |slice: &&SliceReport| slice.evidence.ln_harm.get() > 0.0;
    let shown = if named.is_empty() { finding.slices.iter().filter(speaks).take(UNNAMED).collect() } else { named };
    let mut lines: Vec<String> = shown.into_iter().map(|slice| line(slice, ascii)).collect();
    lines.extend(worst_instance(finding));
    lines.extend(traces(finding));
    lines
}

fn line(slice: &SliceReport, ascii: bool) -> String {
    let sign = match (slice.outcome, ascii) {
        ("breach", false) => "✗",
        ("breach", true) => "x",
        ("suspect", false) => "▲",
        ("suspect", true) => "!",
        (_, false) => "·",
        (_, true) => "-",
    };
    format!("{sign} in {}; harm {}", slice.reason, words::odds(slice.evidence.ln_harm.get()))
}

/// The worst instance, where it stands out and others do not: else the canary's own line says it.
fn worst_instance(finding: &FindingReport) -> Option<String> {
    let worst = finding.instances.first().filter(|worst| worst.stands_out)?;
    finding.instances.iter().any(|other| !other.stands_out).then(|| {
        let InstanceReport { name, reason, ln_harm, .. } = worst;
        format!("worst instance {name}: {reason}; harm {}", words::odds(ln_harm.get()))
    })
}

fn traces(finding: &FindingReport) -> Option<String> {
    let unit = match finding.canary.unit {
        "s" => Unit::Seconds,
        "ms" => Unit::Milliseconds,
        _ => Unit::Plain,
    };
    let is_latency = unit != Unit::Plain;
    let trace = |found: &crate::exemplars::ExemplarReport| {
        let value = if is_latency { format!(" ({})", words::value(found.value.get(), unit)) } else { String::new() };
        format!("{}{value}", found.trace_id)
    };
    let shown: Vec<String> = finding.exemplars.iter().take(TRACES).map(trace).collect();
    (!shown.is_empty()).then(|| format!("traces: {}", shown.join(", ")))
}
