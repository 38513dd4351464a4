//! Bodies as real servers sent them (`fixtures/wire/prometheus`), and bodies that nobody should send.

use super::*;

#[test]
fn special_numbers_survive() {
    let body = br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"x"},
        "values":[[1435781430.781,"1"],[1435781445,"NaN"],[1435781460.0005,"+Inf"],[1435781475.999,"-Inf"],[-1,"1e3"]]}]}}"#;
    let series = &decode_matrix(body).unwrap().series[0];
    assert_eq!(series.labels["__name__"], "x");
    assert_eq!(series.values[0], (1_435_781_430_781, 1.0));
    assert!(series.values[1].1.is_nan());
    assert_eq!(series.values[2].1, f64::INFINITY);
    assert_eq!(series.values[3], (1_435_781_475_999, f64::NEG_INFINITY));
    assert_eq!(series.values[4], (-1000, 1000.0));
}

#[test]
fn native_histograms_and_floats_share_a_series() {
    let body = br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]],"histograms":[[2,
        {"count":"5","sum":"NaN","buckets":[[0,"1","2","3"],[3,"-0.5","0.5","2"]]}],[3,{"count":"0","sum":"0"}]]}]}}"#;
    let series = &decode_matrix(body).unwrap().series[0];
    assert_eq!(series.values, [(1000, 2.0)]);
    let full = NativeHistogram { count: 5.0, buckets: vec![(-0.5, 0.5, 2.0), (1.0, 2.0, 3.0)] };
    assert_eq!(series.histograms, [(2000, full), (3000, NativeHistogram::default())]);
}

#[test]
fn a_vector_is_a_matrix_of_one_sample_each() {
    let body = br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[2,"7"]},
        {"metric":{},"histogram":[3,{"count":"1","sum":"1","buckets":[[0,"0","1","1"]]}]}]},"warnings":["w"],"infos":["i"]}"#;
    let decoded = decode_matrix(body).unwrap();
    assert_eq!(decoded.series[0].values, [(2000, 7.0)]);
    assert_eq!(decoded.series[1].histograms[0].0, 3000);
    assert_eq!((decoded.warnings, decoded.infos), (vec!["w".to_owned()], vec!["i".to_owned()]));
}

#[test]
fn a_partial_answer_is_a_warning() {
    let body = br#"{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}"#;
    assert!(decode_matrix(body).unwrap().warnings[0].contains("partial"));
}

#[test]
fn an_error_with_status_200_is_an_error() {
    let body = br#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    assert!(matches!(decode_matrix(body), Err(SourceErrorKind::Query { message, .. }) if message == "parse error"));
    assert_eq!(decode_error(body), Some(ApiError { kind: "bad_data".to_owned(), message: "parse error".to_owned() }));
}

#[test]
fn what_is_no_answer_is_named() {
    let page = b"<!DOCTYPE html><html><head><title>Sign\n in</title></head></html>";
    assert!(matches!(decode_matrix(page), Err(SourceErrorKind::Malformed { found, .. }) if found.contains("\"Sign in\"")));
    for body in [&b""[..], b"  \n", b"no healthy upstream", b"[]", b"null", b"\x1b[31mred", b"\xff\xfe"] {
        let Err(SourceErrorKind::Malformed { found, .. }) = decode_matrix(body) else { panic!("{body:?}") };
        assert!(!found.contains('\x1b'), "{found:?}");
    }
    for body in [
        r#"{}"#,
        r#"{"status":"success"}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#,
        r#"{"status":"success","data":{"result":[{"metric":{},"values":[[1,2]]}]}}"#,
        r#"{"status":"success","data":{"result":[{"metric":{},"values":[[1,"x"]]}]}}"#,
        r#"{"status":"success","data":{"result":[{"metric":{},"values":[[1]]}]}}"#,
        r#"{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2",3]]}]}}"#,
        r#"{"status":"success","data":{"result":[{"metric":{},"values":[[1e300,"2"]]}]}}"#,
        r#"{"status":"success","data":{"result":[{"values":[[1,"2"]]}]}}"#,
    ] {
        assert!(matches!(decode_matrix(body.as_bytes()), Err(SourceErrorKind::Malformed { .. })), "{body}");
    }
}

