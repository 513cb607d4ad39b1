//! Files are read in processes of their own; what becomes of a process becomes of its file.

use std::{
    ffi::OsString,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use konform_ingest::{Found, Limits, WorkerCommand, ingest, read};
use konform_terms::{Document, Unreadable, UnreadableReason};

fn shell(script: &str) -> WorkerCommand {
    WorkerCommand {
        program: PathBuf::from("sh"),
        args: ["-c", script].map(OsString::from).to_vec(),
    }
}

fn run(
    worker: &WorkerCommand,
    files: &[Found],
    limits: &Limits,
) -> Vec<Result<Document, Unreadable>> {
    let done = AtomicUsize::new(0);
    let results = ingest(files, worker, limits, |_, _| {
        done.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(done.into_inner(), files.len());
    results
}

fn files(folder: &tempfile::TempDir, names: &[&str]) -> Vec<Found> {
    names
        .iter()
        .map(|name| {
            let path = folder.path().join(name);
            fs::write(&path, format!("The file {name} says what it is."))
                .expect("a temporary folder can be written to");
            Found {
                path,
                shown: (*name).into(),
            }
        })
        .collect()
}

#[cfg(unix)]
#[test]
fn a_process_that_dies_is_a_finding() {
    use UnreadableReason as R;
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder, &["a.txt"]);
    for (script, reason) in [
        ("kill -9 $$", R::OutOfMemory),
        ("kill -XCPU $$", R::TimedOut),
        ("kill -SEGV $$", R::Crashed),
        ("exit 3", R::Crashed),
        ("echo nonsense", R::Crashed),
        (
            "echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$",
            R::OutOfMemory,
        ),
    ] {
        let results = run(&shell(script), &files, &Limits::default());
        let unreadable = results[0].as_ref().unwrap_err();
        assert_eq!(unreadable.reason, reason, "{script}");
        assert_eq!(unreadable.path, "a.txt");
        assert!(unreadable.digest.is_some());
        assert!(
            unreadable.detail.contains(';'),
            "no remedy: {}",
            unreadable.detail
        );
    }
}

#[cfg(unix)]
#[test]
fn a_process_that_takes_too_long_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        time: Duration::from_millis(100),
        ..Limits::default()
    };
    let start = Instant::now();
    let results = run(
        &shell("exec sleep 60"),
        &files(&folder, &["a.txt"]),
        &limits,
    );
    assert_eq!(
        results[0].as_ref().unwrap_err().reason,
        UnreadableReason::TimedOut
    );
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let worker = WorkerCommand {
        program: PathBuf::from("no-such-program"),
        args: vec![],
    };
    let results = run(&worker, &files(&folder, &["a.txt"]), &Limits::default());
    let unreadable = results[0].as_ref().unwrap_err();
    assert!(
        unreadable.detail.contains("no-such-program"),
        "{}",
        unreadable.detail
    );
}

/// The answers are prepared by this process and printed by the shell, file by file.
#[cfg(unix)]
#[test]
fn answers_come_back_in_the_order_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["c.txt", "a.json", "b.txt"];
    let files = files(&folder, &names);
    for file in &files {
        let answer = read(
            &file.path,
            "a path that the parent replaces",
            &Limits::default(),
        );
        let answer = serde_json::to_string(&answer).unwrap();
        fs::write(format!("{}.answer", file.path.display()), answer).unwrap();
    }
    let results = run(&shell("cat \"$0.answer\""), &files, &Limits::default());
    let paths: Vec<&str> = results
        .iter()
        .map(|result| match result {
            Ok(document) => document.path.as_str(),
            Err(unreadable) => unreadable.path.as_str(),
        })
        .collect();
    assert_eq!(paths, names);
    assert_eq!(
        results[1].as_ref().unwrap_err().reason,
        UnreadableReason::Unsupported
    );
}
