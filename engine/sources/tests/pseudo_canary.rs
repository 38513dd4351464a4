//! Pseudo-canaries: who plays the canary, how much traffic it keeps, and that replay draws the same.

use std::sync::Arc;

use davy_judge::arm::PerArm;
use davy_judge::reading::{BucketCounts, Reading};
use davy_sources::align::{AlignedWindow, Gaps, InstanceReadings};
use davy_sources::pseudo_canary::{HistoryWindows, choose};
use proptest::prelude::*;

const STEP: i64 = 60_000;

fn history(windows: usize, mut make: impl FnMut(usize) -> Vec<(String, Reading)>) -> HistoryWindows {
    HistoryWindows { windows: (0..windows).map(|index| window(index as i64 + 1, make(index))).collect() }
}

fn window(number: i64, by_instance: Vec<(String, Reading)>) -> AlignedWindow {
    AlignedWindow {
        end_ms: number * STEP,
        slices: Vec::new(),
        metrics: vec![PerArm { baseline: InstanceReadings { by_instance }, canary: InstanceReadings::default() }],
        instances: PerArm::default(),
        gaps: vec![PerArm::<Gaps>::default()],
    }
}

fn pod(index: usize) -> String {
    format!("pod-{index}")
}

fn counts(requests: f64) -> Reading {
    Reading::Counts { events: requests / 10.0, requests }
}

/// A fleet of equal instances.
fn fleet(instances: usize, windows: usize, requests: f64) -> HistoryWindows {
    history(windows, |_| (0..instances).map(|index| (pod(index), counts(requests))).collect())
}

fn sizes(groups: &[Vec<String>]) -> Vec<usize> {
    groups.iter().map(Vec::len).collect()
}

#[test]
fn single_instances_play_a_small_canary_and_are_thinned_to_it() {
    let chosen = choose(&fleet(6, 60, 1000.0), 0, 250.0, 6000.0, 6).unwrap();
    assert_eq!(sizes(&chosen.groups), [1, 1, 1, 1, 1, 1]);
    assert_eq!(chosen.thinning, [0.25; 6]);
    assert_eq!(chosen.thinning_today, [0.25; 6]);
    assert_eq!(chosen.rest_instances, [5.0; 6]);
    assert!(chosen.notes.is_empty(), "{:?}", chosen.notes);
}

#[test]
fn a_larger_canary_is_played_by_groups() {
    let chosen = choose(&fleet(12, 60, 1000.0), 0, 1800.0, 12_000.0, 6).unwrap();
    assert_eq!(sizes(&chosen.groups), [2; 6]);
    assert_eq!(chosen.groups[0], ["pod-0", "pod-1"], "by sorted id");
    assert_eq!(chosen.thinning, [0.9; 6]);
}

#[test]
fn less_traffic_today_is_thinned_less_today() {
    // The canary took half of the traffic, so the baseline sees half of what it saw.
    let chosen = choose(&fleet(6, 60, 1000.0), 0, 250.0, 3000.0, 6).unwrap();
    assert_eq!(chosen.thinning, [0.25; 6]);
    assert_eq!(chosen.thinning_today, [0.5; 6]);
}

#[test]
fn two_halves_are_one_row_and_say_what_they_do_not_measure() {
    for (instances, canary) in [(2, 10.0), (4, 1e9)] {
        let chosen = choose(&fleet(instances, 200, 1000.0), 0, canary, 4000.0, 6).unwrap();
        assert_eq!(sizes(&chosen.groups), [instances / 2]);
        assert!(chosen.notes.iter().any(|note| note.contains("host differences unmeasured")), "{:?}", chosen.notes);
    }
}

#[test]
fn a_half_that_is_smaller_than_the_canary_is_used_as_it_is() {
    let chosen = choose(&fleet(6, 200, 1000.0), 0, 9000.0, 6000.0, 6).unwrap();
    assert_eq!((sizes(&chosen.groups), chosen.thinning.clone()), (vec![3], vec![1.0]));
    assert!(chosen.notes.iter().any(|note| note.contains("overstated")), "{:?}", chosen.notes);
}

