//! The store as a [`Source`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use davy_judge::arm::{Arm, PerArm};

use crate::error::{SourceError, SourceErrorKind};
use crate::matching::LabelFilter;
use crate::otlp::labels::{Labels, as_series};
use crate::otlp::names::{self, Wanted};
use crate::otlp::point::{Factor, Shape};
use crate::otlp::readings::{Piece, Reading};
use crate::otlp::series::{MetricKey, Series as Kept};
use crate::otlp::store::{State, WindowStore, joined, ms};
use crate::otlp::{explain, expression};
use crate::prometheus::{Holding, distance};
use crate::samples::{FetchPlan, Matcher, Part, Selector, Series, Signal, Span, StreamData, StreamSpec};
use crate::source::{Fetched, Source};

/// Sets deltas apart from cumulative samples with the same labels: a process may have changed from the one to the other.
const TEMPORALITY: &str = "otel_temporality";

/// What came by OTLP. Clones share the store.
#[derive(Debug, Clone)]
pub struct OtlpSource {
    store: Arc<WindowStore>,
    place: String,
}

impl OtlpSource {
    /// A source over a store. `place` names it for people ("otlp at 127.0.0.1:4317", "otlp in metrics.jsonl").
    pub fn new(store: Arc<WindowStore>, place: impl Into<String>) -> Self {
        OtlpSource { store, place: place.into() }
    }

    /// The store.
    pub fn store(&self) -> &Arc<WindowStore> {
        &self.store
    }

    /// What it is called.
    pub fn place(&self) -> String {
        self.place.clone()
    }

    /// The median spacing of the baseline's points before `end_ms`, in ms; none where there are too few.
    pub fn scrape_interval(&self, plan: &FetchPlan, end_ms: i64) -> Option<i64> {
        let state = self.store.lock();
        let filter = LabelFilter::new(&plan.arms.baseline).ok()?;
        let mut spacings: Vec<i64> = Vec::new();
        for stream in &plan.streams {
            each(&state, plan, stream, |found| {
                if filter.matches(&found.labels) {
                    let times: BTreeSet<i64> = found.series.points.keys().map(|key| ms(key.0)).filter(|time| *time <= end_ms).collect();
                    let times: Vec<i64> = times.into_iter().collect();
                    spacings.extend(times.windows(2).map(|pair| pair[1] - pair[0]));
                }
            });
        }
        spacings.sort_unstable();
        // SDKs export on timers that wander by some ms.
        spacings.get(spacings.len() / 2).map(|median| ((median + 50) / 100 * 100).max(100))
    }

    /// `pod` if the baseline's series have it, else `instance` if they have that.
    pub fn find_instance_label(&self, plan: &FetchPlan, span: Span) -> Option<String> {
        let state = self.store.lock();
        let filter = LabelFilter::new(plan.history_from.as_ref().unwrap_or(&plan.arms.baseline)).ok()?;
        let mut labels: BTreeSet<String> = BTreeSet::new();
        for stream in &plan.streams {
            each(&state, plan, stream, |found| {
                if filter.matches(&found.labels) && found.has_point(span) {
                    labels.extend(found.labels.into_keys());
                }
            });
        }
        ["pod", "instance"].into_iter().find(|label| labels.contains(*label)).map(str::to_owned)
    }

    /// When an arm's first point within the span was, in ms; none where it has none.
    ///
    /// # Errors
    /// Matchers that do not compile.
    pub fn first_sample_ms(&self, plan: &FetchPlan, arm: Arm, since: Span) -> Result<Option<i64>, SourceError> {
        let filter = self.filter(plan.arms.get(arm))?;
        let state = self.store.lock();
        let mut first: Option<i64> = None;
        for stream in &plan.streams {
            each(&state, plan, stream, |found| {
                if filter.matches(&found.labels) {
                    let times = found.series.points.keys().map(|key| ms(key.0));
                    first = first.into_iter().chain(times.filter(|time| since.start_ms < *time && *time <= since.end_ms).min()).min();
                }
            });
        }
        Ok(first)
    }

