//! Evidence against the tolerance in one direction: which engines speak, and what they say together.
//!
//! Everything here is oriented: higher is worse, and a factor above 1 is tolerated. A rule with `worse: either` holds two.

use std::sync::Arc;

use crate::evidence::calibrated::Calibrated;
use crate::evidence::counts::Counts;
use crate::evidence::uncalibrated::Uncalibrated;
use crate::evidence::{Side, average};
use crate::interval::{Edge, Expected, edge};
use crate::noise::NoiseProfile;
use crate::observation::Observation;
use crate::rule::Direction;
use crate::tail::{Tail, median};

/// Effects are looked for within this factor, as ln: a thousandfold.
const WIDEST: f64 = 6.9;
/// Differences are looked for within this many tolerances.
const WIDEST_DIFFERENCE: f64 = 1e4;

/// How an effect becomes the bound that the engines take, in one window.
#[derive(Debug, Clone)]
pub enum Yardstick {
    /// The effect is the log ratio itself.
    LogRatio,
    /// The effect is a difference in units of the tolerance.
    Difference,
    /// The effect is a latency factor (as ln); the bound is the log ratio of exceedances that it would show.
    Tail(Arc<Tail>),
}

impl Yardstick {
    /// The engines' bound (ln of the tolerated ratio, or the difference) for an oriented effect.
    fn bound(&self, effect: f64, direction: Direction) -> f64 {
        match self {
            Yardstick::LogRatio | Yardstick::Difference => effect,
            Yardstick::Tail(tail) => match direction {
                Direction::Higher | Direction::Either => tail.ratio(effect.exp()).map_or(effect, f64::ln),
                Direction::Lower => tail.ratio((-effect).exp()).map_or(effect, |ratio| -ratio.ln()),
            },
        }
    }
}

/// Which engines speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Voices {
    /// Conditional binomial.
    pub counts: bool,
    /// Noise from history.
    pub calibrated: bool,
    /// Symmetry.
    pub uncalibrated: bool,
}

#[derive(Debug, Clone)]
struct PerSide<T> {
    harm: T,
    safe: T,
}

impl<T> PerSide<T> {
    fn new(make: impl Fn(Side) -> T) -> Self {
        PerSide { harm: make(Side::Harm), safe: make(Side::Safe) }
    }

    fn get(&self, side: Side) -> &T {
        match side {
            Side::Harm => &self.harm,
            Side::Safe => &self.safe,
        }
    }

    fn each(&mut self, mut change: impl FnMut(&mut T)) {
        change(&mut self.harm);
        change(&mut self.safe);
    }
}

#[derive(Debug, Clone)]
struct Judged {
    observation: Observation,
    yardstick: Yardstick,
}

/// One direction's evidence over the windows so far.
#[derive(Debug, Clone)]
pub struct Directed {
    direction: Direction,
    longest: usize,
    voices: Voices,
    counts: PerSide<Counts>,
    uncalibrated: PerSide<Uncalibrated>,
    calibrated: Option<PerSide<Calibrated>>,
    calibrated_from: usize,
    windows: Vec<Judged>,
}

impl Directed {
    /// `direction`: `Higher` or `Lower`; `longest`: windows until the deadline.
    pub fn new(direction: Direction, longest: usize) -> Self {
        Directed {
            direction,
            longest,
            voices: Voices::default(),
            counts: PerSide::new(|side| Counts::new(side, longest)),
            uncalibrated: PerSide::new(|side| Uncalibrated::new(side, longest)),
            calibrated: None,
            calibrated_from: 0,
            windows: Vec::new(),
        }
    }

    /// Begins a traffic step: who speaks from now on, by which noise. Evidence so far is carried on.
    pub fn begin_step(&mut self, voices: Voices, profile: Option<Arc<NoiseProfile>>, dispersion: Option<f64>) {
        self.voices = voices;
        self.counts.each(|counts| counts.set_dispersion(dispersion));
        if let Some(profile) = profile {
            let longest = self.longest;
            let begun = self.windows.len();
            let calibrated = self.calibrated.get_or_insert_with(|| {
                self.calibrated_from = begun;
                PerSide::new(|side| Calibrated::new(side, longest))
            });
            calibrated.each(|engine| engine.begin_step(Arc::clone(&profile)));
        }
    }

    /// Takes one window. `tolerated`: the oriented effect still tolerated (ln of the factor, or 1 for a difference).
    /// `today`: the paired values of today's pseudo-canaries, not oriented, NaN where missing.
    pub fn push(&mut self, observation: Observation, yardstick: Yardstick, tolerated: f64, today: &[f64]) {
        let oriented = observation.oriented(self.direction);
        let bound = yardstick.bound(tolerated, self.direction);
        let d = oriented.paired();
        let (events, requests) = match oriented {
            Observation::Counts { events, requests } => (events, requests),
            Observation::Gap | Observation::Paired(_) => Default::default(),
        };
        if self.voices.counts {
            let ratio = bound.exp();
            self.counts.each(|counts| counts.push(events.canary, events.baseline, requests.canary, requests.baseline, ratio));
        }
        if self.voices.uncalibrated {
            self.uncalibrated.each(|engine| engine.push(d, bound));
        }
        if let Some(calibrated) = &mut self.calibrated {
            let today: Vec<f64> = match self.direction {
                Direction::Lower => today.iter().map(|value| -value).collect(),
                Direction::Higher | Direction::Either => today.to_vec(),
            };
            calibrated.each(|engine| engine.push(d, bound, &today));
        }
        self.windows.push(Judged { observation: oriented, yardstick });
    }

