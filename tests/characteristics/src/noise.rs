//! Kinds of noise: what a service's measurements do from window to window when nothing is wrong. All in log units.

use crate::random::Draws;

/// How one arm varies, and what both arms share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noise {
    /// Independent from window to window, normal.
    Iid,
    /// Autocorrelated at lag 1 by .5.
    Ar5,
    /// Autocorrelated at lag 1 by .8.
    Ar8,
    /// Independent, on a tide that both arms share.
    Drift,
    /// Student's t (3) with a spike to three times the level in 1.5 % of an arm's windows.
    Heavy,
    /// Independent; the values are rounded to 10 ms, which is 2.5 %.
    Quantised,
    /// Independent; a tenth of each arm's windows is missing.
    Gaps,
    /// Independent; the canary starts cold, 60 % above its level, decaying over two windows.
    WarmUp,
    /// Independent; each instance has a lasting offset, standard deviation 6 %.
    Lottery,
    /// Independent, with excursions to 20 % above the level and back within 20 windows, one arm at a time.
    Wander,
    /// Independent; one arm is half as high again for five windows, which the history never shows.
    Bursts,
    /// Independent, with bursts to five times the level for three windows on average, in the history as well.
    BurstyErrors,
    /// Independent; the history was three times as quiet as the run.
    QuietHistory,
    /// Kept out of all tuning: calm stretches and stormy ones.
    Storms,
    /// Kept out of all tuning: rises slowly and drops at once, as with a cache that fills or a heap that is collected.
    Sawtooth,
}

/// The names as cells have them.
const NAMES: [(Noise, &str); 15] = [
    (Noise::Iid, "iid"),
    (Noise::Ar5, "ar.5"),
    (Noise::Ar8, "ar.8"),
    (Noise::Drift, "drift"),
    (Noise::Heavy, "heavy"),
    (Noise::Quantised, "quantised"),
    (Noise::Gaps, "gaps"),
    (Noise::WarmUp, "warm-up"),
    (Noise::Lottery, "lottery"),
    (Noise::Wander, "wander"),
    (Noise::Bursts, "bursts"),
    (Noise::BurstyErrors, "bursty-errors"),
    (Noise::QuietHistory, "quiet-history"),
    (Noise::Storms, "storms"),
    (Noise::Sawtooth, "sawtooth"),
];

/// Share of an arm's windows that spike in heavy noise.
pub const SPIKES: f64 = 0.015;
/// A spike's height, as a factor.
pub const SPIKE: f64 = 3.0;
/// Standard deviation of lasting offsets in a lottery.
pub const OFFSET: f64 = 0.06;
/// Share of windows that are missing in an arm with gaps.
pub const MISSING: f64 = 0.1;
/// How much quieter a quiet history is.
pub const QUIETER: f64 = 3.0;
const TIDE: f64 = 0.4;
const TIDE_WINDOWS: f64 = 240.0;
const EXCURSION: f64 = 0.2;
const EXCURSION_WINDOWS: usize = 20;
const EXCURSION_EVERY: f64 = 120.0;
const BURST_WINDOWS: usize = 5;
const BURST: f64 = 1.5;
const ERROR_BURST: f64 = 5.0;
const ERROR_BURST_START: f64 = 1.0 / 40.0;
const ERROR_BURST_END: f64 = 1.0 / 3.0;
const COLD: f64 = 0.6;
const COLD_WINDOWS: f64 = 2.0;
const CALM: f64 = 0.5;
const STORM_STARTS: f64 = 1.0 / 30.0;
const STORM_ENDS: f64 = 1.0 / 10.0;

impl Noise {
    /// All kinds.
    pub fn all() -> impl Iterator<Item = Noise> {
        NAMES.iter().map(|(noise, _)| *noise)
    }

