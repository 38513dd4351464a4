//! Both arms over time.

use crate::number::Number;
use crate::render::figures;
use crate::render::html::axes::{Frame, round_ticks, window_ends};
use crate::render::html::canvas::{Canvas, Size};
use crate::report::FindingReport;
use crate::words;

/// Up to so many windows each has a dot.
const DOTS: usize = 60;
const HEIGHT: f64 = 210.0;

/// The chart; none where nothing was seen.
pub fn chart(finding: &FindingReport, id: &str, size: Size) -> Option<String> {
    let unit = figures::unit_of(finding);
    let ends = window_ends(finding)?;
    let plain = |series: &[Option<Number>]| -> Vec<Option<f64>> {
        series.iter().map(|value| value.map(Number::get).filter(|value| value.is_finite())).collect()
    };
    let arms = [("baseline", plain(&finding.series.baseline)), ("canary", plain(&finding.series.canary))];
    let seen = || arms.iter().flat_map(|(_, series)| series.iter().flatten().copied());
    let (least, most) = (seen().reduce(f64::min)?, seen().reduce(f64::max)?);
    // Lines that would squeeze the curves are left out; the words beside the chart name them anyway.
    let near = |level: &Option<Number>| level.map(Number::get).filter(|level| *level <= 2.0 * most && *level >= least / 2.0);
    let levels: Vec<(&str, f64)> = [("limit", near(&finding.limit)), ("ignore below", near(&finding.ignore_below))]
        .into_iter()
        .filter_map(|(name, level)| Some((name, level?)))
        .collect();
    let highest = levels.iter().map(|(_, level)| *level).fold(most, f64::max);
    let lowest = levels.iter().map(|(_, level)| *level).fold(least, f64::min);
    let low = if lowest >= 0.0 && lowest < 0.6 * highest { 0.0 } else { lowest - 0.15 * (highest - lowest) };
    let high = highest + 0.08 * (highest - low).max(f64::MIN_POSITIVE);
    let (low, high) = if high > low { (low, high) } else { (low - 1.0, low + 1.0) };
    let ticks: Vec<(f64, String)> = round_ticks(low, high, 4.0).into_iter().map(|tick| (tick, words::value(tick, unit))).collect();
    let mut labels: Vec<(f64, &str, String)> = Vec::new();
    for (name, series) in &arms {
        if let Some(last) = series.iter().rev().flatten().next() {
            let is_there = series.last().is_some_and(Option::is_some);
            let words = if is_there { label(name, &words::value(*last, unit), size) } else { format!("{name} missing") };
            labels.push((*last, name, words));
        }
    }
    labels.extend(levels.iter().map(|(name, level)| (*level, "level", (*name).to_owned())));
    let words_of = |texts: &[(f64, String)]| texts.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
    let label_words: Vec<String> = labels.iter().map(|(_, _, text)| text.clone()).collect();
    let frame = Frame::new(size, HEIGHT, &ends, (low, high), &words_of(&ticks), &label_words);
    let mut canvas = Canvas::new(size, HEIGHT);
    frame.draw(&mut canvas, &ticks);
    for (_, level) in &levels {
        canvas.line("level", (frame.left(), frame.y(*level)), (frame.right(), frame.y(*level)));
    }
    for (name, series) in &arms {
        let points: Vec<Option<(f64, f64)>> =
            ends.iter().zip(series).map(|(end, value)| value.map(|value| (frame.x(*end), frame.y(value)))).collect();
        canvas.curve(name, &points, ends.len() <= DOTS && size == Size::Wide);
    }
    frame.label_ends(&mut canvas, labels.into_iter().map(|(value, class, text)| (frame.y(value), class, text)).collect());
    Some(canvas.finish(id, &format!("{} of both arms over time", finding.metric), &in_words(finding, &arms)))
}

fn label(name: &str, value: &str, size: Size) -> String {
    if size == Size::Wide { format!("{name} {value}") } else { name.to_owned() }
}

fn in_words(finding: &FindingReport, arms: &[(&str, Vec<Option<f64>>)]) -> String {
    let unit = figures::unit_of(finding);
    let said: Vec<String> = arms
        .iter()
        .map(|(name, series)| {
            let seen = || series.iter().flatten().copied();
            match (seen().reduce(f64::min), seen().reduce(f64::max)) {
                (Some(least), Some(most)) => {
                    let missing = series.len() - seen().count();
                    let gaps = if missing > 0 { format!(", {} missing", words::windows(missing)) } else { String::new() };
                    format!("{name}: {} to {}{gaps}", words::value(least, unit), words::value(most, unit))
                }
                _ => format!("{name}: no data"),
            }
        })
        .collect();
    said.join("; ")
}
