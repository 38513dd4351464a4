//! Rules for a source when none are given: asks what it holds, takes the preset that fits, and says so.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{anyhow, bail};
use davy_gate::discovery::{Candidate, Fit, Found, best, candidates, nothing_fits, rule_file};
use davy_gate::rules::{Options, RuleSet, load_str, quantity::duration_text};
use davy_judge::arm::Arm;
use davy_sources::error::SourceError;
use davy_sources::samples::{MatchOp, Matcher, Span};
use davy_sources::selector::matchers_text;
use davy_sources::source::Source;

use crate::args::AnalysisArgs;
use crate::gate::{FIRST_TRIES, LEAST_STEP_MS, step_for};
use crate::source::AnySource;
use crate::{inputs, screen, terminal};

/// How much longer than the deadline of the defaults one looks back for what there is, ms.
const LOOKBACK_MS: i64 = 3_600_000;
/// Rules and how they came about.
pub struct Discovered {
    /// The rules.
    pub rules: RuleSet,
    /// The file that holds them.
    pub file: String,
}

/// Rules as given, else as they follow from what the source holds up to `end_ms`. The inner error is the source's.
pub async fn rules(source: &AnySource, args: &AnalysisArgs, end_ms: i64, is_live: bool) -> anyhow::Result<Result<RuleSet, String>> {
    let options = inputs::options(args)?;
    if let Some(name) = &args.rules {
        let rules = inputs::rules(name, &options)?;
        terminal::warn(&rules.warnings);
        return Ok(Ok(rules));
    }
    if options.baseline.is_none() || options.canary.is_none() {
        bail!(
            "expected --rules FILE, or the labels of both arms to choose rules by: --baseline LABEL=VALUE --canary LABEL=VALUE (found {})",
            match (&options.baseline, &options.canary) {
                (Some(_), None) => "no --canary",
                (None, Some(_)) => "no --baseline",
                (Some(_) | None, _) => "neither",
            }
        );
    }
    let mut tries = 0;
    let found = loop {
        tries += 1;
        match discover(source, &options, end_ms).await {
            Ok(found) => break found?,
            Err(error) if error.kind.is_retryable() && is_live && tries < FIRST_TRIES => {
                tracing::warn!("{error}; trying again");
                tokio::time::sleep(Duration::from_millis(LEAST_STEP_MS.unsigned_abs())).await;
            }
            Err(error) => return Ok(Err(error.to_string())),
        }
    };
    let (baseline, canary) = (shown(options.baseline.as_deref()), shown(options.canary.as_deref()));
    if !source.is_past() {
        screen::say(&format!(
            "  to keep and change it: davy rules init --from-prometheus URL --baseline {baseline} --canary {canary} davy.yaml\n"
        ));
    }
    Ok(Ok(found.rules))
}

/// Asks the source and chooses. The outer error is the source's, the inner one says that nothing fits.
pub async fn discover(source: &AnySource, options: &Options, end_ms: i64) -> Result<anyhow::Result<Discovered>, SourceError> {
    let span = Span { start_ms: end_ms - LOOKBACK_MS, end_ms };
    let candidates = candidates(options);
    let wanted: BTreeSet<String> = candidates.iter().flat_map(Candidate::names).collect();
    let existing = source.names(&wanted, span).await?;
    let mut fits = Vec::new();
    for candidate in candidates.iter().filter(|candidate| candidate.is_possible(&existing)) {
        let holdings = source.holdings(&candidate.plan, span).await?;
        fits.push(Fit::new(candidate.clone(), &holdings));
    }
    let companions: Vec<&str> = fits.iter().filter(|fit| fit.is_companion()).map(|fit| fit.candidate.preset.name).collect();
    let ranked = best(fits.clone());
    let Some(chosen) = ranked.first() else {
        let arms = davy_judge::arm::PerArm::from_fn(|arm| match arm {
            Arm::Baseline => options.baseline.clone().unwrap_or_default(),
            Arm::Canary => options.canary.clone().unwrap_or_default(),
        });
        let alike = source.alike(&arms, span).await?;
        let looked_for: Vec<(&str, Vec<String>)> =
            candidates.iter().map(|candidate| (candidate.preset.name, plain_names(candidate))).collect();
        return Ok(Err(anyhow!("{}", nothing_fits(&looked_for, &alike, &source.name()))));
    };
    let plan = &chosen.candidate.plan;
    let scrape_ms = source.scrape_interval(plan, end_ms).await;
    let history_ms = chosen.candidate.rules.history.as_ref().map_or(LOOKBACK_MS, |history| history.last_ms);
    let found = Found {
        scrape_ms,
        step_ms: scrape_ms.map(|scrape_ms| step_for(Some(scrape_ms))),
        instance: source.find_instance_label(plan, Span { start_ms: end_ms - history_ms, end_ms }).await,
    };
    let file = rule_file(chosen, &found);
    say(source, &ranked, &companions, &found, span).await;
    // Named like a preset: there is no file in which a line could be looked up. That it cannot be read would be a mistake of
    // ours, and is said like any other.
    let rules = load_str(
        &format!("presets/{} as found", chosen.candidate.preset.name),
        &file,
        &Options { baseline: options.baseline.clone(), canary: options.canary.clone(), ..Options::default() },
    );
    Ok(rules.map(|rules| Discovered { rules, file }).map_err(|found| anyhow!("{}", terminal::diagnostics(&found))))
}