    /// The name that cells use.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(noise, _)| *noise == self).map_or("", |(_, name)| name)
    }

    /// Whether it is kept out of all tuning: only the published run judges it.
    pub fn is_kept_out(self) -> bool {
        matches!(self, Noise::Storms | Noise::Sawtooth)
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Noise> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(noise, _)| *noise)
    }

    /// One arm's (or instance's) own noise over so many windows; `deviation`: the standard deviation in log units that its
    /// regular part has ([`Noise::variance`] says what spikes, excursions and bursts add).
    pub fn own(self, draws: &mut Draws, windows: usize, deviation: f64) -> Vec<f64> {
        match self {
            Noise::Iid
            | Noise::Drift
            | Noise::Quantised
            | Noise::Gaps
            | Noise::WarmUp
            | Noise::Lottery
            | Noise::Bursts
            | Noise::QuietHistory => (0..windows).map(|_| deviation * draws.normal()).collect(),
            Noise::Ar5 => autoregressive(draws, windows, deviation, 0.5),
            Noise::Ar8 => autoregressive(draws, windows, deviation, 0.8),
            Noise::Heavy => (0..windows).map(|_| deviation * draws.heavy() + if draws.chance(SPIKES) { SPIKE.ln() } else { 0.0 }).collect(),
            Noise::Wander => {
                let mut values: Vec<f64> = (0..windows).map(|_| deviation * draws.normal()).collect();
                let mut at = 0;
                while at < windows {
                    if draws.chance(1.0 / EXCURSION_EVERY) {
                        for step in 0..EXCURSION_WINDOWS.min(windows - at) {
                            let phase = std::f64::consts::PI * (step as f64 + 0.5) / EXCURSION_WINDOWS as f64;
                            values[at + step] += EXCURSION * phase.sin();
                        }
                        at += EXCURSION_WINDOWS;
                    } else {
                        at += 1;
                    }
                }
                values
            }
            Noise::BurstyErrors => switching(draws, windows, ERROR_BURST_START, ERROR_BURST_END, |draws, in_burst| {
                deviation * draws.normal() + if in_burst { ERROR_BURST.ln() } else { 0.0 }
            }),
            Noise::Storms => {
                let share = STORM_STARTS / (STORM_STARTS + STORM_ENDS);
                let stormy = ((1.0 - (1.0 - share) * CALM * CALM) / share).sqrt();
                switching(draws, windows, STORM_STARTS, STORM_ENDS, |draws, in_storm| {
                    deviation * draws.normal() * if in_storm { stormy } else { CALM }
                })
            }
            Noise::Sawtooth => {
                let period = 13.0 + 10.0 * draws.uniform();
                let phase = draws.uniform();
                let rise = 3.0 * deviation;
                (0..windows).map(|at| rise * ((phase + at as f64 / period).fract() - 0.5) + 0.5 * deviation * draws.normal()).collect()
            }
        }
    }

    /// The variance of [`Noise::own`], where it is known in closed form.
    pub fn variance(self, deviation: f64) -> Option<f64> {
        let regular = deviation * deviation;
        match self {
            Noise::Heavy => Some(regular + SPIKES * (1.0 - SPIKES) * SPIKE.ln().powi(2)),
            Noise::BurstyErrors => {
                let share = ERROR_BURST_START / (ERROR_BURST_START + ERROR_BURST_END);
                Some(regular + share * (1.0 - share) * ERROR_BURST.ln().powi(2))
            }
            Noise::Wander => None,
            Noise::Iid
            | Noise::Ar5
            | Noise::Ar8
            | Noise::Drift
            | Noise::Quantised
            | Noise::Gaps
            | Noise::WarmUp
            | Noise::Lottery
            | Noise::Bursts
            | Noise::QuietHistory
            | Noise::Storms
            | Noise::Sawtooth => Some(regular),
        }
    }

    /// Autocorrelation from one window to the next, where it is known in closed form.
    pub fn autocorrelation(self) -> Option<f64> {
        match self {
            Noise::Ar5 => Some(0.5),
            Noise::Ar8 => Some(0.8),
            Noise::Wander | Noise::BurstyErrors | Noise::Sawtooth => None,
            Noise::Iid
            | Noise::Drift
            | Noise::Heavy
            | Noise::Quantised
            | Noise::Gaps
            | Noise::WarmUp
            | Noise::Lottery
            | Noise::Bursts
            | Noise::QuietHistory
            | Noise::Storms => Some(0.0),
        }
    }

    /// What both arms share.
    pub fn common(self, draws: &mut Draws, windows: usize) -> Vec<f64> {
        if self != Noise::Drift {
            return vec![0.0; windows];
        }
        let phase = draws.uniform();
        (0..windows).map(|at| TIDE * (std::f64::consts::TAU * (phase + at as f64 / TIDE_WINDOWS)).sin()).collect()
    }

    /// A lasting offset of the canary, or of an instance.
    pub fn offset(self, draws: &mut Draws) -> f64 {
        if self == Noise::Lottery { OFFSET * draws.normal() } else { 0.0 }
    }

    /// How much colder the canary is so many windows after its start.
    pub fn cold(self, window: usize) -> f64 {
        if self == Noise::WarmUp { (COLD * (-(window as f64) / COLD_WINDOWS).exp()).ln_1p() } else { 0.0 }
    }

    /// A burst that the history never showed: whether it hits the canary, its windows, its height. `windows`: of the run.
    pub fn unseen_burst(self, draws: &mut Draws, windows: usize) -> Option<(bool, std::ops::Range<usize>, f64)> {
        if self != Noise::Bursts {
            return None;
        }
        let from = (draws.uniform() * (windows - BURST_WINDOWS) as f64) as usize;
        Some((draws.chance(0.5), from..from + BURST_WINDOWS, BURST.ln()))
    }
}

fn autoregressive(draws: &mut Draws, windows: usize, deviation: f64, coefficient: f64) -> Vec<f64> {
    let fresh = (1.0 - coefficient * coefficient).sqrt();
    let mut now = draws.normal();
    (0..windows)
        .map(|_| {
            let value = deviation * now;
            now = coefficient * now + fresh * draws.normal();
            value
        })
        .collect()
}

/// Two states that follow each other, started as they are in the long run.
fn switching(draws: &mut Draws, windows: usize, starts: f64, ends: f64, mut value: impl FnMut(&mut Draws, bool) -> f64) -> Vec<f64> {
    let mut is_on = draws.chance(starts / (starts + ends));
    (0..windows)
        .map(|_| {
            let drawn = value(draws, is_on);
            is_on = if is_on { !draws.chance(ends) } else { draws.chance(starts) };
            drawn
        })
        .collect()
}
