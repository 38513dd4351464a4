//! The edge of an interval: the bound at which evidence stops refuting.

/// Where evidence stops refuting the bound, in a range of bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Edge {
    /// Here.
    At(f64),
    /// No bound of the range is refuted.
    Nowhere,
    /// Every bound of the range is refuted.
    Everywhere,
}

/// Finds the sign change of a monotone function (either way) in `[lo, hi]`: pass `|bound| engine.ln_e_at(|_| bound) - threshold`.
/// `guess` is where to look first; any number will do.
pub fn edge(_lo: f64, _hi: f64, _guess: f64, _f: impl FnMut(f64) -> f64) -> Edge {
    unimplemented!()
}
