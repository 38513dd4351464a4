//! What a waiting person may know of a run: its report so far, and where it stands in time.

use davy_sources::source::Source;

use crate::pipeline::Run;
use crate::report::{FindingReport, Report, report};

/// Where a run stands with its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The canary sent nothing yet.
    Waiting,
    /// Windows before this time, in ms since the epoch, are not judged.
    WarmingUp(i64),
    /// Windows are judged.
    Judging,
}

/// Evidence against what a verdict needs, as natural logarithms of odds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meter {
    /// What there is.
    pub ln: f64,
    /// What is needed.
    pub needed_ln: f64,
}

impl Meter {
    /// How much of what is needed is there, 0..=1.
    pub fn share(self) -> f64 {
        let share = self.ln / self.needed_ln;
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// A run at a moment. Taking one changes nothing in the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The report so far.
    pub report: Report,
    /// Where it stands.
    pub stage: Stage,
    /// When a hold becomes what the rules say, ms since the epoch.
    pub deadline_ms: i64,
    /// The windows' length.
    pub step_ms: i64,
    /// Weighted mean evidence of harm, of all rollback metrics.
    pub harm: Meter,
    /// The least evidence of safety, of all required metrics.
    pub safe: Meter,
}

impl Snapshot {
    /// The run as it stands.
    pub fn of<S: Source>(run: &Run<'_, S>) -> Snapshot {
        let plan = run.plan();
        let report = report(run, false);
        let required = report.findings.iter().filter(|finding| finding.required).map(|finding| finding.evidence.ln_safe.get());
        let least = required.reduce(|left, right| if left < right { left } else { right });
        let stage = match run.judged_from_ms() {
            None => Stage::Waiting,
            // The window that ends here may still be one of the warm-up.
            Some(from_ms) if run.ends_ms().last() != Some(&run.judged_to_ms()) => Stage::WarmingUp(from_ms),
            Some(_) => Stage::Judging,
        };
        Snapshot {
            stage,
            deadline_ms: plan.deadline_ms,
            step_ms: plan.step_ms,
            harm: Meter { ln: report.evidence.ln_harm.get(), needed_ln: report.evidence.ln_harm_needed.get() },
            safe: Meter { ln: least.unwrap_or(0.0), needed_ln: report.evidence.ln_safe_needed.get() },
            report,
        }
    }

    /// Windows until a verdict at the present pace; none where there is no end in sight.
    pub fn windows_left(&self) -> Option<usize> {
        let window = &self.report.window;
        let mut most = window.wanted.saturating_sub(window.judged_in_step);
        for finding in self.report.findings.iter().filter(|finding| finding.required && finding.outcome != "pass") {
            let left = finding.remaining_windows?;
            most = if left > most { left } else { most };
        }
        Some(most)
    }

    /// The metrics, worst first; equal ones in the rules' order.
    pub fn worst_first(&self) -> Vec<&FindingReport> {
        let mut findings: Vec<&FindingReport> = self.report.findings.iter().collect();
        findings.sort_by(|left, right| {
            let by_harm = right.evidence.ln_harm.get().total_cmp(&left.evidence.ln_harm.get());
            rank(left).cmp(&rank(right)).then(by_harm)
        });
        findings
    }
}

fn rank(finding: &FindingReport) -> u8 {
    match (finding.outcome, finding.on_breach, finding.required) {
        ("breach", "rollback", _) => 0,
        ("breach", "hold", _) => 1,
        ("suspect", _, _) => 2,
        ("breach", _, _) => 3,
        ("inconclusive", _, true) => 4,
        ("inconclusive", _, false) => 5,
        _ => 6,
    }
}
