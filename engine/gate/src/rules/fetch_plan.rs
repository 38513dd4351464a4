//! From rules to what a source must fetch and what the judge must know.

use davy_judge::rule::Policy;
use davy_sources::samples::{FetchPlan, Matcher, Selector, Signal, StreamSpec};

use crate::rules::rule_set::{MetricSignal, RuleSet, WindowRule};

impl RuleSet {
    /// What a source must fetch, no stream twice: P95 and P99 of one histogram share one stream, throughput and an error
    /// rate's total share one, and events that only narrow the total are picked out of the total's stream.
    ///
    /// `step_ms` is the windows' length, above 0. `arms` are as they stand in the rules: the caller refuses empty ones
    /// (see [`RuleSet::missing_arms`]). `instance` is what the rules say; where they say nothing and history is on, the
    /// caller fills in the label that it found.
    pub fn fetch_plan(&self, step_ms: i64) -> FetchPlan {
        let mut streams = Streams(Vec::new());
        let mut signals = Vec::new();
        for metric in &self.metrics {
            signals.push(match &metric.signal {
                MetricSignal::Histogram(selector) => Signal::Histogram { stream: streams.index(StreamSpec::Histogram(selector.clone())) },
                MetricSignal::Ratio { events, total } => {
                    let total_stream = streams.index(StreamSpec::Counter(total.clone()));
                    match narrowing(total, events) {
                        Some(events_where) => Signal::Ratio { events: total_stream, events_where, total: total_stream },
                        None => Signal::Ratio {
                            events: streams.index(StreamSpec::Counter(events.clone())),
                            events_where: Vec::new(),
                            total: total_stream,
                        },
                    }
                }
                MetricSignal::Rate(selector) => Signal::Rate { stream: streams.index(StreamSpec::Counter(selector.clone())) },
                MetricSignal::Promql(expression) => Signal::Scalar { stream: streams.index(StreamSpec::Expression(expression.clone())) },
            });
        }
        FetchPlan {
            streams: streams.0,
            signals,
            slices: self.metrics.iter().map(|metric| metric.by.clone()).collect(),
            arms: self.arms.clone(),
            history_from: self.history.as_ref().and_then(|history| history.from.clone()),
            instance: self.history.as_ref().and_then(|history| history.instance.clone()),
            step_ms,
            max_history_samples: self.history.as_ref().map_or(0, |history| history.max_samples),
        }
    }

    /// What holds for all metrics, at a step in milliseconds, above 0.
    pub fn policy(&self, step_ms: i64) -> Policy {
        Policy {
            false_rollback: self.decision.false_rollback,
            false_promote: self.decision.false_promote,
            at_deadline: self.decision.at_deadline,
            on_missing: self.decision.on_missing,
            min_windows: self.window.min_windows,
            breaker: self.breaker,
            expected_split: self.expected_split,
            longest: self.window.judged_at(step_ms),
            step_seconds: step_ms as f64 / 1000.0,
        }
    }

    /// The arms that have no matchers: neither the file nor the caller gave any.
    pub fn missing_arms(&self) -> Vec<davy_judge::arm::Arm> {
        davy_judge::arm::Arm::BOTH.into_iter().filter(|arm| self.arms.get(*arm).is_empty()).collect()
    }
}

impl WindowRule {
    /// Whole windows between warm-up and deadline at a step in milliseconds; at least 1.
    pub fn judged_at(&self, step_ms: i64) -> usize {
        let judged_ms = self.deadline_ms.saturating_sub(self.warmup_at(step_ms));
        usize::try_from(judged_ms / step_ms.max(1)).unwrap_or(0).max(1)
    }

    /// Whether warm-up and `min_windows` fit before the deadline at a step that the source chose.
    ///
    /// # Errors
    /// What does not fit, for people: with such rules nothing can ever be promoted.
    pub fn check_step(&self, step_ms: i64) -> Result<(), String> {
        let warmup_ms = self.warmup_at(step_ms);
        let least_ms = i64::try_from(self.min_windows).unwrap_or(i64::MAX).saturating_mul(step_ms).saturating_add(warmup_ms);
        if least_ms <= self.deadline_ms {
            return Ok(());
        }
        Err(format!(
            "deadline {} is shorter than the warm-up ({}) and {} windows of {}: nothing could be promoted before {}",
            crate::rules::quantity::duration_text(self.deadline_ms),
            crate::rules::quantity::duration_text(warmup_ms),
            self.min_windows,
            crate::rules::quantity::duration_text(step_ms),
            crate::rules::quantity::duration_text(least_ms),
        ))
    }
}

struct Streams(Vec<StreamSpec>);

impl Streams {
    fn index(&mut self, spec: StreamSpec) -> usize {
        match self.0.iter().position(|known| *known == spec) {
            Some(at) => at,
            None => {
                self.0.push(spec);
                self.0.len() - 1
            }
        }
    }
}

/// What must hold for a series of `total` to count as an event; none where events are not among the total's series.
fn narrowing(total: &Selector, events: &Selector) -> Option<Vec<Matcher>> {
    let is_subset = events.name == total.name && total.matchers.iter().all(|matcher| events.matchers.contains(matcher));
    is_subset.then(|| events.matchers.iter().filter(|matcher| !total.matchers.contains(matcher)).cloned().collect())
}
