//! `window`: the grid, what is skipped at the start, and how long an analysis may take.

use crate::rules::decode::Decoder;
use crate::rules::diagnostic::Severity;
use crate::rules::quantity::duration_text;
use crate::rules::rule_set::{DEFAULT_WARMUP_WINDOWS, WindowRule};
use crate::rules::source_text::Span;
use crate::rules::yaml::Node;

/// Keys of `window`.
pub const WINDOW_KEYS: [&str; 4] = ["step", "warmup", "deadline", "min_windows"];

/// An hour: what a canary step commonly lasts.
pub const DEFAULT_DEADLINE_MS: i64 = 3_600_000;
/// Fewer windows say too little about how the arms vary.
pub const DEFAULT_MIN_WINDOWS: usize = 10;
/// The cost of an analysis grows with its windows; a week at a minute is 10,080.
pub const MAX_WINDOWS: i64 = 11_000;

const LEAST_STEP_MS: i64 = 1_000;
const MOST_STEP_MS: i64 = 3_600_000;
const MOST_DEADLINE_MS: i64 = 14 * 86_400_000;

impl Default for WindowRule {
    fn default() -> Self {
        WindowRule { step_ms: None, warmup_ms: None, deadline_ms: DEFAULT_DEADLINE_MS, min_windows: DEFAULT_MIN_WINDOWS }
    }
}

/// Reads `window`.
pub fn decode_window(decoder: &mut Decoder<'_>, node: Option<&Node>) -> WindowRule {
    let mut window = WindowRule::default();
    let Some(fields) = node.and_then(|node| decoder.mapping(node, "window", &WINDOW_KEYS)) else { return window };
    let before = decoder.diagnostics.len();
    if let Some(step) = fields.get("step") {
        window.step_ms = decoder.duration_ms(step, "window.step", LEAST_STEP_MS, MOST_STEP_MS);
    }
    if let Some(warmup) = fields.get("warmup") {
        window.warmup_ms = decoder.duration_ms(warmup, "window.warmup", 0, MOST_DEADLINE_MS);
    }
    if let Some(deadline) = fields.get("deadline") {
        window.deadline_ms =
            decoder.duration_ms(deadline, "window.deadline", LEAST_STEP_MS, MOST_DEADLINE_MS).unwrap_or(window.deadline_ms);
    }
    if let Some(least) = fields.get("min_windows")
        && let Some(count) = decoder.count(least, "window.min_windows", 1, 10_000)
    {
        window.min_windows = usize::try_from(count).expect("at most 10,000");
        if window.min_windows < DEFAULT_MIN_WINDOWS {
            let message = format!("min_windows below {DEFAULT_MIN_WINDOWS}: a few good windows could promote");
            decoder.warn(least.span, message, "");
        }
    }
    let is_sound = decoder.diagnostics[before..].iter().all(|found| found.severity == Severity::Warning);
    if is_sound {
        check_together(decoder, fields.key_span("deadline"), fields.key_span("warmup"), &window);
    }
    window
}

fn check_together(decoder: &mut Decoder<'_>, deadline: Span, warmup: Span, window: &WindowRule) {
    // Without a step only the warm-up is known; what the source's step makes of it is checked when it is known.
    let Some(step_ms) = window.step_ms else {
        if let Some(written) = window.warmup_ms
            && written >= window.deadline_ms
        {
            let message =
                format!("deadline {} is not longer than the warm-up {}", duration_text(window.deadline_ms), duration_text(written));
            decoder.error(warmup, message, "nothing would ever be judged; make the deadline longer");
        }
        return;
    };
    if let Err(message) = window.check_step(step_ms) {
        decoder.error(deadline, message, "make the deadline longer, or warm-up, step or min_windows smaller");
    }
    if window.deadline_ms / step_ms > MAX_WINDOWS {
        let message = format!("expected at most {MAX_WINDOWS} windows until the deadline, found {}", window.deadline_ms / step_ms);
        decoder.error(deadline, message, "make the step longer or the deadline shorter");
    }
    let warmup_ms = window.warmup_at(step_ms);
    if warmup_ms < step_ms * DEFAULT_WARMUP_WINDOWS {
        let message = format!(
            "the warm-up {} is shorter than {DEFAULT_WARMUP_WINDOWS} windows of {}",
            duration_text(warmup_ms),
            duration_text(step_ms)
        );
        decoder.warn(warmup, message, "a canary with cold caches looks slower for its first minutes and may be rolled back for it");
    }
}
