//! NAB (CloudWatch metrics of Amazon, points of five minutes): a day against the day before at the same hours, on a fixed
//! list of segments outside the labels.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use davy_judge::reading::Reading;
use jiff::civil::{Date, DateTime};

use super::drive::Comparison;
use super::pairs::{Pair, chosen, history, windows};
use super::table::Table;

/// The list, as it is checked in.
pub const SEGMENTS: &str = include_str!("../../real-data/nab.csv");
/// Windows of five minutes in a quarter of a day: one segment.
pub const LENGTH: usize = 72;
/// Pseudo-canaries: the default of `history.pseudo_canaries`.
pub const ROWS: usize = 6;
const SLOT_SECONDS: i64 = 300;

/// Two days of one file, and the quarters of the day that are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    /// The file below `data/`.
    pub file: String,
    /// The rule by which it is judged.
    pub rule: String,
    /// The day before.
    pub earlier: Date,
    /// The day.
    pub later: Date,
    /// 0..=3.
    pub quarters: Vec<usize>,
}

/// Reads a list of segments.
///
/// # Errors
/// A list that is not in its form.
pub fn segments(text: &str) -> anyhow::Result<Vec<Days>> {
    let table = Table::parse(Path::new("tests/real-data/nab.csv"), text)?;
    let [files, rules, earlier, later, quarters] = ["file", "rule", "earlier", "later", "quarters"].map(|column| table.texts(column));
    let (files, rules, earlier, later, quarters) = (files?, rules?, earlier?, later?, quarters?);
    let mut days = Vec::new();
    for (row, file) in files.into_iter().enumerate() {
        let date = |text: &str| text.parse::<Date>().with_context(|| format!("nab.csv:{}: expected a date, found `{text}`", row + 2));
        let quarter = |digit: char| match digit.to_digit(10) {
            Some(quarter) if quarter < 4 => Ok(quarter as usize),
            Some(_) | None => bail!("nab.csv:{}: expected quarters of 0 to 3, found `{digit}`", row + 2),
        };
        days.push(Days {
            file: file.to_owned(),
            rule: rules[row].to_owned(),
            earlier: date(earlier[row])?,
            later: date(later[row])?,
            quarters: quarters[row].chars().map(quarter).collect::<anyhow::Result<_>>()?,
        });
    }
    Ok(days)
}

/// One file's values by window.
#[derive(Debug)]
pub struct Trace {
    first: i64,
    values: Vec<Option<f64>>,
    labels: Vec<(i64, i64)>,
}

fn slot(time: DateTime) -> anyhow::Result<i64> {
    Ok(jiff::tz::TimeZone::UTC.to_timestamp(time)?.as_second().div_euclid(SLOT_SECONDS))
}

impl Trace {
    /// Reads a file below `nab/`, with the labels that it has.
    ///
    /// # Errors
    /// Files that are missing or not in their form, or a file without an entry among the labels.
    pub fn read(folder: &Path, file: &str) -> anyhow::Result<Trace> {
        let table = Table::read(&folder.join("data").join(file))?;
        let time = |text: &str| slot(text.parse().with_context(|| format!("{file}: expected a time, found `{text}`"))?);
        let slots = table.texts("timestamp")?.into_iter().map(time).collect::<anyhow::Result<Vec<i64>>>()?;
        let (Some(first), Some(last)) = (slots.iter().min().copied(), slots.iter().max().copied()) else {
            bail!("{file}: expected points, found none");
        };
        let mut values = vec![None; usize::try_from(last - first + 1)?];
        for (at, value) in slots.iter().zip(table.numbers("value")?) {
            let place: &mut Option<f64> = &mut values[usize::try_from(at - first)?];
            // A second point in one window comes from a clock that was set back; the first one is kept.
            *place = place.or(value);
        }
        let place = folder.join("labels/combined_windows.json");
        let text = fs::read_to_string(&place).with_context(|| format!("reading {}", place.display()))?;
        let all: BTreeMap<String, Vec<(String, String)>> = serde_json::from_str(&text).context("the labels of NAB")?;
        let mut labels = Vec::new();
        for (from, to) in all.get(file).with_context(|| format!("{}: expected an entry for {file}", place.display()))? {
            labels.push((time(from)?, time(to)?));
        }
        Ok(Trace { first, values, labels })
    }

    /// The index of the first window of a day's quarter.
    fn index(&self, day: Date, quarter: usize) -> anyhow::Result<usize> {
        let at = slot(day.at(0, 0, 0, 0))? + (quarter * LENGTH) as i64;
        for (from, to) in &self.labels {
            ensure!(at > *to || at + (LENGTH as i64) <= *from, "{day}, quarter {quarter}, lies in a label: it is no A/A");
        }
        usize::try_from(at - self.first).with_context(|| format!("{day} lies before the trace"))
    }

    /// The comparisons of a file that the list names, both ways round; the history of each is the same quarter of its other
    /// days.
    ///
    /// # Errors
    /// Days outside the trace or inside a label.
    pub fn same(&self, days: &[&Days]) -> anyhow::Result<Vec<(String, Comparison)>> {
        let mut made = Vec::new();
        for quarter in 0..4 {
            let mut pairs = Vec::new();
            for day in days.iter().filter(|day| day.quarters.contains(&quarter)) {
                pairs.push((day, Pair { baseline: self.index(day.earlier, quarter)?, canary: self.index(day.later, quarter)? }));
            }
            for (index, (day, pair)) in pairs.iter().enumerate() {
                let series = self.readings(&day.rule)?;
                let others: Vec<Pair> = pairs.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, (_, pair))| *pair).collect();
                let past = chosen(&others, ROWS);
                let turned: Vec<Pair> = past.iter().map(|pair| pair.swapped()).collect();
                for (way, pair, past) in [("later", *pair, past), ("earlier", pair.swapped(), turned)] {
                    let hours = format!("{:02}–{:02} h", quarter * 6, quarter * 6 + 6);
                    let name = format!("{} and {}, {hours}, {way} as canary", day.earlier, day.later);
                    let comparison =
                        Comparison { histories: vec![Ok(history(&series, &past, LENGTH))], metrics: vec![windows(&series, pair, LENGTH)] };
                    made.push((name, comparison));
                }
            }
        }
        Ok(made)
    }

    fn readings(&self, rule: &str) -> anyhow::Result<Vec<Reading>> {
        let reading: fn(f64) -> Reading = match rule {
            "throughput" => Reading::Total,
            "latency" | "resource" => Reading::Value,
            other => bail!("nab.csv: expected a rule of nab.yaml, found `{other}`"),
        };
        Ok(self.values.iter().map(|value| value.map_or(Reading::Missing, reading)).collect())
    }
}
