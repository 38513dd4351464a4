//! The loaders and the construction of `real-data`, on small pieces in the form of the recorded data sets, which are not here.

use std::fs;
use std::path::Path;
use std::process::Command;

use davy_judge::arm::PerArm;
use davy_judge::reading::Reading;
use davy_judge::verdict::Verdict;
use davy_tests::real_data::page::{MARKERS, median, replaced};
use davy_tests::real_data::{Comparison, Pair, Rules, chosen, history, judge, lab, nab, nezha};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

const START: i64 = 1_661_140_279;
const RULES: &str = include_str!("../real-data/nezha.yaml");
/// Minutes of the made day: faults in the first hour, then ten quiet stretches.
const MINUTES: i64 = 60 + 15 + 10 * 30 + 7;

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("inside the place")).expect("a directory");
    fs::write(path, text).expect("a file");
}

/// A number spread by ±5 %.
fn about(value: f64, random: &mut ChaCha8Rng) -> f64 {
    value * (0.95 + 0.1 * (random.next_u32() as f64 / f64::from(u32::MAX)))
}

/// A day in Nezha's form: the CPU fault of the cart at minute 20, errors at minute 40 that the front shows.
fn day(place: &Path, date: &str, clock_of_ads: i64) {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let folder = place.join("rca_data").join(date);
    let fault = |minute: i64, service: &str, kind: &str| {
        format!(
            r#"{{"inject_time": "unused", "inject_timestamp": "{}", "inject_pod": "{service}-5f6-abc", "inject_type": "{kind}"}}"#,
            START + minute * 60 - 20
        )
    };
    let faults =
        [fault(20, "cartservice", "cpu_contention"), fault(40, "cartservice", "return"), fault(60, "cartservice", "network_delay")];
    write(&folder.join(format!("{date}-fault_list.json")), &format!(r#"{{"03": [{}], "04": [{}, {}]}}"#, faults[0], faults[1], faults[2]));
    let mut front = "Time,TimeStamp,SuccessRate(%)\n".to_owned();
    let heading = "TimeStamp,CpuUsageRate(%),PodServerLatencyP99(s),PodWorkload(Ops)\n";
    let (mut cart, mut frontend, mut ads) = (heading.to_owned(), heading.to_owned(), heading.to_owned());
    for minute in 0..MINUTES {
        // A second late now and then, as recorded.
        let time = START + minute * 60 + minute % 2;
        let success = if (40..44).contains(&minute) { 60.0 } else { 100.0 };
        front += &format!("unused,{time},{success}\n");
        let slow = if (20..24).contains(&minute) { 10.0 } else { 1.0 };
        // One point is missing, one has no number.
        if minute != 100 {
            let latency = if minute == 101 { String::new() } else { (slow * about(0.02, &mut random)).to_string() };
            cart += &format!("{time},{},{latency},8.6\n", slow * about(5.0, &mut random));
        }
        frontend += &format!("{time},{},{},8.6\n", about(25.0, &mut random), about(0.9, &mut random));
        let jump = if minute > 5 { clock_of_ads } else { 0 };
        ads += &format!("{},{},{},5\n", time + jump, about(4.0, &mut random), about(0.05, &mut random));
    }
    write(&folder.join("metric/front_service.csv"), &front);
    for (service, text) in [("cartservice", cart), ("frontend", frontend), ("adservice", ads)] {
        write(&folder.join(format!("metric/{service}-5f6-abc_metric.csv")), &text);
    }
    let mut cases = "day,pod,ts,type,front_succ_after\n".to_owned();
    for (minute, kind, success) in [(20, "cpu_contention", "100.0"), (40, "return", "60.0"), (60, "network_delay", "100.0")] {
        cases += &format!("{date},cartservice,{},{kind},{success}\n", START + minute * 60 - 20);
    }
    write(&place.join("cases_derived.csv"), &cases);
}

#[test]
fn a_made_fault_is_found_and_nothing_else() {
    let place = tempfile::tempdir().expect("a directory");
    day(place.path(), "2022-08-22", 0);
    let day = nezha::Day::read(place.path(), "2022-08-22").expect("it is in the form");
    let rules = Rules::load("nezha.yaml", RULES).expect("it is shipped");
    assert_eq!(day.services().collect::<Vec<_>>(), ["adservice", "cartservice", "frontend"]);
    let known: Vec<Option<bool>> = (0..3).map(|fault| day.is_known(fault)).collect();
    assert_eq!(known, [Some(true), Some(true), None]);

    let cpu = judge(&rules, &day.fault(0));
    assert_eq!((cpu.verdict, cpu.windows), (Verdict::Rollback, 3), "{cpu:?}");
    let errors = judge(&rules, &day.fault(1));
    assert_eq!(errors.verdict, Verdict::Rollback, "{errors:?}");
    assert!(errors.why.contains("error_rate"), "{}", errors.why);
    let delay = judge(&rules, &day.fault(2));
    assert_ne!(delay.verdict, Verdict::Rollback, "{delay:?}");

    let mut compared = 0;
    for service in ["adservice", "cartservice", "frontend"] {
        for (name, comparison) in day.same(service) {
            let answer = judge(&rules, &comparison);
            assert_ne!(answer.verdict, Verdict::Rollback, "{service} {name}: {answer:?}");
            compared += 1;
        }
    }
    assert_eq!(compared, 3 * 5 * 2, "ten quiet stretches are five pairs, judged both ways round");
}

#[test]
fn a_faults_windows_end_where_the_next_one_begins() {
    let place = tempfile::tempdir().expect("a directory");
    day(place.path(), "2022-08-22", 0);
    let day = nezha::Day::read(place.path(), "2022-08-22").expect("it is in the form");
    let comparison = day.fault(0);
    assert_eq!(comparison.metrics.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 20]);
    // Injected 20 s before the end of window 20: more than half of that window came before, so 21 is the first.
    let cpu: Vec<f64> = comparison.metrics[1].iter().map(|arms| value(&arms.canary)).collect();
    assert!(cpu[0] > 40.0 && cpu[2] > 40.0 && cpu[3] < 6.0, "{cpu:?}");
    assert!(comparison.metrics[1].iter().all(|arms| value(&arms.baseline) < 6.0), "the baseline is after the last fault");
}

fn value(reading: &Reading) -> f64 {
    match reading {
        Reading::Value(value) => *value,
        other => panic!("expected a value, found {other:?}"),
    }
}

#[test]
fn a_broken_clock_leaves_its_pod_out_and_says_so() {
    let place = tempfile::tempdir().expect("a directory");
    day(place.path(), "2022-08-22", 200_000_000);
    let day = nezha::Day::read(place.path(), "2022-08-22").expect("the others are in the form");
    assert_eq!(day.services().collect::<Vec<_>>(), ["cartservice", "frontend"]);
    assert!(day.unusable["adservice"].contains("run away"), "{:?}", day.unusable);
}

#[test]
fn what_is_not_in_the_form_says_where() {
    let place = tempfile::tempdir().expect("a directory");
    let missing = nezha::Day::read(place.path(), "2022-08-22").expect_err("there is nothing");
    assert!(format!("{missing:#}").contains("cases_derived.csv"), "{missing:#}");
    day(place.path(), "2022-08-22", 0);
    let pod = place.path().join("rca_data/2022-08-22/metric/cartservice-5f6-abc_metric.csv");
    let text = fs::read_to_string(&pod).expect("it was written");
    fs::write(&pod, text.replace("CpuUsageRate(%)", "Cpu")).expect("a file");
    let error = format!("{:#}", nezha::Day::read(place.path(), "2022-08-22").expect_err("a column is missing"));
    assert!(error.contains("CpuUsageRate(%)") && error.contains("cartservice"), "{error}");
    fs::write(&pod, text.replace("8.6\n", "8.6,1\n")).expect("a file");
    let error = format!("{:#}", nezha::Day::read(place.path(), "2022-08-22").expect_err("rows are longer"));
    assert!(error.contains(":2: expected 4 cells"), "{error}");
}

#[test]
fn pairs_become_rows_one_after_the_other() {
    let series: Vec<Reading> = (0..40).map(|index| Reading::Value(f64::from(index))).collect();
    let pairs = [Pair { baseline: 0, canary: 10 }, Pair { baseline: 20, canary: 38 }];
    let made = history(&series, &pairs, 3);
    let seen = |reading: &Reading| if let Reading::Value(value) = reading { *value } else { f64::NAN };
    assert_eq!(made.baseline.iter().map(seen).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 20.0, 21.0, 22.0]);
    assert_eq!(made.rows[0][1], PerArm { baseline: Reading::Value(1.0), canary: Reading::Value(11.0) });
    assert_eq!(made.rows[0][3], PerArm::default(), "the first row has ended");
    assert_eq!(made.rows[1][3], PerArm { baseline: Reading::Value(20.0), canary: Reading::Value(38.0) });
    assert_eq!(made.rows[1][5].canary, Reading::Missing, "the series has ended");
    let many: Vec<Pair> = (0..14).map(|index| Pair { baseline: index, canary: index }).collect();
    assert_eq!(chosen(&many, 6).iter().map(|pair| pair.canary).collect::<Vec<_>>(), [0, 2, 4, 7, 9, 11]);
    assert_eq!(chosen(&many[..2], 6), many[..2]);
}

