//! The live view of shipped recordings, as a terminal would show it: every frame is what `fixtures/live` holds.
//! `DAVY_GOLDEN=1 cargo nextest run -p davy-gate --test live` rewrites those; look at them as a person who waits would.

use std::path::{Path, PathBuf};
use std::task::{Context, Poll, Waker};

use davy_gate::pipeline::{Patience, Run};
use davy_gate::render::Look;
use davy_gate::render::live::{Drawn, Moment, PlainLines, Snapshot, Stage, frame};
use davy_gate::replay::plan;
use davy_sources::recording::Recording;
use unicode_width::UnicodeWidthStr;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// A recording never waits, so its futures are ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a recording waited for something"),
    }
}

/// Snapshots of a recording's run before its first window and after each.
fn snapshots(name: &str) -> Vec<(Snapshot, i64)> {
    let recording = Recording::open(&fixtures().join("recordings").join(name)).expect("it is shipped");
    let plan = plan(&recording, None).expect("its rules are valid");
    let mut run = Run::new(&plan, &recording).expect("its matchers compile");
    let mut taken = vec![(Snapshot::of(&run), run.judged_to_ms())];
    now(run.advance(recording.manifest.run.end_ms, Patience::Once, |run| taken.push((Snapshot::of(run), run.judged_to_ms()))))
        .expect("it holds what its rules ask for");
    taken
}

/// The snapshot after so many judged windows.
fn judged(name: &str, windows: usize) -> (Snapshot, i64) {
    let taken = snapshots(name);
    taken.into_iter().find(|(snapshot, _)| snapshot.report.window.judged == windows).expect("the recording is that long")
}

/// What the clock says when the windows up to `end_ms` are judged: two steps later, and a little.
fn moment(snapshot: &Snapshot, end_ms: i64) -> Moment<'static> {
    let now_ms = end_ms + 2 * snapshot.step_ms + 400;
    Moment { now_ms, next_ms: Some(end_ms + 3 * snapshot.step_ms), ..Moment::default() }
}

fn look(width: usize) -> Look {
    Look { width, colour: false, ascii: false }
}

fn text(lines: &[Drawn]) -> String {
    lines.iter().map(|line| format!("{}\n", line.text)).collect()
}

fn check_golden(name: &str, found: &str) {
    let path = fixtures().join("live").join(name);
    if std::env::var_os("DAVY_GOLDEN").is_some() {
        std::fs::write(&path, found).expect("writable");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == found, "{}\n--- expected\n{expected}\n--- found\n{found}", path.display());
}

#[test]
fn recordings_look_as_they_did() {
    for (name, windows) in
        [("same", 6), ("erroring", 4), ("tail", 9), ("canary_dead", 12), ("slow_host", 20), ("one-route-erroring", 4), ("label_missing", 0)]
    {
        let taken = if windows == 0 { snapshots(name).pop().expect("at least one") } else { judged(name, windows) };
        let (snapshot, end_ms) = taken;
        let mut found = String::new();
        for (columns, rows, ascii) in [(140, 40, false), (80, 24, false), (50, 24, false), (80, 24, true)] {
            found.push_str(&format!("== {columns}x{rows}{}\n", if ascii { " ASCII" } else { "" }));
            let lines = frame(&snapshot, moment(&snapshot, end_ms), rows, Look { ascii, ..look(columns) });
            found.push_str(&text(&lines));
        }
        check_golden(&format!("{name}.txt"), &found);
    }
}

#[test]
fn every_stage_and_trouble_is_said() {
    let taken = snapshots("same");
    let (waiting, waiting_ms) = &taken[0];
    let (warming, warming_ms) = &taken[2];
    assert!(waiting.stage == Stage::Waiting && matches!(warming.stage, Stage::WarmingUp(_)), "{:?} {:?}", waiting.stage, warming.stage);
    let (judging, judging_ms) = judged("same", 3);
    let trouble = Some("prometheus at 127.0.0.1:9090: the connection was refused; is it running there? asking again at the next window");
    let asking = Some("3 of 8 requests answered, 12 MB; about 10 s left");
    let late = Moment { now_ms: judging.deadline_ms + 3_000, next_ms: None, trouble, asking: None };
    let mut found = String::new();
    for (what, snapshot, moment) in [
        ("before the canary's first sample", waiting, moment(waiting, *waiting_ms)),
        ("warm-up", warming, moment(warming, *warming_ms)),
        ("while the source is asked", &judging, Moment { next_ms: None, asking, ..moment(&judging, judging_ms) }),
        ("a source that fails, after the deadline", &judging, late),
    ] {
        found.push_str(&format!("== {what}\n{}", text(&frame(snapshot, moment, 30, look(80)))));
    }
    check_golden("stages.txt", &found);
}

