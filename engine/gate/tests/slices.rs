//! `by` from rules to report: a regression that one route has is found, named and replayed; what is missing is said.
//!
//! `DAVY_GOLDEN=1 cargo nextest run -p davy-gate --test slices` writes `fixtures/recordings/one-route-erroring` anew.

use std::collections::BTreeMap;
use std::path::Path;

use davy_gate::exemplars::attach;
use davy_gate::pipeline::{Patience, Run};
use davy_gate::plan::{Plan, PlanError};
use davy_gate::render::{Look, to_json, to_text};
use davy_gate::replay::replay;
use davy_gate::report::{Report, SliceReport, from_json, report};
use davy_gate::rules::{self, Options, RuleSet};
use davy_judge::arm::Arm;
use davy_judge::rule::OnBreach;
use davy_judge::verdict::Verdict;
use davy_sources::exemplars::{Exemplar, ExemplarRequest};
use davy_sources::recording::{About, Expected, Recorded, Recording};
use davy_sources::samples::{FetchPlan, Part, Samples, Series, Span, StreamData};
use davy_sources::source::{Fetched, Source};

const STEP_MS: i64 = 10_000;
const START_MS: i64 = 1_800_000_000_000;
const END_MS: i64 = START_MS + 46 * STEP_MS;

/// A small deterministic generator.
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn poisson(&mut self, mean: f64) -> f64 {
        if mean > 50.0 {
            let normal = (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos();
            return (mean + mean.sqrt() * normal).round().max(0.0);
        }
        let (mut count, mut left) = (0.0, mean);
        loop {
            left += self.uniform().ln();
            if left < 0.0 {
                return count;
            }
            count += 1.0;
        }
    }
}

/// What one route of the service does: requests per step and instance, and how often they fail in each arm.
#[derive(Clone)]
struct Route {
    name: String,
    requests: f64,
    baseline: f64,
    canary: Option<f64>,
}

fn route(name: &str, requests: f64, canary: Option<f64>) -> Route {
    Route { name: name.to_owned(), requests, baseline: 0.01, canary }
}

/// Six instances of the baseline and two of the canary, scraped once a step; the canaries live from the start on.
struct Service(Vec<Series>);

impl Service {
    fn new(seed: u64, routes: &[Route]) -> Self {
        let mut draws = Draws(seed);
        let mut series = Vec::new();
        let first = START_MS - 62 * STEP_MS;
        for (arm, instances) in [(Arm::Baseline, 6), (Arm::Canary, 2)] {
            let from = if arm == Arm::Baseline { first } else { START_MS };
            for instance in 0..instances {
                for route in routes {
                    let Some(rate) = (if arm == Arm::Baseline { Some(route.baseline) } else { route.canary }) else { continue };
                    let (mut good, mut bad) = (Vec::new(), Vec::new());
                    let (mut all_good, mut all_bad) = (0.0, 0.0);
                    let mut time = from;
                    while time <= END_MS {
                        good.push((time, all_good));
                        bad.push((time, all_bad));
                        all_good += draws.poisson(route.requests * (1.0 - rate));
                        all_bad += draws.poisson(route.requests * rate);
                        time += STEP_MS;
                    }
                    for (code, points) in [("200", good), ("500", bad)] {
                        let pairs = [
                            ("__name__", "http_requests_total"),
                            ("version", arm.name()),
                            ("pod", &format!("{}-{instance}", arm.name())),
                            ("route", &route.name),
                            ("code", code),
                        ];
                        let labels: BTreeMap<String, String> = pairs
                            .iter()
                            .filter(|(_, value)| !value.is_empty())
                            .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
                            .collect();
                        series.push(Series { arm, labels, samples: Samples::Counter(points) });
                    }
                }
            }
        }
        Service(series)
    }
}

impl Source for Service {
    async fn fetch(&self, plan: &FetchPlan, part: Part, span: Span) -> Fetched {
        let within = |series: &Series| {
            let Samples::Counter(points) = &series.samples else { return None };
            let kept: Vec<(i64, f64)> = points.iter().copied().filter(|(time, _)| span.start_ms < *time && *time <= span.end_ms).collect();
            let is_wanted = part == Part::Run || series.arm == Arm::Baseline;
            (is_wanted && !kept.is_empty()).then(|| Series { samples: Samples::Counter(kept), ..series.clone() })
        };
        let mut series: Vec<Series> = self.0.iter().filter_map(within).collect();
        series.sort_by(|one, other| (one.arm, &one.labels).cmp(&(other.arm, &other.labels)));
        plan.streams.iter().map(|_| Ok(StreamData { series: series.clone(), ..StreamData::default() })).collect()
    }

