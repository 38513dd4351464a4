//! The rules that ship with Davy, under `presets/NAME`.

/// A rule file that ships with Davy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name, without `presets/`.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// What tells the arms apart where nobody says otherwise, as YAML with `ARM` in the place of the arm's name.
    pub arm: &'static str,
    /// The rule file.
    pub yaml: &'static str,
}

/// All presets, in the order in which they are tried when no rules are given.
pub const PRESETS: [Preset; 13] = [
    Preset {
        name: "prom-http",
        about: "HTTP servers instrumented with a Prometheus client library",
        arm: "version: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/prom-http.yaml"),
    },
    Preset {
        name: "prom-http-status",
        about: "HTTP servers instrumented with a Prometheus client library, their status in the label status",
        arm: "version: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/prom-http-status.yaml"),
    },
    Preset {
        name: "otel-http",
        about: "HTTP servers instrumented with OpenTelemetry, as Prometheus shows them",
        arm: "version: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/otel-http.yaml"),
    },
    Preset {
        name: "otel-http-ms",
        about: "HTTP servers instrumented with OpenTelemetry's old conventions, in milliseconds",
        arm: "version: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/otel-http-ms.yaml"),
    },
    Preset {
        name: "otel-rpc",
        about: "gRPC and Connect servers instrumented with OpenTelemetry, as Prometheus shows them",
        arm: "version: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/otel-rpc.yaml"),
    },
    Preset {
        name: "otel-rpc-ms",
        about: "gRPC servers instrumented with OpenTelemetry's old conventions, in milliseconds",
        arm: "version: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/otel-rpc-ms.yaml"),
    },
    Preset {
        name: "istio",
        about: "services in Istio's mesh, HTTP and gRPC, as the server's proxy reports them",
        arm: "destination_version: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/istio.yaml"),
    },
    Preset {
        name: "linkerd",
        about: "services in Linkerd's mesh, HTTP and gRPC, as the server's proxy reports them",
        arm: "deployment: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/linkerd.yaml"),
    },
    Preset {
        name: "envoy",
        about: "clusters behind an Envoy proxy",
        arm: "envoy_cluster_name: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/envoy.yaml"),
    },
    Preset {
        name: "nginx-ingress",
        about: "services behind the Kubernetes ingress controller of NGINX",
        arm: "ingress: \"{{ ingress }}\", canary: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/nginx-ingress.yaml"),
    },
    Preset {
        name: "traefik",
        about: "services behind Traefik",
        arm: "service: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/traefik.yaml"),
    },
    Preset {
        name: "haproxy",
        about: "backends of HAProxy",
        arm: "proxy: \"{{ ARM }}\"",
        yaml: include_str!("../../../../rules/presets/haproxy.yaml"),
    },
    Preset {
        name: "kubernetes",
        about: "pods' CPU, memory and restarts; beside a preset that judges answers",
        arm: "pod: \"=~{{ ARM }}-.*\"",
        yaml: include_str!("../../../../rules/presets/kubernetes.yaml"),
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rules::load::load_preset;
    use crate::rules::rule_set::Options;

    #[test]
    fn every_file_ships_under_its_own_name() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/presets");
        let mut files: Vec<String> =
            std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let mut shipped: Vec<String> = preset_names().into_iter().map(|name| format!("{name}.yaml")).collect();
        shipped.sort();
        assert_eq!(files, shipped);
        for name in preset_names() {
            let rules = load_preset(name, &Options::default()).unwrap_or_else(|found| panic!("{name}: {found}"));
            assert_eq!(rules.name, name);
        }
    }

    #[test]
    fn every_preset_is_documented() {
        let documentation = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md")).unwrap();
        for name in preset_names() {
            assert!(documentation.contains(&format!("| `{name}` |")), "docs/rules.md has no row for `{name}`");
        }
    }
}
