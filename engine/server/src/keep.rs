//! From a body to the store: decoded, kept in the journal, taken in. Only then is it acknowledged.

use std::sync::Arc;
use std::time::Duration;

use davy_sources::otlp::{WindowStore, decode};

use crate::journal::{Journal, JournalConfig, JournalError, Kept};
use crate::receiver::{Intake, Kind, Refusal, Taken};

/// Opens a journal and takes everything in it into a store, as it was taken in when it came.
///
/// # Errors
/// The journal cannot be read. A body in it that is no OTLP any more is said and left out.
pub fn restore(config: &JournalConfig, store: &WindowStore) -> Result<Journal, JournalError> {
    Journal::open(config, |kept| match decode(kept.signal, kept.encoding, &kept.body) {
        Ok(request) => {
            store.accept_at(&request, kept.received_ms);
        }
        Err(error) => tracing::warn!("a body in the journal is left out: {error}"),
    })
}

/// An intake that keeps what it acknowledges in a store, and in a journal where there is one. `now_ms`: the clock.
pub fn intake(store: Arc<WindowStore>, journal: Option<Arc<Journal>>, now_ms: fn() -> i64, retry_after: Duration) -> Intake {
    Box::new(move |signal, encoding, body| {
        let request = decode(signal, encoding, &body).map_err(|error| Refusal::new(Kind::Malformed, error.to_string()))?;
        let received_ms = now_ms();
        if let Some(journal) = &journal {
            // Before the store: what is judged is there again after a restart. A request that is sent again because its answer was
            // lost is known by its points' times.
            let kept = Kept { received_ms, signal, encoding, body };
            journal.append(kept).map_err(|error| Refusal::new(Kind::Unavailable(retry_after), error.to_string()))?;
        }
        let outcome = store.accept_at(&request, received_ms);
        Ok(Taken { rejected: outcome.rejected, message: outcome.message.unwrap_or_default() })
    })
}

#[cfg(test)]
mod tests {
    use davy_sources::otlp::{Encoding, Limits, Signal};

    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn body(number: i64) -> Vec<u8> {
        let (start, end) = ((NOW_MS + number) * 1_000_000, (NOW_MS + number + 1) * 1_000_000);
        format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"n","sum":{{"aggregationTemporality":1,"isMonotonic":true,
            "dataPoints":[{{"startTimeUnixNano":"{start}","timeUnixNano":"{end}","asInt":"1"}}]}}}}]}}]}}]}}"#
        )
        .into_bytes()
    }

    fn config(folder: &std::path::Path, max_bytes: u64) -> JournalConfig {
        JournalConfig { directory: folder.to_owned(), keep_ms: 3_600_000, max_bytes }
    }

    fn empty() -> Arc<WindowStore> {
        Arc::new(WindowStore::new(Limits::live()))
    }

    #[test]
    fn what_is_taken_is_in_the_store_and_restored_and_what_is_sent_again_is_there_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = empty();
        let journal = Arc::new(restore(&config(folder.path(), 1 << 30), &store).unwrap());
        let take = intake(Arc::clone(&store), Some(journal), || NOW_MS, Duration::from_secs(2));
        for number in [0, 1, 1, 2, 0] {
            assert_eq!(take(Signal::Metrics, Encoding::Json, body(number)), Ok(Taken::default()));
        }
        let refusal = take(Signal::Metrics, Encoding::Json, b"{".to_vec()).unwrap_err();
        assert_eq!(refusal.kind, Kind::Malformed);
        assert_eq!(store.usage().points, 3);
        drop(take);
        let restored = empty();
        let journal = restore(&config(folder.path(), 1 << 30), &restored).unwrap();
        assert_eq!((journal.usage().bodies, restored.usage()), (5, store.usage()), "nothing malformed was kept");
    }

    #[test]
    fn what_cannot_be_kept_is_neither_judged_nor_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let store = empty();
        let journal = Arc::new(restore(&config(folder.path(), 64 << 10), &store).unwrap());
        let take = intake(Arc::clone(&store), Some(Arc::clone(&journal)), || NOW_MS, Duration::from_secs(2));
        let mut taken = 0;
        let refusal = loop {
            match take(Signal::Metrics, Encoding::Json, body(taken)) {
                Ok(_) => taken += 1,
                Err(refusal) => break refusal,
            }
            assert!(taken < 2_000, "more than 64 KiB");
        };
        assert_eq!(refusal.kind, Kind::Unavailable(Duration::from_secs(2)));
        assert!(refusal.message.contains("no space left"), "{}", refusal.message);
        assert_eq!((store.usage().points as i64, journal.usage().bodies as i64), (taken, taken));
    }
}
