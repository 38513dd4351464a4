//! The one model of the lab: which modes there are, when what happens, and what Davy must answer.

use davy_judge::arm::{Arm, PerArm};

/// What one pair of services does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Canary and baseline are the same.
    Same,
    /// Every request of the canary takes 1.5 times as long.
    Slower,
    /// 5 % of the canary's requests take three times as long: no median would show it.
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

    /// What it is, in a few words: the label of its recording.
    pub fn describe(self) -> &'static str {
        match self {
            Mode::Same => "canary and baseline are the same",
            Mode::Slower => "every request of the canary takes 1.5 times as long",
            Mode::Tail => "5 % of the canary's requests take three times as long",
            Mode::Erroring => "the canary fails 3 % of its requests, the baseline 0.2 %",
            Mode::LateOnset => "the canary is good for ten windows, then twice as slow",
            Mode::LowTraffic => "canary and baseline are the same, at two requests a window",
            Mode::SlowHost => "one host of the baseline is lastingly slower, the canary is fine",
            Mode::CommonIncident => "both arms become twice as slow and fail 5 % at once",
            Mode::NoErrors => "canary and baseline are the same, without a single error",
            Mode::CanaryDead => "the canary's instances die after eight windows",
            Mode::LabelMissing => "the canary's series have no version label",
            Mode::CounterReset => "canary and baseline are the same, every instance is restarted",
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

    /// From the canaries' start to the deadline, in seconds.
    pub fn run_seconds(&self) -> f64 {
        self.deadline - self.canary_starts
    }
}

/// What Davy may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Shown safe.
    Promote,
    /// Shown harmful.
    Rollback,
    /// Neither.
    Hold,
}

impl Verdict {
    /// As reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Promote => "promote",
            Verdict::Rollback => "rollback",
            Verdict::Hold => "hold",
        }
    }

    /// What the process ends with.
    pub fn exit_code(self) -> i32 {
        match self {
            Verdict::Promote => 0,
            Verdict::Rollback => 1,
            Verdict::Hold => 3,
        }
    }
}

/// By which rules, in `tests/rules`, a mode is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// With the noise of the baseline's history, on the classic histogram.
    Classic,
    /// The same on the native histogram.
    Native,
    /// On the classic histogram without history: slower to answer, never bolder.
    WithoutHistory,
}

impl Rules {
    /// The file's name.
    pub fn file(self) -> &'static str {
        match self {
            Rules::Classic => "lab.yaml",
            Rules::Native => "lab-native.yaml",
            Rules::WithoutHistory => "lab-without-history.yaml",
        }
    }
}

/// What Davy must answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The verdicts that are right. More than one where both are honest: a hold never is a lie.
    pub verdicts: &'static [Verdict],
    /// The metrics of which a rollback must name one, and no other.
    pub blamed: &'static [&'static str],
    /// What the report must say, besides.
    pub says: &'static [&'static str],
}

/// What Davy must answer about a mode at the deadline or before.
pub fn expected(mode: Mode, rules: Rules) -> Expected {
    use Verdict::{Hold, Promote, Rollback};
    let answer = |verdicts| Expected { verdicts, blamed: &[], says: &[] };
    let rollback = |verdicts, blamed| Expected { verdicts, blamed, says: &[] };
    match (mode, rules) {
        (Mode::Slower | Mode::Tail, Rules::Classic | Rules::Native | Rules::WithoutHistory) => rollback(&[Rollback], &["latency_p99"]),
        (Mode::Erroring, Rules::Classic | Rules::Native | Rules::WithoutHistory) => rollback(&[Rollback], &["error_rate"]),
        (Mode::LateOnset, Rules::Classic | Rules::Native) => rollback(&[Rollback], &["latency_p99"]),
        // Symmetry alone needs about 15 windows from the onset; there are 20.
        (Mode::LateOnset, Rules::WithoutHistory) => rollback(&[Rollback, Hold], &["latency_p99"]),
        (Mode::Same | Mode::NoErrors, Rules::Classic | Rules::Native) => answer(&[Promote]),
        (Mode::Same | Mode::NoErrors, Rules::WithoutHistory) => answer(&[Promote, Hold]),
        // A slow host is noise between hosts, and a restart is a few seconds without requests: both may cost time.
        (Mode::SlowHost | Mode::CounterReset, Rules::Classic | Rules::Native | Rules::WithoutHistory) => answer(&[Promote, Hold]),
        (Mode::CommonIncident, Rules::Classic | Rules::Native) => Expected { verdicts: &[Hold], blamed: &[], says: &["common incident"] },
        // Without history nobody knows that the baseline is not always so.
        (Mode::CommonIncident, Rules::WithoutHistory) => answer(&[Promote, Hold]),
        (Mode::LowTraffic | Mode::CanaryDead, Rules::Classic | Rules::Native | Rules::WithoutHistory) => answer(&[Hold]),
        (Mode::LabelMissing, Rules::Classic | Rules::Native | Rules::WithoutHistory) => {
            Expected { verdicts: &[Hold], blamed: &[], says: &["version", "baseline"] }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_lacks_data_or_is_worse_may_be_promoted() {
        let never = [Mode::Slower, Mode::Tail, Mode::Erroring, Mode::LateOnset, Mode::LowTraffic, Mode::CanaryDead, Mode::LabelMissing];
        for rules in [Rules::Classic, Rules::Native, Rules::WithoutHistory] {
            for mode in never {
                assert!(!expected(mode, rules).verdicts.contains(&Verdict::Promote), "{mode:?} {rules:?}");
            }
            for mode in Mode::ALL {
                let expected = expected(mode, rules);
                assert_eq!(expected.verdicts.contains(&Verdict::Rollback), !expected.blamed.is_empty(), "{mode:?} {rules:?}");
            }
        }
    }

    #[test]
    fn history_is_long_enough_for_a_profile() {
        let timeline = Timeline::whole();
        // A window more for the first increment.
        assert!((timeline.canary_starts / STEP - 1.0) * INSTANCES.baseline as f64 >= 120.0);
        assert!(timeline.canary_starts % STEP == 0.0 && timeline.deadline % STEP == 0.0);
    }
}
