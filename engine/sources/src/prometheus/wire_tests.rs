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
