//! Kayenta's judge against an independent implementation in NumPy and SciPy, and against what is known of its behaviour.

use davy_judge::arm::PerArm;
use davy_judge::fixed_horizon::kayenta::{
    Classification, EffectSize, Grade, Measure, NanStrategy, Outliers, ScoredMetric, Settings, Thresholds, classify, classify_with, grade,
    score,
};
use davy_judge::rule::Direction;
use serde_json::Value;

use crate::draws::Draws;
use crate::table::{assert_all_close, assert_close, load, number, numbers};

const LABELS: [Classification; 6] = [
    Classification::Pass,
    Classification::High,
    Classification::Low,
    Classification::NoData,
    Classification::NoDataFail,
    Classification::Error,
];

fn settings(case: &Value) -> Settings {
    let text = |key: &str| case.get(key).and_then(Value::as_str);
    let flag = |key: &str| case.get(key).and_then(Value::as_bool).unwrap_or(false);
    let pair = |key: &str| {
        let ends = numbers(case.get(key)?);
        Some(Thresholds { increase: ends[0], decrease: ends[1] })
    };
    let plain = EffectSize::of(if text("measure") == Some("cles") { Measure::Cles } else { Measure::MeanRatio });
    Settings {
        direction: match text("direction") {
            Some("increase") => Direction::Higher,
            Some("decrease") => Direction::Lower,
            _ => Direction::Either,
        },
        nan: if text("nan") == Some("replace") { NanStrategy::Replace } else { NanStrategy::Remove },
        outliers: case.get("outliers").map_or(Outliers::Keep, |factor| Outliers::Remove(number(factor))),
        effect_size: EffectSize {
            allowed: pair("allowed").unwrap_or(plain.allowed),
            critical: pair("critical_at").unwrap_or(plain.critical),
            ..plain
        },
        critical: flag("critical"),
        must_have_data: flag("must"),
    }
}

#[test]
fn labels_and_intervals() {
    let table = load("kayenta.json");
    let cases = table["classified"].as_array().expect("cases");
    let mut seen: Vec<Classification> = Vec::new();
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let (baseline, canary) = (numbers(&case["baseline"]), numbers(&case["canary"]));
        let found = classify_with(PerArm { baseline: &baseline, canary: &canary }, &settings(&case["settings"]));
        let expected = &case["expected"];
        assert_eq!(found.classification.name(), expected["label"].as_str().expect("a label"), "{name}");
        assert_eq!(found.critical, expected["critical"].as_bool().expect("a flag"), "{name}");
        assert_close(&format!("{name}, ratio"), found.ratio.unwrap_or(f64::NAN), number(&expected["ratio"]));
        assert_close(&format!("{name}, effect"), found.effect.unwrap_or(f64::NAN), number(&expected["effect"]));
        let interval = found.interval.map(|interval| vec![interval.lower, interval.upper, interval.estimate]).unwrap_or_default();
        let wanted = if expected["interval"].is_null() { Vec::new() } else { numbers(&expected["interval"]) };
        assert_all_close(&format!("{name}, interval"), &interval, &wanted);
        seen.push(found.classification);
    }
    assert!(LABELS.iter().all(|label| seen.contains(label)), "every label is in the table");
}

#[test]
fn scores() {
    let table = load("kayenta.json");
    for case in table["scores"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let groups: Vec<Vec<String>> = case["metrics"]
            .as_array()
            .expect("metrics")
            .iter()
            .map(|metric| {
                metric["groups"].as_array().expect("groups").iter().map(|group| group.as_str().expect("text").to_owned()).collect()
            })
            .collect();
        let metrics: Vec<ScoredMetric<'_>> = case["metrics"]
            .as_array()
            .expect("metrics")
            .iter()
            .zip(&groups)
            .map(|(metric, groups)| ScoredMetric {
                classification: *LABELS.iter().find(|label| Some(label.name()) == metric["label"].as_str()).expect("a known label"),
                critical: metric["critical"] == true,
                muted: metric["muted"] == true,
                groups,
            })
            .collect();
        let weights: Vec<(String, f64)> =
            case["weights"].as_object().expect("weights").iter().map(|(group, weight)| (group.clone(), number(weight))).collect();
        let found = score(&metrics, &weights);
        assert_close(name, found.score, number(&case["expected"]["score"]));
        let wanted = case["expected"]["groups"].as_array().expect("groups");
        assert_eq!(found.groups.len(), wanted.len(), "{name}");
        for (group, wanted) in found.groups.iter().zip(wanted) {
            assert_eq!(Some(group.name.as_str()), wanted[0].as_str(), "{name}");
            assert_all_close(name, &[group.score, group.weight], &[number(&wanted[1]), number(&wanted[2])]);
        }
    }
}

