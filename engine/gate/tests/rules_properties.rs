//! What holds for any rule file: reading ends, with rules or with mistakes that have a place; what is printed is read back;
//! no variable and no arm becomes syntax; streams are shared and never mixed up.

use std::path::{Path, PathBuf};

use davy_gate::rules::{self, MetricSignal, Options, RuleSet};
use davy_sources::samples::{MatchOp, Matcher, Signal, StreamSpec};
use proptest::prelude::*;

fn fixtures(directory: &str) -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/rules").join(directory);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(directory).expect("part of the repository").map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    paths.iter().filter_map(|path| String::from_utf8(std::fs::read(path).expect("readable")).ok()).collect()
}

fn options(baseline: &str, canary: &str) -> Options {
    let variables = [("baseline", baseline), ("canary", canary)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    Options { variables: variables.into(), ..Options::default() }
}

fn load(text: &str) -> RuleSet {
    rules::load_str("test", text, &options("v1", "v2")).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Reading ends, and a refusal says something that can be shown.
fn read(text: &str) -> Result<(), TestCaseError> {
    if let Err(mistakes) = rules::load_str("test", text, &options("v1", "v2")) {
        prop_assert!(!mistakes.0.is_empty());
        prop_assert!(mistakes.to_text().contains("error"));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&mistakes.to_json()).is_ok());
        for mistake in &mistakes.0 {
            let place = mistake.place.as_ref().expect("a text was read, so there is a place");
            prop_assert!(place.line >= 1 && place.column >= 1);
        }
    }
    Ok(())
}

const HEAD: &str = "schema: davy/v1\nname: x\n";

