//! `{{ name }}`: filled with text that the caller gives, after the YAML was read, so that no value becomes YAML, PromQL or
//! a regular expression. `{{ "{{" }}` stands for two braces.

use std::collections::BTreeMap;

use davy_sources::selector::literal_pattern;

/// What happens to a variable that nobody gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// It is a mistake.
    Refuse,
    /// It is filled with its own name, to check a file without a rollout at hand.
    NameItself,
}

/// The variables at hand.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'a> {
    /// Values by name.
    pub given: &'a BTreeMap<String, String>,
    /// What happens to others.
    pub unset: Unset,
}

/// What is wrong with a text's variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableError {
    /// One fragment.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Where a value lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    /// Plain text.
    Text,
    /// Text inside a regular expression.
    Pattern,
}

/// Variables that `promql` keeps for the source to fill.
const KEPT: [&str; 2] = ["arm", "step"];

impl Variables<'_> {
    /// Fills a plain text.
    ///
    /// # Errors
    /// Every variable that is not given.
    pub fn fill_text(&self, text: &str) -> Result<String, Vec<VariableError>> {
        self.fill_plain(text, Context::Text)
    }

    /// Fills a regular expression; values match literally.
    ///
    /// # Errors
    /// Every variable that is not given.
    pub fn fill_pattern(&self, text: &str) -> Result<String, Vec<VariableError>> {
        self.fill_plain(text, Context::Pattern)
    }

    fn fill_plain(&self, text: &str, context: Context) -> Result<String, Vec<VariableError>> {
        let mut filled = String::new();
        let mut errors = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            filled.push_str(&rest[..open]);
            let Some((inner, after)) = split_place(&rest[open..]) else {
                errors.push(unclosed());
                return Err(errors);
            };
            match self.value(inner) {
                Ok(Value::Braces) => filled.push_str("{{"),
                Ok(Value::Kept(name)) => errors.push(kept_elsewhere(name)),
                Ok(Value::Given(value)) => match context {
                    Context::Text => filled.push_str(value),
                    Context::Pattern => filled.push_str(&literal_pattern(value)),
                },
                Err(error) => errors.push(error),
            }
            rest = after;
        }
        filled.push_str(rest);
        if errors.is_empty() { Ok(filled) } else { Err(errors) }
    }

    /// Fills PromQL. Inside a string a value is escaped, inside a regular expression it matches literally, elsewhere it
    /// must be a plain word. `{{arm}}` and `{{step}}` stay where `keeps_places`, and are mistakes elsewhere.
    ///
    /// # Errors
    /// Every variable that is not given or does not fit where it stands.
    pub fn fill_promql(&self, text: &str, keeps_places: bool) -> Result<String, Vec<VariableError>> {
        let mut filled = String::new();
        let mut errors = Vec::new();
        let mut string: Option<PromqlString> = None;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let is_place = rest.starts_with("{{") && !rest.starts_with("{{{");
            if !is_place {
                step_string(&mut string, c, &filled);
                filled.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let Some((inner, after)) = split_place(rest) else {
                errors.push(unclosed());
                return Err(errors);
            };
            let whole = &rest[..rest.len() - after.len()];
            match self.value(inner) {
                Ok(Value::Kept(_)) if keeps_places => filled.push_str(whole),
                Ok(Value::Kept(name)) => errors.push(kept_elsewhere(name)),
                Ok(Value::Braces) => match string {
                    Some(PromqlString { quote: '`', .. }) | None => errors.push(VariableError {
                        message: "two braces can stand in a quoted string only".to_owned(),
                        help: "use double quotes around the label's value".to_owned(),
                    }),
                    Some(_) => filled.push_str("\\x7b\\x7b"),
                },
                Ok(Value::Given(value)) => match insert(value, string) {
                    Ok(text) => filled.push_str(&text),
                    Err(message) => errors.push(VariableError {
                        message: format!("variable `{inner}` {message}"),
                        help: "put the place into a quoted label value, or give another value".to_owned(),
                    }),
                },
                Err(error) => errors.push(error),
            }
            if let Some(string) = &mut string {
                string.is_escaped = false;
            }
            rest = after;
        }
        if errors.is_empty() { Ok(filled) } else { Err(errors) }
    }

    fn value<'v>(&'v self, inner: &'v str) -> Result<Value<'v>, VariableError> {
        if inner == "\"{{\"" {
            return Ok(Value::Braces);
        }
        let mut chars = inner.chars();
        let is_name = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if !is_name {
            return Err(VariableError {
                message: format!("expected a variable's name between `{{{{` and `}}}}`, found `{}`", crate::rules::yaml::shorten(inner)),
                help: "a name has letters, digits, `_`, `-` and `.`; two braces are written `{{ \"{{\" }}`".to_owned(),
            });
        }
        if KEPT.contains(&inner) {
            return Ok(Value::Kept(inner));
        }
        match (self.given.get(inner), self.unset) {
            (Some(value), _) => Ok(Value::Given(value)),
            (None, Unset::NameItself) => Ok(Value::Given(inner)),
            (None, Unset::Refuse) => Err(self.missing(inner)),
        }
    }

    fn missing(&self, name: &str) -> VariableError {
        let given: Vec<&str> = self.given.keys().map(String::as_str).collect();
        let help = match (crate::rules::suggest::nearest(name, given.iter().copied()), given.as_slice()) {
            (_, []) => format!("no variables are given; give it with `--var {name}=…`, or under `variables` of a request"),
            (Some(near), _) => format!("did you mean `{near}`? given are {}", given.join(", ")),
            (None, _) => format!("given are {}", given.join(", ")),
        };
        VariableError { message: format!("variable `{name}` is not given"), help }
    }
}