#[test]
fn groups_half_as_large_are_preferred_to_too_few_rows() {
    let chosen = choose(&fleet(6, 60, 1000.0), 0, 2000.0, 6000.0, 6).unwrap();
    assert_eq!(sizes(&chosen.groups), [1; 6]);
    let enough = choose(&fleet(8, 60, 1000.0), 0, 2000.0, 8000.0, 6).unwrap();
    assert_eq!(sizes(&enough.groups), [2; 4]);
}

#[test]
fn the_rows_are_as_many_as_wanted_at_most() {
    let chosen = choose(&fleet(20, 60, 1000.0), 0, 500.0, 20_000.0, 6).unwrap();
    assert_eq!(chosen.groups.len(), 6);
}

#[test]
fn one_instance_is_no_fleet() {
    assert!(choose(&fleet(1, 60, 1000.0), 0, 100.0, 1000.0, 6).unwrap_err().contains("1 instances"));
    assert!(choose(&HistoryWindows::default(), 0, 100.0, 1000.0, 6).is_err());
    assert!(choose(&fleet(3, 60, 1000.0), 7, 100.0, 1000.0, 6).is_err(), "no such metric");
    let blank = history(60, |_| (0..3).map(|index| (pod(index), Reading::Missing)).collect());
    assert!(choose(&blank, 0, 100.0, 1000.0, 6).is_err());
}

#[test]
fn who_came_or_went_plays_no_canary_and_stays_in_the_rest() {
    let moving = history(100, |index| {
        let mut all: Vec<(String, Reading)> = (0..4).map(|number| (pod(number), counts(1000.0))).collect();
        all.push(("pod-8-went".to_owned(), if index < 50 { counts(1000.0) } else { Reading::Missing }));
        if index >= 70 {
            all.push(("pod-9-came".to_owned(), counts(1000.0)));
        }
        all
    });
    let chosen = choose(&moving, 0, 100.0, 4000.0, 6).unwrap();
    assert!(!chosen.groups.concat().contains(&"pod-8-went".to_owned()));
    assert!(chosen.groups.concat().contains(&"pod-9-came".to_owned()), "whole since its first reading");
    let rows = chosen.rows(&moving, 0, 1);
    assert_eq!(rows.rows[0][10].baseline, counts(4000.0), "three others, and the one that went later");
    assert_eq!(rows.baseline[10], counts(5000.0));
}

#[test]
fn rows_leave_each_request_on_one_side() {
    let past = fleet(6, 40, 1000.0);
    let chosen = choose(&past, 0, 1000.0, 6000.0, 6).unwrap();
    let made = chosen.rows(&past, 0, 3);
    assert_eq!((made.rows.len(), made.rows[0].len(), made.baseline.len(), made.exposure.len()), (6, 40, 40, 6));
    assert_eq!(made.rows[2][5], PerArm { baseline: counts(5000.0), canary: counts(1000.0) });
    assert_eq!(made.exposure[2], PerArm { baseline: 5.0, canary: 1.0 });
}

#[test]
fn the_same_inputs_draw_the_same_window_by_window() {
    let bounds: Arc<[f64]> = Arc::from([0.1, 0.5, 1.0]);
    let histogram = |scale: f64| Reading::Histogram(BucketCounts::new(Arc::clone(&bounds), vec![900.0 * scale, 80.0, 15.0, 5.0]).unwrap());
    let past = history(50, |index| (0..6).map(|number| (pod(number), histogram(1.0 + (index + number) as f64 / 100.0))).collect());
    let chosen = choose(&past, 0, 200.0, 6000.0, 6).unwrap();
    let whole = chosen.rows(&past, 0, 99);
    assert_eq!(whole, chosen.rows(&past, 0, 99));
    assert_ne!(whole, chosen.rows(&past, 0, 98), "another seed draws otherwise");
    for (index, one) in past.windows.iter().enumerate().rev() {
        let alone = chosen.rows(&HistoryWindows { windows: vec![one.clone()] }, 0, 99);
        for (row, readings) in alone.rows.iter().enumerate() {
            assert_eq!(readings[0], whole.rows[row][index]);
        }
        assert_eq!(chosen.today(one, 0, 99), chosen.today(one, 0, 99));
    }
}

