//! What a rendering is given: one analysis, or several recordings side by side, some of which may not have been judged.

use crate::render::text::Look;
use crate::replay::Moment;
use crate::report::{Report, Word};

/// One analysis to show.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The recording's path; empty where there is but one thing to show.
    pub name: &'a str,
    /// The report, or why there is none.
    pub outcome: Result<&'a Report, &'a str>,
    /// The verdict after each window; empty where it was not kept.
    pub moments: &'a [Moment],
    /// What differs from the recorded expectation.
    pub difference: Option<&'a str>,
    /// Also what Kayenta would have said, whether the rules ask for it or not.
    pub compares: bool,
}

impl<'a> Case<'a> {
    /// A report alone.
    pub fn of(report: &'a Report) -> Self {
        Case { name: "", outcome: Ok(report), moments: &[], difference: None, compares: false }
    }

    /// An analysis that did not take place.
    pub fn failed(name: &'a str, why: &'a str) -> Self {
        Case { name, outcome: Err(why), moments: &[], difference: None, compares: false }
    }

    /// What it is called: the recording, else the rules' name, else `analysis`.
    pub fn title(&self) -> &'a str {
        match (self.name, self.outcome) {
            ("", Ok(report)) => &report.rules.name,
            ("", Err(_)) => "analysis",
            (name, _) => name,
        }
    }

    /// promote, hold, rollback, or `error` where no analysis took place.
    pub fn verdict(&self) -> Word {
        self.outcome.map_or("error", |report| report.verdict)
    }

    /// What the caller should do. Absence is never health: without an analysis, hold.
    pub fn action(&self) -> Word {
        self.outcome.map_or("hold", |report| report.action)
    }
}

/// The worst of several verdicts: error, then rollback, hold, promote. Of none: error.
pub fn worst(words: impl Iterator<Item = Word>) -> Word {
    let rank = |word: Word| ["promote", "hold", "rollback"].iter().position(|known| *known == word).unwrap_or(3);
    words.max_by_key(|word| rank(word)).unwrap_or("error")
}

/// A rendering that is a document of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One screen for people.
    Text,
    /// `davy.report/v1`.
    Json,
    /// One line per window, and one per report.
    Jsonl,
    /// For summaries and comments.
    Markdown,
    /// JUnit XML.
    Junit,
    /// One page with charts.
    Html,
    /// OpenMetrics text.
    Metrics,
    /// `NAME=value` lines.
    Dotenv,
}

/// All kinds with their names.
pub const KINDS: [(&str, Kind); 8] = [
    ("text", Kind::Text),
    ("json", Kind::Json),
    ("jsonl", Kind::Jsonl),
    ("markdown", Kind::Markdown),
    ("junit", Kind::Junit),
    ("html", Kind::Html),
    ("metrics", Kind::Metrics),
    ("dotenv", Kind::Dotenv),
];

/// The whole document. `look` matters to text alone.
pub fn render(kind: Kind, cases: &[Case<'_>], look: Look) -> String {
    match kind {
        Kind::Text => super::text::to_texts(cases, look),
        Kind::Json => super::json::to_jsons(cases),
        Kind::Jsonl => super::jsonl::to_jsonl(cases),
        Kind::Markdown => super::markdown::to_markdown(cases),
        Kind::Junit => super::junit::to_junit(cases),
        Kind::Html => super::html::to_html(cases),
        Kind::Metrics => super::metrics::to_metrics(cases),
        Kind::Dotenv => super::dotenv::to_dotenv(cases),
    }
}