    async fn explain_empty(&self, _plan: &FetchPlan, _arm: Arm, _span: Span) -> Option<String> {
        None
    }

    /// Two failed payments of the canary were traced, the canary's other routes had none.
    async fn exemplars(&self, wanted: &ExemplarRequest) -> Vec<Exemplar> {
        let has = |label: &str, value: &str| wanted.series.matchers.iter().any(|matcher| matcher.label == label && matcher.value == value);
        let is_asked = wanted.series.name == "http_requests_total"
            && has("version", "canary")
            && has("code", "500")
            && has("route", "/pay")
            && wanted.span.start_ms >= START_MS
            && wanted.span.end_ms <= END_MS;
        let traced = |trace_id: &str| Exemplar {
            trace_id: trace_id.to_owned(),
            value: 1.0,
            time_ms: wanted.span.end_ms - 500,
            labels: BTreeMap::from([("pod".to_owned(), "canary-1".to_owned())]),
        };
        if is_asked { vec![traced("4bf92f3577b34da6a3ce929d0e0e4736"), traced(&"\u{1b}".repeat(500))] } else { Vec::new() }
    }
}

fn rules(by: &str, warmup: &str, history: &str) -> RuleSet {
    let text = format!(
        "schema: davy/v1
name: shop
arms: {{ baseline: {{ version: baseline }}, canary: {{ version: canary }} }}
window: {{ step: 10s, warmup: {warmup}, deadline: 10m }}
history: {history}
breaker: false
metrics:
  - name: error_rate
    ratio: {{ events: 'http_requests_total{{code=\"500\"}}', total: http_requests_total }}
    tolerance: 50%
    by: {by}
"
    );
    rules::load_str("test", &text, &Options::default()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

const HISTORY: &str = "{ last: 600s, instance: pod }";

fn planned(rules: RuleSet) -> Plan {
    Plan::new(rules, STEP_MS, None, START_MS, Vec::new()).expect("a plan")
}

fn judge<S: Source>(plan: &Plan, source: &S) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut run = Run::new(plan, source).expect("a run");
    runtime.block_on(run.advance(END_MS, Patience::Once, |_| {})).expect("the source answers");
    let mut report = report(&run, false);
    runtime.block_on(attach(&run, source, &mut report));
    report
}

fn shop(bad: f64) -> Vec<Route> {
    vec![
        route("/", 400.0, Some(0.01)),
        route("/cart", 200.0, Some(0.01)),
        route("/item/{id}", 300.0, Some(0.01)),
        route("/login", 60.0, Some(0.01)),
        route("/pay", 40.0, Some(bad)),
        route("/search", 150.0, Some(0.01)),
    ]
}

fn of<'r>(report: &'r Report, route: &str) -> &'r SliceReport {
    let has = |slice: &&SliceReport| slice.labels.as_ref().is_some_and(|labels| labels["route"] == route);
    report.findings[0].slices.iter().find(has).unwrap_or_else(|| panic!("no slice {route}: {:?}", report.findings[0].slices))
}