#[test]
fn throughput_is_compared_per_live_instance() {
    let past = history(60, |index| {
        // One instance is away in a tenth of the windows; the others see what they always see.
        (0..6).map(|number| (pod(number), if number == 5 && index % 10 == 0 { Reading::Missing } else { Reading::Total(1000.0) })).collect()
    });
    let chosen = choose(&past, 0, 1000.0, 6000.0, 6).unwrap();
    let made = chosen.rows(&past, 0, 1);
    for (readings, exposure) in made.rows.iter().zip(&made.exposure) {
        for arms in readings {
            let (Reading::Total(rest), Reading::Total(canary)) = (&arms.baseline, &arms.canary) else { continue };
            assert!((rest / exposure.baseline - 1000.0).abs() < 1e-9, "{rest} for {exposure:?}");
            assert!((canary / exposure.canary - 1000.0).abs() < 1e-9, "{canary} for {exposure:?}");
        }
    }
}

#[test]
fn todays_throughput_keeps_the_historys_shares() {
    let chosen = choose(&fleet(6, 60, 100_000.0), 0, 25_000.0, 300_000.0, 6).unwrap();
    let totals = window(1, (0..6).map(|index| (pod(index), Reading::Total(50_000.0))).collect());
    for (arms, keep) in chosen.today(&totals, 0, 5).iter().zip(&chosen.thinning) {
        let (Reading::Total(rest), Reading::Total(canary)) = (&arms.baseline, &arms.canary) else { panic!("{arms:?}") };
        let per_instance = rest / 5.0;
        // Thinned to half, hence within six standard deviations.
        assert!((canary / keep - per_instance).abs() < 6.0 * (50_000.0_f64).sqrt(), "{canary} at {keep}");
    }
}

#[test]
fn ready_values_are_never_thinned_and_unequal_sizes_are_said() {
    let past = history(60, |_| (0..6).map(|index| (pod(index), Reading::Value(0.2))).collect());
    let alike = choose(&past, 0, 1000.0, 6000.0, 6).unwrap();
    assert_eq!((sizes(&alike.groups), alike.thinning.clone()), (vec![1; 6], vec![1.0; 6]));
    assert!(alike.notes.is_empty(), "{:?}", alike.notes);
    let unlike = choose(&past, 0, 9000.0, 6000.0, 6).unwrap();
    assert!(unlike.notes.iter().any(|note| note.contains("cannot be thinned") && note.contains("9.0 times")), "{:?}", unlike.notes);
    let unknown = choose(&past, 0, f64::NAN, 0.0, 6).unwrap();
    assert!(unknown.notes.iter().any(|note| note.contains("unknown")), "{:?}", unknown.notes);
}

/// A little noise that is not random.
fn wobble(index: usize, instance: usize) -> f64 {
    1.0 + 0.02 * ((index * 7 + instance * 3) % 11) as f64 / 11.0
}

#[test]
fn what_lies_before_a_deploy_is_left_out() {
    let past = history(200, |index| {
        let level = if index < 80 { 0.1 } else { 0.14 };
        (0..6).map(|number| (pod(number), Reading::Value(level * wobble(index, number)))).collect()
    });
    let chosen = choose(&past, 0, 1000.0, 6000.0, 6).unwrap();
    assert_eq!(chosen.from_ms, 81 * STEP);
    assert_eq!(chosen.rows(&past, 0, 1).baseline.len(), 120);
    assert!(chosen.notes.iter().any(|note| note.contains("120 windows")), "{:?}", chosen.notes);
}

