//! Judges real recorded traces: `real-data PATH [--write PAGE] [--all]`. PATH holds `lab`, `nezha` and `nab`; the page's part
//! between its markers is made anew, else the part is printed. `--all` also prints what each comparison told, on stderr.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use davy_judge::verdict::Verdict;
use davy_tests::real_data::page::{Rows, Tally, median, numbers, replaced, verdict};
use davy_tests::real_data::{Answer, Rules, judge, lab, nab, nezha};

const NEZHA: &str = include_str!("../../real-data/nezha.yaml");
const NAB: &str = include_str!("../../real-data/nab.yaml");

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (mut data, mut page, mut all) = (None, None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--write" => page = Some(PathBuf::from(arguments.next().context("expected a page after --write, found nothing")?)),
            "--all" => all = true,
            other if data.is_none() && !other.starts_with('-') => data = Some(PathBuf::from(other)),
            other => bail!("expected PATH [--write PAGE] [--all], found `{other}`"),
        }
    }
    let data = data.context("expected the path of the traces, found none: real-data PATH [--write PAGE] [--all]")?;
    let mut made = String::new();
    of_lab(&data, &mut made).await?;
    of_nezha(&data.join("nezha"), all, &mut made)?;
    of_nab(&data.join("nab"), all, &mut made)?;
    match page {
        None => std::io::stdout().write_all(made.as_bytes())?,
        Some(page) => {
            let text = fs::read_to_string(&page).with_context(|| format!("reading {}", page.display()))?;
            fs::write(&page, replaced(&text, &made)?).with_context(|| format!("writing {}", page.display()))?;
        }
    }
    Ok(())
}

fn say(all: bool, name: &str, answer: &Answer) -> anyhow::Result<()> {
    if all {
        let mut err = std::io::stderr().lock();
        writeln!(err, "{name}: {}, {}", verdict(answer), answer.why)?;
        for told in &answer.told {
            writeln!(err, "    {}", numbers(told))?;
        }
    }
    Ok(())
}

fn told(answer: &Answer) -> String {
    answer.told.iter().map(numbers).collect::<Vec<_>>().join("<br>")
}

async fn of_lab(data: &Path, made: &mut String) -> anyhow::Result<()> {
    let mut rows = Rows::new(&["mode", "read from", "verdict @ window", "why", "numbers"]);
    for (mode, _) in lab::MODES {
        for (what, rules) in lab::RULES {
            let answer = lab::judge(data, mode, rules).await.with_context(|| format!("lab/{mode}"))?;
            rows.push(&[mode.to_owned(), what.to_owned(), verdict(&answer), answer.why.clone(), told(&answer)]);
        }
    }
    write!(made, "## Lab\n{}\n", rows.text())?;
    Ok(())
}

fn of_nezha(folder: &Path, all: bool, made: &mut String) -> anyhow::Result<()> {
    let rules = Rules::load("tests/real-data/nezha.yaml", NEZHA)?;
    let days = nezha::DAYS.iter().map(|date| nezha::Day::read(folder, date)).collect::<anyhow::Result<Vec<_>>>()?;
    of_faults(&rules, &days, all, made)?;
    let mut rows = Rows::new(&["day", "service", "comparisons", "promoted", "held", "rolled back"]);
    let mut wrong = Rows::new(&["day", "service", "comparison", "verdict @ window", "why", "numbers"]);
    let mut sum = Tally::default();
    for day in &days {
        for service in day.services() {
            let mut tally = Tally::default();
            for (name, comparison) in day.same(service) {
                let answer = judge(&rules, &comparison);
                tally.count(answer.verdict);
                say(all, &format!("nezha A/A {} {service} {name}", day.date), &answer)?;
                if answer.verdict == Verdict::Rollback {
                    wrong.push(&[day.date.clone(), service.to_owned(), name, verdict(&answer), answer.why.clone(), told(&answer)]);
                }
            }
            sum = sum.plus(tally);
            rows.push(&[&[day.date.clone(), service.to_owned()], &tally.cells()[..]].concat());
        }
    }
    rows.push(&[&["all".to_owned(), String::new()], &sum.cells()[..]].concat());
    write!(made, "## Nezha: A/A\n{}\n", rows.text())?;
    for day in &days {
        for (service, why) in &day.unusable {
            writeln!(made, "Left out: {service} of {}: {why}.\n", day.date)?;
        }
    }
    writeln!(made, "### Rolled back although nothing was wrong: {} of {}", sum.rolled_back, sum.all())?;
    if sum.rolled_back > 0 {
        write!(made, "{}", wrong.text())?;
    }
    writeln!(made)?;
    Ok(())
}

#[derive(Default)]
struct Group {
    tally: Tally,
    found: Vec<Option<usize>>,
    by_latency: Vec<Option<usize>>,
    by_errors: Vec<Option<usize>>,
}

