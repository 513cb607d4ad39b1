use std::{
    ffi::OsString,
    io::Read,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use konform_terms::{Digest, Document, Unreadable, UnreadableReason};
use rayon::prelude::*;

use crate::{
    Found, Limits,
    error::Refusal,
    limits::megabytes,
    read::{read, read_bytes},
};

/// Enough for documents that nest deeply.
const STACK_BYTES: usize = 64 << 20;

/// The program that reads one file: `program args… path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program, which is as a rule the one that runs now.
    pub program: PathBuf,
    /// What stands before the path.
    pub args: Vec<OsString>,
}

/// Reads many files at the same time, each in a process of its own; the answers are in the order of
/// the files.
///
/// `on_done` is called as files are done, in any order, with the index of the file.
pub fn ingest(
    files: &[Found],
    worker: &WorkerCommand,
    limits: &Limits,
    on_done: impl Fn(usize, &Result<Document, Unreadable>) + Sync,
) -> Vec<Result<Document, Unreadable>> {
    files
        .par_iter()
        .enumerate()
        .map(|(index, file)| {
            let result = in_a_process(file, worker, limits);
            on_done(index, &result);
            result
        })
        .collect()
}

/// Does the part of the worker process: sets the limits for itself, reads one file, and gives the
/// JSON to print, which is `{"Ok": Document}` or `{"Err": Unreadable}`.
#[must_use]
pub fn worker_main(path: &Path, shown: &str, limits: &Limits) -> String {
    limit_this_process(limits);
    let (path, name, limits) = (path.to_path_buf(), shown.to_owned(), limits.clone());
    let work =
        move || panic::catch_unwind(AssertUnwindSafe(|| json(&read(&path, &name, &limits)))).ok();
    thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(work)
        .ok()
        .and_then(|thread| thread.join().ok().flatten())
        .unwrap_or_else(|| {
            json(&Err(Unreadable {
                path: shown.to_owned(),
                digest: None,
                reason: UnreadableReason::Crashed,
                detail: BROKE_DOWN.to_owned(),
            }))
        })
}

const BROKE_DOWN: &str = "the reader broke down on this file; open it in its own program, save it again, and check that copy";

fn json(result: &Result<Document, Unreadable>) -> String {
    serde_json::to_string(result).unwrap_or_default()
}

#[cfg(unix)]
fn limit_this_process(limits: &Limits) {
    use rustix::process::{Resource, Rlimit, setrlimit};

    // Where the system refuses, the parent's clock still holds.
    let limit = |resource, current| {
        let limit = Rlimit {
            current: Some(current),
            maximum: Some(current),
        };
        let _ = setrlimit(resource, limit);
    };
    limit(Resource::As, limits.memory_bytes);
    limit(Resource::Cpu, limits.time.as_secs().max(1));
    limit(Resource::Core, 0);
    // A worker does not outlive a run that was killed.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

#[cfg(not(unix))]
fn limit_this_process(_: &Limits) {}

fn in_a_process(
    file: &Found,
    worker: &WorkerCommand,
    limits: &Limits,
) -> Result<Document, Unreadable> {
    let answer = spawn(file, worker).and_then(|child| wait(child, limits));
    let refusal = match answer {
        Ok(answer) => match serde_json::from_slice::<Result<Document, Unreadable>>(&answer) {
            Ok(Ok(mut document)) => {
                document.path.clone_from(&file.shown);
                return Ok(document);
            }
            Ok(Err(mut unreadable)) => {
                unreadable.path.clone_from(&file.shown);
                unreadable.digest = unreadable.digest.or_else(|| digest(file, limits));
                return Err(unreadable);
            }
            Err(_) => Refusal::new(UnreadableReason::Crashed, BROKE_DOWN),
        },
        Err(refusal) => refusal,
    };
    Err(Unreadable {
        path: file.shown.clone(),
        digest: digest(file, limits),
        reason: refusal.reason,
        detail: refusal.detail,
    })
}

fn digest(file: &Found, limits: &Limits) -> Option<Digest> {
    read_bytes(&file.path, limits).ok().map(Digest::of)
}

fn spawn(file: &Found, worker: &WorkerCommand) -> Result<Child, Refusal> {
    Command::new(&worker.program)
        .args(&worker.args)
        .arg(&file.path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            Refusal::new(
                UnreadableReason::Crashed,
                format!(
                    "the reader `{}` cannot be started ({error}); check the installation",
                    worker.program.display()
                ),
            )
        })
}

/// Waits for the answer of a worker, and ends the worker where it takes too long.
fn wait(mut child: Child, limits: &Limits) -> Result<Vec<u8>, Refusal> {
    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    // Both pipes are drained, or a talkative worker would block.
    let errors = thread::spawn(move || drain(stderr, 1 << 16));
    thread::spawn(move || sender.send(drain(stdout, usize::MAX)));
    // The worker's own limit of processor time comes first; this one is for a worker that sleeps.
    let patience = limits.time + Duration::from_millis(500);
    let Ok(answer) = receiver.recv_timeout(patience) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(timed_out(limits));
    };
    let status = child.wait().map_err(|error| {
        Refusal::new(
            UnreadableReason::Crashed,
            format!("the reader was lost ({error}); try again"),
        )
    })?;
    if status.success() {
        return Ok(answer);
    }
    let errors = errors.join().unwrap_or_default();
    Err(died(status, &String::from_utf8_lossy(&errors), limits))
}

fn drain(pipe: Option<impl Read>, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.by_ref().take(most as u64).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    }
    bytes
}

fn timed_out(limits: &Limits) -> Refusal {
    Refusal::new(
        UnreadableReason::TimedOut,
        format!(
            "reading took longer than the limit of {} s; split the file or raise the limit",
            limits.time.as_secs_f64()
        ),
    )
}

fn out_of_memory(limits: &Limits) -> Refusal {
    Refusal::new(
        UnreadableReason::OutOfMemory,
        format!(
            "reading needed more memory than the limit of {}; split the file or raise the limit",
            megabytes(limits.memory_bytes)
        ),
    )
}

/// Says what a worker died of, by how it ended and what it said last.
fn died(status: ExitStatus, errors: &str, limits: &Limits) -> Refusal {
    if errors.contains("memory allocation of") {
        return out_of_memory(limits);
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;

        use rustix::process::Signal;

        let signal = status.signal();
        if signal == Some(Signal::XCPU.as_raw()) {
            return timed_out(limits);
        }
        if signal == Some(Signal::KILL.as_raw()) {
            return Refusal::new(
                UnreadableReason::OutOfMemory,
                "the system ended the reader, as it does when memory runs out; check fewer files at a time or split the file",
            );
        }
    }
    let _ = status;
    Refusal::new(UnreadableReason::Crashed, BROKE_DOWN)
}
