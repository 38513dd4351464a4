//! From files to a [`RuleSet`]: read, lay over what is extended, decode, check. Every mistake of every file at once.

use std::collections::BTreeMap;
use std::path::Path;

use crate::rules::arms::{Arms, decode_arms};
use crate::rules::breaker::decode_breaker;
use crate::rules::canonical::version_of;
use crate::rules::decision::decode_decision;
use crate::rules::decode::Decoder;
use crate::rules::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::rules::extends::{Origin, Resolver, read_bounded};
use crate::rules::history::decode_history;
use crate::rules::kayenta::{check_kayenta, decode_compare, decode_kayenta};
use crate::rules::metric::{Asked, decode_metrics};
use crate::rules::presets::{preset, preset_names};
use crate::rules::rule_set::{Options, RuleSet};
use crate::rules::source_text::{Span, Texts};
use crate::rules::suggest::nearest;
use crate::rules::variables::{Unset, Variables};
use crate::rules::window::decode_window;
use crate::rules::yaml::Node;

/// Keys of a rule file.
pub const TOP_KEYS: [&str; 11] =
    ["schema", "name", "extends", "arms", "history", "window", "decision", "breaker", "kayenta", "compare", "metrics"];
/// Longest name of a rule set, in characters.
const LONGEST_NAME: usize = 100;

/// Reads a rule file and what it extends.
///
/// # Errors
/// Every mistake in any of the files.
pub fn load_file(path: &Path, options: &Options) -> Result<RuleSet, Diagnostics> {
    load_path(path, options, Unset::Refuse)
}

/// Reads rules from a text, which may extend presets only. `name` is what diagnostics call it.
///
/// # Errors
/// Every mistake.
pub fn load_str(name: &str, text: &str, options: &Options) -> Result<RuleSet, Diagnostics> {
    load_bytes(name, text.as_bytes(), &Origin::Text, options, Unset::Refuse)
}

/// Reads a preset by its name, with or without `presets/`.
///
/// # Errors
/// There is no such preset.
pub fn load_preset(name: &str, options: &Options) -> Result<RuleSet, Diagnostics> {
    let plain = name.strip_prefix("presets/").unwrap_or(name);
    let Some(found) = preset(plain) else {
        let guess = nearest(plain, preset_names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let help = format!("{guess}presets: {}", preset_names().join(", "));
        return Err(nowhere(format!("unknown preset `{plain}`"), Some(help)));
    };
    load_bytes(&format!("presets/{plain}"), found.yaml.as_bytes(), &Origin::Preset(found.name), options, Unset::Refuse)
}

/// Reads a rule file, with a say on variables that are not given.
pub fn load_path(path: &Path, options: &Options, unset: Unset) -> Result<RuleSet, Diagnostics> {
    let shown = path.display().to_string();
    match read_bounded(path) {
        Ok(bytes) => load_bytes(&shown, &bytes, &Origin::File(path.to_owned()), options, unset),
        Err(reason) => {
            let known = nearest(&shown, preset_names());
            let help = known.map(|near| format!("to use the preset, extend it: `extends: [presets/{near}]`"));
            Err(nowhere(format!("cannot read rules {shown}: {reason}"), help))
        }
    }
}

fn nowhere(message: String, help: Option<String>) -> Diagnostics {
    Diagnostics(vec![Diagnostic { severity: Severity::Error, place: None, message, help, excerpt: None }])
}

/// Reads rules from bytes of any kind.
pub fn load_bytes(name: &str, bytes: &[u8], origin: &Origin, options: &Options, unset: Unset) -> Result<RuleSet, Diagnostics> {
    let mut texts = Texts::default();
    let mut diagnostics = Vec::new();
    let resolved = Resolver::new(&mut texts, &mut diagnostics).resolve(name, bytes, origin);
    let Some(tree) = resolved.tree else { return Err(finish(&texts, diagnostics)) };
    let variables = Variables { given: &options.variables, unset };
    let mut decoder = Decoder { texts: &texts, variables, is_partial: resolved.is_partial, diagnostics };
    let rules = decode_rules(&mut decoder, &tree, options);
    let found = finish(&texts, decoder.diagnostics);
    match rules {
        Some(mut rules) if found.0.iter().all(|diagnostic| diagnostic.severity == Severity::Warning) => {
            rules.warnings = found.0;
            Ok(rules)
        }
        Some(_) | None => Err(found),
    }
}

/// In the order of files and lines, none twice: a file that is extended twice has its mistakes once.
fn finish(texts: &Texts, mut diagnostics: Vec<Diagnostic>) -> Diagnostics {
    let order: BTreeMap<&str, usize> = texts.names().enumerate().map(|(at, name)| (name, at)).rev().collect();
    diagnostics.sort_by_key(|diagnostic| match &diagnostic.place {
        Some(place) => (order.get(place.file.as_str()).copied().unwrap_or(usize::MAX), place.line, place.column),
        None => (0, 0, 0),
    });
    let mut kept: Vec<Diagnostic> = Vec::new();
    for diagnostic in diagnostics {
        if !kept.contains(&diagnostic) {
            kept.push(diagnostic);
        }
    }
    Diagnostics(kept)
}

fn decode_rules(decoder: &mut Decoder<'_>, tree: &Node, options: &Options) -> Option<RuleSet> {
    let fields = decoder.mapping(tree, "rules", &TOP_KEYS)?;
    let root = Span { end: tree.span.start, ..tree.span };
    let name = decode_name(decoder, root, fields.get("name"));
    let Arms { matchers, expected_split } = decode_arms(decoder, root, fields.get("arms"), options);
    let history = decode_history(decoder, fields.get("history"));
    let window = decode_window(decoder, fields.get("window"));
    let (decision, mode) = decode_decision(decoder, fields.get("decision"));
    let breaker = decode_breaker(decoder, fields.get("breaker"));
    let kayenta = decode_kayenta(decoder, fields.get("kayenta"));
    let compares_kayenta = decode_compare(decoder, fields.get("compare"));
    let asked = Asked { has_split: expected_split.is_some(), method: decision.method };
    let metrics = decode_metrics(decoder, root, fields.get("metrics"), asked);
    check_kayenta(decoder, fields, &kayenta, decision.method, &metrics);
    let mut rules = RuleSet {
        name: name?,
        version: String::new(),
        metrics,
        arms: matchers,
        expected_split,
        history,
        window,
        decision,
        breaker,
        mode,
        kayenta,
        compares_kayenta,
        warnings: Vec::new(),
    };
    rules.version = version_of(&rules);
    Some(rules)
}

fn decode_name(decoder: &mut Decoder<'_>, root: Span, node: Option<&Node>) -> Option<String> {
    let Some(node) = node else {
        decoder.error(root, "rules without `name`", "add the service's name: `name: checkout`");
        return None;
    };
    let name = decoder.text(node, "a name")?;
    let is_plain = !name.trim().is_empty() && !name.chars().any(char::is_control) && name.chars().count() <= LONGEST_NAME;
    if !is_plain {
        let message = format!("expected a name of 1 to {LONGEST_NAME} characters, found {}", node.describe());
        decoder.error(node.span, message, "");
        return None;
    }
    Some(name)
}
