//! `--hold-as`: what a hold exits with. `pass` never lets through what lacks data.

#![cfg(test)]

#[path = "fault_table/healthy.rs"]
mod healthy;

use davy_tests::davy::run_async;
use davy_tests::double::Double;
use healthy::Healthy;

/// Two equal versions and a tolerance that nothing can be shown against in so short a time: a hold, with everything there.
const RULES: &str = "
schema: davy/v1
name: hold
arms:
  baseline: { version: v1 }
  canary: { version: v2 }
history: false
window: { step: 1s, warmup: 5s, deadline: 10m, min_windows: 10 }
metrics:
  - name: error_rate
    ratio: { events: 'http_requests_total{code=\"500\"}', total: http_requests_total }
    tolerance: 1%
";

fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

/// The exit code of a gate over the last seconds.
async fn exit(healthy: Healthy, seconds: f64, hold_as: &str) -> Option<i32> {
    let double = Double::start(move |_, asked| healthy.reply(asked)).await;
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("hold.yaml");
    std::fs::write(&rules, RULES).unwrap();
    let (rules, url) = (rules.display().to_string(), format!("http://{}", double.address));
    let start = format!("{:.3}", now() - seconds);
    let arguments = ["gate", "--once", "--rules", &rules, "--prometheus", &url, "--start", &start, "--hold-as", hold_as];
    let run = run_async(arguments.map(str::to_owned).to_vec()).await.unwrap();
    assert!(run.stdout.starts_with("HOLD"), "the verdict stays what it is: {}{}", run.stdout, run.stderr);
    run.code
}

#[tokio::test]
async fn a_hold_exits_as_asked_where_nothing_is_missing() {
    for (hold_as, code) in [("hold", 3), ("fail", 1), ("pass", 0)] {
        assert_eq!(exit(Healthy::default(), 40.0, hold_as).await, Some(code), "{hold_as}");
    }
}

#[tokio::test]
async fn nothing_that_lacks_data_passes_as_a_hold() {
    let start = now() - 40.0;
    let lacking = [
        ("a gap of three windows", Healthy { gap: Some((start + 15.0, start + 18.0)), ..Healthy::default() }, 40.0),
        ("a canary that ended", Healthy { canary_until: Some(start + 25.0), ..Healthy::default() }, 40.0),
        ("values that are no numbers", Healthy { nan_since: Some(start + 25.0), ..Healthy::default() }, 40.0),
        ("a server whose clock is behind", Healthy { clock_behind: 15.0, ..Healthy::default() }, 40.0),
        ("fewer windows than wanted", Healthy::default(), 12.0),
    ];
    for (what, healthy, seconds) in lacking {
        assert_eq!(exit(healthy, seconds, "pass").await, Some(3), "{what}");
    }
}
