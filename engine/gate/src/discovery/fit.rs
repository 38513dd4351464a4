//! How well a preset fits what a source holds.

use std::collections::BTreeSet;

use davy_judge::arm::{Arm, PerArm};
use davy_sources::prometheus::Holding;
use davy_sources::samples::{FetchPlan, MatchOp, Matcher, Selector, Signal, StreamSpec};

use crate::rules::presets::{PRESETS, Preset};
use crate::rules::{MetricRule, MetricSignal, Options, RuleSet, load_preset};

/// Labels in which HTTP servers of different frameworks put the status code; one stands in for another.
const STATUS_LABELS: [&str; 7] =
    ["code", "status", "status_code", "http_status_code", "http_response_status_code", "response_code", "http_code"];
/// The step in a candidate's plan; only its streams are looked at.
const ANY_STEP_MS: i64 = 60_000;

/// A preset that might fit.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Which.
    pub preset: Preset,
    /// Its rules, with the caller's arms.
    pub rules: RuleSet,
    /// What to look for: the holdings of these streams, in their order.
    pub plan: FetchPlan,
}

/// Every preset, in the order in which they are tried.
pub fn candidates(options: &Options) -> Vec<Candidate> {
    let loaded = PRESETS.into_iter().filter_map(|preset| Some((preset, load_preset(preset.name, options).ok()?)));
    loaded.map(|(preset, rules)| Candidate { preset, plan: without_guards(&rules).fetch_plan(ANY_STEP_MS), rules }).collect()
}

/// A preset asks for the label of the status (`code!=""`), so that nothing is judged where there is none. Here another label
/// may stand in for it, so what is looked for is the same without that.
fn without_guards(rules: &RuleSet) -> RuleSet {
    let strip = |selector: &mut Selector| selector.matchers.retain(|matcher| !is_guard(matcher));
    let mut rules = rules.clone();
    for metric in &mut rules.metrics {
        match &mut metric.signal {
            MetricSignal::Histogram(selector) | MetricSignal::Rate(selector) => strip(selector),
            MetricSignal::Ratio { events, total } => {
                strip(events);
                strip(total);
            }
            MetricSignal::Promql(_) => {}
        }
    }
    rules
}

impl Candidate {
    /// The names of series that it reads, those of classic histograms with their suffix; expressions have none.
    pub fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for stream in &self.plan.streams {
            match stream {
                StreamSpec::Counter(selector) => {
                    names.insert(selector.name.clone());
                }
                StreamSpec::Histogram(selector) => names.extend([selector.name.clone(), format!("{}_bucket", selector.name)]),
                StreamSpec::Expression(_) => {}
            }
        }
        names
    }

    /// Whether there is any sense in asking for its streams, where these names exist.
    pub fn is_possible(&self, existing: &BTreeSet<String>) -> bool {
        let has_expression = self.plan.streams.iter().any(|stream| matches!(stream, StreamSpec::Expression(_)));
        has_expression || self.names().iter().any(|name| existing.contains(name))
    }
}

/// Whether a matcher only asks that the label of the status is there.
fn is_guard(matcher: &Matcher) -> bool {
    matcher.op == MatchOp::NotEqual && matcher.value.is_empty() && STATUS_LABELS.contains(&matcher.label.as_str())
}

/// One metric of a preset beside what a source holds.
#[derive(Debug, Clone)]
pub struct MetricFit {
    /// The metric, adapted to the labels that are there.
    pub metric: MetricRule,
    /// Which arms have it.
    pub arms: PerArm<bool>,
    /// Whether anybody has it.
    pub anywhere: bool,
    /// Why it cannot be judged; none: it can.
    pub lacks: Option<String>,
    /// What was changed, or is worth knowing.
    pub notes: Vec<String>,
}

/// One preset beside what a source holds.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The preset.
    pub candidate: Candidate,
    /// One per metric of the preset.
    pub metrics: Vec<MetricFit>,
}

impl Fit {
    /// Compares a preset with what was found: one holding per stream of its plan.
    pub fn new(candidate: Candidate, holdings: &[Holding]) -> Fit {
        let metrics = candidate.rules.metrics.iter().zip(&candidate.plan.signals);
        let metrics = metrics.map(|(metric, signal)| fit_metric(metric, signal, holdings, &candidate.plan)).collect();
        Fit { metrics, candidate }
    }

