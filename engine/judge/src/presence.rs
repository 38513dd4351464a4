//! Which arms send data at all, and whether the canary's instances fall silent.

use crate::arm::{Arm, PerArm};

/// Windows without any series after which a canary has vanished; and windows in a row that establish how many instances an arm
/// has, so that the old and the new pods of a restart are not counted together.
const ESTABLISHED_WINDOWS: usize = 3;

/// Follows the numbers of live instances.
#[derive(Debug, Clone, Default)]
pub(crate) struct Presence {
    /// Whether an arm ever sent anything.
    pub(crate) seen: PerArm<bool>,
    gone_for: usize,
    /// The canary's last windows of this traffic step, the newest last.
    last: Vec<usize>,
    /// The most instances that the canary had in three windows in a row of this traffic step.
    established: usize,
}

impl Presence {
    /// Takes the live instances of one judged window.
    pub(crate) fn push(&mut self, instances: PerArm<usize>) {
        let gone = self.seen.canary && instances.canary == 0;
        self.see(instances);
        self.gone_for = match (gone, instances.baseline > 0) {
            (true, true) => self.gone_for + 1,
            // Nobody sent anything: that is the source's silence, and says nothing of the canary.
            (true, false) => self.gone_for,
            (false, _) => 0,
        };
        if self.last.len() == ESTABLISHED_WINDOWS {
            self.last.remove(0);
        }
        self.last.push(instances.canary);
        if self.last.len() == ESTABLISHED_WINDOWS {
            let lasting = self.last.iter().copied().min().unwrap_or(0);
            self.established = self.established.max(lasting);
        }
    }

    /// Takes the live instances of a window that is not judged (warm-up).
    pub(crate) fn see(&mut self, instances: PerArm<usize>) {
        for arm in Arm::BOTH {
            *self.seen.get_mut(arm) |= *instances.get(arm) > 0;
        }
    }

    /// A traffic step starts and stops instances on purpose.
    pub(crate) fn begin_step(&mut self) {
        self.last.clear();
        self.established = 0;
    }

    /// Whether the canary sent data and then fell silent, while the baseline goes on.
    pub(crate) fn is_vanished(&self) -> bool {
        self.gone_for >= ESTABLISHED_WINDOWS
    }

    /// (Instances that the canary had, those that sent data in the last window), when half of them or more are silent.
    pub(crate) fn lost(&self) -> Option<(usize, usize)> {
        let now = *self.last.last()?;
        (2 * now <= self.established && self.established > 0).then_some((self.established, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(canary: &[usize]) -> Presence {
        let mut presence = Presence::default();
        canary.iter().for_each(|canary| presence.push(PerArm { baseline: 4, canary: *canary }));
        presence
    }

    #[test]
    fn half_the_instances_are_missed_at_once_and_until_they_are_back() {
        assert_eq!(after(&[4, 4, 4, 3]).lost(), None);
        assert_eq!(after(&[4, 4, 4, 2]).lost(), Some((4, 2)));
        assert_eq!(after(&[4, 4, 4, 2, 2, 2, 2, 2]).lost(), Some((4, 2)));
        assert_eq!(after(&[4, 4, 4, 2, 4]).lost(), None);
        assert_eq!(after(&[1, 1, 1, 0]).lost(), Some((1, 0)));
        assert!(!after(&[1, 1, 1, 0, 0]).is_vanished() && after(&[1, 1, 1, 0, 0, 0]).is_vanished());
    }

    #[test]
    fn a_restart_does_not_double_the_instances() {
        assert_eq!(after(&[4, 4, 4, 8, 4, 4]).lost(), None);
        assert_eq!(after(&[4, 4, 4, 8, 8, 4]).lost(), None);
    }

    #[test]
    fn a_traffic_step_counts_anew() {
        let mut presence = after(&[8, 8, 8]);
        presence.begin_step();
        presence.push(PerArm { baseline: 4, canary: 2 });
        assert_eq!(presence.lost(), None);
    }

    #[test]
    fn silence_of_both_arms_says_nothing_of_the_canary() {
        let mut presence = after(&[2, 2, 2]);
        (0..9).for_each(|_| presence.push(PerArm { baseline: 0, canary: 0 }));
        assert!(!presence.is_vanished() && presence.lost() == Some((2, 0)));
    }
}
