//! `extends`: presets and other files, laid under a file. Mappings merge key by key, metrics by their name, everything
//! else is replaced; an explicit `~` takes an inherited key away.

use std::path::{Path, PathBuf};

use crate::rules::diagnostic::{Diagnostic, Severity};
use crate::rules::presets::{preset, preset_names};
use crate::rules::signal::SIGNAL_KEYS;
use crate::rules::source_text::{Span, TextId, Texts};
use crate::rules::suggest::nearest;
use crate::rules::yaml::{self, Entry, Node, Value};

/// How deep files may extend files.
const MAX_DEPTH: usize = 8;
/// How many files may take part, one counted each time it is extended.
const MAX_FILES: usize = 32;
/// The largest rule file, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// What this build reads.
pub const SCHEMA: &str = "davy/v1";
/// What a path of a preset begins with.
const PRESET_PREFIX: &str = "presets/";

/// Where a rule text came from: decides what it may extend.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A file, which may extend files beside it.
    File(PathBuf),
    /// A request or a test: presets only, so that nobody reads the server's files through it.
    Text,
    /// A preset.
    Preset(&'static str),
}

impl Origin {
    /// What names the same file in every spelling.
    fn identity(&self) -> String {
        match self {
            Origin::File(path) => path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string(),
            Origin::Text => String::new(),
            Origin::Preset(name) => format!("{PRESET_PREFIX}{name}"),
        }
    }
}

/// What came of a file and everything that it extends.
pub struct Resolved {
    /// The merged tree, without `schema` and `extends`; none where the file itself could not be read.
    pub tree: Option<Node>,
    /// Something that is extended could not be read.
    pub is_partial: bool,
}

/// Collects texts and mistakes while files are read.
pub struct Resolver<'a> {
    /// Every text read.
    pub texts: &'a mut Texts,
    /// Mistakes found.
    pub diagnostics: &'a mut Vec<Diagnostic>,
    /// Files being read, outermost first.
    stack: Vec<String>,
    files: usize,
}

impl<'a> Resolver<'a> {
    /// Begins.
    pub fn new(texts: &'a mut Texts, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        Resolver { texts, diagnostics, stack: Vec::new(), files: 0 }
    }

    /// Reads a text and what it extends.
    pub fn resolve(&mut self, name: &str, bytes: &[u8], origin: &Origin) -> Resolved {
        self.files += 1;
        let Some(text) = self.decode_bytes(name, bytes) else { return Resolved { tree: None, is_partial: true } };
        let mut tree = match yaml::parse(self.texts, text) {
            Ok(tree) => tree,
            Err(mistakes) => {
                self.diagnostics.extend(mistakes);
                return Resolved { tree: None, is_partial: true };
            }
        };
        self.check_schema(&tree);
        self.stack.push(origin.identity());
        let mut is_partial = false;
        let mut base: Option<Node> = None;
        let extended = self.extended(&tree);
        is_partial |= extended.is_none();
        for item in extended.unwrap_or_default() {
            let Some(found) = self.read_extended(&item, origin) else {
                is_partial = true;
                continue;
            };
            is_partial |= found.is_partial;
            if let Some(found) = found.tree {
                base = Some(match base {
                    Some(below) => merge(below, found, Position::Root),
                    None => found,
                });
            }
        }
        self.stack.pop();
        remove(&mut tree, &["schema", "extends"]);
        let tree = match base {
            Some(mut below) => {
                remove(&mut below, &["name"]);
                merge(below, tree, Position::Root)
            }
            None => tree,
        };
        Resolved { tree: Some(tree), is_partial }
    }

    fn fail(&mut self, span: Span, message: String, help: &str) {
        let help = Some(help.to_owned()).filter(|help| !help.is_empty());
        self.diagnostics.push(self.texts.error(span, message, help));
    }