    /// ln of the evidence after the last window; 0 where nobody speaks.
    pub fn ln_e(&self, side: Side) -> f64 {
        let mut spoken = Vec::with_capacity(2);
        if self.voices.counts {
            spoken.push(self.counts.get(side).ln_e());
        }
        if self.voices.uncalibrated {
            spoken.push(self.uncalibrated.get(side).ln_e());
        }
        if self.voices.calibrated
            && let Some(calibrated) = &self.calibrated
        {
            spoken.push(calibrated.get(side).ln_e());
        }
        if spoken.is_empty() { 0.0 } else { average(&spoken) }
    }

    /// ln of the evidence that there would be after the last window, had an effect been tolerated throughout, beyond the
    /// threshold: at least 0 for the effects that are refuted.
    fn refutation(&self, side: Side, ln_threshold: f64) -> impl FnMut(f64) -> f64 {
        let calibrated = self.calibrated.as_ref().filter(|_| self.voices.calibrated).map(|calibrated| calibrated.get(side).elsewhere());
        let mut bounds = Vec::with_capacity(self.windows.len());
        let mut spoken = Vec::with_capacity(2);
        move |effect| {
            bounds.clear();
            bounds.extend(self.windows.iter().map(|window| window.yardstick.bound(effect, self.direction)));
            spoken.clear();
            if self.voices.counts {
                spoken.push(self.counts.get(side).ln_e_at(|window| bounds[window].exp()));
            }
            if self.voices.uncalibrated {
                spoken.push(self.uncalibrated.get(side).ln_e_at(|window| bounds[window]));
            }
            if let Some(calibrated) = &calibrated {
                spoken.push(calibrated.ln_e(|window| bounds[window + self.calibrated_from]));
            }
            if spoken.is_empty() { -ln_threshold } else { average(&spoken) - ln_threshold }
        }
    }

    /// The largest oriented effect that is refuted as harmless: everything below is refuted. None: nothing is.
    /// `guess`: where to look first.
    pub fn largest_refuted(&self, ln_threshold: f64, guess: f64) -> Option<f64> {
        let (low, high) = self.range();
        match edge(low, high, guess, Expected::Below, self.refutation(Side::Harm, ln_threshold)) {
            Edge::At(effect) => Some(effect),
            Edge::Everywhere => Some(high),
            Edge::Nowhere => None,
        }
    }

    /// The smallest oriented effect that is refuted as real: everything above is refuted. None: nothing is.
    /// `guess`: where to look first.
    pub fn smallest_refuted(&self, ln_threshold: f64, guess: f64) -> Option<f64> {
        let (low, high) = self.range();
        match edge(low, high, guess, Expected::Above, self.refutation(Side::Safe, ln_threshold)) {
            Edge::At(effect) => Some(effect),
            Edge::Everywhere => Some(low),
            Edge::Nowhere => None,
        }
    }

    /// The best single oriented effect: the median of paired values, or for counts the effect at which the canary's
    /// events are as many as expected given both arms' (the conditional maximum likelihood). None without data.
    pub fn estimate(&self) -> Option<f64> {
        let paired = |window: &Judged| match window.observation {
            Observation::Paired(d) => Some(d),
            Observation::Gap | Observation::Counts { .. } => None,
        };
        let values: Vec<f64> = self.windows.iter().filter_map(paired).collect();
        if !values.is_empty() { median(values) } else { self.counts_estimate() }
    }

    fn counts_estimate(&self) -> Option<f64> {
        let (mut canary_events, mut baseline_events) = (0.0, 0.0);
        for window in &self.windows {
            if let Observation::Counts { events, .. } = window.observation {
                canary_events += events.canary;
                baseline_events += events.baseline;
            }
        }
        if canary_events <= 0.0 || baseline_events <= 0.0 {
            return None;
        }
        let surplus = |effect: f64| {
            let mut expected = 0.0;
            for window in &self.windows {
                if let Observation::Counts { events, requests } = window.observation {
                    let ratio = window.yardstick.bound(effect, self.direction).exp();
                    let odds = ratio * requests.canary / requests.baseline;
                    expected += (events.canary + events.baseline) * odds / (1.0 + odds);
                }
            }
            canary_events - expected
        };
        match edge(-WIDEST, WIDEST, 0.0, Expected::Above, surplus) {
            Edge::At(effect) => Some(effect),
            Edge::Everywhere | Edge::Nowhere => None,
        }
    }

    fn range(&self) -> (f64, f64) {
        let differences = self.windows.iter().any(|window| matches!(window.yardstick, Yardstick::Difference));
        if differences { (-WIDEST_DIFFERENCE, WIDEST_DIFFERENCE) } else { (-WIDEST, WIDEST) }
    }

    /// The direction in which harm lies.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Which engines speak.
    pub fn voices(&self) -> Voices {
        self.voices
    }
}
