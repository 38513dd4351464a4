//! Bounds on the log moment generating function of clipped scores, in both directions: what a bet costs per unit variance.

use crate::bounded::{clip, larger, smaller};
use crate::constants::{BETS, BETS_PER_CLIP, CLIPS, UNSEEN};
use crate::exponential::exp;

/// Scores side by side, so that the loops become vector code whose sums stay in registers.
const LANES: usize = 2;

type PerBet = [f64; BETS_PER_CLIP];

/// Bets per clip, and the bounds for harm's and for safety's scores.
pub(super) fn of(scores: &[f64], dependence: [f64; CLIPS.len()], degenerate: bool) -> ([PerBet; CLIPS.len()], [[PerBet; CLIPS.len()]; 2]) {
    let mut bets = [[0.0; BETS_PER_CLIP]; CLIPS.len()];
    let mut log_mgf = [[[0.0; BETS_PER_CLIP]; CLIPS.len()]; 2];
    let widest = CLIPS[CLIPS.len() - 1];
    let (mut undivided_rises, mut divided_rises) = (vec![0.0; scores.len()], vec![0.0; scores.len()]);
    fill_rises(&mut undivided_rises, scores, BETS[0], widest);
    for clip_index in 0..CLIPS.len() {
        fill_rises(&mut divided_rises, scores, BETS[0] / dependence[clip_index], CLIPS[clip_index]);
        for (half, (divisor, rises)) in [(1.0, &undivided_rises), (dependence[clip_index], &divided_rises)].into_iter().enumerate() {
            let moments = Moments::of(rises, exp(BETS[0] / divisor * CLIPS[clip_index]));
            for (index, undivided) in BETS.iter().enumerate() {
                let (bet, place) = (undivided / divisor, half * BETS.len() + index);
                let (harm, safe) = moments.bounds(index, bet, CLIPS[clip_index], degenerate);
                bets[clip_index][place] = bet;
                log_mgf[0][clip_index][place] = harm;
                log_mgf[1][clip_index][place] = safe;
            }
        }
    }
    (bets, log_mgf)
}

/// exp(smallest bet · score) of scores cut at one clip.
fn fill_rises(rises: &mut [f64], scores: &[f64], smallest: f64, cut: f64) {
    for (rise, score) in rises.iter_mut().zip(scores) {
        *rise = exp(smallest * clip(*score, cut));
    }
}

/// Sums of exp(±bet · score) for the bets smallest, 2 · smallest, 4 · smallest …
struct Moments {
    up: [f64; BETS.len()],
    down: [f64; BETS.len()],
    windows: f64,
}

impl Moments {
    /// From exp(smallest · score), which is cut at the `highest` and its inverse instead of the scores: the inverse is the other
    /// direction, the squares are the larger bets.
    fn of(rises: &[f64], highest: f64) -> Moments {
        let lowest = 1.0 / highest;
        let (mut up, mut down) = ([[0.0; LANES]; BETS.len()], [[0.0; LANES]; BETS.len()]);
        let mut add = |mut rises: [f64; LANES], mut falls: [f64; LANES]| {
            for index in 0..BETS.len() {
                for lane in 0..LANES {
                    up[index][lane] += rises[lane];
                    down[index][lane] += falls[lane];
                    rises[lane] *= rises[lane];
                    falls[lane] *= falls[lane];
                }
            }
        };
        let chunks = rises.chunks_exact(LANES);
        for rise in chunks.remainder() {
            let cut = smaller(highest, larger(lowest, *rise));
            // The other lanes add nothing.
            let (mut rises, mut falls) = ([0.0; LANES], [0.0; LANES]);
            (rises[0], falls[0]) = (cut, 1.0 / cut);
            add(rises, falls);
        }
        for chunk in chunks {
            let (mut rises, mut falls) = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                rises[lane] = smaller(highest, larger(lowest, chunk[lane]));
                falls[lane] = 1.0 / rises[lane];
            }
            add(rises, falls);
        }
        let add_up = |lanes: [f64; LANES]| lanes.iter().sum();
        Moments { up: up.map(add_up), down: down.map(add_up), windows: rises.len() as f64 }
    }

    /// The bound for harm and for safety: at least the symmetric one, with unseen outliers at both clips, and at least a
    /// coin of one scale where history shows no noise.
    fn bounds(&self, index: usize, bet: f64, cut: f64, degenerate: bool) -> (f64, f64) {
        let unseen = UNSEEN * 0.5 * ((bet * cut).exp() + (-bet * cut).exp());
        let (up, down, windows) = (self.up[index] + unseen, self.down[index] + unseen, self.windows + UNSEEN);
        let mut symmetric = ((up + down) / (2.0 * windows)).ln();
        if degenerate {
            symmetric = larger(bet + (-2.0 * bet).exp().ln_1p() - std::f64::consts::LN_2, symmetric);
        }
        (larger(symmetric, (up / windows).ln()), larger(symmetric, (down / windows).ln()))
    }
}
