//! `davy completions` and `davy man`: what packages ship beside the binary, made from the same definition as `--help`.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Exit;

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
    let command = Cli::command().long_version(None::<&str>);
    clap_mangen::generate_to(command, folder).with_context(|| folder.display().to_string())?;
    Ok(Exit::Promote)
}
