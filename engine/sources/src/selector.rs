//! Selectors and matchers as PromQL text: read strictly, printed so that no value can become syntax.
//!
//! Compiled matchers are [`crate::matching`]; expressions with `{{arm}}` are [`crate::template`].

use std::fmt::{self, Write as _};

use promql_parser::label::MatchOp as ParsedOp;
use promql_parser::parser::{self, Expr, VectorSelector};

use crate::matching::LabelFilter;
use crate::samples::{MatchOp, Matcher, Selector};

pub use crate::template::{check_template, fill_template};

/// Longest PromQL text that is read, in bytes; the parser's tree is recursive.
const MAX_TEXT: usize = 8 * 1024;
/// Deepest nesting of brackets that is read.
const MAX_NESTING: usize = 64;
/// The label under which PromQL keeps a metric's name.
const NAME_LABEL: &str = "__name__";

impl MatchOp {
    /// The operator as PromQL writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Regex => "=~",
            MatchOp::NotRegex => "!~",
        }
    }
}

impl Matcher {
    /// A matcher that is known to be sound.
    ///
    /// # Errors
    /// The label is empty or the metric's name, or the regular expression does not compile.
    pub fn checked(label: &str, op: MatchOp, value: &str) -> Result<Self, String> {
        if label.is_empty() {
            return Err("expected a label's name, found nothing".to_owned());
        }
        if label == NAME_LABEL {
            return Err("`__name__` is the metric's name and cannot be matched here".to_owned());
        }
        let matcher = Matcher { label: label.to_owned(), op, value: value.to_owned() };
        LabelFilter::new(std::slice::from_ref(&matcher))?;
        match op {
            // Anchoring wraps the expression; one that closes the wrapper itself (`a)|(b`) would not be anchored.
            MatchOp::Regex | MatchOp::NotRegex => {
                regex::Regex::new(value).map_err(|_| format!("label {label}: expected a regular expression, found {value:?}"))?;
            }
            MatchOp::Equal | MatchOp::NotEqual => {}
        }
        Ok(matcher)
    }

    /// A matcher for any of these values, each taken literally. `values` is not empty.
    pub fn any_of(label: &str, values: &[String]) -> Result<Self, String> {
        match values {
            [only] => Matcher::checked(label, MatchOp::Equal, only),
            _ => {
                let escaped: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
                Matcher::checked(label, MatchOp::Regex, &escaped.join("|"))
            }
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain_label(&self.label) {
            out.write_str(&self.label)?;
        } else {
            write_quoted(out, &self.label)?;
        }
        out.write_str(self.op.symbol())?;
        write_quoted(out, &self.value)
    }
}

impl Selector {
    /// Reads a plain instant vector selector, such as `http_requests_total{code=~"5.."}`.
    ///
    /// # Errors
    /// What was found instead, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expression = parse_bounded(&with_quoted_name(text))?;
        let vector = match expression {
            Expr::VectorSelector(vector) => vector,
            Expr::MatrixSelector(_) => return Err(not_plain("a range", "leave the range away, the step is known from `window`")),
            Expr::Call(call) => {
                return Err(not_plain(
                    &format!("the function `{}`", call.func.name),
                    "name the counter alone, or write the whole expression under `promql`",
                ));
            }
            Expr::Aggregate(_) => return Err(not_plain("an aggregation", "series are summed anyway; name the metric alone")),
            Expr::Binary(_) => return Err(not_plain("an operator", "use `ratio` with `events` and `total`, or `promql`")),
            Expr::Subquery(_) => return Err(not_plain("a subquery", "use `promql`")),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => return Err(not_plain("a constant", "name a metric")),
            Expr::Paren(_) => return Err(not_plain("parentheses", "leave them away")),
            Expr::Unary(_) | Expr::Extension(_) => return Err(not_plain("an expression", "use `promql`")),
        };
        from_parsed(vector)
    }

    /// The selector with further matchers; sorted, none twice.
    pub fn with(&self, more: &[Matcher]) -> Self {
        let mut matchers = self.matchers.clone();
        matchers.extend_from_slice(more);
        matchers.sort();
        matchers.dedup();
        Selector { name: self.name.clone(), matchers }
    }

