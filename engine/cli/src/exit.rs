//! Exit codes: an API.

use std::process::ExitCode;

use davy_gate::report::Report;

/// Every code that davy exits with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: promote, or the command did what it was asked.
    Promote,
    /// 1: rollback.
    Rollback,
    /// 2: what the caller wrote is wrong: arguments, rules, a file.
    Usage,
    /// 3: hold.
    Hold,
    /// 4: no analysis took place: no query ever succeeded.
    NoAnalysis,
    /// 5: `replay --check` found a difference.
    Difference,
    /// 130: interrupted (Ctrl-C), with the report so far.
    Interrupted,
    /// 143: terminated, with the report so far.
    Terminated,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Promote => 0,
            Exit::Rollback => 1,
            Exit::Usage => 2,
            Exit::Hold => 3,
            Exit::NoAnalysis => 4,
            Exit::Difference => 5,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }

    /// What a report's action means.
    pub fn of(report: &Report) -> Exit {
        match report.action {
            "promote" => Exit::Promote,
            "rollback" => Exit::Rollback,
            _ => Exit::Hold,
        }
    }

    /// The worse of two: a difference, then no analysis, rollback, hold, promote.
    pub fn worse(self, other: Exit) -> Exit {
        let rank = |exit: Exit| match exit {
            Exit::Promote => 0,
            Exit::Hold => 1,
            Exit::Rollback => 2,
            Exit::NoAnalysis => 3,
            Exit::Difference => 4,
            Exit::Usage => 5,
            Exit::Interrupted | Exit::Terminated => 6,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}
