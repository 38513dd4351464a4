//! Many metrics at once: which of them are named.

/// e-BH: indices, ascending, of the evidences (ln e) that are named at level `alpha` in (0, 1): the k largest, for the largest
/// k whose k-th is at least m / (alpha · k). The share of falsely named ones is at most `alpha` whatever their dependence. A
/// NaN is never named.
///
/// # Reference
/// Wang and Ramdas, "False discovery rate control with e-values", doi:10.1111/rssb.12489; `fixtures/reference/judge.json`, `ebh`.
pub fn e_bh(ln_e: &[f64], alpha: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..ln_e.len()).filter(|index| !ln_e[*index].is_nan()).collect();
    order.sort_by(|one, other| ln_e[*other].total_cmp(&ln_e[*one]));
    let enough = |rank: usize| ln_e[order[rank - 1]] >= (ln_e.len() as f64 / (alpha * rank as f64)).ln();
    let named = (1..=order.len()).rev().find(|rank| enough(*rank)).unwrap_or(0);
    order.truncate(named);
    order.sort_unstable();
    order
}

/// Holm's adjusted p-values, in the input's order: the chance of any false naming is at most the level they are compared with.
/// A NaN counts as 1.
///
/// # Reference
/// `fixtures/reference/judge.json`, `multiple`.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![1.0; p.len()];
    let mut most = 0.0;
    for (rank, index) in order.iter().enumerate() {
        let scaled = at_most_one((p.len() - rank) as f64 * at_most_one(p[*index]));
        most = if scaled > most { scaled } else { most };
        adjusted[*index] = most;
    }
    adjusted
}

/// Benjamini and Hochberg's adjusted p-values, in the input's order: the share of falsely named ones is at most the level they
/// are compared with, for independent metrics. A NaN counts as 1.
///
/// # Reference
/// doi:10.1111/j.2517-6161.1995.tb02031.x; `fixtures/reference/judge.json`, `multiple`.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 1.0;
    for (rank, index) in order.iter().enumerate().rev() {
        let scaled = p.len() as f64 / (rank + 1) as f64 * at_most_one(p[*index]);
        least = if scaled < least { scaled } else { least };
        adjusted[*index] = least;
    }
    adjusted
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|one, other| at_most_one(p[*one]).total_cmp(&at_most_one(p[*other])));
    order
}

fn at_most_one(p: f64) -> f64 {
    if p < 1.0 { p } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_named_without_evidence() {
        assert_eq!(e_bh(&[], 0.01), [0_usize; 0]);
        assert_eq!(e_bh(&[0.0, f64::NAN, 4.0], 0.01), [0_usize; 0]);
        assert_eq!(e_bh(&[0.0, 6.0], 0.01), [1]);
        assert_eq!(holm(&[f64::NAN, 0.01]), [1.0, 0.02]);
        assert_eq!(benjamini_hochberg(&[f64::NAN, 0.01]), [1.0, 0.02]);
    }
}