#[test]
fn an_empty_comparison_is_never_promoted() {
    let rules = Rules::load("nezha.yaml", RULES).expect("it is shipped");
    assert_eq!(judge(&rules, &Comparison::default()).verdict, Verdict::Hold);
}

/// Days in NAB's form, with a label over the whole fourth.
fn trace(place: &Path, name: &str) {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut text = "timestamp,value\n".to_owned();
    for day in 1..=12 {
        for slot in 0..288 {
            let busy = 100.0 + 80.0 * (f64::from(slot) / 288.0 * std::f64::consts::TAU).sin();
            text += &format!("2014-04-{day:02} {:02}:{:02}:00,{}\n", slot / 12, slot % 12 * 5 + 2, about(busy, &mut random));
        }
    }
    write(&place.join("data").join(name), &text);
    let labels = format!(r#"{{"{name}": [["2014-04-04 00:05:00.000000", "2014-04-04 23:00:00.000000"]]}}"#);
    write(&place.join("labels/combined_windows.json"), &labels);
}

#[test]
fn days_are_paired_by_the_hour_outside_the_labels() {
    let place = tempfile::tempdir().expect("a directory");
    trace(place.path(), "real/one.csv");
    let read = |text: &str| nab::segments(&format!("file,rule,earlier,later,quarters\n{text}"));
    let list = read("real/one.csv,resource,2014-04-01,2014-04-02,03\nreal/one.csv,resource,2014-04-05,2014-04-06,0\nreal/one.csv,resource,2014-04-07,2014-04-08,0\n")
        .expect("it is in the form");
    let days: Vec<&nab::Days> = list.iter().collect();
    let trace = nab::Trace::read(place.path(), "real/one.csv").expect("it is in the form");
    let made = trace.same(&days).expect("no label is touched");
    assert_eq!(made.len(), 8, "four segments, both ways round");
    let rules = Rules::load("nab.yaml", include_str!("../real-data/nab.yaml")).expect("it is shipped").only(&["resource"]);
    for (name, comparison) in &made {
        assert_eq!(comparison.metrics[0].len(), nab::LENGTH);
        assert!(comparison.metrics[0].iter().all(|arms| arms.baseline != Reading::Missing && arms.canary != Reading::Missing), "{name}");
        let answer = judge(&rules, comparison);
        // Diurnal, yet the same hours are compared; the evening has no other day to learn from.
        let expected = if name.contains("00–06") { Verdict::Promote } else { answer.verdict };
        assert_eq!(answer.verdict, expected, "{name}: {answer:?}");
        assert_ne!(answer.verdict, Verdict::Rollback, "{name}: {answer:?}");
    }
    let labelled = read("real/one.csv,resource,2014-04-03,2014-04-04,2\n").expect("it is in the form");
    let error = trace.same(&labelled.iter().collect::<Vec<_>>()).expect_err("it lies in a label").to_string();
    assert!(error.contains("label"), "{error}");
    assert!(read("real/one.csv,resource,2014-04-03,2014-04-04,4\n").is_err());
}

#[test]
fn the_checked_in_segments_can_be_read_and_are_all_different() {
    let list = nab::segments(nab::SEGMENTS).expect("it is shipped");
    let count: usize = list.iter().map(|days| days.quarters.len()).sum();
    assert_eq!((list.len(), count), (127, 447));
    for (index, days) in list.iter().enumerate() {
        assert_eq!(days.earlier.tomorrow().expect("a date"), days.later, "{days:?}");
        assert!(list[..index].iter().all(|other| other.file != days.file || other.later < days.earlier), "{days:?} is used twice");
    }
}

#[tokio::test]
async fn the_labs_bodies_go_through_the_whole_pipeline() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/recordings");
    for (mode, verdict) in [("same", Verdict::Hold), ("slower", Verdict::Rollback), ("erroring", Verdict::Rollback)] {
        let place = tempfile::tempdir().expect("a directory");
        for file in ["requests_raw.json", "buckets_raw.json"] {
            let body = fs::read_to_string(recorded.join(format!("lab-{mode}")).join(file)).expect("a shipped body");
            write(&place.path().join("lab").join(mode).join(file), &body);
        }
        let answer = lab::judge(place.path(), mode, lab::RULES[0].1).await.expect("the bodies can be read");
        assert_eq!(answer.verdict, verdict, "{mode}: {answer:?}");
        assert!(lab::judge(place.path(), mode, lab::RULES[1].1).await.is_err(), "there are no ready series here");
    }
}

#[test]
fn the_made_part_of_a_page_is_replaced() {
    let page = format!("before\n{}\n\nold\n\n{}\nafter\n", MARKERS.0, MARKERS.1);
    let new = replaced(&page, "new\n").expect("there are markers");
    assert_eq!(new, page.replace("old", "new"));
    assert_eq!(replaced(&new, "new").expect("there are markers"), new);
    assert!(replaced("no markers", "new").is_err());
    let shipped = include_str!("../../docs/real-data.md");
    assert!(replaced(shipped, "new").is_ok(), "the shipped page has its markers");
}

#[test]
fn a_miss_counts_in_the_median() {
    assert_eq!(median(&[Some(3), None, Some(4)]), "4");
    assert_eq!(median(&[Some(3), None, None]), "not found");
    assert_eq!(median(&[]), "–");
}

#[test]
fn the_command_says_what_is_missing() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_real-data")).args(arguments).output().expect("it is built");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(run(&[]).contains("expected the path of the traces"), "{}", run(&[]));
    assert!(run(&["--fast"]).contains("found `--fast`"));
    let place = tempfile::tempdir().expect("a directory");
    let said = run(&[&place.path().to_string_lossy()]);
    assert!(said.contains("requests_raw.json"), "{said}");
}
