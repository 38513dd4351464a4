//! Why: a report in plain sentences, for someone who was woken by it.

mod changes;
mod noise;

use crate::render::figures;
use crate::render::places;
use crate::render::text::push_wrapped;
use crate::report::{FindingReport, Report};
use crate::words;

/// Sentences longer than this are broken where the caller knows no width.
const LEAST_WIDTH: usize = 60;

/// The explanation: the verdict and what it rests on, then each metric: what was compared, how noisy the service is, what
/// would have changed the answer, and which line of the rules asked.
pub fn explain(report: &Report, width: usize) -> String {
    let width = width.max(LEAST_WIDTH);
    let mut text = String::new();
    push_wrapped(&mut text, &format!("{}  {}: {}.", figures::headline(report), report.rules.name, report.reason), width, "");
    for sentence in whole(report) {
        push_wrapped(&mut text, &sentence, width, "");
    }
    for finding in &report.findings {
        text.push('\n');
        push_wrapped(&mut text, &format!("{} {} – {}", figures::sign(finding.outcome), finding.metric, meaning(finding)), width, "");
        for (heading, words) in paragraphs(report, finding) {
            push_wrapped(&mut text, &format!("{heading}: {words}"), width, "    ");
        }
    }
    text
}

/// What there is to say of one metric, each with its heading.
pub fn paragraphs(report: &Report, finding: &FindingReport) -> Vec<(&'static str, String)> {
    let mut paragraphs = vec![("What was compared", compared(report, finding).join(" "))];
    let lines = places::lines(finding, false);
    if !lines.is_empty() {
        paragraphs.push(("Where", lines.join("; ")));
    }
    paragraphs.push(("How noisy it is", noise::noise(finding).join(" ")));
    paragraphs.push(("What would change it", changes::changes(report, finding).join(" ")));
    if let Some(rule) = &finding.rule {
        paragraphs.push(("Which rule", format!("{}:{}", rule.file, rule.line)));
    }
    paragraphs
}

fn whole(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    let needed = words::odds(report.evidence.ln_harm_needed.get());
    let safe = words::odds(report.evidence.ln_safe_needed.get());
    sentences.push(match report.cause.kind {
        "harm" => format!(
            "A rollback needs odds of {needed} over all metrics that may roll back, weighed together; they came to {}.",
            words::odds(report.evidence.ln_harm.get())
        ),
        "breaker" => "The breaker is a plain threshold for harm that nobody should wait out; `breaker` in the rules says which.".to_owned(),
        "safe" => format!("A promotion needs odds of {safe} that each required metric is within its tolerance; every one has them."),
        "not_yet" => format!("A promotion needs odds of {safe} that each required metric is within its tolerance; {}.", lacking(report)),
        "too_few_windows" => format!(
            "Nothing speaks against a promotion, but the rules want {} in this traffic step (`window.min_windows`).",
            words::windows(report.window.wanted)
        ),
        "vanished" => "A canary without data is never promoted. Look whether its instances run and are scraped; `decision.on_missing` says what follows.".to_owned(),
        "no_data" => "Nothing was compared, so nothing is known to be safe. Look whether the labels that tell the arms apart are right.".to_owned(),
        "too_many_missing" => "What is missing cannot be shown to be safe. Look for failed scrapes and restarts; at most a fifth of the windows may be missing.".to_owned(),
        "common_incident" => "Something hits both arms, so a comparison would blame or clear the canary by chance. Compare again when it is over.".to_owned(),
        "baseline_beyond_limit" => "The limit is broken without the canary too. Mend the service, or the limit.".to_owned(),
        "sample_ratio_mismatch" => "Where requests do not go where they should, the arms may see different ones. Look at the router, or mend `arms.expected_split`.".to_owned(),
        "hold_breach" => "The metric holds and does not roll back because the rules say `on_breach: hold`.".to_owned(),
        "kayenta_pass" | "kayenta_marginal" | "kayenta_fail" | "kayenta_unjudged" | "kayenta_not_yet" => {
            "`decision.method: kayenta` in the rules: the verdict comes from Kayenta's score of all metrics, and odds decide nothing.".to_owned()
        }
        _ => "`decision.at_deadline` in the rules turned the hold into this.".to_owned(),
    });
    let places: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| report.cause.metrics.contains(&finding.metric))
        .filter_map(|finding| finding.rule.as_ref().map(|rule| format!("{} ({}:{})", finding.metric, rule.file, rule.line)))
        .collect();
    if !places.is_empty() {
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        sentences.push(format!("It rests on {}.", words::list(&places)));
    }
    sentences
}

