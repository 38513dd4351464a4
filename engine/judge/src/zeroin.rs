//! Brent's root finder, step for step as R's `zeroin` does it, so that what was found with R's can be found again.

/// A number and the function's value there.
pub(crate) type Point = (f64, f64);

/// More evaluations than bisection needs in any range of numbers.
const MOST_EVALUATIONS: usize = 1_100;

/// A root between two points with values of opposite signs (0 counts as either), to about half of `tolerance`. None when the
/// function gives a NaN.
///
/// # Reference
/// Brent, "Algorithms for Minimization without Derivatives" (1973), chapter 4.
pub(crate) fn zeroin(one: Point, other: Point, tolerance: f64, f: &mut impl FnMut(f64) -> f64) -> Option<f64> {
    search(one, other, tolerance, 0.0, f)
}

/// As [`zeroin`], for smooth functions: once a step was shorter than `trusted` and the next would be shorter than half of
/// `tolerance`, that one is taken without another evaluation. It is far more exact than `tolerance`.
pub(crate) fn zeroin_of_smooth(one: Point, other: Point, tolerance: f64, trusted: f64, f: &mut impl FnMut(f64) -> f64) -> Option<f64> {
    search(one, other, tolerance, trusted, f)
}

fn search(one: Point, other: Point, tolerance: f64, trusted: f64, f: &mut impl FnMut(f64) -> f64) -> Option<f64> {
    let (mut a, mut b) = (one, other);
    if a.1 == 0.0 {
        return Some(a.0);
    }
    let mut c = a;
    for _ in 0..MOST_EVALUATIONS {
        if b.1.is_nan() || c.1.is_nan() {
            return None;
        }
        let previous = b.0 - a.0;
        if c.1.abs() < b.1.abs() {
            (a, b, c) = (b, c, b);
        }
        let least = 2.0 * f64::EPSILON * b.0.abs() + tolerance / 2.0;
        let half = (c.0 - b.0) / 2.0;
        if half.abs() <= least || b.1 == 0.0 {
            return Some(b.0);
        }
        let interpolated = match previous.abs() >= least && a.1.abs() > b.1.abs() {
            true => interpolated_step(a, b, c, previous, least),
            false => None,
        };
        let step = interpolated.unwrap_or(half);
        if step.abs() < least && previous.abs() < trusted {
            return Some(b.0 + step);
        }
        a = b;
        b.0 += if step.abs() >= least { step } else { least.copysign(step) };
        b.1 = f(b.0);
        if (b.1 > 0.0 && c.1 > 0.0) || (b.1 < 0.0 && c.1 < 0.0) {
            c = a;
        }
    }
    Some(b.0)
}

/// Where the secant through two points, or the parabola through three, meets 0, as a step from `b`; none when it does not close
/// in fast enough to be trusted.
fn interpolated_step(a: Point, b: Point, c: Point, previous: f64, least: f64) -> Option<f64> {
    let width = c.0 - b.0;
    let slope = b.1 / a.1;
    let (numerator, denominator) = if a.0 == c.0 {
        (width * slope, 1.0 - slope)
    } else {
        let (q, r) = (a.1 / c.1, b.1 / c.1);
        (slope * (width * q * (q - r) - (b.0 - a.0) * (r - 1.0)), (q - 1.0) * (r - 1.0) * (slope - 1.0))
    };
    let (p, q) = if numerator > 0.0 { (numerator, -denominator) } else { (-numerator, denominator) };
    let close = p < 0.75 * width * q - (least * q).abs() / 2.0 && p < (previous * q / 2.0).abs();
    close.then(|| p / q)
}