    /// Which of these metric names exist in the span.
    pub fn names(&self, wanted: &BTreeSet<String>, span: Span) -> BTreeSet<String> {
        let state = self.store.lock();
        let any = |metric: &MetricKey, name: &str| {
            let wanted = [Wanted::Counter, Wanted::Histogram];
            let base = name.strip_suffix("_bucket").unwrap_or(name);
            wanted.into_iter().any(|wanted| is_readable(metric.shape, wanted) && names::factor(metric, base, wanted).is_some())
        };
        let has_point = |name: &str| {
            let metrics = state.metrics.iter().filter(|(metric, _)| any(metric, name));
            metrics.flat_map(|(_, metric)| metric.series.values()).any(|series| in_span(series, span))
        };
        wanted.iter().filter(|name| has_point(name)).cloned().collect()
    }

    /// What there is of each stream of a plan, arm by arm, in the plan's order.
    ///
    /// # Errors
    /// Matchers that do not compile.
    pub fn holdings(&self, plan: &FetchPlan, span: Span) -> Result<Vec<Holding>, SourceError> {
        let arms = self.filters(plan)?;
        let state = self.store.lock();
        let holding = |stream: &StreamSpec| {
            let mut holding = Holding::none();
            let (StreamSpec::Counter(selector) | StreamSpec::Histogram(selector)) = stream else { return Ok(holding) };
            let own = self.filter(&selector.matchers)?;
            let mut of_anybody: BTreeSet<String> = BTreeSet::new();
            let bare = bare(stream);
            each(&state, plan, &bare, |found| {
                if !found.has_point(span) {
                    return;
                }
                holding.anywhere = true;
                of_anybody.extend(found.labels.keys().cloned());
                for arm in Arm::BOTH {
                    if arms.get(arm).matches(&found.labels) {
                        *holding.named.get_mut(arm) = true;
                        *holding.held.get_mut(arm) |= own.matches(&found.labels);
                        holding.labels.extend(found.labels.keys().cloned());
                    }
                }
            });
            if holding.labels.is_empty() {
                holding.labels = of_anybody;
            }
            Ok(holding)
        };
        plan.streams.iter().map(holding).collect()
    }

    /// Names of metrics that could be judged, sorted: those of the arms, else anybody's.
    pub fn alike(&self, arms: &PerArm<Vec<Matcher>>, span: Span) -> Vec<String> {
        let state = self.store.lock();
        for matchers in [&arms.baseline, &arms.canary, &Vec::new()] {
            let Ok(filter) = LabelFilter::new(matchers) else { continue };
            let asked: Vec<&str> = matchers.iter().map(|matcher| matcher.label.as_str()).collect();
            let mut found: BTreeSet<String> = BTreeSet::new();
            for (key, metric) in state.metrics.iter().filter(|(key, _)| key.shape != Shape::Gauge) {
                let has_any = metric.series.iter().any(|(series_key, series)| {
                    in_span(series, span) && filter.matches(&as_series(&joined(&state.origins[series_key.origin], &series.labels), &asked))
                });
                if has_any {
                    found.insert(names::shown(key));
                }
            }
            if !found.is_empty() {
                return found.into_iter().collect();
            }
        }
        Vec::new()
    }

    fn filter(&self, matchers: &[Matcher]) -> Result<LabelFilter, SourceError> {
        LabelFilter::new(matchers).map_err(|message| self.error(message))
    }

    fn filters(&self, plan: &FetchPlan) -> Result<PerArm<LabelFilter>, SourceError> {
        Ok(PerArm { baseline: self.filter(&plan.arms.baseline)?, canary: self.filter(&plan.arms.canary)? })
    }

    fn error(&self, message: String) -> SourceError {
        SourceError { place: self.place.clone(), kind: SourceErrorKind::File(message) }
    }

