//! What GitHub Actions reads: annotations on the rules' lines, the job's summary, the step's outputs; each within its limits.

use sha2::{Digest, Sha256};

use crate::render::case::{Case, worst};
use crate::render::figures;
use crate::render::markdown::{to_markdown, to_short_markdown};
use crate::render::text::{Look, to_texts};
use crate::report::{FindingReport, Report};
use crate::words;

/// Annotations of one level that GitHub shows of a step; it drops the others without a word.
pub const MOST_ANNOTATIONS: usize = 10;
/// A step's summary, in bytes; beyond it nothing at all is shown.
pub const SUMMARY_BYTES: usize = 1024 * 1024;
/// A message of an annotation: GitHub shows far less than it takes.
const MESSAGE_BYTES: usize = 4096;

/// An annotation's level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Error,
    Warning,
    Notice,
}

impl Level {
    const ALL: [Level; 3] = [Level::Error, Level::Warning, Level::Notice];

    fn command(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        }
    }
}

struct Annotation {
    level: Level,
    title: String,
    message: String,
    place: Option<(String, usize, usize)>,
}

/// The log: the text, in which no line can be taken for a command, then the annotations.
pub fn github_log(cases: &[Case<'_>], look: Look, folder: &str) -> String {
    let text = to_texts(cases, look);
    // A text cannot hold its own hash, so nothing in it can end the silence early.
    let token = token(&text);
    format!("::stop-commands::{token}\n{text}::{token}::\n{}", annotations(cases, folder))
}

/// One line per annotation, at most [`MOST_ANNOTATIONS`] of a level; the last says how many more there are. `folder` leads
/// from the repository's root to the working directory, empty or ending in `/`.
pub fn annotations(cases: &[Case<'_>], folder: &str) -> String {
    let all: Vec<Annotation> = cases.iter().flat_map(|case| of_case(case, folder)).collect();
    let mut lines = String::new();
    for level in Level::ALL {
        let same: Vec<&Annotation> = all.iter().filter(|annotation| annotation.level == level).collect();
        let shown = if same.len() > MOST_ANNOTATIONS { MOST_ANNOTATIONS - 1 } else { same.len() };
        for annotation in &same[..shown] {
            lines.push_str(&line(annotation));
        }
        if same.len() > shown {
            let message = format!("{} more are in the job's summary", same.len() - shown);
            lines.push_str(&line(&Annotation { level, title: "davy".to_owned(), message, place: None }));
        }
    }
    lines
}

fn of_case(case: &Case<'_>, folder: &str) -> Vec<Annotation> {
    let report = match case.outcome {
        Ok(report) => report,
        Err(why) => {
            let title = if case.name.is_empty() { "davy: no analysis".to_owned() } else { format!("davy: no analysis of {}", case.name) };
            return vec![Annotation { level: Level::Error, title, message: why.to_owned(), place: None }];
        }
    };
    let is_shadow = report.mode == "shadow";
    let level = match report.verdict {
        "promote" => Level::Notice,
        "rollback" if !is_shadow => Level::Error,
        _ => Level::Warning,
    };
    let title = format!("davy: {} {}", figures::headline(report), case.title());
    let mut found = vec![Annotation { level, title, message: report.reason.clone(), place: None }];
    found.extend(report.findings.iter().filter_map(|finding| of_finding(report, finding, folder)));
    if let Some(difference) = case.difference {
        let title = format!("davy: {} differs", case.title());
        found.push(Annotation { level: Level::Error, title, message: difference.to_owned(), place: None });
    }
    found
}

/// What must be looked at; a pass, and want of evidence where nothing is missing, need no annotation of their own.
fn of_finding(report: &Report, finding: &FindingReport, folder: &str) -> Option<Annotation> {
    let level = match (finding.outcome, finding.on_breach) {
        ("breach", "rollback") if report.mode != "shadow" => Level::Error,
        ("breach" | "suspect", _) => Level::Warning,
        ("inconclusive", _) if finding.obstacle.is_some() && finding.required => Level::Warning,
        (_, _) => return None,
    };
    let place = finding.rule.as_ref().filter(|rule| !rule.file.starts_with("presets/"));
    Some(Annotation {
        level,
        title: format!("davy: {} {}", finding.metric, finding.outcome),
        message: finding.reason.clone(),
        place: place.map(|rule| (in_repository(folder, &rule.file), rule.line, rule.column)),
    })
}

fn in_repository(folder: &str, file: &str) -> String {
    let plain = file.strip_prefix("./").unwrap_or(file);
    if plain.starts_with('/') { plain.to_owned() } else { format!("{folder}{plain}") }
}

fn line(annotation: &Annotation) -> String {
    let place = match &annotation.place {
        Some((file, line, column)) => format!("file={},line={line},col={column},", property(file)),
        None => String::new(),
    };
    let message: String = cut(&annotation.message, MESSAGE_BYTES).to_owned();
    format!("::{} {place}title={}::{}\n", annotation.level.command(), property(&annotation.title), data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// What to append to `$GITHUB_STEP_SUMMARY` where `taken` bytes of it are used already: with details where they fit.
pub fn step_summary(cases: &[Case<'_>], taken: usize) -> String {
    let room = SUMMARY_BYTES.saturating_sub(taken + 1);
    let whole = to_markdown(cases);
    if whole.len() <= room {
        return whole;
    }
    let short = to_short_markdown(cases);
    let note = "\n\n(cut: a step's summary holds 1 MiB)\n";
    if room < note.len() {
        return String::new();
    }
    if short.len() <= room { short } else { format!("{}{note}", cut(&short, room.saturating_sub(note.len()))) }
}

/// What to append to `$GITHUB_OUTPUT`: verdict, action, score, failed-rules and reason, each between lines that it cannot hold.
pub fn outputs(cases: &[Case<'_>]) -> String {
    let scores = cases.iter().filter_map(|case| case.outcome.ok()).map(|report| report.score.get());
    let reason = match cases {
        [Case { outcome: Ok(report), .. }] => report.summary.reason.clone(),
        [Case { outcome: Err(why), .. }] => cut(why, MESSAGE_BYTES).to_owned(),
        many => format!("{} recordings", many.len()),
    };
    let failed: Vec<&str> = cases.iter().filter_map(|case| case.outcome.ok()).flat_map(figures::failed).collect();
    let values = [
        ("verdict", worst(cases.iter().map(Case::verdict)).to_owned()),
        ("action", worst(cases.iter().map(Case::action)).to_owned()),
        ("score", scores.min_by(f64::total_cmp).map_or_else(String::new, words::digits)),
        ("failed-rules", cut(&failed.join(","), SUMMARY_BYTES / 16).to_owned()),
        ("reason", reason),
    ];
    let mut text = String::new();
    for (name, value) in values {
        let delimiter = token(&value);
        text.push_str(&format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"));
    }
    text
}

/// A word that a text does not hold.
fn token(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("davy-{hex}")
}

fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_escaped() {
        let place = Some(("a,b:c.yaml".to_owned(), 3, 5));
        let annotation =
            Annotation { level: Level::Error, title: "50%: a, b".to_owned(), message: "x\r\n::error::y: 5 %".to_owned(), place };
        assert_eq!(line(&annotation), "::error file=a%2Cb%3Ac.yaml,line=3,col=5,title=50%25%3A a%2C b::x%0D%0A::error::y: 5 %25\n");
    }

    #[test]
    fn of_many_annotations_the_last_says_how_many_more() {
        let why = "refused".to_owned();
        let cases = vec![Case::failed("r", &why); 12];
        let lines = annotations(&cases, "");
        assert_eq!(lines.lines().count(), MOST_ANNOTATIONS);
        assert!(lines.ends_with("::error title=davy::3 more are in the job's summary\n"), "{lines}");
        assert_eq!(annotations(&cases[..10], "").lines().count(), 10);
    }

    #[test]
    fn a_summary_stays_within_its_limit() {
        let why = "é".repeat(700_000);
        let cases = [Case::failed("", &why)];
        for taken in [0, 1000, SUMMARY_BYTES - 50, SUMMARY_BYTES, 2 * SUMMARY_BYTES] {
            let summary = step_summary(&cases, taken);
            assert!(summary.is_empty() || taken + summary.len() <= SUMMARY_BYTES, "{taken} {}", summary.len());
        }
    }

    #[test]
    fn places_are_seen_from_the_repository() {
        assert_eq!(in_repository("svc/", "./davy.yaml"), "svc/davy.yaml");
        assert_eq!(in_repository("svc/", "/etc/davy.yaml"), "/etc/davy.yaml");
    }
}
