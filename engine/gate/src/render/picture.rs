//! A metric's pictures in one line of text: both arms' series, and the effect's interval against what is tolerated.

use crate::number::Number;
use crate::render::figures::unit_of;
use crate::render::spark;
use crate::report::FindingReport;
use crate::rules::rule_set::Unit;

/// An interval's picture reaches from a third to threefold, or three tolerances to both sides.
const REACH: f64 = 1.0986;

/// Both arms' series, baseline first, drawn between the same bounds in at most `bars` bars each; none without any value.
pub fn series(finding: &FindingReport, bars: usize, ascii: bool) -> Option<[String; 2]> {
    let plain = |series: &[Option<Number>]| series.iter().map(|value| value.map(Number::get)).collect::<Vec<_>>();
    let mut arms = [plain(&finding.series.baseline), plain(&finding.series.canary)];
    let is_traffic = unit_of(finding) == Unit::PerSecond;
    if is_traffic {
        // The arms have traffic of different size by intent; each is drawn against its own mean.
        for arm in &mut arms {
            let present: Vec<f64> = arm.iter().flatten().copied().collect();
            let mean = present.iter().sum::<f64>() / present.len() as f64;
            if mean > 0.0 {
                arm.iter_mut().flatten().for_each(|value| *value /= mean);
            }
        }
    }
    let all: Vec<f64> = arms.iter().flatten().flatten().copied().collect();
    let (mut low, mut high) = (all.iter().copied().reduce(f64::min)?, all.iter().copied().reduce(f64::max)?);
    if is_traffic {
        // From nothing to twice the mean: a ripple looks like one.
        (low, high) = (0.0, if high > 2.0 { high } else { 2.0 });
    }
    Some(arms.map(|arm| spark::sparkline(&arm, low, high, bars, ascii)))
}

/// The effect's interval against what is tolerated, in `width` columns; none without an effect.
pub fn effect(finding: &FindingReport, width: usize, ascii: bool) -> Option<String> {
    let effect = finding.effect.as_ref()?;
    let is_ratio = effect.kind == "ratio";
    let scaled = |value: Option<Number>| value.map(|value| if is_ratio { value.get().ln() } else { value.get() });
    let tolerated = scaled(finding.tolerated).unwrap_or(if is_ratio { 0.0 } else { 1.0 });
    let reach = if is_ratio { REACH } else { 3.0 * tolerated.abs() };
    Some(spark::interval(scaled(effect.lower), scaled(effect.estimate), scaled(effect.upper), tolerated, reach, width, ascii))
}