    fn stream(
        &self,
        plan: &FetchPlan,
        stream: &StreamSpec,
        part: Part,
        span: Span,
        chosen: Option<&BTreeSet<String>>,
    ) -> Result<StreamData, SourceError> {
        let arms: Vec<(Arm, LabelFilter)> = match part {
            Part::Run => {
                let filters = self.filters(plan)?;
                vec![(Arm::Baseline, filters.baseline), (Arm::Canary, filters.canary)]
            }
            Part::History => {
                vec![(Arm::Baseline, self.filter(plan.history_from.as_ref().unwrap_or(&plan.arms.baseline))?)]
            }
        };
        let state = self.store.lock();
        if let StreamSpec::Expression(text) = stream {
            let parsed = expression::Expression::parse(text).map_err(|message| self.error(message))?;
            let mut data = parsed.evaluate(&state, plan, &arms, part, span, chosen);
            add_doubts(&state, plan, (parsed.stream(), parsed.selector(), Wanted::Level), &arms, (part, span), &mut data);
            return Ok(data);
        }
        let mut data = StreamData::default();
        each(&state, plan, stream, |found| {
            if !is_chosen(plan, chosen, &found.labels) {
                return;
            }
            for (arm, _) in arms.iter().filter(|(_, filter)| filter.matches(&found.labels)) {
                let reading =
                    Reading { shape: found.metric.shape, is_delta: found.metric.is_delta, factor: found.factor, step_ms: plan.step_ms };
                let pieces = match stream {
                    StreamSpec::Histogram(_) => reading.histogram(found.series),
                    StreamSpec::Counter(_) | StreamSpec::Expression(_) => reading.counter(found.series),
                };
                for (extra, samples) in pieces {
                    push(&mut data, *arm, &found, (extra, samples));
                }
            }
        });
        data.retain_within(span);
        // Two scopes, or two units, may give one series: then each must keep to itself.
        data.series.sort_by(|one, other| (one.arm, &one.labels).cmp(&(other.arm, &other.labels)));
        if let Some((selector, wanted)) = asked_as(stream) {
            add_doubts(&state, plan, (stream, selector, wanted), &arms, (part, span), &mut data);
        }
        Ok(data)
    }
}

fn push(data: &mut StreamData, arm: Arm, found: &Found<'_>, (extra, samples): Piece) {
    let mut labels = found.labels.clone();
    labels.insert("__name__".to_owned(), found.metric.name.clone());
    if found.metric.is_delta {
        labels.insert(TEMPORALITY.to_owned(), "delta".to_owned());
    }
    if let Some((label, value)) = extra {
        labels.insert(label.to_owned(), value);
    }
    data.series.push(Series { arm, labels, samples });
}

/// What was not taken, where it may belong to an arm; and what is gone already.
fn add_doubts(
    state: &State,
    plan: &FetchPlan,
    (stream, selector, wanted): (&StreamSpec, &Selector, Wanted),
    arms: &[(Arm, LabelFilter)],
    (part, span): (Part, Span),
    data: &mut StreamData,
) {
    let asked = asked(plan, stream);
    let matchers: Vec<&Vec<Matcher>> = match part {
        Part::Run => arms.iter().map(|(arm, _)| plan.arms.get(*arm)).collect(),
        Part::History => vec![plan.history_from.as_ref().unwrap_or(&plan.arms.baseline)],
    };
    let within = |hole: Span| {
        let shared = Span { start_ms: hole.start_ms.max(span.start_ms), end_ms: hole.end_ms.min(span.end_ms) };
        (shared.start_ms < shared.end_ms).then_some(shared)
    };
    if let Some(shared) = state.anywhere.and_then(within) {
        data.doubts.push((shared, "points were not taken, of too many series to say of which".to_owned()));
    }
    for (hole, shared) in state.holes.iter().filter_map(|hole| Some((hole, within(hole.span)?))) {
        let is_named = state.metrics.keys().any(|metric| metric.name == hole.metric && factor_of(metric, selector, wanted).is_some())
            || hole.metric == selector.name;
        let labels = as_series(&state.origins[hole.origin], &asked);
        // A label that the sender does not have may stand on the point: then nothing is known.
        let may_be = matchers.iter().any(|of_arm| {
            let known: Vec<Matcher> = of_arm.iter().filter(|matcher| labels.contains_key(&matcher.label)).cloned().collect();
            LabelFilter::new(&known).is_ok_and(|filter| filter.matches(&labels))
        });
        if is_named && may_be {
            data.doubts.push((shared, format!("points of {} were not taken: {}", hole.metric, hole.reason.text())));
        }
    }
    let forgotten_ms = if state.forgotten_ns > 0 { ms(state.forgotten_ns) } else { i64::MIN };
    if forgotten_ms > span.start_ms {
        let text = "points of this time were dropped for their age or for memory".to_owned();
        match part {
            Part::Run => data.doubts.push((Span { start_ms: span.start_ms, end_ms: forgotten_ms.min(span.end_ms) }, text)),
            // Its windows are gaps, and a shorter history is one all the same.
            Part::History => {
                data.notes.push("the history is shorter than asked for: older points were dropped for their age or for memory".to_owned())
            }
        }
    }
}

