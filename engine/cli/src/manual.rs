//! `davy completions` and `davy man`: what packages ship beside the binary, made from the same definition as `--help`.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Exit;

/// What `--help` does not hold: exit status and environment.
const MORE: &str = include_str!("manual.roff");

/// Prints a completion script.
pub fn completions(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "davy", &mut script);
    std::io::stdout().write_all(&script).context("writing to stdout")?;
    Ok(Exit::Promote)
}

/// Writes one page for each command.
pub fn pages(folder: &Path) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    // Pages name the version, not the commit: they are the same for all builds of it.
    let mut command = Cli::command().long_version(None::<&str>).disable_help_subcommand(true);
    command.build();
    page(command, folder)?;
    Ok(Exit::Promote)
}

fn page(command: clap::Command, folder: &Path) -> anyhow::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        page(below.clone(), folder)?;
    }
    let man = clap_mangen::Man::new(command).source(concat!("davy ", env!("CARGO_PKG_VERSION")));
    let mut written = Vec::new();
    man.render(&mut written).context("rendering a page")?;
    let name = man.get_filename();
    let mut text = plain(&String::from_utf8(written).context("a page is text")?);
    if matches!(name.as_str(), "davy.1" | "davy-gate.1") {
        text.push_str(MORE);
    }
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}

/// Escapes what is not ASCII: troff reads bytes.
fn plain(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    for character in page.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            write!(text, "\\[u{:04X}]", u32::from(character)).expect("a String takes everything");
        }
    }
    text
}
