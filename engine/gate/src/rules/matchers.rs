//! Label matchers in rules (`arms`, `where`, `history.from`): `{ label: value }`.
//!
//! A value is taken literally, a list means any of its values, and `=~`, `!=` or `!~` in front make it a regular
//! expression or a negation; `=` in front of a value that itself begins so takes it literally. The operator is read
//! before variables are filled, so a variable is always a value. A text `a="b",c=~"d"` is understood too.

use davy_sources::samples::{MatchOp, Matcher};
use davy_sources::selector::parse_matchers;

use crate::rules::decode::Decoder;
use crate::rules::source_text::Span;
use crate::rules::yaml::{Node, Value};

/// Reads matchers; sorted, none twice. None when something is wrong, which was noted.
pub fn decode_matchers(decoder: &mut Decoder<'_>, node: &Node, what: &str) -> Option<Vec<Matcher>> {
    let mut matchers = match &node.value {
        Value::Mapping(entries) => {
            let mut found = Vec::new();
            for entry in entries {
                let matcher = decode_one(decoder, &entry.key, &entry.value, what).and_then(|raw| checked(decoder, entry.value.span, raw));
                found.extend(matcher);
            }
            if found.len() < entries.len() {
                return None;
            }
            found
        }
        Value::Scalar { text, .. } => decode_text(decoder, node.span, text, what)?,
        Value::Null | Value::Sequence(_) => {
            let help = "write `{ label: value }`";
            decoder.error(node.span, format!("expected label matchers for {what}, found {}", node.describe()), help);
            return None;
        }
    };
    matchers.sort();
    matchers.dedup();
    if matchers.is_empty() {
        decoder.error(node.span, format!("expected at least one label for {what}, found none"), "write `{ label: value }`");
        return None;
    }
    Some(matchers)
}

struct Raw {
    label: String,
    op: MatchOp,
    values: Vec<String>,
}

fn checked(decoder: &mut Decoder<'_>, span: Span, raw: Raw) -> Option<Matcher> {
    let outcome = match raw.values.as_slice() {
        [only] => Matcher::checked(&raw.label, raw.op, only),
        many => Matcher::any_of(&raw.label, many),
    };
    match outcome {
        Ok(matcher) => Some(matcher),
        Err(message) => {
            decoder.error(span, message, "");
            None
        }
    }
}

fn decode_one(decoder: &mut Decoder<'_>, label: &str, node: &Node, what: &str) -> Option<Raw> {
    match &node.value {
        Value::Scalar { text, .. } => {
            let (op, rest) = operator(text);
            let filled = match op {
                MatchOp::Equal | MatchOp::NotEqual => decoder.variables.fill_text(rest),
                MatchOp::Regex | MatchOp::NotRegex => decoder.variables.fill_pattern(rest),
            };
            let value = decoder.filled(node.span, filled)?;
            Some(Raw { label: label.to_owned(), op, values: vec![value] })
        }
        Value::Sequence(items) if !items.is_empty() => {
            let mut values = Vec::new();
            for item in items {
                let raw = decoder.raw(item, &format!("a value of label `{label}`"))?;
                if operator(raw).0 != MatchOp::Equal {
                    let help = "write one regular expression in place of the list: `\"=~a|b\"`";
                    decoder.error(
                        item.span,
                        format!("expected a plain value in the list of label `{label}`, found {}", item.describe()),
                        help,
                    );
                    return None;
                }
                let filled = decoder.variables.fill_text(operator(raw).1);
                values.push(decoder.filled(item.span, filled)?);
            }
            Some(Raw { label: label.to_owned(), op: MatchOp::Equal, values })
        }
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => {
            let help =
                "write a value, `\"=~regex\"`, `\"!=value\"`, `\"!~regex\"`, a list of values, or `\"\"` for series without the label";
            decoder.error(node.span, format!("expected a value for label `{label}` in {what}, found {}", node.describe()), help);
            None
        }
    }
}

/// Splits the operator from a value.
fn operator(text: &str) -> (MatchOp, &str) {
    for op in [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal] {
        if let Some(rest) = text.strip_prefix(op.symbol()) {
            return (op, rest);
        }
    }
    (MatchOp::Equal, text)
}

fn decode_text(decoder: &mut Decoder<'_>, span: Span, text: &str, what: &str) -> Option<Vec<Matcher>> {
    if text.contains("{{") {
        let message = format!("a variable in the text form of {what}");
        decoder.error(span, message, "write a mapping: `{ version: \"{{ name }}\" }`");
        return None;
    }
    match parse_matchers(text) {
        Ok(matchers) => Some(matchers),
        Err(message) => {
            decoder.error(span, format!("{what}: {message}"), "write `{ label: value }`");
            None
        }
    }
}