fn of_faults(rules: &Rules, days: &[nezha::Day], all: bool, made: &mut String) -> anyhow::Result<()> {
    let (latency, errors) = (rules.only(&["latency_p99"]), rules.only(&["error_rate"]));
    let mut rows = Rows::new(&[
        "day",
        "service",
        "fault",
        "windows",
        "front's success",
        "known",
        "verdict @ window",
        "why",
        "P99 alone",
        "errors alone",
    ]);
    let names = ["CPU", "code, seen at the front", "code, not seen at the front", "network delay"];
    let mut missed = Rows::new(&["day", "service", "fault", "verdict @ window", "numbers"]);
    let mut groups: [Group; 4] = Default::default();
    for day in days {
        for (index, fault) in day.faults.iter().enumerate() {
            let comparison = day.fault(index);
            let windows = comparison.metrics[0].len();
            let answer = judge(rules, &comparison);
            let by_latency = judge(&latency, &comparison.only(0));
            let by_errors = judge(&errors, &comparison.only(2));
            say(all, &format!("nezha fault {} {} {}", day.date, fault.service, fault.kind), &answer)?;
            let is_known = day.is_known(index);
            let group = match (fault.kind.starts_with("cpu"), is_known) {
                (true, _) => 0,
                (false, Some(true)) => 1,
                (false, Some(false)) => 2,
                (false, None) => 3,
            };
            let found = |answer: &Answer| (answer.verdict == Verdict::Rollback).then_some(answer.windows);
            groups[group].tally.count(answer.verdict);
            groups[group].found.push(found(&answer));
            groups[group].by_latency.push(found(&by_latency));
            groups[group].by_errors.push(found(&by_errors));
            let success = day.success_during(index).map_or_else(|| "–".to_owned(), |success| format!("{success:.1} %"));
            let known = is_known.map_or("?", |known| if known { "yes" } else { "no" });
            rows.push(&[
                day.date.clone(),
                fault.service.clone(),
                fault.kind.clone(),
                windows.to_string(),
                success,
                known.to_owned(),
                verdict(&answer),
                answer.why.clone(),
                verdict(&by_latency),
                verdict(&by_errors),
            ]);
            if is_known == Some(true) && found(&answer).is_none() {
                missed.push(&[day.date.clone(), fault.service.clone(), fault.kind.clone(), verdict(&answer), told(&answer)]);
            }
        }
    }
    let mut summary = Rows::new(&[
        "faults",
        "all",
        "promoted",
        "held",
        "rolled back",
        "median window of the rollback",
        "by P99 alone",
        "by errors alone",
    ]);
    for (name, group) in names.iter().zip(&groups) {
        let alone = |found: &[Option<usize>]| found.iter().flatten().count().to_string();
        let last = [median(&group.found), alone(&group.by_latency), alone(&group.by_errors)];
        let cells = [&[(*name).to_owned()], &group.tally.cells()[..], &last].concat();
        summary.push(&cells);
    }
    write!(made, "## Nezha: faults\n{}\n### Known, and not found\n{}\n", summary.text(), missed.text())?;
    write!(made, "### Every fault\n{}\n", rows.text())?;
    Ok(())
}

fn of_nab(folder: &Path, all: bool, made: &mut String) -> anyhow::Result<()> {
    let rules = Rules::load("tests/real-data/nab.yaml", NAB)?;
    let list = nab::segments(nab::SEGMENTS)?;
    let mut files: Vec<&str> = list.iter().map(|days| days.file.as_str()).collect();
    files.dedup();
    let mut rows = Rows::new(&["file", "judged as", "comparisons", "promoted", "held", "rolled back"]);
    let mut wrong = Rows::new(&["file", "comparison", "verdict @ window", "numbers"]);
    let mut sum = Tally::default();
    for file in files {
        let days: Vec<&nab::Days> = list.iter().filter(|days| days.file == file).collect();
        let rule = days[0].rule.clone();
        let mut tally = Tally::default();
        for (name, comparison) in nab::Trace::read(folder, file)?.same(&days)? {
            let answer = judge(&rules.only(&[&rule]), &comparison);
            tally.count(answer.verdict);
            say(all, &format!("nab {file} {name}"), &answer)?;
            if answer.verdict == Verdict::Rollback {
                wrong.push(&[file.to_owned(), name, verdict(&answer), told(&answer)]);
            }
        }
        sum = sum.plus(tally);
        rows.push(&[&[file.to_owned(), rule], &tally.cells()[..]].concat());
    }
    rows.push(&[&["all".to_owned(), String::new()], &sum.cells()[..]].concat());
    write!(made, "## NAB: A/A\n{}\n### Rolled back although nothing was labelled: {} of {}\n", rows.text(), sum.rolled_back, sum.all())?;
    if sum.rolled_back > 0 {
        write!(made, "{}", wrong.text())?;
    }
    Ok(())
}
