//! The report as one page: it asks for nothing, runs nothing, and reads without colour, on a phone, and aloud.

mod axes;
mod canvas;
mod effect;
mod evidence;
mod series;
mod table;

use crate::render::case::{Case, worst};
use crate::render::explain::paragraphs;
use crate::render::figures;
use crate::render::html::canvas::Size;
use crate::render::kayenta;
use crate::render::markup::xml;
use crate::report::{FindingReport, Report};
use crate::words;

const STYLE: &str = include_str!("html/style.css");
/// Nothing is loaded and nothing runs, whatever a label or a query says; an empty icon keeps browsers from asking for one.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// The page: one report, or an overview and each below it.
pub fn to_html(cases: &[Case<'_>]) -> String {
    let verdict = worst(cases.iter().map(Case::verdict));
    let name = match cases {
        [one] => one.title().to_owned(),
        many => format!("{} recordings", many.len()),
    };
    let mut body = String::new();
    if cases.len() != 1 {
        body.push_str(&overview(cases, verdict, &name));
    }
    for (index, case) in cases.iter().enumerate() {
        body.push_str(&article(case, index));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{}: {} – Davy</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#content\">Skip to the answer</a>\n<main id=\"content\">\n{body}</main>\n\
         <footer>Made by Davy from schema {}. Odds say how much better one side explains what was seen than the other; \
         they do not grow by looking more often.</footer>\n</body>\n</html>\n",
        xml(&verdict.to_uppercase()),
        xml(&name),
        crate::report::SCHEMA,
    )
}

fn overview(cases: &[Case<'_>], verdict: &str, name: &str) -> String {
    let mut items = String::new();
    for (index, case) in cases.iter().enumerate() {
        let (headline, why) = match case.outcome {
            Ok(report) => (figures::headline(report), report.reason.as_str()),
            Err(why) => ("NO ANALYSIS".to_owned(), why),
        };
        items.push_str(&format!(
            "<li><span class=\"what\"><a href=\"#r{index}\">{}</a></span> <span class=\"{}\">{} {}</span> <span class=\"change\">{}</span></li>\n",
            xml(case.title()),
            case.verdict(),
            figures::sign(case.verdict()),
            xml(&headline),
            xml(why),
        ));
    }
    let sign = figures::sign(verdict);
    let word = verdict.to_uppercase();
    format!(
        "<header class=\"top {verdict}\"><p class=\"verdict\">{sign} {word}</p><h1>{}</h1></header>\n<ul class=\"glance\">\n{items}</ul>\n",
        xml(name)
    )
}

fn article(case: &Case<'_>, index: usize) -> String {
    let title = xml(case.title());
    let report = match case.outcome {
        Ok(report) => report,
        Err(why) => {
            return format!(
                "<article id=\"r{index}\"><header class=\"top error\"><p class=\"verdict\">! NO ANALYSIS</p><h1>{title}</h1>\
                 <p class=\"reason\">Nothing was judged, so nothing is known to be safe: {}</p></header></article>\n",
                xml(why)
            );
        }
    };
    let mut text = format!(
        "<article id=\"r{index}\">\n<header class=\"top {}\"><p class=\"verdict\">{} {}</p><h1>{title}</h1><p class=\"reason\">{}</p></header>\n",
        report.verdict,
        figures::sign(report.verdict),
        xml(&figures::headline(report)),
        xml(&report.reason),
    );
    text.push_str(&facts(report));
    text.push_str("<ul class=\"glance\" aria-label=\"Metrics\">\n");
    for (metric, finding) in report.findings.iter().enumerate() {
        text.push_str(&glance(finding, index, metric));
    }
    text.push_str("</ul>\n");
    let hints = report.timings.iter().flat_map(|timings| &timings.notes);
    let notes: Vec<&String> = report.warnings.iter().chain(hints).collect();
    let differs = case.difference.map(|difference| format!("<li>differs: {}</li>", xml(difference)));
    if !notes.is_empty() || differs.is_some() {
        let items: String = notes.iter().map(|note| format!("<li>{}</li>", xml(note))).collect();
        text.push_str(&format!("<ul class=\"notes\">{}{items}</ul>\n", differs.unwrap_or_default()));
    }
    for (metric, finding) in report.findings.iter().enumerate() {
        text.push_str(&card(report, finding, index, metric));
    }
    text.push_str(&kayenta::section(case, report));
    text.push_str("</article>\n");
    text
}

fn facts(report: &Report) -> String {
    let window = &report.window;
    let step = words::duration((window.step.get() * 1e3).round() as i64);
    let times = |seconds: f64| figures::time(seconds, "%Y-%m-%d %H:%M:%S UTC");
    let facts = [
        ("Canary", report.arms.canary.clone()),
        ("Baseline", report.arms.baseline.clone()),
        ("Judged", format!("{} of {step}, {} to {}", words::windows(window.judged), times(window.start.get()), times(window.end.get()))),
        ("Deadline", times(window.deadline.get())),
        ("Score", format!("{} of 100", words::digits(report.score.get()))),
        ("Rules", format!("{}, version {}", report.rules.name, report.rules.version)),
        ("Analysis", report.analysis_id.clone()),
    ];
    let items: String = facts.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>", xml(value))).collect();
    format!("<dl>{items}</dl>\n")
}

fn glance(finding: &FindingReport, index: usize, metric: usize) -> String {
    let change = match finding.effect {
        Some(_) => format!("{} ({}), {} tolerated", figures::estimate(finding), figures::interval(finding), figures::tolerated(finding)),
        None => format!("canary {}, {}", figures::arm(finding, &finding.canary), figures::tolerated(finding)),
    };
    format!(
        "<li><span class=\"what\"><a href=\"#r{index}-m{metric}\">{}</a></span> <span class=\"{}\">{} {}</span> <span class=\"change\">{}</span></li>\n",
        xml(&finding.metric),
        finding.outcome,
        figures::sign(finding.outcome),
        finding.outcome,
        xml(&change)
    )
}

fn card(report: &Report, finding: &FindingReport, index: usize, metric: usize) -> String {
    let id = format!("r{index}-m{metric}");
    let mut text = format!(
        "<section class=\"card\" id=\"{id}\">\n<h2>{} <span class=\"{}\">{} {}</span> <span>({}, {})</span></h2>\n<p>{}</p>\n",
        xml(&finding.metric),
        finding.outcome,
        figures::sign(finding.outcome),
        finding.outcome,
        figures::role(finding),
        finding.method,
        xml(&finding.reason),
    );
    let step = words::duration((report.window.step.get() * 1e3).round() as i64);
    let values = Size::BOTH.map(|size| series::chart(finding, &format!("{id}-v"), size));
    let shares =
        if finding.kind == "rate" { "; they see different shares of the traffic, and their change is that of the share" } else { "" };
    let about = format!("each window of {step}; canary solid, baseline dashed, a gap is a missing window{shares}");
    text.push_str(&figure("Both arms", &about, values));
    let effects = Size::BOTH.map(|size| effect::chart(finding, &format!("{id}-e"), size));
    text.push_str(&figure(
        "Change from baseline to canary",
        "the bar is what is not refuted, the dot the best guess; hatched is tolerated",
        effects,
    ));
    let evidence = Size::BOTH.map(|size| evidence::chart(report, finding, &format!("{id}-o"), size));
    text.push_str(&figure(
        "Evidence",
        "odds that the canary is worse than tolerated (harm, solid), and that it is not (safety, dashed)",
        evidence,
    ));
    text.push_str("<details><summary>Why, and what would change it</summary>\n<dl>");
    for (heading, words) in paragraphs(report, finding) {
        text.push_str(&format!("<dt>{heading}</dt><dd>{}</dd>", xml(&words)));
    }
    text.push_str("</dl></details>\n");
    text.push_str(&table::slices(finding));
    text.push_str(&table::numbers(report, finding));
    let queries: Vec<String> = finding.queries.iter().map(|query| xml(query)).collect();
    text.push_str(&format!("<details><summary>Queries</summary><pre><code>{}</code></pre></details>\n", queries.join("\n")));
    let warnings: String = finding.warnings.iter().map(|warning| format!("<li>{}</li>", xml(warning))).collect();
    if !warnings.is_empty() {
        text.push_str(&format!("<ul class=\"notes\">{warnings}</ul>\n"));
    }
    text.push_str("</section>\n");
    text
}

fn figure(title: &str, about: &str, charts: [Option<String>; 2]) -> String {
    let charts: String = charts.into_iter().flatten().collect();
    if charts.is_empty() {
        return String::new();
    }
    format!("<figure><figcaption>{title} <span>– {about}</span></figcaption>{charts}</figure>\n")
}
