//! Small pictures in one line of text: a series, and an interval against its tolerance.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII_BLOCKS: [char; 8] = ['_', '.', ',', '-', '~', '=', '*', '#'];

/// A series as at most `width` bars between `low` and `high`; a gap is a blank. Longer series are averaged in pieces.
pub fn sparkline(series: &[Option<f64>], low: f64, high: f64, width: usize, ascii: bool) -> String {
    let blocks = if ascii { ASCII_BLOCKS } else { BLOCKS };
    if series.is_empty() || width == 0 {
        return String::new();
    }
    let bars = if series.len() < width { series.len() } else { width };
    (0..bars)
        .map(|bar| {
            let piece = &series[bar * series.len() / bars..(bar + 1) * series.len() / bars];
            let present: Vec<f64> = piece.iter().flatten().copied().collect();
            if present.is_empty() {
                return ' ';
            }
            let mean = present.iter().sum::<f64>() / present.len() as f64;
            let height = if high > low { (mean - low) / (high - low) } else { 0.5 };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the blocks")]
            let index = (height * 7.0).round().clamp(0.0, 7.0) as usize;
            blocks[index]
        })
        .collect()
}

/// An effect's interval on a line of `width` signs (at least 5) from `-reach` to `reach`, with the tolerated effect as `¦`
/// and no effect as `│`. Ends that are not refuted run to the line's end as arrows. All in one unit (logs for ratios).
pub fn interval(
    lower: Option<f64>,
    estimate: Option<f64>,
    upper: Option<f64>,
    tolerated: f64,
    reach: f64,
    width: usize,
    ascii: bool,
) -> String {
    let (dash, bar, zero, limit, dot, left, right) =
        if ascii { ('-', '=', '|', ':', 'o', '<', '>') } else { ('─', '━', '│', '¦', '●', '◀', '▶') };
    let place = |value: f64| {
        let share = ((value + reach) / (2.0 * reach)).clamp(0.0, 1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the line")]
        let index = (share * (width - 1) as f64).round() as usize;
        index
    };
    let mut line = vec![dash; width];
    let (first, last) = (lower.map_or(0, place), upper.map_or(width - 1, place));
    for sign in line.iter_mut().take(last + 1).skip(first) {
        *sign = bar;
    }
    line[place(0.0)] = zero;
    line[place(tolerated)] = limit;
    if lower.is_none_or(|value| value < -reach) {
        line[0] = left;
    }
    if upper.is_none_or(|value| value > reach) {
        line[width - 1] = right;
    }
    if let Some(estimate) = estimate {
        line[place(estimate)] = dot;
    }
    line.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_keeps_its_gaps_and_its_shape() {
        let series = [Some(0.0), None, Some(0.5), Some(1.0)];
        assert_eq!(sparkline(&series, 0.0, 1.0, 10, false), "▁ ▅█");
        assert_eq!(sparkline(&series, 0.0, 1.0, 2, false), "▁▆");
        assert_eq!(sparkline(&[Some(1.0); 3], 1.0, 1.0, 10, true), "~~~");
        assert_eq!(sparkline(&[], 0.0, 1.0, 10, false), "");
    }

    #[test]
    fn an_interval_shows_both_ends_and_the_tolerance() {
        assert_eq!(interval(Some(0.5), Some(0.75), Some(1.0), 0.25, 1.0, 9, false), "────│¦━●━");
        assert_eq!(interval(None, Some(0.0), None, 0.5, 1.0, 9, true), "<===o=:=>");
    }
}
