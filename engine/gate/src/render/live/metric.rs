//! A metric of the live view: one line where there is room, else two.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::line::{Line, fitted, right};
use crate::number::Number;
use crate::render::{figures, picture, places};
use crate::report::FindingReport;
use crate::words;

/// The longest name that has a column of its own.
const LONGEST_NAME: usize = 20;
/// Below this many columns a metric shows only what matters most.
const NARROW: usize = 64;
/// The widths of an interval's picture.
const INTERVAL: usize = 25;
const SHORT_INTERVAL: usize = 17;
/// Bars of a series: what they need, and what is enough.
const BARS: std::ops::RangeInclusive<usize> = 8..=30;
/// Columns of the wide layout.
const OUTCOME: usize = 12;
const VALUE: usize = 8;
const CHANGE: usize = 8;
const ODDS: usize = 7;
const LEFT: usize = 9;

/// How metrics are laid out in a width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One line each, in columns, with a head; bars per series.
    Wide {
        /// Columns of the names.
        names: usize,
        /// Bars per series.
        bars: usize,
    },
    /// Two lines each.
    Two {
        /// Columns of the names.
        names: usize,
    },
    /// Two short lines each.
    Narrow,
}

impl Layout {
    /// The layout for metrics of these names in these columns.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>, columns: usize) -> Layout {
        let longest = names.map(UnicodeWidthStr::width).max().unwrap_or(0);
        let names = longest.min(LONGEST_NAME);
        let fixed = 2 + names + 2 + OUTCOME + 2 * (2 + 1 + VALUE) + 2 + CHANGE + 2 + INTERVAL + 2 * (2 + ODDS) + 2 + LEFT;
        let bars = columns.saturating_sub(fixed) / 2;
        if bars >= *BARS.start() {
            return Layout::Wide { names, bars: bars.min(*BARS.end()) };
        }
        if columns < NARROW { Layout::Narrow } else { Layout::Two { names } }
    }

    /// The columns' names; none where there are no columns.
    pub fn head(self) -> Option<Line> {
        let Layout::Wide { names, bars } = self else { return None };
        let series = bars + 1 + VALUE;
        let text = format!(
            "  {}  {}  {}  {}  {}  {}  {}  {}  {}",
            fitted("metric", names),
            fitted("outcome", OUTCOME),
            fitted("baseline", series),
            fitted("canary", series),
            right("change", CHANGE),
            fitted("effect, ¦ tolerated", INTERVAL),
            right("harm", ODDS),
            right("safe", ODDS),
            right("windows", LEFT),
        );
        Some(Line::default().styled(Style::new().dimmed(), text))
    }

    /// A metric's lines, and one of its worst slice where there is something to say of it.
    pub fn lines(self, finding: &FindingReport, columns: usize, ascii: bool) -> Vec<Line> {
        let mut lines = self.own_lines(finding, columns, ascii);
        lines.extend(places::lines(finding, ascii).into_iter().take(1).map(|place| Line::of(format!("    {place}"))));
        lines
    }

    fn own_lines(self, finding: &FindingReport, columns: usize, ascii: bool) -> Vec<Line> {
        let style = style(finding.outcome);
        let sign = sign(finding.outcome, ascii);
        let (harm, safe) = (odds(finding.evidence.ln_harm), odds(finding.evidence.ln_safe));
        let pictures = |bars, width| (series(finding, bars, ascii), effect(finding, width, ascii));
        match self {
            Layout::Wide { names, bars } => {
                let ([baseline, canary], effect) = pictures(bars, INTERVAL);
                let value = |value: Option<Number>| right(&value_text(value, finding), VALUE);
                vec![
                    Line::default()
                        .styled(style, format!("{sign} {}  {}", fitted(&finding.metric, names), fitted(finding.outcome, OUTCOME)))
                        .plain(format!("  {} {}", fitted(&baseline, bars), value(finding.baseline.value)))
                        .plain(format!("  {} {}", fitted(&canary, bars), value(finding.canary.value)))
                        .plain(format!("  {}  {}", right(&change(finding), CHANGE), fitted(&effect, INTERVAL)))
                        .plain(format!("  {}  {}  {}", right(&harm, ODDS), right(&safe, ODDS), right(&left(finding), LEFT))),
                ]
            }
            Layout::Two { names } => {
                let width = if columns < 100 { SHORT_INTERVAL } else { INTERVAL };
                let tail = format!(
                    "  {}  {}  {}",
                    fitted(&format!("harm {harm}"), 12),
                    fitted(&format!("safe {safe}"), 12),
                    fitted(&left(finding), LEFT)
                );
                let bars = columns.saturating_sub(4 + 1 + 2 + width + tail.width()) / 2;
                let ([baseline, canary], effect) = pictures(bars.clamp(*BARS.start(), *BARS.end()), width);
                let tolerated =
                    if finding.tolerance.is_some() { format!(" ({} tolerated)", figures::tolerated(finding)) } else { String::new() };
                vec![
                    Line::default()
                        .styled(style, format!("{sign} {}  {}", fitted(&finding.metric, names), fitted(finding.outcome, OUTCOME)))
                        .plain(format!("  {}  {}{tolerated}", values(finding), change(finding))),
                    Line::of(format!("    {baseline} {canary}  {}{tail}", fitted(&effect, width))),
                ]
            }
            Layout::Narrow => {
                let ([baseline, canary], effect) = pictures(10, SHORT_INTERVAL);
                let leads_to_harm = finding.evidence.ln_harm.get() > finding.evidence.ln_safe.get();
                let evidence = if leads_to_harm { format!("harm {harm}") } else { format!("safe {safe}") };
                let change = change(finding);
                let gap = if change.is_empty() { "" } else { "  " };
                vec![
                    Line::default()
                        .styled(style, format!("{sign} {}  {}", finding.metric, finding.outcome))
                        .plain(format!("{gap}{change}  {evidence}")),
                    Line::of(format!("    {baseline} {canary}  {effect}")),
                ]
            }
        }
    }
}

