//! The answers: of a metric, and of the whole analysis.

use crate::arm::PerArm;
use crate::fixed_horizon::kayenta::Classified;
use crate::kayenta::{KayentaCause, KayentaLook};
use crate::rule::OnBreach;

/// What the caller should do with the canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Give it the traffic.
    Promote,
    /// Wait, or ask a person.
    Hold,
    /// Take it back.
    Rollback,
}

impl Verdict {
    /// The verdict as every output spells it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Promote => "promote",
            Verdict::Hold => "hold",
            Verdict::Rollback => "rollback",
        }
    }
}

/// Why the verdict is what it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// Evidence of harm over all rollback metrics reached 1/false_rollback; the metrics that it is attributed to, worst first.
    Harm(Vec<usize>),
    /// The breaker fired on this metric.
    Breaker(usize),
    /// The canary sent data and then vanished.
    Vanished,
    /// Half of the canary's instances or more sent nothing in the last window.
    InstancesLost {
        /// How many the canary had in this traffic step.
        before: usize,
        /// How many sent data.
        now: usize,
    },
    /// Every required metric is shown safe.
    Safe,
    /// The deadline came, and the rules turn a hold into this.
    AtDeadline,
    /// A `hold` metric is in breach.
    HoldBreach(usize),
    /// The baseline itself is worse than its own history in this metric.
    CommonIncident(usize),
    /// Both arms are beyond this metric's limit.
    BaselineBeyondLimit(usize),
    /// The arms' traffic is not split as expected: the canary's expected and actual share.
    SampleRatioMismatch {
        /// Expected share of the canary, 0..=1.
        expected: f64,
        /// Actual share of the canary, 0..=1.
        actual: f64,
    },
    /// An arm has no data at all.
    NoData(PerArm<bool>),
    /// More than a fifth of the windows of this required metric are missing in an arm.
    TooManyMissing(usize),
    /// Not enough evidence yet: the required metrics that are not yet safe.
    NotYet(Vec<usize>),
    /// Kayenta's score decides, and this is how it stands.
    Kayenta(KayentaCause),
    /// Fewer windows of the present traffic step than the rules want.
    TooFewWindows {
        /// Judged in this step.
        judged: usize,
        /// What the rules want.
        wanted: usize,
    },
}

/// What a metric's evidence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Shown safe.
    Pass,
    /// Shown harmful.
    Breach,
    /// Its own evidence of harm suffices, but not the analysis'.
    Suspect,
    /// Neither.
    Inconclusive,
}

impl Outcome {
    /// The outcome as every output spells it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Breach => "breach",
            Outcome::Suspect => "suspect",
            Outcome::Inconclusive => "inconclusive",
        }
    }
}

/// Why a metric is inconclusive, where it is more than want of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// No window had data in both arms; true where the arm has none at all.
    NoData(PerArm<bool>),
    /// More than a fifth of the windows are missing in an arm.
    TooManyMissing,
    /// No bucket bound is near enough to the quantile, or the values are rounded more coarsely than the tolerance.
    TooCoarse,
    /// The rule wants calibrated evidence, and there is no history.
    NoHistory,
}

/// How the effect is expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectKind {
    /// canary / baseline.
    Ratio,
    /// canary − baseline, in the metric's unit.
    Difference,
}

/// The effect and all values of it that the evidence does not refute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// How it is expressed.
    pub kind: EffectKind,
    /// Best single value; none where an arm has no events to estimate from.
    pub estimate: Option<f64>,
    /// Everything below is refuted; none: nothing is.
    pub lower: Option<f64>,
    /// Everything above is refuted; none: nothing is.
    pub upper: Option<f64>,
}

/// What one arm showed over all judged windows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ArmSummary {
    /// The metric's value in its unit; none without data.
    pub value: Option<f64>,
    /// The value is a quantile above the highest finite bound: "at least".
    pub at_least: bool,
    /// Requests, where the metric counts them.
    pub requests: Option<f64>,
    /// Windows with data.
    pub windows: usize,
}

/// The noise by which the evidence was discounted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Noise {
    /// Whether it was learned from history.
    pub calibrated: bool,
    /// Robust sd of the paired log ratio of one window.
    pub scale: Option<f64>,
    /// Variance of long sums over that of independent windows.
    pub dependence: Option<f64>,
    /// The lasting offset that history showed (log ratio), before the cap at half the tolerance.
    pub offset: Option<f64>,
    /// Overdispersion of counts against the binomial.
    pub dispersion: Option<f64>,
    /// Pseudo-canaries.
    pub rows: usize,
    /// Present windows of history, over all rows.
    pub windows: usize,
    /// Why there is no profile, or what its reader should know.
    pub notes: Vec<String>,
}

