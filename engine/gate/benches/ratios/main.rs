//! Davy beside SciPy's Mann–Whitney test and beside recomputing everything naively, by turns in one run:
//! `cargo bench -p davy-gate --bench ratios` (`just ratios` installs what it needs). Absolute times are in the benches of
//! `davy-judge` and `davy-sources`; a ratio of one run holds on a busy machine, too.

mod naive;
mod peer;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use davy_gate::pipeline::{Patience, Run};
use davy_gate::plan::Plan;
use davy_gate::replay;
use davy_judge::arm::PerArm;
use davy_judge::evidence::Side;
use davy_judge::evidence::calibrated::Calibrated;
use davy_judge::fixed_horizon::{hodges_lehmann, mann_whitney};
use davy_judge::interval::{Edge, Expected, edge};
use davy_judge::noise::NoiseProfile;
use davy_sources::align::{AlignedWindow, Aligner};
use davy_sources::prometheus::decode_matrix;
use davy_sources::recording::Recording;
use davy_sources::samples::{Part, Span, StreamData};
use davy_sources::source::Source;
const ROUNDS: usize = 15;
const WINDOWS: usize = 60;
const LONG: usize = 100_000;
/// ln 1.1.
const BOUND: f64 = 0.095_310_179_804_324_86;
/// ln 100 and ln 20.
const HARMFUL: f64 = 4.605_170_185_988_092;
const SAFE: f64 = 2.995_732_273_553_991;

/// One task of one side: nanoseconds for one of it.
type Task<'a> = Box<dyn FnMut() -> f64 + 'a>;

struct Race<'a> {
    what: &'a str,
    ours: Task<'a>,
    beside: &'a str,
    theirs: Task<'a>,
}

