//! Every number that the judge's mathematics rests on, each with its meaning. They were chosen on iid, autocorrelated,
//! drifting and heavy-tailed noise; change one only together with a new calibration run.

/// Where a window's score is cut, in units of the profile's scale: one wild window says at most this much.
pub const CLIPS: [f64; 3] = [1.5, 3.0, 6.0];
/// Bets on the sum of scores; each is used once as it is and once divided by the profile's dependence.
/// Each is twice the one before, which the profile uses: one exponential, then squares.
pub const BETS: [f64; 4] = [0.35, 0.7, 1.4, 2.8];
/// Bets per clip: those of [`BETS`] as they are and divided by the dependence.
pub const BETS_PER_CLIP: usize = 2 * BETS.len();
/// Safety uses only the narrow clips: single wild windows of the baseline must not promote.
pub const SAFE_CLIPS: usize = 2;
/// Block lengths, in windows, at which dependence is measured.
pub const BLOCKS: [usize; 9] = [1, 2, 3, 4, 6, 8, 12, 16, 24];
/// A block length is believed when history holds this many blocks per window of its length.
pub const BLOCKS_NEEDED_PER_WINDOW: usize = 3;
/// The smallest noise that is believed, in log units (0.1 %): a rounded series is never more precise.
pub const SCALE_FLOOR: f64 = 1e-3;
/// The profile's variance is itself an estimate: it is enlarged by this factor.
pub const VARIANCE_MARGIN: f64 = 1.1;
/// An arm offset is believed only beyond this many standard errors, and only its excess.
pub const BIAS_SHRINK: f64 = 2.0;
/// The run's own first windows, about whose median its scores are cut when its spread is measured (ADR 6).
pub const CENTRE_WINDOWS: usize = 5;
/// How many windows' worth of trust the profile's variance has against this run's own spread.
pub const RUN_PRIOR: f64 = 4.0;
/// The profile's weight, in windows, against today's pseudo-canaries.
pub const NOW_PRIOR: f64 = 10.0;
/// Turns a median absolute deviation into a standard deviation, for normal noise.
pub const MAD_TO_SD: f64 = 1.4826;
/// The history's level is a mean of values cut at this many scales about the median.
pub const LEVEL_CLIP: f64 = 3.0;
/// Deviations from the median below this are no rounding step.
pub const NO_STEP: f64 = 1e-9;
/// Variance of a score below which it is taken as this, so that nothing divides by zero.
pub const LEAST_UNIT_VARIANCE: f64 = 1e-12;
/// Pseudo-windows added at each clip of the log moment generating function: outliers that history happened not to show.
pub const UNSEEN: f64 = 0.25;
/// Present windows of history below which there is no profile.
pub const MIN_HISTORY: usize = 120;
/// Present windows before the mean of one row of history counts in the disagreement of rows.
pub const MIN_ROW: usize = 10;
/// Windows that a start must have seen before its evidence of harm may exceed 1.
pub const MIN_WINDOWS_ROLLBACK: usize = 3;
/// Windows in the present traffic step before a promotion; the rules' default.
pub const MIN_WINDOWS_PROMOTE: usize = 10;

/// Harm may begin late: the weight of the start at the first window; the later starts share the rest.
pub const START_WEIGHT: f64 = 0.75;
/// Windows between two starts, at least.
pub const START_EVERY: usize = 5;
/// The number of starts that the longest analysis is divided into, at most.
pub const START_MOST: usize = 12;

/// The share of a sliced metric's evidence of harm that its slices have together, in equal parts; the rest is the whole's.
pub const SLICES_SHARE: f64 = 0.5;
/// The most slices that a metric is cut into, those with the most traffic; all others together are one more.
pub const MOST_SLICES: usize = 20;
/// The slices, worst first, for which an interval of the effect is worked out.
pub const SLICES_WITH_INTERVAL: usize = 5;

/// The most instances of the canary that are followed one by one, for people to see which is worst.
pub const MOST_INSTANCES: usize = 20;
/// The instances, worst first, that a finding names.
pub const INSTANCES_NAMED: usize = 5;

