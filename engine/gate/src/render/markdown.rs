//! The report as Markdown: for a job's summary, a comment on a merge request, a chat.

use crate::render::case::{Case, worst};
use crate::render::figures;
use crate::render::kayenta;
use crate::render::markup::{fence, markdown, xml};
use crate::render::places;
use crate::report::{FindingReport, Report};
use crate::words;

/// One case, or a table of all and then each.
pub fn to_markdown(cases: &[Case<'_>]) -> String {
    match cases {
        [one] => section(one, true),
        many => {
            let mut text = overview(many);
            for case in many {
                text.push_str(&format!("\n<details><summary>{}</summary>\n\n{}\n</details>\n", xml(case.title()), section(case, false)));
            }
            text
        }
    }
}

/// Without details, for places that hold little.
pub fn to_short_markdown(cases: &[Case<'_>]) -> String {
    match cases {
        [one] => section(one, false),
        many => overview(many),
    }
}

fn overview(cases: &[Case<'_>]) -> String {
    let verdict = worst(cases.iter().map(Case::verdict));
    let mut text = format!("### {} {}: {} recordings\n\n", figures::sign(verdict), verdict.to_uppercase(), cases.len());
    text.push_str("| recording | verdict | why |\n|---|---|---|\n");
    for case in cases {
        let (verdict, why) = match case.outcome {
            Ok(report) => (figures::headline(report), report.reason.as_str()),
            Err(why) => ("NO ANALYSIS".to_owned(), why),
        };
        let why = match case.difference {
            Some(difference) => format!("{} ({})", markdown(why), markdown(difference)),
            None => markdown(why),
        };
        text.push_str(&format!("| {} | {} {verdict} | {why} |\n", markdown(case.title()), figures::sign(case.verdict())));
    }
    text
}

fn section(case: &Case<'_>, with_details: bool) -> String {
    let report = match case.outcome {
        Ok(report) => report,
        Err(why) => {
            let title = markdown(case.title());
            return format!("### ! NO ANALYSIS: {title}\n\nNothing was judged, so nothing is known to be safe: {}\n", markdown(why));
        }
    };
    let mut text = format!(
        "### {} {}: {}\n\n**{}**\n\n{}; rules {} ({})\n\n",
        figures::sign(report.verdict),
        figures::headline(report),
        markdown(case.title()),
        markdown(&report.reason),
        markdown(&figures::scope(report)),
        markdown(&report.rules.name),
        markdown(&report.rules.version),
    );
    text.push_str("| metric | outcome | baseline | canary | change | not refuted | tolerated | harm | safe |\n");
    text.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for finding in &report.findings {
        text.push_str(&row(finding));
    }
    if let Some(difference) = case.difference {
        text.push_str(&format!("\n- **differs**: {}\n", markdown(difference)));
    }
    let hints = report.timings.iter().flat_map(|timings| &timings.notes);
    let compared = kayenta::line(case, report).map(|said| format!("- compared: {}\n", markdown(said)));
    let notes: Vec<String> = report.warnings.iter().chain(hints).map(|note| format!("- {}\n", markdown(note))).chain(compared).collect();
    if !notes.is_empty() {
        text.push_str(&format!("\n{}", notes.concat()));
    }
    if with_details {
        for finding in &report.findings {
            text.push_str(&details(finding));
        }
        text.push_str(&footer(report));
    }
    text
}

fn row(finding: &FindingReport) -> String {
    format!(
        "| {} | {} {} ({}) | {} | {} | {} | {} | {} | {} | {} |\n",
        markdown(&finding.metric),
        figures::sign(finding.outcome),
        finding.outcome,
        figures::role(finding),
        figures::arm(finding, &finding.baseline),
        figures::arm(finding, &finding.canary),
        figures::estimate(finding),
        figures::interval(finding),
        figures::tolerated(finding),
        words::odds(finding.evidence.ln_harm.get()),
        words::odds(finding.evidence.ln_safe.get()),
    )
}

fn details(finding: &FindingReport) -> String {
    let mut text = format!("\n<details><summary>{}: {}</summary>\n\n", xml(&finding.metric), finding.outcome);
    text.push_str(&format!("{}\n", markdown(&finding.reason)));
    if let Some(rule) = &finding.rule {
        text.push_str(&format!("\nRule: {}:{}\n", markdown(&rule.file), rule.line));
    }
    for line in places::lines(finding, false).iter().chain(&finding.warnings) {
        text.push_str(&format!("\n- {}\n", markdown(line)));
    }
    let queries = finding.queries.join("\n");
    let fence = fence(&queries);
    text.push_str(&format!("\n{fence}promql\n{queries}\n{fence}\n\n</details>\n"));
    text
}

fn footer(report: &Report) -> String {
    format!(
        "\n{} to {} UTC, analysis {}\n",
        figures::time(report.window.start.get(), "%Y-%m-%d %H:%M:%S"),
        figures::time(report.window.end.get(), "%Y-%m-%d %H:%M:%S"),
        report.analysis_id
    )
}
