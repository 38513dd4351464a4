//! Reading tables, and what "the same number" means.

use serde_json::Value;

pub fn load(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/reference").join(name);
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).expect("a table is JSON")
}

/// null is a gap.
pub fn number(value: &Value) -> f64 {
    if value.is_null() { f64::NAN } else { value.as_f64().unwrap_or_else(|| panic!("expected a number, found {value}")) }
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("expected numbers, found {value}")).iter().map(number).collect()
}

pub fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("rows").iter().map(numbers).collect()
}

/// 1e-9 relative or 1e-12 absolute.
pub fn assert_close(what: &str, found: f64, expected: f64) {
    let difference = (found - expected).abs();
    let close = difference <= 1e-12 || difference <= 1e-9 * expected.abs() || (found.is_nan() && expected.is_nan());
    assert!(close, "{what}: expected {expected:e}, found {found:e}");
}

pub fn assert_all_close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (index, (one, other)) in found.iter().zip(expected).enumerate() {
        assert_close(&format!("{what}[{index}]"), *one, *other);
    }
}