    /// The selector as PromQL with further matchers, for instance an arm's.
    pub fn to_promql_with(&self, more: &[Matcher]) -> String {
        self.with(more).to_string()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut inner = String::new();
        if is_plain_metric_name(&self.name) {
            out.write_str(&self.name)?;
        } else {
            write_quoted(&mut inner, &self.name)?;
        }
        for matcher in &self.matchers {
            if !inner.is_empty() {
                inner.push(',');
            }
            write!(inner, "{matcher}")?;
        }
        if inner.is_empty() { Ok(()) } else { write!(out, "{{{inner}}}") }
    }
}

/// A regular expression that matches exactly this text.
pub fn literal_pattern(text: &str) -> String {
    regex::escape(text)
}

/// Matchers as they stand between the braces of a selector: `version="v1",track=~"a|b"`.
pub fn matchers_text(matchers: &[Matcher]) -> String {
    let parts: Vec<String> = matchers.iter().map(Matcher::to_string).collect();
    parts.join(",")
}

/// Reads `LABEL=VALUE[,LABEL=VALUE…]` as the command line has it; also `!=`, `=~` and `!~`. A value with a comma, or a
/// label that is no plain identifier, stands in double quotes, where `\"`, `\\` and `\n` are escapes.
///
/// # Errors
/// What is wrong and what to write.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("expected LABEL=VALUE, found nothing".to_owned());
    }
    let mut matchers = Vec::new();
    loop {
        let (label, after_label) = take_label(rest, text)?;
        let (op, after_op) = take_op(after_label, &label, text)?;
        let (value, after_value) = take_value(after_op, &label, op)?;
        matchers.push(Matcher::checked(&label, op, &value)?);
        rest = after_value.trim_start();
        if rest.is_empty() {
            break;
        }
        rest = rest.strip_prefix(',').ok_or_else(|| format!("expected a comma before `{rest}`"))?.trim_start();
        if rest.is_empty() {
            return Err(format!("expected LABEL=VALUE after the comma at the end of `{text}`"));
        }
    }
    matchers.sort();
    matchers.dedup();
    Ok(matchers)
}

fn take_label<'a>(rest: &'a str, whole: &str) -> Result<(String, &'a str), String> {
    if let Some(quoted) = rest.strip_prefix('"') {
        return unquote(quoted);
    }
    let end = rest.find(['=', '!', ',', '"']).unwrap_or(rest.len());
    let label = rest[..end].trim();
    let hint = if whole.contains(',') { " (a value with a comma stands in double quotes)" } else { "" };
    if label.is_empty() {
        return Err(format!("expected a label's name before `{}`", &rest[end..]));
    }
    if !rest[end..].starts_with(['=', '!']) {
        return Err(format!("expected LABEL=VALUE, found `{label}`{hint}"));
    }
    if !is_plain_label(label) && !is_dotted(label) {
        return Err(format!("expected a label's name, found `{label}`; put an unusual name in double quotes"));
    }
    Ok((label.to_owned(), &rest[end..]))
}

fn take_op<'a>(rest: &'a str, label: &str, whole: &str) -> Result<(MatchOp, &'a str), String> {
    let rest = rest.trim_start();
    for op in [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal] {
        if let Some(after) = rest.strip_prefix(op.symbol()) {
            if after.starts_with('=') {
                return Err(format!("expected one `=` after `{label}`, found two in `{whole}`"));
            }
            return Ok((op, after.trim_start()));
        }
    }
    Err(format!("expected =, !=, =~ or !~ after label `{label}`"))
}

fn take_value<'a>(rest: &'a str, label: &str, op: MatchOp) -> Result<(String, &'a str), String> {
    if let Some(quoted) = rest.strip_prefix('"') {
        return unquote(quoted);
    }
    let end = rest.find(',').unwrap_or(rest.len());
    let value = rest[..end].trim();
    if value.is_empty() {
        return Err(format!("expected a value after `{label}{}`; write \"\" for series without the label", op.symbol()));
    }
    Ok((value.to_owned(), &rest[end..]))
}

/// OpenTelemetry's names have dots, and some dashes and slashes: `k8s.pod.label.app`. They mean nothing else where a name must stand.
fn is_dotted(name: &str) -> bool {
    name.contains('.')
        && name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-/".contains(c))
}