#[test]
fn every_prefix_of_an_answer_is_truncated() {
    let body = br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"2"]]}]}}"#;
    for end in 1..body.len() {
        assert_eq!(decode_matrix(&body[..end]), Err(SourceErrorKind::Truncated(end as u64)), "{end}");
    }
}

/// A body as a real server sent it.
fn recorded(name: &str) -> Vec<u8> {
    let path = format!("{}/../../fixtures/wire/prometheus/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Labels as `a=b,…` and samples, in an order that does not depend on the server's.
fn sorted(matrix: &DecodedMatrix) -> Vec<(String, Vec<(i64, f64)>)> {
    let mut series: Vec<_> = matrix.series.iter().map(|found| (format!("{:?}", found.labels), found.values.clone())).collect();
    series.sort_by(|one, other| one.0.cmp(&other.0));
    series
}

#[test]
fn real_servers_say_the_same_in_other_words() {
    for kind in ["counters", "vector", "range", "empty"] {
        let [prometheus, victoria] = ["prometheus-2.42", "victoriametrics-1.79"]
            .map(|server| sorted(&decode_matrix(&recorded(&format!("{server}-{kind}"))).unwrap()));
        assert_eq!(prometheus, victoria, "{kind}");
        assert_eq!(prometheus.is_empty(), kind == "empty");
    }
    let counters = sorted(&decode_matrix(&recorded("prometheus-2.42-counters")).unwrap());
    let points: Vec<_> = counters.into_iter().map(|(_, points)| points).collect();
    assert_eq!(
        points,
        [
            vec![(1_700_000_100_571, 30.0), (1_700_000_115_571, 65.0), (1_700_000_130_571, 4.0)],
            vec![(1_700_000_115_004, 1e6), (1_700_000_130_004, 1_000_030.5)],
            vec![(1_700_000_130_004, 1.0)],
            vec![(1_700_000_100_571, 0.0), (1_700_000_115_571, 1.0), (1_700_000_130_571, 0.0)],
        ]
    );
}

#[test]
fn real_servers_differ_over_nan() {
    let odd = |server: &str| {
        let points = sorted(&decode_matrix(&recorded(&format!("{server}-odd"))).unwrap());
        points.into_iter().flat_map(|(_, points)| points).map(|(_, value)| value.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(odd("prometheus-2.42"), ["inf", "-inf", "NaN", "3"]);
    // VictoriaMetrics takes a NaN that is put in for nothing at all.
    assert_eq!(odd("victoriametrics-1.79"), ["inf", "-inf", "3"]);
}

#[test]
fn real_refusals_keep_the_servers_words() {
    for (name, words) in [
        ("prometheus-2.42-parse-error", "missing unit character in duration"),
        ("prometheus-2.42-too-many-samples", "would load too many samples"),
        ("victoriametrics-1.79-parse-error", "unexpected token"),
    ] {
        let refused = decode_matrix(&recorded(name));
        assert!(matches!(&refused, Err(SourceErrorKind::Query { message, .. }) if message.contains(words)), "{name}: {refused:?}");
    }
    assert!(matches!(decode_matrix(&recorded("prometheus-2.42-scalar")), Err(SourceErrorKind::Malformed { .. })));
}

#[test]
fn a_real_native_histogram_adds_up() {
    let matrix = decode_matrix(&recorded("prometheus-2.42-native")).unwrap();
    let [series] = &matrix.series[..] else { panic!("{matrix:?}") };
    assert!(series.values.is_empty() && series.histograms.len() >= 2);
    for (_, reading) in &series.histograms {
        assert_eq!(reading.buckets.iter().map(|(_, _, count)| count).sum::<f64>(), reading.count);
        assert!(reading.buckets.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        assert!(reading.buckets.contains(&(0.057312752700291944, 0.0625, 5.0)), "{reading:?}");
    }
}
