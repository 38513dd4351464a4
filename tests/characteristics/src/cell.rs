//! What is simulated: one line of a list of cells.
//!
//! `NOISE SPLIT METRIC EFFECT HISTORY [xM|xMc] [tol0]`, such as `ar.8 1:99 p99 +25% history`. Effects: `aa`, `tol` (exactly as
//! bad as tolerated), `+25%` and `-10%` (of latency; of lost throughput), `+50%@30` (from judged window 30 on), `tail`, `->0.3%`
//! (error rate). `x20`: twenty independent metrics, `x20c`: twenty that share half of their variance; the effect is on all.
//! `tol0`: nothing is tolerated.

use std::fmt;

use crate::noise::Noise;

/// Error rate of the healthy service.
pub const ERROR_RATE: f64 = 0.001;

/// Who gets which traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// Half and half.
    Half,
    /// A tenth for the canary.
    Tenth,
    /// A hundredth for the canary.
    Hundredth,
    /// 1, 5, 10, 25 and 50 % for the canary, one after the other.
    Ramp,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// A ready P99 series.
    P99,
    /// A native histogram.
    Native,
    /// A classic histogram with Prometheus' default bounds.
    Classic,
    /// Errors among requests.
    Errors,
    /// Requests against the expected share.
    Throughput,
}

/// What is wrong with the canary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// Nothing.
    Same,
    /// It is exactly as bad as tolerated.
    AtTolerance,
    /// Slower (or less traffic) by this share; negative: better.
    Worse(f64),
    /// The same, from this judged window on (0 is the first).
    Late(f64, usize),
    /// Three requests in a hundred take four times as long.
    TailOnly,
    /// Errors are this share of requests.
    Errors(f64),
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// How the service varies.
    pub noise: Noise,
    /// Who gets which traffic.
    pub split: Split,
    /// What is measured.
    pub metric: Metric,
    /// What is wrong.
    pub effect: Effect,
    /// Whether there is a history.
    pub history: bool,
    /// How many such metrics.
    pub metrics: usize,
    /// Whether they share half of their variance.
    pub correlated: bool,
    /// Whether nothing is tolerated.
    pub zero_tolerance: bool,
}

impl Split {
    const NAMES: [(Split, &'static str); 4] =
        [(Split::Half, "1:1"), (Split::Tenth, "1:9"), (Split::Hundredth, "1:99"), (Split::Ramp, "ramp")];

    /// The canary's share in each traffic step.
    pub fn shares(self) -> &'static [f64] {
        match self {
            Split::Half => &[0.5],
            Split::Tenth => &[0.1],
            Split::Hundredth => &[0.01],
            Split::Ramp => &[0.01, 0.05, 0.1, 0.25, 0.5],
        }
    }

    /// The name that cells use.
    pub fn name(self) -> &'static str {
        name_in(&Split::NAMES, self)
    }
}

impl Metric {
    const NAMES: [(Metric, &'static str); 5] = [
        (Metric::P99, "p99"),
        (Metric::Native, "native"),
        (Metric::Classic, "classic"),
        (Metric::Errors, "errors"),
        (Metric::Throughput, "throughput"),
    ];

    /// The name that cells use.
    pub fn name(self) -> &'static str {
        name_in(&Metric::NAMES, self)
    }

    /// The standard deviation of an arm's own noise, in log units.
    pub fn deviation(self) -> f64 {
        if self == Metric::Errors { 0.15 } else { 0.05 }
    }
}