fn matcher() -> impl Strategy<Value = Matcher> {
    let label = prop_oneof!["[a-z_]{1,8}", "\\PC{1,8}"].prop_filter("the metric's name", |label| label != "__name__");
    let value = prop_oneof![any::<String>(), "[{} \"=!~\\\\]{0,8}"];
    (label, value, 0..4_u8).prop_map(|(label, value, op)| match op {
        0 => Matcher { label, op: MatchOp::Equal, value },
        1 => Matcher { label, op: MatchOp::NotEqual, value },
        2 => Matcher { label, op: MatchOp::Regex, value: davy_sources::selector::literal_pattern(&value) },
        _ => Matcher { label, op: MatchOp::NotRegex, value: davy_sources::selector::literal_pattern(&value) },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), yaml in "[-a-z:{}\\[\\]\"'&*!|>%#, \n\t~?]{0,80}") {
        read(&text)?;
        read(&yaml)?;
        read(&format!("{HEAD}{yaml}"))?;
    }

    #[test]
    fn a_mutilated_file_is_read_or_refused(which in 0..1000_usize, at in 0.0..1.0_f64, length in 0..40_usize, insert in "[-a-z:{}\\[\\]\"'&*!|>%#, \n\t~?0-9]{0,6}|\\PC{0,3}") {
        let all: Vec<String> = ["valid", "invalid"].into_iter().flat_map(fixtures).filter(|text| !text.is_empty()).collect();
        let text: Vec<char> = all[which % all.len()].chars().collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a small file")]
        let start = (at * text.len() as f64) as usize;
        let end = (start + length).min(text.len());
        let mutilated: String = text[..start].iter().chain(insert.chars().collect::<Vec<_>>().iter()).chain(&text[end..]).collect();
        read(&mutilated)?;
    }

    #[test]
    fn any_bytes_of_a_file_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("davy-rules-{}-{number}.yaml", std::process::id()));
        std::fs::write(&path, &bytes).unwrap();
        let outcome = rules::load_file(&path, &Options::default());
        std::fs::remove_file(&path).unwrap();
        prop_assert!(outcome.is_err());
    }

    #[test]
    fn arms_of_the_caller_come_back(baseline in proptest::collection::vec(matcher(), 1..4), canary in proptest::collection::vec(matcher(), 1..4)) {
        let given = Options { baseline: Some(baseline.clone()), canary: Some(canary), ..Options::default() };
        let text = format!("{HEAD}extends: [presets/prom-http]\n");
        let Ok(rules) = rules::load_str("test", &text, &given) else { return Ok(()) };
        let again = rules::load_str("again", &rules.to_yaml(), &Options::default()).map_err(|found| TestCaseError::fail(format!("{found}\n{}", rules.to_yaml())))?;
        prop_assert_eq!(&rules, &again);
        let mut wanted = baseline;
        wanted.sort();
        wanted.dedup();
        prop_assert_eq!(rules.arms.baseline, wanted);
    }

    #[test]
    fn a_variable_is_a_value_wherever_it_stands(value in any::<String>()) {
        let text = format!("{HEAD}arms: {{ baseline: {{ version: \"{{{{ baseline }}}}\" }}, canary: {{ version: [\"{{{{ canary }}}}\", x] }} }}
metrics:
  - {{ name: a, ratio: {{ events: 'r{{v=~\"{{{{ canary }}}}\"}}', total: r }}, tolerance: 10%, where: {{ z: \"!~{{{{ canary }}}}.*\" }} }}
  - {{ name: b, promql: 'sum(x{{ {{{{arm}}}}, v=\"{{{{ canary }}}}\" }})', tolerance: 10% }}\n");
        let rules = rules::load_str("test", &text, &options("v1", &value)).map_err(|found| TestCaseError::fail(found.to_text()))?;
        prop_assert_eq!(&rules.arms.baseline, &vec![Matcher { label: "version".into(), op: MatchOp::Equal, value: "v1".into() }]);
        prop_assert_eq!(rules.arms.canary.len(), 1);
        let MetricSignal::Ratio { events, .. } = &rules.metrics[0].signal else { panic!("a ratio") };
        prop_assert_eq!(events.matchers.len(), 2);
        let again = rules::load_str("again", &rules.to_yaml(), &Options::default()).map_err(|found| TestCaseError::fail(found.to_text()))?;
        prop_assert_eq!(&rules, &again);
    }

    #[test]
    fn levels_come_back(tolerance in 0.0001..90.0_f64, below in 0.0001..50.0_f64, above in 50.1..99.0_f64, last_ms in 60_000..900_000_000_i64, weight in 0.001..1000.0_f64, level in 0.01..50.0_f64) {
        let text = format!("{HEAD}history: {{ last: {last_ms}ms }}\ndecision: {{ false_rollback: {level}% }}
metrics:
  - {{ name: a, histogram: h_seconds, quantile: 0.9, tolerance: {tolerance}%, ignore_below: {below}ms, limit: {above}ms, weight: {weight} }}
  - {{ name: b, histogram: h_ms, quantile: 0.9, tolerance: {tolerance}ms, ignore_below: {below}us, limit: {above}s }}
  - {{ name: c, ratio: {{ events: e, total: t }}, tolerance: {tolerance}pp, ignore_below: {below}%, limit: {above}% }}
  - {{ name: d, promql: 'sum(x{{ {{{{arm}}}} }})', tolerance: {tolerance}, ignore_below: {below}, limit: {above} }}\n");
        let rules = load(&text);
        prop_assert_eq!(&rules, &load(&rules.to_yaml()), "{}", rules.to_yaml());
    }
}

#[test]
fn streams_are_shared() {
    let rules = load(&format!(
        "{HEAD}metrics:
  - {{ name: p99, histogram: h_seconds, quantile: 0.99, tolerance: 10% }}
  - {{ name: p95, histogram: h_seconds, quantile: 0.95, tolerance: 10% }}
  - {{ name: errors, ratio: {{ events: 'r{{code=~\"5..\"}}', total: r }}, tolerance: 10% }}
  - {{ name: traffic, rate: r, worse: lower, tolerance: 10% }}
  - {{ name: elsewhere, ratio: {{ events: 'e{{a=\"1\"}}', total: 'r{{a=\"1\"}}' }}, tolerance: 10% }}
  - {{ name: wider, ratio: {{ events: 'r', total: 'r{{a=\"1\"}}' }}, tolerance: 10% }}
  - {{ name: only_get, ratio: {{ events: 'r{{code=~\"5..\"}}', total: r }}, where: {{ method: GET }}, tolerance: 10% }}
  - {{ name: cpu, promql: 'sum(c{{ {{{{arm}}}} }})', tolerance: 10% }}\n"
    ));
    let plan = rules.fetch_plan(60_000);
    let code = Matcher { label: "code".into(), op: MatchOp::Regex, value: "5..".into() };
    let printed: Vec<String> = plan
        .streams
        .iter()
        .map(|stream| match stream {
            StreamSpec::Counter(selector) => selector.to_string(),
            StreamSpec::Histogram(selector) => format!("histogram {selector}"),
            StreamSpec::Expression(expression) => expression.clone(),
        })
        .collect();
    assert_eq!(printed, ["histogram h_seconds", "r", "r{a=\"1\"}", "e{a=\"1\"}", "r{method=\"GET\"}", "sum(c{ {{arm}} })"]);
    assert_eq!(
        plan.signals,
        vec![
            Signal::Histogram { stream: 0 },
            Signal::Histogram { stream: 0 },
            Signal::Ratio { events: 1, events_where: vec![code.clone()], total: 1 },
            Signal::Rate { stream: 1 },
            Signal::Ratio { events: 3, events_where: vec![], total: 2 },
            Signal::Ratio { events: 1, events_where: vec![], total: 2 },
            Signal::Ratio { events: 4, events_where: vec![code], total: 4 },
            Signal::Scalar { stream: 5 },
        ]
    );
    assert_eq!((plan.step_ms, plan.max_history_samples, plan.instance), (60_000, 2_000_000, None));
}

#[test]
fn defaults_are_what_the_documentation_says() {
    let rules = rules::load_preset("prom-http", &Options::default()).unwrap();
    assert_eq!(rules.window.warmup_at(15_000), 180_000);
    assert_eq!(rules.window.warmup_at(60_000), 300_000);
    let policy = rules.policy(60_000);
    assert_eq!(policy.longest, 55);
    assert_eq!((policy.false_rollback, policy.false_promote, policy.min_windows), (0.01, 0.05, 10));
    assert!(rules.missing_arms().len() == 2 && rules.history.is_some() && policy.breaker.is_some());
    let traffic = &rules.metrics[2].rule;
    assert_eq!((traffic.on_breach, traffic.required), (davy_judge::rule::OnBreach::Warn, false));
    assert!(rules.window.check_step(300_000).unwrap_err().contains("is shorter than the warm-up"));
    assert!(rules.window.check_step(60_000).is_ok());
}

#[test]
fn a_version_names_what_is_asked_and_not_who_is_asked() {
    let text = format!(
        "{HEAD}extends: [presets/prom-http]\narms: {{ baseline: {{ version: \"{{{{ baseline }}}}\" }}, canary: {{ version: \"{{{{ canary }}}}\" }} }}\n"
    );
    let version = |baseline: &str, text: &str| rules::load_str("x", text, &options(baseline, "v9")).unwrap().version;
    assert_eq!(version("v1", &text), version("v2", &text));
    assert_ne!(version("v1", &text), version("v1", &format!("{text}breaker: false\n")));
    assert_eq!(version("v1", &text).len(), 12);
}

#[test]
fn rules_from_a_request_read_no_files() {
    for path in ["/etc/passwd", "../presets/prom-http.yaml", "presets/../../etc/passwd"] {
        let mistakes = rules::load_str("body", &format!("{HEAD}extends: ['{path}']\n"), &Options::default()).unwrap_err();
        assert_eq!(mistakes.0.len(), 1, "{mistakes}");
        assert!(
            mistakes.0[0].message.contains("can extend presets only") || mistakes.0[0].message.contains("unknown preset"),
            "{mistakes}"
        );
    }
}

#[test]
fn large_files_are_refused() {
    let long = rules::load_str("long", &format!("{HEAD}# {}\n", "x".repeat(1024 * 1024)), &Options::default()).unwrap_err();
    assert!(long.to_text().contains("expected at most 1048576 bytes"), "{long}");
    let wide = format!("{HEAD}metrics: [{}]\n", "{},".repeat(60_000));
    let wide = rules::load_str("wide", &wide, &Options::default()).unwrap_err();
    assert!(wide.to_text().contains("more than 50000 values"), "{wide}");
    let mut many = format!("{HEAD}metrics:\n");
    for number in 0..501 {
        many.push_str(&format!("  - {{ name: m{number}, rate: r, worse: lower, tolerance: 1% }}\n"));
    }
    let many = rules::load_str("many", &many, &Options::default()).unwrap_err();
    assert!(many.to_text().contains("expected at most 500 metrics"), "{many}");
}

#[test]
fn hostile_text_does_not_reach_the_terminal() {
    let mistakes = rules::load_str("x", &format!("{HEAD}\"a\\e[31m\": 1\n"), &Options::default()).unwrap_err();
    assert!(!mistakes.to_text().contains('\u{1b}'), "{mistakes}");
    assert!(mistakes.to_ansi().contains("\u{1b}["), "colours are ours alone");
}
