//! Decoding a matrix of about 1 MB, beside a generic JSON tree in the same run: `cargo bench -p davy-sources --bench decode`.

use std::fmt::Write as _;

use davy_sources::prometheus::decode_matrix;
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

/// 14 buckets of 10 instances, 300 samples each, as Prometheus writes them.
fn counters() -> Vec<u8> {
    let mut body = String::from(r#"{"status":"success","data":{"resultType":"matrix","result":["#);
    for series in 0..140 {
        let (pod, le) = (series / 14, 0.005 * f64::from(1 << (series % 14)));
        let comma = if series == 0 { "" } else { "," };
        let name = "http_server_request_duration_seconds_bucket";
        write!(body, r#"{comma}{{"metric":{{"__name__":"{name}","le":"{le}","pod":"checkout-{pod}","version":"v1"}},"values":["#)
            .expect("a string grows");
        for sample in 0..300 {
            let comma = if sample == 0 { "" } else { "," };
            write!(body, r#"{comma}[{}.571,"{}"]"#, 1_700_000_000 + sample * 15, (series + 1) * 17 * sample).expect("a string grows");
        }
        body.push_str("]}");
    }
    body.push_str("]}}");
    body.into_bytes()
}

/// A recorded native histogram, its readings repeated.
fn native() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/wire/prometheus/prometheus-2.42-native.json");
    let recorded = std::fs::read_to_string(path).expect("the fixture is there");
    let (head, rest) = recorded.split_once(r#""histograms":["#).expect("a native histogram");
    let readings = rest.strip_suffix("]}]}}").expect("one series");
    let all = vec![readings; (1 << 20) / readings.len()].join(",");
    format!(r#"{head}"histograms":[{all}]}}]}}}}"#).into_bytes()
}

#[divan::bench(args = ["counters", "native"])]
fn typed(bencher: Bencher<'_, '_>, kind: &str) {
    let body = if kind == "native" { native() } else { counters() };
    bencher.counter(BytesCount::new(body.len())).bench(|| decode_matrix(divan::black_box(&body)).expect("a sound body"));
}

#[divan::bench(args = ["counters", "native"])]
fn generic_tree(bencher: Bencher<'_, '_>, kind: &str) {
    let body = if kind == "native" { native() } else { counters() };
    let bencher = bencher.counter(BytesCount::new(body.len()));
    bencher.bench(|| serde_json::from_slice::<serde_json::Value>(divan::black_box(&body)).expect("sound JSON"));
}
