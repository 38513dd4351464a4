//! From files to a [`RuleSet`].

use std::path::Path;

use crate::rules::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::rules::rule_set::{Options, RuleSet};
use crate::rules::source_text::Texts;

/// Reads a rule file and what it extends.
///
/// # Errors
/// Every mistake in any of the files.
pub fn load_file(path: &Path, options: &Options) -> Result<RuleSet, Diagnostics> {
    load_str(&path.display().to_string(), "", options)
}

/// Reads rules from a text, which may extend presets only.
///
/// # Errors
/// Every mistake.
pub fn load_str(name: &str, text: &str, options: &Options) -> Result<RuleSet, Diagnostics> {
    let mut texts = Texts::default();
    let text = texts.add(name, text.to_owned());
    let tree = crate::rules::yaml::parse(&texts, text).map_err(Diagnostics)?;
    let message = format!("reading rules is not there yet ({}, {} variables)", tree.describe(), options.variables.len());
    Err(Diagnostics(vec![Diagnostic {
        severity: Severity::Error,
        place: Some(texts.place(tree.span)),
        message,
        help: None,
        excerpt: None,
    }]))
}

/// Reads a preset by its name, without `presets/`.
///
/// # Errors
/// There is no such preset, or a variable is missing.
pub fn load_preset(name: &str, options: &Options) -> Result<RuleSet, Diagnostics> {
    load_str(&format!("presets/{name}"), "", options)
}