fn name_in<T: PartialEq + Copy>(names: &[(T, &'static str)], wanted: T) -> &'static str {
    names.iter().find(|(known, _)| *known == wanted).map_or("", |(_, name)| name)
}

fn named_in<T: Copy>(names: &[(T, &'static str)], wanted: &str, what: &str) -> Result<T, String> {
    let known = || names.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
    names
        .iter()
        .find(|(_, name)| *name == wanted)
        .map(|(value, _)| *value)
        .ok_or_else(|| format!("expected {what} ({}), found `{wanted}`", known()))
}

impl Cell {
    /// Reads one line.
    ///
    /// # Errors
    /// What was expected, and what was found.
    pub fn parse(line: &str) -> Result<Cell, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [noise, split, metric, effect, history, extra @ ..] = words.as_slice() else {
            return Err(format!("expected NOISE SPLIT METRIC EFFECT HISTORY, found `{line}`"));
        };
        let mut cell = Cell {
            noise: Noise::named(noise).ok_or_else(|| {
                let known = Noise::all().map(Noise::name).collect::<Vec<_>>().join(", ");
                format!("expected a kind of noise ({known}), found `{noise}`")
            })?,
            split: named_in(&Split::NAMES, split, "a split")?,
            metric: named_in(&Metric::NAMES, metric, "a metric")?,
            effect: Effect::parse(effect)?,
            history: named_in(&[(true, "history"), (false, "none")], history, "whether there is a history")?,
            metrics: 1,
            correlated: false,
            zero_tolerance: false,
        };
        for word in extra {
            if *word == "tol0" {
                cell.zero_tolerance = true;
            } else if let Some(count) = word.strip_prefix('x') {
                let plain = count.strip_suffix('c');
                cell.correlated = plain.is_some();
                cell.metrics = plain.unwrap_or(count).parse().map_err(|_| format!("expected a number of metrics, found `{word}`"))?;
            } else {
                return Err(format!("expected xM, xMc or tol0, found `{word}`"));
            }
        }
        cell.check()?;
        Ok(cell)
    }

    fn check(&self) -> Result<(), String> {
        let is_errors = self.metric == Metric::Errors;
        match self.effect {
            Effect::Errors(_) if !is_errors => Err(format!("`{self}`: only errors have a rate")),
            Effect::Worse(_) | Effect::Late(..) | Effect::TailOnly if is_errors => {
                Err(format!("`{self}`: errors have a rate, such as ->0.3%"))
            }
            _ if self.metrics == 0 => Err(format!("`{self}`: expected at least one metric")),
            _ if self.metrics > 1 && self.metric != Metric::P99 => Err(format!("`{self}`: only p99 comes more than once")),
            _ => Ok(()),
        }
    }

    /// Reads a list: one cell a line, `#` begins a comment.
    ///
    /// # Errors
    /// The first line that is none, and why; or a cell that is there twice.
    pub fn list(text: &str) -> Result<Vec<Cell>, String> {
        let mut cells: Vec<Cell> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if !line.is_empty() {
                let cell = Cell::parse(line).map_err(|why| format!("line {}: {why}", number + 1))?;
                if cells.contains(&cell) {
                    return Err(format!("line {}: `{cell}` is there twice", number + 1));
                }
                cells.push(cell);
            }
        }
        Ok(cells)
    }

    /// How much worse is tolerated, as a share of the baseline.
    pub fn tolerance(&self) -> f64 {
        match self.metric {
            _ if self.zero_tolerance => 0.0,
            Metric::Errors => 0.5,
            Metric::P99 | Metric::Native | Metric::Classic | Metric::Throughput => 0.1,
        }
    }

    /// ln of how much worse the canary is, oriented so that more is worse; of a tail-only regression nothing is said here.
    pub fn ln_effect(&self) -> f64 {
        let oriented = |share: f64| if self.metric == Metric::Throughput { -(1.0 - share).ln() } else { share.ln_1p() };
        match self.effect {
            Effect::Same | Effect::TailOnly => 0.0,
            Effect::AtTolerance => oriented(self.tolerance()),
            Effect::Worse(share) | Effect::Late(share, _) => oriented(share),
            Effect::Errors(rate) => (rate / ERROR_RATE).ln(),
        }
    }

    /// ln of what is tolerated, oriented so that more is worse.
    pub fn ln_tolerance(&self) -> f64 {
        if self.metric == Metric::Throughput { -(1.0 - self.tolerance()).ln() } else { self.tolerance().ln_1p() }
    }

    /// The judged window from which on something is wrong; 0 is the first.
    pub fn onset(&self) -> usize {
        if let Effect::Late(_, onset) = self.effect { onset } else { 0 }
    }

    /// Whether the canary is worse than tolerated: then rolling it back is right.
    pub fn is_harmful(&self) -> bool {
        self.effect == Effect::TailOnly || self.ln_effect() > self.ln_tolerance() + 1e-12
    }

    /// Whether the canary is at least as bad as tolerated: then promoting it is wrong.
    pub fn must_not_pass(&self) -> bool {
        self.effect == Effect::TailOnly || self.ln_effect() > self.ln_tolerance() - 1e-12
    }

    /// The same cell with another effect.
    pub fn with(&self, effect: Effect) -> Cell {
        Cell { effect, ..self.clone() }
    }
}

impl Effect {
    fn parse(word: &str) -> Result<Effect, String> {
        let percent = |text: &str| text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok()).map(|number| number / 100.0);
        let failed = || format!("expected an effect (aa, tol, +25%, -10%, +50%@30, tail, ->0.3%), found `{word}`");
        match word {
            "aa" => Ok(Effect::Same),
            "tol" => Ok(Effect::AtTolerance),
            "tail" => Ok(Effect::TailOnly),
            _ => match (word.strip_prefix("->"), word.split_once('@')) {
                (Some(rate), _) => percent(rate).map(Effect::Errors).ok_or_else(failed),
                (None, Some((share, onset))) => {
                    percent(share).zip(onset.parse().ok()).map(|(share, onset)| Effect::Late(share, onset)).ok_or_else(failed)
                }
                (None, None) => percent(word).map(Effect::Worse).ok_or_else(failed),
            },
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| (share * 1e6).round() / 1e4;
        match self {
            Effect::Same => write!(out, "aa"),
            Effect::AtTolerance => write!(out, "tol"),
            Effect::Worse(share) => write!(out, "{:+}%", percent(*share)),
            Effect::Late(share, onset) => write!(out, "{:+}%@{onset}", percent(*share)),
            Effect::TailOnly => write!(out, "tail"),
            Effect::Errors(rate) => write!(out, "->{}%", percent(*rate)),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let history = if self.history { "history" } else { "none" };
        write!(out, "{} {} {} {} {history}", self.noise.name(), self.split.name(), self.metric.name(), self.effect)?;
        if self.metrics > 1 {
            write!(out, " x{}{}", self.metrics, if self.correlated { "c" } else { "" })?;
        }
        if self.zero_tolerance {
            write!(out, " tol0")?;
        }
        Ok(())
    }
}

impl Cell {
    /// Every combination that makes sense, but for many metrics and tolerances of 0.
    pub fn product() -> Vec<Cell> {
        let latency = [
            Effect::Same,
            Effect::AtTolerance,
            Effect::Worse(0.1),
            Effect::Worse(0.25),
            Effect::Worse(0.5),
            Effect::Worse(1.0),
            Effect::Late(0.5, 30),
            Effect::TailOnly,
            Effect::Worse(-0.1),
        ];
        let errors = [Effect::Same, Effect::AtTolerance, Effect::Errors(0.002), Effect::Errors(0.003), Effect::Errors(0.01)];
        let throughput = [Effect::Same, Effect::AtTolerance, Effect::Worse(0.25), Effect::Worse(0.5), Effect::Late(0.5, 30)];
        let mut cells = Vec::new();
        for noise in Noise::all() {
            for (split, _) in Split::NAMES {
                for (metric, _) in Metric::NAMES {
                    let effects: &[Effect] = match metric {
                        Metric::Errors => &errors,
                        Metric::Throughput => &throughput,
                        Metric::P99 | Metric::Native | Metric::Classic => &latency,
                    };
                    let only_values = noise == Noise::Quantised && metric != Metric::P99;
                    let only_errors = (noise == Noise::BurstyErrors) != (metric == Metric::Errors) && noise == Noise::BurstyErrors;
                    let without_steps = split == Split::Ramp && metric == Metric::Throughput;
                    if only_values || only_errors || without_steps {
                        continue;
                    }
                    for effect in effects {
                        for history in [true, false] {
                            let cell = Cell {
                                noise,
                                split,
                                metric,
                                effect: *effect,
                                history,
                                metrics: 1,
                                correlated: false,
                                zero_tolerance: false,
                            };
                            let is_twice = *effect == Effect::Worse(0.1) && cell.tolerance() == 0.1;
                            if !is_twice && cell.check().is_ok() {
                                cells.push(cell);
                            }
                        }
                    }
                }
            }
        }
        cells
    }
}
