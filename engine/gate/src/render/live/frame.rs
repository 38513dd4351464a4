//! The live view: what a waiting person sees of a run on a terminal, as lines.
//!
//! Pure: a snapshot, a moment and a terminal's size give the lines. Nothing is told by colour alone.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::line::{Drawn, Line, wrapped};
use super::metric::Layout;
use super::snapshot::{Meter, Snapshot, Stage};
use crate::render::text::Look;
use crate::report::{ArmTexts, FindingReport};
use crate::words;

/// Columns before each line of the head, and of the labels in it.
const INDENT: usize = 2;
const LABEL: usize = 11;
/// Lines of a source's failure.
const TROUBLE_LINES: usize = 3;
/// The columns of a meter.
const METER: std::ops::RangeInclusive<usize> = 8..=30;
/// The columns of what stands beside a meter.
const BESIDE_METER: usize = 38;
/// Lines of the reason.
const REASON_LINES: usize = 2;
/// Below this many lines there is no room for meters.
const ROOM_FOR_METERS: usize = 14;
/// Below this many lines only the verdict, its reason and the time are shown.
const ROOM_FOR_MORE: usize = 6;

/// What changes while nothing is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment<'a> {
    /// The clock, ms since the epoch.
    pub now_ms: i64,
    /// When the source is asked next, ms since the epoch; none: it is being asked.
    pub next_ms: Option<i64>,
    /// What the source failed with, as long as it fails.
    pub trouble: Option<&'a str>,
    /// How far the requests are, while the source is asked.
    pub asking: Option<&'a str>,
}

/// The view in at most `rows` lines, each at most `look.width` columns wide.
pub fn frame(snapshot: &Snapshot, moment: Moment<'_>, rows: usize, look: Look) -> Vec<Drawn> {
    let mut lines = head(snapshot, moment, rows, look);
    lines.truncate(rows);
    lines.extend(metrics(snapshot, rows - lines.len(), look));
    lines.iter().map(|line| line.draw(look.width, look.colour, look.ascii)).collect()
}

fn head(snapshot: &Snapshot, moment: Moment<'_>, rows: usize, look: Look) -> Vec<Line> {
    let report = &snapshot.report;
    let room = look.width.saturating_sub(INDENT);
    let mut title = Line::default().styled(verdict_style(report.verdict), report.verdict.to_uppercase());
    title = title.plain(if report.is_final { "" } else { " so far" });
    if report.mode == "shadow" {
        title = title.plain(format!(" (SHADOW: the action is {})", report.action));
    }
    let mut lines = vec![title.plain(format!("  {}  score {}", report.rules.name, words::digits(report.score.get())))];
    let is_roomy = rows >= ROOM_FOR_METERS;
    let is_judging = report.window.judged > 0;
    if is_roomy {
        lines.push(Line::of(format!("  {}", arms_text(&report.arms, room))));
    }
    let reason_lines = if is_roomy { REASON_LINES } else { 1 };
    lines.extend(wrapped(&reason(snapshot, moment), room, reason_lines).into_iter().map(|line| Line::of(format!("  {line}"))));
    let room = room.saturating_sub(LABEL);
    let labelled = |label: &str, text: String| Line::of(format!("  {label:<LABEL$}{text}"));
    if is_roomy && is_judging {
        lines.push(labelled("promote", meter("safe", snapshot.safe, room, look)));
        lines.push(labelled("rollback", meter("harm", snapshot.harm, room, look)));
    }
    if rows >= ROOM_FOR_MORE && is_judging && !report.is_final {
        lines.push(labelled("windows", windows_text(snapshot, moment, room)));
    }
    if !report.is_final {
        lines.push(labelled("time left", time_text(snapshot, moment, room)));
    }
    if let Some(asking) = moment.asking {
        lines.push(labelled("asking", asking.to_owned()));
    }
    let trouble = moment.trouble.map(|trouble| wrapped(trouble, room, TROUBLE_LINES)).unwrap_or_default();
    for (index, text) in trouble.into_iter().enumerate() {
        let label = if index == 0 { "no answer" } else { "" };
        let style = AnsiColor::Yellow.on_default().bold();
        lines.push(Line::of("  ").styled(style, format!("{label:<LABEL$}")).plain(text));
    }
    lines
}

