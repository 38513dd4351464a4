//! `davy rules`: checks, shows and starts rule files.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use davy_gate::rules::Options;
use davy_gate::rules::command::{self, CheckFormat};
use davy_sources::selector::parse_matchers;

use crate::args::{CheckOutput, RulesArgs, RulesCommand};
use crate::exit::Exit;
use crate::time::now_ms;
use crate::{discovery, inputs, terminal};

/// Runs one of its commands.
pub fn rules(args: &RulesArgs) -> anyhow::Result<Exit> {
    match &args.command {
        RulesCommand::Check { files, variables, output } => {
            let options = Options { variables: inputs::variables(variables)?, ..Options::default() };
            let format = match output {
                CheckOutput::Text => CheckFormat::Text { colour: terminal::look().colour },
                CheckOutput::Json => CheckFormat::Json,
            };
            let paths: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
            let checked = command::check(&paths, &options, format);
            anstream::print!("{}", checked.text);
            Ok(if checked.errors > 0 { Exit::Usage } else { Exit::Promote })
        }
        RulesCommand::Show { file, variables } => {
            let options = Options { variables: inputs::variables(variables)?, ..Options::default() };
            let shown = command::show(Path::new(file), &options).map_err(|found| anyhow!("{}", terminal::diagnostics(&found)))?;
            anstream::print!("{shown}");
            Ok(Exit::Promote)
        }
        RulesCommand::Schema => {
            anstream::print!("{}", command::schema());
            Ok(Exit::Promote)
        }
        RulesCommand::Init { path, preset, source: _ } => init(path, preset),
    }
}

/// Runs `davy rules init --from-prometheus`: the rules that a gate would choose by itself.
pub async fn init_from(args: &RulesArgs) -> anyhow::Result<Exit> {
    let RulesCommand::Init { path, preset: _, source } = &args.command else { return rules(args) };
    let Some(url) = &source.from_prometheus else { return rules(args) };
    refuse_existing(path)?;
    let arm =
        |flag: &str, text: &Option<String>| text.as_deref().map(parse_matchers).transpose().map_err(|error| anyhow!("--{flag}: {error}"));
    let options = Options { baseline: arm("baseline", &source.baseline)?, canary: arm("canary", &source.canary)?, ..Options::default() };
    let server = inputs::server(url, &source.access)?;
    match discovery::discover(&server, &options, now_ms()).await {
        Ok(found) => {
            std::fs::write(path, found?.file).with_context(|| path.display().to_string())?;
            anstream::println!(
                "wrote {}; edit it, then `davy gate --rules {} --prometheus …` with --baseline and --canary as here",
                path.display(),
                path.display()
            );
            Ok(Exit::Promote)
        }
        Err(error) => {
            anstream::eprintln!("davy: no rules were written: {error}");
            Ok(Exit::NoAnalysis)
        }
    }
}

fn refuse_existing(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        bail!("{} exists already; choose another path", path.display());
    }
    Ok(())
}

fn init(path: &Path, preset: &str) -> anyhow::Result<Exit> {
    refuse_existing(path)?;
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("service");
    let text = command::init(name, preset).map_err(|found| anyhow!("{}", terminal::diagnostics(&found)))?;
    std::fs::write(path, text).with_context(|| path.display().to_string())?;
    anstream::println!("wrote {}; edit it, then try `davy rules check {}`", path.display(), path.display());
    Ok(Exit::Promote)
}
