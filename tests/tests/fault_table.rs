//! The fault table of docs/troubleshooting.md, row by row through the real binary: verdict, exit code and words are what the
//! page says, and nothing is promoted. Each row's server is a double, since a real one fails only by chance.

#![cfg(test)]

#[path = "fault_table/healthy.rs"]
mod healthy;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use davy_tests::davy::{Run, run_async, workspace};
use davy_tests::double::{Asked, Double, Reply, http, ok};
use futures::future::join_all;
use healthy::Healthy;

const SECRET: &str = "hunter2";
/// Live: seconds of health before the fault begins.
const WELL_SECS: f64 = 6.0;

/// One row of the page.
#[derive(Debug)]
struct Row {
    fault: String,
    /// What happens when it is there from the start; a dash where it cannot be.
    at_start: String,
    /// What happens when it comes during the run.
    during: String,
    /// The words that Davy must say.
    says: String,
}

fn rows() -> Vec<Row> {
    let page = std::fs::read_to_string(workspace().join("docs/troubleshooting.md")).unwrap();
    let table = page.split("<!-- fault table -->").nth(1).expect("the page marks its table");
    let cells = |line: &str| -> Vec<String> { line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect() };
    let rows: Vec<Row> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(cells)
        .map(|cells| Row {
            fault: cells[0].clone(),
            at_start: cells[1].clone(),
            during: cells[2].clone(),
            says: cells[3].trim_matches('`').to_owned(),
        })
        .collect();
    assert!(rows.len() >= 18, "the table is short: {rows:?}");
    rows
}

/// What a cell promises: verdict and exit code.
fn promised(cell: &str) -> Option<(&str, i32)> {
    match cell {
        "–" => None,
        "no analysis, 4" => Some(("", 4)),
        "hold, 3" => Some(("hold", 3)),
        other => panic!("the table knows no {other:?}"),
    }
}

/// What is not as the page says; none where all is.
fn broken_promise(row: &Row, cell: &str, run: &Run) -> Option<String> {
    let (verdict, code) = promised(cell)?;
    let all = format!("{}{}", run.stdout, run.stderr);
    let wrong = if all.contains(SECRET) {
        "a secret is printed".to_owned()
    } else if run.code != Some(code) {
        format!("expected exit {code}, found {:?}", run.code)
    } else if !all.contains(&row.says) {
        format!("expected {:?}", row.says)
    } else if verdict.is_empty() && !(run.stdout.is_empty() && run.stderr.contains("no analysis took place")) {
        "expected no report, and the word that no analysis took place".to_owned()
    } else if !verdict.is_empty() && !run.stdout.starts_with("HOLD") {
        "expected a hold".to_owned()
    } else {
        return None;
    };
    Some(format!("{}, {cell}: {wrong} in\n{all}\n", row.fault))
}

/// Everything that a request may be answered with once the fault is there.
type Answer = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