/// The first text that fits; else the last, which is cut.
fn first_that_fits<const N: usize>(texts: [String; N], columns: usize) -> String {
    let index = texts.iter().position(|text| text.width() <= columns).unwrap_or(N - 1);
    texts.into_iter().nth(index).unwrap_or_default()
}

/// Both arms' matchers; where there is little room, without those that are the same.
fn arms_text(arms: &ArmTexts, columns: usize) -> String {
    let text = |baseline: &str, canary: &str| format!("canary {canary} against baseline {baseline}");
    let (baseline, canary) = (matchers(&arms.baseline), matchers(&arms.canary));
    let own = |mine: &[&str], other: &[&str]| {
        let own: Vec<&str> = mine.iter().filter(|matcher| !other.contains(matcher)).copied().collect();
        own.join(",")
    };
    let (own_baseline, own_canary) = (own(&baseline, &canary), own(&canary, &baseline));
    let is_told = !own_baseline.is_empty() && !own_canary.is_empty();
    let short = if is_told { text(&own_baseline, &own_canary) } else { text(&arms.baseline, &arms.canary) };
    let shortest = if is_told { format!("{own_canary} against {own_baseline}") } else { short.clone() };
    first_that_fits([text(&arms.baseline, &arms.canary), short, shortest], columns)
}