fn lacking(report: &Report) -> String {
    let lacking: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| report.cause.metrics.contains(&finding.metric))
        .map(|finding| format!("{} has {}", finding.metric, words::odds(finding.evidence.ln_safe.get())))
        .collect();
    let lacking: Vec<&str> = lacking.iter().map(String::as_str).collect();
    words::list(&lacking)
}

fn meaning(finding: &FindingReport) -> &'static str {
    if finding.method == "kayenta" {
        return match finding.outcome {
            "pass" => "passes Kayenta's test, which shows no more than that no difference was found.",
            "breach" => "fails Kayenta's test.",
            _ => "could not be judged, and what is missing never promotes.",
        };
    }
    match (finding.outcome, finding.on_breach) {
        ("pass", _) => "shown to be safe.",
        ("breach", "rollback") => "shown to be worse than tolerated: this takes the canary back.",
        ("breach", "hold") => "shown to be worse than tolerated: this holds the canary (`on_breach: hold`).",
        ("breach", _) => "shown to be worse than tolerated: this is only said (`on_breach: warn`).",
        ("suspect", _) => "looks worse than tolerated, but not surely enough among so many metrics.",
        (_, _) if finding.obstacle.is_some() => "cannot be judged.",
        (_, _) if finding.required => "not clear yet, and a promotion needs it.",
        (_, _) => "not clear yet; a promotion does not need it.",
    }
}

fn compared(report: &Report, finding: &FindingReport) -> Vec<String> {
    let what = match (finding.kind, finding.quantile) {
        ("quantile", Some(quantile)) => format!("the P{} of each arm", words::digits(quantile.get() * 100.0)),
        ("ratio", _) => "the share of bad events among all".to_owned(),
        ("rate", _) => "what each arm counts per second, against the share of the traffic that it should see".to_owned(),
        (_, _) => "the value of the query in each arm".to_owned(),
    };
    let step = words::duration((report.window.step.get() * 1e3).round() as i64);
    let requests = |arm: &crate::report::ArmReport| {
        arm.requests.map_or_else(String::new, |requests| format!(" from {} requests", words::count(requests.get())))
    };
    let mut sentences = vec![format!(
        "{what}, over {} of {step}: baseline {}{}, canary {}{}; that is {} (still possible: {}), and {} is tolerated.",
        words::windows(report.window.judged),
        figures::arm(finding, &finding.baseline),
        requests(&finding.baseline),
        figures::arm(finding, &finding.canary),
        requests(&finding.canary),
        figures::estimate(finding),
        figures::interval(finding),
        figures::tolerated(finding),
    )];
    if finding.effect.is_none() {
        let (baseline, canary) = (figures::arm(finding, &finding.baseline), figures::arm(finding, &finding.canary));
        sentences = vec![format!("{what}, over {} of {step}: baseline {baseline}, canary {canary}.", words::windows(report.window.judged))];
    }
    let unit = figures::unit_of(finding);
    if let (Some(bound), "quantile") = (finding.judged_at, finding.kind) {
        let bound = words::value(bound.get(), unit);
        sentences
            .push(format!("It was judged by how many requests took longer than {bound}, the bucket bound that suits the quantile best."));
    }
    for (level, says) in [(finding.limit, "must not pass the limit of"), (finding.ignore_below, "is fine whatever the baseline does up to")]
    {
        if let Some(level) = level {
            sentences.push(format!("The canary {says} {}.", words::value(level.get(), unit)));
        }
    }
    sentences
}
