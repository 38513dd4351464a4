//! From tree to values, collecting every mistake on the way. Knows YAML values and units, not what the keys mean.

use crate::rules::diagnostic::Diagnostic;
use crate::rules::quantity::{self, Quantity, duration_text};
use crate::rules::source_text::{Span, Texts};
use crate::rules::suggest::{nearest, one_of, synonym};
use crate::rules::variables::{VariableError, Variables};
use crate::rules::yaml::{Node, Value};

/// Reads values and collects mistakes.
pub struct Decoder<'a> {
    /// Where the tree came from.
    pub texts: &'a Texts,
    /// What fills `{{ name }}`.
    pub variables: Variables<'a>,
    /// Part of what the file extends could not be read, so what is missing here may stand there.
    pub is_partial: bool,
    /// Errors and warnings found so far.
    pub diagnostics: Vec<Diagnostic>,
}

/// A mapping whose keys were checked.
#[derive(Clone, Copy)]
pub struct Fields<'n> {
    node: &'n Node,
}

impl<'n> Fields<'n> {
    /// The value of a key, where it was written.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.node.get(key)
    }

    /// The whole mapping's place.
    pub fn span(&self) -> Span {
        self.node.span
    }

    /// The place of a key, else of the mapping.
    pub fn key_span(&self, key: &str) -> Span {
        match &self.node.value {
            Value::Mapping(entries) => entries.iter().find(|entry| entry.key == key).map_or(self.node.span, |entry| entry.key_span),
            Value::Null | Value::Scalar { .. } | Value::Sequence(_) => self.node.span,
        }
    }
}