    /// The metrics that the baseline has (where it has any, else the canary, else anybody), and those that are left out. A
    /// metric that only the canary lacks is kept: its absence must be seen.
    pub fn split(&self) -> (Vec<&MetricFit>, Vec<&MetricFit>) {
        let whole = |metric: &&MetricFit| metric.lacks.is_none();
        let has_any = |arm: Arm| self.metrics.iter().filter(whole).any(|metric| *metric.arms.get(arm));
        let is_kept = |metric: &MetricFit| {
            metric.lacks.is_none()
                && match (has_any(Arm::Baseline), has_any(Arm::Canary)) {
                    (true, _) => metric.arms.baseline,
                    (false, true) => metric.arms.canary,
                    (false, false) => metric.anywhere,
                }
        };
        self.metrics.iter().partition(|metric| is_kept(metric))
    }

    /// Whether it can be used at all: something that tells of answers can be shown safe.
    pub fn is_usable(&self) -> bool {
        self.split().0.iter().any(|metric| metric.metric.rule.required && !matches!(metric.metric.signal, MetricSignal::Promql(_)))
    }

    /// Whether it only goes beside another: it tells nothing of answers, and both arms have something of it.
    pub fn is_companion(&self) -> bool {
        let (kept, _) = self.split();
        let tells_of_answers = self.candidate.rules.metrics.iter().any(|metric| !matches!(metric.signal, MetricSignal::Promql(_)));
        !tells_of_answers && kept.iter().any(|metric| metric.arms.baseline && metric.arms.canary)
    }

    /// Which arms have at least one required metric.
    pub fn arms(&self) -> PerArm<bool> {
        let (kept, _) = self.split();
        PerArm::from_fn(|arm| kept.iter().any(|metric| metric.metric.rule.required && *metric.arms.get(arm)))
    }

    /// Larger is better: arms that have it, required metrics in both arms, nothing left out, metrics, matchers (a preset that
    /// asks for more is more particular).
    fn rank(&self) -> (usize, usize, bool, usize, usize) {
        let (kept, left_out) = self.split();
        let arms = self.arms();
        let in_both = kept.iter().filter(|metric| metric.metric.rule.required && metric.arms.baseline && metric.arms.canary);
        let matchers = kept.iter().map(|metric| match &metric.metric.signal {
            MetricSignal::Histogram(selector) | MetricSignal::Rate(selector) => selector.matchers.len(),
            MetricSignal::Ratio { total, .. } => total.matchers.len(),
            MetricSignal::Promql(_) => 0,
        });
        (usize::from(arms.baseline) + usize::from(arms.canary), in_both.count(), left_out.is_empty(), kept.len(), matchers.sum())
    }
}

/// The usable fits, best first; of equals the one that is tried first.
pub fn best(fits: Vec<Fit>) -> Vec<Fit> {
    let mut usable: Vec<Fit> = fits.into_iter().filter(Fit::is_usable).collect();
    usable.sort_by_key(|fit| std::cmp::Reverse(fit.rank()));
    usable
}

