//! Files are read in processes of their own, with limits: `check` and `trace verify` alike.

use konform_ingest::{Found, WorkerCommand};
use konform_terms::{Document, Unreadable};

use crate::{commands::limits, error::CliError, progress};

/// Reads files, each in a process of its own; `seconds` and `memory` (in MiB) bound each.
pub(crate) fn read(
    files: &[Found],
    seconds: u64,
    memory: u64,
    quiet: bool,
) -> Result<Vec<Result<Document, Unreadable>>, CliError> {
    let program = std::env::current_exe().map_err(|error| {
        CliError::input("konform does not find its own program file").because(error)
    })?;
    let worker = WorkerCommand {
        program,
        args: [
            "__read",
            "--seconds",
            &seconds.to_string(),
            "--memory",
            &memory.to_string(),
            "--",
        ]
        .iter()
        .map(Into::into)
        .collect(),
    };
    let bar = progress::bar("Reading", files.len(), quiet);
    let read = konform_ingest::ingest(files, &worker, &limits(seconds, memory), |index, _| {
        bar.set_message(files[index].shown.clone());
        bar.inc(1);
    });
    bar.finish_and_clear();
    Ok(read)
}
