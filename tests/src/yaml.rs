//! Pipelines' YAML as a tree, every scalar as text: enough to find the commands in it.

use anyhow::Context;
use granit_parser::{Event, Parser};
use serde_json::{Map, Value};

/// One document.
///
/// # Errors
/// It is not valid YAML, a key is no scalar or stands twice, or it uses anchors.
pub fn parse(text: &str) -> anyhow::Result<Value> {
    // Each open collection, with the key that waits for its value in a mapping.
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    let mut root = None;
    for next in Parser::new_from_str(text) {
        let (event, _) = next?;
        let done = match event {
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            Event::SequenceStart(..) => {
                open.push((Value::Array(Vec::new()), None));
                continue;
            }
            Event::MappingStart(..) => {
                open.push((Value::Object(Map::new()), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().context("the parser closes only what it opened")?.0,
            Event::Alias(_) => anyhow::bail!("anchors are not read here"),
            _ => continue,
        };
        match open.last_mut() {
            None => root = Some(done),
            Some((Value::Array(items), _)) => items.push(done),
            Some((Value::Object(entries), key)) => match key.take() {
                None => *key = Some(done.as_str().context("a key is a scalar")?.to_owned()),
                Some(name) => anyhow::ensure!(entries.insert(name.clone(), done).is_none(), "`{name}` stands twice"),
            },
            Some(_) => anyhow::bail!("only collections are open"),
        }
    }
    root.context("expected a document, found none")
}
