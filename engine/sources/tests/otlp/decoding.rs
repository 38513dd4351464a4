//! Bodies of real SDKs and agents, and JSON as odd as the specification lets it be.

use std::path::{Path, PathBuf};

use davy_sources::otlp::{Encoding, Limits, Reason, Request, Signal, WindowStore, decode};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/otlp")
}

fn bodies(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the fixtures are there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == kind));
    paths.sort();
    paths
}

#[test]
fn recorded_bodies_are_what_their_json_twins_say() {
    let mut twins = 0;
    for folder in ["sdk-http-cumulative", "sdk-http-delta-gzip", "sdk-http-exponential", "sdk-grpc-via-rotel-http"] {
        for twin in bodies(&fixtures().join(folder), "json") {
            let json = decode(Signal::Metrics, Encoding::Json, &std::fs::read(&twin).unwrap()).unwrap();
            let protobuf = decode(Signal::Metrics, Encoding::Protobuf, &std::fs::read(twin.with_extension("pb")).unwrap()).unwrap();
            let (one, other) = (WindowStore::new(Limits::offline()), WindowStore::new(Limits::offline()));
            assert_eq!(one.accept(&json).rejected, 0);
            assert_eq!(other.accept(&protobuf).rejected, 0);
            assert_eq!(one.usage(), other.usage(), "{}", twin.display());
            assert!(one.usage().points > 0, "{}", twin.display());
            // The very same points: each is a retry of the other's.
            let points = one.usage().points as u64;
            one.accept(&protobuf);
            assert_eq!(one.usage().ignored.get(&Reason::Duplicate), Some(&points), "{}", twin.display());
            assert_eq!(one.usage().ignored.get(&Reason::Conflict), None, "{}", twin.display());
            twins += 1;
        }
    }
    assert_eq!(twins, 16);
}

#[test]
fn every_recorded_body_is_taken_whole() {
    for folder in ["sdk-http-cumulative", "sdk-http-delta-gzip", "sdk-http-exponential", "sdk-grpc-via-rotel-http"] {
        let store = WindowStore::new(Limits::offline());
        for body in bodies(&fixtures().join(folder), "pb") {
            let outcome = store.accept(&decode(Signal::Metrics, Encoding::Protobuf, &std::fs::read(&body).unwrap()).unwrap());
            assert_eq!((outcome.rejected, outcome.message), (0, None), "{}", body.display());
        }
        assert!(store.usage().points > 8, "{folder}: {:?}", store.usage());
    }
}

fn point(fields: &str) -> Result<Request, String> {
    let body = format!(
        r#"{{"resourceMetrics":[{{"unknown":[1,{{"a":null}}],"scopeMetrics":[{{"metrics":[{{"name":"a","sum":{{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[{{{fields}}}]}}}}]}}]}}]}}"#
    );
    decode(Signal::Metrics, Encoding::Json, body.as_bytes()).map_err(|error| error.to_string())
}

fn rejected(fields: &str) -> Option<Reason> {
    let store = WindowStore::new(Limits::offline());
    let request = point(fields).unwrap_or_else(|error| panic!("{fields}: {error}"));
    store.accept(&request);
    store.usage().ignored.into_keys().next()
}

#[test]
fn numbers_may_be_text_and_nothing_is_lost_without_a_word() {
    for fields in [
        r#""timeUnixNano":"5","asInt":"7""#,
        r#""timeUnixNano":5,"asInt":7"#,
        r#""timeUnixNano":5,"asInt":7.0"#,
        r#""timeUnixNano":5,"asDouble":"7""#,
        r#""timeUnixNano":5,"asDouble":7,"flags":0,"exemplars":null,"attributes":null,"startTimeUnixNano":null"#,
        r#""time_unix_nano":5,"as_double":7e0"#,
    ] {
        assert_eq!(
            point(fields),
            point(r#""timeUnixNano":5,"asDouble":7.0"#).map(|request| match fields.contains("asInt") {
                true => point(r#""timeUnixNano":5,"asInt":7"#).unwrap(),
                false => request,
            }),
            "{fields}"
        );
        assert_eq!(rejected(fields), None, "{fields}");
    }
    for (fields, reason) in [
        (r#""timeUnixNano":5,"asDouble":"NaN""#, Reason::NotFinite),
        (r#""timeUnixNano":5,"asDouble":"Infinity""#, Reason::NotFinite),
        (r#""timeUnixNano":5"#, Reason::NoValue),
        (r#""asInt":"7""#, Reason::NoTime),
        (r#""timeUnixNano":5,"asInt":"-7""#, Reason::Negative),
        (r#""timeUnixNano":5,"asInt":"7","flags":1"#, Reason::NoRecordedValue),
    ] {
        assert_eq!(rejected(fields), Some(reason), "{fields}");
    }
    for fields in [
        r#""timeUnixNano":5,"asInt":"x""#,
        r#""timeUnixNano":5,"asInt":7.5"#,
        r#""timeUnixNano":-5,"asInt":7"#,
        r#""timeUnixNano":5,"asDouble":"many""#,
        r#""timeUnixNano":"18446744073709551616","asInt":7"#,
    ] {
        let error = point(fields).unwrap_err();
        assert!(error.contains("line 1 column"), "{fields}: {error}");
    }
}

#[test]
fn enums_are_numbers_or_names_and_ids_are_hex() {
    let span = |kind: &str, id: &str| {
        let body = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{id}","spanId":"00f067aa0ba902b7","name":"GET /","kind":{kind},"startTimeUnixNano":"1","endTimeUnixNano":"2","status":{{"code":2}}}}]}}]}}]}}"#
        );
        decode(Signal::Traces, Encoding::Json, body.as_bytes())
    };
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    assert_eq!(span("2", id).unwrap(), span("\"SPAN_KIND_SERVER\"", id).unwrap());
    assert!(span("2", "4b!").unwrap_err().to_string().contains("hexadecimal"));
    assert!(span("\"SERVANT\"", id).unwrap_err().to_string().contains("SERVANT"));
}

#[test]
fn bytes_that_are_no_request_say_so() {
    for (encoding, bytes) in [(Encoding::Json, &b"{\"resourceMetrics\":5}"[..]), (Encoding::Json, b"["), (Encoding::Protobuf, b"\x0a\xff")]
    {
        let error = decode(Signal::Metrics, encoding, bytes).unwrap_err().to_string();
        assert!(error.starts_with("expected an OTLP metrics request as "), "{error}");
    }
    assert!(decode(Signal::Logs, Encoding::Json, b"{}").is_ok(), "an empty request is one");
}
