//! The answer as `NAME=value` lines, for later jobs: GitLab's `artifacts:reports:dotenv`, or a shell.
//!
//! GitLab takes one line per variable, no quotes, and 5 KiB in all; a shell would run what stands in them. So the values are
//! words, numbers and metric names, never a sentence, a label or a server's text.

use crate::render::case::{Case, worst};
use crate::render::figures;
use crate::words;

/// The most that GitLab reads, in bytes.
pub const MOST_BYTES: usize = 5 * 1024;
/// Room for the list of metrics; the rest takes far less than 1 KiB.
const LIST_BYTES: usize = MOST_BYTES - 1024;

/// The variables. Of several cases the worst verdict, the least score, and all metrics in breach.
pub fn to_dotenv(cases: &[Case<'_>]) -> String {
    let reports = || cases.iter().filter_map(|case| case.outcome.ok());
    let score = reports().map(|report| report.score.get()).min_by(f64::total_cmp).filter(|_| reports().count() == cases.len());
    let failed: Vec<&str> = reports().flat_map(figures::failed).collect();
    let mut lines = vec![
        format!("DAVY_VERDICT={}", worst(cases.iter().map(Case::verdict))),
        format!("DAVY_ACTION={}", worst(cases.iter().map(Case::action))),
        format!("DAVY_SCORE={}", score.map_or_else(String::new, words::digits)),
        format!("DAVY_FAILED={}", list(&failed)),
        format!("DAVY_FAILED_COUNT={}", failed.len()),
    ];
    if let [Case { outcome: Ok(report), .. }] = cases {
        lines.push(format!("DAVY_ANALYSIS_ID={}", plain(&report.analysis_id)));
        lines.push(format!("DAVY_WINDOWS={}", report.window.judged));
        lines.push(format!("DAVY_FINAL={}", report.is_final));
    }
    lines.join("\n") + "\n"
}

/// As many names as there is room for, each once, with commas.
fn list(names: &[&str]) -> String {
    let mut text = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for name in names.iter().filter(|name| seen.insert(**name)) {
        if text.len() + name.len() + 1 > LIST_BYTES {
            break;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&plain(name));
    }
    text
}

/// A report that was written by hand may hold anything.
fn plain(text: &str) -> String {
    text.chars().take(200).map(|sign| if sign.is_alphanumeric() || "_-.:/".contains(sign) { sign } else { '_' }).collect()
}
