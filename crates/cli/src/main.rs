//! The `konform` command line: it alone knows all the stages and composes them.

mod args;
mod builtin;
mod commands;
mod config;
mod error;
mod inputs;
mod progress;
mod reading;
mod run;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{args::Arguments, error::CliError};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging(arguments.verbose);
    let done = choose_processor().and_then(|()| commands::dispatch(arguments.command));
    match done {
        Ok(code) => code,
        Err(error) => {
            error.print();
            error.exit_code()
        }
    }
}

/// Has the built-in engine use what `KONFORM_PROCESSOR` names in place of the best that there is.
fn choose_processor() -> Result<(), CliError> {
    match std::env::var_os("KONFORM_PROCESSOR") {
        Some(name) if !name.is_empty() => konform_llm::use_processor(&name.to_string_lossy())
            .map_err(|error| CliError::from_input(error).hint("KONFORM_PROCESSOR asks for it")),
        _ => Ok(()),
    }
}

/// Shows warnings, more with `-v`; `KONFORM_LOG` takes the filter syntax of `tracing`.
fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("KONFORM_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
}

/// What a command comes to, beyond its output.
type Outcome = Result<ExitCode, CliError>;
