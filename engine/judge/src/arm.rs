//! The two arms of a comparison. Always baseline first, canary second.

/// A value for each arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerArm<T> {
    /// What runs today.
    pub baseline: T,
    /// What shall replace it.
    pub canary: T,
}

/// Names one of the two arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arm {
    /// What runs today.
    Baseline,
    /// What shall replace it.
    Canary,
}

impl Arm {
    /// Both arms, baseline first.
    pub const BOTH: [Arm; 2] = [Arm::Baseline, Arm::Canary];

    /// The arm's name as users write it.
    pub fn name(self) -> &'static str {
        match self {
            Arm::Baseline => "baseline",
            Arm::Canary => "canary",
        }
    }
}

impl<T> PerArm<T> {
    /// Makes the same value for each arm.
    pub fn from_fn(mut make: impl FnMut(Arm) -> T) -> Self {
        PerArm { baseline: make(Arm::Baseline), canary: make(Arm::Canary) }
    }

    /// The value of one arm.
    pub fn get(&self, arm: Arm) -> &T {
        match arm {
            Arm::Baseline => &self.baseline,
            Arm::Canary => &self.canary,
        }
    }

    /// The value of one arm, to be changed.
    pub fn get_mut(&mut self, arm: Arm) -> &mut T {
        match arm {
            Arm::Baseline => &mut self.baseline,
            Arm::Canary => &mut self.canary,
        }
    }

    /// Applies a function to both values.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> PerArm<U> {
        PerArm { baseline: change(self.baseline), canary: change(self.canary) }
    }

    /// Borrows both values.
    pub fn as_ref(&self) -> PerArm<&T> {
        PerArm { baseline: &self.baseline, canary: &self.canary }
    }
}
