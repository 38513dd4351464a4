//! The little of PromQL that makes sense of levels: one metric, summed up, averaged, or the extreme of.

use std::collections::BTreeSet;

use davy_judge::arm::Arm;
use promql_parser::parser::{self, Expr, token};

use crate::matching::LabelFilter;
use crate::otlp::labels::as_series;
use crate::otlp::names::{self, Wanted};
use crate::otlp::point::Shape;
use crate::otlp::readings::Reading;
use crate::otlp::source::{asked, is_chosen};
use crate::otlp::store::{State, joined};
use crate::samples::{FetchPlan, Part, Samples, Selector, Series, Span, StreamData, StreamSpec};
use crate::selector::fill_template;

/// An older value is no value any more, ms: as Prometheus has it.
const LOOKBACK_MS: i64 = 5 * 60_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fold {
    /// One series, or nothing is known.
    Only,
    Sum,
    Average,
    Largest,
    Least,
}

/// An expression that can be told from points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    fold: Fold,
    selector: Selector,
    text: StreamSpec,
}

impl Expression {
    /// Reads one.
    ///
    /// # Errors
    /// What can be written instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "expected sum, avg, max or min of one metric with {{{{arm}}}} (such as avg(process_cpu_utilization{{{{{{arm}}}}}})), found {text}; OTLP is no PromQL: write the metric as histogram, ratio or rate"
            )
        };
        let filled = fill_template(text, &[], 1_000);
        let (fold, inner) = match parser::parse(&filled).map_err(|_| refused())? {
            Expr::Aggregate(found) if found.modifier.is_none() && found.param.is_none() => {
                let fold = match found.op.id() {
                    token::T_SUM => Fold::Sum,
                    token::T_AVG => Fold::Average,
                    token::T_MAX => Fold::Largest,
                    token::T_MIN => Fold::Least,
                    _ => return Err(refused()),
                };
                (fold, found.expr.to_string())
            }
            Expr::VectorSelector(found) => (Fold::Only, found.to_string()),
            _ => return Err(refused()),
        };
        let selector = Selector::parse(&inner).map_err(|_| refused())?;
        Ok(Expression { fold, text: StreamSpec::Counter(selector.clone()), selector })
    }

    /// What it selects.
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// The same as a stream, for the labels that it asks for.
    pub fn stream(&self) -> &StreamSpec {
        &self.text
    }

    /// Its value at each window's end, for each arm, or for each instance of the history.
    pub fn evaluate(
        &self,
        state: &State,
        plan: &FetchPlan,
        arms: &[(Arm, LabelFilter)],
        part: Part,
        span: Span,
        chosen: Option<&BTreeSet<String>>,
    ) -> StreamData {
        let mut data = StreamData::default();
        let Ok(own) = LabelFilter::new(&self.selector.matchers) else { return data };
        let asked = asked(plan, &self.text);
        for (arm, filter) in arms {
            let mut groups: std::collections::BTreeMap<String, Vec<Vec<(i64, f64)>>> = std::collections::BTreeMap::new();
            for (key, metric) in state.metrics.iter().filter(|(key, _)| key.shape == Shape::Gauge) {
                let Some(factor) = names::factor(key, &self.selector.name, Wanted::Level) else { continue };
                let reading = Reading { shape: key.shape, is_delta: key.is_delta, factor, step_ms: plan.step_ms };
                for (series_key, series) in &metric.series {
                    let labels = as_series(&joined(&state.origins[series_key.origin], &series.labels), &asked);
                    if own.matches(&labels) && filter.matches(&labels) && is_chosen(plan, chosen, &labels) {
                        let instance = plan.instance.as_ref().and_then(|label| labels.get(label)).cloned();
                        match (part, instance) {
                            (Part::Run, _) => groups.entry(String::new()).or_default().push(reading.level(series)),
                            (Part::History, Some(instance)) => groups.entry(instance).or_default().push(reading.level(series)),
                            (Part::History, None) => {}
                        }
                    }
                }
            }
            for (instance, series) in groups {
                let points = self.values(&series, span, plan.step_ms);
                if points.is_empty() {
                    continue;
                }
                let mut labels = std::collections::BTreeMap::new();
                if let (Part::History, Some(label)) = (part, &plan.instance) {
                    labels.insert(label.clone(), instance);
                }
                data.series.push(Series { arm: *arm, labels, samples: Samples::Value(points) });
            }
        }
        data
    }

    fn values(&self, series: &[Vec<(i64, f64)>], span: Span, step_ms: i64) -> Vec<(i64, f64)> {
        let step_ms = step_ms.max(1);
        let mut points = Vec::new();
        let mut end_ms = (span.start_ms.div_euclid(step_ms) + 1) * step_ms;
        while end_ms <= span.end_ms {
            let mut now: Vec<f64> = series
                .iter()
                .filter_map(|points| {
                    let after = points.partition_point(|(time, _)| *time <= end_ms);
                    let (time, value) = points[..after].last()?;
                    (end_ms - time < LOOKBACK_MS.max(step_ms)).then_some(*value)
                })
                .collect();
            // One order for the sum, whatever order the series came in.
            now.sort_by(f64::total_cmp);
            let sum = || now.iter().sum::<f64>();
            let value = match (self.fold, now.as_slice()) {
                (_, []) => None,
                (Fold::Only, [only]) => Some(*only),
                (Fold::Only, _) => Some(f64::NAN),
                (Fold::Sum, _) => Some(sum()),
                (Fold::Average, _) => Some(sum() / now.len() as f64),
                (Fold::Largest, _) => now.last().copied(),
                (Fold::Least, _) => now.first().copied(),
            };
            points.extend(value.map(|value| (end_ms, value)));
            end_ms += step_ms;
        }
        points
    }
}
