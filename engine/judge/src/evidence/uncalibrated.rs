//! Paired evidence from symmetry alone, for metrics without history: where nothing is wrong, a window above the bound is as
//! likely as one below it. Whitening and scale come from this run's own past, so that no window chooses how it is judged.

use super::mixture::Starts;
use super::side::Side;
use crate::bounded::{clip, larger, smaller, usable};
use crate::constants::{
    MAD_TO_SD, SCALE_FLOOR, SYMMETRY_AUTOCORRELATION, SYMMETRY_BETS, SYMMETRY_CLIP, SYMMETRY_MOST_AUTOCORRELATION, SYMMETRY_PRIOR,
    SYMMETRY_RESIDUAL_CLIP,
};
use crate::exponential::exp;
use crate::median::{median, median_deviation_of_sorted, median_of_sorted};

type PerBet = [f64; SYMMETRY_BETS.len()];

/// Factors are multiplied this many windows long before a logarithm is taken; each is at most (1 + e^24) / 2.
const WINDOWS_PER_LOGARITHM: usize = 16;

/// Running evidence about a paired log ratio whose noise is unknown. It starts at ln e = 0.
#[derive(Debug, Clone)]
pub struct Uncalibrated {
    side: Side,
    starts: Starts,
    seen: Vec<Seen>,
    /// d of the present windows, in time order and ascending.
    values: Vec<f64>,
    sorted: Vec<f64>,
    /// Sums of log factors per stretch between starts.
    stretches: Vec<PerBet>,
    pushed: usize,
    scratch: Vec<f64>,
}

/// One present window, and how it is judged whatever the bound.
#[derive(Debug, Clone, Copy)]
struct Seen {
    index: usize,
    d: f64,
    bound: f64,
    whitening: Whitening,
}

/// What the past says about a window: how much of the last window it repeats, and the scale of what is left.
#[derive(Debug, Clone, Copy)]
struct Whitening {
    repeats: f64,
    scale: f64,
}

impl Uncalibrated {
    /// For one side and an analysis of at most `longest` windows.
    pub fn new(side: Side, longest: usize) -> Self {
        Uncalibrated {
            side,
            starts: Starts::new(side, longest),
            seen: Vec::with_capacity(longest),
            values: Vec::with_capacity(longest),
            sorted: Vec::with_capacity(longest),
            stretches: Vec::new(),
            pushed: 0,
            scratch: Vec::new(),
        }
    }

    /// One more window: `d` = ln canary − ln baseline, `bound` = ln of the tolerated ratio. What is not finite is a gap.
    ///
    /// # Reference
    /// `fixtures/reference/judge.py`, function `uncalibrated`; checked by `fixtures/reference/judge.json` and `engines.json`.
    pub fn push(&mut self, d: f64, bound: f64) {
        let index = self.pushed;
        self.pushed += 1;
        let (Some(d), Some(bound)) = (usable(d), usable(bound)) else { return };
        let whitening = self.whitening();
        let seen = Seen { index, d, bound, whitening };
        let score = self.score(self.seen.last().map(|last| last.d - last.bound), d - bound, whitening);
        if self.starts.begins_at(self.seen.len()) {
            self.stretches.push([0.0; SYMMETRY_BETS.len()]);
        }
        if let Some(stretch) = self.stretches.last_mut() {
            for (sum, factor) in stretch.iter_mut().zip(factors(score)) {
                *sum -= factor.ln();
            }
        }
        self.seen.push(seen);
        self.values.push(d);
        let place = self.sorted.partition_point(|value| *value < d);
        self.sorted.insert(place, d);
    }

    /// ln e after the last window.
    pub fn ln_e(&self) -> f64 {
        self.starts.mix(&self.stretches, self.seen.len())
    }

    /// Present windows.
    pub fn present(&self) -> usize {
        self.seen.len()
    }