fn main() {
    let mut normal = naive::normal(1);
    let mut series =
        |length: usize, level: f64, deviation: f64| -> Vec<f64> { (0..length).map(|_| level + deviation * normal()).collect() };
    let rows: Vec<Vec<f64>> = (0..6).map(|_| series(120, 0.0, 0.07)).collect();
    let d = series(WINDOWS, 0.02, 0.07);
    let (baseline, canary) = (series(WINDOWS, 100.0, 5.0), series(WINDOWS, 101.0, 5.0));
    let (long_baseline, long_canary) = (series(LONG, 100.0, 5.0), series(LONG, 100.1, 5.0));
    let profile = Arc::new(NoiseProfile::from_history(&rows, WINDOWS).expect("720 windows are enough"));
    naive::check(&rows, &profile);

    let body = std::fs::read(fixture("fixtures/recordings/lab-slower/buckets_raw.json")).expect("it is shipped");
    naive::check_body(&body);

    let recording = Recording::open(&fixture("fixtures/recordings/slow_host")).expect("it is shipped");
    let plan = replay::plan(&recording, None).expect("its rules are sound");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let fetched = |span: Span| -> Vec<StreamData> {
        let answers = runtime.block_on(recording.fetch(&plan.fetch, Part::Run, span));
        answers.into_iter().map(|answer| answer.expect("a recording answers")).collect()
    };
    let ends: Vec<i64> = plan.grid().ends(recording.manifest.run.start_ms, recording.manifest.run.end_ms).collect();
    let by_window: Vec<Vec<StreamData>> =
        ends.iter().map(|end_ms| fetched(Span { start_ms: end_ms - plan.step_ms, end_ms: *end_ms })).collect();
    assert_eq!(polled(&profile, &d), from_the_start(&profile, &d), "both ways give the same answers");
    assert_eq!(aligned_as_they_come(&plan, &by_window, &ends), aligned_anew(&plan, &by_window, &ends), "both ways give the same windows");
    let scipy = peer::Peer::start();

    let races = [
        Race {
            what: "profile of 720 windows",
            ours: timed(50, || NoiseProfile::from_history(black_box(&rows), WINDOWS)),
            beside: "every exponential and every block by itself",
            theirs: timed(5, || naive::profile(black_box(&rows))),
        },
        Race {
            what: "60 windows, looked at 60 times, with interval",
            ours: timed(100, || polled(black_box(&profile), black_box(&d))),
            beside: "every look from the first window on",
            theirs: timed(5, || from_the_start(black_box(&profile), black_box(&d))),
        },
        Race {
            what: "60 windows, looked at 60 times, with interval",
            ours: timed(100, || polled(black_box(&profile), black_box(&d))),
            beside: "SciPy, Mann–Whitney at each look, 200 metrics a call",
            theirs: Box::new(|| scipy.ask("polled")),
        },
        Race {
            what: "the same with its profile from 720 windows",
            ours: timed(50, || {
                let profile = NoiseProfile::from_history(black_box(&rows), WINDOWS).expect("720 windows are enough");
                polled(&Arc::new(profile), black_box(&d))
            }),
            beside: "SciPy, Mann–Whitney at each look, 200 metrics a call",
            theirs: Box::new(|| scipy.ask("polled")),
        },
        Race {
            what: "Mann–Whitney of 60 windows, once",
            ours: timed(100, || mann_whitney(PerArm { baseline: black_box(&baseline[..]), canary: black_box(&canary[..]) })),
            beside: "SciPy, 200 metrics a call",
            theirs: Box::new(|| scipy.ask("once")),
        },
        Race {
            what: "Mann–Whitney of 100,000 values an arm",
            ours: timed(1, || mann_whitney(PerArm { baseline: black_box(&long_baseline[..]), canary: black_box(&long_canary[..]) })),
            beside: "SciPy",
            theirs: Box::new(|| scipy.ask("long")),
        },
        Race {
            what: "the same with Hodges–Lehmann's interval",
            ours: timed(1, || {
                let arms = PerArm { baseline: black_box(&long_baseline[..]), canary: black_box(&long_canary[..]) };
                (mann_whitney(arms), hodges_lehmann(arms, 0.98))
            }),
            beside: "SciPy, without an interval",
            theirs: Box::new(|| scipy.ask("long")),
        },
        Race {
            what: "decoding a recorded body of buckets",
            ours: timed(20, || decode_matrix(black_box(&body)).expect("a sound body")),
            beside: "a generic JSON tree, then its numbers",
            theirs: timed(20, || naive::decoded(black_box(&body))),
        },
        Race {
            what: "35 windows of two arms, aligned as they come",
            ours: timed(5, || aligned_as_they_come(&plan, &by_window, &ends)),
            beside: "all samples anew at each window",
            theirs: timed(1, || aligned_anew(&plan, &by_window, &ends)),
        },
        Race {
            what: "replay of 35 windows, with the verdict after each",
            ours: timed(2, || runtime.block_on(replay::replay(&recording, None, true)).expect("it can be judged").moments.len()),
            beside: "a replay up to each window",
            theirs: timed(1, || runtime.block_on(replayed_anew(&plan, &recording, &ends))),
        },
    ];
    report(&scipy.versions, races);
}

/// Repeats a task, and takes the time of one.
fn timed<'a, T>(times: usize, mut task: impl FnMut() -> T + 'a) -> Task<'a> {
    Box::new(move || {
        let begin = Instant::now();
        for _ in 0..times {
            black_box(task());
        }
        begin.elapsed().as_nanos() as f64 / times as f64
    })
}

