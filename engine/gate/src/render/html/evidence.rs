//! Evidence over time, as odds on a logarithmic scale, with what a verdict needs.

use std::f64::consts::LN_10;

use crate::number::Number;
use crate::render::html::axes::{Frame, window_ends};
use crate::render::html::canvas::{Canvas, Size};
use crate::report::{FindingReport, Report};
use crate::words;

const HEIGHT: f64 = 220.0;
/// Decades below which nobody looks: the evidence speaks for the other side then.
const LOWEST: f64 = -4.0;
/// Decades above which nothing changes any more.
const HIGHEST: f64 = 8.0;
const DOTS: usize = 60;

/// The chart; none where no window was judged.
pub fn chart(report: &Report, finding: &FindingReport, id: &str, size: Size) -> Option<String> {
    let ends = window_ends(finding)?;
    let decades = |trace: &[Number]| -> Vec<f64> { trace.iter().map(|ln| ln.get() / LN_10).collect() };
    let (harm, safe) = (decades(&finding.series.ln_harm), decades(&finding.series.ln_safe));
    let (last_harm, last_safe) = (*harm.last()?, *safe.last()?);
    let (harm_needed, safe_needed) = (report.evidence.ln_harm_needed.get() / LN_10, report.evidence.ln_safe_needed.get() / LN_10);
    let all = || harm.iter().chain(&safe).copied();
    let low = all().fold(-1.0, f64::min).max(LOWEST).floor();
    let high = all().fold(harm_needed.max(safe_needed), f64::max).min(HIGHEST) + 0.4;
    let every = if high - low > 8.0 { 2.0 } else { 1.0 };
    let ticks: Vec<(f64, String)> = crate::render::html::axes::round_ticks(low, high, (high - low) / every)
        .into_iter()
        .filter(|tick| tick.fract() == 0.0)
        .map(|tick| (tick, odds(tick)))
        .collect();
    let labels: Vec<(f64, &str, String)> = vec![
        (last_harm, "harm", "harm".to_owned()),
        (last_safe, "safe", "safety".to_owned()),
        (harm_needed, "needed", need(harm_needed, "harm", size)),
        (safe_needed, "needed", need(safe_needed, "safety", size)),
    ];
    let label_words: Vec<String> = labels.iter().map(|(_, _, text)| text.clone()).collect();
    let tick_words: Vec<String> = ticks.iter().map(|(_, text)| text.clone()).collect();
    let frame = Frame::new(size, HEIGHT, &ends, (low, high), &tick_words, &label_words);
    let mut canvas = Canvas::new(size, HEIGHT);
    frame.draw(&mut canvas, &ticks);
    for (class, level) in [("needed harm-needed", harm_needed), ("needed safety-needed", safe_needed)] {
        canvas.line(class, (frame.left(), frame.y(level)), (frame.right(), frame.y(level)));
    }
    for (class, trace) in [("harm", &harm), ("safe", &safe)] {
        let points: Vec<Option<(f64, f64)>> = ends.iter().zip(trace).map(|(end, value)| Some((frame.x(*end), frame.y(*value)))).collect();
        canvas.curve(class, &points, ends.len() <= DOTS && size == Size::Wide);
    }
    frame.label_ends(&mut canvas, labels.into_iter().map(|(value, class, text)| (frame.y(value), class, text)).collect());
    let said = format!(
        "at the end harm {}, safety {}; a breach needs {}, a pass {}",
        words::odds(last_harm * LN_10),
        words::odds(last_safe * LN_10),
        words::odds(harm_needed * LN_10),
        words::odds(safe_needed * LN_10)
    );
    Some(canvas.finish(id, &format!("Evidence on {} over time", finding.metric), &said))
}

fn need(decades: f64, of: &str, size: Size) -> String {
    let odds = words::odds(decades * LN_10).replace(" to ", ":");
    if size == Size::Wide { format!("{of} needs {odds}") } else { format!("needs {odds}") }
}

/// `1000:1`, `1:10`; from ten thousand on as a power.
fn odds(decades: f64) -> String {
    const POWERS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the lowest and the highest decade")]
    let power = decades.abs().round() as usize;
    let many = if power <= 3 {
        10usize.pow(u32::try_from(power).unwrap_or(0)).to_string()
    } else {
        format!("10{}", POWERS.get(power).unwrap_or(&'ⁿ'))
    };
    if decades >= 0.0 { format!("{many}:1") } else { format!("1:{many}") }
}
