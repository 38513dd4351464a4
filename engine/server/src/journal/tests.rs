use super::*;

fn config(directory: &Path) -> JournalConfig {
    JournalConfig { directory: directory.join("state"), keep_ms: 1_000_000, max_bytes: 1 << 30 }
}

fn kept(received_ms: i64, body: &[u8]) -> Kept {
    Kept { received_ms, signal: Signal::Metrics, encoding: Encoding::Protobuf, body: body.to_vec() }
}

fn open_and_read(config: &JournalConfig) -> (Journal, Vec<Kept>) {
    let mut all = Vec::new();
    let journal = Journal::open(config, |kept| all.push(kept)).unwrap();
    (journal, all)
}

/// Bytes that do not compress.
fn noise(length: usize, mut state: u32) -> Vec<u8> {
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn what_was_kept_is_there_again_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let mut all = Vec::new();
    for signal in [Signal::Metrics, Signal::Logs, Signal::Traces] {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let body = noise(3_000, u32::try_from(all.len()).unwrap());
            all.push(Kept { received_ms: 5_000 - all.len() as i64, signal, encoding, body });
        }
    }
    all.push(kept(1, b""));
    for _ in 0..2 {
        let (journal, found) = open_and_read(&config);
        assert!(found.is_empty() || found == all);
        for kept in all.iter().skip(found.len()) {
            journal.append(kept.clone()).unwrap();
        }
        assert_eq!(journal.usage().bodies, 7);
    }
    assert!(open_and_read(&config).1 == all);
}

#[test]
fn many_at_once_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open_and_read(&config(folder.path()));
    std::thread::scope(|scope| {
        for thread in 0..16_u8 {
            let journal = &journal;
            scope.spawn(move || (0..50_u8).for_each(|number| journal.append(kept(0, &[thread, number])).unwrap()));
        }
    });
    drop(journal);
    let mut bodies: Vec<Vec<u8>> = open_and_read(&config(folder.path())).1.into_iter().map(|kept| kept.body).collect();
    bodies.sort();
    assert_eq!(bodies, (0..16).flat_map(|thread| (0..50).map(move |number| vec![thread, number])).collect::<Vec<_>>());
}

#[test]
fn what_is_old_goes_and_its_space_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let config = JournalConfig { keep_ms: 100_000, ..config(folder.path()) };
    let (journal, _) = open_and_read(&config);
    let mut largest = 0;
    for number in 0..200_i64 {
        journal.append(kept(number * 10_000, &noise(20_000, u32::try_from(number).unwrap()))).unwrap();
        largest = largest.max(journal.usage().bytes);
    }
    assert!((10..=12).contains(&journal.usage().bodies), "{:?}", journal.usage());
    assert!(largest < 20_000 * 20, "{largest} bytes for eleven bodies of 20,000");
    drop(journal);
    let (_, found) = open_and_read(&config);
    assert!(found.iter().all(|kept| kept.received_ms >= 1_990_000 - 100_000), "{found:?}");
}

#[test]
fn beyond_its_bound_nothing_is_taken_until_time_has_made_room() {
    let folder = tempfile::tempdir().unwrap();
    let config = JournalConfig { keep_ms: 100_000, max_bytes: 1 << 20, ..config(folder.path()) };
    let (journal, _) = open_and_read(&config);
    let mut taken = 0;
    let error = loop {
        match journal.append(kept(0, &noise(100_000, taken))) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 20, "2 MB in 1 MiB");
    };
    assert!(matches!(error.kind, JournalErrorKind::Full(1)) && error.to_string().contains("--state"), "{error}");
    assert!(taken >= 8, "{taken}");
    journal.append(kept(200_000, &noise(100_000, 99))).unwrap();
    drop(journal);
    assert_eq!(open_and_read(&config).1.len(), 1);
}

#[test]
fn a_second_one_in_the_same_directory_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = open_and_read(&config(folder.path()));
    let error = Journal::open(&config(folder.path()), |_| {}).unwrap_err();
    assert!(error.to_string().contains("another davy uses it"), "{error}");
    drop(first);
    assert!(Journal::open(&config(folder.path()), |_| {}).is_ok());
}

#[test]
fn another_versions_journal_and_a_damaged_one_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    drop(open_and_read(&config));
    let path = config.directory.join("otlp.sqlite");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let error = Journal::open(&config, |_| {}).unwrap_err();
    assert!(error.to_string().contains("expected schema 1, found 7"), "{error}");
    std::fs::write(&path, noise(8_192, 3)).unwrap();
    let error = Journal::open(&config, |_| {}).unwrap_err();
    assert!(error.to_string().contains("move the directory away"), "{error}");
}