fn answer(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Answer {
    Arc::new(answer)
}

/// How a row's fault is made: what HTTP answers, or what the healthy server lacks.
enum Made {
    Http(Answer),
    /// Nobody is there.
    Nobody,
    /// No such name.
    NoName,
    /// The address speaks no TLS.
    NoTls,
    /// A healthy server that lacks something.
    Lacks(fn(&Healthy, f64) -> Healthy),
}

fn made(fault: &str) -> Made {
    let always = |reply: Reply| Made::Http(answer(move |_| reply.clone()));
    let healthy = Healthy::default();
    match fault {
        "connection refused" => Made::Nobody,
        "no such host (DNS)" => Made::NoName,
        "TLS handshake fails" => Made::NoTls,
        "401" => always(http("401 Unauthorized", "", SECRET)),
        "403" => always(http("403 Forbidden", "", "")),
        "429 with Retry-After" => always(http("429 Too Many Requests", "retry-after: 3600\r\n", "")),
        "500" => always(http("500 Internal Server Error", "", r#"{"status":"error","errorType":"internal","error":"disk on fire"}"#)),
        "503" => always(http("503 Service Unavailable", "", "<html><title>no backend</title>")),
        "slower than the deadline of a query" => always(Reply::Stall(Vec::new())),
        "the body is cut off" => Made::Http(answer(move |asked| {
            let body = healthy.answer(asked);
            let cut = &body[..body.len() / 2];
            Reply::Bytes(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{cut}", body.len()).into_bytes())
        })),
        "a web page (login, proxy)" => always(ok("<!doctype html><html><title>Sign in</title></html>")),
        "JSON of something else" => always(ok(r#"{"hello":"world"}"#)),
        "a body of 200 MB" => {
            always(ok(&format!("{}{}", r#"{"status":"success","data":{"resultType":"matrix","result":["#, " ".repeat(200 << 20))))
        }
        "warnings (a store is down, partial response)" => {
            Made::Http(answer(move |asked| ok(&healthy.answer(asked).replacen('{', r#"{"warnings":["store-2 did not answer"],"#, 1))))
        }
        "half the instances are missing" => Made::Lacks(|healthy, since| Healthy { half_since: Some(since), ..healthy.clone() }),
        "every value is NaN" => Made::Lacks(|healthy, since| Healthy { nan_since: Some(since), ..healthy.clone() }),
        "the server stops to scrape, and comes back" => {
            Made::Lacks(|healthy, since| Healthy { gap: Some((since, since + 6.0)), ..healthy.clone() })
        }
        "the canary's series end" => Made::Lacks(|healthy, since| Healthy { canary_until: Some(since), ..healthy.clone() }),
        "the server's clock is 5 minutes behind" => Made::Lacks(|healthy, _| Healthy { clock_behind: 300.0, ..healthy.clone() }),
        other => panic!("docs/troubleshooting.md has a row that no test makes: {other:?}"),
    }
}

fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

async fn davy(url: &str, more: &[&str]) -> Run {
    let rules = workspace().join("tests/rules/faults.yaml").display().to_string();
    let arguments = ["gate", "--rules", &rules, "--prometheus", url, "--query-timeout", "3s"].into_iter().chain(more.iter().copied());
    run_async(arguments.map(str::to_owned).collect()).await.unwrap()
}

fn url(double: &Double) -> String {
    format!("http://ann:{SECRET}@{}/prom?key={SECRET}", double.address)
}

/// The fault from the start: a gate on what is there now.
async fn at_start(row: &Row) -> Run {
    let start = now() - 40.0;
    let begin = format!("{start:.3}");
    let once = ["--once", "--start", &begin];
    match made(&row.fault) {
        Made::Http(answer) => {
            let double = Double::start(move |_, asked| answer(asked)).await;
            davy(&url(&double), &once).await
        }
        Made::Nobody => davy("http://127.0.0.1:1", &once).await,
        Made::NoName => davy(&format!("http://{SECRET}:{SECRET}@prometheus.invalid:9090"), &once).await,
        Made::NoTls => {
            let double = Double::always(http("400 Bad Request", "", "")).await;
            davy(&format!("https://{}", double.address), &once).await
        }
        Made::Lacks(lacks) => {
            let healthy = lacks(&Healthy::default(), start);
            let double = Double::start(move |_, asked| healthy.reply(asked)).await;
            davy(&url(&double), &once).await
        }
    }
}

/// A live gate on a server that is well for a while.
async fn during(row: &Row) -> Run {
    let start = now();
    let since = start + WELL_SECS;
    let begin = ["--start", &format!("{start:.3}")].map(str::to_owned);
    let begin: Vec<&str> = begin.iter().map(String::as_str).collect();
    let healthy = Healthy::default();
    match made(&row.fault) {
        Made::Http(answer) => {
            let double = Double::start(move |_, asked| if now() < since { healthy.reply(asked) } else { answer(asked) }).await;
            davy(&url(&double), &begin).await
        }
        Made::Nobody => {
            let double = Double::start(move |_, asked| healthy.reply(asked)).await;
            let url = url(&double);
            let gate = tokio::spawn(async move { davy(&url, &["--start", &format!("{start:.3}")]).await });
            tokio::time::sleep(std::time::Duration::from_secs_f64((since - now()).max(0.0))).await;
            double.stop();
            gate.await.unwrap()
        }
        Made::NoName | Made::NoTls => panic!("{}: a name does not change during a run", row.fault),
        Made::Lacks(lacks) => {
            let healthy = lacks(&healthy, since);
            let double = Double::start(move |_, asked| healthy.reply(asked)).await;
            davy(&url(&double), &begin).await
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_every_row_of_the_fault_table_holds() {
    let rows = rows();
    let from_the_start: Vec<&Row> = rows.iter().filter(|row| promised(&row.at_start).is_some()).collect();
    let in_between: Vec<&Row> = rows.iter().filter(|row| promised(&row.during).is_some()).collect();
    assert!(from_the_start.len() >= 14 && in_between.len() >= 14);
    let (starts, durings) =
        futures::join!(join_all(from_the_start.iter().map(|row| at_start(row))), join_all(in_between.iter().map(|row| during(row))));
    let starts = from_the_start.iter().zip(&starts).filter_map(|(row, run)| broken_promise(row, &row.at_start, run));
    let durings = in_between.iter().zip(&durings).filter_map(|(row, run)| broken_promise(row, &row.during, run));
    let broken: Vec<String> = starts.chain(durings).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Without a fault the same gate promotes: else the table proves nothing. And a server that was away for a while, but lost
/// nothing, costs time and no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_what_is_not_lacking_is_promoted() {
    let start = now();
    let begin = format!("{start:.3}");
    let well = Double::start(|_, asked| Healthy::default().reply(asked)).await;
    let refused = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&refused);
    let away = Double::start(move |_, asked| {
        if (start + 3.0..start + 8.0).contains(&now()) {
            counter.fetch_add(1, Ordering::Relaxed);
            return http("503 Service Unavailable", "", "");
        }
        Healthy::default().reply(asked)
    })
    .await;
    let (well_url, away_url) = (url(&well), url(&away));
    let more = ["--start", &begin];
    let (well, away) = futures::join!(davy(&well_url, &more), davy(&away_url, &more));
    assert_eq!(well.code, Some(0), "{}{}", well.stdout, well.stderr);
    assert_eq!(away.code, Some(0), "{}{}", away.stdout, away.stderr);
    assert!(refused.load(Ordering::Relaxed) > 0);
}

/// A range query beyond 11,000 points is refused by a real server; nobody may meet that refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_points_than_a_server_allows_are_asked_for_in_parts() {
    const LIMIT: i64 = 11_000;
    let start = 1_700_000_000;
    let parts = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&parts);
    let double = Double::start(move |_, asked| {
        let whole = |name: &str| asked.field(name).parse::<f64>().map(|value| value as i64);
        let (Ok(from), Ok(to), Ok(step @ 1..)) = (whole("start"), whole("end"), whole("step")) else {
            return ok(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#);
        };
        if (to - from) / step + 1 > LIMIT {
            let refusal = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
            return http("400 Bad Request", "", &format!(r#"{{"status":"error","errorType":"bad_data","error":"{refusal}"}}"#));
        }
        // Those of the judged windows; the search for the canary's first sample takes wider steps.
        counter.fetch_add(u64::from(step == 1), Ordering::Relaxed);
        let level = if asked.field("query").contains("v2") { 15 } else { 10 };
        let points: Vec<String> =
            (from..=to).step_by(step as usize).map(|time| format!(r#"[{time},"{}"]"#, level * 100 + time % 7 * 10)).collect();
        ok(&format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{}]}}]}}}}"#,
            points.join(",")
        ))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("points.yaml");
    std::fs::write(&rules, POINTS_RULES).unwrap();
    let (begin, end) = (start.to_string(), (start + LIMIT).to_string());
    let rules = rules.display().to_string();
    let arguments = ["gate", "--rules", &rules, "--prometheus", &url(&double), "--start", &begin, "--end", &end].map(str::to_owned);
    let run = run_async(arguments.to_vec()).await.unwrap();
    assert_eq!(run.code, Some(1), "the canary is half as much again: {}{}", run.stdout, run.stderr);
    assert!(run.stdout.starts_with("ROLLBACK"), "{}", run.stdout);
    // One window more than 11,000, for the first increment: two parts for each arm.
    assert_eq!(parts.load(Ordering::Relaxed), 4);
}

const POINTS_RULES: &str = "
schema: davy/v1
name: points
arms:
  baseline: { version: v1 }
  canary: { version: v2 }
history: false
window: { step: 1s, warmup: 0s, deadline: 11000s, min_windows: 10 }
metrics:
  - name: load
    promql: 'sum(load{ {{arm}} })'
    tolerance: 10%
";
