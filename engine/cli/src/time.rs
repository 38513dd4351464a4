//! Times as people type them.

use anyhow::{Context, bail};
use jiff::Timestamp;

/// RFC 3339, or seconds since the epoch (with a fraction). In ms since the epoch.
pub fn parse_time(text: &str) -> anyhow::Result<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        if !(0.0..=253_402_300_799.0).contains(&seconds) {
            bail!("expected a time between 1970 and 9999, found {text}");
        }
        #[expect(clippy::cast_possible_truncation, reason = "range checked above")]
        return Ok((seconds * 1e3).round() as i64);
    }
    let time: Timestamp = text
        .parse()
        .ok()
        .with_context(|| format!("expected RFC 3339 (2026-01-31T12:00:00Z) or seconds since the epoch, found `{text}`"))?;
    Ok(time.as_millisecond())
}

/// The clock: the only place that reads it.
pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A time of day for progress lines, in UTC.
pub fn clock_text(time_ms: i64) -> String {
    Timestamp::from_millisecond(time_ms).map_or_else(|_| time_ms.to_string(), |time| time.strftime("%H:%M:%S").to_string())
}