fn fit_metric(metric: &MetricRule, signal: &Signal, holdings: &[Holding], plan: &FetchPlan) -> MetricFit {
    let mut fit = MetricFit { metric: metric.clone(), arms: PerArm::default(), anywhere: false, lacks: None, notes: Vec::new() };
    let main = match signal {
        Signal::Histogram { stream } | Signal::Rate { stream } | Signal::Scalar { stream } => *stream,
        Signal::Ratio { total, .. } => *total,
    };
    let none = Holding::none();
    let holding = holdings.get(main).unwrap_or(&none);
    fit.arms = holding.held;
    fit.anywhere = holding.anywhere;
    if !holding.anywhere {
        fit.lacks = Some(format!("no series is named so: {}", crate::queries::stream_text(&plan.streams[main])));
        return fit;
    }
    if holding.named != holding.held && holding.held == PerArm::default() {
        fit.lacks = Some(format!("no series of the arms matches {}", crate::queries::stream_text(&plan.streams[main])));
        return fit;
    }
    match (&metric.signal, signal) {
        (MetricSignal::Ratio { events, total }, Signal::Ratio { events: events_stream, events_where, total: total_stream }) => {
            let is_same = events_stream == total_stream;
            let of_events = holdings.get(*events_stream).unwrap_or(&none);
            if !of_events.anywhere {
                fit.lacks = Some(format!("no series is named {}: whether nothing fails or nobody counts it cannot be told", events.name));
                return fit;
            }
            let asked = if is_same { events_where } else { &events.matchers };
            let (mut adapted, mut adapted_total) = (events.clone(), total.clone());
            for matcher in asked {
                match instead_of(&matcher.label, &of_events.labels) {
                    Instead::Itself => {}
                    Instead::Other(label) => {
                        adapted = renamed(&adapted, &matcher.label, &label);
                        adapted_total = renamed(&adapted_total, &matcher.label, &label);
                        fit.notes.push(format!("the label {label} in place of the preset's {}", matcher.label));
                    }
                    Instead::Nothing => {
                        fit.lacks = Some(format!(
                            "its events are found by the label {}, which {} does not have; labels there: {}",
                            matcher.label,
                            events.name,
                            listed(&of_events.labels)
                        ));
                        return fit;
                    }
                }
            }
            fit.metric.signal = MetricSignal::Ratio { events: adapted, total: adapted_total };
        }
        (MetricSignal::Histogram(selector), _) => {
            fit.metric.signal = MetricSignal::Histogram(adapt_filter(selector, holding, &mut fit.notes));
        }
        (MetricSignal::Rate(selector), _) => {
            fit.metric.signal = MetricSignal::Rate(adapt_filter(selector, holding, &mut fit.notes));
        }
        (MetricSignal::Ratio { .. } | MetricSignal::Promql(_), _) => {}
    }
    fit
}

/// A filter on a label that no series has filters nothing: takes the label that stands in for it, or says so.
fn adapt_filter(selector: &Selector, holding: &Holding, notes: &mut Vec<String>) -> Selector {
    let mut adapted = selector.clone();
    for matcher in &selector.matchers {
        let label = &matcher.label;
        match instead_of(label, &holding.labels) {
            Instead::Itself => {}
            Instead::Other(other) => {
                adapted = renamed(&adapted, label, &other);
                notes.push(format!("the label {other} in place of the preset's {label}"));
            }
            // All requests are counted, whatever became of them.
            Instead::Nothing if is_guard(matcher) => adapted.matchers.retain(|known| known != matcher),
            Instead::Nothing => notes.push(format!("no series of it has the label {label}: failures are counted like everything else")),
        }
    }
    adapted
}

enum Instead {
    Itself,
    Other(String),
    Nothing,
}

/// The label under which a status code is found, where it is not the preset's own; only where there is just one.
fn instead_of(label: &str, labels: &BTreeSet<String>) -> Instead {
    if labels.contains(label) {
        return Instead::Itself;
    }
    if !STATUS_LABELS.contains(&label) {
        return Instead::Nothing;
    }
    let mut others = STATUS_LABELS.iter().filter(|other| labels.contains(**other));
    match (others.next(), others.next()) {
        (Some(only), None) => Instead::Other((*only).to_owned()),
        (Some(_), Some(_)) | (None, _) => Instead::Nothing,
    }
}

fn renamed(selector: &Selector, from: &str, to: &str) -> Selector {
    let mut renamed = selector.clone();
    for matcher in &mut renamed.matchers {
        if matcher.label == from {
            to.clone_into(&mut matcher.label);
        }
    }
    renamed.matchers.sort();
    renamed
}

