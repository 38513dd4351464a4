//! The effect's interval against what is tolerated.

use crate::render::figures;
use crate::render::html::canvas::{Anchor, Canvas, Size, text_width};
use crate::report::{EffectReport, FindingReport};
use crate::words;

const HEIGHT: f64 = 128.0;
/// Where the interval lies.
const MIDDLE: f64 = 62.0;
/// Changes that make good ticks, as ratios.
const RATIOS: [f64; 21] =
    [0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 1.0, 1.02, 1.05, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0];
/// The picture reaches at least so far to either side, ln.
const LEAST_REACH: f64 = 0.06;
/// And at most so far.
const MOST_REACH: f64 = 4.7;

/// A picture's horizontal scale: of logarithms for ratios.
struct Scale {
    is_ratio: bool,
    reach: (f64, f64),
    left: f64,
    right: f64,
}

impl Scale {
    fn x(&self, value: f64) -> f64 {
        let place = if self.is_ratio { value.max(1e-9).ln() } else { value };
        let share = ((place - self.reach.0) / (self.reach.1 - self.reach.0)).clamp(0.0, 1.0);
        self.left + share * (self.right - self.left)
    }
}

/// The chart; none where there is no effect.
pub fn chart(finding: &FindingReport, id: &str, size: Size) -> Option<String> {
    let effect = finding.effect.as_ref()?;
    let tolerated = finding.tolerated?.get();
    let is_ratio = effect.kind == "ratio";
    let none = if is_ratio { 1.0 } else { 0.0 };
    // With `worse: either` the bound is the lower one; the upper mirrors it.
    let mirrored = if is_ratio { 1.0 / tolerated } else { -tolerated };
    let band = match finding.worse {
        "higher" => (None, Some(tolerated)),
        "lower" => (Some(tolerated), None),
        _ => (Some(tolerated.min(mirrored)), Some(tolerated.max(mirrored))),
    };
    let scale = Scale { is_ratio, reach: reach(effect, tolerated, band, is_ratio), left: 8.0, right: size.width() - 8.0 };
    let mut canvas = Canvas::new(size, HEIGHT);
    let (from, to) = (band.0.map_or(scale.left, |value| scale.x(value)), band.1.map_or(scale.right, |value| scale.x(value)));
    canvas.rect("tolerated", (from, 22.0), (to - from, 74.0));
    canvas.hatch((from, 22.0), (to - from, 74.0));
    canvas.line("axis", (scale.left, 96.0), (scale.right, 96.0));
    draw_ticks(&mut canvas, finding, effect, &scale);
    canvas.line("none", (scale.x(none), 22.0), (scale.x(none), 96.0));
    for bound in [band.0, band.1].into_iter().flatten() {
        canvas.line("bound", (scale.x(bound), 16.0), (scale.x(bound), 96.0));
    }
    let words = format!("{} tolerated", figures::tolerated(finding));
    let edge = scale.x(band.1.or(band.0).unwrap_or(none));
    let room = text_width(&words) / 2.0;
    canvas.text("bound-word", Anchor::Middle, (edge.min(scale.right - room).max(scale.left + room), 12.0), &words);
    draw_interval(&mut canvas, finding, effect, &scale);
    let said = format!("estimate {}; not refuted: {}; {words}", figures::estimate(finding), figures::interval(finding));
    Some(canvas.finish(id, &format!("Change of {} from baseline to canary", finding.metric), &said))
}

/// From where to where, with everything that is known in it.
fn reach(effect: &EffectReport, tolerated: f64, band: (Option<f64>, Option<f64>), is_ratio: bool) -> (f64, f64) {
    let place = |value: f64| if is_ratio { value.max(1e-9).ln() } else { value };
    let known = [effect.lower, effect.estimate, effect.upper].into_iter().flatten().map(|value| value.get());
    let places: Vec<f64> = known.chain([band.0, band.1].into_iter().flatten()).map(place).collect();
    let least = if is_ratio { LEAST_REACH } else { tolerated.abs() * 1.2 };
    let most = if is_ratio { MOST_REACH } else { f64::INFINITY };
    let right = places.iter().copied().fold(least, f64::max).min(most);
    let left = places.iter().copied().fold(-least, f64::min).max(-most);
    let margin = 0.12 * (right - left);
    (left - margin, right + margin)
}

fn draw_ticks(canvas: &mut Canvas, finding: &FindingReport, effect: &EffectReport, scale: &Scale) {
    let mut candidates: Vec<(f64, String)> = if scale.is_ratio {
        RATIOS.iter().map(|ratio| (*ratio, words::change(*ratio))).collect()
    } else {
        let unit = figures::unit_of(finding);
        let values = crate::render::html::axes::round_ticks(scale.reach.0, scale.reach.1, 6.0);
        values.into_iter().map(|value| (value, words::difference(value, unit))).collect()
    };
    let is_inside = |value: f64| {
        let place = if scale.is_ratio { value.ln() } else { value };
        place >= scale.reach.0 && place <= scale.reach.1
    };
    candidates.retain(|(value, _)| is_inside(*value));
    // No change comes first: it is what everything is compared with.
    let none = if effect.kind == "ratio" { 1.0 } else { 0.0 };
    candidates.sort_by(|left, right| (left.0 - none).abs().total_cmp(&(right.0 - none).abs()));
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for (value, words) in candidates {
        let half = text_width(&words) / 2.0 + 6.0;
        let x = scale.x(value);
        let fits = x - half >= scale.left - 6.0 && x + half <= scale.right + 6.0;
        if !fits || taken.iter().any(|(from, to)| x - half < *to && x + half > *from) {
            continue;
        }
        taken.push((x - half, x + half));
        canvas.line("axis", (x, 96.0), (x, 100.0));
        canvas.text("tick", Anchor::Middle, (x, 114.0), &words);
    }
}

fn draw_interval(canvas: &mut Canvas, finding: &FindingReport, effect: &EffectReport, scale: &Scale) {
    let lower = effect.lower.map(|value| scale.x(value.get()));
    let upper = effect.upper.map(|value| scale.x(value.get()));
    let (from, to) = (lower.unwrap_or(scale.left), upper.unwrap_or(scale.right));
    canvas.line("interval", (from, MIDDLE), (to, MIDDLE));
    match lower {
        Some(x) => canvas.line("interval", (x, MIDDLE - 8.0), (x, MIDDLE + 8.0)),
        None => canvas.path("arrow", &format!("M{:.1} {:.1}l10 -7v14z", scale.left - 4.0, MIDDLE)),
    }
    match upper {
        Some(x) => canvas.line("interval", (x, MIDDLE - 8.0), (x, MIDDLE + 8.0)),
        None => canvas.path("arrow", &format!("M{:.1} {:.1}l-10 -7v14z", scale.right + 4.0, MIDDLE)),
    }
    if let Some(estimate) = effect.estimate {
        let x = scale.x(estimate.get());
        canvas.dot("estimate", (x, MIDDLE), 6.0);
        let words = figures::effect_value(finding, effect, estimate);
        let room = text_width(&words) / 2.0 + 4.0;
        canvas.text("estimate-word", Anchor::Middle, (x.min(scale.right - room).max(scale.left + room), MIDDLE - 14.0), &words);
    }
}