/// A series that a stream reads.
pub(super) struct Found<'s> {
    pub metric: &'s MetricKey,
    pub series: &'s Kept,
    pub factor: Factor,
    /// All its labels, under the names of both worlds.
    pub labels: Labels,
}

impl Found<'_> {
    fn has_point(&self, span: Span) -> bool {
        in_span(self.series, span)
    }
}

pub(super) fn in_span(series: &Kept, span: Span) -> bool {
    series.points.keys().map(|key| ms(key.0)).any(|time| span.start_ms < time && time <= span.end_ms)
}

/// Whether a kind of metric can be read so.
fn is_readable(shape: Shape, wanted: Wanted) -> bool {
    match wanted {
        Wanted::Counter => matches!(shape, Shape::Sum | Shape::Histogram | Shape::Exponential | Shape::Summary),
        Wanted::Histogram => matches!(shape, Shape::Histogram | Shape::Exponential),
        Wanted::Level => matches!(shape, Shape::Gauge),
    }
}

/// How a stream reads a metric; none: it does not.
fn reads(metric: &MetricKey, stream: &StreamSpec) -> Option<Factor> {
    let (selector, wanted) = asked_as(stream)?;
    factor_of(metric, selector, wanted)
}

/// What a stream of series selects, and as what; an expression says so itself.
fn asked_as(stream: &StreamSpec) -> Option<(&Selector, Wanted)> {
    match stream {
        StreamSpec::Counter(selector) => Some((selector, Wanted::Counter)),
        StreamSpec::Histogram(selector) => Some((selector, Wanted::Histogram)),
        StreamSpec::Expression(_) => None,
    }
}

fn factor_of(metric: &MetricKey, selector: &Selector, wanted: Wanted) -> Option<Factor> {
    if is_readable(metric.shape, wanted) { names::factor(metric, &selector.name, wanted) } else { None }
}

/// The labels by whose names anything of a plan or stream asks.
pub(super) fn asked<'p>(plan: &'p FetchPlan, stream: &'p StreamSpec) -> Vec<&'p str> {
    let arms = Arm::BOTH.into_iter().flat_map(|arm| plan.arms.get(arm)).chain(plan.history_from.iter().flatten());
    let mut asked: Vec<&str> = arms.map(|matcher| matcher.label.as_str()).chain(plan.instance.as_deref()).collect();
    if let StreamSpec::Counter(selector) | StreamSpec::Histogram(selector) = stream {
        asked.extend(selector.matchers.iter().map(|matcher| matcher.label.as_str()));
    }
    for signal in &plan.signals {
        if let Signal::Ratio { events_where, .. } = signal {
            asked.extend(events_where.iter().map(|matcher| matcher.label.as_str()));
        }
    }
    asked.extend(plan.slices.iter().flatten().map(String::as_str));
    asked
}

/// Every series that a counter or histogram stream reads.
pub(super) fn each<'s>(state: &'s State, plan: &FetchPlan, stream: &StreamSpec, mut take: impl FnMut(Found<'s>)) {
    let (StreamSpec::Counter(selector) | StreamSpec::Histogram(selector)) = stream else { return };
    let Ok(own) = LabelFilter::new(&selector.matchers) else { return };
    let asked = asked(plan, stream);
    for (key, metric) in &state.metrics {
        let Some(factor) = reads(key, stream) else { continue };
        for (series_key, series) in &metric.series {
            let labels = as_series(&joined(&state.origins[series_key.origin], &series.labels), &asked);
            if own.matches(&labels) {
                take(Found { metric: key, series, factor, labels });
            }
        }
    }
}

