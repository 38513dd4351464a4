//! What is said of refusals in the log: the first of each kind, then how many there were, once a minute.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::refusal::{Kind, Refusal};

/// At most one line of a kind in this time.
const PAUSE: Duration = Duration::from_secs(60);

/// When each kind was last said, and how many came since.
#[derive(Debug, Default)]
pub struct Complaints {
    kinds: Mutex<HashMap<Discriminant<Kind>, (Instant, u64)>>,
}

impl Complaints {
    /// Says a refusal, or counts it.
    pub fn note(&self, refusal: &Refusal) {
        if let Some(line) = self.line(refusal, Instant::now()) {
            tracing::warn!("{line}");
        }
    }

    fn line(&self, refusal: &Refusal, now: Instant) -> Option<String> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = discriminant(&refusal.kind);
        match kinds.get_mut(&kind) {
            Some((said, count)) if now.duration_since(*said) < PAUSE => {
                *count += 1;
                None
            }
            before => {
                let more = before.map_or(0, |(_, count)| *count);
                kinds.insert(kind, (now, 0));
                let and_more = if more == 0 { String::new() } else { format!(" (and {more} more such since the last line)") };
                Some(format!("an OTLP request was refused: {}{and_more}", refusal.message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_the_first_and_then_how_many() {
        let complaints = Complaints::default();
        let (now, refusal) = (Instant::now(), Refusal::new(Kind::Malformed, "no OTLP"));
        assert_eq!(complaints.line(&refusal, now).unwrap(), "an OTLP request was refused: no OTLP");
        assert_eq!(complaints.line(&refusal, now + PAUSE / 2), None);
        assert!(complaints.line(&Refusal::new(Kind::TooLarge, "large"), now).is_some(), "another kind is said at once");
        let line = complaints.line(&refusal, now + PAUSE).unwrap();
        assert_eq!(line, "an OTLP request was refused: no OTLP (and 1 more such since the last line)");
    }
}