    /// ln e after the last window had the bounds been others: `bounds` maps the index of a pushed window (gaps count) to its
    /// bound. A window whose bound is not finite brings nothing.
    pub fn ln_e_at(&self, bounds: impl Fn(usize) -> f64) -> f64 {
        let windows = self.seen.len();
        let mut excess_before = None;
        let mut stretches = Vec::with_capacity(self.stretches.len());
        for start in 0..self.starts.begun(windows) {
            let mut sums = [0.0; SYMMETRY_BETS.len()];
            for chunk in self.seen[self.starts.stretch(start, windows)].chunks(WINDOWS_PER_LOGARITHM) {
                let mut products = [1.0; SYMMETRY_BETS.len()];
                for seen in chunk {
                    let Some(bound) = usable(bounds(seen.index)) else { continue };
                    let excess = seen.d - bound;
                    let score = self.score(excess_before, excess, seen.whitening);
                    excess_before = Some(excess);
                    for (product, factor) in products.iter_mut().zip(factors(score)) {
                        *product *= factor;
                    }
                }
                for (sum, product) in sums.iter_mut().zip(products) {
                    *sum -= product.ln();
                }
            }
            stretches.push(sums);
        }
        self.starts.mix(&stretches, windows)
    }

    /// The window's score: its excess over the bound, less what it repeats, in scales of the past.
    fn score(&self, excess_before: Option<f64>, excess: f64, whitening: Whitening) -> f64 {
        let (fresh, scale) = match excess_before {
            None => (excess, excess.abs()),
            Some(before) => (excess - whitening.repeats * before, whitening.scale),
        };
        clip(self.side.sign() * fresh / larger(SCALE_FLOOR, scale), SYMMETRY_CLIP)
    }

    /// How the next window is to be whitened, from the windows so far.
    fn whitening(&mut self) -> Whitening {
        let count = self.values.len();
        if count < 2 {
            return Whitening { repeats: SYMMETRY_AUTOCORRELATION, scale: 0.0 };
        }
        let centre = median_of_sorted(&self.sorted);
        let mut deviation = MAD_TO_SD * median_deviation_of_sorted(&self.sorted, centre);
        if deviation <= 0.0 {
            deviation = self.values.iter().map(|value| (value - centre).abs()).sum::<f64>() / count as f64;
        }
        let cut = if deviation > 0.0 { SYMMETRY_RESIDUAL_CLIP * deviation } else { f64::INFINITY };
        self.scratch.clear();
        self.scratch.extend(self.values.iter().map(|value| clip(value - centre, cut)));
        let energy = products(&self.scratch, &self.scratch);
        let measured = match energy > 0.0 {
            true => products(&self.scratch[1..], &self.scratch[..count - 1]) / energy,
            false => SYMMETRY_AUTOCORRELATION,
        };
        let windows = count as f64;
        // A short series shows too little autocorrelation.
        let corrected = smaller(SYMMETRY_MOST_AUTOCORRELATION, measured + (1.0 + 3.0 * measured) / windows);
        let shrunk = (windows * corrected + SYMMETRY_PRIOR * SYMMETRY_AUTOCORRELATION) / (windows + SYMMETRY_PRIOR);
        let repeats = smaller(SYMMETRY_MOST_AUTOCORRELATION, larger(0.0, shrunk));
        for index in 0..count - 1 {
            self.scratch[index] = (self.scratch[index + 1] - repeats * self.scratch[index]).abs();
        }
        self.scratch.truncate(count - 1);
        Whitening { repeats, scale: MAD_TO_SD * median(&mut self.scratch) }
    }
}

/// cosh(bet · score) / exp(bet · score) = (1 + exp(−2 · bet · score)) / 2 per bet; bets double, so exponentials are squares.
fn factors(score: f64) -> PerBet {
    let mut power = exp(-2.0 * SYMMETRY_BETS[0] * score);
    std::array::from_fn(|_| {
        let factor = 0.5 + 0.5 * power;
        power *= power;
        factor
    })
}

/// Sum of products, four side by side.
fn products(left: &[f64], right: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let (left_chunks, right_chunks) = (left.chunks_exact(4), right.chunks_exact(4));
    let mut rest = 0.0;
    for (one, other) in left_chunks.remainder().iter().zip(right_chunks.remainder()) {
        rest += one * other;
    }
    for (one, other) in left_chunks.zip(right_chunks) {
        for lane in 0..4 {
            lanes[lane] += one[lane] * other[lane];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}
