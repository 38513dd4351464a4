//! Paired evidence whose noise was learned from history: a mixture over when harm began, over clips and over bets, of
//! exp(bet · sum of clipped scores − inflation · variance · log mgf). One more window costs the same however many there were:
//! every start's sums are differences of running sums. Evidence is carried across traffic steps per start, clip and bet.

mod elsewhere;
mod start;

use std::sync::Arc;

use super::side::{Side, late_starts};
use crate::bounded::{clip, larger, smaller, usable};
use crate::constants::{
    BETS, BETS_PER_CLIP, CENTRE_WINDOWS, CLIPS, CROSSING_TOLERANCE, MIN_WINDOWS_ROLLBACK, NOW_PRIOR, RUN_PRIOR, SAFE_CLIPS, START_EVERY,
};
use crate::exponential::{exp, largest, sum_exp_below};
use crate::median::median;
use crate::noise::NoiseProfile;
pub use elsewhere::Elsewhere;
use start::{Carried, Exponents, Start, Sums};

const WIDEST: usize = CLIPS.len() - 1;
/// More than the rounding of a logarithm of sums: beyond it a comparison of bounds is certain.
const CERTAINTY: f64 = 1e-10;
// No later start of a step holds sums about a centre that still moves.
const _: () = assert!(CENTRE_WINDOWS <= START_EVERY);

/// Running evidence about a paired log ratio whose noise is known. It starts at ln e = 0; windows that come before the first
/// [`Calibrated::begin_step`] are gaps.
#[derive(Debug, Clone)]
pub struct Calibrated {
    side: Side,
    every: usize,
    /// Starts that have begun, in the order in which they began.
    starts: Vec<Start>,
    /// Starts that have not, and what each of them weighs.
    waiting: usize,
    waiting_weight: f64,
    /// What earlier traffic steps brought each begun start; empty in the first step.
    carried: Vec<Carried>,
    step: Option<Step>,
    earlier: Vec<EarlierStep>,
    /// A traffic step has begun: its first window is a start.
    start_pending: bool,
    /// Present windows: the index of the push, and d.
    seen: Vec<(usize, f64)>,
    /// The median of the run's first windows, about which scores are cut when the run's own spread is measured: a shift of
    /// the whole run moves it too, so it never changes the spread.
    centre: f64,
    pushed: usize,
}

/// The present traffic step.
#[derive(Debug, Clone)]
struct Step {
    profile: Arc<NoiseProfile>,
    /// Index in `seen` of its first window.
    first: usize,
    sums: Sums,
    /// Squared scores of today's pseudo-canaries, and their number.
    now_squares: f64,
    now_windows: f64,
    /// How noisy today's pseudo-canaries are against history, at the last present window.
    today: f64,
}

/// A traffic step that is over.
#[derive(Debug, Clone)]
struct EarlierStep {
    profile: Arc<NoiseProfile>,
    first: usize,
}

impl Calibrated {
    /// For one side and an analysis of at most `longest` windows.
    pub fn new(side: Side, longest: usize) -> Self {
        let (every, ln_weights) = match side {
            Side::Harm => late_starts(longest),
            Side::Safe => (1, vec![0.0]),
        };
        let mut starts = Vec::with_capacity(ln_weights.len());
        starts.push(Start::first(ln_weights[0].exp()));
        Calibrated {
            side,
            every,
            starts,
            waiting: ln_weights.len() - 1,
            waiting_weight: ln_weights.get(1).map_or(0.0, |ln_weight| ln_weight.exp()),
            carried: Vec::new(),
            step: None,
            earlier: Vec::new(),
            start_pending: false,
            seen: Vec::with_capacity(longest),
            centre: 0.0,
            pushed: 0,
        }
    }

    /// Begins a traffic step, whose noise is its own: the first call comes before the first push. Evidence so far stays, per
    /// start, clip and bet; sums and the run's own spread begin anew; and harm may have begun with the step, which takes an
    /// equal share of the weight of the starts that have not begun.
    pub fn begin_step(&mut self, profile: Arc<NoiseProfile>) {
        if let Some(over) = self.step.take().filter(|step| step.first < self.seen.len()) {
            self.carried.resize(self.starts.len(), Carried::NOTHING);
            for (start, carried) in self.starts.iter_mut().zip(&mut self.carried) {
                let gains = gains(&over.profile, over.sums.since(&start.base).totals);
                let prices = start.prices(&over.profile, self.side, &over.sums, over.today);
                carried.add(&gains, &prices);
                start.begin_anew();
            }
            self.earlier.push(EarlierStep { profile: over.profile, first: over.first });
            self.start_pending = self.side == Side::Harm;
        }
        self.step = Some(Step { profile, first: self.seen.len(), sums: Sums::NOTHING, now_squares: 0.0, now_windows: 0.0, today: 1.0 });
    }