/// The same stream without matchers of its own.
fn bare(stream: &StreamSpec) -> StreamSpec {
    let bare = |selector: &Selector| Selector { name: selector.name.clone(), matchers: Vec::new() };
    match stream {
        StreamSpec::Counter(selector) => StreamSpec::Counter(bare(selector)),
        StreamSpec::Histogram(selector) => StreamSpec::Histogram(bare(selector)),
        StreamSpec::Expression(text) => StreamSpec::Expression(text.clone()),
    }
}

/// Whether a series' instance is among those that were chosen.
pub(super) fn is_chosen(plan: &FetchPlan, chosen: Option<&BTreeSet<String>>, labels: &Labels) -> bool {
    match (chosen, &plan.instance) {
        (Some(chosen), Some(label)) => labels.get(label).is_some_and(|instance| chosen.contains(instance)),
        (Some(_), None) | (None, _) => true,
    }
}

/// The instances whose history fits the budget, by name; a note where some are left out.
fn fitting(state: &State, plan: &FetchPlan, span: Span, filter: &LabelFilter) -> (BTreeSet<String>, Option<String>) {
    let mut samples: BTreeMap<String, u64> = BTreeMap::new();
    for stream in &plan.streams {
        each(state, plan, stream, |found| {
            let instance = plan.instance.as_ref().and_then(|label| found.labels.get(label)).filter(|instance| !instance.is_empty());
            if let (Some(instance), true) = (instance, filter.matches(&found.labels)) {
                let times = found.series.points.iter().filter(|(key, _)| span.start_ms < ms(key.0) && ms(key.0) <= span.end_ms);
                let of_point = |value: &crate::otlp::point::Value| match value {
                    crate::otlp::point::Value::Buckets { counts, .. } => counts.len() as u64,
                    crate::otlp::point::Value::Number(_) | crate::otlp::point::Value::Exponential(_) => 1,
                };
                *samples.entry(instance.clone()).or_default() += times.map(|(_, value)| of_point(value)).sum::<u64>();
            }
        });
    }
    let mut sum = 0_u64;
    let all = samples.len();
    let taken: BTreeSet<String> = samples
        .into_iter()
        .take_while(|(_, count)| {
            sum = sum.saturating_add(*count);
            sum <= plan.max_history_samples
        })
        .map(|(instance, _)| instance)
        .collect();
    let left_out = all - taken.len();
    let note =
        format!("history takes {} instances; {left_out} are left out for history.max_samples ({})", taken.len(), plan.max_history_samples);
    (taken, (left_out > 0).then_some(note))
}

impl Source for OtlpSource {
    async fn fetch(&self, plan: &FetchPlan, part: Part, span: Span) -> Fetched {
        let mut chosen = None;
        let mut note = None;
        if part == Part::History {
            let whose = plan.history_from.as_ref().unwrap_or(&plan.arms.baseline);
            match self.filter(whose) {
                Ok(filter) => {
                    let (instances, left_out) = fitting(&self.store.lock(), plan, span, &filter);
                    // A series without an instance is nobody's history, and expressions have none that are counted.
                    let has_raw = plan.streams.iter().any(|stream| !matches!(stream, StreamSpec::Expression(_)));
                    chosen = has_raw.then_some(instances);
                    note = left_out;
                }
                Err(error) => return plan.streams.iter().map(|_| Err(error.clone())).collect(),
            }
        }
        let answers = plan.streams.iter().map(|stream| self.stream(plan, stream, part, span, chosen.as_ref()));
        answers
            .map(|answer| {
                answer.map(|mut data| {
                    data.notes.extend(note.clone());
                    data
                })
            })
            .collect()
    }

    async fn explain_empty(&self, plan: &FetchPlan, arm: Arm, span: Span) -> Option<String> {
        explain::explain_empty(&self.store.lock(), plan, arm, span)
    }
}

/// Names of everything that is held, those like `name` first.
pub(super) fn names_like(state: &State, name: &str) -> Vec<String> {
    let mut names: Vec<String> = state.metrics.keys().map(names::shown).collect();
    names.sort();
    names.dedup();
    names.sort_by_cached_key(|other| distance(name, other));
    names
}