#[test]
fn thresholds_are_inclusive() {
    let grades = [95.0, 94.99, 75.0, 74.99].map(|score| grade(score, 95.0, 75.0));
    assert_eq!(grades, [Grade::Pass, Grade::Marginal, Grade::Marginal, Grade::Fail]);
}

/// How often it answers something else than Pass, within four standard deviations of both measurements.
fn assert_rate(rates: &Value, name: &str, mut draw: impl FnMut(&mut Draws) -> (Vec<f64>, Vec<f64>)) {
    let case = rates.as_array().expect("rates").iter().find(|case| case["name"] == name).expect("the rate is in the table");
    let (expected, runs) = (number(&case["rate"]), number(&case["runs"]));
    let mut draws = Draws(17);
    let mut hits = 0;
    for _ in 0..runs as usize {
        let (canary, baseline) = draw(&mut draws);
        hits += usize::from(classify(PerArm { baseline: &baseline, canary: &canary }) != Classification::Pass);
    }
    let found = f64::from(u32::try_from(hits).expect("few runs")) / runs;
    let deviation = (2.0 * (expected * (1.0 - expected)).max(1.0 / runs) / runs).sqrt();
    assert!((found - expected).abs() <= 4.0 * deviation, "{name}: the reference has {expected}, found {found}");
}

fn normal(draws: &mut Draws, n: usize, level: f64, deviation: f64) -> Vec<f64> {
    (0..n).map(|_| level + deviation * draws.normal()).collect()
}

#[test]
fn its_false_alarms_are_kept() {
    let table = load("kayenta.json");
    for n in [2, 3, 4, 5] {
        assert_rate(&table["rates"], &format!("same, n {n}"), |draws| (normal(draws, n, 100.0, 5.0), normal(draws, n, 100.0, 5.0)));
    }
    let of_two = number(&table["rates"][0]["rate"]);
    assert!((of_two - 0.255).abs() < 0.04, "25.5 % of good canaries with two points are High or Low: {of_two}");
    for rho in [0.5, 0.8_f64] {
        let series = move |draws: &mut Draws| {
            let mut value = draws.normal();
            let mut step = |_| {
                let now = 100.0 + 5.0 * value;
                value = rho * value + (1.0 - rho * rho).sqrt() * draws.normal();
                now
            };
            (0..60).map(&mut step).collect::<Vec<f64>>()
        };
        assert_rate(&table["rates"], &format!("same, rho {rho}"), |draws| (series(draws), series(draws)));
    }
}

#[test]
fn its_power_is_kept_and_depends_on_the_unit() {
    let table = load("kayenta.json");
    assert_rate(&table["rates"], "half a deviation", |draws| (normal(draws, 60, 102.5, 5.0), normal(draws, 60, 100.0, 5.0)));
    for (unit, scale) in [("s", 1.0), ("us", 1e6)] {
        assert_rate(&table["rates"], &format!("200 us and 25 % more, in {unit}"), |draws| {
            (normal(draws, 60, 2.5e-4 * scale, 7.5e-6 * scale), normal(draws, 60, 2e-4 * scale, 6e-6 * scale))
        });
    }
    let rate =
        |name: &str| number(&table["rates"].as_array().expect("rates").iter().find(|case| case["name"] == name).expect(name)["rate"]);
    assert!(rate("200 us and 25 % more, in s") < 0.5 && rate("200 us and 25 % more, in us") > 0.99);
}

#[test]
fn new_errors_pass_until_most_windows_have_some() {
    let none = [0.0; 60];
    let errors_in = |windows: usize| -> Classification {
        let canary: Vec<f64> =
            (0..60_u32).map(|index| if (index as usize) < windows { 0.01 + 0.0001 * f64::from(index) } else { 0.0 }).collect();
        classify(PerArm { baseline: &none, canary: &canary })
    };
    assert_eq!([1, 20, 35].map(errors_in), [Classification::Pass; 3]);
    assert_eq!([40, 60].map(errors_in), [Classification::High; 2]);
}

#[test]
fn constants_have_the_same_answer_every_time() {
    let (low, high) = ([250.0; 60], [251.0; 60]);
    let arms = PerArm { baseline: &low[..], canary: &high[..] };
    let first = classify_with(arms, &Settings::default());
    assert_eq!(first.classification, Classification::High, "0.4 % more, as Kayenta has it");
    assert_eq!(first, classify_with(arms, &Settings::default()));
    assert_eq!(classify(PerArm { baseline: &high, canary: &low }), Classification::Low);
    assert_eq!(classify(PerArm { baseline: &low, canary: &low[..3] }), Classification::Pass);
}
