//! Which way evidence argues, and how evidences are averaged.

/// Which hypothesis the evidence is against. For a metric where higher is worse; negate for the other direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Against "the effect is at most the bound": shows harm.
    Harm,
    /// Against "the effect is at least the bound": shows safety.
    Safe,
}

/// Harm may begin late: windows between starts, and the ln weight of each start.
pub fn late_starts(_longest: usize) -> (usize, Vec<f64>) {
    unimplemented!()
}

/// ln of the average of evidences given as ln e; none: 0.
pub fn average(_ln_e: &[f64]) -> f64 {
    unimplemented!()
}

/// ln of the weighted average of evidences given as (ln e, weight); no weight at all: 0.
pub fn weighted_mean(_evidences: &[(f64, f64)]) -> f64 {
    unimplemented!()
}
