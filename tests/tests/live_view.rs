//! What a person sees while `davy gate` waits: the real binary in a real terminal (tmux), against a server whose samples
//! are the same in every run. Each screen is what `fixtures/live/terminal` holds, times apart.
//! `DAVY_GOLDEN=1` rewrites those.

#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Path as UrlPath, Query};
use axum::http::Uri;
use axum::response::IntoResponse;
use davy_tests::davy::{self, workspace};

/// How long a screen may take to become what it must be; a debug build on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(25);
/// Windows between the start and now; two are left to settle, three warm up.
const WINDOWS: i64 = 18;
/// Nothing that is judged depends on the windows' length: all have as many scrapes, with the same counts.
const SCRAPES: i64 = 5;
/// Lengths of windows in seconds, any of which will do.
const STEPS: [i64; 8] = [605, 655, 715, 785, 845, 905, 925, 985];
/// Windows from the start to the deadline.
const DEADLINE: i64 = 40;

/// A window length such that no window ends while the test runs: what is shown stands still, times apart.
fn calm_step(now_secs: i64) -> i64 {
    STEPS
        .into_iter()
        .find(|step| (5..step - 90).contains(&(now_secs % step)))
        .expect("tried for three years from 2026: windows of eight lengths never end all within a minute and a half")
}

/// A server with two versions whose samples depend on nothing but the time since the start.
struct Double {
    address: SocketAddr,
    start_secs: i64,
    step_secs: i64,
    /// How often samples of the whole run were asked for.
    samples_asked: Arc<AtomicUsize>,
}

impl Double {
    async fn start() -> anyhow::Result<Self> {
        let now_secs = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let step_secs = calm_step(now_secs);
        let start_secs = now_secs - now_secs % step_secs - WINDOWS * step_secs;
        let samples_asked = Arc::new(AtomicUsize::new(0));
        let counted = samples_asked.clone();
        let answer =
            move |UrlPath(path): UrlPath<String>, body: String| async move { answer(&path, &body, start_secs, step_secs, &counted) };
        let router = Router::new().route("/api/v1/{*path}", axum::routing::any(answer));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Double { address, start_secs, step_secs, samples_asked })
    }

    /// The arguments of a gate that waits.
    fn gate(&self, folder: &Path) -> anyhow::Result<Vec<String>> {
        let rules = folder.join("rules.yaml");
        std::fs::write(&rules, rules_text(self.step_secs, DEADLINE * self.step_secs))?;
        Ok(["gate", "--prometheus", &format!("http://{}", self.address), "--rules", &rules.display().to_string(), "--start"]
            .into_iter()
            .map(str::to_owned)
            .chain([self.start_secs.to_string()])
            .collect())
    }
}

const RULES: &str = "
schema: davy/v1
name: checkout
arms:
  baseline: { version: v1, zone: eu }
  canary: { version: v2, zone: eu }
  expected_split: { baseline: 4, canary: 1 }
history: false
window: { step: STEP, deadline: DEADLINE, min_windows: 20 }
metrics:
  - name: latency_p90
    histogram: http_request_duration_seconds
    quantile: 0.9
    worse: higher
    tolerance: 5%
  - name: error_rate
    ratio: { events: 'http_requests_total{code=\"500\"}', total: http_requests_total }
    worse: higher
    tolerance: 100%
    ignore_below: 0.1%
  - name: not_found
    ratio: { events: 'http_requests_total{code=\"404\"}', total: http_requests_total }
    worse: either
    tolerance: 50%
    on_breach: warn
";

fn rules_text(step_secs: i64, deadline_secs: i64) -> String {
    RULES.replace("STEP", &format!("{step_secs}s")).replace("DEADLINE", &format!("{deadline_secs}s"))
}

fn answer(path: &str, body: &str, start_secs: i64, step_secs: i64, samples_asked: &AtomicUsize) -> impl IntoResponse + use<> {
    let fields: Vec<(String, String)> = format!("http://double/?{body}")
        .parse::<Uri>()
        .ok()
        .and_then(|uri| Query::try_from_uri(&uri).ok())
        .map_or_else(Vec::new, |found| found.0);
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value);
    let query = field("query");
    let range = query.rsplit_once('[').and_then(|(_, range)| range.strip_suffix("s]")?.parse::<i64>().ok());
    let series = match (path, range, field("time").parse::<i64>()) {
        ("query", Some(range), Ok(end)) => {
            samples_asked.fetch_add(usize::from(end - range <= start_secs), Ordering::Relaxed);
            samples(query.contains("duration"), end - range, end, start_secs, step_secs / SCRAPES)
        }
        _ => Vec::new(),
    };
    let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, series.join(","));
    ([("content-type", "application/json")], body)
}

