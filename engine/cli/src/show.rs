//! Where an answer goes: stdout, report files, GitHub's own files. None of it can change the verdict; what cannot be
//! written is said on stderr.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use davy_gate::render::{self, Case, KINDS, Kind};
use davy_gate::replay::Moment;
use davy_gate::report::Report;

use crate::args::{Output, ShowArgs};
use crate::terminal;

/// A report file to write.
struct Target {
    kind: Kind,
    path: PathBuf,
}

/// What was asked to be shown.
pub struct Showing {
    output: Output,
    targets: Vec<Target>,
    explains: bool,
    compares: bool,
}

impl Showing {
    /// Checks what was asked, before anything is done.
    pub fn new(args: &ShowArgs) -> anyhow::Result<Self> {
        let mut targets: Vec<Target> = Vec::new();
        for text in &args.reports {
            let (kind, path) = text.split_once('=').with_context(|| format!("--report: expected KIND=PATH, found `{text}`"))?;
            let target = Target { kind: kind_of(kind).context("--report")?, path: PathBuf::from(path) };
            if path.is_empty() || target.path.is_dir() {
                bail!("--report: expected KIND=PATH with the path of a file, found `{text}`");
            }
            if targets.iter().any(|other| other.path == target.path) {
                bail!("--report: {path} is given twice; one report would replace the other");
            }
            targets.push(target);
        }
        Ok(Showing { output: args.output, targets, explains: args.explain, compares: args.compare.is_some() })
    }

    /// Whether somebody wants to know of each window.
    pub fn wants_moments(&self) -> bool {
        self.output == Output::Jsonl || self.targets.iter().any(|target| target.kind == Kind::Jsonl)
    }

    /// Says a window as soon as it is judged, where stdout is a stream of lines.
    pub fn stream(&self, moment: &Moment) {
        if self.output == Output::Jsonl {
            say(&render::moment_line("", moment));
        }
    }

    /// Whether lines come on a terminal while the run is under way: nothing else may be drawn there.
    pub fn streams_to_terminal(&self) -> bool {
        self.output == Output::Jsonl && std::io::stdout().is_terminal()
    }

    /// With the comparison that was asked for.
    pub fn compared<'a>(&self, cases: &[Case<'a>]) -> Vec<Case<'a>> {
        cases.iter().map(|case| Case { compares: self.compares, ..*case }).collect()
    }

    /// Writes all reports, then fills stdout.
    pub fn show(&self, cases: &[Case<'_>]) {
        self.write_reports(cases);
        self.fill_stdout(cases);
        self.explain(cases);
    }

    /// The same at the end of a run whose windows were streamed: stdout is not told them again.
    pub fn show_rest(&self, cases: &[Case<'_>]) {
        self.write_reports(cases);
        let rest: Vec<Case<'_>> = cases.iter().map(|case| Case { moments: &[], ..*case }).collect();
        self.fill_stdout(&rest);
        self.explain(cases);
    }

    fn fill_stdout(&self, cases: &[Case<'_>]) {
        let compared = self.compared(cases);
        let cases = compared.as_slice();
        // An analysis that never took place has no report; scripts that read stdout find it empty, as they always did.
        let is_empty = matches!(cases, [Case { name: "", outcome: Err(_), .. }]);
        let look = terminal::look();
        match self.output {
            Output::Text | Output::Json if is_empty => {}
            Output::Text => say(&render::render(Kind::Text, cases, look)),
            Output::Json => say(&render::render(Kind::Json, cases, look)),
            Output::Markdown => say(&render::render(Kind::Markdown, cases, look)),
            Output::Junit => say(&render::render(Kind::Junit, cases, look)),
            Output::Jsonl => say(&render::render(Kind::Jsonl, cases, look)),
            Output::Github => {
                say(&render::github_log(cases, render::Look { colour: false, ..look }, &folder_in_repository()));
                append_for_github(cases);
            }
        }
    }

    /// Writes all reports.
    pub fn write_reports(&self, cases: &[Case<'_>]) {
        let cases = &self.compared(cases);
        let look = render::Look { width: 100, colour: false, ascii: false };
        for target in &self.targets {
            let text = render::render(target.kind, cases, look);
            if let Err(error) = write_whole(&target.path, text.as_bytes()) {
                anstream::eprintln!("davy: the report {} was not written: {error}", target.path.display());
            }
        }
    }

    /// Explains every report, where that was asked.
    pub fn explain(&self, cases: &[Case<'_>]) {
        if !self.explains {
            return;
        }
        let texts: Vec<String> = cases.iter().filter_map(|case| case.outcome.ok()).map(explanation).collect();
        let text = texts.join("\n");
        if self.output == Output::Text {
            say(&format!("\n{text}"));
        } else {
            anstream::eprint!("{text}");
        }
    }
}

/// Why, as the terminal can show it.
pub fn explanation(report: &Report) -> String {
    let look = terminal::look();
    let text = render::explain(report, look.width);
    if look.ascii { render::to_ascii(&text) } else { text }
}

/// The kind that a word names.
pub fn kind_of(word: &str) -> anyhow::Result<Kind> {
    let known = KINDS.iter().find(|(name, _)| *name == word);
    let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    let hint = if word == "github" { " (GitHub reads annotations from stdout: --output github)" } else { "" };
    Ok(known.with_context(|| format!("expected one of {}, found `{word}`{hint}", names.join(", ")))?.1)
}

/// Fills stdout. Who reads it may go away at any time; the exit code is the answer nevertheless.
pub fn say(text: &str) {
    let mut stdout = anstream::stdout().lock();
    if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
        tracing::debug!("nobody reads stdout any more");
    }
}

/// Writes a file whole or not at all, beside its place first; missing directories are made.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A pipe or a device is written to, not replaced; a link's target is replaced, not the link.
    let target = match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => return OpenOptions::new().write(true).open(path)?.write_all(bytes),
        Ok(_) => path.canonicalize()?,
        Err(_) => path.to_owned(),
    };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".davy-");
    // Others read a pipeline's artefacts: the usual mask decides, not the one of secrets.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// Adds to the job's summary and the step's outputs, where GitHub says which files they are.
fn append_for_github(cases: &[Case<'_>]) {
    let append = |variable: &str, text: &dyn Fn(usize) -> String| {
        let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) else { return };
        let written = OpenOptions::new().append(true).create(true).open(&path).and_then(|mut file: File| {
            let taken = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
            file.write_all(text(taken).as_bytes())
        });
        if let Err(error) = written {
            anstream::eprintln!("davy: {variable} was not written: {error}");
        }
    };
    append("GITHUB_STEP_SUMMARY", &|taken| render::step_summary(cases, taken));
    append("GITHUB_OUTPUT", &|_| render::outputs(cases));
}

/// How GitHub's annotations lead from the repository to here: empty, or ending in a slash.
fn folder_in_repository() -> String {
    let (Some(workspace), Ok(here)) = (std::env::var_os("GITHUB_WORKSPACE"), std::env::current_dir()) else { return String::new() };
    let below = here.strip_prefix(Path::new(&workspace)).map(Path::to_owned).unwrap_or_default();
    if below.as_os_str().is_empty() { String::new() } else { format!("{}/", below.display()) }
}
