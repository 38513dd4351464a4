//! Label matchers at work: compiled once, asked often. A label that is absent counts as the empty string, as in PromQL.

use std::collections::BTreeMap;

use regex::Regex;

use crate::samples::{MatchOp, Matcher};

/// Matchers ready to be asked; all must hold.
#[derive(Debug, Clone, Default)]
pub struct LabelFilter {
    tests: Vec<(String, Test)>,
}

#[derive(Debug, Clone)]
enum Test {
    Equal(String),
    NotEqual(String),
    Regex(Regex),
    NotRegex(Regex),
}

impl LabelFilter {
    /// Compiles matchers. Without any, everything matches.
    ///
    /// # Errors
    /// A regular expression that does not compile, in words for people.
    pub fn new(matchers: &[Matcher]) -> Result<Self, String> {
        let mut tests = Vec::with_capacity(matchers.len());
        for matcher in matchers {
            let test = match matcher.op {
                MatchOp::Equal => Test::Equal(matcher.value.clone()),
                MatchOp::NotEqual => Test::NotEqual(matcher.value.clone()),
                MatchOp::Regex => Test::Regex(anchored(matcher)?),
                MatchOp::NotRegex => Test::NotRegex(anchored(matcher)?),
            };
            tests.push((matcher.label.clone(), test));
        }
        Ok(LabelFilter { tests })
    }

    /// Whether every matcher holds for these labels.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.tests.iter().all(|(label, test)| {
            let value = labels.get(label).map_or("", String::as_str);
            match test {
                Test::Equal(wanted) => value == wanted,
                Test::NotEqual(unwanted) => value != unwanted,
                Test::Regex(pattern) => pattern.is_match(value),
                Test::NotRegex(pattern) => !pattern.is_match(value),
            }
        })
    }
}

/// Prometheus anchors at both ends, and lets the dot match a line break.
fn anchored(matcher: &Matcher) -> Result<Regex, String> {
    Regex::new(&format!("^(?s:{})$", matcher.value)).map_err(|error| {
        let first_line = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
        format!("label {}: expected a regular expression, found {:?} ({first_line})", matcher.label, matcher.value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
    }

    fn filter(op: MatchOp, value: &str) -> LabelFilter {
        LabelFilter::new(&[Matcher { label: "code".to_owned(), op, value: value.to_owned() }]).unwrap()
    }

    #[test]
    fn every_operator_compares_as_promql_does() {
        let found = labels(&[("code", "503")]);
        let absent = labels(&[]);
        assert!(filter(MatchOp::Equal, "503").matches(&found));
        assert!(!filter(MatchOp::Equal, "50").matches(&found));
        assert!(filter(MatchOp::Equal, "").matches(&absent));
        assert!(filter(MatchOp::NotEqual, "500").matches(&found));
        assert!(filter(MatchOp::Regex, "5..").matches(&found));
        assert!(!filter(MatchOp::Regex, "5.").matches(&found), "anchored at the end");
        assert!(!filter(MatchOp::Regex, "03").matches(&found), "anchored at the start");
        assert!(filter(MatchOp::Regex, "4..|5..").matches(&found), "the anchors hold for every alternative");
        assert!(filter(MatchOp::NotRegex, "2..|3..").matches(&found));
        assert!(filter(MatchOp::Regex, "").matches(&absent));
    }

    #[test]
    fn all_matchers_must_hold_and_none_is_everything() {
        assert!(LabelFilter::default().matches(&labels(&[])));
        let both = LabelFilter::new(&[
            Matcher { label: "a".to_owned(), op: MatchOp::Equal, value: "1".to_owned() },
            Matcher { label: "b".to_owned(), op: MatchOp::Equal, value: "2".to_owned() },
        ])
        .unwrap();
        assert!(both.matches(&labels(&[("a", "1"), ("b", "2")])));
        assert!(!both.matches(&labels(&[("a", "1"), ("b", "3")])));
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let error = LabelFilter::new(&[Matcher { label: "code".to_owned(), op: MatchOp::Regex, value: "5(".to_owned() }]).unwrap_err();
        assert!(error.contains("code") && error.contains("5("), "{error}");
    }
}