impl Decoder<'_> {
    /// Notes an error.
    pub fn error(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        let help = Some(help.into()).filter(|help: &String| !help.is_empty());
        self.diagnostics.push(self.texts.error(span, message, help));
    }

    /// Notes a warning.
    pub fn warn(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        let help = Some(help.into()).filter(|help: &String| !help.is_empty());
        self.diagnostics.push(self.texts.warning(span, message, help));
    }

    /// A mapping with no other keys than these. Unknown keys are noted; the others can be read nevertheless.
    pub fn mapping<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Fields<'n>> {
        let Value::Mapping(entries) = &node.value else {
            self.error(
                node.span,
                format!("expected a mapping for {what}, found {}", node.describe()),
                format!("its keys: {}", known.join(", ")),
            );
            return None;
        };
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let meant = nearest(&entry.key, known.iter().copied()).or_else(|| synonym(&entry.key, known));
                let guess = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
                let message = format!("unknown key `{}` in {what}", crate::rules::yaml::shorten(&entry.key));
                self.error(entry.key_span, message, format!("{guess}valid keys: {}", known.join(", ")));
            }
        }
        Some(Fields { node })
    }

    /// A list.
    pub fn sequence<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        let Value::Sequence(items) = &node.value else {
            self.error(node.span, format!("expected a list for {what}, found {}", node.describe()), "write `[…]`, or one `- …` a line");
            return None;
        };
        Some(items)
    }

    /// The text of a scalar, variables not yet filled.
    pub fn raw<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let Value::Scalar { text, .. } = &node.value else {
            let is_braces = matches!(&node.value, Value::Mapping(entries) if entries.iter().all(|entry| entry.key.is_empty()));
            let help = if is_braces { "a variable stands in quotes: `\"{{ name }}\"`" } else { "" };
            self.error(node.span, format!("expected {what}, found {}", node.describe()), help);
            return None;
        };
        Some(text)
    }

    /// The text of a scalar, variables filled.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let raw = self.raw(node, what)?;
        let filled = self.variables.fill_text(raw);
        self.filled(node.span, filled)
    }

    /// Notes what is wrong with a scalar's variables.
    pub fn filled(&mut self, span: Span, outcome: Result<String, Vec<VariableError>>) -> Option<String> {
        match outcome {
            Ok(text) => Some(text),
            Err(errors) => {
                for error in errors {
                    self.error(span, error.message, error.help);
                }
                None
            }
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, node: &Node, what: &str, choices: &[(&'static str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let text = self.text(node, &format!("{} for {what}", one_of(&words)))?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let guess = nearest(&text, words.iter().copied()).or_else(|| synonym(&text, &words));
        let help = guess.map(|meant| format!("did you mean `{meant}`?")).unwrap_or_default();
        self.error(node.span, format!("expected {} for {what}, found {}", one_of(&words), node.describe()), help);
        None
    }

    /// `true` or `false`, without quotes.
    pub fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        match &node.value {
            Value::Scalar { text, is_plain: true } if text == "true" => Some(true),
            Value::Scalar { text, is_plain: true } if text == "false" => Some(false),
            Value::Null | Value::Scalar { .. } | Value::Sequence(_) | Value::Mapping(_) => {
                let help = match &node.value {
                    Value::Scalar { text, .. } => match text.to_lowercase().as_str() {
                        "yes" | "on" | "true" | "y" => "write `true`, without quotes",
                        "no" | "off" | "false" | "n" | "none" => "write `false`, without quotes",
                        _ => "",
                    },
                    Value::Null | Value::Sequence(_) | Value::Mapping(_) => "",
                };
                self.error(node.span, format!("expected true or false for {what}, found {}", node.describe()), help);
                None
            }
        }
    }

    /// A number with its unit. `example` is shown when it is not understood.
    pub fn quantity(&mut self, node: &Node, what: &str, example: &str) -> Option<Quantity> {
        let text = self.text(node, &format!("a value for {what}"))?;
        match quantity::parse(&text) {
            Ok(quantity) => Some(quantity),
            Err(message) => {
                self.error(node.span, format!("{what}: {message}"), format!("write it like {example}"));
                None
            }
        }
    }

    /// A bare number.
    pub fn number(&mut self, node: &Node, what: &str, example: &str) -> Option<f64> {
        match self.quantity(node, what, example)? {
            Quantity::Plain(number) => Some(number),
            Quantity::Percent(_) | Quantity::PercentagePoints(_) | Quantity::Seconds(_) => {
                self.error(node.span, format!("expected a bare number for {what}, found {}", node.describe()), "leave the unit away");
                None
            }
        }
    }

    /// A whole number within bounds.
    pub fn count(&mut self, node: &Node, what: &str, least: u64, most: u64) -> Option<u64> {
        let number = self.number(node, what, "`10`")?;
        #[expect(clippy::cast_precision_loss, reason = "bounds are small constants")]
        let is_within = number >= least as f64 && number <= most as f64;
        if number.fract() != 0.0 || !is_within {
            self.error(node.span, format!("expected a whole number from {least} to {most} for {what}, found {}", node.describe()), "");
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        Some(number as u64)
    }

    /// A duration in whole milliseconds within bounds.
    pub fn duration_ms(&mut self, node: &Node, what: &str, least_ms: i64, most_ms: i64) -> Option<i64> {
        let seconds = match self.quantity(node, what, "`90s` or `1h30m`")? {
            Quantity::Seconds(seconds) => seconds,
            Quantity::Plain(number) => {
                let help = format!("write `{number}s` or `{number}m`");
                self.error(node.span, format!("expected a duration with a unit for {what}, found {}", node.describe()), help);
                return None;
            }
            Quantity::Percent(_) | Quantity::PercentagePoints(_) => {
                self.error(
                    node.span,
                    format!("expected a duration for {what}, found {}", node.describe()),
                    "write it like `90s` or `1h30m`",
                );
                return None;
            }
        };
        let milliseconds = seconds * 1000.0;
        #[expect(clippy::cast_precision_loss, reason = "bounds are small constants")]
        let is_within = milliseconds >= least_ms as f64 && milliseconds <= most_ms as f64;
        if !is_within {
            let bounds = format!("from {} to {}", duration_text(least_ms), duration_text(most_ms));
            self.error(node.span, format!("expected {bounds} for {what}, found {}", node.describe()), "");
            return None;
        }
        let rounded = milliseconds.round();
        if (milliseconds - rounded).abs() > 1e-6 {
            self.error(node.span, format!("expected whole milliseconds for {what}, found {}", node.describe()), "");
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        Some(rounded as i64)
    }

    /// A share in percent, above 0 and at most `most` (0..=1).
    pub fn share(&mut self, node: &Node, what: &str, most: f64) -> Option<f64> {
        let share = match self.quantity(node, what, "`1%`")? {
            Quantity::Percent(share) => share,
            Quantity::Plain(number) => {
                let percent = if number <= 1.0 { quantity::number_text(number * 100.0) } else { quantity::number_text(number) };
                let message = format!("expected percent for {what}, found the bare number {}", node.describe());
                self.error(node.span, message, format!("write `{percent}%`"));
                return None;
            }
            Quantity::PercentagePoints(_) | Quantity::Seconds(_) => {
                self.error(node.span, format!("expected percent for {what}, found {}", node.describe()), "write it like `1%`");
                return None;
            }
        };
        if !(share > 0.0 && share <= most) {
            let most = quantity::number_text(most * 100.0);
            self.error(node.span, format!("expected more than 0% and at most {most}% for {what}, found {}", node.describe()), "");
            return None;
        }
        Some(share)
    }
}
