//! How a service of each mode behaves at a moment: what its requests' latencies and failures are drawn from.

use davy_judge::arm::Arm;

use super::model::{INSTANCES, Mode, Timeline};
use super::random::Draws;

/// Median latency of a request, in seconds; with [`SIGMA`] the P99 is 0.404 s.
const MEDIAN: f64 = 0.1;
/// Standard deviation of the latency's logarithm.
const SIGMA: f64 = 0.6;
/// Share of requests that fail when nothing is wrong.
const ERROR_RATE: f64 = 0.002;
/// Instances differ lastingly by this much either way, as machines do.
const HOST_DIFFERENCE: f64 = 0.02;

/// What requests are drawn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Behaviour {
    /// Every latency is multiplied by this.
    pub slowdown: f64,
    /// The share of requests that is slower still …
    pub tail_share: f64,
    /// … and by what factor.
    pub tail_slowdown: f64,
    /// The share of requests that fails.
    pub error_rate: f64,
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// In seconds.
    pub latency: f64,
    /// 200 or 500.
    pub status: u16,
}

/// How an instance behaves `at` seconds after the lab began.
pub fn behaviour(mode: Mode, arm: Arm, instance: usize, at: f64, timeline: &Timeline) -> Behaviour {
    let host = if instance.is_multiple_of(2) { 1.0 + HOST_DIFFERENCE } else { 1.0 - HOST_DIFFERENCE };
    let usual = Behaviour { slowdown: host, tail_share: 0.0, tail_slowdown: 1.0, error_rate: ERROR_RATE };
    let slower = |factor: f64| Behaviour { slowdown: host * factor, ..usual };
    match (mode, arm) {
        (Mode::Slower, Arm::Canary) => slower(1.5),
        (Mode::Tail, Arm::Canary) => Behaviour { tail_share: 0.05, tail_slowdown: 3.0, ..usual },
        (Mode::Erroring, Arm::Canary) => Behaviour { error_rate: 0.03, ..usual },
        (Mode::LateOnset, Arm::Canary) if at >= timeline.late_onset => slower(2.0),
        (Mode::SlowHost, Arm::Baseline) if instance == 0 => slower(1.6),
        (Mode::CommonIncident, Arm::Baseline | Arm::Canary) if at >= timeline.incident => Behaviour { error_rate: 0.05, ..slower(2.0) },
        (Mode::NoErrors, Arm::Baseline | Arm::Canary) => Behaviour { error_rate: 0.0, ..usual },
        (
            Mode::Same
            | Mode::Slower
            | Mode::Tail
            | Mode::Erroring
            | Mode::LateOnset
            | Mode::LowTraffic
            | Mode::SlowHost
            | Mode::CommonIncident
            | Mode::CanaryDead
            | Mode::LabelMissing
            | Mode::CounterReset,
            Arm::Baseline | Arm::Canary,
        ) => usual,
    }
}

/// Which process of the instance runs `at` that moment: 0 for the first, 1 after a restart, none while it is down.
pub fn life(mode: Mode, arm: Arm, instance: usize, at: f64, timeline: &Timeline) -> Option<u32> {
    let order = match arm {
        Arm::Baseline => instance,
        Arm::Canary if at < timeline.canary_starts => return None,
        Arm::Canary if mode == Mode::CanaryDead && at >= timeline.canary_dies => return None,
        Arm::Canary => INSTANCES.baseline + instance,
    };
    if mode != Mode::CounterReset {
        return Some(0);
    }
    let stops = timeline.restarts + timeline.restart_every * order as f64;
    match at {
        at if at < stops => Some(0),
        at if at < stops + timeline.down => None,
        _ => Some(1),
    }
}

/// Draws one request. Takes the same number of draws whatever the behaviour, so that a mode changes nothing but what it
/// says.
pub fn answer(draws: &mut Draws, behaviour: &Behaviour) -> Answer {
    let usual_latency = draws.lognormal(MEDIAN, SIGMA);
    let in_tail = draws.chance(behaviour.tail_share);
    let failed = draws.chance(behaviour.error_rate);
    let tail = if in_tail { behaviour.tail_slowdown } else { 1.0 };
    Answer { latency: usual_latency * behaviour.slowdown * tail, status: if failed { 500 } else { 200 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canaries_of_bad_modes_are_as_bad_as_they_claim() {
        let timeline = Timeline::whole();
        let share = |mode, arm, at, bad: fn(&Answer) -> bool| {
            let mut draws = Draws::new(3);
            let behaviour = behaviour(mode, arm, 1, at, &timeline);
            (0..50_000).filter(|_| bad(&answer(&mut draws, &behaviour))).count() as f64 / 50_000.0
        };
        let slow = |answer: &Answer| answer.latency > 0.4;
        let usual = share(Mode::Same, Arm::Canary, 200.0, slow);
        assert!((0.007..0.013).contains(&usual), "{usual}");
        for mode in [Mode::Slower, Mode::Tail] {
            assert!(share(mode, Arm::Canary, 200.0, slow) > 1.5 * usual, "{mode:?}");
            assert!((share(mode, Arm::Baseline, 200.0, slow) - usual).abs() < 1e-12, "{mode:?}");
        }
        let errors = share(Mode::Erroring, Arm::Canary, 200.0, |answer| answer.status == 500);
        assert!((0.027..0.033).contains(&errors), "{errors}");
        assert_eq!(share(Mode::NoErrors, Arm::Baseline, 200.0, |answer| answer.status == 500), 0.0);
    }

    #[test]
    fn late_onset_begins_late() {
        let timeline = Timeline::whole();
        let at = |at| behaviour(Mode::LateOnset, Arm::Canary, 1, at, &timeline);
        let same = behaviour(Mode::Same, Arm::Canary, 1, 0.0, &timeline);
        assert_eq!(at(timeline.late_onset - 0.1), same);
        assert_ne!(at(timeline.late_onset + 0.1), same);
    }
}
