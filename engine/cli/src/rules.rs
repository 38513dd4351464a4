//! `davy rules`: checks, shows and starts rule files.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use davy_gate::rules::Options;
use davy_gate::rules::command::{self, CheckFormat};

use crate::args::{Output, RulesArgs, RulesCommand};
use crate::exit::Exit;
use crate::{inputs, terminal};

/// Runs one of its commands.
pub fn rules(args: &RulesArgs) -> anyhow::Result<Exit> {
    match &args.command {
        RulesCommand::Check { files, variables, output } => {
            let options = Options { variables: inputs::variables(variables)?, ..Options::default() };
            let format = match output {
                Output::Text => CheckFormat::Text { colour: terminal::look().colour },
                Output::Json => CheckFormat::Json,
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
        RulesCommand::Init { path, preset } => init(path, preset),
    }
}

fn init(path: &Path, preset: &str) -> anyhow::Result<Exit> {
    if path.exists() {
        bail!("{} exists already; choose another path", path.display());
    }
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("service");
    let text = command::init(name, preset).map_err(|found| anyhow!("{}", terminal::diagnostics(&found)))?;
    std::fs::write(path, text).with_context(|| path.display().to_string())?;
    anstream::println!("wrote {}; edit it, then try `davy rules check {}`", path.display(), path.display());
    Ok(Exit::Promote)
}
