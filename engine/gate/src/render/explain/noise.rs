//! How noisy a metric is by the service's own history: words first, numbers after.

use crate::report::FindingReport;
use crate::words;

/// Typical differences (sd of one window's log ratio) up to which a value is called so.
const STEADINESS: [(f64, &str); 4] = [(0.03, "very steady"), (0.1, "steady"), (0.3, "noisy"), (f64::INFINITY, "very noisy")];
/// Variance of long sums over that of independent windows, from which windows are said to hang together …
const DEPENDENT: f64 = 1.5;
/// … and strongly so.
const VERY_DEPENDENT: f64 = 5.0;
/// A lasting difference between instances that is worth a word, ln.
const OFFSET: f64 = 0.02;
/// Overdispersion of counts up to which they are called so: few events differ much by chance alone.
const BURSTS: [(f64, &str); 3] =
    [(1.5, "hardly noisier than chance"), (4.0, "noisier than chance"), (f64::INFINITY, "much noisier than chance")];

/// Sentences.
pub fn noise(finding: &FindingReport) -> Vec<String> {
    let noise = &finding.noise;
    let mut sentences = Vec::new();
    if finding.method == "kayenta" {
        sentences.push("Kayenta's test does not look at history: it takes windows for independent, which they rarely are.".to_owned());
        return sentences;
    }
    let Some(scale) = noise.scale.filter(|_| noise.calibrated) else {
        let why = noise.notes.first().map_or_else(|| "there is no history to learn from".to_owned(), Clone::clone);
        sentences.push(match finding.method {
            "against the limit" => "only a limit is asked for, so the arms' noise does not matter.".to_owned(),
            "counts" => format!("not known ({why}); so events were counted, which is sure where each request fails or not by itself."),
            "none" => format!("not known ({why})."),
            _ => format!("not known ({why}); so a slower engine answered, which assumes only that a harmless canary is as often above the baseline as below."),
        });
        return sentences;
    };
    let scale = scale.get();
    let is_ratio = finding.effect.as_ref().is_none_or(|effect| effect.kind == "ratio");
    if is_ratio {
        let (how, of_what) = character(finding, scale);
        let typical = percent(scale);
        sentences.push(format!("{how}: in a typical window two healthy groups of its instances differ by about {typical} %{of_what}."));
    } else {
        let typical = words::digits(scale);
        sentences.push(format!("two healthy groups of its instances differ by about {typical} times the tolerance in a typical window."));
    }
    if let Some(dependence) = noise.dependence.map(|dependence| dependence.get()) {
        let tell = format!("{} windows tell as much as 10 independent ones", words::digits((10.0 * dependence).round()));
        if dependence >= VERY_DEPENDENT {
            sentences.push(format!("Good and bad stretches last long: {tell}."));
        } else if dependence >= DEPENDENT {
            sentences.push(format!("Good and bad stretches last a while: {tell}."));
        } else {
            sentences.push("One window says little of the next, so evidence grows fast.".to_owned());
        }
    }
    if let Some(offset) = noise.offset.map(|offset| offset.get().abs()).filter(|offset| is_ratio && *offset >= OFFSET) {
        sentences.push(format!("Some of its instances differ lastingly, by about {} %, without any canary.", percent(offset)));
    }
    let rows = noise.rows;
    sentences.push(format!(
        "Learned from {} of history in {rows} pseudo-canar{} (baseline instances that played the canary).",
        words::windows(noise.windows),
        if rows == 1 { "y" } else { "ies" }
    ));
    sentences
}

/// How noisy it is in words, and of what the percentage speaks.
fn character(finding: &FindingReport, scale: f64) -> (&'static str, &'static str) {
    let word = |words: &[(f64, &'static str)], value: f64| words.iter().find(|(most, _)| value <= *most).map_or("noisy", |(_, word)| word);
    let bursts = finding.noise.dispersion.map_or(1.0, |dispersion| dispersion.get());
    match finding.kind {
        "quantile" => (word(&BURSTS, bursts), " in how many requests are slow"),
        "ratio" => (word(&BURSTS, bursts), " in how many events are bad"),
        _ => (word(&STEADINESS, scale), ""),
    }
}

/// A log ratio as a percentage, without digits that nobody needs.
fn percent(log_ratio: f64) -> String {
    let percent = (log_ratio.exp() - 1.0) * 100.0;
    words::digits(if percent >= 10.0 { percent.round() } else { (percent * 10.0).round() / 10.0 })
}