/// Both versions' counters between two times, in seconds. The second is a little slower, and fails a little more seldom.
fn samples(is_histogram: bool, from: i64, to: i64, start_secs: i64, scrape_secs: i64) -> Vec<String> {
    let labels: Vec<(&str, String, [i64; 2])> = if is_histogram {
        // Cumulative requests per scrape up to each bound, of both versions.
        [
            ("0.1", [600, 150]),
            ("0.2", [1020, 252]),
            ("0.25", [1110, 274]),
            ("0.3", [1150, 285]),
            ("0.5", [1190, 297]),
            ("+Inf", [1200, 300]),
        ]
        .into_iter()
        .map(|(bound, counts)| ("http_request_duration_seconds_bucket", format!(r#""le":"{bound}""#), counts))
        .collect()
    } else {
        [("200", [1154, 288]), ("404", [40, 11]), ("500", [6, 1])]
            .into_iter()
            .map(|(code, counts)| ("http_requests_total", format!(r#""code":"{code}""#), counts))
            .collect()
    };
    let mut series = Vec::new();
    for (name, label, counts) in labels {
        for (shift, count) in counts.into_iter().enumerate() {
            let points: Vec<String> = ((from / scrape_secs + 1) * scrape_secs..=to)
                .step_by(scrape_secs as usize)
                .map(|time| format!(r#"[{time},"{}"]"#, total(count, (time - start_secs) / scrape_secs + 100, shift as i64)))
                .collect();
            let version = shift + 1;
            series.push(format!(
                r#"{{"metric":{{"__name__":"{name}",{label},"version":"v{version}","zone":"eu"}},"values":[{}]}}"#,
                points.join(",")
            ));
        }
    }
    series
}

/// What a counter has after so many scrapes: its rate, with a ripple that differs between the versions.
fn total(per_scrape: i64, scrapes: i64, shift: i64) -> i64 {
    (0..scrapes).map(|scrape| per_scrape + per_scrape * ((scrape * scrape + 3 * shift + scrape / 5 * (2 + shift)) % 7 - 3) / 40).sum()
}

/// A terminal of tmux with its own server, which ends with it.
struct Terminal {
    folder: tempfile::TempDir,
}

impl Terminal {
    /// A shell in a terminal of this size. `environment` replaces what the shell would inherit.
    fn open(columns: u16, rows: u16, environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let terminal = Terminal { folder: tempfile::tempdir()? };
        let size = [columns.to_string(), rows.to_string()];
        let mut shell = "env -i PATH=/usr/bin:/bin HOME=/nonexistent PS1='$ ' TERM=screen-256color ".to_owned();
        for (name, value) in environment {
            shell.push_str(&format!("{name}={value} "));
        }
        shell.push_str("sh");
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &size[0], "-y", &size[1], &shell])?;
        Ok(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("tmux")
            .arg("-u")
            .args(["-S".as_ref(), self.folder.path().join("socket").as_os_str()])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TMUX")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| anyhow::anyhow!("tmux (scripts/test installs it): {error}"))?;
        anyhow::ensure!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Types a command and the return key.
    fn run(&self, command: &str) -> anyhow::Result<()> {
        self.tmux(&["send-keys", "-l", command])?;
        self.press("Enter")
    }

    fn press(&self, key: &str) -> anyhow::Result<()> {
        self.tmux(&["send-keys", key]).map(|_| ())
    }

    fn resize(&self, columns: u16, rows: u16) -> anyhow::Result<()> {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]).map(|_| ())
    }

    /// What is on the screen, without blank lines at its end.
    fn screen(&self) -> anyhow::Result<String> {
        Ok(self.tmux(&["capture-pane", "-p"])?.trim_end().to_owned() + "\n")
    }

    /// The same with the colours' escapes.
    fn coloured_screen(&self) -> anyhow::Result<String> {
        Ok(self.tmux(&["capture-pane", "-p", "-e"])?.trim_end().to_owned() + "\n")
    }

    /// Waits until the screen is right, and returns it, or the last one that was not.
    fn wait_for(&self, is_right: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen()?;
            if is_right(&screen) || Instant::now() > until {
                return Ok(screen);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}

/// The command line of a gate, as short as it can be typed: its arguments are in a script.
fn script(folder: &Path, arguments: &[String]) -> anyhow::Result<String> {
    let path = folder.join("gate.sh");
    let quoted: Vec<String> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
    std::fs::write(&path, format!("exec '{}' {} \"$@\"\n", davy::path()?.display(), quoted.join(" ")))?;
    Ok(format!("sh {}", path.display()))
}

/// The view alone, with everything that depends on the clock masked.
fn view(screen: &str) -> String {
    let lines = screen.lines().skip_while(|line| !line.contains(" so far"));
    lines.map(|line| format!("{}\n", mask(line))).collect()
}

/// Times of day and durations as `<T>`.
fn mask(line: &str) -> String {
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_clock = |word: &str| word.len() == 8 && word.split(':').count() == 3;
    let mut masked: Vec<String> = Vec::new();
    let mut words = line.split(' ').peekable();
    while let Some(word) = words.next() {
        let opening = if word.starts_with('(') { "(" } else { "" };
        let unit = words.peek().map_or("", |next| next.trim_end_matches([';', ',', ')']));
        if is_number(word.trim_start_matches('(')) && matches!(unit, "h" | "m" | "s") {
            let rest = words.next().unwrap_or_default()[unit.len()..].to_owned();
            match masked.last_mut() {
                Some(last) if last == "<T>" => last.push_str(&rest),
                Some(_) | None => masked.push(format!("{opening}<T>{rest}")),
            }
        } else if is_clock(word) {
            masked.push("<T>".to_owned());
        } else {
            masked.push(word.to_owned());
        }
    }
    masked.join(" ")
}

fn check_golden(name: &str, found: &str) {
    let path = workspace().join("fixtures/live/terminal").join(name);
    if std::env::var_os("DAVY_GOLDEN").is_some() {
        std::fs::write(&path, found).expect("writable");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == found, "{}\n--- expected\n{expected}\n--- found\n{found}", path.display());
}

fn is_waiting(screen: &str) -> bool {
    screen.contains("next window in") && screen.contains("not_found")
}

#[tokio::test(flavor = "multi_thread")]
async fn terminals_of_every_kind_show_the_view() -> anyhow::Result<()> {
    let double = Double::start().await?;
    let utf8 = ("LC_ALL", "C.UTF-8");
    let mut terminals = Vec::new();
    for (name, columns, rows, environment) in [
        ("80.txt", 80, 24, &[utf8][..]),
        ("140.txt", 140, 40, &[utf8]),
        ("50.txt", 50, 24, &[utf8]),
        ("80-no-color.txt", 80, 24, &[utf8, ("NO_COLOR", "1")]),
        ("140-ascii.txt", 140, 40, &[("LC_ALL", "C")]),
        ("80-low.txt", 80, 10, &[utf8]),
    ] {
        let terminal = Terminal::open(columns, rows, environment)?;
        let command = script(terminal.folder.path(), &double.gate(terminal.folder.path())?)?;
        terminal.run(&command)?;
        terminals.push((name, terminal));
    }
    for (name, terminal) in &terminals {
        let screen = terminal.wait_for(|screen| screen.contains("next window in"))?;
        assert!(screen.contains("next window in"), "{name}: {screen}");
        let coloured = terminal.coloured_screen()?;
        check_golden(name, &view(&coloured).replace('\u{1b}', "\\e"));
        assert!(!name.contains("no-color") || !coloured.contains('\u{1b}'), "{coloured}");
        assert!(!name.contains("ascii") || screen.is_ascii(), "{screen}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_follows_the_terminals_size_and_the_clock() -> anyhow::Result<()> {
    let double = Double::start().await?;
    let terminal = Terminal::open(80, 24, &[("LC_ALL", "C.UTF-8")])?;
    terminal.run(&script(terminal.folder.path(), &double.gate(terminal.folder.path())?)?)?;
    let first = terminal.wait_for(is_waiting)?;
    let later = terminal.wait_for(|screen| screen != first)?;
    assert!(first != later && view(&first) == view(&later), "only the time passes:\n{first}\n{later}");
    // Keys that are pressed do not push the view apart.
    terminal.press("Enter")?;
    terminal.press("x")?;
    for (columns, rows, golden) in [(140, 40, "140.txt"), (50, 24, "50.txt"), (80, 10, "80-low.txt"), (80, 24, "80.txt")] {
        terminal.resize(columns, rows)?;
        let expected = std::fs::read_to_string(workspace().join("fixtures/live/terminal").join(golden))?;
        let is_right = |screen: &str| view(screen) == without_escapes(&expected);
        let screen = terminal.wait_for(is_right)?;
        assert!(is_right(&screen), "{columns}x{rows}: expected\n{expected}\nfound\n{screen}");
        assert_eq!(screen.matches(" so far").count(), 1, "{screen}");
    }
    Ok(())
}

/// Goldens spell the escape sign `\e`.
fn without_escapes(golden: &str) -> String {
    let mut pieces = golden.split("\\e[");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_leaves_the_report_and_a_terminal_as_it_was() -> anyhow::Result<()> {
    let double = Double::start().await?;
    let terminal = Terminal::open(100, 40, &[("LC_ALL", "C.UTF-8")])?;
    let command = script(terminal.folder.path(), &double.gate(terminal.folder.path())?)?;
    terminal.run(&command)?;
    terminal.wait_for(is_waiting)?;
    // Stopped, the terminal is the shell's; back again, the view stands below what it printed.
    terminal.press("C-z")?;
    let stopped = terminal.wait_for(|screen| screen.ends_with("\n$\n"))?;
    assert!(stopped.ends_with("\n$\n") && stopped.contains("Stopped") && !stopped.contains("so far"), "{stopped}");
    terminal.run("echo between; fg; echo code $?")?;
    let again = terminal.wait_for(|screen| screen.rsplit_once("\nbetween\n").is_some_and(|(_, below)| is_waiting(below)))?;
    assert!(again.rsplit_once("\nbetween\n").is_some_and(|(_, below)| is_waiting(below)), "{again}");
    terminal.press("C-c")?;
    let ended = terminal.wait_for(|screen| screen.ends_with("\ncode 130\n$\n"))?;
    assert!(ended.ends_with("\ncode 130\n$\n"), "{ended}");
    // Of the view nothing is left: what follows the shell's own lines is the report.
    let below = ended.rsplit_once("\nbetween\n").map_or("", |(_, below)| below);
    assert!(!below.contains("next window in") && !ended.contains("^C"), "{ended}");
    assert_eq!(below.matches("HOLD so far").count(), 1, "{ended}");
    // What is typed shows again.
    terminal.run("echo typed")?;
    let typed = terminal.wait_for(|screen| screen.ends_with("\ntyped\n$\n"))?;
    assert!(typed.ends_with("$ echo typed\ntyped\n$\n"), "{typed}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_stands_above_the_progress() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let rules = folder.path().join("rules.yaml");
    std::fs::write(&rules, rules_text(1, 300))?;
    // Nobody listens on port 1: three tries a second apart.
    let arguments = ["gate", "--prometheus", "http://127.0.0.1:1", "--rules", &rules.display().to_string()].map(str::to_owned);
    let terminal = Terminal::open(120, 30, &[("LC_ALL", "C.UTF-8")])?;
    terminal.run(&format!("{}; echo code $?", script(folder.path(), &arguments)?))?;
    let under_way = terminal.wait_for(|screen| screen.contains("trying again") && screen.contains("what it holds"))?;
    let last = under_way.lines().last().unwrap_or_default();
    assert!(under_way.contains("trying again") && last.contains("asking 127.0.0.1:1 what it holds"), "{under_way}");
    let ended = terminal.wait_for(|screen| screen.contains("\ncode "))?;
    assert!(ended.contains("davy: no analysis took place") && ended.ends_with("code 4\n$\n"), "{ended}");
    assert!(!ended.contains("what it holds") && ended.matches("trying again").count() == 2, "{ended}");
    Ok(())
}

/// A gate whose stdout and stderr are pipes, under way.
fn piped(double: &Double, folder: &Path, more: &[&str]) -> anyhow::Result<Child> {
    Ok(davy::command()?.args(double.gate(folder)?).args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

fn interrupt(child: Child) -> anyhow::Result<davy::Run> {
    anyhow::ensure!(Command::new("kill").args(["-INT", &child.id().to_string()]).status()?.success(), "kill failed");
    Ok(child.wait_with_output()?.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_gets_lines_and_nothing_where_quiet_is_asked() -> anyhow::Result<()> {
    let double = Double::start().await?;
    let folder = tempfile::tempdir()?;
    let quiet = piped(&double, folder.path(), &["--quiet"])?;
    let until = Instant::now() + PATIENCE;
    while double.samples_asked.load(Ordering::Relaxed) < 2 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // By the time this one has said its line, the quiet one would have too.
    let mut plain = piped(&double, folder.path(), &[])?;
    let mut stderr = BufReader::new(plain.stderr.take().expect("it is a pipe"));
    let mut line = String::new();
    stderr.read_line(&mut line)?;
    let (quiet, plain) = (interrupt(quiet)?, interrupt(plain)?);
    assert!(mask(&line).starts_with("<T> UTC hold so far: 11 windows judged, score "), "{line}");
    assert!(!line.contains('\u{1b}') && !line.contains('\r'), "{line:?}");
    line.clear();
    assert_eq!((stderr.read_line(&mut line)?, line.as_str()), (0, ""));
    assert_eq!((plain.code, quiet.code, quiet.stderr.as_str()), (Some(130), Some(130), ""));
    assert!(quiet.stdout.contains("HOLD so far") && plain.stdout.contains("HOLD so far"), "{}{}", quiet.stdout, plain.stdout);
    // A pseudo-terminal of a CI system and one that cannot move its cursor get lines as well.
    for environment in [&[("CI", "true")][..], &[("TERM", "dumb")]] {
        let terminal = Terminal::open(120, 30, environment)?;
        terminal.run(&script(terminal.folder.path(), &double.gate(terminal.folder.path())?)?)?;
        let screen = terminal.wait_for(|screen| screen.contains("windows judged"))?;
        assert!(screen.contains(" UTC hold so far: ") && !screen.contains("next window in"), "{screen}");
    }
    Ok(())
}