    fn decode_bytes(&mut self, name: &str, bytes: &[u8]) -> Option<TextId> {
        if bytes.len() > MAX_BYTES {
            let message = format!("{name}: expected at most {MAX_BYTES} bytes of rules, found {}", bytes.len());
            self.diagnostics.push(Diagnostic { severity: Severity::Error, place: None, message, help: None, excerpt: None });
            return None;
        }
        let without_mark = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match std::str::from_utf8(without_mark) {
            Ok(text) => Some(self.texts.add(name, text.to_owned())),
            Err(error) => {
                let valid = std::str::from_utf8(&without_mark[..error.valid_up_to()]).expect("valid up to there");
                let byte = without_mark[error.valid_up_to()];
                let text = self.texts.add(name, valid.to_owned());
                let span = Span { text, start: valid.len(), end: valid.len() };
                self.fail(span, format!("expected UTF-8, found the byte 0x{byte:02x}"), "save the file as UTF-8");
                None
            }
        }
    }

    fn check_schema(&mut self, tree: &Node) {
        if !matches!(tree.value, Value::Mapping(_)) {
            return;
        }
        match tree.get("schema").map(|node| (node, &node.value)) {
            Some((_, Value::Scalar { text, .. })) if text == SCHEMA => {}
            Some((node, _)) => {
                let message = format!("expected `{SCHEMA}` for schema, found {}", node.describe());
                self.fail(node.span, message, "this version of Davy reads no other");
            }
            None => self.fail(tree.span, "rules without `schema`".to_owned(), "begin the file with `schema: davy/v1`"),
        }
    }

    /// The items of `extends`, which must be texts; none where it was not understood.
    fn extended(&mut self, tree: &Node) -> Option<Vec<Node>> {
        let Some(node) = tree.get("extends") else { return Some(Vec::new()) };
        let help = format!("write `extends: [presets/prom-http]`; presets: {}", preset_names().join(", "));
        let Value::Sequence(items) = &node.value else {
            self.fail(node.span, format!("expected a list for extends, found {}", node.describe()), &help);
            return None;
        };
        let mut texts = Vec::new();
        for item in items {
            match &item.value {
                Value::Scalar { .. } => texts.push(item.clone()),
                Value::Null | Value::Sequence(_) | Value::Mapping(_) => {
                    self.fail(item.span, format!("expected a preset or a file, found {}", item.describe()), &help);
                    return None;
                }
            }
        }
        Some(texts)
    }

    fn read_extended(&mut self, item: &Node, origin: &Origin) -> Option<Resolved> {
        let Value::Scalar { text: path, .. } = &item.value else { return None };
        if self.stack.len() >= MAX_DEPTH || self.files >= MAX_FILES {
            let message = format!("expected at most {MAX_DEPTH} levels and {MAX_FILES} files of `extends`");
            self.fail(item.span, message, "extend fewer files");
            return None;
        }
        if let Some(name) = path.strip_prefix(PRESET_PREFIX) {
            let Some(found) = preset(name) else {
                let guess = nearest(name, preset_names()).map(|near| format!("did you mean `{PRESET_PREFIX}{near}`? ")).unwrap_or_default();
                let message = format!("unknown preset `{}`", yaml::shorten(name));
                self.fail(item.span, message, &format!("{guess}presets: {}", preset_names().join(", ")));
                return None;
            };
            return Some(self.resolve(&format!("{PRESET_PREFIX}{name}"), found.yaml.as_bytes(), &Origin::Preset(found.name)));
        }
        let Origin::File(parent) = origin else {
            let message = format!("these rules can extend presets only, found `{}`", yaml::shorten(path));
            let guess = nearest(path, preset_names()).map(|near| format!("did you mean `{PRESET_PREFIX}{near}`? ")).unwrap_or_default();
            self.fail(item.span, message, &format!("{guess}presets: {}", preset_names().join(", ")));
            return None;
        };
        let target = parent.parent().unwrap_or(Path::new("")).join(path);
        let next = Origin::File(target.clone());
        if self.stack.contains(&next.identity()) {
            let message = format!("`{}` extends itself, directly or through others", yaml::shorten(path));
            self.fail(item.span, message, "remove one of the `extends`");
            return None;
        }
        match read_bounded(&target) {
            Ok(bytes) => Some(self.resolve(&target.display().to_string(), &bytes, &next)),
            Err(reason) => {
                let known = nearest(path, preset_names());
                let help = known.map_or_else(
                    || "a path is relative to the file that extends it; a preset is written `presets/NAME`".to_owned(),
                    |near| format!("did you mean `{PRESET_PREFIX}{near}`?"),
                );
                self.fail(item.span, format!("cannot read `{}`: {reason}", yaml::shorten(path)), &help);
                None
            }
        }
    }
}

