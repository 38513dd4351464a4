//! A moment at which harm may have begun: what had been summed up to then, and what it has gathered since.

use super::{WIDEST, inflation};
use crate::bounded::clip;
use crate::constants::{BETS_PER_CLIP, CLIPS};
use crate::evidence::Side;
use crate::noise::NoiseProfile;

/// One number per clip and bet.
pub(super) type Exponents = [f64; CLIPS.len() * BETS_PER_CLIP];

/// Running sums over the present windows of a traffic step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sums {
    /// Scores against the bound, per clip.
    pub(super) totals: [f64; CLIPS.len()],
    /// Scores about the run's own centre, at the widest clip: the run's own spread, whatever the bound.
    pub(super) scores: f64,
    pub(super) squares: f64,
    pub(super) windows: usize,
}

impl Sums {
    pub(super) const NOTHING: Sums = Sums { totals: [0.0; CLIPS.len()], scores: 0.0, squares: 0.0, windows: 0 };

    pub(super) fn add(&mut self, against_bound: f64, about_centre: f64) {
        for (total, cut) in self.totals.iter_mut().zip(CLIPS) {
            *total += clip(against_bound, cut);
        }
        self.add_to_spread(about_centre);
        self.windows += 1;
    }

    /// The centre has moved: the spread begins anew from the scores of the windows so far.
    pub(super) fn recentre(&mut self, about_centre: impl Iterator<Item = f64>) {
        (self.scores, self.squares) = (0.0, 0.0);
        about_centre.for_each(|score| self.add_to_spread(score));
    }

    fn add_to_spread(&mut self, about_centre: f64) {
        let score = clip(about_centre, CLIPS[WIDEST]);
        self.scores += score;
        self.squares += score * score;
    }

    pub(super) fn since(&self, base: &Sums) -> Sums {
        let mut totals = self.totals;
        for (total, before) in totals.iter_mut().zip(base.totals) {
            *total -= before;
        }
        Sums { totals, scores: self.scores - base.scores, squares: self.squares - base.squares, windows: self.windows - base.windows }
    }
}

/// A start that has begun.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) weight: f64,
    /// The logarithm of the weight.
    pub(super) ln_weight: f64,
    /// Present windows of the whole run before it.
    pub(super) begun: usize,
    /// The traffic step's sums when it began; nothing where it began in an earlier step.
    pub(super) base: Sums,
    /// Squared deviations of the step's windows before it about their own mean, and their degrees of freedom.
    pub(super) spread_before: f64,
    pub(super) freedom_before: f64,
}

impl Start {
    pub(super) fn first(weight: f64) -> Start {
        Start { weight, ln_weight: weight.ln(), begun: 0, base: Sums::NOTHING, spread_before: 0.0, freedom_before: 0.0 }
    }

    /// A later start; `sums` are the step's so far.
    pub(super) fn late(weight: f64, begun: usize, profile: &NoiseProfile, sums: &Sums) -> Start {
        let count = sums.windows as f64;
        let spread_before = if sums.windows == 0 { 0.0 } else { sums.squares - sums.scores * sums.scores / count };
        Start {
            weight,
            ln_weight: weight.ln(),
            begun,
            base: *sums,
            spread_before,
            freedom_before: profile.degrees_of_freedom(sums.windows),
        }
    }

    /// A new traffic step: nothing of it has been summed.
    pub(super) fn begin_anew(&mut self) {
        self.base = Sums::NOTHING;
        self.spread_before = 0.0;
        self.freedom_before = 0.0;
    }

    /// What its evidence pays for the noise of the step's windows since it began, per clip and bet.
    pub(super) fn prices(&self, profile: &NoiseProfile, side: Side, step_sums: &Sums, today: f64) -> Exponents {
        let sums = step_sums.since(&self.base);
        let mut prices = [0.0; CLIPS.len() * BETS_PER_CLIP];
        if sums.windows == 0 {
            return prices;
        }
        let inflation = inflation(profile, self, &sums, today);
        for clip_index in 0..CLIPS.len() {
            let variance = inflation * profile.variance(clip_index, sums.windows);
            for (place, log_mgf) in profile.log_mgf(side, clip_index).iter().enumerate() {
                prices[clip_index * BETS_PER_CLIP + place] = variance * log_mgf;
            }
        }
        prices
    }
}

/// What earlier traffic steps brought a start: bets won, and the price of noise, per clip and bet.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    pub(super) gains: Exponents,
    pub(super) prices: Exponents,
}

impl Carried {
    pub(super) const NOTHING: Carried = Carried { gains: [0.0; CLIPS.len() * BETS_PER_CLIP], prices: [0.0; CLIPS.len() * BETS_PER_CLIP] };

    pub(super) fn add(&mut self, gains: &Exponents, prices: &Exponents) {
        for place in 0..gains.len() {
            self.gains[place] += gains[place];
            self.prices[place] += prices[place];
        }
    }
}
