//! Gates on the running lab: how `davy gate` is called for a mode, and what is wrong with its answer.

use std::path::Path;

use crate::davy::{Run, workspace};
use crate::lab::model::{Expected, Mode, Rules};
use crate::lab::running::Lab;
use crate::lab::server::Server;

/// What is judged live, and recorded.
pub const LIVE: [(Mode, Rules); 15] = [
    (Mode::Same, Rules::Classic),
    (Mode::Slower, Rules::Classic),
    (Mode::Tail, Rules::Classic),
    (Mode::Erroring, Rules::Classic),
    (Mode::LateOnset, Rules::Classic),
    (Mode::LowTraffic, Rules::Classic),
    (Mode::SlowHost, Rules::Classic),
    (Mode::CommonIncident, Rules::Classic),
    (Mode::NoErrors, Rules::Classic),
    (Mode::CanaryDead, Rules::Classic),
    (Mode::LabelMissing, Rules::Classic),
    (Mode::CounterReset, Rules::Classic),
    (Mode::Same, Rules::Native),
    (Mode::Slower, Rules::Native),
    (Mode::Tail, Rules::Native),
];

/// The name of a recording: the mode's, and the rules' where they are not the usual ones.
pub fn name(mode: Mode, rules: Rules) -> String {
    match rules {
        Rules::Classic => mode.name().to_owned(),
        Rules::Native => format!("{}-native", mode.name()),
        Rules::WithoutHistory => format!("{}-without-history", mode.name()),
    }
}

/// The arguments of a gate that begins with the canaries and waits for a verdict.
pub fn gate(server: &Server, lab: &Lab, mode: Mode, rules: Rules) -> Vec<String> {
    let rules = workspace().join("tests/rules").join(rules.file());
    let mode = mode.name();
    vec![
        "gate".to_owned(),
        "--prometheus".to_owned(),
        server.url(),
        "--rules".to_owned(),
        rules.display().to_string(),
        "--baseline".to_owned(),
        format!("version=baseline,mode={mode}"),
        "--canary".to_owned(),
        format!("version=canary,mode={mode}"),
        "--start".to_owned(),
        format!("{:.0}", lab.epoch(lab.timeline.canary_starts)),
        "--output".to_owned(),
        "json".to_owned(),
    ]
}

/// The same, recorded.
pub fn recorded_gate(server: &Server, lab: &Lab, mode: Mode, rules: Rules, recording: &Path) -> Vec<String> {
    let mut arguments = gate(server, lab, mode, rules);
    arguments.extend(["--record".to_owned(), recording.display().to_string()]);
    arguments
}

/// The same, of the whole past run.
pub fn past_gate(server: &Server, lab: &Lab, mode: Mode, rules: Rules) -> Vec<String> {
    let mut arguments = gate(server, lab, mode, rules);
    arguments.extend(["--end".to_owned(), format!("{:.0}", lab.epoch(lab.timeline.deadline))]);
    arguments
}

/// What is wrong with an answer: nothing, when it is as the model has it.
pub fn mistakes(name: &str, run: &Run, expected: &Expected) -> Vec<String> {
    let report = match run.report() {
        Ok(report) => report,
        Err(error) => return vec![format!("{name}: {error:#}")],
    };
    let mut mistakes = Vec::new();
    let verdict = report["verdict"].as_str().unwrap_or("none");
    let reason = report["reason"].as_str().unwrap_or("none");
    match expected.verdicts.iter().find(|right| right.name() == verdict) {
        None => mistakes.push(format!("{name}: expected one of {:?}, found {verdict}: {reason}", expected.verdicts)),
        Some(right) if run.code != Some(right.exit_code()) => {
            mistakes.push(format!("{name}: {verdict}, but exit code {:?}", run.code));
        }
        Some(_) => {}
    }
    if verdict == "rollback" && !expected.blamed.iter().any(|metric| reason.contains(metric)) {
        mistakes.push(format!("{name}: expected the reason to name {:?}, found: {reason}", expected.blamed));
    }
    for says in expected.says.iter().filter(|says| !run.stdout.contains(**says)) {
        mistakes.push(format!("{name}: expected the report to say {says:?}, found: {}", run.stdout));
    }
    mistakes
}
