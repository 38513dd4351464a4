//! YAML as a tree in which every key and value knows where it was written. Knows nothing of rules.
//!
//! Duplicate keys, several documents, tags, unbounded aliases and nesting are errors here, so that what comes out is a
//! plain tree of bounded size.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, options};

use crate::rules::diagnostic::Diagnostic;
use crate::rules::source_text::{Span, TextId, Texts};

/// Values in one file, aliases expanded; a rule file of a thousand metrics has about 15,000.
const MAX_NODES: usize = 50_000;
/// Rules nest five deep.
const MAX_DEPTH: usize = 24;

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where.
    pub span: Span,
    /// What.
    pub value: Value,
}

/// A YAML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing was written, or `~` or `null`.
    Null,
    /// Text, not yet understood.
    Scalar {
        /// After YAML's own escapes.
        text: String,
        /// Written without quotes, so it may be a number or a boolean.
        is_plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with values, in the file's order, no key twice.
    Mapping(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key was written.
    pub key_span: Span,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// What was written, for messages.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Scalar { text, .. } => format!("`{}`", shorten(text)),
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        }
    }

    /// The value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Value::Mapping(entries) = &self.value else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// How many values it holds, itself included.
    fn size(&self) -> usize {
        match &self.value {
            Value::Null | Value::Scalar { .. } => 1,
            Value::Sequence(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Value::Mapping(entries) => 1 + entries.iter().map(|entry| entry.value.size()).sum::<usize>(),
        }
    }

    fn depth(&self) -> usize {
        match &self.value {
            Value::Null | Value::Scalar { .. } => 1,
            Value::Sequence(items) => 1 + items.iter().map(Node::depth).max().unwrap_or(0),
            Value::Mapping(entries) => 1 + entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0),
        }
    }
}

/// The first words of a text, on one line.
pub fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).map(|c| if c == '\n' { ' ' } else { c }).collect();
    if text.chars().count() > 60 {
        short.push('…');
    }
    short
}

/// Reads one document. A syntax error ends the reading; everything else is collected.
///
/// # Errors
/// Every mistake found: at least one.
pub fn parse(texts: &Texts, text: TextId) -> Result<Node, Vec<Diagnostic>> {
    let content = texts.content(text);
    let mut builder =
        Builder { texts, text, content, open: Vec::new(), anchors: BTreeMap::new(), root: None, nodes: 0, diagnostics: Vec::new() };
    let limits = options! { disallow_directives: true, block_nesting_limit: 64, flow_nesting_limit: 64 };
    for next in Parser::new_from_str_with_options(content, limits) {
        let outcome = match next {
            Ok((event, span)) => builder.take(event, builder.convert(span)),
            Err(error) => Err(Box::new(builder.syntax_error(&error))),
        };
        if let Err(fatal) = outcome {
            builder.diagnostics.push(*fatal);
            return Err(builder.diagnostics);
        }
    }
    let start = Span { text, start: 0, end: 0 };
    match builder.root {
        Some(root) if builder.diagnostics.is_empty() => Ok(root),
        Some(_) => Err(builder.diagnostics),
        None => {
            let help = Some("start from `davy rules init`, or extend a preset: `extends: [presets/prom-http]`".to_owned());
            builder.diagnostics.push(texts.error(start, "expected rules, found an empty file", help));
            Err(builder.diagnostics)
        }
    }
}

struct Builder<'a> {
    texts: &'a Texts,
    text: TextId,
    content: &'a str,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    root: Option<Node>,
    nodes: usize,
    diagnostics: Vec<Diagnostic>,
}

struct Open {
    span: Span,
    anchor: usize,
    content: OpenContent,
}

