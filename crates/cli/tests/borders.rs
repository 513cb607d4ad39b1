//! The borders between crates, as `docs/architecture.md` draws them.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::process::Command;

/// The names of all crates that a crate is built with.
fn built_with(name: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--package",
            name,
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_auditor_needs_neither_search_nor_model() {
    for name in ["konform-report", "konform-trace"] {
        let tree = built_with(name);
        for heavy in ["tantivy ", "llama-cpp", "hayro", "ureq"] {
            assert!(!tree.contains(heavy), "{name} is built with {heavy}");
        }
    }
}

#[test]
fn stages_do_not_know_each_other() {
    let allowed: [(&str, &[&str]); 8] = [
        ("terms", &[]),
        ("corpus", &["terms"]),
        ("rules", &["terms"]),
        ("ingest", &["terms"]),
        ("index", &["terms"]),
        ("llm", &["terms"]),
        ("judge", &["terms", "index", "llm"]),
        ("report", &["terms", "trace"]),
    ];
    for (stage, allowed) in allowed {
        let tree = built_with(&format!("konform-{stage}"));
        for line in tree.lines().filter(|line| line.starts_with("konform-")) {
            let known = line["konform-".len()..]
                .split(' ')
                .next()
                .unwrap_or_default();
            assert!(
                known == stage || allowed.contains(&known),
                "{stage} knows {known}"
            );
        }
    }
}