/// Matchers one by one: a comma within quotes parts nothing.
fn matchers(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut is_quoted) = (0, false);
    for (index, sign) in text.char_indices() {
        match sign {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn verdict_style(verdict: &str) -> Style {
    let hue = match verdict {
        "promote" => AnsiColor::Green,
        "rollback" => AnsiColor::Red,
        _ => AnsiColor::Yellow,
    };
    hue.on_default().bold()
}

/// What the run waits for, or why the verdict is what it is.
fn reason(snapshot: &Snapshot, moment: Moment<'_>) -> String {
    match snapshot.stage {
        Stage::Waiting => "waiting for the canary's first sample".to_owned(),
        Stage::WarmingUp(until_ms) => {
            // The window after the warm-up must end, and two steps are left to settle.
            let first_ms = until_ms + 3 * snapshot.step_ms - moment.now_ms;
            let first = if first_ms > 0 { format!("in about {}", words::duration(first_ms)) } else { "in a moment".to_owned() };
            format!("the canary warms up; windows after {} UTC are judged, the first {first}", clock(until_ms))
        }
        Stage::Judging => snapshot.report.reason.clone(),
    }
}

fn meter(of: &str, meter: Meter, columns: usize, look: Look) -> String {
    let width = (look.width / 4).clamp(*METER.start(), *METER.end());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a width")]
    let full = (meter.share() * width as f64).floor() as usize;
    let (bar, rest) = if look.ascii { ("#", ".") } else { ("━", "─") };
    let fits = columns >= width + BESIDE_METER;
    let picture = if fits { format!("{}{}  ", bar.repeat(full), rest.repeat(width - full)) } else { String::new() };
    let is = words::odds(meter.ln);
    if meter.ln >= meter.needed_ln {
        return format!("{picture}{of} {is}, enough");
    }
    first_that_fits([format!("{picture}{of} {is}, needs {}", words::odds(meter.needed_ln)), format!("{of} {is}")], columns)
}

fn windows_text(snapshot: &Snapshot, moment: Moment<'_>, columns: usize) -> String {
    let window = &snapshot.report.window;
    let step = words::duration(snapshot.step_ms);
    let of_step = if window.traffic_steps > 1 { format!(" ({} in this traffic step)", window.judged_in_step) } else { String::new() };
    let wanted = if window.judged_in_step < window.wanted { format!(", at least {} wanted", window.wanted) } else { String::new() };
    let done = format!("{} of {step} judged{of_step}{wanted}", window.judged);
    let [left, short] = match snapshot.windows_left() {
        None => ["no end in sight at this pace".to_owned(), "no end in sight".to_owned()],
        Some(0) => ["enough at this pace".to_owned(), "enough".to_owned()],
        Some(left) => {
            let left_ms = i64::try_from(left).unwrap_or(i64::MAX).saturating_mul(snapshot.step_ms);
            let is_late = moment.now_ms.saturating_add(left_ms) > snapshot.deadline_ms;
            let late = if is_late { ", later than the deadline" } else { "" };
            let too_late = if is_late { ", too late" } else { "" };
            let time = words::duration(left_ms);
            [format!("about {left} more at this pace ({time}{late})"), format!("about {left} more ({time}{too_late})")]
        }
    };
    let judged = window.judged;
    first_that_fits([format!("{done}; {left}"), format!("{done}; {short}"), format!("{judged} judged; {short}"), short], columns)
}

fn time_text(snapshot: &Snapshot, moment: Moment<'_>, columns: usize) -> String {
    let left_ms = snapshot.deadline_ms - moment.now_ms;
    let next = match moment.next_ms {
        Some(next_ms) if next_ms > moment.now_ms => format!("next window in {}", words::duration(next_ms - moment.now_ms)),
        Some(_) | None => "asking now".to_owned(),
    };
    if left_ms <= 0 {
        let past = format!("the deadline was {} ago", words::duration(-left_ms));
        return first_that_fits([format!("{past}; waiting for the last windows; {next}"), format!("{past}; {next}"), past], columns);
    }
    let left = words::duration(left_ms);
    let deadline = clock(snapshot.deadline_ms);
    first_that_fits(
        [format!("{left} to the deadline at {deadline} UTC; {next}"), format!("{left}; {next}"), format!("{left} to the deadline")],
        columns,
    )
}

/// The metrics in a number of lines: all in the rules' order, or as many as fit, the worst.
fn metrics(snapshot: &Snapshot, rows: usize, look: Look) -> Vec<Line> {
    let findings = &snapshot.report.findings;
    if snapshot.report.window.judged == 0 || findings.is_empty() {
        return Vec::new();
    }
    let layout = Layout::of(findings.iter().map(|finding| finding.metric.as_str()), look.width);
    let mut lines = vec![Line::default()];
    lines.extend(layout.head());
    let room = rows.saturating_sub(lines.len());
    let block = |finding: &FindingReport| layout.lines(finding, look.width, look.ascii);
    let all: Vec<Line> = findings.iter().flat_map(block).collect();
    if all.len() <= room {
        lines.extend(all);
        return lines;
    }
    let worst = snapshot.worst_first();
    let mut shown = 0;
    let mut blocks: Vec<Line> = Vec::new();
    for finding in &worst {
        let block = block(finding);
        // One line is for the rest.
        if blocks.len() + block.len() + 1 > room {
            break;
        }
        blocks.extend(block);
        shown += 1;
    }
    if shown == 0 {
        // No blank line either: say at least how they stand.
        return if rows == 0 { Vec::new() } else { vec![Line::of(format!("  {}", counted(worst)))] };
    }
    lines.extend(blocks);
    lines.push(Line::of(format!("  … and {} more: {}", worst.len() - shown, counted(worst[shown..].iter().copied()))));
    lines
}

/// `9 pass, 3 inconclusive`.
pub(super) fn counted<'a>(findings: impl IntoIterator<Item = &'a FindingReport>) -> String {
    let outcomes: Vec<&str> = findings.into_iter().map(|finding| finding.outcome).collect();
    let mut texts = Vec::new();
    for outcome in ["breach", "suspect", "inconclusive", "pass"] {
        let count = outcomes.iter().filter(|other| **other == outcome).count();
        if count > 0 {
            texts.push(format!("{count} {outcome}"));
        }
    }
    texts.join(", ")
}

/// A time of day in UTC.
pub(super) fn clock(time_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(time_ms).map_or_else(|_| time_ms.to_string(), |time| time.strftime("%H:%M:%S").to_string())
}
