//! The evidence had the bounds been others, for whoever tries many of them: what no bound changes is worked out once. Bets
//! double, so exp(bet · total) takes one exponential per start, clip and smallest bet; its squares are the larger bets'.

use std::ops::Range;

use super::start::Exponents;
use super::{Calibrated, Step};
use crate::bounded::{clip, larger, smaller, usable};
use crate::constants::{BETS, BETS_PER_CLIP, CLIPS};
use crate::exponential::{exp, largest};
use crate::noise::NoiseProfile;

/// Bets per clip of which the others are doubles: those of the profile as they are, and divided by the dependence.
const SMALLEST_BETS: usize = BETS_PER_CLIP / BETS.len();

/// Smallest bet · total, per clip and smallest bet.
type Stakes = [f64; CLIPS.len() * SMALLEST_BETS];

/// Within these stakes and prices every product is a normal number, which is quick: the largest bet's stake is eight times as
/// large, and 8 · 40 + 372 is less than the 708 at which exp leaves them. What is cut leaves less than exp(−40) of a weight of 1.
const LARGEST_STAKE: f64 = 40.0;
const LEAST_STAKE: f64 = -40.0;
const HIGHEST_PRICE: f64 = 372.0;
/// Sums above this are right to 14 digits without what was cut.
const LEAST_SUM: f64 = 1e-3;

/// A running analysis' evidence at other bounds.
#[derive(Debug, Clone)]
pub struct Elsewhere<'a> {
    engine: &'a Calibrated,
    /// Per begun start: its weight in the mean · exp(−price), by how often the smallest bet was doubled.
    discounts: Vec<[Stakes; BETS.len()]>,
}

impl<'a> Elsewhere<'a> {
    pub(super) fn of(engine: &'a Calibrated) -> Self {
        let discounts_of = |step: &Step| {
            let each = engine.starts.iter().enumerate();
            each.map(|(index, start)| discounts(&engine.prices(step, index), engine.used(), start.weight)).collect()
        };
        Elsewhere { engine, discounts: engine.step.as_ref().map_or_else(Vec::new, discounts_of) }
    }

    /// ln e after the last window had the bounds been these: `bounds` maps the index of a pushed window (gaps count) to its
    /// bound. A bound that is not finite leaves its window out of the sums.
    pub fn ln_e(&self, bounds: impl Fn(usize) -> f64) -> f64 {
        let engine = self.engine;
        let Some(step) = engine.step.as_ref().filter(|_| !engine.seen.is_empty()) else { return 0.0 };
        let (mut sum, mut largest_stake) = (engine.waiting as f64 * engine.waiting_weight, 0.0);
        self.each_start(step, &bounds, |index, stakes| {
            let evidence = evidence(stakes, &self.discounts[index]);
            let start = &engine.starts[index];
            sum += if engine.is_too_young(start) { smaller(start.weight, evidence) } else { evidence };
            largest_stake = larger(largest_stake, largest(stakes));
        });
        if largest_stake <= LARGEST_STAKE && sum > LEAST_SUM { sum.ln() } else { self.ln_e_of_extremes(step, &bounds) }
    }

    /// The same by logarithms, which no bound makes overflow.
    fn ln_e_of_extremes(&self, step: &Step, bounds: &impl Fn(usize) -> f64) -> f64 {
        let mut all: Vec<Exponents> = (0..self.engine.starts.len()).map(|index| self.engine.prices(step, index)).collect();
        self.each_start(step, bounds, |index, stakes| {
            for (place, exponent) in all[index].iter_mut().enumerate() {
                let doubled = (1_u32 << (place % BETS.len())) as f64;
                *exponent = stakes[place / BETS.len()] * doubled - *exponent;
            }
        });
        self.engine.mix(&all)
    }

    /// Visits the begun starts from the last to the first with the stakes that they have won since they began: those of a
    /// start are the next one's and what came between.
    fn each_start(&self, step: &Step, bounds: &impl Fn(usize) -> f64, mut visit: impl FnMut(usize, &Stakes)) {
        let engine = self.engine;
        let earlier = engine.earlier.iter().rev().map(|earlier| (&*earlier.profile, earlier.first));
        let mut starts = engine.starts.iter().enumerate().rev().peekable();
        let mut stakes = [0.0; CLIPS.len() * SMALLEST_BETS];
        let mut until = engine.seen.len();
        for (profile, first) in std::iter::once((&*step.profile, step.first)).chain(earlier) {
            while let Some((index, start)) = starts.next_if(|(_, start)| start.begun >= first) {
                add(&mut stakes, profile, self.totals(profile, start.begun..until, bounds));
                until = start.begun;
                visit(index, &stakes);
            }
            add(&mut stakes, profile, self.totals(profile, first..until, bounds));
            until = first;
        }
    }

