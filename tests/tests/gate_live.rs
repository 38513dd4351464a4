//! `davy gate` on a live Prometheus, on every mode of the lab: verdict, exit code and reason; then the same from its
//! recording to the byte, without history, from the past, and from VictoriaMetrics.

use std::process::{Command, Stdio};
use std::time::Duration;

use davy_tests::davy::{run, run_async};
use davy_tests::lab::model::{Mode, Rules, Timeline, expected};
use davy_tests::lab::running::Lab;
use davy_tests::lab::server::ServerKind;
use davy_tests::live::{LIVE, mistakes, name, past_gate, recorded_gate};
use serde_json::Value;

/// Modes that are also judged without history, and on the other server.
const ALSO: [Mode; 6] = [Mode::Same, Mode::Slower, Mode::Erroring, Mode::CanaryDead, Mode::LabelMissing, Mode::LateOnset];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_gates_answer_as_the_model_says_and_replay_to_the_same_bytes() {
    let recordings = tempfile::tempdir().unwrap();
    let lab = Lab::start(&Mode::ALL, Timeline::whole(), &[ServerKind::Prometheus, ServerKind::VictoriaMetrics]).await.unwrap();
    lab.wait_until(lab.timeline.canary_starts).await;
    let mut gates = Vec::new();
    for (mode, rules) in LIVE {
        let recording = recordings.path().join(name(mode, rules));
        let arguments = recorded_gate(&lab.prometheus, &lab, mode, rules, &recording);
        gates.push((mode, rules, recording, tokio::spawn(run_async(arguments))));
    }
    let interrupted = tokio::task::spawn_blocking({
        let arguments = davy_tests::live::gate(&lab.prometheus, &lab, Mode::LowTraffic, Rules::Classic);
        move || interrupt_after(arguments, Duration::from_secs(12))
    });
    let mut wrong = Vec::new();
    let mut answered = Vec::new();
    for (mode, rules, recording, gate) in gates {
        let live = gate.await.unwrap().unwrap();
        wrong.extend(mistakes(&name(mode, rules), &live, &expected(mode, rules)));
        answered.push((mode, rules, recording, live));
    }
    let (code, stdout) = interrupted.await.unwrap();
    let so_far: Value = serde_json::from_str(&stdout).expect("the report so far");
    assert_eq!((code, so_far["verdict"].as_str(), so_far["is_final"].as_bool()), (Some(130), Some("hold"), Some(false)));
    // The past can be judged when all is over: on both servers, with and without history.
    lab.wait_until(lab.timeline.deadline + 2.0).await;
    for (mode, rules, recording, live) in &answered {
        let name = name(*mode, *rules);
        let replayed = run(["replay".as_ref(), recording.as_os_str(), "--output".as_ref(), "json".as_ref()]).unwrap();
        match (live.report(), replayed.report()) {
            (Ok(live_report), Ok(replayed_report)) => {
                if without_timings(live_report.clone()) != without_timings(replayed_report.clone()) {
                    wrong.push(format!("{name}: the replay differs:\n{live_report:#}\n{replayed_report:#}"));
                }
                if live.code != replayed.code {
                    wrong.push(format!("{name}: exit {:?} live, {:?} replayed", live.code, replayed.code));
                }
            }
            (Err(error), _) | (_, Err(error)) => wrong.push(format!("{name}: {error:#}")),
        }
    }
    let victoria = lab.victoria_metrics.as_ref().unwrap();
    for mode in ALSO {
        for (server, rules) in [(&lab.prometheus, Rules::WithoutHistory), (victoria, Rules::Classic)] {
            let past = run_async(past_gate(server, &lab, mode, rules)).await.unwrap();
            wrong.extend(mistakes(&format!("{} past, {rules:?}", mode.name()), &past, &expected(mode, rules)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Presses Ctrl-C on a gate that waits: its exit code, and what it said.
fn interrupt_after(arguments: Vec<String>, wait: Duration) -> (Option<i32>, String) {
    let mut command = davy_tests::davy::command().expect("davy is built");
    let child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("davy starts");
    std::thread::sleep(wait);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill is there");
    assert!(sent.success());
    let output = child.wait_with_output().expect("davy ends");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn without_timings(mut report: Value) -> Value {
    report.as_object_mut().expect("a report is an object").remove("timings");
    report
}
