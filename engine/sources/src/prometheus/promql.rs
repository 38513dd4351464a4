//! The queries' texts. Matchers print themselves, escaped ([`crate::selector`]), so that no name and no value can end a
//! string and inject.

use davy_judge::arm::PerArm;

use crate::samples::{MatchOp, Matcher};
use crate::selector::{is_plain_label, matchers_text};

/// A selector of the series that have one of the names and meet all matchers. A name is written as a matcher where it is
/// not plain or not the only one: servers before Prometheus 3 do not know `{"quoted.name"}`.
pub(super) fn selector(names: &[&str], matchers: &[Matcher]) -> String {
    let named = |op, value: String| Matcher { label: "__name__".to_owned(), op, value };
    let (text, name) = match names {
        [] => ("", None),
        [name] if is_plain_label(name) => (*name, None),
        [name] => ("", Some(named(MatchOp::Equal, (*name).to_owned()))),
        several => ("", Some(named(MatchOp::Regex, any_of(several.iter().copied())))),
    };
    let mut all: Vec<Matcher> = name.into_iter().collect();
    all.extend_from_slice(matchers);
    if all.is_empty() { text.to_owned() } else { format!("{text}{{{}}}", matchers_text(&all)) }
}

/// A label's name as it stands after `by`; one that is not plain is quoted, as Prometheus 3 has it (older servers have
/// no such labels).
pub(super) fn label_name(name: &str) -> String {
    if is_plain_label(name) {
        return name.to_owned();
    }
    let matcher = Matcher { label: name.to_owned(), op: MatchOp::Equal, value: String::new() }.to_string();
    matcher.strip_suffix("=\"\"").unwrap_or(&matcher).to_owned()
}

/// A regular expression that matches these texts and no other.
pub(super) fn any_of<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(regex::escape).collect::<Vec<_>>().join("|")
}

/// A matcher for series whose label has one of the values.
pub(super) fn one_of(label: &str, values: &[String]) -> Matcher {
    match values {
        [only] => Matcher { label: label.to_owned(), op: MatchOp::Equal, value: only.clone() },
        several => Matcher { label: label.to_owned(), op: MatchOp::Regex, value: any_of(several.iter().map(String::as_str)) },
    }
}

/// A length of time; whole seconds where it can be.
pub(super) fn duration(ms: i64) -> String {
    if ms % 1000 == 0 { format!("{}s", ms / 1000) } else { format!("{ms}ms") }
}

/// A time as the API wants it: seconds, with a fraction only where there is one.
pub(super) fn seconds(ms: i64) -> String {
    if ms % 1000 == 0 { (ms / 1000).to_string() } else { format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000)) }
}

/// Matchers that select both arms at once, at most a few series more; none where the arms are not told apart by
/// equalities on the same labels. The caller sorts the series to the arms.
pub(super) fn both_arms(arms: &PerArm<Vec<Matcher>>) -> Option<Vec<Matcher>> {
    if arms.baseline.len() != arms.canary.len() || arms.baseline.is_empty() {
        return None;
    }
    let mut union = Vec::new();
    for baseline in &arms.baseline {
        let mut same_label = arms.canary.iter().filter(|canary| canary.label == baseline.label);
        let canary = same_label.next()?;
        if same_label.next().is_some() || baseline.op != MatchOp::Equal || canary.op != MatchOp::Equal {
            return None;
        }
        if union.iter().any(|known: &Matcher| known.label == baseline.label) {
            return None;
        }
        union.push(if baseline.value == canary.value {
            baseline.clone()
        } else {
            let value = any_of([baseline.value.as_str(), canary.value.as_str()].into_iter());
            Matcher { label: baseline.label.clone(), op: MatchOp::Regex, value }
        });
    }
    Some(union)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(label: &str, value: &str) -> Matcher {
        Matcher { label: label.to_owned(), op: MatchOp::Equal, value: value.to_owned() }
    }

    #[test]
    fn a_value_cannot_leave_its_string() {
        let evil = equal("version", "v1\"} or vector(1) #\\\n");
        assert_eq!(selector(&["up"], &[evil]), r#"up{version="v1\"} or vector(1) #\\\n"}"#);
    }

    #[test]
    fn names_that_are_not_plain_are_matched_not_written() {
        assert_eq!(selector(&["http.requests"], &[]), r#"{__name__="http.requests"}"#);
        assert_eq!(selector(&["a_b"], &[]), "a_b");
        assert_eq!(label_name("k8s.pod"), "\"k8s.pod\"");
        assert_eq!(selector(&["x", "x_bucket"], &[equal("k8s.pod", "1")]), r#"{__name__=~"x|x_bucket","k8s.pod"="1"}"#);
    }

    #[test]
    fn both_arms_are_asked_for_at_once_where_labels_allow() {
        let arms = PerArm {
            baseline: vec![equal("app", "shop"), equal("version", "v1.0")],
            canary: vec![equal("version", "v1.1"), equal("app", "shop")],
        };
        assert_eq!(matchers_text(&both_arms(&arms).unwrap()), r#"app="shop",version=~"v1\\.0|v1\\.1""#);
        let other_label = PerArm { baseline: vec![equal("track", "stable")], canary: vec![equal("version", "v2")] };
        assert_eq!(both_arms(&other_label), None);
        let not_equal = Matcher { op: MatchOp::NotEqual, ..equal("version", "v2") };
        assert_eq!(both_arms(&PerArm { baseline: vec![not_equal], canary: vec![equal("version", "v2")] }), None);
        assert_eq!(both_arms(&PerArm { baseline: vec![], canary: vec![] }), None);
    }

    #[test]
    fn times_keep_their_milliseconds() {
        assert_eq!(seconds(1_700_000_000_000), "1700000000");
        assert_eq!(seconds(1_700_000_000_050), "1700000000.050");
        assert_eq!(duration(15_000), "15s");
        assert_eq!(duration(1_500), "1500ms");
    }
}
