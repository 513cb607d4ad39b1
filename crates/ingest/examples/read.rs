//! Prints what a file is read as: its text by segment, or the reason why it cannot be read.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to the terminal"
)]

use std::path::Path;

use konform_ingest::{Limits, read};

fn main() {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: read FILE");
        return;
    };
    match read(Path::new(&path), &path, &Limits::default()) {
        Ok(document) => {
            println!(
                "{:?} {:?} {:?}",
                document.format, document.language, document.warnings
            );
            for segment in &document.segments {
                println!(
                    "{}\t{:?}\t[{}]\t{}",
                    segment.page.unwrap_or_default(),
                    segment.kind,
                    segment.heading_path.join(" > "),
                    document.quote(segment)
                );
            }
        }
        Err(unreadable) => println!("not assessed: {}: {}", unreadable.reason, unreadable.detail),
    }
}
