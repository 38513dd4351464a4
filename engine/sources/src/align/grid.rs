//! The grid of windows that everything is put on.

/// Windows are (end − step, end], with end = origin + k · step for every whole k.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Any window's edge, ms since the epoch.
    pub origin_ms: i64,
    /// The windows' length in ms, at least 1.
    pub step_ms: i64,
}

impl Grid {
    /// The end of the window that a time belongs to: the smallest edge that is not before it.
    pub fn window_end(&self, time_ms: i64) -> i64 {
        let step = self.step_ms.max(1);
        let past_edge = (time_ms - self.origin_ms).rem_euclid(step);
        if past_edge == 0 { time_ms } else { time_ms + (step - past_edge) }
    }

    /// The ends of all windows that lie wholly in (after, until], ascending.
    pub fn ends(&self, after_ms: i64, until_ms: i64) -> impl Iterator<Item = i64> + use<> {
        let step = self.step_ms.max(1);
        let first = self.window_end(after_ms.saturating_add(step));
        (0..).map(move |k: i64| first.saturating_add(k.saturating_mul(step))).take_while(move |end| *end <= until_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_on_an_edge_belongs_to_the_window_that_ends_there() {
        let grid = Grid { origin_ms: 100, step_ms: 10 };
        for (time, end) in [(100, 100), (101, 110), (110, 110), (99, 100), (90, 90), (-5, 0), (-10, -10)] {
            assert_eq!(grid.window_end(time), end, "{time}");
        }
    }

    #[test]
    fn only_whole_windows_are_listed() {
        let grid = Grid { origin_ms: 3, step_ms: 10 };
        assert_eq!(grid.ends(3, 33).collect::<Vec<_>>(), [13, 23, 33]);
        assert_eq!(grid.ends(4, 32).collect::<Vec<_>>(), [23]);
        assert_eq!(grid.ends(4, 12).count(), 0);
    }
}
