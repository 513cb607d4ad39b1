//! One file per command.

mod check;
mod corpus;
mod eval;
mod model;
mod rules;
mod trace;

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anstream::println;
use clap::CommandFactory as _;
use konform_ingest::Limits;

use crate::{
    Outcome,
    args::{Arguments, Command},
    config,
    error::CliError,
};

/// Seconds and MiB that reading one file may take if nothing else is said.
pub(crate) const READ_SECONDS: u64 = 60;
pub(crate) const READ_MEMORY: u64 = 1024;

pub(crate) fn dispatch(command: Command) -> Outcome {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Corpus(command) => corpus::run(command),
        Command::Rules(command) => rules::run(command),
        Command::Model(command) => model::run(command),
        Command::Trace(command) => trace::run(command),
        Command::Init { folder } => init(&folder),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "konform",
                &mut io::stdout(),
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => man(),
        Command::Read {
            seconds,
            memory,
            path,
        } => {
            let answer = konform_ingest::worker_main(&path, "", &limits(seconds, memory));
            let written = io::stdout().write_all(answer.as_bytes());
            Ok(if written.is_ok() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}

/// The limits of reading one file.
pub(crate) fn limits(seconds: u64, memory: u64) -> Limits {
    Limits {
        time: Duration::from_secs(seconds),
        memory_bytes: memory << 20,
        ..Limits::default()
    }
}

fn init(folder: &Path) -> Outcome {
    let path = folder.join(config::NAME);
    let mut file = std::fs::File::create_new(&path).map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AlreadyExists => "edit it, or delete it first",
            _ => "choose a folder that exists and can be written",
        };
        CliError::input(format!("{} cannot be written", path.display()))
            .because(error)
            .hint(hint)
    })?;
    file.write_all(config::TEMPLATE.as_bytes())
        .map_err(CliError::from_input)?;
    println!(
        "Wrote {}; every setting is in it, at its default.",
        path.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn man() -> Outcome {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command())
        .render(&mut page)
        .map_err(CliError::from_work)?;
    io::stdout().write_all(&page).map_err(CliError::from_work)?;
    Ok(ExitCode::SUCCESS)
}
