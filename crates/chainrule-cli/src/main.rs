//! The program `chainrule`: reads the command line, runs one command, reports errors.

mod arguments;
mod bench;
mod check;
mod describe;
mod evaluate;
mod explore;
mod flags;
mod inspect;
mod memory;
mod output;
mod plan;
mod predict;
mod progress;
mod reading;
mod report;
mod trace;
mod train;

use std::process::ExitCode;

use arguments::{Arguments, Command};

/// Exit codes: 0 done, 1 a check failed, 2 an error, 130 interrupted.
fn main() -> ExitCode {
    let arguments = Arguments::read();
    let result = match &arguments.command {
        Command::Train(arguments) => train::run(arguments),
        Command::Describe(arguments) => describe::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Predict(arguments) => predict::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Trace(arguments) => trace::run(arguments),
        Command::Explore(arguments) => explore::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Plan(arguments) => plan::run(arguments),
    };
    match result {
        Ok(code) => code,
        // Whoever reads the output has enough, as in `chainrule predict ... | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let source = error.downcast_ref::<std::io::Error>();
    source.is_some_and(|source| source.kind() == std::io::ErrorKind::BrokenPipe)
}
