//! Reads every file below a folder in worker processes and prints a line for each, then totals:
//! `survey FOLDER…`. The workers are this program itself, called with `__read`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to the terminal"
)]

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Instant,
};

use konform_ingest::{Limits, WorkerCommand, discover, ingest, worker_main};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let limits = Limits::default();
    if let [command, path] = &args[..]
        && command == "__read"
    {
        let path = Path::new(path);
        print!("{}", worker_main(path, &path.to_string_lossy(), &limits));
        return Ok(());
    }
    let paths: Vec<PathBuf> = args.into_iter().map(PathBuf::from).collect();
    let worker = WorkerCommand {
        program: std::env::current_exe()?,
        args: vec!["__read".into()],
    };
    let files = discover(&paths)?;
    let start = Instant::now();
    let done: Mutex<Vec<(usize, f64)>> = Mutex::default();
    let results = ingest(&files, &worker, &limits, |index, _| {
        if let Ok(mut done) = done.lock() {
            done.push((index, start.elapsed().as_secs_f64()));
        }
    });
    for (file, result) in files.iter().zip(&results) {
        match result {
            Ok(document) => {
                let warnings: Vec<&str> = document
                    .warnings
                    .iter()
                    .map(|w| w.message.as_str())
                    .collect();
                println!(
                    "{}\t{:?}\t{}\t{} pages\t{} segments\t{} chars\t{}",
                    file.shown,
                    document.format,
                    document
                        .language
                        .map_or("??".into(), |language| language.to_string()),
                    document.pages.len(),
                    document.segments.len(),
                    document.text.chars().count(),
                    warnings.join(" | ")
                );
            }
            Err(unreadable) => println!(
                "{}\t{}\t{}",
                file.shown, unreadable.reason, unreadable.detail
            ),
        }
    }
    println!(
        "{} files in {:.1} s",
        files.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
