//! A model on a server of the user's own network, through the binary.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Output},
    thread,
};

/// A server that says yes to everything; gives its address.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut first, mut length) = (String::new(), 0);
                reader.read_line(&mut first).unwrap();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let answer = if first.starts_with("GET") {
                    r#"{"data":[{"id":"mistral-test"}]}"#
                } else {
                    r#"{"choices":[{"text":"A","logprobs":{"tokens":["A"],"token_logprobs":[-0.2],
                    "top_logprobs":[{"A":-0.2,"B":-3.0,"C":-2.5,"D":-6.0}]}}],
                    "usage":{"prompt_tokens":90}}"#
                };
                let size = answer.len();
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json";
                write!(stream, "{head}\r\ncontent-length: {size}\r\n\r\n{answer}").unwrap();
            });
        }
    });
    format!("http://{address}/v1")
}

fn check(folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_konform"))
        .args([
            "check",
            "contract.txt",
            "--rules",
            "mutual-nda",
            "--model",
            "server",
            "-q",
        ])
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

#[test]
fn documents_go_only_to_a_server_that_the_project_names() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::copy(
        root.join("fixtures/documents/nda-gaps.de.txt"),
        folder.path().join("contract.txt"),
    )
    .unwrap();
    let refused = check(folder.path());
    assert_eq!(refused.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8_lossy(&refused.stderr), @r"
    error: konform.toml names no server
      hint: documents are sent only to an address that stands there: add a section [server] with an `address`; `konform init` writes a file that explains it
    ");

    let config = format!("[server]\naddress = \"{}\"\n", server());
    fs::write(folder.path().join("konform.toml"), config).unwrap();
    let done = check(folder.path());
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{errors}");
    let findings = fs::read(folder.path().join("konform-out/findings.json")).unwrap();
    let findings: serde_json::Value = serde_json::from_slice(&findings).unwrap();
    let model = &findings["run"]["model"];
    assert_eq!(model["name"], "mistral-test");
    assert_eq!(model["calibrated"], false);
    let by_model = findings["findings"].as_array().unwrap().iter();
    let by_model: Vec<_> = by_model
        .filter(|one| one["decided_by"] == "model")
        .collect();
    assert!(!by_model.is_empty());
    // A model that says yes to an empty document as well leans to yes, and that is taken out.
    for finding in by_model {
        assert_ne!(finding["verdict"], "satisfied", "{finding}");
    }
}
