//! Bounds on the log moment generating function of clipped scores, in both directions: what a bet costs per unit variance.

use crate::bounded::{clip, larger};
use crate::constants::{BETS, BETS_PER_CLIP, CLIPS, UNSEEN};
use crate::exponential::exp;

/// Scores side by side, so that the loops become vector code.
const LANES: usize = 4;

type PerBet = [f64; BETS_PER_CLIP];

/// Bets per clip, and the bounds for harm's and for safety's scores.
pub(super) fn of(scores: &[f64], dependence: [f64; CLIPS.len()], degenerate: bool) -> ([PerBet; CLIPS.len()], [[PerBet; CLIPS.len()]; 2]) {
    let mut bets = [[0.0; BETS_PER_CLIP]; CLIPS.len()];
    let mut log_mgf = [[[0.0; BETS_PER_CLIP]; CLIPS.len()]; 2];
    for clip_index in 0..CLIPS.len() {
        for (half, divisor) in [1.0, dependence[clip_index]].into_iter().enumerate() {
            let moments = Moments::of(scores, CLIPS[clip_index], BETS[0] / divisor);
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

/// Sums of exp(±bet · score) for the bets smallest, 2 · smallest, 4 · smallest …
struct Moments {
    up: [f64; BETS.len()],
    down: [f64; BETS.len()],
    windows: f64,
}

impl Moments {
    /// One exponential per score; its inverse is the other direction, its squares are the larger bets.
    fn of(scores: &[f64], cut: f64, smallest: f64) -> Moments {
        let (mut up, mut down) = ([[0.0; LANES]; BETS.len()], [[0.0; LANES]; BETS.len()]);
        let chunks = scores.chunks_exact(LANES);
        for score in chunks.remainder() {
            let (mut rise, mut fall) = (exp(smallest * clip(*score, cut)), exp(-smallest * clip(*score, cut)));
            for index in 0..BETS.len() {
                up[index][0] += rise;
                down[index][0] += fall;
                rise *= rise;
                fall *= fall;
            }
        }
        for chunk in chunks {
            let (mut rises, mut falls) = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                rises[lane] = exp(smallest * clip(chunk[lane], cut));
            }
            for lane in 0..LANES {
                falls[lane] = 1.0 / rises[lane];
            }
            for index in 0..BETS.len() {
                for lane in 0..LANES {
                    up[index][lane] += rises[lane];
                    down[index][lane] += falls[lane];
                    rises[lane] *= rises[lane];
                    falls[lane] *= falls[lane];
                }
            }
        }
        let add_up = |lanes: [f64; LANES]| (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
        Moments { up: up.map(add_up), down: down.map(add_up), windows: scores.len() as f64 }
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
