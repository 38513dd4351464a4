//! Expositions of real exporters (`fixtures/wire/exporters`) as a server's past: each counter grows as it did when it was
//! recorded, by draws of a seed, so that windows differ as they do in life.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::davy::workspace;
use crate::lab::random::Draws;

/// For how long the exporters were loaded: what they counted, they counted in this many seconds.
pub const RECORDED_SECONDS: f64 = 40.0;

/// What a sample's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Grows.
    Counter,
    /// Stays as it was recorded.
    Gauge,
    /// Belongs to a histogram and grows with it.
    Histogram,
}

/// One line of an exposition.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric's name with `_bucket`, `_sum` or `_count`.
    pub name: String,
    /// What stands between the braces, verbatim.
    labels: String,
    value: f64,
    kind: Kind,
}

/// Where the files are.
pub fn directory() -> PathBuf {
    workspace().join("fixtures/wire/exporters")
}

/// An exposition's text: `envoy` or `istio.canary`.
///
/// # Errors
/// There is no such file; `just record-exporters` makes them.
pub fn text(name: &str) -> anyhow::Result<String> {
    let path = directory().join(format!("{name}.prom"));
    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

/// Reads an exposition. Only what the recorded ones have: no times, no exemplars.
///
/// # Errors
/// A line that is no sample.
pub fn parse(text: &str) -> anyhow::Result<Vec<Sample>> {
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    let mut samples = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').with_context(|| format!("expected a name and a type, found {line}"))?;
            let kind = match kind {
                "counter" => Kind::Counter,
                "histogram" => Kind::Histogram,
                "gauge" | "summary" | "untyped" => Kind::Gauge,
                other => bail!("expected a type of the text format, found {other}"),
            };
            kinds.insert(name, kind);
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').with_context(|| format!("expected a sample, found {line}"))?;
        let (name, labels) = series.split_once('{').map_or((series, ""), |(name, rest)| (name, rest.trim_end_matches('}')));
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        let kind = *kinds.get(name).or(kinds.get(base)).with_context(|| format!("no TYPE for {name}"))?;
        let value = value.parse().with_context(|| format!("expected a number, found {line}"))?;
        samples.push(Sample { name: name.to_owned(), labels: labels.trim_end_matches(',').to_owned(), value, kind });
    }
    Ok(samples)
}

/// Where and when an exposition was scraped.
#[derive(Debug, Clone)]
pub struct Scraped<'a> {
    /// What the server adds to every series.
    pub target: &'a [(&'a str, &'a str)],
    /// Seconds since the epoch of the first scrape.
    pub from: i64,
    /// No scrape from here on.
    pub to: i64,
    /// Seconds between scrapes.
    pub every: i64,
    /// Draws differ from seed to seed.
    pub seed: u64,
}

/// Writes what a server would have stored of an exposition, as OpenMetrics lines, each series in order of time.
pub fn write_past(out: &mut String, samples: &[Sample], wanted: &BTreeSet<String>, scraped: &Scraped<'_>) {
    let mut draws = Draws::new(scraped.seed);
    let target: Vec<String> = scraped.target.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let mut at = 0;
    while at < samples.len() {
        // A histogram's buckets, sum and count stand together and grow together.
        let sample = &samples[at];
        let group = if sample.kind == Kind::Histogram { histogram_at(samples, at) } else { at + 1 };
        if wanted.contains(&sample.name) {
            write_group(out, &samples[at..group], &target.join(","), scraped, &mut draws);
        }
        at = group;
    }
}

/// The end of the histogram that begins at a sample: past its own buckets, sum and count.
fn histogram_at(samples: &[Sample], begin: usize) -> usize {
    let own = |sample: &Sample| without_le(&sample.labels);
    let same = |sample: &&Sample| sample.kind == Kind::Histogram && own(sample) == own(&samples[begin]);
    let base = samples[begin].name.trim_end_matches("_bucket");
    begin + samples[begin..].iter().take_while(|sample| same(sample) && sample.name.starts_with(base)).count()
}

fn without_le(labels: &str) -> String {
    labels.split(',').filter(|label| !label.starts_with("le=")).collect::<Vec<_>>().join(",")
}