enum OpenContent {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, key: Option<(String, Span)>, bad_key: bool },
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Box<Diagnostic>> {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Anchor(..) => Ok(()),
            Event::DocumentStart(..) => match self.root {
                Some(_) => Err(Box::new(self.texts.error(
                    span,
                    "expected one document, found a second one",
                    Some("put each rule set in its own file".to_owned()),
                ))),
                None => Ok(()),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                self.refuse_tag(tag.is_some(), span);
                let value = match (is_plain, text.as_ref()) {
                    (true, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
                    _ => Value::Scalar { text: text.into_owned(), is_plain },
                };
                self.finish(Node { span, value }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.start(span, anchor, OpenContent::Sequence(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.start(span, anchor, OpenContent::Mapping { entries: Vec::new(), key: None, bad_key: false })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop().expect("the parser closes only what it opened");
                let value = match open.content {
                    OpenContent::Sequence(items) => Value::Sequence(items),
                    OpenContent::Mapping { entries, .. } => Value::Mapping(entries),
                };
                self.finish(Node { span: Span { end: span.start.max(open.span.start), ..open.span }, value }, open.anchor)
            }
            Event::Alias(anchor) => {
                let Some(mut node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Box::new(self.texts.error(span, "the alias stands inside of what it repeats", None)));
                };
                self.nodes += node.size();
                self.check_size(span)?;
                if self.open.len() + node.depth() > MAX_DEPTH {
                    return Err(self.too_deep(span));
                }
                // Mistakes are reported where the alias stands only for the value as a whole; its parts keep their places.
                node.span = span;
                self.finish(node, 0)
            }
            Event::UnresolvedAlias(name) => Err(Box::new(self.texts.error(span, format!("unknown anchor `{name}`"), None))),
            // The enum grows with the parser's features (comments); none of the others holds data.
            _ => Ok(()),
        }
    }

    fn refuse_tag(&mut self, has_tag: bool, span: Span) {
        if has_tag {
            self.diagnostics.push(self.texts.error(span, "YAML tags (`!…`) have no meaning in rules", Some("remove the tag".to_owned())));
        }
    }

    fn start(&mut self, span: Span, anchor: usize, content: OpenContent) -> Result<(), Box<Diagnostic>> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.too_deep(span));
        }
        self.open.push(Open { span, anchor, content });
        Ok(())
    }

    fn too_deep(&self, span: Span) -> Box<Diagnostic> {
        Box::new(self.texts.error(span, format!("nested deeper than {MAX_DEPTH} levels"), None))
    }

    fn check_size(&self, span: Span) -> Result<(), Box<Diagnostic>> {
        if self.nodes > MAX_NODES {
            let message = format!("more than {MAX_NODES} values, aliases counted at each use");
            return Err(Box::new(self.texts.error(span, message, Some("split the rules, or repeat less".to_owned()))));
        }
        Ok(())
    }

    /// A value is complete: it becomes a key, a value, an item or the document.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Box<Diagnostic>> {
        self.nodes += 1;
        self.check_size(node.span)?;
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.content {
            OpenContent::Sequence(items) => items.push(node),
            OpenContent::Mapping { entries, key, bad_key } => match key.take() {
                Some((text, key_span)) => {
                    let duplicate = entries.iter().any(|entry| entry.key == text);
                    let is_bad = std::mem::take(bad_key);
                    if duplicate {
                        let first = entries.iter().find(|entry| entry.key == text).expect("found above").key_span;
                        let line = self.texts.place(first).line;
                        let message = format!("duplicate key `{}`; it stands already on line {line}", shorten(&text));
                        self.diagnostics.push(self.texts.error(key_span, message, Some("keep one of them".to_owned())));
                    } else if !is_bad {
                        entries.push(Entry { key: text, key_span, value: node });
                    }
                }
                None => match node.value {
                    Value::Scalar { text, .. } => *key = Some((text, node.span)),
                    Value::Null | Value::Sequence(_) | Value::Mapping(_) => {
                        *bad_key = true;
                        *key = Some((String::new(), node.span));
                        let (message, help) = bad_key_message(&node, self.content);
                        self.diagnostics.push(self.texts.error(node.span, message, help));
                    }
                },
            },
        }
        Ok(())
    }

    fn convert(&self, span: granit_parser::Span) -> Span {
        let (start, end) = match span.byte_range() {
            Some(range) => (range.start, range.end),
            None => (self.byte_of(&span.start), self.byte_of(&span.end)),
        };
        // The scanner's end of a plain scalar may lie behind the line's end.
        let written = self.content.get(start..end).map_or(0, |part| part.trim_end().len());
        Span { text: self.text, start, end: start + written }
    }

    fn byte_of(&self, marker: &granit_parser::Marker) -> usize {
        marker.byte_offset().unwrap_or_else(|| self.content.char_indices().nth(marker.index()).map_or(self.content.len(), |(at, _)| at))
    }

    fn syntax_error(&self, error: &ScanError) -> Diagnostic {
        let start = self.byte_of(error.marker()).min(self.content.len());
        let line_start = self.content.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let line = self.content.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let tab = line[..indent].find('\t').map(|at| line_start + at);
        if let Some(tab) = tab {
            let help = Some("indent with spaces".to_owned());
            return self.texts.error(
                Span { text: self.text, start: tab, end: tab + 1 },
                "a tab in the indentation; YAML allows spaces only",
                help,
            );
        }
        let help = if line.contains("{{") {
            Some("write a variable in quotes: `\"{{ name }}\"`".to_owned())
        } else {
            Some("look at the indentation, quotes and brackets here and on the lines before".to_owned())
        };
        self.texts.error(Span { text: self.text, start, end: start + 1 }, format!("this is not YAML: {}", error.info()), help)
    }
}

fn bad_key_message(node: &Node, content: &str) -> (String, Option<String>) {
    let written = content.get(node.span.start.saturating_sub(1)..).unwrap_or("");
    if written.starts_with("{{") || matches!(node.value, Value::Mapping(_)) {
        return ("expected a key, found a mapping".to_owned(), Some("write a variable in quotes: `\"{{ name }}\"`".to_owned()));
    }
    (format!("expected a key, found {}", node.describe()), Some("a key is plain text".to_owned()))
}
