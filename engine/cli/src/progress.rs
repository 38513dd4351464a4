//! What a waiting person sees on a terminal: the verdict so far, and the time left. Nothing elsewhere.

use std::time::Duration;

use davy_gate::pipeline::Run;
use davy_gate::plan::Plan;
use davy_gate::words;
use davy_sources::source::Source;
use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal;
use crate::time::clock_text;

/// A line on stderr that is redrawn.
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Says what is about to happen.
    pub fn new(plan: &Plan) -> Self {
        tracing::info!(
            "judging {} from {} UTC, windows of {}, deadline {} UTC",
            plan.rules.name,
            clock_text(plan.start_ms),
            words::duration(plan.step_ms),
            clock_text(plan.deadline_ms)
        );
        let bar = terminal::shows_progress().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::with_template("{spinner} {wide_msg}").expect("a constant template"));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Progress { bar }
    }

    /// Shows where the run stands.
    pub fn show<S: Source>(&self, run: &Run<'_, S>, now_ms: i64) {
        let Some(bar) = &self.bar else { return };
        let decision = run.analysis().decision(false);
        let left = words::duration(run.plan().deadline_ms - now_ms);
        let waiting = match run.judged_from_ms() {
            None => "waiting for the canary's first sample".to_owned(),
            Some(from_ms) if decision.windows == 0 => format!("warming up until {} UTC", clock_text(from_ms)),
            Some(_) => format!("{}, score {}, {} judged", decision.verdict.name(), words::digits(decision.score.round()), decision.windows),
        };
        bar.set_message(format!("{waiting}; at most {left} left"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
