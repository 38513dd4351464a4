//! `by`: the labels by whose values a metric is judged in slices.

use davy_judge::rule::{Kind, Tolerance};

use crate::rules::decode::{Decoder, Fields};
use crate::rules::yaml::Node;

/// More labels than this cut the traffic into slices that nobody can judge, nor read.
const MOST_LABELS: usize = 4;
/// Longest label name, in characters: it stands in every line about a slice.
const LONGEST_LABEL: usize = 80;

/// Reads `by`, a list of labels; one label may stand alone. Empty: no slices.
pub fn decode_by(decoder: &mut Decoder<'_>, fields: Fields<'_>, kind: Option<Kind>, tolerance: Option<Tolerance>) -> Vec<String> {
    let Some(node) = fields.get("by") else { return Vec::new() };
    let Some(labels) = decode_labels(decoder, node) else { return Vec::new() };
    if labels.is_empty() {
        return labels;
    }
    if kind == Some(Kind::Scalar) {
        let help = "take `by` away and aggregate by hand, or use `histogram`, `ratio` or `rate`, whose series keep their labels";
        decoder.error(fields.key_span("by"), "`by` cannot slice a `promql` expression: it yields one value per arm", help);
        return Vec::new();
    }
    if tolerance.is_none() && fields.get("tolerance").is_none() && !decoder.is_partial {
        let help = "add `tolerance`, or take `by` away: `limit` is asked of the whole metric alone";
        decoder.error(fields.key_span("by"), "`by` without `tolerance`: slices are compared with the baseline's, and nothing else", help);
    }
    labels
}

fn decode_labels(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<String>> {
    let items = decoder.sequence(node, "by")?;
    if items.len() > MOST_LABELS {
        decoder.error(items[MOST_LABELS].span, format!("expected at most {MOST_LABELS} labels for by, found {}", items.len()), "");
        return None;
    }
    let mut labels: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        let label = decoder.text(item, "a label's name for by")?;
        let length = label.chars().count();
        if length == 0 || length > LONGEST_LABEL {
            let message = format!("expected a label's name of 1 to {LONGEST_LABEL} characters for by, found {}", item.describe());
            decoder.error(item.span, message, "");
            return None;
        }
        if matches!(label.as_str(), "le" | "quantile" | "__name__") {
            let message = format!("`{label}` tells no slices apart: it is a part of the metric itself");
            decoder.error(item.span, message, "name a label such as `route`, `method` or `zone`");
            return None;
        }
        if labels.contains(&label) {
            decoder.error(item.span, format!("the label `{label}` stands twice in by"), "keep one of them");
            return None;
        }
        labels.push(label);
    }
    Some(labels)
}
