//! Scales and ticks.

use crate::render::figures;
use crate::render::html::canvas::{Anchor, Canvas, Size, text_width};
use crate::report::FindingReport;

/// The frame of a chart over time.
pub struct Frame {
    size: Size,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    from: f64,
    to: f64,
    low: f64,
    high: f64,
}

impl Frame {
    /// A frame of this height for times (seconds) and values, with room at the left for the ticks' words and at the right
    /// for those of the curves.
    pub fn new(size: Size, height: f64, ends: &[f64], (low, high): (f64, f64), ticks: &[String], labels: &[String]) -> Self {
        let widest = |texts: &[String]| texts.iter().map(|text| text_width(text)).fold(0.0, f64::max);
        let (from, to) = (ends.first().copied().unwrap_or(0.0), ends.last().copied().unwrap_or(1.0));
        Frame {
            size,
            left: widest(ticks) + 10.0,
            right: size.width() - widest(labels) - 14.0,
            top: 12.0,
            bottom: height - 26.0,
            from,
            to: if to > from { to } else { from + 1.0 },
            low,
            high: if high > low { high } else { low + 1.0 },
        }
    }

    /// Where a time is.
    pub fn x(&self, time: f64) -> f64 {
        self.left + (time - self.from) / (self.to - self.from) * (self.right - self.left)
    }

    /// Where a value is; beyond the frame it lies on its edge.
    pub fn y(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.bottom - share * (self.bottom - self.top)
    }

    /// The right end of the lines.
    pub fn right(&self) -> f64 {
        self.right
    }

    /// The left end of the lines.
    pub fn left(&self) -> f64 {
        self.left
    }

    /// Ticks, their words, and the times at the foot.
    pub fn draw(&self, canvas: &mut Canvas, ticks: &[(f64, String)]) {
        for (value, words) in ticks {
            let y = self.y(*value);
            canvas.line("grid", (self.left, y), (self.right, y));
            canvas.text("tick", Anchor::End, (self.left - 6.0, y + 4.0), words);
        }
        canvas.line("axis", (self.left, self.bottom), (self.right, self.bottom));
        let format = if self.to - self.from < 3600.0 { "%H:%M:%S" } else { "%H:%M" };
        let pieces = if self.size == Size::Wide { 4 } else { 2 };
        for piece in 0..=pieces {
            let time = self.from + (self.to - self.from) * f64::from(piece) / f64::from(pieces);
            let x = self.x(time);
            canvas.line("axis", (x, self.bottom), (x, self.bottom + 4.0));
            let anchor = match piece {
                0 => Anchor::Start,
                last if last == pieces => Anchor::End,
                _ => Anchor::Middle,
            };
            let words = figures::time(time, format);
            canvas.text("tick", anchor, (x, self.bottom + 18.0), &words);
        }
        if self.size == Size::Wide {
            canvas.text("tick", Anchor::Start, (self.right + 8.0, self.bottom + 18.0), "UTC");
        }
    }

    /// Words at the curves' ends, moved apart where they would lie on one another.
    pub fn label_ends(&self, canvas: &mut Canvas, mut ends: Vec<(f64, &str, String)>) {
        const APART: f64 = 15.0;
        ends.sort_by(|left, right| left.0.total_cmp(&right.0));
        let mut floor = self.top - 4.0;
        let mut places: Vec<f64> = Vec::new();
        for (y, _, _) in &ends {
            let place = (y + 4.0).max(floor + APART);
            places.push(place);
            floor = place;
        }
        // What was pushed below the axis moves the others up again.
        let mut ceiling = self.bottom + APART;
        for place in places.iter_mut().rev() {
            *place = place.min(ceiling - APART);
            ceiling = *place;
        }
        for ((_, class, words), place) in ends.iter().zip(places) {
            canvas.text(class, Anchor::Start, (self.right + 8.0, place), words);
        }
    }
}

/// The windows' ends; none where one is no time (a report may come from anybody).
pub fn window_ends(finding: &FindingReport) -> Option<Vec<f64>> {
    let ends: Vec<f64> = finding.series.end.iter().map(|end| end.get()).collect();
    ends.iter().all(|end| end.abs() < 1e13).then_some(ends)
}

/// At most about `most` round values from `low` to `high`.
pub fn round_ticks(low: f64, high: f64, most: f64) -> Vec<f64> {
    let raw = (high - low) / most;
    if !(raw > 0.0 && raw.is_finite()) {
        return vec![low];
    }
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * magnitude).find(|step| *step >= raw).unwrap_or(raw);
    let first = (low / step).ceil();
    let last = (high / step).floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a handful")]
    let count = (last - first).max(0.0) as usize + 1;
    (0..count.min(20)).map(|index| (first + index as f64) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(round_ticks(0.0, 0.13, 5.0), vec![0.0, 0.05, 0.1]);
        assert_eq!(round_ticks(81.0, 130.0, 4.0), vec![100.0, 120.0]);
        assert_eq!(round_ticks(1.0, 1.0, 4.0), vec![1.0]);
    }
}
