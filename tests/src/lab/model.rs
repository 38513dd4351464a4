//! The one model of the lab: which modes there are, when what happens, and what Davy must answer.

use davy_judge::arm::{Arm, PerArm};

/// What one pair of services does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Canary and baseline are the same.
    Same,
    /// Every request of the canary takes 1.5 times as long.
    Slower,
    /// 3 % of the canary's requests take 2.5 times as long.
    Tail,
    /// The canary fails 3 % of its requests rather than 0.2 %.
    Erroring,
    /// Good for ten windows, then twice as slow.
    LateOnset,
    /// Same, at less than one request a second.
    LowTraffic,
    /// One host of the baseline is lastingly slower; the canary is fine.
    SlowHost,
    /// Both arms become slow and erroring at once.
    CommonIncident,
    /// Same, and nobody ever fails.
    NoErrors,
    /// The canary's instances die after some windows.
    CanaryDead,
    /// The canary's series have no `version` label.
    LabelMissing,
    /// Same, and every instance is restarted during the run.
    CounterReset,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 12] = [
        Mode::Same,
        Mode::Slower,
        Mode::Tail,
        Mode::Erroring,
        Mode::LateOnset,
        Mode::LowTraffic,
        Mode::SlowHost,
        Mode::CommonIncident,
        Mode::NoErrors,
        Mode::CanaryDead,
        Mode::LabelMissing,
        Mode::CounterReset,
    ];

    /// The value of the label `mode`, and the name of the mode's recording.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Same => "same",
            Mode::Slower => "slower",
            Mode::Tail => "tail",
            Mode::Erroring => "erroring",
            Mode::LateOnset => "late_onset",
            Mode::LowTraffic => "low_traffic",
            Mode::SlowHost => "slow_host",
            Mode::CommonIncident => "common_incident",
            Mode::NoErrors => "no_errors",
            Mode::CanaryDead => "canary_dead",
            Mode::LabelMissing => "label_missing",
            Mode::CounterReset => "counter_reset",
        }
    }

    /// Requests per second of each instance.
    pub fn rate(self) -> PerArm<f64> {
        match self {
            Mode::LowTraffic => PerArm { baseline: 0.4, canary: 0.2 },
            Mode::Same
            | Mode::Slower
            | Mode::Tail
            | Mode::Erroring
            | Mode::LateOnset
            | Mode::SlowHost
            | Mode::CommonIncident
            | Mode::NoErrors
            | Mode::CanaryDead
            | Mode::LabelMissing
            | Mode::CounterReset => PerArm { baseline: 200.0, canary: 100.0 },
        }
    }

    /// Whether every request goes over loopback HTTP. Elsewhere the load calls the same handler directly, because real
    /// connections for all modes would take more than the two cores that the tests may have.
    pub fn load_over_http(self) -> bool {
        self == Mode::Same
    }

    /// Whether the arm's targets carry the label `version`.
    pub fn has_version(self, arm: Arm) -> bool {
        !(self == Mode::LabelMissing && arm == Arm::Canary)
    }
}

/// How many instances an arm has. The canary's two together see as many requests as one of the baseline's, so that each
/// instance of the baseline is a pseudo-canary.
pub const INSTANCES: PerArm<usize> = PerArm { baseline: 6, canary: 2 };

/// The judged windows' length, in seconds.
pub const STEP: f64 = 5.0;
/// Skipped after the canary's first sample, in seconds.
pub const WARMUP: f64 = 15.0;

/// When what happens, in seconds since the lab began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeline {
    /// The canaries start; the analyses too.
    pub canary_starts: f64,
    /// [`Mode::LateOnset`] becomes slow.
    pub late_onset: f64,
    /// [`Mode::CommonIncident`] begins.
    pub incident: f64,
    /// [`Mode::CanaryDead`] dies.
    pub canary_dies: f64,
    /// [`Mode::CounterReset`] restarts its first instance.
    pub restarts: f64,
    /// From one restart to the next, and how long an instance is down.
    pub restart_every: f64,
    /// How long an instance is down.
    pub down: f64,
    /// The analyses' deadline.
    pub deadline: f64,
}

impl Timeline {
    /// Long enough for a noise profile (six rows of 20 windows and some to spare) and for every verdict.
    pub const fn whole() -> Self {
        let canary_starts = 130.0;
        let first_judged = canary_starts + WARMUP;
        Timeline {
            canary_starts,
            late_onset: first_judged + 10.0 * STEP,
            incident: first_judged + 5.0 * STEP,
            canary_dies: first_judged + 8.0 * STEP,
            restarts: first_judged + 4.0 * STEP,
            restart_every: 4.0,
            down: 1.5,
            deadline: canary_starts + 170.0,
        }
    }

    /// For tests of the lab itself: everything happens within a few scrapes.
    pub const fn brief() -> Self {
        Timeline {
            canary_starts: 2.0,
            late_onset: 4.0,
            incident: 4.0,
            canary_dies: 7.0,
            restarts: 4.0,
            restart_every: 0.5,
            down: 1.5,
            deadline: 12.0,
        }
    }

    /// Windows between the canaries' start and the deadline, in seconds.
    pub fn run_seconds(&self) -> f64 {
        self.deadline - self.canary_starts
    }
}