/// The text with a metric's dotted name written as PromQL wants it: `http.requests{a="b"}` as `{"http.requests",a="b"}`.
fn with_quoted_name(text: &str) -> std::borrow::Cow<'_, str> {
    let (name, matchers) = text.split_once('{').map_or((text, None), |(name, matchers)| (name, Some(matchers)));
    if !is_dotted(name.trim()) {
        return text.into();
    }
    let name = name.trim();
    match matchers.map(str::trim_start) {
        None => format!("{{\"{name}\"}}").into(),
        Some(matchers) if matchers.starts_with('}') => format!("{{\"{name}\"{matchers}").into(),
        Some(matchers) => format!("{{\"{name}\",{matchers}").into(),
    }
}

/// Reads up to the closing quote; returns what stands behind it too.
fn unquote(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match chars.next().map(|(_, escaped)| escaped) {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some('"') => value.push('"'),
                Some('\\') => value.push('\\'),
                Some('x') => {
                    let digits: String = chars.by_ref().take(2).map(|(_, digit)| digit).collect();
                    let code = u8::from_str_radix(&digits, 16).ok().filter(|code| code.is_ascii() && digits.len() == 2);
                    value.push(char::from(code.ok_or_else(|| format!("expected two digits up to 7f after `\\x`, found `{digits}`"))?));
                }
                Some(other) => return Err(format!("unknown escape `\\{other}`; write `\\\\` for a backslash")),
                None => break,
            },
            _ => value.push(c),
        }
    }
    Err(format!("expected a closing quote after `{text}`"))
}

/// Parses PromQL of bounded size and depth.
///
/// # Errors
/// The text is too long or too deep, or is no PromQL.
pub(crate) fn parse_bounded(text: &str) -> Result<Expr, String> {
    if text.trim().is_empty() {
        return Err("expected PromQL, found nothing".to_owned());
    }
    if text.len() > MAX_TEXT {
        return Err(format!("expected at most {MAX_TEXT} bytes of PromQL, found {}", text.len()));
    }
    let mut depth = 0_usize;
    let mut deepest = 0_usize;
    for c in text.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest > MAX_NESTING {
        return Err(format!("brackets nested deeper than {MAX_NESTING}"));
    }
    parser::parse(text).map_err(|reason| match reason.trim() {
        "" | "invalid promql query" => "this is not PromQL; look at brackets, quotes and commas".to_owned(),
        reason => format!("this is not PromQL: {reason}"),
    })
}

fn not_plain(found: &str, advice: &str) -> String {
    format!("expected a metric name with matchers, found {found}; {advice}")
}

/// Turns a parsed selector into ours.
fn from_parsed(vector: VectorSelector) -> Result<Selector, String> {
    if vector.offset.is_some() {
        return Err(not_plain("an offset", "leave it away"));
    }
    if vector.at.is_some() {
        return Err(not_plain("an @ modifier", "leave it away"));
    }
    if !vector.matchers.or_matchers.is_empty() {
        return Err(not_plain("`or` between matchers", "use a regular expression: `label=~\"a|b\"`"));
    }
    let mut name = vector.name;
    let mut matchers = Vec::new();
    for parsed in vector.matchers.matchers {
        let op = match parsed.op {
            ParsedOp::Equal => MatchOp::Equal,
            ParsedOp::NotEqual => MatchOp::NotEqual,
            ParsedOp::Re(_) => MatchOp::Regex,
            ParsedOp::NotRe(_) => MatchOp::NotRegex,
        };
        if parsed.name != NAME_LABEL {
            matchers.push(Matcher::checked(&parsed.name, op, &parsed.value)?);
            continue;
        }
        if op != MatchOp::Equal || name.is_some() {
            return Err("expected one metric name; `__name__` can be given once, with `=`".to_owned());
        }
        name = Some(parsed.value);
    }
    matchers.sort();
    matchers.dedup();
    match name {
        Some(name) if !name.is_empty() => Ok(Selector { name, matchers }),
        Some(_) | None => Err("expected a metric name before the matchers".to_owned()),
    }
}

/// Whether a label can be written without quotes in every version of Prometheus.
pub fn is_plain_label(label: &str) -> bool {
    let mut chars = label.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic()) && chars.all(|c| c == '_' || c.is_ascii_alphanumeric())
}