/// Reads a file, one byte more than allowed at most.
///
/// # Errors
/// What the system says, in its words.
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let words = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    };
    let file = std::fs::File::open(path).map_err(words)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(words)?;
    Ok(bytes)
}

fn remove(tree: &mut Node, keys: &[&str]) {
    if let Value::Mapping(entries) = &mut tree.value {
        entries.retain(|entry| !keys.contains(&entry.key.as_str()));
    }
}

/// Where in a rule file a merge takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Root,
    Metrics,
    Metric,
    /// Matchers of an arm or of `from`, and traffic shares: half of the old with half of the new means nothing.
    Whole,
    Arms,
    History,
    Other,
}

impl Position {
    fn of(self, key: &str) -> Position {
        match (self, key) {
            (Position::Root, "metrics") => Position::Metrics,
            (Position::Root, "arms") => Position::Arms,
            (Position::Root, "history") => Position::History,
            (Position::Arms, _) | (Position::History, "from") => Position::Whole,
            (Position::Root | Position::Metrics | Position::Metric | Position::Whole | Position::History | Position::Other, _) => {
                Position::Other
            }
        }
    }
}

/// Lays `over` on top of `below`.
fn merge(below: Node, over: Node, position: Position) -> Node {
    let span = over.span;
    let value = match (below.value, over.value, position) {
        (
            Value::Mapping(below),
            Value::Mapping(over),
            Position::Root | Position::Metric | Position::Arms | Position::History | Position::Other,
        ) => Value::Mapping(merge_entries(below, over, position)),
        (Value::Sequence(below), Value::Sequence(over), Position::Metrics) => Value::Sequence(merge_metrics(below, over)),
        (_, value, _) => value,
    };
    Node { span, value }
}

fn merge_entries(mut below: Vec<Entry>, over: Vec<Entry>, position: Position) -> Vec<Entry> {
    if position == Position::Metric {
        forget_replaced_signal(&mut below, &over);
    }
    for entry in over {
        let Some(at) = below.iter().position(|known| known.key == entry.key) else {
            below.push(entry);
            continue;
        };
        if entry.value.value == Value::Null {
            below.remove(at);
            continue;
        }
        let known = below[at].value.clone();
        below[at] = Entry { value: merge(known, entry.value, position.of(&entry.key)), ..entry };
    }
    below
}

/// A metric that names another source does not keep the inherited one, nor what belongs to it.
fn forget_replaced_signal(below: &mut Vec<Entry>, over: &[Entry]) {
    let names = |entries: &[Entry], key: &str| entries.iter().any(|entry| entry.key == key);
    let Some(new) = SIGNAL_KEYS.into_iter().find(|key| names(over, key)) else { return };
    if names(below, new) {
        return;
    }
    below.retain(|entry| !SIGNAL_KEYS.contains(&entry.key.as_str()) && entry.key != "quantile" && entry.key != "unit");
    if new == "promql" {
        below.retain(|entry| entry.key != "where");
    }
}

fn merge_metrics(mut below: Vec<Node>, over: Vec<Node>) -> Vec<Node> {
    let name_of = |node: &Node| match node.get("name").map(|name| &name.value) {
        Some(Value::Scalar { text, .. }) => Some(text.clone()),
        Some(Value::Null | Value::Sequence(_) | Value::Mapping(_)) | None => None,
    };
    let inherited = below.len();
    for metric in over {
        let name = name_of(&metric);
        // Only what is inherited: two of one name in the same file are a mistake, which is found later.
        let same =
            below[..inherited].iter().position(|known| name.is_some() && name_of(known) == name && known.span.text != metric.span.text);
        match same {
            Some(at) => {
                let known = below[at].clone();
                below[at] = merge(known, metric, Position::Metric);
            }
            None => below.push(metric),
        }
    }
    below
}