    /// One more window: `d` = ln canary − ln baseline, `bound` = ln of the tolerated ratio, `now` = the same window of the
    /// baseline's pseudo-canaries. What is not finite is a gap.
    pub fn push(&mut self, d: f64, bound: f64, now: &[f64]) {
        let index = self.pushed;
        self.pushed += 1;
        let Some(step) = self.step.as_mut() else { return };
        let profile = &*step.profile;
        let (bias, inverse_scale) = (profile.bias(), 1.0 / profile.scale());
        for value in now.iter().copied().filter_map(usable) {
            let score = clip((value - bias) * inverse_scale, CLIPS[WIDEST]);
            step.now_squares += score * score;
            step.now_windows += 1.0;
        }
        let (Some(d), Some(bound)) = (usable(d), usable(bound)) else { return };
        step.today = (NOW_PRIOR + step.now_squares / profile.unit_variance(WIDEST)) / (NOW_PRIOR + step.now_windows);
        if self.starts_now() {
            self.begin_start();
        }
        self.seen.push((index, d));
        let Some(step) = self.step.as_mut() else { return };
        let in_step = &self.seen[step.first..];
        if self.seen.len() <= CENTRE_WINDOWS {
            self.centre = median(&mut self.seen.iter().map(|(_, d)| *d).collect::<Vec<f64>>());
            step.sums.recentre(in_step[..in_step.len() - 1].iter().map(|(_, d)| (d - self.centre) * inverse_scale));
        }
        step.sums.add(self.side.sign() * (d - bias - bound) * inverse_scale, (d - self.centre) * inverse_scale);
    }

    /// ln e after the last window.
    pub fn ln_e(&self) -> f64 {
        let Some(step) = &self.step else { return 0.0 };
        let all: Vec<Exponents> = (0..self.starts.len()).map(|index| self.exponents(step, index)).collect();
        self.mix(&all)
    }

    /// A cheap number that ln e does not exceed: the best exponent of all, or 0.
    pub fn at_most(&self) -> f64 {
        let Some(step) = &self.step else { return 0.0 };
        let mut most = if self.waiting > 0 || self.seen.is_empty() { 0.0 } else { f64::NEG_INFINITY };
        for index in 0..self.starts.len() {
            most = larger(most, largest(&self.exponents(step, index)[..self.used()]));
        }
        most
    }

    /// Whether ln e reaches the threshold, but for rounding. The same answer as comparing [`Calibrated::ln_e`]: ln e is at most
    /// the best exponent, and at least that of any start less the logarithms of its weight and of the number it is averaged
    /// with. Only between the two are exponentials taken.
    pub fn reaches(&self, threshold: f64) -> bool {
        let needed = threshold - CROSSING_TOLERANCE;
        let Some(step) = &self.step else { return needed <= 0.0 };
        let mut possible = needed <= 0.0;
        let ln_used = (self.used() as f64).ln();
        for (index, start) in self.starts.iter().enumerate() {
            let Some(best) = self.best_within_reach(step, index, start, needed) else { continue };
            if !self.is_too_young(start) {
                if best + start.ln_weight - ln_used >= needed + CERTAINTY {
                    return true;
                }
                possible = true;
            }
        }
        possible && self.ln_e() >= needed
    }

    /// Present windows in the whole run.
    pub fn present(&self) -> usize {
        self.seen.len()
    }

    /// Present windows in the present traffic step.
    pub fn present_in_step(&self) -> usize {
        self.step.as_ref().map_or(0, |step| self.seen.len() - step.first)
    }

    /// ln e after the last window had the bounds been others: `bounds` maps the index of a pushed window (gaps count) to its
    /// bound. A bound that is not finite leaves its window out of the sums.
    pub fn ln_e_at(&self, bounds: impl Fn(usize) -> f64) -> f64 {
        self.elsewhere().ln_e(bounds)
    }