    /// Sums of clipped scores over some of the seen windows, per clip; 0 for a clip that the side does not use.
    fn totals(&self, profile: &NoiseProfile, windows: Range<usize>, bounds: &impl Fn(usize) -> f64) -> [f64; CLIPS.len()] {
        let (bias, factor) = (profile.bias(), self.engine.side.sign() / profile.scale());
        let mut totals = [0.0; CLIPS.len()];
        for (index, d) in &self.engine.seen[windows] {
            if let Some(bound) = usable(bounds(*index)) {
                let score = (d - bias - bound) * factor;
                for (total, cut) in totals.iter_mut().zip(CLIPS) {
                    *total += clip(score, cut);
                }
            }
        }
        totals[self.engine.used() / BETS_PER_CLIP..].fill(0.0);
        totals
    }
}

fn add(stakes: &mut Stakes, profile: &NoiseProfile, totals: [f64; CLIPS.len()]) {
    for (place, stake) in stakes.iter_mut().enumerate() {
        let clip_index = place / SMALLEST_BETS;
        *stake += profile.bets(clip_index)[place % SMALLEST_BETS * BETS.len()] * totals[clip_index];
    }
}

/// A start's weight in the mean · exp(−price), by how often the smallest bet was doubled; 0 for a clip that is not used.
fn discounts(prices: &Exponents, used: usize, weight: f64) -> [Stakes; BETS.len()] {
    let mut discounts = [[0.0; CLIPS.len() * SMALLEST_BETS]; BETS.len()];
    let share = weight / used as f64;
    // In one plain loop, which becomes vector code.
    let mut shares = [0.0; CLIPS.len() * BETS_PER_CLIP];
    for (discount, price) in shares.iter_mut().zip(prices) {
        *discount = if *price < HIGHEST_PRICE { share * exp(-price) } else { 0.0 };
    }
    for (place, discount) in shares[..used].iter().enumerate() {
        discounts[place % BETS.len()][place / BETS.len()] = *discount;
    }
    discounts
}

/// Sum of discount · exp(stake · 1, 2, 4 and 8).
fn evidence(stakes: &Stakes, discounts: &[Stakes; BETS.len()]) -> f64 {
    let mut powers = *stakes;
    for power in &mut powers {
        *power = exp(if *power < LEAST_STAKE { LEAST_STAKE } else { *power });
    }
    let mut sums = [0.0; CLIPS.len() * SMALLEST_BETS];
    for discounts in discounts {
        for ((sum, power), discount) in sums.iter_mut().zip(&mut powers).zip(discounts) {
            *sum += *power * discount;
            *power *= *power;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::evidence::Side;

    /// Both ways to add up agree wherever the quick one is used, across traffic steps, and the other takes over in time.
    #[test]
    fn squares_agree_with_logarithms() {
        let mut state = 3_u64;
        let mut noise = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        let rows: Vec<Vec<f64>> = (0..6).map(|_| (0..60).map(|_| 0.2 * noise()).collect()).collect();
        let profile = Arc::new(NoiseProfile::from_history(&rows, 60).expect("360 windows are enough"));
        for side in [Side::Harm, Side::Safe] {
            for steps in [vec![60], vec![3], vec![17, 1, 30]] {
                let mut engine = Calibrated::new(side, 60);
                for windows in steps {
                    engine.begin_step(Arc::clone(&profile));
                    (0..windows).for_each(|_| engine.push(0.2 * noise(), 0.1, &[]));
                }
                let elsewhere = engine.elsewhere();
                let step = engine.step.as_ref().expect("a step has begun");
                for hundredths in -60..=60 {
                    let bounds = |_| f64::from(hundredths) / 100.0;
                    let (quick, sure) = (elsewhere.ln_e(bounds), elsewhere.ln_e_of_extremes(step, &bounds));
                    assert!((quick - sure).abs() < 1e-12 * (1.0 + sure.abs()), "{side:?} at {hundredths}: {quick} {sure}");
                }
                let same = engine.ln_e_at(|_| 0.1);
                assert!((same - engine.ln_e()).abs() < 1e-9, "{side:?}: {same}");
            }
        }
    }
}