#[test]
fn colour_adds_nothing_but_colour() {
    let (snapshot, end_ms) = judged("erroring", 4);
    let moment = moment(&snapshot, end_ms);
    let coloured = text(&frame(&snapshot, moment, 30, Look { colour: true, ..look(80) }));
    let plain = text(&frame(&snapshot, moment, 30, look(80)));
    check_golden("colour.txt", &coloured.replace('\u{1b}', "\\e"));
    let mut without = String::new();
    let mut pieces = coloured.split('\u{1b}');
    without.push_str(pieces.next().unwrap());
    for piece in pieces {
        without.push_str(piece.split_once('m').expect("only colours").1);
    }
    assert_eq!(without, plain);
}

#[test]
fn a_frame_never_exceeds_its_terminal() {
    let (mut snapshot, end_ms) = judged("slow_host", 20);
    let moment = moment(&snapshot, end_ms);
    for copy in 0..12 {
        let mut finding = snapshot.report.findings[copy % 3].clone();
        finding.metric = format!("a_rather_long_name_{copy}_größe_日本");
        snapshot.report.findings.push(finding);
    }
    for columns in (1..180).step_by(3).chain([80, 140]) {
        for rows in [1, 2, 5, 6, 9, 12, 24, 60] {
            for ascii in [false, true] {
                let lines = frame(&snapshot, moment, rows, Look { ascii, colour: true, width: columns });
                assert!(!lines.is_empty() && lines.len() <= rows, "{columns}x{rows}: {} lines", lines.len());
                let plain = frame(&snapshot, moment, rows, Look { ascii, ..look(columns) });
                for line in &plain {
                    assert!(line.width <= columns && line.text.width() == line.width, "{columns}x{rows}: {line:?}");
                    assert!(!ascii || line.text.is_ascii(), "{line:?}");
                }
            }
        }
    }
}

#[test]
fn where_metrics_do_not_fit_the_worst_are_shown() {
    let (mut snapshot, end_ms) = judged("erroring", 4);
    let moment = moment(&snapshot, end_ms);
    let worst = snapshot.report.findings.iter().find(|finding| finding.outcome == "breach").expect("it breaches").clone();
    for copy in 0..12 {
        let mut finding = snapshot.report.findings[0].clone();
        finding.metric = format!("copy_{copy}");
        snapshot.report.findings.insert(0, finding);
    }
    let shown = text(&frame(&snapshot, moment, 16, look(80)));
    check_golden("many.txt", &shown);
    let place = shown.find(&format!("✗ {}", worst.metric)).expect("the breach is shown");
    assert!(place < shown.find("… and ").expect("the rest is counted"), "{shown}");
}

#[test]
fn looking_changes_nothing() {
    // Two runs of one recording; one is looked at after every window, in every size.
    let recording = Recording::open(&fixtures().join("recordings/slower")).expect("it is shipped");
    let plan = plan(&recording, None).expect("its rules are valid");
    let mut watched = Run::new(&plan, &recording).expect("its matchers compile");
    let mut alone = Run::new(&plan, &recording).expect("its matchers compile");
    let end_ms = recording.manifest.run.end_ms;
    now(watched.advance(end_ms, Patience::Once, |run| {
        let snapshot = Snapshot::of(run);
        frame(&snapshot, moment(&snapshot, run.judged_to_ms()), 24, look(80));
        PlainLines::default().next(&snapshot, run.judged_to_ms(), false);
    }))
    .expect("it is whole");
    now(alone.advance(end_ms, Patience::Once, |_| {})).expect("it is whole");
    assert_eq!(Snapshot::of(&watched), Snapshot::of(&alone));
}

#[test]
fn a_log_gets_a_line_for_what_changed_and_a_sign_of_life() {
    let mut lines = PlainLines::default();
    let mut found = String::new();
    let mut times = Vec::new();
    for (snapshot, end_ms) in snapshots("tail") {
        let now_ms = end_ms + 2 * snapshot.step_ms;
        if let Some(line) = lines.next(&snapshot, now_ms, false) {
            found.push_str(&format!("{line}\n"));
            times.push(now_ms);
        }
        // Asked again at once, there is nothing new.
        assert_eq!(lines.next(&snapshot, now_ms, false), None);
    }
    check_golden("plain.txt", &found);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 60_000), "{times:?}");
    let (same, end_ms) = judged("same", 3);
    let mut lines = PlainLines::default();
    assert!(lines.next(&same, end_ms, false).is_some());
    assert!(lines.next(&same, end_ms + 59_999, false).is_none() && lines.next(&same, end_ms + 60_000, false).is_some());
    let silent = lines.next(&same, end_ms + 60_001, true).expect("it is news");
    assert!(silent.contains("the source does not answer"), "{silent}");
    let back = lines.next(&same, end_ms + 60_002, false).expect("that it answers again is news");
    assert!(!back.contains("does not answer"), "{back}");
}
