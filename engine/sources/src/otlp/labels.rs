//! Attributes as labels, and their canonical bytes.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

/// Labels under OpenTelemetry's own names.
pub(super) type Labels = BTreeMap<String, String>;

/// Adds attributes; those that come later win.
pub(super) fn add(labels: &mut Labels, attributes: &[KeyValue]) {
    for attribute in attributes.iter().filter(|attribute| !attribute.key.is_empty()) {
        labels.insert(attribute.key.clone(), text(attribute.value.as_ref()));
    }
}

/// Attributes in one order, so that the same ones are the same bytes whichever order they came in.
pub(super) fn key(attributes: &[KeyValue]) -> Vec<u8> {
    let mut sorted: Vec<&KeyValue> = attributes.iter().collect();
    // Stable: of two with one name the later wins, here as in the labels.
    sorted.sort_by(|one, other| one.key.cmp(&other.key));
    let mut bytes = Vec::with_capacity(attributes.len() * 32);
    for attribute in sorted {
        push(&mut bytes, attribute.key.as_bytes());
        match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(value)) => push(&mut bytes, value.as_bytes()),
            _ => push(&mut bytes, text(attribute.value.as_ref()).as_bytes()),
        }
    }
    bytes
}

/// Appends a piece, so that no two lists of pieces give the same bytes.
pub(super) fn push(bytes: &mut Vec<u8>, piece: &[u8]) {
    bytes.extend_from_slice(&(piece.len() as u64).to_be_bytes());
    bytes.extend_from_slice(piece);
}

/// A value as matchers see it: lists and maps as JSON, an absent value as nothing.
pub(super) fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(Value::BytesValue(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Some(Value::StringValueStrindex(index)) => format!("#{index}"),
        Some(value @ (Value::ArrayValue(_) | Value::KvlistValue(_))) => json(Some(value), 0).to_string(),
    }
}

/// Deeper than this a value is not told apart.
const DEEPEST: usize = 16;

fn json(value: Option<&Value>, depth: usize) -> serde_json::Value {
    match value {
        Some(Value::ArrayValue(list)) if depth < DEEPEST => list.values.iter().map(|value| json(value.value.as_ref(), depth + 1)).collect(),
        Some(Value::KvlistValue(list)) if depth < DEEPEST => {
            let entries = list.values.iter();
            let entries =
                entries.map(|entry| (entry.key.clone(), json(entry.value.as_ref().and_then(|value| value.value.as_ref()), depth + 1)));
            serde_json::Value::Object(entries.collect())
        }
        Some(Value::ArrayValue(_) | Value::KvlistValue(_)) => "…".into(),
        Some(value) => text(Some(&AnyValue { value: Some(value.clone()) })).into(),
        None => serde_json::Value::Null,
    }
}

/// Characters that Prometheus' names do not have become `_`, runs of them one.
pub(super) fn normalised(name: &str) -> String {
    let mut result = String::with_capacity(name.len() + 1);
    for character in name.chars() {
        let plain = if character.is_ascii_alphanumeric() || character == ':' { character } else { '_' };
        if !(plain == '_' && result.ends_with('_')) {
            result.push(plain);
        }
    }
    if result.starts_with(|first: char| first.is_ascii_digit()) {
        result.insert(0, '_');
    }
    result
}

/// The labels that a series carries on: every attribute under the name that Prometheus would give it and under those that are `asked`
/// for, with `job`, `instance`, `pod` and `container` as a scrape has them.
pub(super) fn as_series(labels: &Labels, asked: &[&str]) -> Labels {
    let mut result = Labels::new();
    for (name, value) in labels {
        let plain = normalised(name);
        match result.get_mut(&plain) {
            // As the specification says: attributes that fall together are joined.
            Some(there) => *there = format!("{there};{value}"),
            None => {
                result.insert(plain, value.clone());
            }
        }
    }
    for (label, value) in identity(labels) {
        result.entry(label.to_owned()).or_insert(value);
    }
    for name in asked {
        if let Some(value) = labels.get(*name) {
            result.insert((*name).to_owned(), value.clone());
        }
    }
    result
}

/// Who a series belongs to, by the labels that a scrape would have put on it.
fn identity(labels: &Labels) -> impl Iterator<Item = (&'static str, String)> {
    let of = |name: &str| labels.get(name).filter(|value| !value.is_empty()).cloned();
    let job = of("service.name").map(|service| of("service.namespace").map_or(service.clone(), |space| format!("{space}/{service}")));
    let pod = of("k8s.pod.name");
    let process = || of("host.name").map(|host| of("process.pid").map_or(host.clone(), |pid| format!("{host}:{pid}")));
    let instance = of("service.instance.id").or_else(|| pod.clone()).or_else(process);
    let all = [("job", job), ("instance", instance), ("pod", pod), ("container", of("k8s.container.name"))];
    all.into_iter().filter_map(|(label, value)| value.map(|value| (label, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, value: Value) -> KeyValue {
        KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
    }

    #[test]
    fn the_order_of_attributes_does_not_matter_and_their_borders_do() {
        let text = |key: &str, value: &str| attribute(key, Value::StringValue(value.to_owned()));
        assert_eq!(key(&[text("a", "1"), text("b", "2")]), key(&[text("b", "2"), text("a", "1")]));
        assert_ne!(key(&[text("a", "1b"), text("c", "")]), key(&[text("a", "1"), text("bc", "")]));
        assert_eq!(key(&[attribute("a", Value::IntValue(5))]), key(&[text("a", "5")]), "what matchers cannot tell apart is one series");
    }

    #[test]
    fn labels_have_the_names_of_both_worlds() {
        let labels: Labels = [("service.name", "shop"), ("k8s.pod.label.track", "x"), ("9.a", "1"), ("a.b", "p"), ("a_b", "q")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let series = as_series(&labels, &["k8s.pod.label.track", "absent"]);
        let of = |name: &str| series.get(name).map(String::as_str);
        assert_eq!((of("job"), of("service_name"), of("k8s_pod_label_track")), (Some("shop"), Some("shop"), Some("x")));
        assert_eq!((of("k8s.pod.label.track"), of("absent"), of("service.name")), (Some("x"), None, None));
        assert_eq!((of("_9_a"), of("a_b"), of("instance")), (Some("1"), Some("p;q"), None));
    }
}
