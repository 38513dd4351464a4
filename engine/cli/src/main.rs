//! The `davy` binary: a table of contents. Arguments in `args`, one file per command, exit codes in `exit`.

mod args;
mod discovery;
mod doctor;
mod doctor_report;
mod exit;
mod explain;
mod gate;
mod inputs;
mod live;
mod manual;
mod progress;
mod record;
mod replay;
mod rules;
mod screen;
mod show;
mod source;
mod telemetry;
mod terminal;
mod time;
mod version;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;
use exit::Exit;
use tracing::{Instrument, Span};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            anstream::eprintln!("davy: {error:#}");
            Exit::Usage.into()
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<Exit> {
    let watching = terminal::watching(cli.quiet);
    match &cli.command {
        // No runtime of many threads, no TLS: a replay starts in milliseconds.
        Command::Replay(args) => {
            telemetry::log_only(cli.verbose);
            replay::replay(args, watching)
        }
        Command::Doctor(args) => on_network(cli.verbose, telemetry::survey, doctor::doctor(args, watching)),
        Command::Rules(args) if args.asks_a_source() => on_network(cli.verbose, telemetry::survey, rules::init_from(args)),
        Command::Rules(args) => rules::rules(args),
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man { folder } => manual::pages(folder),
        Command::Gate(args) => on_network(cli.verbose, telemetry::analysis, gate::gate(args, watching)),
        Command::Record(args) => on_network(cli.verbose, telemetry::recording, record::record(args, watching)),
        Command::Explain(args) => explain::explain(args),
        Command::Report(args) => explain::report(args),
    }
}

/// Does what needs a network, within a span that begins a trace or continues the caller's.
fn on_network(verbose: u8, span: fn() -> Span, work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let telemetry = telemetry::start(verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let span = span();
    telemetry.continue_trace(&span);
    let outcome = runtime.block_on(work.instrument(span));
    telemetry.finish();
    outcome
}
