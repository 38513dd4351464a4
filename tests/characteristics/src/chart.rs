//! Charts as SVG: drawn with nothing but text, readable on light and dark pages, told apart by dashes as well as by colours.

use crate::cell::Effect;
use crate::replicate::{DAVY, ORACLE};
use crate::tally::{Measured, Tally};

const JUDGES: [(&str, &str, &str); 6] = [
    (DAVY, "#1f6feb", ""),
    ("kayenta", "#d1242f", "6 3"),
    ("argo tuned", "#9a6700", "2 3"),
    ("flagger", "#8250df", "8 3 2 3"),
    ("z-test", "#bf3989", "4 2"),
    (ORACLE, "#57606a", "1 2"),
];
const PANEL: (f64, f64) = (300.0, 200.0);
const MARGIN: (f64, f64) = (46.0, 34.0);
/// Cells whose detection is drawn.
const DRAWN: [&str; 4] =
    ["iid 1:1 p99 +25% history", "ar.8 1:1 p99 +25% history", "heavy 1:99 native +25% history", "iid 1:99 errors ->0.3% history"];

/// All charts: name and picture.
pub fn charts(measured: &[Measured]) -> Vec<(&'static str, String)> {
    vec![("false-alarms", false_alarms(measured)), ("detection", detection(measured))]
}

fn svg(width: f64, height: f64, title: &str, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"11\">\n<title>{title}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

fn text(x: f64, y: f64, anchor: &str, text: &str) -> String {
    let safe = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#1f2328\">{safe}</text>\n")
}

fn key(x: f64, y: f64, judges: &[(&str, &str, &str)]) -> String {
    let mut body = String::new();
    for (at, (name, colour, dashes)) in judges.iter().enumerate() {
        let from = x + at as f64 * 104.0;
        let to = from + 22.0;
        body.push_str(&format!(
            "<line x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"/>\n"
        ));
        body.push_str(&text(to + 4.0, y + 4.0, "start", name));
    }
    body
}

/// The share of good canaries that are rolled back, by service and judge.
fn false_alarms(measured: &[Measured]) -> String {
    let judges = &JUDGES[..5];
    let rows: Vec<&Measured> = measured.iter().filter(|one| one.cell.effect == Effect::Same && !one.cell.zero_tolerance).collect();
    let (left, width, bar) = (190.0, 420.0, 6.0);
    let group = bar * judges.len() as f64 + 10.0;
    let height = 56.0 + group * rows.len() as f64;
    let mut body = key(20.0, 16.0, judges);
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        let x = left + width * percent / 100.0;
        body.push_str(&format!("<line x1=\"{x}\" y1=\"30\" x2=\"{x}\" y2=\"{:.1}\" stroke=\"#d0d7de\"/>\n", height - 22.0));
        body.push_str(&text(x, height - 8.0, "middle", &format!("{percent} %")));
    }
    for (at, one) in rows.iter().enumerate() {
        let top = 36.0 + group * at as f64;
        body.push_str(&text(left - 8.0, top + group / 2.0, "end", one.cell.to_string().replace(" aa", "").as_str()));
        for (bar_at, (judge, colour, _)) in judges.iter().enumerate() {
            let Some(tally) = one.of(judge) else { continue };
            let share = tally.rolled_back() as f64 / tally.replicates as f64;
            let y = top + bar * bar_at as f64;
            // Nothing is drawn as a hair, so that one sees that it was measured.
            let long = (width * share).max(1.0);
            body.push_str(&format!(
                "<rect x=\"{left}\" y=\"{y:.1}\" width=\"{long:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\n",
                bar - 1.0
            ));
        }
    }
    svg(left + width + 30.0, height, "Good canaries that are rolled back, by judge", &body)
}

/// The share of bad canaries that are found, window by window.
fn detection(measured: &[Measured]) -> String {
    let drawn: Vec<&Measured> = DRAWN.iter().filter_map(|name| measured.iter().find(|one| one.cell.to_string() == *name)).collect();
    let mut body = key(20.0, 16.0, &JUDGES);
    let full = (PANEL.0 + MARGIN.0 + 10.0, PANEL.1 + 2.0 * MARGIN.1);
    for (at, one) in drawn.iter().enumerate() {
        let (left, top) = (MARGIN.0 + full.0 * (at % 2) as f64, 24.0 + MARGIN.1 + full.1 * (at / 2) as f64);
        let windows = 60.0;
        let x = |window: usize| left + PANEL.0 * window as f64 / windows;
        let y = |share: f64| top + PANEL.1 * (1.0 - share);
        body.push_str(&text(left + PANEL.0 / 2.0, top - 10.0, "middle", &one.cell.to_string()));
        for quarter in 0..=4 {
            let share = f64::from(quarter) / 4.0;
            body.push_str(&format!(
                "<line x1=\"{left}\" y1=\"{0:.1}\" x2=\"{1:.1}\" y2=\"{0:.1}\" stroke=\"#d0d7de\"/>\n",
                y(share),
                left + PANEL.0
            ));
            body.push_str(&text(left - 5.0, y(share) + 4.0, "end", &format!("{} %", 100.0 * share)));
        }
        for window in [0, 15, 30, 45, 60] {
            body.push_str(&text(x(window), top + PANEL.1 + 14.0, "middle", &window.to_string()));
        }
        for (judge, colour, dashes) in JUDGES {
            let Some(tally) = one.of(judge) else { continue };
            body.push_str(&format!(
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\" points=\"{}\"/>\n",
                curve(tally, x, y)
            ));
        }
    }
    let rows = drawn.len().div_ceil(2) as f64;
    svg(2.0 * full.0 + 10.0, 24.0 + full.1 * rows + 10.0, "Bad canaries that are found, by window and judge", &body)
}

/// A staircase: found by the end of each window.
fn curve(tally: &Tally, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut done = 0;
    let mut points = format!("{:.1},{:.1}", x(0), y(0.0));
    for window in 1..=60 {
        points.push_str(&format!(" {:.1},{:.1}", x(window), y(done as f64 / tally.replicates as f64)));
        done += tally.rollbacks.get(window).copied().unwrap_or(0);
        points.push_str(&format!(" {:.1},{:.1}", x(window), y(done as f64 / tally.replicates as f64)));
    }
    points
}
