//! The edge of an interval: the bound at which evidence stops refuting. All bounds that are not refuted are the interval,
//! at any stopping time.

use crate::constants::EDGE_TOLERANCE;
use crate::zeroin::{Point, zeroin_of_smooth};

/// The first step away from the guess, as a share of the range.
const FIRST_STEP: f64 = 1.0 / 256.0;

/// Once a step was this short the next is predicted well.
const TRUSTED_STEP: f64 = 1e-5;
/// Evidence (in ln e beyond its threshold) about here turns from a straight line into the square of the distance.
const TURN: f64 = 4.0;

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

/// On which side of the guess an edge is looked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Below it.
    Below,
    /// Above it.
    Above,
}

/// Finds the edge of a monotone function (rising or falling) in `[lo, hi]`: pass
/// `|bound| engine.ln_e_at(|_| bound) - threshold`, at least 0 where the bound is refuted. `guess` is where to look first, and
/// `expected` where next; any will do, near ones save evaluations. The edge is exact to about 1e-9. A function that is NaN somewhere, or a range
/// that is not finite, gives [`Edge::Nowhere`].
pub fn edge(lo: f64, hi: f64, guess: f64, expected: Expected, mut f: impl FnMut(f64) -> f64) -> Edge {
    if !(lo.is_finite() && hi.is_finite() && lo < hi) {
        return Edge::Nowhere;
    }
    let mut f = |bound| straightened(f(bound));
    match bracket(lo, hi, guess, expected, &mut f) {
        Bracket::Around(left, right) => match zeroin_of_smooth(left, right, EDGE_TOLERANCE, TRUSTED_STEP, &mut f) {
            Some(bound) => Edge::At(bound),
            None => Edge::Nowhere,
        },
        Bracket::Same(value) if value >= 0.0 => Edge::Everywhere,
        Bracket::Same(_) => Edge::Nowhere,
    }
}

/// Evidence grows like the square of the distance from what it does not refute: its root is nearly straight, which finds its 0 in
/// fewer evaluations. Monotone and smooth, with the sign of `value`.
fn straightened(value: f64) -> f64 {
    if value > 0.0 { 2.0 * TURN * ((1.0 + value / TURN).sqrt() - 1.0) } else { value }
}

enum Bracket {
    /// Two bounds between which the sign changes.
    Around(Point, Point),
    /// The sign is that of this value in the whole range.
    Same(f64),
}

/// Walks from the guess in the direction in which the function falls towards 0, in steps that grow.
fn bracket(lo: f64, hi: f64, guess: f64, expected: Expected, f: &mut impl FnMut(f64) -> f64) -> Bracket {
    let mut step = (hi - lo) * FIRST_STEP;
    let begin = if guess > lo + step && guess < hi - step { guess } else { lo.midpoint(hi) };
    let aside = match expected {
        Expected::Below => begin - step,
        Expected::Above => begin + step,
    };
    let (first, second) = ((begin, f(begin)), (aside, f(aside)));
    let (here, there) = match expected {
        Expected::Below => (second, first),
        Expected::Above => (first, second),
    };
    if is_refuted(here.1) != is_refuted(there.1) {
        return Bracket::Around(here, there);
    }
    let slope = there.1 - here.1;
    if slope == 0.0 || slope.is_nan() {
        // Flat here: the ends tell.
        let (left, right) = ((lo, f(lo)), (hi, f(hi)));
        return match is_refuted(left.1) != is_refuted(right.1) {
            true => Bracket::Around(left, right),
            false => Bracket::Same(left.1),
        };
    }
    // Where it is refuted go down the slope, else up.
    let forwards = (slope > 0.0) != is_refuted(here.1);
    let (mut behind, mut ahead) = if forwards { (here, there) } else { (there, here) };
    loop {
        let at_end = if forwards { ahead.0 >= hi } else { ahead.0 <= lo };
        if at_end {
            return Bracket::Same(ahead.1);
        }
        // As far as the line through both points says, and half as far again; at least twice the last step, at most four times.
        let line = (ahead.1 * (ahead.0 - behind.0) / (behind.1 - ahead.1)).abs() * 1.5;
        let longest = 4.0 * step;
        step = if line > 2.0 * step && line < longest {
            line
        } else if line >= longest {
            longest
        } else {
            2.0 * step
        };
        let to = if forwards { ahead.0 + step } else { ahead.0 - step };
        let next = if forwards && to > hi {
            hi
        } else if !forwards && to < lo {
            lo
        } else {
            to
        };
        behind = ahead;
        ahead = (next, f(next));
        if is_refuted(behind.1) != is_refuted(ahead.1) {
            return Bracket::Around(behind, ahead);
        }
    }
}

fn is_refuted(value: f64) -> bool {
    value >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lo: f64, hi: f64, guess: f64, expected: Expected, f: impl Fn(f64) -> f64) -> (Edge, usize) {
        let mut evaluations = 0;
        let edge = edge(lo, hi, guess, expected, |x| {
            evaluations += 1;
            f(x)
        });
        (edge, evaluations)
    }

    #[test]
    fn finds_edges_in_few_evaluations() {
        for guess in [-3.0, 0.0, 0.7, 2.9, f64::NAN] {
            for root in [-2.99, -0.5, 0.0, 0.123_456_789, 1.7, 2.999] {
                for (slope, expected) in [(-1.0, Expected::Above), (1.0, Expected::Above), (-1.0, Expected::Below), (1.0, Expected::Below)]
                {
                    let functions: [&dyn Fn(f64) -> f64; 4] = [
                        &|x| slope * (x - root),
                        &|x| slope * (x - root) * (40.0 + 9.0 * (x - root) * (x - root)),
                        &|x| slope * (1.0 - (root - x).exp()).clamp(-0.9, 5.0),
                        &|x| slope * (200.0 * (x - root)).clamp(-3.0, 50.0),
                    ];
                    for (index, function) in functions.iter().enumerate() {
                        let (edge, evaluations) = found(-3.0, 3.0, guess, expected, function);
                        let Edge::At(x) = edge else { panic!("function {index} at {root} from {guess}: {edge:?}") };
                        assert!((x - root).abs() < 2e-9, "function {index} at {root} from {guess}: {x}");
                        assert!(evaluations < 30, "function {index} at {root} from {guess}: {evaluations} evaluations");
                    }
                }
            }
        }
    }

    #[test]
    fn says_when_there_is_none() {
        assert_eq!(found(-3.0, 3.0, 0.0, Expected::Above, |_| -1.0).0, Edge::Nowhere);
        assert_eq!(found(-3.0, 3.0, 0.0, Expected::Above, |_| 0.0).0, Edge::Everywhere);
        assert_eq!(found(-3.0, 3.0, 0.0, Expected::Above, |x| x + 4.0).0, Edge::Everywhere);
        assert_eq!(found(-3.0, 3.0, 0.0, Expected::Above, |x| -x - 4.0).0, Edge::Nowhere);
        assert_eq!(found(-3.0, 3.0, 0.0, Expected::Above, |_| f64::NAN).0, Edge::Nowhere);
        assert_eq!(found(f64::NAN, 3.0, 0.0, Expected::Above, |x| x).0, Edge::Nowhere);
        assert_eq!(found(3.0, -3.0, 0.0, Expected::Above, |x| x).0, Edge::Nowhere);
    }
}