/// Uncalibrated: the autocorrelation that is assumed before the run shows its own.
pub const SYMMETRY_AUTOCORRELATION: f64 = 0.7;
/// Uncalibrated: the weight of that assumption, in windows.
pub const SYMMETRY_PRIOR: f64 = 15.0;
/// Uncalibrated: where a window's score is cut, in scales.
pub const SYMMETRY_CLIP: f64 = 3.0;
/// Uncalibrated: where deviations are cut before the autocorrelation is measured, in scales.
pub const SYMMETRY_RESIDUAL_CLIP: f64 = 3.0;
/// Uncalibrated: the largest autocorrelation that is removed.
pub const SYMMETRY_MOST_AUTOCORRELATION: f64 = 0.95;
/// Uncalibrated: bets; each is twice the one before, which the engine uses.
pub const SYMMETRY_BETS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// Counts: number of alternatives to the tolerated rate ratio.
pub const RATE_GRID: usize = 16;
/// Counts: the alternative nearest to the tolerated ratio, as the absolute log of their quotient.
pub const RATE_NEAREST: f64 = 0.15;
/// Counts: the farthest alternative.
pub const RATE_FARTHEST: f64 = 3.0;
/// Against a limit: number of alternative odds. Counts of one arm are dense, so small effects matter.
pub const LIMIT_GRID: usize = 24;
/// Against a limit: the nearest alternative, as the absolute log of the odds ratio.
pub const LIMIT_NEAREST: f64 = 0.05;
/// Against a limit: the farthest alternative.
pub const LIMIT_FARTHEST: f64 = 4.0;
/// No window brings more than a third of the evidence for harm: ln(100) / 3.
pub const HARM_WINDOW_CAP: f64 = 4.605_170_185_988_092 / 3.0;
/// Counts: no window brings more than a sixth of the evidence for safety: ln(20) / 6.
pub const SAFE_WINDOW_CAP: f64 = 2.995_732_273_553_991 / 6.0;
/// Counts without history: weight, in windows, of the assumed dispersion.
pub const DISPERSION_PRIOR_WINDOWS: f64 = 5.0;
/// Counts without history: the assumed dispersion.
pub const DISPERSION_PRIOR: f64 = 2.0;
/// Counts with history: weight, in windows, of the history's dispersion.
pub const DISPERSION_HISTORY_WINDOWS: f64 = 20.0;
/// Counts: the largest autocorrelation of residuals that is believed.
pub const DISPERSION_MOST_AUTOCORRELATION: f64 = 0.9;
/// Counts: events in both arms (with half an event in each) before their autocorrelation is measured.
pub const DISPERSION_MIN_EVENTS: f64 = 6.0;
/// Against a limit: events (with half an event) before their autocorrelation is measured.
pub const DISPERSION_MIN_EVENTS_ONE_ARM: f64 = 5.5;
/// Half an event in each arm keeps a rate of nothing finite.
pub const HALF_EVENT: f64 = 0.5;

/// How far, as a factor, the tail beyond a bucket bound may be from the quantile's; beyond it the histogram is too coarse.
pub const TAIL_FACTOR: f64 = 8.0;
/// A share of requests above a bound is taken as at least this.
pub const LEAST_SURVIVAL: f64 = 1e-12;

/// Sample ratio: pseudo-requests with which the expected split is believed.
pub const SPLIT_PRIOR: f64 = 1000.0;

/// A threshold counts as reached from this far below it, in ln e, so that rounding never decides.
pub const CROSSING_TOLERANCE: f64 = 1e-9;
/// How exactly the edge of an interval is found, in the unit of the bound (log units).
pub const EDGE_TOLERANCE: f64 = 1e-9;
/// Finite values are cut at this size, so that no square or sum of them overflows.
pub const LARGEST_VALUE: f64 = 1e100;
/// Counts are cut at this size: above it whole numbers are no longer exact.
pub const LARGEST_COUNT: f64 = 1e15;
/// Counts below this are none: nothing overflows when they divide.
pub const LEAST_COUNT: f64 = 1e-9;
/// The standard deviation of one request is taken as at least this.
pub const LEAST_DEVIATION: f64 = 1e-12;
/// Tolerated rate ratios are cut at this size and at its inverse.
pub const LARGEST_RATIO: f64 = 1e12;
