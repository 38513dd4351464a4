//! The live view where there is no terminal: one line when something changed, and a sign of life now and then.

use super::frame::{clock, counted};
use super::snapshot::{Snapshot, Stage};
use crate::report::FindingReport;
use crate::words;

/// A run says something at least this often: CI systems end jobs that are silent for long.
const SIGN_OF_LIFE_MS: i64 = 60_000;

/// Remembers what was said last.
#[derive(Debug, Clone, Default)]
pub struct PlainLines {
    said: Option<Said>,
}

/// What is worth a line when it changes.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    at_ms: i64,
    stage: Stage,
    verdict: &'static str,
    outcomes: Vec<&'static str>,
    traffic_steps: usize,
    is_troubled: bool,
}

impl PlainLines {
    /// The line to write at this time; none where there is nothing new. `is_troubled`: the source does not answer.
    pub fn next(&mut self, snapshot: &Snapshot, now_ms: i64, is_troubled: bool) -> Option<String> {
        let now = Said {
            at_ms: now_ms,
            stage: snapshot.stage,
            verdict: snapshot.report.verdict,
            outcomes: snapshot.report.findings.iter().map(|finding| finding.outcome).collect(),
            traffic_steps: snapshot.report.window.traffic_steps,
            is_troubled,
        };
        let is_news = self.said.as_ref().is_none_or(|said| {
            let is_old = now_ms - said.at_ms >= SIGN_OF_LIFE_MS;
            is_old || Said { at_ms: said.at_ms, ..now.clone() } != *said
        });
        if !is_news {
            return None;
        }
        self.said = Some(now);
        Some(line(snapshot, now_ms, is_troubled))
    }
}

/// `12:01:30 UTC hold so far: 12 windows judged, score 31; latency_p99 suspect, 2 pass; 41 m 20 s to the deadline`.
fn line(snapshot: &Snapshot, now_ms: i64, is_troubled: bool) -> String {
    let report = &snapshot.report;
    let so_far = if report.is_final { "" } else { " so far" };
    let shadow = if report.mode == "shadow" { " (SHADOW)" } else { "" };
    let left = words::duration(snapshot.deadline_ms - now_ms);
    let what = match snapshot.stage {
        Stage::Waiting => "waiting for the canary's first sample".to_owned(),
        Stage::WarmingUp(until_ms) => format!("the canary warms up, at least until {} UTC", clock(until_ms)),
        Stage::Judging => {
            let is_bad = |finding: &&FindingReport| matches!(finding.outcome, "breach" | "suspect");
            let bad = report.findings.iter().filter(is_bad).map(|finding| format!("{} {}", finding.metric, finding.outcome));
            let rest = counted(report.findings.iter().filter(|finding| !is_bad(finding)));
            let mut outcomes: Vec<String> = bad.collect();
            outcomes.extend((!rest.is_empty()).then_some(rest));
            let more = match snapshot.windows_left() {
                Some(windows) if windows > 0 && !report.is_final => format!("; about {} more at this pace", words::windows(windows)),
                Some(_) | None => String::new(),
            };
            let judged = words::windows(report.window.judged);
            format!("{judged} judged, score {}; {}{more}", words::digits(report.score.get()), outcomes.join(", "))
        }
    };
    let trouble = if is_troubled { "the source does not answer; " } else { "" };
    format!("{} UTC {}{so_far}{shadow}: {trouble}{what}; {left} to the deadline", clock(now_ms), report.verdict)
}
