//! "Did you mean": the nearest valid word to a mistyped one.

/// The choice nearest to what was written, when it is near enough to be what was meant: at most a third of its letters
/// differ (a swap of neighbours counts once), or one is the beginning of the other.
pub fn nearest<'a>(written: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase().replace('-', "_");
    // Longer than any word of ours: nothing to be found, and the table below would be large.
    if lower.is_empty() || lower.chars().count() > 64 {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for choice in choices {
        let plain = choice.to_lowercase().replace('-', "_");
        let allowed = (plain.chars().count().max(lower.chars().count()) / 3).max(1);
        let mut distance = edits(&lower, &plain);
        let is_prefix = lower.len() >= 3 && (plain.starts_with(&lower) || lower.starts_with(&plain));
        if is_prefix {
            distance = distance.min(allowed);
        }
        let is_better = best.is_none_or(|(least, _)| distance < least);
        if distance <= allowed && is_better {
            best = Some((distance, choice));
        }
    }
    best.map(|(_, choice)| choice)
}

/// Words of other tools and of everyday speech, and ours. A choice of ours that is not valid here is skipped.
const SYNONYMS: [(&str, &str); 39] = [
    ("threshold", "limit"),
    ("max", "limit"),
    ("maximum", "limit"),
    ("min", "limit"),
    ("slo", "limit"),
    ("allowed", "tolerance"),
    ("allowed_increase", "tolerance"),
    ("direction", "worse"),
    ("query", "promql"),
    ("expr", "promql"),
    ("critical", "required"),
    ("must_have_data", "required"),
    ("action", "on_breach"),
    ("on_fail", "on_breach"),
    ("severity", "on_breach"),
    ("labels", "where"),
    ("filter", "where"),
    ("selector", "where"),
    ("matchers", "where"),
    ("percentile", "quantile"),
    ("counter", "rate"),
    ("numerator", "events"),
    ("denominator", "total"),
    ("control", "baseline"),
    ("stable", "baseline"),
    ("experiment", "canary"),
    ("include", "extends"),
    ("timeout", "deadline"),
    ("interval", "step"),
    ("fail", "rollback"),
    ("abort", "rollback"),
    ("pass", "promote"),
    ("dry_run", "shadow"),
    ("dryrun", "shadow"),
    ("both", "either"),
    ("seconds", "s"),
    ("sec", "s"),
    ("milliseconds", "ms"),
    ("millis", "ms"),
];

/// The valid word for a word that other tools use.
pub fn synonym<'a>(written: &str, choices: &[&'a str]) -> Option<&'a str> {
    let lower = written.to_lowercase().replace('-', "_");
    let (_, ours) = SYNONYMS.iter().find(|(theirs, _)| *theirs == lower)?;
    choices.iter().copied().find(|choice| choice == ours)
}

/// The optimal string alignment distance.
fn edits(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let change = usize::from(left[i - 1] != right[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            let is_swap = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if is_swap {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[left.len()][right.len()]
}

/// Choices as people read them: `a, b or c`.
pub fn one_of(choices: &[&str]) -> String {
    match choices {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_slip_is_understood() {
        let choices = ["tolerance", "limit", "ignore_below", "on_breach", "where"];
        for (written, meant) in [
            ("tolerence", "tolerance"),
            ("toleranec", "tolerance"),
            ("on-breach", "on_breach"),
            ("Limit", "limit"),
            ("ignore", "ignore_below"),
            ("were", "where"),
        ] {
            assert_eq!(nearest(written, choices), Some(meant), "{written}");
        }
    }

    #[test]
    fn nothing_is_made_up() {
        let choices = ["tolerance", "limit"];
        for written in ["", "x", "threshold", &"z".repeat(1000)] {
            assert_eq!(nearest(written, choices), None, "{written}");
        }
    }
}
