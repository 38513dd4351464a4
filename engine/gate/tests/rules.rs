//! Rule files as users write them: every valid one loads and comes back unchanged, every invalid one says what its
//! `.txt` beside it says. `DAVY_GOLDEN=1 cargo nextest run -p davy-gate --test rules` rewrites those; read the diff.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use davy_gate::rules::{self, Options, diagnostic};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn options() -> Options {
    let variables = [("baseline", "v1"), ("canary", "v2")];
    Options { variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(), ..Options::default() }
}

fn files(directory: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join(directory))
        .expect("the directory is part of the repository")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no rule files in {directory}");
    found
}

/// Paths differ between machines; what is compared does not.
fn without_root(text: &str) -> String {
    text.replace(&format!("{}/", root().display()), "")
}

fn check_golden(path: &Path, found: &str) -> Result<(), String> {
    if std::env::var_os("DAVY_GOLDEN").is_some() {
        std::fs::write(path, found).expect("writable");
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    if expected == found { Ok(()) } else { Err(format!("{}\n--- expected\n{expected}\n--- found\n{found}", path.display())) }
}

#[test]
fn invalid_files_say_everything_that_is_wrong() {
    let mut failures = Vec::new();
    for path in files("fixtures/rules/invalid") {
        let found = match rules::load_file(&path, &options()) {
            Ok(_) => "loads\n".to_owned(),
            Err(diagnostics) => without_root(&diagnostics.to_text()),
        };
        if found == "loads\n" {
            failures.push(format!("{} loads", path.display()));
        }
        failures.extend(check_golden(&path.with_extension("txt"), &found).err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn valid_files_resolve_to_what_stands_beside_them() {
    let mut failures = Vec::new();
    for path in files("fixtures/rules/valid") {
        let rules = match rules::load_file(&path, &options()) {
            Ok(rules) => rules,
            Err(diagnostics) => {
                failures.push(format!("{}\n{diagnostics}", path.display()));
                continue;
            }
        };
        let found =
            without_root(&format!("{}# version {}\n{}", rules.to_yaml(), rules.version, diagnostic::render(&rules.warnings, false)));
        failures.extend(check_golden(&path.with_extension("txt"), &found).err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn resolved_rules_are_read_back_unchanged() {
    let none = Options { variables: BTreeMap::new(), ..Options::default() };
    let all = ["fixtures/rules/valid", "rules/examples", "rules/presets"].into_iter().flat_map(files);
    for path in all {
        let rules = rules::load_file(&path, &options()).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        let again = rules::load_str("resolved", &rules.to_yaml(), &none).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        assert_eq!(rules, again, "{}", path.display());
        assert_eq!(rules.to_yaml(), again.to_yaml(), "{}", path.display());
    }
}

#[test]
fn examples_and_presets_have_no_warnings() {
    for path in ["rules/examples", "rules/presets"].into_iter().flat_map(files) {
        let rules = rules::load_file(&path, &options()).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        assert_eq!(rules.warnings, vec![], "{}", path.display());
    }
}
