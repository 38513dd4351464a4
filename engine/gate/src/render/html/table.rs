//! The charts' numbers, for those who do not see them, and for those who copy them.

use crate::number::Number;
use crate::render::figures;
use crate::render::markup::xml;
use crate::report::{FindingReport, Report};
use crate::words;

/// More rows than anybody scrolls through; the JSON has them all.
const MOST_ROWS: usize = 500;

/// Slices beyond these are rarely the ones to look at; the JSON has them all.
const MOST_SLICES: usize = 50;

/// One row per slice, the worst first; nothing where the metric is not sliced.
pub fn slices(finding: &FindingReport) -> String {
    if finding.slices.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for slice in finding.slices.iter().take(MOST_SLICES) {
        let labels = slice.labels.iter().flatten().map(|(label, value)| format!("{label}={value}")).collect::<Vec<_>>().join(", ");
        let labels = if slice.labels.is_some() { labels } else { "all others together".to_owned() };
        let change = slice.effect.as_ref().and_then(|effect| Some(figures::effect_value(finding, effect, effect.estimate?)));
        rows.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td>{} {}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            xml(&labels),
            figures::sign(slice.outcome),
            slice.outcome,
            xml(&figures::arm(finding, &slice.baseline)),
            xml(&figures::arm(finding, &slice.canary)),
            change.unwrap_or_else(|| "–".to_owned()),
            words::odds(slice.evidence.ln_harm.get()),
            words::odds(slice.evidence.ln_safe.get()),
        ));
    }
    let (name, count) = (xml(&finding.metric), finding.slices.len());
    let cut = if count > MOST_SLICES { format!(", the worst {MOST_SLICES} of {count}") } else { String::new() };
    format!(
        "<details><summary>Slices, the worst first</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Slices of {name}\">\
         <table><caption>{name} in its slices{cut}</caption><thead><tr><th scope=\"col\">slice</th><th scope=\"col\">outcome</th>\
         <th scope=\"col\">baseline</th><th scope=\"col\">canary</th><th scope=\"col\">change</th><th scope=\"col\">harm</th>\
         <th scope=\"col\">safety</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div></details>\n"
    )
}

/// One row per window, the last [`MOST_ROWS`].
pub fn numbers(report: &Report, finding: &FindingReport) -> String {
    let unit = figures::unit_of(finding);
    let series = &finding.series;
    let first = series.end.len().saturating_sub(MOST_ROWS);
    let value = |values: &[Option<Number>], index: usize| match values.get(index).copied().flatten() {
        Some(value) => words::value(value.get(), unit),
        None => "missing".to_owned(),
    };
    let odds = |trace: &[Number], index: usize| trace.get(index).map_or_else(String::new, |ln| words::odds(ln.get()));
    let mut rows = String::new();
    for index in first..series.end.len() {
        rows.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            figures::time(series.end[index].get(), "%H:%M:%S"),
            value(&series.baseline, index),
            value(&series.canary, index),
            odds(&series.ln_harm, index),
            odds(&series.ln_safe, index),
        ));
    }
    let cut = if first > 0 { format!(", the last {MOST_ROWS} of {}", report.window.judged) } else { String::new() };
    let name = xml(&finding.metric);
    format!(
        "<details><summary>Numbers of each window</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Numbers of {name}\">\
         <table><caption>{name}, windows by their end in UTC{cut}</caption>\
         <thead><tr><th scope=\"col\">end</th><th scope=\"col\">baseline</th><th scope=\"col\">canary</th><th scope=\"col\">harm</th>\
         <th scope=\"col\">safety</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div></details>\n"
    )
}
