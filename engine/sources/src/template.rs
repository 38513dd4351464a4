//! PromQL expressions with places to fill: `{{arm}}` for label matchers and `{{step}}` for the windows' length.

use promql_parser::label::Matchers;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use crate::samples::{MatchOp, Matcher};
use crate::selector::{matchers_text, parse_bounded};

/// A label that no server has; it marks the selectors that `{{arm}}` stands in.
const PROBE: &str = "davy_arm_probe";

/// What an expression with places to fill holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateShape {
    /// Names of the metrics whose selectors are not told apart by arm.
    pub without_arm: Vec<String>,
}

/// Fills `{{arm}}` with matchers and `{{step}}` with a duration. What is filled in is never searched again, so no label
/// value can become a place to fill.
pub fn fill_template(promql: &str, matchers: &[Matcher], step_ms: i64) -> String {
    let mut filled = String::with_capacity(promql.len() + 32);
    let mut rest = promql;
    while let Some(open) = rest.find("{{") {
        let (before, from_open) = rest.split_at(open);
        filled.push_str(before);
        let place = from_open.find("}}").map(|close| (from_open[2..close].trim(), &from_open[close + 2..]));
        rest = match place {
            Some(("arm", after)) => {
                filled.push_str(&matchers_text(matchers));
                after
            }
            Some(("step", after)) => {
                filled.push_str(&duration_text(step_ms));
                after
            }
            Some(_) | None => {
                filled.push('{');
                &from_open[1..]
            }
        };
    }
    filled.push_str(rest);
    filled
}

/// Checks that an expression with places to fill is PromQL, yields a vector, and holds `{{arm}}` inside a selector.
///
/// # Errors
/// What is wrong and what to write.
pub fn check_template(promql: &str) -> Result<TemplateShape, String> {
    let probe = Matcher { label: PROBE.to_owned(), op: MatchOp::Equal, value: "x".to_owned() };
    let filled = fill_template(promql, &[probe], 60_000);
    if is_arm_in_string(promql) {
        return Err("`{{arm}}` belongs between the braces of a selector, not into a string".to_owned());
    }
    let expression = parse_bounded(&filled)?;
    match expression.value_type() {
        ValueType::Vector => {}
        ValueType::Matrix => return Err("expected one value per window, found a range; wrap it, for instance in `rate(…)`".to_owned()),
        ValueType::Scalar => return Err("expected a vector, found a scalar; leave `scalar(…)` away".to_owned()),
        ValueType::String => return Err("expected a vector, found a string".to_owned()),
    }
    let mut selectors = Selectors { with_arm: 0, without_arm: Vec::new() };
    let Ok(_) = walk_expr(&mut selectors, &expression);
    if selectors.with_arm == 0 {
        return Err(
            "expected `{{arm}}` among the matchers of a selector, such as `up{ {{arm}} }`: without it both arms are the same".to_owned()
        );
    }
    Ok(TemplateShape { without_arm: selectors.without_arm })
}

/// Whether `{{arm}}` stands inside quotes, where it would close them.
fn is_arm_in_string(promql: &str) -> bool {
    let mut open: Option<char> = None;
    let mut is_escaped = false;
    for (at, c) in promql.char_indices() {
        match open {
            Some(_) if is_escaped => is_escaped = false,
            Some(quote) if c == '\\' && quote != '`' => is_escaped = true,
            Some(quote) if c == quote => open = None,
            Some(_) if promql[at..].starts_with("{{") => {
                let inner = promql[at + 2..].split("}}").next().unwrap_or("");
                if inner.trim() == "arm" {
                    return true;
                }
            }
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`') => open = Some(c),
            None => {}
        }
    }
    false
}

/// A step as PromQL writes it.
fn duration_text(step_ms: i64) -> String {
    if step_ms % 1000 == 0 { format!("{}s", step_ms / 1000) } else { format!("{step_ms}ms") }
}

struct Selectors {
    with_arm: usize,
    without_arm: Vec<String>,
}

impl Selectors {
    fn see(&mut self, selector: &VectorSelector) {
        let has_probe = |matchers: &Matchers| !matchers.find_matchers(PROBE).is_empty();
        if has_probe(&selector.matchers) {
            self.with_arm += 1;
        } else {
            self.without_arm.push(selector.name.clone().unwrap_or_else(|| "{…}".to_owned()));
        }
    }
}

impl ExprVisitor for Selectors {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
        match expression {
            Expr::VectorSelector(selector) => self.see(selector),
            Expr::MatrixSelector(matrix) => self.see(&matrix.vs),
            Expr::Aggregate(_)
            | Expr::Unary(_)
            | Expr::Binary(_)
            | Expr::Paren(_)
            | Expr::Subquery(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::Call(_)
            | Expr::Extension(_) => {}
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arm(value: &str) -> Vec<Matcher> {
        vec![Matcher { label: "version".to_owned(), op: MatchOp::Equal, value: value.to_owned() }]
    }

    #[test]
    fn places_are_filled() {
        let promql = "sum(rate(cpu{job=\"a\", {{arm}} }[{{ step }}]))";
        assert_eq!(fill_template(promql, &arm("v1"), 60_000), "sum(rate(cpu{job=\"a\", version=\"v1\" }[60s]))");
        assert_eq!(fill_template("a{{{arm}}}[{{step}}]", &arm("v1"), 1_500), "a{version=\"v1\"}[1500ms]");
        assert_eq!(fill_template("a{{ other }} {{", &arm("v1"), 1_000), "a{{ other }} {{");
    }

    #[test]
    fn what_is_filled_in_is_not_searched_again() {
        assert_eq!(fill_template("a{ {{arm}} }", &arm("{{step}}{{arm}}"), 1_000), "a{ version=\"{{step}}{{arm}}\" }");
    }

    #[test]
    fn an_expression_is_checked() {
        assert_eq!(check_template("sum(rate(cpu{ {{arm}} }[{{step}}]))"), Ok(TemplateShape { without_arm: vec![] }));
        assert_eq!(
            check_template("sum(rate(a{ {{arm}} }[{{step}}])) / sum(rate(b[{{step}}]))"),
            Ok(TemplateShape { without_arm: vec!["b".to_owned()] })
        );
        for (promql, said) in [
            ("sum(cpu)", "expected `{{arm}}`"),
            ("cpu{ {{arm}} }[{{step}}]", "found a range"),
            ("scalar(cpu{ {{arm}} })", "found a scalar"),
            ("sum(cpu{ {{arm}} }", "not PromQL"),
            ("sum(cpu{a=\"{{arm}}\"})", "not into a string"),
            ("label_replace(up{ {{arm}} }, \"a\", '{{arm}}', \"b\", \"c\")", "not into a string"),
            ("", "found nothing"),
        ] {
            let error = check_template(promql).expect_err(promql);
            assert!(error.contains(said), "{promql}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_arm_adds_a_matcher(value in any::<String>()) {
            let filled = fill_template("sum(up{ {{arm}} })", &arm(&value), 60_000);
            let parsed = parse_bounded(&filled).expect("still PromQL");
            let Expr::Aggregate(sum) = parsed else { panic!("no sum: {filled}") };
            let Expr::VectorSelector(selector) = *sum.expr else { panic!("no selector: {filled}") };
            prop_assert_eq!(selector.matchers.matchers.len(), 1);
            prop_assert_eq!(&selector.matchers.matchers[0].value, &value);
        }

        #[test]
        fn any_text_is_checked_or_refused(promql in "[a-z(){}\\[\\]\"'=~,0-9 ]{0,40}|\\PC{0,40}") {
            let _ = check_template(&promql);
        }
    }
}