#[test]
fn a_deploy_that_replaces_every_instance_is_one_too() {
    let past = history(200, |index| {
        let (level, generation) = if index < 100 { (0.1, "old") } else { (0.15, "new") };
        (0..6).map(|number| (format!("{generation}-{number}"), Reading::Value(level * wobble(index, number)))).collect()
    });
    let chosen = choose(&past, 0, 1000.0, 6000.0, 6).unwrap();
    assert_eq!(chosen.from_ms, 101 * STEP);
    assert!(chosen.groups.concat().iter().all(|name| name.starts_with("new")));
}

#[test]
fn the_last_of_two_deploys_counts() {
    let past = history(240, |index| {
        let level = if index < 60 {
            0.1
        } else if index < 160 {
            0.2
        } else {
            0.13
        };
        (0..6).map(|number| (pod(number), Reading::Value(level * wobble(index, number)))).collect()
    });
    assert_eq!(choose(&past, 0, 1000.0, 6000.0, 6).unwrap().from_ms, 161 * STEP);
}

#[test]
fn drift_one_bad_host_and_a_short_incident_are_no_deploy() {
    let drift = |index: usize, number: usize| 0.1 * wobble(index, number) * (1.0 + 0.5 * (index as f64 / 200.0));
    let bad_host = |index: usize, number: usize| 0.1 * wobble(index, number) * if number == 0 && index >= 100 { 4.0 } else { 1.0 };
    let incident = |index: usize, number: usize| 0.1 * wobble(index, number) * if (100..120).contains(&index) { 3.0 } else { 1.0 };
    let cases: [&dyn Fn(usize, usize) -> f64; 3] = [&drift, &bad_host, &incident];
    for (case, level) in cases.iter().enumerate() {
        let past = history(200, |index| (0..6).map(|number| (pod(number), Reading::Value(level(index, number)))).collect());
        assert_eq!(choose(&past, 0, 1000.0, 6000.0, 6).unwrap().from_ms, STEP, "case {case}");
    }
}

fn any_reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        2 => Just(Reading::Missing),
        1 => Just(Reading::Total(0.0)),
        4 => (0.0..1e5_f64).prop_map(Reading::Total),
        1 => Just(Reading::Total(1e300)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gaps_and_comings_and_goings_never_panic(
        table in prop::collection::vec(prop::collection::vec((0_usize..8, any_reading()), 0..8), 0..60),
        canary in prop_oneof![Just(0.0), Just(f64::NAN), Just(f64::INFINITY), -5.0..1e6_f64],
        base in prop_oneof![Just(0.0), Just(f64::NAN), 0.0..1e6_f64],
        rows in 0_usize..8,
    ) {
        let past = history(table.len(), |index| {
            let mut all: Vec<(String, Reading)> = table[index].iter().map(|(number, reading)| (pod(*number), reading.clone())).collect();
            all.sort_by(|left, right| left.0.cmp(&right.0));
            all.dedup_by(|left, right| left.0 == right.0);
            all
        });
        if let Ok(chosen) = choose(&past, 0, canary, base, rows) {
            prop_assert!(!chosen.groups.is_empty() && chosen.groups.len() <= rows);
            let mut names = chosen.groups.concat();
            let count = names.len();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), count, "groups are disjoint");
            for keep in chosen.thinning.iter().chain(&chosen.thinning_today) {
                prop_assert!(*keep > 0.0 && *keep <= 1.0, "{}", keep);
            }
            let made = chosen.rows(&past, 0, 1);
            for arms in made.rows.iter().flatten() {
                for reading in [&arms.baseline, &arms.canary] {
                    if let Reading::Total(total) = reading {
                        prop_assert!(total.is_finite() && *total >= 0.0, "{:?}", reading);
                    }
                }
            }
            for one in &past.windows {
                prop_assert_eq!(chosen.today(one, 0, 1).len(), chosen.groups.len());
            }
        }
    }
}
