//! Which instance of the canary is worst: named for people, without weight in any decision.
//!
//! Instances of the canary have no counterpart in the baseline: each is compared with all of it. Lasting differences between
//! hosts are not told from harm here, since a canary's instances have no history.

use std::collections::BTreeMap;

use crate::arm::PerArm;
use crate::constants::MOST_INSTANCES;
use crate::metric::MetricJudge;
use crate::multiplicity::e_bh;
use crate::reading::Reading;
use crate::rule::{OnBreach, Policy, Rule};
use crate::window::MetricWindow;

/// The canary's instances of one metric, by name.
#[derive(Debug, Clone)]
pub(crate) struct Instances {
    judges: BTreeMap<String, MetricJudge>,
    rule: Rule,
    policy: Policy,
}

impl Instances {
    /// None seen yet.
    pub(crate) fn new(rule: &Rule, policy: &Policy) -> Self {
        let rule = Rule { limit: None, on_breach: OnBreach::Warn, required: false, ..rule.clone() };
        Instances { judges: BTreeMap::new(), rule, policy: Policy { breaker: None, ..policy.clone() } }
    }

    /// Takes one window. The first [`MOST_INSTANCES`] that are seen are followed. `exposure` is that of the arms.
    pub(crate) fn push(&mut self, window: &MetricWindow, exposure: PerArm<f64>) {
        if self.rule.tolerance.is_none() || window.instances.is_empty() {
            return;
        }
        let exposure = PerArm { canary: exposure.canary / window.instances.len() as f64, ..exposure };
        for (name, reading) in &window.instances {
            if !self.judges.contains_key(name) {
                if self.judges.len() >= MOST_INSTANCES || *reading == Reading::Missing {
                    continue;
                }
                let mut judge = MetricJudge::for_part(&self.rule, &self.policy);
                judge.begin_step(&Err("an instance of the canary has no history".to_owned()), &[]);
                self.judges.insert(name.clone(), judge);
            }
            if let Some(judge) = self.judges.get_mut(name) {
                let arms = PerArm { baseline: window.arms.baseline.clone(), canary: reading.clone() };
                judge.push(&MetricWindow { arms, ..MetricWindow::default() }, exposure);
            }
        }
    }

    /// Name, judge and whether it stands out (by e-BH at `alpha` among those that are followed); the worst first.
    pub(crate) fn worst(&self, alpha: f64) -> Vec<(&str, &MetricJudge, bool)> {
        let all: Vec<(&String, &MetricJudge)> = self.judges.iter().collect();
        let evidences: Vec<f64> = all.iter().map(|(_, judge)| judge.ln_harm()).collect();
        let named = e_bh(&evidences, alpha);
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by(|one, other| evidences[*other].total_cmp(&evidences[*one]));
        order.into_iter().map(|index| (all[index].0.as_str(), all[index].1, named.contains(&index))).collect()
    }
}
