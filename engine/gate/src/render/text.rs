//! The report as one screen of text.

use anstyle::{AnsiColor, Style};

use crate::render::ascii::to_ascii;
use crate::render::case::Case;
use crate::render::{kayenta, picture, places};
use crate::report::{FindingReport, Report};
use crate::words;

/// How the text may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns, at least 40.
    pub width: usize,
    /// Terminal colours.
    pub colour: bool,
    /// Plain ASCII pictures.
    pub ascii: bool,
}

/// The least width that is used.
const LEAST_WIDTH: usize = 60;
/// The width of an interval's picture.
const INTERVAL: usize = 25;

/// Every case as text, each under its name where there are several.
pub fn to_texts(cases: &[Case<'_>], look: Look) -> String {
    let shown: Vec<String> = cases
        .iter()
        .map(|case| {
            let name = if case.name.is_empty() { String::new() } else { format!("{}\n", case.name) };
            let difference = case.difference.map_or_else(String::new, |difference| format!("  DIFFERS: {difference}\n"));
            match case.outcome {
                Ok(report) => {
                    let compared = kayenta::line(case, report).map_or_else(String::new, |said| {
                        let mut text = String::from("\n");
                        push_wrapped(&mut text, &format!("compared: {said}"), look.width.max(LEAST_WIDTH), "  ");
                        text
                    });
                    format!("{name}{}{difference}{compared}{}", to_text(report, look), hints(report))
                }
                Err(why) => format!("{name}NO ANALYSIS  {why}\n"),
            }
        })
        .collect();
    let text = shown.join("\n");
    if look.ascii { to_ascii(&text) } else { text }
}

/// What helps to mend an analysis: why an arm is empty, and which values exist.
fn hints(report: &Report) -> String {
    report.timings.iter().flat_map(|timings| &timings.notes).map(|hint| format!("  {hint}\n")).collect()
}

/// The report as text: the verdict and its reason, a row and a picture per metric, what is still needed.
pub fn to_text(report: &Report, look: Look) -> String {
    let width = look.width.max(LEAST_WIDTH);
    let mut text = String::new();
    let word = report.verdict.to_uppercase();
    let style = if look.colour { verdict_style(report.verdict) } else { Style::new() };
    let shadow = if report.mode == "shadow" { format!(" (SHADOW: the action is {})", report.action) } else { String::new() };
    let so_far = if report.is_final { "" } else { " so far" };
    text.push_str(&format!("{style}{word}{style:#}{so_far}{shadow}  {}\n", report.rules.name));
    push_wrapped(&mut text, &report.reason, width, "  ");
    text.push_str(&format!(
        "  canary {} against baseline {}; {} of {} judged; score {}\n",
        report.arms.canary,
        report.arms.baseline,
        words::windows(report.window.judged),
        words::duration((report.window.step.get() * 1e3) as i64),
        words::digits(report.score.get()),
    ));
    let names = report.findings.iter().map(|finding| finding.metric.chars().count()).max().unwrap_or(0);
    for finding in &report.findings {
        text.push('\n');
        push_finding(&mut text, finding, names, width, look);
    }
    if !report.warnings.is_empty() {
        text.push('\n');
        for warning in &report.warnings {
            push_wrapped(&mut text, &format!("note: {warning}"), width, "  ");
        }
    }
    if look.ascii { to_ascii(&text) } else { text }
}

fn verdict_style(verdict: &str) -> Style {
    let hue = match verdict {
        "promote" => AnsiColor::Green,
        "rollback" => AnsiColor::Red,
        _ => AnsiColor::Yellow,
    };
    Style::new().bold().fg_color(Some(hue.into()))
}

fn outcome_style(outcome: &str) -> Style {
    let hue = match outcome {
        "pass" => AnsiColor::Green,
        "breach" => AnsiColor::Red,
        "suspect" => AnsiColor::Magenta,
        _ => AnsiColor::Yellow,
    };
    Style::new().fg_color(Some(hue.into()))
}

fn push_finding(text: &mut String, finding: &FindingReport, names: usize, width: usize, look: Look) {
    let style = if look.colour { outcome_style(finding.outcome) } else { Style::new() };
    let sign = match (finding.outcome, look.ascii) {
        ("pass", false) => "✓",
        ("breach", false) => "✗",
        ("suspect", false) => "▲",
        ("pass", true) => "+",
        ("breach", true) => "x",
        ("suspect", true) => "!",
        (_, false) => "…",
        (_, true) => ".",
    };
    let role = if finding.required { "required" } else { finding.on_breach };
    // Where Kayenta decides, odds decide nothing.
    let odds = match finding.method {
        "kayenta" => String::new(),
        _ => {
            let [harm, safe] = [finding.evidence.ln_harm, finding.evidence.ln_safe].map(|ln| words::odds(ln.get()));
            format!("; harm {harm}, safe {safe}")
        }
    };
    text.push_str(&format!(
        "  {style}{sign} {:<names$}  {}{style:#} ({role}, {}){odds}\n",
        finding.metric, finding.outcome, finding.method
    ));
    push_wrapped(text, &finding.reason, width, "      ");
    for line in places::lines(finding, look.ascii) {
        push_wrapped(text, &line, width, "      ");
    }
    if let Some(picture) = picture(finding, width, look) {
        text.push_str(&format!("      {picture}\n"));
    }
}

/// Both arms' series and the interval, in one line.
fn picture(finding: &FindingReport, width: usize, look: Look) -> Option<String> {
    let bars = (width.saturating_sub(6 + 24 + INTERVAL + 4) / 2).clamp(8, 40);
    let [baseline, canary] = picture::series(finding, bars, look.ascii)?;
    let series = format!("baseline {baseline}  canary {canary}");
    Some(match picture::effect(finding, INTERVAL, look.ascii) {
        Some(effect) => format!("{series}  {effect}"),
        None => series,
    })
}

/// Breaks lines between words.
pub(super) fn push_wrapped(text: &mut String, words: &str, width: usize, indent: &str) {
    let mut column = 0;
    for word in words.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            text.push('\n');
            column = 0;
        }
        if column == 0 {
            text.push_str(indent);
            column = indent.len();
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
}
