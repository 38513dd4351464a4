//! How long to wait before asking again. Only time is random here, never a result.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait of our own choice.
const LONGEST: Duration = Duration::from_secs(5);

/// The wait after the given attempt (1 is the first): between half and all of 100 ms, 200 ms, 400 ms … 5 s.
pub(super) fn wait_after(attempt: u32) -> Duration {
    let full = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST);
    let random = RandomState::new().build_hasher().finish();
    let share = 0.5 + (random >> 11) as f64 / (1u64 << 54) as f64;
    full.mul_f64(share)
}

/// Reads `Retry-After`: seconds, or a date (counted from the `Date` of the same answer, hence free of clock skew).
pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date_ms(value)?;
    let from = http_date_ms(date?)?;
    Some(Duration::from_millis(u64::try_from(until - from).unwrap_or(0)))
}

/// An HTTP date (`Tue, 24 Nov 2026 08:05:48 GMT`) in ms since the epoch.
pub(super) fn http_date_ms(text: &str) -> Option<i64> {
    let timestamp = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(timestamp.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        for attempt in 1..40 {
            let full = (0.1 * 2f64.powi(attempt - 1)).min(5.0);
            let wait = wait_after(attempt as u32).as_secs_f64();
            assert!(wait >= full * 0.499 && wait <= full * 1.001, "{attempt}: {wait}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("7", None), Some(Duration::from_secs(7)));
        let date = Some("Tue, 24 Nov 2026 08:05:48 GMT");
        assert_eq!(retry_after("Tue, 24 Nov 2026 08:06:18 GMT", date), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Tue, 24 Nov 2026 08:00:00 GMT", date), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", date), None);
        assert_eq!(retry_after("-3", date), None);
        assert_eq!(retry_after("Tue, 24 Nov 2026 08:06:18 GMT", None), None);
    }
}
