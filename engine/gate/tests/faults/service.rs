//! A service of four instances per arm as a source that fails as it is told, on a clock of its own.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use davy_judge::arm::Arm;
use davy_sources::error::{SourceError, SourceErrorKind};
use davy_sources::samples::{FetchPlan, Part, Samples, Series, Span, StreamData, StreamSpec};
use davy_sources::source::{Fetched, Source};

pub const STEP_MS: i64 = 10_000;
pub const BEGIN_MS: i64 = 1_700_000_000_000;
/// Windows that are judged at most.
pub const WINDOWS: usize = 25;
const SCRAPE_MS: i64 = 5_000;
const INSTANCES: usize = 4;
/// Requests of an instance per scrape.
const REQUESTS: f64 = 250.0;
const BOUNDS: [(&str, f64); 4] = [("0.1", 0.5), ("0.2", 0.8), ("0.4", 0.93), ("+Inf", 1.0)];
/// The same when slower by half, nearly.
const SLOWER: [f64; 4] = [0.3, 0.62, 0.83, 1.0];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canary {
    Good,
    Bad,
    /// From this time on.
    BadFrom(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of the kinds of errors, by number.
    Error(usize),
    /// The server warns that its answer is not complete.
    Warning,
    NoBaseline,
    NoCanary,
    /// An empty answer.
    NoSeries,
    /// Those of both arms with an even number.
    HalfTheInstances,
    /// Series are there, and end where the fault begins.
    Stale,
    /// Samples come three windows after their time.
    Late,
    /// Counters begin again at zero.
    Restart,
}

/// What is wrong, with which stream (none: with all), in which windows of time.
#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: Kind,
    pub stream: Option<usize>,
    pub windows: Range<usize>,
}

impl Fault {
    fn span(&self) -> Span {
        let at = |window: usize| BEGIN_MS + window as i64 * STEP_MS;
        Span { start_ms: at(self.windows.start), end_ms: at(self.windows.end) }
    }

    fn covers(&self, time_ms: i64) -> bool {
        self.span().start_ms < time_ms && time_ms <= self.span().end_ms
    }
}

pub struct Service {
    seed: u64,
    canary: Canary,
    faults: Vec<Fault>,
    now_ms: AtomicI64,
}

impl Service {
    pub fn new(seed: u64, canary: Canary, faults: Vec<Fault>) -> Self {
        Service { seed, canary, faults, now_ms: AtomicI64::new(BEGIN_MS) }
    }

    pub fn set_now(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Ordering::Relaxed);
    }

    fn faults_of(&self, stream: usize) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(move |fault| fault.stream.is_none_or(|of| of == stream))
    }

    fn stream(&self, index: usize, spec: &StreamSpec, part: Part, span: Span) -> Result<StreamData, SourceError> {
        let now_ms = self.now_ms.load(Ordering::Relaxed);
        let mut data = StreamData::default();
        for fault in self.faults_of(index).filter(|_| part == Part::Run) {
            // What the server answers depends on when it is asked, and on what for.
            let touches = fault.covers(now_ms) || (fault.span().start_ms < span.end_ms && span.start_ms < fault.span().end_ms);
            match fault.kind {
                Kind::Error(number) if touches => return Err(error(number)),
                Kind::Warning if touches => data.warnings.push("store 2 did not answer".to_owned()),
                Kind::NoSeries if touches => return Ok(data),
                _ => {}
            }
        }
        for arm in Arm::BOTH.into_iter().filter(|arm| part == Part::Run || *arm == Arm::Baseline) {
            for instance in 0..INSTANCES {
                match spec {
                    StreamSpec::Histogram(_) => {
                        for (place, (le, _)) in BOUNDS.iter().enumerate() {
                            self.push(&mut data, index, arm, instance, ("le", le), place, span);
                        }
                    }
                    StreamSpec::Counter(_) => {
                        for (place, code) in ["200", "500"].iter().enumerate() {
                            self.push(&mut data, index, arm, instance, ("code", code), 4 + place, span);
                        }
                    }
                    StreamSpec::Expression(_) => panic!("the rules ask for none"),
                }
            }
        }
        Ok(data)
    }

    #[expect(clippy::too_many_arguments, reason = "one series has as many coordinates")]
    fn push(&self, data: &mut StreamData, stream: usize, arm: Arm, instance: usize, label: (&str, &str), place: usize, span: Span) {
        let now_ms = self.now_ms.load(Ordering::Relaxed);
        let samples: Vec<(i64, f64)> = (span.start_ms.div_euclid(SCRAPE_MS) + 1..=span.end_ms.div_euclid(SCRAPE_MS))
            .map(|scrape| scrape * SCRAPE_MS)
            .filter(|time_ms| !self.faults_of(stream).any(|fault| fault.covers(*time_ms) && hides(fault, arm, instance, *time_ms, now_ms)))
            .map(|time_ms| (time_ms, self.reading(stream, arm, instance, place, time_ms)))
            .collect();
        if samples.is_empty() {
            return;
        }
        let version = match arm {
            Arm::Baseline => "v1",
            Arm::Canary => "v2",
        };
        let labels = [("version", version), ("pod", &format!("{version}-{instance}")), label];
        let labels: BTreeMap<String, String> = labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        data.series.push(Series { arm, labels, samples: Samples::Counter(samples) });
    }

    /// A counter since the process started: smooth growth, and a ripple that never lets it fall.
    fn reading(&self, stream: usize, arm: Arm, instance: usize, place: usize, time_ms: i64) -> f64 {
        let restarted = self.faults_of(stream).filter(|fault| fault.kind == Kind::Restart && fault.span().start_ms < time_ms);
        let restarted_ms = restarted.map(|fault| fault.span().start_ms).max();
        let since_ms = restarted_ms.unwrap_or(BEGIN_MS - 10_000_000);
        let turns_ms = match (arm, self.canary) {
            (Arm::Baseline, _) | (Arm::Canary, Canary::Good) => i64::MAX,
            (Arm::Canary, Canary::Bad) => i64::MIN,
            (Arm::Canary, Canary::BadFrom(turns_ms)) => turns_ms,
        };
        let scrapes = |from_ms: i64, to_ms: i64| (to_ms.saturating_sub(from_ms).max(0) / SCRAPE_MS) as f64;
        let (good, bad) = (per_scrape(place, false), per_scrape(place, true));
        let counted = good * scrapes(since_ms, time_ms.min(turns_ms)) + bad * scrapes(since_ms.max(turns_ms), time_ms);
        let ripple = noise(self.seed, arm as u64 * 64 + instance as u64, time_ms / SCRAPE_MS) * 0.4 * good.min(bad);
        (counted + ripple).round()
    }
}

