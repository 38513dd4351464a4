//! Kayenta's judgement beside Davy's: a line where somebody asked for it, a table on the page always.

use crate::render::case::Case;
use crate::render::figures;
use crate::render::markup::xml;
use crate::report::{KayentaReport, Report};
use crate::words;

/// The comparison as one line for people; none where nobody asked, or where it is the verdict itself. At night there is but
/// one verdict to read.
pub fn line<'a>(case: &Case<'a>, report: &'a Report) -> Option<&'a str> {
    let kayenta = report.kayenta.as_ref()?;
    ((kayenta.asked || case.compares) && !kayenta.decides).then_some(kayenta.reason.as_str())
}

/// The comparison on the page, folded away where nobody asked.
pub fn section(case: &Case<'_>, report: &Report) -> String {
    let Some(kayenta) = &report.kayenta else { return String::new() };
    let open = if kayenta.asked || case.compares { " open" } else { "" };
    let title = if kayenta.decides { "Kayenta's score" } else { "What Kayenta would have said" };
    format!(
        "<details class=\"peer\"{open}><summary>{title}</summary>\n<p>{}.{}</p>\n{}</details>\n",
        xml(&kayenta.reason),
        if kayenta.decides { "" } else { " It changes nothing here." },
        table(report, kayenta)
    )
}

fn table(report: &Report, kayenta: &KayentaReport) -> String {
    let mut rows = String::new();
    for (metric, finding) in kayenta.metrics.iter().zip(&report.findings) {
        let unit = figures::unit_of(finding);
        let interval = match (metric.lower, metric.upper) {
            (Some(lower), Some(upper)) => format!("{} to {}", words::difference(lower.get(), unit), words::difference(upper.get(), unit)),
            (_, _) => "–".to_owned(),
        };
        let role = match (metric.critical, metric.muted) {
            (_, true) => ", muted",
            (true, false) => ", critical",
            (false, false) => "",
        };
        let ratio = metric.ratio.filter(|ratio| ratio.get() > 0.0).map_or_else(|| "–".to_owned(), |ratio| words::change(ratio.get()));
        rows.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td>{}{role}</td><td>{ratio}</td><td>{}</td></tr>\n",
            xml(&metric.metric),
            metric.classification,
            xml(&interval)
        ));
    }
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Kayenta's labels\"><table><caption>Kayenta's labels, from the values of \
         the windows</caption><thead><tr><th scope=\"col\">metric</th><th scope=\"col\">label</th><th scope=\"col\">means</th>\
         <th scope=\"col\">98 % interval of the shift</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}
