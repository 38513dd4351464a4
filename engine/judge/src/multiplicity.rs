//! Many metrics at once: which of them are named.

/// e-BH: indices, ascending, of the evidences (ln e) that are named at level `alpha`, whatever their dependence.
pub fn e_bh(_ln_e: &[f64], _alpha: f64) -> Vec<usize> {
    unimplemented!()
}

/// Holm's adjusted p-values, in the input's order.
pub fn holm(_p: &[f64]) -> Vec<f64> {
    unimplemented!()
}

/// Benjamini and Hochberg's adjusted p-values, in the input's order.
pub fn benjamini_hochberg(_p: &[f64]) -> Vec<f64> {
    unimplemented!()
}
