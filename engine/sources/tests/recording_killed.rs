//! A process that dies while it writes leaves a whole recording or none.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use davy_judge::arm::{Arm, PerArm};
use davy_sources::recording::{About, Recorder, Recording};
use davy_sources::samples::{FetchPlan, Part, Samples, Selector, Series, Span, StreamData, StreamSpec};

/// Set in the process that is going to die: where it writes.
const PLACE: &str = "DAVY_TEST_RECORDING_PLACE";

fn plan() -> FetchPlan {
    FetchPlan {
        streams: vec![StreamSpec::Counter(Selector { name: "requests_total".to_owned(), matchers: Vec::new() })],
        signals: Vec::new(),
        slices: Vec::new(),
        arms: PerArm::default(),
        history_from: None,
        instance: None,
        step_ms: 1000,
        max_history_samples: 1,
    }
}

fn recorder() -> Recorder {
    let points = (0..5000).map(|index| (index, index as f64)).collect();
    let series = Series { arm: Arm::Baseline, labels: Default::default(), samples: Samples::Counter(points) };
    let data = StreamData { series: vec![series], ..StreamData::default() };
    let mut recorder = Recorder::new(&plan());
    recorder.add(Part::Run, Span { start_ms: -1, end_ms: 5000 }, &vec![Ok(data)]);
    recorder
}

/// Not a test of its own: with the variable set it writes one recording after the other until it is killed.
#[test]
fn writes_until_killed() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let recorder = recorder();
    for number in 0..100_000 {
        let path = Path::new(&place).join(format!("recording-{number}"));
        recorder.write(&path, &About::default(), false).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_whole_recordings_only() {
    let mut whole = 0;
    for round in 0..8_u64 {
        let place = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writes_until_killed", "--nocapture"])
            .env(PLACE, place.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Somewhere in the middle: after the first recording has appeared, and a little more each round.
        let first = place.path().join("recording-0");
        while !first.exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(300 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let entries: Vec<PathBuf> = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        for path in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            Recording::open(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            whole += 1;
        }
    }
    assert!(whole >= 8, "every round wrote at least one");
}
