//! The rules that ship with Davy, under `presets/NAME`.

/// A rule file that ships with Davy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name, without `presets/`.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// The rule file.
    pub yaml: &'static str,
}

/// All presets, in the order in which they are tried when no rules are given.
pub const PRESETS: [Preset; 2] = [
    Preset {
        name: "prom-http",
        about: "HTTP servers instrumented with a Prometheus client library",
        yaml: include_str!("../../../../rules/presets/prom-http.yaml"),
    },
    Preset {
        name: "otel-http",
        about: "HTTP servers instrumented with OpenTelemetry, as Prometheus shows them",
        yaml: include_str!("../../../../rules/presets/otel-http.yaml"),
    },
];

/// The preset of a name.
pub fn preset(name: &str) -> Option<Preset> {
    PRESETS.into_iter().find(|preset| preset.name == name)
}

/// Every preset's name.
pub fn preset_names() -> Vec<&'static str> {
    PRESETS.iter().map(|preset| preset.name).collect()
}
