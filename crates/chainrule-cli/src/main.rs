//! The program `chainrule`: reads the command line, runs one command, reports errors.

mod arguments;
mod bench;
mod check;
mod defaults;
mod describe;
mod evaluate;
mod explore;
mod flags;
mod inspect;
mod memory;
mod output;
mod plan;
mod predict;
mod processor;
mod progress;
mod reading;
mod report;
mod signals;
mod terminal;
mod trace;
mod train;
mod widths;
mod workload;

use std::io;
use std::process::ExitCode;

use anyhow::{Error, Result};
use arguments::{Arguments, Command};
use terminal::{speaks_on_standard_error, tell_error};

/// Exit codes: 0 done, 1 a check failed, 2 an error, 130 interrupted (SIGINT), 143 and 129 ended by SIGTERM and SIGHUP.
fn main() -> ExitCode {
    let arguments = Arguments::read();
    let result = signals::watch().and_then(|()| {
        chainrule::instructions()?;
        run(&arguments.command)
    });
    match result {
        Ok(code) => code,
        // Whoever reads the output has enough, as in `chainrule predict ... | head`.
        Err(error) if is_closed_output(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell_error(&error);
            ExitCode::from(2)
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    match command {
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
    }
}

/// Whether nobody reads standard output any more, which is then also where `-o /dev/stdout` leads.
fn is_closed_output(error: &Error) -> bool {
    let is_broken = |source: &io::Error| source.kind() == io::ErrorKind::BrokenPipe;
    match error.downcast_ref::<chainrule::Error>() {
        Some(chainrule::Error::Io { source, .. }) => is_broken(source) && speaks_on_standard_error(),
        _ => error.downcast_ref().is_some_and(is_broken),
    }
}