/// Base names of what a candidate reads.
fn plain_names(candidate: &Candidate) -> Vec<String> {
    candidate.names().into_iter().filter(|name| !name.ends_with("_bucket")).collect()
}

/// Says on stderr what was chosen, what else there was, and how to keep it.
async fn say(source: &AnySource, ranked: &[Fit], companions: &[&str], found: &Found, span: Span) {
    let Some(chosen) = ranked.first() else { return };
    let (kept, left_out) = chosen.split();
    let names: Vec<&str> = kept.iter().map(|metric| metric.metric.rule.name.as_str()).collect();
    let step = found.step_ms.map_or_else(|| format!("{} (the spacing of samples is unknown)", duration_text(LEAST_STEP_MS)), duration_text);
    let noise = found.instance.as_ref().map_or_else(
        || "no label names an instance, so noise is not learned".to_owned(),
        |instance| format!("noise learned from the baseline's past by {instance}"),
    );
    let mut lines = vec![format!(
        "rules by what the source holds: presets/{} ({}), windows of {step}, {noise}",
        chosen.candidate.preset.name,
        names.join(", ")
    )];
    for metric in &left_out {
        let why = metric.lacks.as_deref().unwrap_or("the baseline does not have it");
        lines.push(format!("  {} is left out: {why}", metric.metric.rule.name));
    }
    for metric in &kept {
        lines.extend(metric.notes.iter().map(|note| format!("  {}: {note}", metric.metric.rule.name)));
    }
    let others: Vec<String> = ranked
        .iter()
        .skip(1)
        .filter(|fit| fit.arms() == chosen.arms())
        .map(|fit| format!("presets/{}", fit.candidate.preset.name))
        .collect();
    if !others.is_empty() {
        lines.push(format!("  {} would do too; choose by `--rules {}`", others.join(", "), others[0]));
    }
    for companion in companions {
        lines.push(format!(
            "  presets/{companion} fits too, beside it: extends: [presets/{}, presets/{companion}]",
            chosen.candidate.preset.name
        ));
    }
    for arm in Arm::BOTH {
        if !*chosen.arms().get(arm)
            && let Some(why) = source.explain_empty(&chosen.candidate.plan, arm, span).await
        {
            lines.push(format!("  {}: {why}", arm.name()));
        }
    }
    for line in lines {
        screen::say(&format!("{line}\n"));
    }
}

/// Matchers as they are typed.
fn shown(matchers: Option<&[Matcher]>) -> String {
    let matchers = matchers.unwrap_or_default();
    let is_plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-:/".contains(c));
    if matchers.iter().all(|matcher| is_plain(&matcher.value) && is_plain(&matcher.label) && matcher.op == MatchOp::Equal) {
        let texts: Vec<String> = matchers.iter().map(|matcher| format!("{}={}", matcher.label, matcher.value)).collect();
        return texts.join(",");
    }
    let text: String = matchers_text(matchers).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!("'{}'", text.replace('\'', "'\\''"))
}
