//! The k-th smallest of all n · m differences of two sorted samples, without making them: the matrix of differences is sorted
//! along rows and columns, so counting those up to a value takes n + m steps. A thinned matrix says roughly where the k-th is,
//! exact counts narrow it down, and when few candidates are left they are looked at one by one.

/// Differences `upper[i] − lower[j]` of two ascending, finite, non-empty samples.
pub(super) struct Differences<'a> {
    upper: &'a [f64],
    lower: &'a [f64],
}

/// At most so many candidates per value of both samples are looked at one by one.
const CANDIDATES_PER_VALUE: u64 = 1;
/// Never narrow down below this many candidates: looking at them is quicker.
const FEW: u64 = 4_096;
/// Values per sample of the thinned matrix.
const THINNED: usize = 192;
/// After this many guesses by interpolation the pivot is a weighted median, which always discards a quarter.
const MOST_GUESSES: usize = 8;

/// The staircase of one value: where each row's differences cross it.
struct Staircase {
    value: f64,
    /// Per `upper[i]`: the first `j` with `upper[i] − lower[j] <= value`.
    first: Vec<u32>,
    /// Differences up to the value.
    count: u64,
}

impl<'a> Differences<'a> {
    pub(super) fn of(upper: &'a [f64], lower: &'a [f64]) -> Self {
        Differences { upper, lower }
    }

    fn pairs(&self) -> u64 {
        self.upper.len() as u64 * self.lower.len() as u64
    }

    /// The `rank`-th smallest difference, counted from 1.
    pub(super) fn at_rank(&self, rank: u64) -> f64 {
        let wanted = rank.clamp(1, self.pairs());
        let few = FEW.max(CANDIDATES_PER_VALUE * (self.upper.len() + self.lower.len()) as u64);
        let (mut below, mut upto) = (self.nothing(), self.everything());
        let mut guesses = self.first_guesses(wanted);
        let mut tried = 0;
        while upto.count - below.count > few {
            tried += 1;
            let pivot = match guesses.pop() {
                Some(guess) => guess,
                None if tried > MOST_GUESSES => self.weighted_median(&below, &upto),
                // Nearer to the far end than the wanted one, so that the next guess lands on its other side.
                None if wanted - below.count < upto.count - wanted => interpolate(&below, &upto, (wanted + few / 3).min(upto.count)),
                None => interpolate(&below, &upto, wanted.saturating_sub(few / 3).max(below.count)),
            };
            let inside = if pivot > below.value && pivot < upto.value { pivot } else { self.weighted_median(&below, &upto) };
            let at = self.staircase(inside, true);
            if at.count < wanted {
                below = at;
                continue;
            }
            // Many equal differences may stand at the pivot: then it is the answer.
            let under = if self.meets(&at) { self.staircase(inside, false) } else { at };
            if under.count < wanted {
                return inside;
            }
            upto = under;
        }
        self.among_candidates(&below, &upto, wanted)
    }

    /// The `rank`-th smallest difference and the next.
    pub(super) fn at_rank_and_next(&self, rank: u64) -> (f64, f64) {
        let value = self.at_rank(rank);
        let staircase = self.staircase(value, true);
        if staircase.count > rank || staircase.count >= self.pairs() {
            return (value, value);
        }
        let mut next = f64::INFINITY;
        for (one, first) in self.upper.iter().zip(&staircase.first) {
            if let Some(before) = (*first as usize).checked_sub(1) {
                let difference = one - self.lower[before];
                next = if difference < next { difference } else { next };
            }
        }
        (value, next)
    }

    /// Counts the differences up to `value`, with those equal to it or without.
    fn staircase(&self, value: f64, with_equal: bool) -> Staircase {
        let columns = self.lower.len();
        let mut first = Vec::with_capacity(self.upper.len());
        let (mut column, mut count) = (0, 0);
        for one in self.upper {
            if with_equal {
                while column < columns && one - self.lower[column] > value {
                    column += 1;
                }
            } else {
                while column < columns && one - self.lower[column] >= value {
                    column += 1;
                }
            }
            first.push(column as u32);
            count += (columns - column) as u64;
        }
        Staircase { value, first, count }
    }

    /// Whether a difference equals the staircase's value: it is the largest of its row up to the value.
    fn meets(&self, at: &Staircase) -> bool {
        let is_met = |(one, first): (&f64, &u32)| self.lower.get(*first as usize).is_some_and(|other| one - other == at.value);
        self.upper.iter().zip(&at.first).any(is_met)
    }