impl Source for Service {
    async fn fetch(&self, plan: &FetchPlan, part: Part, span: Span) -> Fetched {
        plan.streams.iter().enumerate().map(|(index, spec)| self.stream(index, spec, part, span)).collect()
    }

    async fn explain_empty(&self, _: &FetchPlan, _: Arm, _: Span) -> Option<String> {
        None
    }
}

/// What a series counts from one scrape to the next.
fn per_scrape(place: usize, bad: bool) -> f64 {
    let failed = if bad { 0.08 } else { 0.004 };
    REQUESTS
        * match place {
            0..4 if bad => SLOWER[place],
            0..4 => BOUNDS[place].1,
            4 => 1.0 - failed,
            _ => failed,
        }
}

fn hides(fault: &Fault, arm: Arm, instance: usize, time_ms: i64, now_ms: i64) -> bool {
    match fault.kind {
        Kind::NoBaseline => arm == Arm::Baseline,
        Kind::NoCanary => arm == Arm::Canary,
        Kind::HalfTheInstances => instance.is_multiple_of(2),
        Kind::Stale => true,
        Kind::Late => now_ms < time_ms + 3 * STEP_MS,
        Kind::Error(_) | Kind::Warning | Kind::NoSeries | Kind::Restart => false,
    }
}

/// Uniform in 0..1, the same for the same place and time.
fn noise(seed: u64, series: u64, scrape: i64) -> f64 {
    let mut state = seed ^ series.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (scrape as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    state = (state ^ (state >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    state = (state ^ (state >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (state ^ (state >> 32)) as f64 / u64::MAX as f64
}

fn error(number: usize) -> SourceError {
    let kind = match number {
        0 => SourceErrorKind::Connect("refused".to_owned()),
        1 => SourceErrorKind::Tls("unknown issuer".to_owned()),
        2 => SourceErrorKind::Timeout(Duration::from_secs(10)),
        3 => SourceErrorKind::Auth { status: 401, hint: "check the token".to_owned() },
        4 => SourceErrorKind::Overloaded { status: 429, attempts: 4, retry_after: Some(Duration::from_secs(60)) },
        5 => SourceErrorKind::Query { query: "x".to_owned(), message: "too many samples".to_owned() },
        6 => SourceErrorKind::Status { status: 500, message: "disk on fire".to_owned() },
        7 => SourceErrorKind::Malformed { expected: "an answer".to_owned(), found: "a web page".to_owned() },
        8 => SourceErrorKind::Truncated(100),
        _ => SourceErrorKind::TooLarge { limit: 1 },
    };
    SourceError { place: "double".to_owned(), kind }
}