enum Value<'a> {
    Given(&'a str),
    Kept(&'a str),
    Braces,
}

/// A PromQL string that is open where we are.
#[derive(Debug, Clone, Copy)]
struct PromqlString {
    quote: char,
    is_pattern: bool,
    is_escaped: bool,
}

/// Follows quotes character by character. `before` is what was already written, to see which operator a string follows.
fn step_string(string: &mut Option<PromqlString>, c: char, before: &str) {
    match string {
        None if matches!(c, '"' | '\'' | '`') => {
            let operator = before.trim_end();
            let is_pattern = operator.ends_with("=~") || operator.ends_with("!~");
            *string = Some(PromqlString { quote: c, is_pattern, is_escaped: false });
        }
        None => {}
        Some(open) if open.is_escaped => open.is_escaped = false,
        Some(open) if c == '\\' && open.quote != '`' => open.is_escaped = true,
        Some(open) if c == open.quote => *string = None,
        Some(_) => {}
    }
}

/// A value as it is written into PromQL.
fn insert(value: &str, string: Option<PromqlString>) -> Result<String, String> {
    let Some(string) = string else {
        let is_word = !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.'));
        return if is_word {
            Ok(value.to_owned())
        } else {
            Err("stands outside of a string, so its value must be a plain word".to_owned())
        };
    };
    let text = if string.is_pattern { literal_pattern(value) } else { value.to_owned() };
    if string.quote == '`' {
        return if text.contains('`') || text.contains("{{") || string.is_escaped {
            Err("holds a character that cannot be written in backquotes".to_owned())
        } else {
            Ok(text)
        };
    }
    if string.is_escaped {
        return Err("stands behind a backslash".to_owned());
    }
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            c if c == string.quote => {
                escaped.push('\\');
                escaped.push(c);
            }
            // A brace could join with its neighbours to a place that is filled later.
            '{' => escaped.push_str("\\x7b"),
            c if c.is_ascii_control() => escaped.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    Ok(escaped)
}

/// Splits `{{ inner }}rest` at its end.
fn split_place(from_open: &str) -> Option<(&str, &str)> {
    let close = from_open.find("}}")?;
    Some((from_open.get(2..close)?.trim(), &from_open[close + 2..]))
}

fn unclosed() -> VariableError {
    VariableError { message: "`{{` without `}}`".to_owned(), help: "two braces that are no variable are written `{{ \"{{\" }}`".to_owned() }
}

fn kept_elsewhere(name: &str) -> VariableError {
    VariableError {
        message: format!("`{{{{{name}}}}}` can stand in `promql` only"),
        help: "elsewhere the arm's matchers and the step are added by themselves".to_owned(),
    }
}

/// A text in which no place is filled when it is read again.
pub fn escape_text(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn with(map: &BTreeMap<String, String>) -> Variables<'_> {
        Variables { given: map, unset: Unset::Refuse }
    }

    #[test]
    fn a_text_is_filled() {
        let map = given(&[("v", "1.0"), ("w", "{{ v }}")]);
        assert_eq!(with(&map).fill_text("a-{{ v }}-{{v}}"), Ok("a-1.0-1.0".to_owned()));
        assert_eq!(with(&map).fill_text("{{ w }}"), Ok("{{ v }}".to_owned()));
        assert_eq!(with(&map).fill_text("{{ \"{{\" }} v }}"), Ok("{{ v }}".to_owned()));
        assert_eq!(with(&map).fill_pattern("a.*{{ v }}"), Ok("a.*1\\.0".to_owned()));
    }

    #[test]
    fn every_missing_variable_is_named() {
        let map = given(&[("canary", "x")]);
        let errors = with(&map).fill_text("{{ canari }} {{ b }} {{ 1 }} {{ arm }} {{").unwrap_err();
        let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(messages.len(), 5, "{messages:?}");
        assert_eq!(messages[0], "variable `canari` is not given");
        assert_eq!(errors[0].help, "did you mean `canary`? given are canary");
        assert_eq!(errors[1].help, "given are canary");
        let none = given(&[]);
        assert!(with(&none).fill_text("{{ b }}").unwrap_err()[0].help.starts_with("no variables are given"));
    }

    #[test]
    fn promql_is_filled_by_where_the_place_stands() {
        let map = given(&[("v", "1.0\"},x{"), ("m", "http_requests")]);
        let variables = with(&map);
        assert_eq!(variables.fill_promql("{{ m }}_total{a=\"{{v}}\"}", false), Ok("http_requests_total{a=\"1.0\\\"},x\\x7b\"}".to_owned()));
        assert_eq!(variables.fill_promql("a{b=~'x{{ m }}.*'}", false), Ok("a{b=~'xhttp_requests.*'}".to_owned()));
        assert_eq!(variables.fill_promql("sum(a{{{arm}}}[{{ step }}])", true), Ok("sum(a{{{arm}}}[{{ step }}])".to_owned()));
        assert!(variables.fill_promql("{{ v }}", false).unwrap_err()[0].message.contains("plain word"));
        assert!(variables.fill_promql("a{b=\"{{ arm }}\"}", false).unwrap_err()[0].message.contains("`promql` only"));
        let tick = given(&[("v", "`")]);
        assert!(with(&tick).fill_promql("a{b=`{{ v }}`}", false).is_err());
    }

    proptest! {
        #[test]
        fn escaped_text_comes_back(text in "[{} \"a]{0,12}|\\PC{0,12}") {
            let none = BTreeMap::new();
            prop_assert_eq!(with(&none).fill_text(&escape_text(&text)), Ok(text));
        }

        #[test]
        fn no_value_leaves_its_string(value in any::<String>(), quote in "[\"']", op in "=|=~|!=|!~") {
            let map = given(&[("v", &value)]);
            let filled = with(&map).fill_promql(&format!("a{{b{op}{quote}{{{{ v }}}}{quote}}}"), false).unwrap();
            let selector = davy_sources::samples::Selector::parse(&filled).map_err(|error| TestCaseError::fail(format!("{filled}: {error}")))?;
            prop_assert_eq!(selector.matchers.len(), 1);
            let expected = if op.ends_with('~') { literal_pattern(&value) } else { value.clone() };
            prop_assert_eq!(&selector.matchers[0].value, &expected);
        }
    }
}