fn listed(labels: &BTreeSet<String>) -> String {
    let plain: Vec<&str> = labels.iter().map(String::as_str).filter(|label| *label != "__name__" && *label != "le").collect();
    if plain.is_empty() { "none".to_owned() } else { plain.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        let arm = |value: &str| {
            Some(vec![Matcher { label: "version".to_owned(), op: davy_sources::samples::MatchOp::Equal, value: value.to_owned() }])
        };
        Options { baseline: arm("v1"), canary: arm("v2"), ..Options::default() }
    }

    fn candidate(name: &str) -> Candidate {
        candidates(&options()).into_iter().find(|candidate| candidate.preset.name == name).expect("a shipped preset")
    }

    fn holding(held: (bool, bool), labels: &[&str]) -> Holding {
        let held = PerArm { baseline: held.0, canary: held.1 };
        Holding { held, named: held, anywhere: true, labels: labels.iter().map(|label| (*label).to_owned()).collect() }
    }

    /// One holding for every stream of a preset.
    fn all(name: &str, like: &Holding) -> Fit {
        let candidate = candidate(name);
        let holdings = vec![like.clone(); candidate.plan.streams.len()];
        Fit::new(candidate, &holdings)
    }

    #[test]
    fn every_preset_is_a_candidate() {
        assert_eq!(candidates(&options()).len(), PRESETS.len());
        assert_eq!(candidates(&Options::default()).len(), PRESETS.len(), "also without arms");
    }

    #[test]
    fn a_whole_preset_in_both_arms_wins() {
        let whole = all("otel-http", &holding((true, true), &["http_response_status_code", "version"]));
        let half = all("prom-http", &holding((true, false), &["code", "version"]));
        let ranked = best(vec![half, whole]);
        let names: Vec<&str> = ranked.iter().map(|fit| fit.candidate.preset.name).collect();
        assert_eq!(names, ["otel-http", "prom-http"]);
        assert_eq!(ranked[0].split().1.len(), 0);
    }

    #[test]
    fn failures_that_nobody_counts_are_left_out_aloud() {
        let fit = all("prom-http", &holding((true, true), &["method", "version"]));
        let (kept, left_out) = fit.split();
        let names = |metrics: &[&MetricFit]| metrics.iter().map(|metric| metric.metric.rule.name.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names(&kept), names(&left_out)),
            (vec!["latency_p99".to_owned(), "throughput".to_owned()], vec!["error_rate".to_owned()])
        );
        let why = left_out[0].lacks.clone().expect("a reason");
        assert!(why.contains("label code") && why.contains("method, version"), "{why}");
        let rates: Vec<String> = kept
            .iter()
            .filter_map(|fit| match &fit.metric.signal {
                MetricSignal::Rate(selector) => Some(selector.to_string()),
                MetricSignal::Histogram(_) | MetricSignal::Ratio { .. } | MetricSignal::Promql(_) => None,
            })
            .collect();
        assert_eq!(rates, ["http_requests_total"], "requests are counted without a status too");
        assert!(kept[0].notes[0].contains("failures are counted"), "{:?}", kept[0].notes);
    }

    #[test]
    fn another_name_of_the_status_is_understood_where_it_is_the_only_one() {
        let fit = all("prom-http", &holding((true, true), &["status", "version"]));
        let (kept, left_out) = fit.split();
        assert_eq!((kept.len(), left_out.len()), (3, 0));
        let MetricSignal::Ratio { events, total } = &kept[1].metric.signal else { panic!("a ratio") };
        assert_eq!(events.to_string(), "http_requests_total{status!=\"\",status=~\"5..\"}");
        assert_eq!(total.to_string(), "http_requests_total{status!=\"\"}");
        let MetricSignal::Rate(selector) = &kept[2].metric.signal else { panic!("a rate") };
        assert_eq!(selector.to_string(), "http_requests_total{status!=\"\"}");
        let two = all("prom-http", &holding((true, true), &["status", "status_code"]));
        assert_eq!(two.split().1.len(), 1, "of two nobody knows which");
    }

    #[test]
    fn what_only_the_canary_lacks_is_kept_and_what_the_baseline_lacks_is_not() {
        let candidate = candidate("prom-http");
        let latency = candidate.plan.streams.iter().position(|stream| matches!(stream, StreamSpec::Histogram(_))).expect("a histogram");
        let with = |latency_held| {
            let holdings: Vec<Holding> = (0..candidate.plan.streams.len())
                .map(|stream| holding(if stream == latency { latency_held } else { (true, true) }, &["code"]))
                .collect();
            Fit::new(candidate.clone(), &holdings)
        };
        assert_eq!(with((true, false)).split().1.len(), 0);
        assert_eq!(with((false, true)).split().1.len(), 1);
    }

    #[test]
    fn arms_that_nobody_has_leave_the_preset_to_be_judged_empty() {
        let nobody = Holding { anywhere: true, labels: ["code".to_owned()].into(), ..Holding::default() };
        let fit = all("prom-http", &nobody);
        assert!(fit.is_usable());
        assert_eq!(fit.arms(), PerArm::default());
        assert!(!all("prom-http", &Holding::none()).is_usable());
    }
}