#[test]
fn one_bad_route_is_named_and_the_recording_replays_to_the_same_bytes() {
    let plan = planned(rules("[route]", "60s", HISTORY));
    let source = Recorded::new(Service::new(1, &shop(0.1)), &plan.fetch);
    let report = judge(&plan, &source);
    assert_eq!(report.verdict, "rollback", "{} {:?}", report.reason, report.findings[0].slices);
    assert!(report.reason.contains("it stands out in route=\"/pay\": is ×"), "{}", report.reason);
    let worst = &report.findings[0].slices[0];
    assert_eq!((worst.outcome, worst.labels.as_ref().map(|labels| labels["route"].as_str())), ("breach", Some("/pay")));
    assert!(worst.calibrated, "{worst:?}");
    assert!(worst.effect.as_ref().is_some_and(|effect| effect.lower.is_some()));
    assert_eq!(report.findings[0].slices.len(), 7, "six routes and all others");
    assert!(report.findings[0].slices[1..].iter().all(|slice| slice.outcome != "breach"));
    assert!(report.findings[0].slices.iter().any(|slice| slice.labels.is_none()));
    let text = to_text(&report, Look { width: 100, colour: false, ascii: false });
    assert!(text.contains("✗ in route=\"/pay\": is ×"), "{text}");
    assert_eq!(to_json(&from_json(&to_json(&report)).expect("it reads back")), to_json(&report));
    let traces: Vec<&str> = report.findings[0].exemplars.iter().map(|found| found.trace_id.as_str()).collect();
    assert_eq!(traces.len(), 2);
    assert_eq!(traces[0], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(traces[1].chars().count() == 80 && !traces[1].contains('\u{1b}'), "bounded and printable");
    assert!(text.contains("traces: 4bf92f3577b34da6a3ce929d0e0e4736,"), "{text}");

    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recordings/one-route-erroring");
    let about = About {
        service: "shop".to_owned(),
        label: Some("one route of six fails ten times as often; drawn, not run".to_owned()),
        rules: plan.rules.to_yaml(),
        start_ms: Some(START_MS),
        expected: Some(Expected::Verdict { verdict: Verdict::Rollback, metric: Some("error_rate".to_owned()) }),
        ..About::default()
    };
    if std::env::var_os("DAVY_GOLDEN").is_some() {
        source.snapshot().write(&fixture, &about, true).expect("writable");
    }
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("one-route-erroring");
    source.snapshot().write(&fresh, &about, true).expect("writable");
    for path in [fixture, fresh] {
        let recording = Recording::open(&path).expect("a recording");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let replayed = runtime.block_on(replay(&recording, None, false)).expect("it can be judged");
        // A recording does not know where its rules were written.
        let mut live = report.clone();
        live.findings[0].rule = None;
        assert_eq!(to_json(&replayed.report), to_json(&live), "{}", path.display());
    }
}

#[test]
fn the_worst_instance_of_the_canary_is_named_and_decides_nothing() {
    // The second of the canary's two instances fails ten times as often.
    let mut service = Service::new(6, &shop(0.01));
    for series in &mut service.0 {
        let is_bad = series.labels["pod"] == "canary-1" && series.labels["code"] == "500";
        if let (true, Samples::Counter(points)) = (is_bad, &mut series.samples) {
            points.iter_mut().for_each(|(_, value)| *value *= 10.0);
        }
    }
    // A breach that holds lets the analysis go on to the end.
    let holding = |history: &str| {
        let mut rules = rules("[]", "60s", history);
        rules.metrics[0].rule.on_breach = OnBreach::Hold;
        rules
    };
    let report = judge(&planned(holding(HISTORY)), &service);
    let instances = &report.findings[0].instances;
    let names: Vec<(&str, bool)> = instances.iter().map(|found| (found.name.as_str(), found.stands_out)).collect();
    assert_eq!(names, [("canary-1", true), ("canary-0", false)], "{instances:?}");
    assert!(instances[0].reason.starts_with("is ×"), "{}", instances[0].reason);
    let text = to_text(&report, Look { width: 100, colour: false, ascii: false });
    assert!(text.contains("worst instance canary-1: is ×"), "{text}");
    // Without names there is nobody to name, and the answer is the same.
    let (with, without) = (judge(&planned(holding("{ last: 60s, instance: pod }")), &service), judge(&planned(holding("false")), &service));
    assert!(without.findings[0].instances.is_empty());
    assert_eq!((with.verdict, with.findings[0].evidence.ln_harm), (without.verdict, without.findings[0].evidence.ln_harm));
}

#[test]
fn the_whole_drowns_what_the_slice_shows() {
    let report = judge(&planned(rules("[]", "60s", HISTORY)), &Service::new(1, &shop(0.1)));
    assert_ne!(report.verdict, "rollback", "{}", report.reason);
    assert!(report.findings[0].slices.is_empty());
    assert!(!to_json(&report).contains("\"slices\""));
}

#[test]
fn good_canaries_are_promoted_in_slices_too() {
    for (warmup, history) in [("60s", HISTORY), ("0s", "false")] {
        for seed in 10..14 {
            let report = judge(&planned(rules("[route]", warmup, history)), &Service::new(seed, &shop(0.01)));
            assert_eq!(report.verdict, "promote", "{seed} {}", report.reason);
            assert!(report.findings[0].slices.iter().all(|slice| slice.outcome != "breach" && slice.outcome != "suspect"));
        }
    }
}

#[test]
fn without_warm_up_and_history_the_first_window_chooses_and_is_not_judged_in_slices() {
    let report = judge(&planned(rules("[route]", "0s", "false")), &Service::new(2, &shop(0.1)));
    assert_eq!(report.verdict, "rollback", "{}", report.reason);
    let worst = &report.findings[0].slices[0];
    assert_eq!(worst.labels.as_ref().map(|labels| labels["route"].as_str()), Some("/pay"));
    assert_eq!(worst.baseline.windows + 1, report.findings[0].baseline.windows);
    assert!(!worst.calibrated);
}

#[test]
fn a_route_that_the_canary_lost_is_said_and_is_no_health() {
    let mut routes = shop(0.01);
    routes[3].canary = None;
    let report = judge(&planned(rules("[route]", "60s", HISTORY)), &Service::new(3, &routes));
    let lost = of(&report, "/login");
    assert_eq!((lost.outcome, lost.obstacle, lost.canary.windows), ("inconclusive", Some("no_data"), 0));
    assert_eq!((lost.evidence.ln_harm.get(), lost.evidence.ln_safe.get()), (0.0, 0.0));
    assert!(lost.reason.contains("the canary has no data"), "{}", lost.reason);
    let warned: Vec<&String> =
        report.warnings.iter().filter(|line| line.contains("the canary had no requests in route=\"/login\"")).collect();
    assert_eq!(warned.len(), 1, "{:?}", report.warnings);
    assert!(warned[0].contains("expected about"), "{}", warned[0]);
}

#[test]
fn at_most_twenty_routes_are_judged_for_themselves_and_later_ones_are_others() {
    let routes: Vec<Route> = (0..30).map(|index| route(&format!("/r{index:02}"), 20.0 + f64::from(index), Some(0.01))).collect();
    let report = judge(&planned(rules("[route]", "60s", HISTORY)), &Service::new(4, &routes));
    let slices = &report.findings[0].slices;
    assert_eq!(slices.len(), 21);
    let named: Vec<&str> = slices.iter().filter_map(|slice| slice.labels.as_ref()).map(|labels| labels["route"].as_str()).collect();
    assert!(named.len() == 20 && named.iter().all(|name| *name >= "/r10"), "the busiest: {named:?}");
    let others = slices.iter().find(|slice| slice.labels.is_none()).expect("all others");
    assert!(others.baseline.requests.is_some_and(|requests| requests.get() > 0.0));
    assert!(others.reason.starts_with("all others: "), "{}", others.reason);
}

#[test]
fn values_of_labels_are_escaped_and_bounded() {
    let evil = format!("/\u{1b}[31m\"}}\n{}", "x".repeat(500));
    let mut routes = shop(0.01);
    routes[4] = Route { name: evil, ..route("", 40.0, Some(0.06)) };
    let report = judge(&planned(rules("[route]", "60s", HISTORY)), &Service::new(5, &routes));
    let worst = &report.findings[0].slices[0];
    let value = &worst.labels.as_ref().expect("a route of its own")["route"];
    assert_eq!(value.chars().count(), 80);
    assert!(worst.reason.contains("\\\"}\\n") && !worst.reason.contains(char::is_control), "{:?}", worst.reason);
    let text = to_text(&report, Look { width: 80, colour: false, ascii: true });
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(report.summary.reason.len() < 1024);
}

#[test]
fn slices_by_what_tells_arms_or_instances_apart_are_refused() {
    for (by, why) in [("[route, version]", "the arms are told apart"), ("[pod]", "no instance is in both arms")] {
        let error = Plan::new(rules(by, "60s", HISTORY), STEP_MS, None, START_MS, Vec::new()).expect_err("it cannot be sliced");
        assert!(matches!(error, PlanError::By { .. }) && error.to_string().contains(why), "{error}");
    }
    // The instance label that was found counts as one that was written.
    let found = Plan::new(rules("[pod]", "60s", "{ last: 600s }"), STEP_MS, Some("pod".to_owned()), START_MS, Vec::new());
    assert!(matches!(found, Err(PlanError::By { .. })), "{found:?}");
}
