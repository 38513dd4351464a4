//! The report as JUnit XML, as GitLab, Jenkins and most others read it: a suite per analysis, a case per metric and one for
//! the verdict. A hold's verdict is a failure, so that nobody who reads only this file takes it for health.

use crate::render::case::Case;
use crate::render::figures;
use crate::render::markup::{xml, xml_lines};
use crate::render::places;
use crate::report::{FindingReport, Report};

/// What a test case says besides its name.
enum Mark {
    Pass,
    Skipped(String),
    Failure(&'static str, String),
    Error(&'static str, String),
}

struct TestCase {
    name: String,
    place: String,
    mark: Mark,
    /// Shown by those who look at a case.
    out: String,
}

/// The document.
pub fn to_junit(cases: &[Case<'_>]) -> String {
    let suites: Vec<Suite> = cases.iter().map(suite).collect();
    let total = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"davy\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
        total(|suite| suite.cases.len()),
        total(|suite| suite.count(|mark| matches!(mark, Mark::Failure(..)))),
        total(|suite| suite.count(|mark| matches!(mark, Mark::Error(..)))),
        total(|suite| suite.count(|mark| matches!(mark, Mark::Skipped(_)))),
    );
    for suite in &suites {
        push_suite(&mut text, suite);
    }
    text.push_str("</testsuites>\n");
    text
}

struct Suite {
    name: String,
    class: String,
    attributes: String,
    properties: Vec<(&'static str, String)>,
    cases: Vec<TestCase>,
}

impl Suite {
    fn count(&self, is: fn(&Mark) -> bool) -> usize {
        self.cases.iter().filter(|case| is(&case.mark)).count()
    }
}

fn suite(case: &Case<'_>) -> Suite {
    let report = match case.outcome {
        Ok(report) => report,
        Err(why) => {
            let mark = Mark::Error("no analysis", why.to_owned());
            let verdict = TestCase { name: "verdict".to_owned(), place: String::new(), mark, out: String::new() };
            let name = case.title().to_owned();
            return Suite { class: name.clone(), name, attributes: String::new(), properties: Vec::new(), cases: vec![verdict] };
        }
    };
    let elapsed = report.timings.as_ref().map_or(0.0, |timings| timings.elapsed_secs);
    let mut cases = vec![verdict(report, case.difference)];
    cases.extend(report.findings.iter().map(|finding| metric(report, finding)));
    Suite {
        name: case.title().to_owned(),
        class: report.rules.name.clone(),
        attributes: format!(" time=\"{elapsed}\" timestamp=\"{}\"", figures::time(report.window.end.get(), "%Y-%m-%dT%H:%M:%S")),
        properties: vec![
            ("verdict", report.verdict.to_owned()),
            ("action", report.action.to_owned()),
            ("mode", report.mode.to_owned()),
            ("score", crate::words::digits(report.score.get())),
            ("analysis_id", report.analysis_id.clone()),
            ("rules_version", report.rules.version.clone()),
            ("baseline", report.arms.baseline.clone()),
            ("canary", report.arms.canary.clone()),
            ("windows", report.window.judged.to_string()),
        ],
        cases,
    }
}

fn verdict(report: &Report, difference: Option<&str>) -> TestCase {
    let said = format!("{}: {}", figures::headline(report), report.reason);
    let mark = match (difference, report.action) {
        (Some(difference), _) => Mark::Failure("difference", difference.to_owned()),
        (None, "promote") => Mark::Pass,
        (None, "rollback") => Mark::Failure("rollback", said.clone()),
        (None, _) => Mark::Failure("hold", said.clone()),
    };
    let mut out = vec![said, figures::scope(report)];
    out.extend(report.warnings.iter().map(|warning| format!("note: {warning}")));
    TestCase { name: "verdict".to_owned(), place: String::new(), mark, out: out.join("\n") }
}

fn metric(report: &Report, finding: &FindingReport) -> TestCase {
    let reason = finding.reason.clone();
    let is_absent = matches!(finding.obstacle, Some("no_data" | "too_many_missing"));
    let mark = match finding.outcome {
        "pass" => Mark::Pass,
        // In shadow mode, and by `on_breach: warn`, nothing is stopped: it is said, and that is all.
        "breach" if report.mode == "shadow" || finding.on_breach == "warn" => Mark::Pass,
        "breach" => Mark::Failure("breach", reason),
        _ if is_absent && finding.required && report.mode != "shadow" => Mark::Error("missing data", reason),
        _ => Mark::Skipped(reason),
    };
    let place = finding.rule.as_ref().map_or_else(String::new, |rule| format!(" file=\"{}\" line=\"{}\"", xml(&rule.file), rule.line));
    let mut out = vec![
        format!("{} ({}): {}", finding.outcome, figures::role(finding), finding.reason),
        format!("baseline {}, canary {}", figures::arm(finding, &finding.baseline), figures::arm(finding, &finding.canary)),
    ];
    out.extend(places::lines(finding, false));
    out.extend(finding.queries.iter().cloned());
    TestCase { name: finding.metric.clone(), place, mark, out: out.join("\n") }
}

fn push_suite(text: &mut String, suite: &Suite) {
    text.push_str(&format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"{}>\n",
        xml(&suite.name),
        suite.cases.len(),
        suite.count(|mark| matches!(mark, Mark::Failure(..))),
        suite.count(|mark| matches!(mark, Mark::Error(..))),
        suite.count(|mark| matches!(mark, Mark::Skipped(_))),
        suite.attributes,
    ));
    if !suite.properties.is_empty() {
        text.push_str("    <properties>\n");
        for (name, value) in &suite.properties {
            text.push_str(&format!("      <property name=\"{name}\" value=\"{}\"/>\n", xml(value)));
        }
        text.push_str("    </properties>\n");
    }
    for case in &suite.cases {
        let (name, class) = (xml(&case.name), xml(&suite.class));
        text.push_str(&format!("    <testcase classname=\"{class}\" name=\"{name}\" time=\"0\"{}>\n", case.place));
        match &case.mark {
            Mark::Pass => {}
            Mark::Skipped(message) => text.push_str(&format!("      <skipped message=\"{}\"/>\n", xml(message))),
            Mark::Failure(kind, message) => push_mark(text, "failure", kind, message),
            Mark::Error(kind, message) => push_mark(text, "error", kind, message),
        }
        if !case.out.is_empty() {
            text.push_str(&format!("      <system-out>{}</system-out>\n", xml_lines(&case.out)));
        }
        text.push_str("    </testcase>\n");
    }
    text.push_str("  </testsuite>\n");
}

fn push_mark(text: &mut String, element: &str, kind: &str, message: &str) {
    text.push_str(&format!("      <{element} type=\"{kind}\" message=\"{}\">{}</{element}>\n", xml(message), xml_lines(message)));
}