    /// For trying many bounds: what they have in common is worked out once.
    pub fn elsewhere(&self) -> Elsewhere<'_> {
        Elsewhere::of(self)
    }

    /// The number of exponents per start: safety is never argued from the widest clip.
    fn used(&self) -> usize {
        match self.side {
            Side::Harm => CLIPS.len() * BETS_PER_CLIP,
            Side::Safe => SAFE_CLIPS * BETS_PER_CLIP,
        }
    }

    /// Whether the window that is about to be taken begins a start.
    fn starts_now(&self) -> bool {
        let present = self.seen.len();
        self.waiting > 0 && present > 0 && (self.start_pending || present.is_multiple_of(self.every))
    }

    fn begin_start(&mut self) {
        let Some(step) = self.step.as_ref() else { return };
        let scheduled = self.seen.len().is_multiple_of(self.every);
        if !scheduled {
            let shares = self.waiting as f64;
            self.waiting_weight *= shares / (shares + 1.0);
        }
        self.starts.push(Start::late(self.waiting_weight, self.seen.len(), &step.profile, &step.sums));
        if !self.carried.is_empty() {
            self.carried.push(Carried::NOTHING);
        }
        self.waiting -= usize::from(scheduled);
        self.start_pending = false;
    }

    /// The exponents of one start.
    fn exponents(&self, step: &Step, index: usize) -> Exponents {
        let start = &self.starts[index];
        let mut exponents = gains(&step.profile, step.sums.since(&start.base).totals);
        if let Some(carried) = self.carried.get(index) {
            for (exponent, gain) in exponents.iter_mut().zip(carried.gains) {
                *exponent += gain;
            }
        }
        for (exponent, price) in exponents.iter_mut().zip(self.prices(step, index)) {
            *exponent -= price;
        }
        exponents
    }

    /// What one start's evidence pays for noise, in all traffic steps.
    fn prices(&self, step: &Step, index: usize) -> Exponents {
        let mut prices = self.starts[index].prices(&step.profile, self.side, &step.sums, step.today);
        if let Some(carried) = self.carried.get(index) {
            for (price, before) in prices.iter_mut().zip(carried.prices) {
                *price += before;
            }
        }
        prices
    }

    /// The best exponent of this start, where it reaches `needed`. Before any is made: bet · total − variance · mgf ≥ needed > 0
    /// asks for total ≥ needed / largest bet + variance · (least mgf per bet), whatever the inflation.
    fn best_within_reach(&self, step: &Step, index: usize, start: &Start, needed: f64) -> Option<f64> {
        if self.carried.is_empty() && needed > 0.0 {
            let windows = step.sums.windows - start.base.windows;
            let least_total = needed / BETS[BETS.len() - 1];
            let reachable = (0..self.used() / BETS_PER_CLIP).any(|clip_index| {
                let total = step.sums.totals[clip_index] - start.base.totals[clip_index];
                // Prices are not negative: most totals are out of reach before any is looked up.
                total >= least_total
                    && total >= least_total + step.profile.variance(clip_index, windows) * step.profile.least_price(self.side, clip_index)
            });
            if !reachable {
                return None;
            }
        }
        let best = largest(&self.exponents(step, index)[..self.used()]);
        (best >= needed).then_some(best)
    }

    /// ln of the weighted sum over starts of the mean over exponents. A start that has not begun has evidence 1, and one
    /// that has seen fewer than three windows at most that.
    fn mix(&self, all: &[Exponents]) -> f64 {
        if self.seen.is_empty() {
            return 0.0;
        }
        let used = self.used();
        let mut most = if self.waiting > 0 { 0.0 } else { f64::NEG_INFINITY };
        for (start, exponents) in self.starts.iter().zip(all) {
            let best = largest(&exponents[..used]);
            most = larger(most, if self.is_too_young(start) { smaller(0.0, best) } else { best });
        }
        let mut sum = self.waiting as f64 * self.waiting_weight * exp(-most);
        for (start, exponents) in self.starts.iter().zip(all) {
            let mean = sum_exp_below(&exponents[..used], most) / used as f64;
            sum += start.weight * if self.is_too_young(start) { smaller(exp(-most), mean) } else { mean };
        }
        most + sum.ln()
    }

    /// Whether a later start has seen too few windows for its evidence to exceed 1.
    fn is_too_young(&self, start: &Start) -> bool {
        start.begun > 0 && self.seen.len() - start.begun < MIN_WINDOWS_ROLLBACK
    }
}

/// bet · total per clip and bet.
fn gains(profile: &NoiseProfile, totals: [f64; CLIPS.len()]) -> Exponents {
    let mut gains = [0.0; CLIPS.len() * BETS_PER_CLIP];
    for (clip_index, total) in totals.iter().enumerate() {
        for (place, bet) in profile.bets(clip_index).iter().enumerate() {
            gains[clip_index * BETS_PER_CLIP + place] = bet * total;
        }
    }
    gains
}

/// How much more noise than history's the evidence must be discounted by; at least 1.
fn inflation(profile: &NoiseProfile, start: &Start, sums: &Sums, today: f64) -> f64 {
    let count = sums.windows as f64;
    let own = if sums.windows == 0 { 0.0 } else { sums.squares - sums.scores * sums.scores / count };
    let spread = (RUN_PRIOR + (start.spread_before + own) / profile.unit_variance(WIDEST))
        / (RUN_PRIOR + start.freedom_before + profile.degrees_of_freedom(sums.windows));
    larger(1.0, larger(spread, today))
}