/// The colour of an outcome; the word stands beside it.
pub fn style(outcome: &str) -> Style {
    match outcome {
        "pass" => AnsiColor::Green.on_default(),
        "breach" => AnsiColor::Red.on_default().bold(),
        "suspect" => AnsiColor::Magenta.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    }
}

fn sign(outcome: &str, ascii: bool) -> char {
    match (outcome, ascii) {
        ("pass", false) => '✓',
        ("breach", false) => '✗',
        ("suspect", false) => '▲',
        ("pass", true) => '+',
        ("breach", true) => 'x',
        ("suspect", true) => '!',
        (_, false) => '·',
        (_, true) => '.',
    }
}

/// Evidence in few signs: `250:1`, `1:2.5`, `15k:1`.
pub fn odds(ln: Number) -> String {
    let ln = ln.get();
    if !ln.is_finite() {
        return "-".to_owned();
    }
    let odds = ln.abs().exp();
    let text = match odds {
        odds if odds >= 1e9 => ">1G".to_owned(),
        odds if odds >= 1e6 => format!("{}M", two_digits(odds / 1e6)),
        odds if odds >= 1e3 => format!("{}k", two_digits(odds / 1e3)),
        odds => two_digits(odds),
    };
    if ln >= 0.0 { format!("{text}:1") } else { format!("1:{text}") }
}

fn two_digits(value: f64) -> String {
    words::digits(if value >= 100.0 {
        (value / 10.0).round() * 10.0
    } else if value >= 10.0 {
        value.round()
    } else {
        (value * 10.0).round() / 10.0
    })
}

fn left(finding: &FindingReport) -> String {
    match (finding.outcome, finding.remaining_windows) {
        ("pass" | "breach", _) => String::new(),
        (_, Some(windows)) => format!("~{windows} more"),
        (_, None) => "no end".to_owned(),
    }
}

fn values(finding: &FindingReport) -> String {
    match (finding.baseline.value, finding.canary.value) {
        (None, None) => "no data".to_owned(),
        (baseline, canary) => format!("{} → {}", value_text(baseline, finding), value_text(canary, finding)),
    }
}

fn value_text(value: Option<Number>, finding: &FindingReport) -> String {
    value.map_or_else(|| "none".to_owned(), |value| words::value(value.get(), figures::unit_of(finding)))
}

fn change(finding: &FindingReport) -> String {
    let Some(effect) = &finding.effect else { return String::new() };
    let Some(estimate) = effect.estimate else { return "?".to_owned() };
    figures::effect_value(finding, effect, estimate)
}

/// Both arms' series, as wide as each other.
fn series(finding: &FindingReport, bars: usize, ascii: bool) -> [String; 2] {
    let windows = finding.series.baseline.len();
    picture::series(finding, bars, ascii).map_or_else(Default::default, |arms| arms.map(|arm| fitted(&arm, bars.min(windows))))
}

fn effect(finding: &FindingReport, width: usize, ascii: bool) -> String {
    picture::effect(finding, width, ascii).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::number;

    #[test]
    fn odds_take_few_signs() {
        for (odds_for, text) in
            [(250.0, "250:1"), (0.4, "1:2.5"), (15_400.0, "15k:1"), (1.0, "1:1"), (2.5e6, "2.5M:1"), (1e12, ">1G:1"), (1234.0, "1.2k:1")]
        {
            assert_eq!(odds(number(f64::ln(odds_for))), text);
        }
        assert_eq!(odds(number(f64::NEG_INFINITY)), "-");
    }

    #[test]
    fn the_layout_follows_the_width() {
        let names = || ["latency_p99", "error_rate"].into_iter();
        assert_eq!(Layout::of(names(), 140), Layout::Wide { names: 11, bars: 12 });
        assert_eq!(Layout::of(names(), 80), Layout::Two { names: 11 });
        assert_eq!(Layout::of(names(), 50), Layout::Narrow);
    }
}
