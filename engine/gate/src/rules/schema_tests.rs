//! The schema against the reader, the checked-in file and the documentation.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::rules::schema::{SCHEMA_PATH, schema_text};
use crate::rules::source_text::Texts;
use crate::rules::yaml::{self, Node, Value};
use crate::rules::{arms, breaker, decision, history, kayenta, load, metric, signal, window};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// YAML as a schema-aware editor sees it.
fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Scalar { text, is_plain } => {
            let typed = if *is_plain {
                serde_json::from_str::<Json>(text).ok().filter(|value| value.is_number() || value.is_boolean())
            } else {
                None
            };
            typed.unwrap_or_else(|| Json::String(text.clone()))
        }
        Value::Sequence(items) => items.iter().map(to_json).collect(),
        Value::Mapping(entries) => Json::Object(entries.iter().map(|entry| (entry.key.clone(), to_json(&entry.value))).collect()),
    }
}

fn read(path: &Path) -> Option<Json> {
    let mut texts = Texts::default();
    let content = String::from_utf8(std::fs::read(path).unwrap()).ok()?;
    let text = texts.add("x", content);
    yaml::parse(&texts, text).ok().map(|tree| to_json(&tree))
}

fn files(directory: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(directory)).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect();
    found.sort();
    found
}

#[test]
fn the_checked_in_schema_is_current() {
    let path = root().join(SCHEMA_PATH);
    if std::env::var_os("DAVY_GOLDEN").is_some() {
        std::fs::write(&path, schema_text()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == schema_text(), "{SCHEMA_PATH} is stale: run the tests with DAVY_GOLDEN=1 and read the diff");
}

#[test]
fn every_valid_file_fits_the_schema() {
    let schema: Json = serde_json::from_str(&schema_text()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for path in ["fixtures/rules/valid", "fixtures/rules/valid/base", "rules/presets", "rules/examples"].into_iter().flat_map(files) {
        let found: Vec<String> =
            validator.iter_errors(&read(&path).unwrap()).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(found, Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn an_editor_sees_the_mistakes_that_a_schema_can_see() {
    let schema: Json = serde_json::from_str(&schema_text()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    // What needs more than one value, a parser or the file system to be seen.
    let only_for_the_reader = [
        "cycle",
        "empty_metrics",
        "equal_arms",
        "kayenta_decides",
        "no_metrics",
        "not_required",
        "nothing_asked",
        "promql",
        "selectors",
        "short_deadline",
        "sources",
        "too_many_windows",
        "unknown_presets",
        "unknown_variables",
        "warmup_past_deadline",
    ];
    let mut missed = Vec::new();
    for path in files("fixtures/rules/invalid") {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let Some(instance) = read(&path) else { continue };
        if validator.is_valid(&instance) {
            missed.push(name);
        }
    }
    assert_eq!(missed, only_for_the_reader);
}

/// Every `properties` object of a schema, as sorted lists of keys.
fn key_sets(schema: &Json, found: &mut Vec<Vec<String>>) {
    match schema {
        Json::Object(fields) => {
            if let Some(Json::Object(properties)) = fields.get("properties") {
                let mut keys: Vec<String> = properties.keys().cloned().collect();
                keys.sort();
                found.push(keys);
            }
            fields.values().for_each(|value| key_sets(value, found));
        }
        Json::Array(items) => items.iter().for_each(|item| key_sets(item, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn schema_and_reader_know_the_same_keys() {
    let schema: Json = serde_json::from_str(&schema_text()).unwrap();
    let mut described = Vec::new();
    key_sets(&schema, &mut described);
    described.sort();
    let mut read: Vec<Vec<String>> = [
        &load::TOP_KEYS[..],
        &arms::ARMS_KEYS,
        &arms::SPLIT_KEYS,
        &history::HISTORY_KEYS,
        &window::WINDOW_KEYS,
        &decision::DECISION_KEYS,
        &breaker::BREAKER_KEYS,
        &metric::METRIC_KEYS,
        &signal::RATIO_KEYS,
        &kayenta::KAYENTA_KEYS,
        &kayenta::KAYENTA_METRIC_KEYS,
        &kayenta::EFFECT_SIZE_KEYS,
    ]
    .into_iter()
    .map(|keys| {
        let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        keys.sort();
        keys
    })
    .collect();
    read.sort();
    assert_eq!(described, read);
}

#[test]
fn schema_and_reader_know_the_same_words() {
    let text = schema_text();
    let words = decision::AT_DEADLINE.map(|(word, _)| word).into_iter().chain(decision::ON_MISSING.map(|(word, _)| word));
    let words = words.chain(decision::MODE.map(|(word, _)| word)).chain(metric::WORSE.map(|(word, _)| word));
    let words = words.chain(signal::UNIT.map(|(word, _)| word)).chain(decision::METHOD.map(|(word, _)| word));
    let words = words.chain(kayenta::NAN.map(|(word, _)| word)).chain(kayenta::MEASURE.map(|(word, _)| word));
    for word in words.chain(metric::ON_BREACH.map(|(word, _)| word)).chain(metric::METHOD.map(|(word, _)| word)) {
        assert!(text.contains(&format!("\"const\": {}", json!(word))), "{word}");
    }
}

#[test]
fn every_key_is_documented() {
    let documentation = std::fs::read_to_string(root().join("docs/rules.md")).unwrap();
    let mut sets = Vec::new();
    key_sets(&serde_json::from_str(&schema_text()).unwrap(), &mut sets);
    for key in sets.into_iter().flatten() {
        assert!(documentation.contains(&format!("`{key}`")), "docs/rules.md does not mention `{key}`");
    }
}
