//! Medians: of a slice, and of the deviations from a sorted slice's median.

/// The median of finite numbers, which are put into another order; the mean of the two middle ones of an even number.
/// Of none: 0.
pub(crate) fn median(numbers: &mut [f64]) -> f64 {
    let half = numbers.len() / 2;
    if numbers.is_empty() {
        return 0.0;
    }
    let odd = numbers.len() % 2 == 1;
    let (lower, middle, _) = numbers.select_nth_unstable_by(half, f64::total_cmp);
    if odd {
        return *middle;
    }
    let below = lower.iter().copied().fold(f64::NEG_INFINITY, |most, number| if number > most { number } else { most });
    0.5 * (below + *middle)
}

/// The median of ascending numbers. Of none: 0.
pub(crate) fn median_of_sorted(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => sorted[half],
        _ => 0.5 * (sorted[half - 1] + sorted[half]),
    }
}

/// The median of `|number - centre|` over ascending numbers, in logarithmic time. Of none: 0.
pub(crate) fn median_deviation_of_sorted(sorted: &[f64], centre: f64) -> f64 {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => nearest_deviation(sorted, centre, half + 1),
        _ => 0.5 * (nearest_deviation(sorted, centre, half) + nearest_deviation(sorted, centre, half + 1)),
    }
}

/// The `rank`-th smallest (from 1) of `|number - centre|`: the `rank` nearest numbers stand side by side, and of all such runs
/// theirs has the smallest farthest member.
fn nearest_deviation(sorted: &[f64], centre: f64, rank: usize) -> f64 {
    let farthest = |first: usize| {
        let (left, right) = (centre - sorted[first], sorted[first + rank - 1] - centre);
        if left > right { left } else { right }
    };
    let runs = sorted.len() - rank + 1;
    let (mut low, mut high) = (0, runs - 1);
    while low < high {
        let middle = low.midpoint(high);
        if sorted[middle + rank - 1] - centre >= centre - sorted[middle] {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let here = farthest(low);
    if low == 0 {
        return here;
    }
    let before = farthest(low - 1);
    if before < here { before } else { here }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_agree_with_sorting() {
        let mut state = 7_u64;
        for length in 1..60_usize {
            let numbers: Vec<f64> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    ((state >> 40) % 23) as f64 - 11.0
                })
                .collect();
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            let centre = median_of_sorted(&sorted);
            assert_eq!(median(&mut numbers.clone()), centre);
            let mut deviations: Vec<f64> = numbers.iter().map(|number| (number - centre).abs()).collect();
            deviations.sort_by(f64::total_cmp);
            assert_eq!(median_deviation_of_sorted(&sorted, centre), median_of_sorted(&deviations));
        }
        assert_eq!(median(&mut []), 0.0);
        assert_eq!(median_of_sorted(&[]), 0.0);
        assert_eq!(median_deviation_of_sorted(&[], 1.0), 0.0);
    }
}