    fn nothing(&self) -> Staircase {
        Staircase { value: f64::NEG_INFINITY, first: vec![self.lower.len() as u32; self.upper.len()], count: 0 }
    }

    fn everything(&self) -> Staircase {
        Staircase { value: f64::INFINITY, first: vec![0; self.upper.len()], count: self.pairs() }
    }

    /// Two values about the wanted difference, from every so-manieth value of both samples.
    fn first_guesses(&self, wanted: u64) -> Vec<f64> {
        let thin = |values: &[f64]| -> Vec<f64> {
            let taken = values.len().min(THINNED);
            (0..taken).map(|index| values[(2 * index + 1) * values.len() / (2 * taken)]).collect()
        };
        let (upper, lower) = (thin(self.upper), thin(self.lower));
        let mut all: Vec<f64> = upper.iter().flat_map(|one| lower.iter().map(move |other| one - other)).collect();
        let share = wanted as f64 / self.pairs() as f64;
        let margin = all.len() / (2 * THINNED) + 1;
        let about = ((share * all.len() as f64) as usize).min(all.len() - 1);
        let (low, high) = (about.saturating_sub(margin), (about + margin).min(all.len() - 1));
        let left = *all.select_nth_unstable_by(low, f64::total_cmp).1;
        let right = *all[low..].select_nth_unstable_by(high - low, f64::total_cmp).1;
        vec![right, left]
    }

    /// The median of the rows' middle candidates, weighted by how many candidates each row has.
    fn weighted_median(&self, below: &Staircase, upto: &Staircase) -> f64 {
        let mut middles: Vec<(f64, u64)> = Vec::with_capacity(self.upper.len());
        for ((one, from), to) in self.upper.iter().zip(&upto.first).zip(&below.first) {
            if from < to {
                middles.push((one - self.lower[from.midpoint(*to) as usize], u64::from(to - from)));
            }
        }
        middles.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let half = middles.iter().map(|(_, weight)| weight).sum::<u64>() / 2;
        let mut weight_so_far = 0;
        for (value, weight) in &middles {
            weight_so_far += weight;
            if weight_so_far > half {
                return *value;
            }
        }
        upto.value
    }

    /// Looks at the candidates one by one: more than `below`, and counted in `upto`.
    fn among_candidates(&self, below: &Staircase, upto: &Staircase, wanted: u64) -> f64 {
        let mut candidates = Vec::with_capacity((upto.count - below.count) as usize);
        for ((one, from), to) in self.upper.iter().zip(&upto.first).zip(&below.first) {
            candidates.extend(self.lower[*from as usize..*to as usize].iter().map(|other| one - other));
        }
        let index = (wanted - below.count - 1) as usize;
        *candidates.select_nth_unstable_by(index, f64::total_cmp).1
    }
}

/// Where the wanted rank would be if counts rose evenly between both values.
fn interpolate(below: &Staircase, upto: &Staircase, wanted: u64) -> f64 {
    let share = (wanted - below.count) as f64 / (upto.count - below.count) as f64;
    below.value + share * (upto.value - below.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every rank of many small samples, and of one that is too large to be looked at one by one.
    #[test]
    fn agrees_with_sorting_all_differences() {
        let mut state = 1_u64;
        let mut draw = |modulus: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % modulus) as f64 * 0.1
        };
        for (n, m, modulus) in [(1, 1, 5), (3, 7, 5), (9, 4, 100), (150, 90, 7), (150, 90, 1_000_000), (120, 300, 3), (200, 200, 1)] {
            let mut upper: Vec<f64> = (0..n).map(|_| draw(modulus)).collect();
            let mut lower: Vec<f64> = (0..m).map(|_| draw(modulus)).collect();
            if modulus == 1_000_000 {
                upper[0] = 1e12;
                lower[0] = -1e-9;
            }
            upper.sort_by(f64::total_cmp);
            lower.sort_by(f64::total_cmp);
            let mut all: Vec<f64> = upper.iter().flat_map(|one| lower.iter().map(move |other| one - other)).collect();
            all.sort_by(f64::total_cmp);
            let differences = Differences::of(&upper, &lower);
            let step = (all.len() / 97).max(1);
            for rank in (1..=all.len()).step_by(step).chain([all.len()]) {
                assert_eq!(differences.at_rank(rank as u64), all[rank - 1], "{n} x {m} mod {modulus}, rank {rank}");
                let next = all.get(rank).copied().unwrap_or(all[rank - 1]);
                assert_eq!(differences.at_rank_and_next(rank as u64).1, next, "next of {rank}");
            }
        }
    }
}