/// Both sides of every race by turns, and their medians; the ratio is the median over the rounds, each of which sees the
/// machine as busy on one side as on the other.
fn report<'a>(versions: &str, races: impl IntoIterator<Item = Race<'a>>) {
    println!("{versions}; medians of {ROUNDS} rounds by turns\n");
    println!("| what | Davy | beside it | its time | times Davy's |\n|---|---|---|---|---|");
    for mut race in races {
        let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| ((race.ours)(), (race.theirs)())).collect();
        let ours = median(rounds.iter().map(|(ours, _)| *ours));
        let theirs = median(rounds.iter().map(|(_, theirs)| *theirs));
        let ratio = median(rounds.iter().map(|(ours, theirs)| theirs / ours));
        let ratio = if ratio < 10.0 { format!("{ratio:.1}") } else { format!("{ratio:.0}") };
        println!("| {} | {} | {} | {} | {ratio} |", race.what, shown(ours), race.beside, shown(theirs));
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn shown(nanoseconds: f64) -> String {
    if nanoseconds < 1e6 { format!("{:.3} µs", nanoseconds / 1e3) } else { format!("{:.1} ms", nanoseconds / 1e6) }
}

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Both directions of one metric, and what they say after the last window.
struct Judged {
    harm: Calibrated,
    safe: Calibrated,
}

impl Judged {
    fn new(profile: &Arc<NoiseProfile>, windows: usize) -> Judged {
        let begun = |side| {
            let mut engine = Calibrated::new(side, windows);
            engine.begin_step(Arc::clone(profile));
            engine
        };
        Judged { harm: begun(Side::Harm), safe: begun(Side::Safe) }
    }

    /// Whether the one or the other is shown after one more window.
    fn push(&mut self, value: f64) -> (bool, bool) {
        self.harm.push(value, BOUND, &[]);
        self.safe.push(value, BOUND, &[]);
        (self.harm.reaches(HARMFUL), self.safe.reaches(SAFE))
    }

    fn interval(&self, middle: f64) -> (Edge, Edge) {
        let (harm, safe) = (self.harm.elsewhere(), self.safe.elsewhere());
        let lower = edge(-3.0, 3.0, middle, Expected::Below, |at| harm.ln_e(|_| at) - HARMFUL);
        (lower, edge(-3.0, 3.0, middle, Expected::Above, |at| safe.ln_e(|_| at) - SAFE))
    }
}

fn mean(d: &[f64]) -> f64 {
    d.iter().sum::<f64>() / d.len() as f64
}

/// A look after every window, the interval at the end.
fn polled(profile: &Arc<NoiseProfile>, d: &[f64]) -> (Vec<(bool, bool)>, (Edge, Edge)) {
    let mut judged = Judged::new(profile, d.len());
    let looks = d.iter().map(|value| judged.push(*value)).collect();
    (looks, judged.interval(mean(d)))
}

/// The same answers, each look from the first window on.
fn from_the_start(profile: &Arc<NoiseProfile>, d: &[f64]) -> (Vec<(bool, bool)>, (Edge, Edge)) {
    let upto = |count: usize| {
        let mut judged = Judged::new(profile, d.len());
        let look = d[..count].iter().map(|value| judged.push(*value)).last().unwrap_or_default();
        (look, judged)
    };
    let looks = (1..=d.len()).map(|count| upto(count).0).collect();
    (looks, upto(d.len()).1.interval(mean(d)))
}

fn aligner(plan: &Plan) -> Aligner {
    Aligner::new(&plan.fetch, plan.grid()).expect("a sound plan")
}

/// Each window's samples are fed when they come.
fn aligned_as_they_come(plan: &Plan, by_window: &[Vec<StreamData>], ends: &[i64]) -> Vec<AlignedWindow> {
    let mut aligner = aligner(plan);
    let mut windows = Vec::with_capacity(ends.len());
    for (data, end_ms) in by_window.iter().zip(ends) {
        for (stream, data) in data.iter().enumerate() {
            aligner.feed(stream, data);
        }
        windows.push(aligner.window(*end_ms));
    }
    windows
}

/// At each window all samples so far are fed again and all windows made again.
fn aligned_anew(plan: &Plan, by_window: &[Vec<StreamData>], ends: &[i64]) -> Vec<AlignedWindow> {
    (1..=ends.len()).fold(Vec::new(), |_, count| aligned_as_they_come(plan, &by_window[..count], &ends[..count]))
}

/// A whole run up to each window.
async fn replayed_anew(plan: &Plan, recording: &Recording, ends: &[i64]) -> usize {
    let mut seen = 0;
    for end_ms in ends {
        let mut run = Run::new(plan, recording).expect("a sound plan");
        run.advance(*end_ms, Patience::Once, |_| {}).await.expect("a recording answers");
        seen += usize::from(!black_box(run.analysis().decision(false)).is_final);
    }
    seen
}