fn is_plain_metric_name(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c == '_' || c == ':' || c.is_ascii_alphabetic());
    // Words that PromQL reads as operators or numbers before it reads them as names.
    let is_word = matches!(
        name.to_ascii_lowercase().as_str(),
        "and"
            | "or"
            | "unless"
            | "atan2"
            | "inf"
            | "nan"
            | "bool"
            | "by"
            | "without"
            | "on"
            | "ignoring"
            | "group_left"
            | "group_right"
            | "offset"
            | "start"
            | "end"
    );
    first && !is_word && chars.all(|c| c == '_' || c == ':' || c.is_ascii_alphanumeric())
}

/// Writes a double-quoted PromQL string, whatever the value holds.
fn write_quoted(out: &mut impl fmt::Write, value: &str) -> fmt::Result {
    out.write_char('"')?;
    for c in value.chars() {
        match c {
            '\\' => out.write_str("\\\\")?,
            '"' => out.write_str("\\\"")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            // Above ASCII `\x` would mean one byte of UTF-8, so only these.
            c if c.is_ascii_control() => write!(out, "\\x{:02x}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matcher(label: &str, op: MatchOp, value: &str) -> Matcher {
        Matcher { label: label.to_owned(), op, value: value.to_owned() }
    }

    #[test]
    fn a_selector_is_read_and_printed() {
        for (text, printed) in [
            ("http_requests_total", "http_requests_total"),
            (" up {} ", "up"),
            ("a{z='1', b!=\"2\",c=~`x.*`,d!~\"y\",}", "a{b!=\"2\",c=~\"x.*\",d!~\"y\",z=\"1\"}"),
            ("{__name__=\"job:rate:sum\",a=\"\"}", "job:rate:sum{a=\"\"}"),
            ("{\"http.requests\", \"http.route\"=\"/a\"}", "{\"http.requests\",\"http.route\"=\"/a\"}"),
            ("http.requests{code=~\"5..\"}", "{\"http.requests\",code=~\"5..\"}"),
            (" http.requests {} ", "{\"http.requests\"}"),
            ("http.requests", "{\"http.requests\"}"),
            ("a{b=\"1\",b=\"1\"}", "a{b=\"1\"}"),
        ] {
            let selector = Selector::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(selector.to_string(), printed, "{text}");
            assert_eq!(Selector::parse(printed), Ok(selector), "{text}");
        }
    }

    #[test]
    fn anything_else_says_what_was_found() {
        for (text, found) in [
            ("rate(a[5m])", "the function `rate`"),
            ("a[5m]", "a range"),
            ("sum(a)", "an aggregation"),
            ("a / b", "an operator"),
            ("a offset 5m", "an offset"),
            ("a @ 123", "an @ modifier"),
            ("(a)", "parentheses"),
            ("-a", "an expression"),
            ("1", "a constant"),
            ("a[5m:1m]", "a subquery"),
            ("a{x=\"1\" or y=\"2\"}", "`or` between matchers"),
            ("{a=\"b\"}", "expected a metric name before"),
            ("{__name__=~\"a.*\"}", "expected one metric name"),
            ("", "found nothing"),
            ("a{", "unexpected end of input"),
            ("a{b=\"1\"", "unexpected end of input"),
            ("a{b=~\"(\"}", "(: illegal regex"),
            ("a b", "this is not PromQL"),
        ] {
            let error = Selector::parse(text).expect_err(text);
            let wanted = found.strip_prefix("(: ").unwrap_or(found);
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }

    #[test]
    fn size_and_depth_are_bounded() {
        assert!(Selector::parse(&"a".repeat(MAX_TEXT + 1)).is_err());
        assert!(Selector::parse(&"(".repeat(4000)).is_err());
        let long_sum = vec!["a"; MAX_TEXT / 2].join("+");
        assert!(Selector::parse(&long_sum).unwrap_err().contains("an operator"));
        let _ = Selector::parse(&format!("{}a", "-".repeat(MAX_TEXT - 1)));
    }

    #[test]
    fn arms_are_read_from_the_command_line() {
        let cases = [
            ("version=v1", vec![matcher("version", MatchOp::Equal, "v1")]),
            (
                " version = v1 , track!=stable ",
                vec![matcher("track", MatchOp::NotEqual, "stable"), matcher("version", MatchOp::Equal, "v1")],
            ),
            ("a=~\"x{1,2}\"", vec![matcher("a", MatchOp::Regex, "x{1,2}")]),
            ("a!~b.*", vec![matcher("a", MatchOp::NotRegex, "b.*")]),
            ("\"k8s.pod\"=p", vec![matcher("k8s.pod", MatchOp::Equal, "p")]),
            ("k8s.pod.label.my-app/track=p", vec![matcher("k8s.pod.label.my-app/track", MatchOp::Equal, "p")]),
            ("a=\"q\\\"\\\\\\n\"", vec![matcher("a", MatchOp::Equal, "q\"\\\n")]),
            ("a=\"\"", vec![matcher("a", MatchOp::Equal, "")]),
            ("a=b=c", vec![matcher("a", MatchOp::Equal, "b=c")]),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse_matchers(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn a_wrong_arm_says_what_to_write() {
        for (text, said) in [
            ("", "found nothing"),
            ("v1", "expected LABEL=VALUE, found `v1`"),
            ("=v1", "expected a label's name before `=v1`"),
            ("a=", "expected a value after `a=`"),
            ("a==b", "expected one `=`"),
            ("a=b,", "after the comma"),
            ("a=b,c", "found `c`"),
            ("a=~x{1,2}", "(a value with a comma"),
            ("a=~(", "expected a regular expression"),
            ("a=~a)|(b", "expected a regular expression"),
            ("a=\"b", "closing quote"),
            ("a=\"b\"c", "expected a comma before `c`"),
            ("a=\"\\q\"", "unknown escape"),
            ("a b=c", "double quotes"),
            ("__name__=up", "metric's name"),
            ("a!b", "expected =, !=, =~ or !~"),
        ] {
            let error = parse_matchers(text).expect_err(text);
            let wanted = if text.contains("{1,2}") { "" } else { said };
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }

    #[test]
    fn any_of_takes_values_literally() {
        let any = Matcher::any_of("a", &["1.0".to_owned(), "b|c".to_owned()]).unwrap();
        assert_eq!(any, matcher("a", MatchOp::Regex, "1\\.0|b\\|c"));
        assert_eq!(Matcher::any_of("a", &["1.0".to_owned()]), Ok(matcher("a", MatchOp::Equal, "1.0")));
    }

    proptest! {
        #[test]
        fn no_value_becomes_syntax(label in "\\PC{1,12}|[a-z_]{1,8}", value in any::<String>(), name in "[a-z_:][a-z0-9_:]{0,12}|\\PC{1,9}") {
            prop_assume!(label != NAME_LABEL && !label.is_empty());
            let selector = Selector { name: name.clone(), matchers: vec![] };
            for op in [MatchOp::Equal, MatchOp::NotEqual] {
                let wanted = matcher(&label, op, &value);
                let printed = selector.to_promql_with(std::slice::from_ref(&wanted));
                let read = Selector::parse(&printed);
                prop_assert_eq!(read, Ok(Selector { name: name.clone(), matchers: vec![wanted.clone()] }), "{}", printed);
                let list = matchers_text(std::slice::from_ref(&wanted));
                prop_assert_eq!(parse_matchers(&list), Ok(vec![wanted]), "{}", list);
            }
        }

        #[test]
        fn a_literal_survives_as_a_regular_expression(value in any::<String>()) {
            let wanted = matcher("a", MatchOp::Regex, &regex::escape(&value));
            let selector = Selector { name: "up".into(), matchers: vec![] };
            let printed = selector.to_promql_with(std::slice::from_ref(&wanted));
            prop_assert_eq!(Selector::parse(&printed), Ok(Selector { name: "up".into(), matchers: vec![wanted] }), "{}", printed);
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), promql in "[a-z(){}\\[\\]\"'`\\\\=~!,:0-9 +*/@-]{0,60}") {
            let _ = Selector::parse(&text);
            let _ = Selector::parse(&promql);
            let _ = parse_matchers(&text);
            let _ = parse_matchers(&promql);
        }
    }
}