/// What one slice of a metric shows. It never decides alone: its evidence of harm is in its metric's.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceFinding {
    /// Which slice, in the order in which the caller gave them.
    pub slice: usize,
    /// What it means: breach or suspect where it is named among the slices, pass where it is shown safe for itself.
    pub outcome: Outcome,
    /// Why it is inconclusive, where it is more than want of evidence.
    pub obstacle: Option<Obstacle>,
    /// What the arms showed in it.
    pub arms: PerArm<ArmSummary>,
    /// The effect; with an interval for the worst slices only.
    pub effect: Option<Effect>,
    /// It leans so far to harm (1/false_promote) that the metric cannot pass.
    pub keeps_waiting: bool,
    /// ln of its own evidence of harm.
    pub ln_harm: f64,
    /// ln of its own evidence of safety.
    pub ln_safe: f64,
    /// Which engines gave it, in the reader's words.
    pub method: &'static str,
    /// Whether its noise was learned from its own history.
    pub calibrated: bool,
    /// Judged windows.
    pub windows: usize,
}

/// What one instance of the canary shows against the whole baseline. It decides nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceFinding {
    /// Its name.
    pub name: String,
    /// Whether it stands out among the canary's instances.
    pub stands_out: bool,
    /// What it showed.
    pub canary: ArmSummary,
    /// The effect, without an interval.
    pub effect: Option<Effect>,
    /// ln of its own evidence of harm.
    pub ln_harm: f64,
}

/// What one metric's comparison means.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it means.
    pub outcome: Outcome,
    /// Why it is inconclusive, where it is more than want of evidence.
    pub obstacle: Option<Obstacle>,
    /// What a breach does.
    pub on_breach: OnBreach,
    /// Whether a promotion needs it.
    pub required: bool,
    /// What the arms showed.
    pub arms: PerArm<ArmSummary>,
    /// The effect.
    pub effect: Option<Effect>,
    /// The tolerated effect as the evidence used it last, in the effect's kind (a ratio, or a difference in the unit).
    pub tolerated: Option<f64>,
    /// The limit in force (a histogram's is at the nearest bucket bound).
    pub effective_limit: Option<f64>,
    /// `ignore_below` in force (a histogram's is at the nearest bucket bound).
    pub effective_ignore_below: Option<f64>,
    /// The bucket bound at which a quantile was judged last.
    pub judged_at_bound: Option<f64>,
    /// ln of the evidence of harm.
    pub ln_harm: f64,
    /// ln of the evidence of safety.
    pub ln_safe: f64,
    /// Which engines gave it, in the reader's words.
    pub method: &'static str,
    /// The noise.
    pub noise: Noise,
    /// Windows still needed for a pass or a breach, at the present pace; a projection.
    pub remaining_windows: Option<usize>,
    /// Judged windows, and those with data in each arm.
    pub windows: usize,
    /// The baseline is beyond the limit too, so the limit tells nothing of the canary.
    pub baseline_beyond_limit: bool,
    /// Each judged window's value in each arm; none: missing. For the eye.
    pub series: PerArm<Vec<Option<f64>>>,
    /// ln of the evidence of harm after each judged window.
    pub harm_trace: Vec<f64>,
    /// ln of the evidence of safety after each judged window.
    pub safe_trace: Vec<f64>,
    /// The metric's slices, the worst first; empty: as a whole only.
    pub slices: Vec<SliceFinding>,
    /// The worst of the canary's instances, the worst first; empty where it has fewer than two.
    pub instances: Vec<InstanceFinding>,
    /// Kayenta's label, where Kayenta's score decides; then `outcome` follows it and the evidence decides nothing.
    pub kayenta: Option<Classified>,
}

/// The whole analysis' answer at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// Whether it ended the analysis.
    pub is_final: bool,
    /// Why.
    pub cause: Cause,
    /// 0..=100, never 25, 50 or 75.
    pub score: f64,
    /// ln of the weighted mean evidence of harm.
    pub ln_harm: f64,
    /// One per rule, in the rules' order.
    pub findings: Vec<Finding>,
    /// Windows judged, and of those in the present traffic step.
    pub windows: usize,
    /// Windows judged in the present traffic step.
    pub windows_in_step: usize,
    /// Traffic steps so far.
    pub steps: usize,
    /// Further causes that stand beside the first, the same precedence order.
    pub also: Vec<Cause>,
    /// Kayenta's look, where its score decides.
    pub kayenta: Option<KayentaLook>,
}