fn write_group(out: &mut String, group: &[Sample], target: &str, scraped: &Scraped<'_>, draws: &mut Draws) {
    let mut values: Vec<f64> = group.iter().map(|sample| if sample.kind == Kind::Gauge { sample.value } else { 0.0 }).collect();
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); group.len()];
    let share = scraped.every as f64 / RECORDED_SECONDS;
    let mut time = scraped.from;
    while time < scraped.to {
        grow(group, &mut values, share, draws);
        for (column, value) in columns.iter_mut().zip(&values) {
            column.push(*value);
        }
        time += scraped.every;
    }
    for (sample, column) in group.iter().zip(columns) {
        let labels: Vec<&str> = [sample.labels.as_str(), target].into_iter().filter(|labels| !labels.is_empty()).collect();
        for (value, scrape) in column.into_iter().zip(0_i64..) {
            let at = scraped.from + scrape * scraped.every;
            writeln!(out, "{}{{{}}} {value} {at}", sample.name, labels.join(",")).expect("a string grows as needed");
        }
    }
}

/// One scrape's growth. What is counted in whole numbers grows by Poisson draws; seconds of CPU grow evenly.
fn grow(group: &[Sample], values: &mut [f64], share: f64, draws: &mut Draws) {
    let (mut below, mut grown, mut total) = (0.0, 0.0, 0.0);
    for (sample, value) in group.iter().zip(values) {
        match sample.kind {
            Kind::Gauge => {}
            Kind::Counter if sample.value.fract() == 0.0 => *value += draws.poisson(sample.value * share),
            Kind::Counter => *value += sample.value * share * (0.95 + 0.1 * draws.uniform()),
            Kind::Histogram if sample.name.ends_with("_bucket") => {
                grown += draws.poisson((sample.value - below) * share);
                below = sample.value;
                total = sample.value;
                *value += grown;
            }
            Kind::Histogram if sample.name.ends_with("_sum") => *value += if total > 0.0 { sample.value * grown / total } else { 0.0 },
            Kind::Histogram => *value += grown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE up gauge\nup{a=\"b c\"} 3\n# TYPE took_ms histogram\n\
        took_ms_bucket{code=\"200\",le=\"5\"} 30\ntook_ms_bucket{code=\"200\",le=\"+Inf\"} 40\n\
        took_ms_sum{code=\"200\"} 160\ntook_ms_count{code=\"200\"} 40\n# TYPE done_total counter\ndone_total 80\n";

    fn past(seed: u64) -> Vec<String> {
        let samples = parse(TEXT).expect("an exposition");
        let wanted = samples.iter().map(|sample| sample.name.clone()).collect();
        let mut out = String::new();
        write_past(&mut out, &samples, &wanted, &Scraped { target: &[("pod", "x")], from: 100, to: 4100, every: 40, seed });
        out.lines().map(str::to_owned).collect()
    }

    fn last(lines: &[String], series: &str) -> f64 {
        let line = lines.iter().rfind(|line| line.starts_with(series)).expect("the series is there");
        line.split(' ').nth_back(1).and_then(|value| value.parse().ok()).expect("a value and a time")
    }

    #[test]
    fn counters_grow_as_they_did_and_gauges_stay() {
        let lines = past(7);
        assert_eq!(lines, past(7));
        assert_eq!(lines.len(), 6 * 100);
        assert!(lines[0].starts_with("up{a=\"b c\",pod=\"x\"} 3 100"));
        // A hundred times what was recorded in 40 s; five standard deviations of the draws.
        assert!((last(&lines, "done_total{") - 8_000.0).abs() < 450.0, "{:?}", lines.last());
        let count = last(&lines, "took_ms_count");
        assert!((count - 4_000.0).abs() < 320.0, "{count}");
        assert_eq!(count, last(&lines, "took_ms_bucket{code=\"200\",le=\"+Inf\""));
        assert!((last(&lines, "took_ms_sum") - 4.0 * count).abs() < 1e-6 * count);
        assert!((last(&lines, "took_ms_bucket{code=\"200\",le=\"5\"") / count - 0.75).abs() < 0.035);
    }

    #[test]
    fn what_is_no_exposition_is_refused() {
        assert!(parse("up 3\n").is_err());
        assert!(parse("# TYPE up gauge\nup x\n").is_err());
        assert!(parse("# TYPE up sideways\n").is_err());
    }
}
