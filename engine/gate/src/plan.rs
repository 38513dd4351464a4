//! What one analysis will do: rules with every choice made, times on the grid, what to fetch.

use davy_judge::arm::Arm;
use davy_sources::align::Grid;
use davy_sources::recording::{About, RulePlace, Weight};
use davy_sources::samples::{FetchPlan, Span};
use sha2::{Digest, Sha256};

use crate::rules::{MetricRule, RuleSet};

/// An analysis cannot be planned from what the caller gave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// An arm has no matchers.
    #[error("expected matchers that tell the {0} apart, found none; give --{0} LABEL=VALUE, or `arms.{0}` in the rules")]
    NoArm(&'static str),
    /// A metric is sliced by what tells arms or instances apart.
    #[error("metric {metric}: `by` names the label `{label}`, {why}; name a label that both arms share, such as `route`")]
    By {
        /// The metric's name.
        metric: String,
        /// The label.
        label: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The times do not fit together.
    #[error("{0}")]
    Times(String),
}

/// One analysis, planned.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The rules, with step and instance label filled in.
    pub rules: RuleSet,
    /// What to fetch.
    pub fetch: FetchPlan,
    /// The windows' length.
    pub step_ms: i64,
    /// What is skipped from the canary's first sample, and at each traffic step.
    pub warmup_ms: i64,
    /// When the analysis began, ms since the epoch.
    pub start_ms: i64,
    /// When a hold becomes what the rules say, ms since the epoch.
    pub deadline_ms: i64,
    /// The baseline's past, where noise is learned.
    pub history: Option<Span>,
    /// When the caller shifted traffic, ascending by time.
    pub weights: Vec<Weight>,
}

impl Plan {
    /// Plans an analysis that begins at `start_ms`. `instance`: the label that the source found, where the rules name none.
    ///
    /// # Errors
    /// An arm without matchers; a deadline that nothing can be promoted before.
    pub fn new(mut rules: RuleSet, step_ms: i64, instance: Option<String>, start_ms: i64, weights: Vec<Weight>) -> Result<Plan, PlanError> {
        if let Some(arm) = rules.missing_arms().first() {
            return Err(PlanError::NoArm(Arm::name(*arm)));
        }
        if step_ms < 1 {
            return Err(PlanError::Times(format!("expected a step of at least 1 ms, found {step_ms} ms")));
        }
        rules.window.check_step(step_ms).map_err(PlanError::Times)?;
        rules.window.step_ms = Some(step_ms);
        if let Some(history) = &mut rules.history {
            history.instance = history.instance.take().or(instance);
        }
        check_slices(&rules)?;
        let fetch = rules.fetch_plan(step_ms);
        let grid = Grid { origin_ms: 0, step_ms };
        let last_edge = grid.window_end(start_ms.saturating_sub(step_ms).saturating_add(1));
        let history = rules
            .history
            .as_ref()
            .filter(|history| history.instance.is_some())
            .map(|history| Span { start_ms: grid.window_end(last_edge.saturating_sub(history.last_ms)), end_ms: last_edge });
        Ok(Plan {
            warmup_ms: rules.window.warmup_at(step_ms),
            deadline_ms: start_ms.saturating_add(rules.window.deadline_ms),
            fetch,
            step_ms,
            start_ms,
            history,
            weights,
            rules,
        })
    }

    /// The grid that windows lie on: multiples of the step since the epoch.
    pub fn grid(&self) -> Grid {
        Grid { origin_ms: 0, step_ms: self.step_ms }
    }

    /// The last window edge that is at most `time_ms`.
    pub fn edge_before(&self, time_ms: i64) -> i64 {
        time_ms - time_ms.rem_euclid(self.step_ms)
    }

    /// A hash of everything that was asked: the same inputs have the same id, live and replayed.
    pub fn id(&self) -> String {
        let digest = self.digest();
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// A seed for the thinning of pseudo-canaries, from the same inputs.
    pub fn seed(&self) -> u64 {
        self.digest().iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
    }

    /// What a recording must know of the plan to be judged again.
    pub fn about(&self) -> About {
        let place_of = |metric: &MetricRule| {
            let place = metric.place.as_ref()?;
            Some(RulePlace { metric: metric.rule.name.clone(), file: place.file.clone(), line: place.line, column: place.column })
        };
        About {
            service: self.rules.name.clone(),
            label: None,
            rules: self.rules.to_yaml(),
            rules_version: Some(self.rules.version.clone()),
            start_ms: Some(self.start_ms),
            weights: self.weights.clone(),
            places: self.rules.metrics.iter().filter_map(place_of).collect(),
            waited_until_ms: None,
            expected: None,
        }
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.rules.decisive_yaml().as_bytes());
        hash.update(self.start_ms.to_le_bytes());
        for weight in &self.weights {
            hash.update(weight.time_ms.to_le_bytes());
            hash.update(weight.weight.to_bits().to_le_bytes());
        }
        hash.finalize().into()
    }
}

/// Slices are compared between the arms, so both must have them.
fn check_slices(rules: &RuleSet) -> Result<(), PlanError> {
    for metric in &rules.metrics {
        for label in &metric.by {
            let tells_arms = Arm::BOTH.into_iter().any(|arm| rules.arms.get(arm).iter().any(|matcher| matcher.label == *label));
            let is_instance = rules.history.as_ref().and_then(|history| history.instance.as_deref()) == Some(label.as_str());
            let why = match (tells_arms, is_instance) {
                (true, _) => "by which the arms are told apart, so no slice would be in both",
                (false, true) => "which names an instance, and no instance is in both arms",
                (false, false) => continue,
            };
            return Err(PlanError::By { metric: metric.rule.name.clone(), label: label.clone(), why });
        }
    }
    Ok(())
}
