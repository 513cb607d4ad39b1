//! The reference of the command line says what the binary says.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{fmt::Write as _, fs, path::Path, process::Command};

/// The long help of a command.
fn help(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_konform"))
        .args(command)
        .arg("--help")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the commands that a help lists.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn write(command: &[&str], page: &mut String) {
    let text = help(command);
    let name = [&["konform"], command].concat().join(" ");
    let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", text.trim_end());
    for below in commands(&text) {
        write(&[command, &[below.as_str()]].concat(), page);
    }
}

#[test]
fn the_reference_is_what_every_help_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command-line.md");
    let mut page = String::from(
        "# Command line\n\nWhat `--help` of every command prints; a test holds this page to it.\n",
    );
    write(&[], &mut page);
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/command-line.md is out of date; UPDATE_REFERENCE=1 cargo test -p konform-cli --test \
         reference writes it anew"
    );
}
