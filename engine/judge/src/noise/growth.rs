//! How the variance of a sum of scores grows with its length: blocks within rows, about one common level, so that
//! autocorrelation and lasting differences between instances both count as noise.

use crate::bounded::{clip, larger};
use crate::constants::{BLOCKS, BLOCKS_NEEDED_PER_WINDOW, LEAST_UNIT_VARIANCE, VARIANCE_MARGIN};

const LAST: usize = BLOCKS.len() - 1;
const LONGEST_BLOCK: usize = BLOCKS[LAST];

/// Variance of sums of scores that are cut at one clip.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Growth {
    unit_variance: f64,
    dependence: f64,
    /// Variance of a sum of 0 ..= 24 scores, in unit variances, with its margin.
    short: [f64; LONGEST_BLOCK + 1],
    /// What each score beyond that adds.
    slope: f64,
}

impl Growth {
    /// `scores` of all rows one after another, `lengths` of the rows; at least one score.
    pub(super) fn of(scores: &[f64], lengths: &[usize], cut: f64, degenerate: bool) -> Growth {
        let count = scores.len() as f64;
        let clipped: Vec<f64> = scores.iter().map(|score| clip(*score, cut)).collect();
        let mean = clipped.iter().sum::<f64>() / count;
        let measured = clipped.iter().map(|score| (score - mean) * (score - mean)).sum::<f64>() / count;
        let floor = if degenerate { 1.0 } else { LEAST_UNIT_VARIANCE };
        let unit_variance = larger(floor, measured);
        let sums = running_sums(&clipped, lengths, mean);
        let mut factors = [1.0; BLOCKS.len()];
        for (index, length) in BLOCKS.iter().enumerate().skip(1) {
            let (total, blocks) = squared_blocks(&sums, lengths, *length);
            let before = factors[index - 1];
            factors[index] = if blocks < BLOCKS_NEEDED_PER_WINDOW * length {
                before
            } else {
                let window = *length as f64;
                larger(before, total / blocks as f64 / (window * unit_variance) / (1.0 - window / count))
            };
        }
        let at = |index: usize| BLOCKS[index] as f64 * factors[index];
        let slope = larger(factors[LAST], (at(LAST) - at(LAST - 2)) / (BLOCKS[LAST] - BLOCKS[LAST - 2]) as f64);
        Growth { unit_variance, dependence: factors[LAST], short: interpolate(&factors), slope: slope * VARIANCE_MARGIN }
    }

    pub(super) fn unit_variance(&self) -> f64 {
        self.unit_variance
    }

    pub(super) fn dependence(&self) -> f64 {
        self.dependence
    }

    pub(super) fn variance(&self, windows: usize) -> f64 {
        match self.short.get(windows) {
            Some(variance) => *variance,
            None => self.short[LONGEST_BLOCK] + (windows - LONGEST_BLOCK) as f64 * self.slope,
        }
    }
}

/// Running sums about the mean, each row with a 0 before it.
fn running_sums(clipped: &[f64], lengths: &[usize], mean: f64) -> Vec<f64> {
    let mut sums = Vec::with_capacity(clipped.len() + lengths.len());
    let mut first = 0;
    for length in lengths {
        let mut sum = 0.0;
        sums.push(sum);
        for score in &clipped[first..first + length] {
            sum += score - mean;
            sums.push(sum);
        }
        first += length;
    }
    sums
}

/// Sum of squares of all blocks of one length, and their number; no block spans two rows.
fn squared_blocks(sums: &[f64], lengths: &[usize], length: usize) -> (f64, usize) {
    let (mut total, mut blocks, mut first) = (0.0, 0, 0);
    for windows in lengths {
        let row = &sums[first..=first + windows];
        first += windows + 1;
        if row.len() > length {
            total += squared_differences(&row[length..], &row[..row.len() - length]);
            blocks += row.len() - length;
        }
    }
    (total, blocks)
}

/// Four sums side by side: a single one would wait for each addition.
fn squared_differences(ends: &[f64], begins: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let (end_chunks, begin_chunks) = (ends.chunks_exact(4), begins.chunks_exact(4));
    let mut rest = 0.0;
    for (end, begin) in end_chunks.remainder().iter().zip(begin_chunks.remainder()) {
        rest += (end - begin) * (end - begin);
    }
    for (end, begin) in end_chunks.zip(begin_chunks) {
        for lane in 0..4 {
            let block = end[lane] - begin[lane];
            lanes[lane] += block * block;
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

/// Between two block lengths the variance is a straight line.
fn interpolate(factors: &[f64; BLOCKS.len()]) -> [f64; LONGEST_BLOCK + 1] {
    let at = |index: usize| BLOCKS[index] as f64 * factors[index];
    let mut short = [0.0; LONGEST_BLOCK + 1];
    short[LONGEST_BLOCK] = at(LAST) * VARIANCE_MARGIN;
    for index in 0..LAST {
        let (from, to) = (BLOCKS[index], BLOCKS[index + 1]);
        for (windows, slot) in short.iter_mut().enumerate().take(to).skip(from) {
            let part = (windows - from) as f64 / (to - from) as f64;
            *slot = ((1.0 - part) * at(index) + part * at(index + 1)) * VARIANCE_MARGIN;
        }
    }
    short
}
