//! The binary, end to end, on the fixtures.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn konform(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_konform"))
        .args(args)
        .current_dir(root())
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The findings digest that a finished run prints.
fn digest(output: &Output) -> String {
    let out = stdout(output);
    let line = out.lines().find(|line| line.starts_with("Findings"));
    line.unwrap_or_else(|| panic!("no digest in\n{out}\n{}", stderr(output)))
        .to_owned()
}

const ONE_PACK: [&str; 3] = ["check", "fixtures/documents/dpa-gaps.en.docx", "--rules"];

#[test]
fn a_run_writes_its_report_and_a_second_run_does_nothing_again() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path().to_str().unwrap();
    let args = [&ONE_PACK[..], &["gdpr-dpa-art28", "--out", out]].concat();
    let first = konform(&args);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    for file in ["report.html", "report.md", "findings.json", "trace.jsonl"] {
        assert!(
            Path::new(out).join(file).metadata().unwrap().len() > 1000,
            "{file}"
        );
    }
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(Path::new(out).join("findings.json")).unwrap()).unwrap();
    let findings = json["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 16);
    assert!(
        findings
            .iter()
            .all(|f| f["requirement"].is_string() && f["verdict"].is_string())
    );
    let breach = findings
        .iter()
        .find(|f| f["requirement"] == "gdpr-dpa-art28/breach-notice");
    assert_eq!(
        breach.unwrap()["verdict"],
        "violated",
        "96 hours are told by a check"
    );

    let second = konform(&args);
    assert_eq!(digest(&first), digest(&second));
    assert!(stderr(&second).contains("0 findings judged, 16 taken over; 0 tokens evaluated"));

    let verified = konform(&["trace", "verify", out]);
    assert_eq!(verified.status.code(), Some(0), "{}", stdout(&verified));
    let gate = konform(&[&args[..], &["--fail-on", "violated,missing", "--quiet"]].concat());
    assert_eq!(gate.status.code(), Some(1));
}

#[test]
fn a_changed_byte_of_trace_or_document_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read(root().join("fixtures/documents/nda-complete.en.txt")).unwrap();
    let document = folder.path().join("nda.txt");
    fs::write(&document, &text).unwrap();
    let out = folder.path().join("out");
    let (document_, out_) = (document.to_str().unwrap(), out.to_str().unwrap());
    konform(&["check", document_, "--rules", "mutual-nda", "--out", out_]);
    assert_eq!(konform(&["trace", "verify", out_]).status.code(), Some(0));

    let trace = out.join("trace.jsonl");
    let whole = fs::read(&trace).unwrap();
    let mut changed = whole.clone();
    let at = whole.len() / 2;
    changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
    fs::write(&trace, &changed).unwrap();
    let verified = konform(&["trace", "verify", out_]);
    let line = whole[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
    assert_eq!(verified.status.code(), Some(1));
    assert!(
        stdout(&verified).contains(&format!("line {line}")),
        "{}",
        stdout(&verified)
    );

    fs::write(&trace, &whole).unwrap();
    let mut edited = text.clone();
    let at = edited.iter().position(|&byte| byte == b'e').unwrap();
    edited[at] = b'a';
    fs::write(&document, edited).unwrap();
    let verified = konform(&["trace", "verify", out_]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(
        stdout(&verified).contains("another digest"),
        "{}",
        stdout(&verified)
    );
}

#[test]
fn a_killed_run_resumes_to_the_same_findings() {
    let folder = tempfile::tempdir().unwrap();
    let documents = "fixtures/documents";
    let whole = folder.path().join("whole");
    let rules = "gdpr-dpa-art28";
    let args = |out: &Path| {
        let out = out.to_str().unwrap().to_owned();
        ["check", documents, "--rules", rules, "--out", &out]
            .map(str::to_owned)
            .to_vec()
    };
    let run = |out: &Path| {
        let args = args(out);
        konform(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let expected = digest(&run(&whole));
    let killed = folder.path().join("killed");
    let mut cut = 0;
    for wait in [900, 1300, 1700] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_konform"))
            .args(args(&killed))
            .current_dir(root())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(wait));
        cut += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(cut > 0, "no run was cut off");
    assert_eq!(digest(&run(&killed)), expected);
    let killed = killed.to_str().unwrap();
    assert_eq!(konform(&["trace", "verify", killed]).status.code(), Some(0));
}

#[test]
fn files_that_cannot_be_read_are_findings_with_a_reason() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path().to_str().unwrap();
    let output = konform(&[
        "check",
        "fixtures/hostile",
        "--rules",
        "mutual-nda",
        "--out",
        out,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(Path::new(out).join("findings.json")).unwrap()).unwrap();
    let reason = |name: &str| {
        let findings = json["findings"].as_array().unwrap();
        let path = format!("fixtures/hostile/{name}");
        let finding = findings
            .iter()
            .find(|f| f["document"] == path.as_str())
            .unwrap();
        finding["not_assessed"]
            .as_str()
            .unwrap_or("read")
            .to_owned()
    };
    for (name, expected) in [
        ("empty.pdf", "empty"),
        ("encrypted.pdf", "encrypted"),
        ("scanned.pdf", "scanned"),
        ("not-a-zip.docx", "damaged"),
        ("random.bin", "unsupported"),
        ("image.png", "unsupported"),
        ("latin-1.txt", "read"),
    ] {
        assert_eq!(reason(name), expected, "{name}");
    }
}

#[test]
fn wrong_use_is_told_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let random = folder.path().join("random.gguf");
    fs::write(&random, [7u8; 4096]).unwrap();
    let document = "fixtures/documents/nda-complete.en.txt";
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let cases: [(&[&str], &str); 6] = [
        (
            &["check", "fixtures/absent", "--out", out],
            "does not exist",
        ),
        (
            &["check", empty.to_str().unwrap(), "--out", out],
            "holds no file",
        ),
        (
            &["check", document, "--rules", "absent-pack", "--out", out],
            "built-in packs",
        ),
        (
            &["check", document, "--corpus", "absent-corpus", "--out", out],
            "does not exist",
        ),
        (
            &["check", document, "--model", "absent.gguf", "--out", out],
            "cannot be read",
        ),
        (
            &[
                "check",
                document,
                "--model",
                random.to_str().unwrap(),
                "--out",
                out,
            ],
            "not a GGUF",
        ),
    ];
    for (args, message) in cases {
        let output = konform(args);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(message),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn every_provision_that_the_packs_pin_stands_in_the_builtin_corpus() {
    let output = konform(&["rules", "lint", "rules"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        !stderr(&output).contains("the corpus has no"),
        "{}",
        stderr(&output)
    );
    let found = konform(&["corpus", "search", "notify", "a", "breach", "--limit", "3"]);
    assert!(
        stdout(&found).contains("art_33__para_"),
        "{}",
        stdout(&found)
    );
}

#[test]
fn eval_measures_a_labelled_set_and_check_takes_its_calibration() {
    let folder = tempfile::tempdir().unwrap();
    let mut set = String::new();
    for number in 0..50 {
        let (text, verdict) = if number % 2 == 0 {
            (
                "Fees are due. We keep personal data for three years.",
                "satisfied",
            )
        } else {
            (
                "Fees are due. Data sheets are free for visitors of the hall.",
                "missing",
            )
        };
        let evidence = if number % 2 == 0 {
            vec![[14, 52]]
        } else {
            vec![]
        };
        for line in [
            serde_json::json!({"document": format!("d{number}"), "text": text}),
            serde_json::json!({"document": format!("d{number}"), "requirement": "own/retention",
                "verdict": verdict, "evidence": evidence}),
        ] {
            set += &format!("{line}\n");
        }
    }
    set += &format!(
        "{}\n",
        serde_json::json!({"requirement": "own/retention",
            "statement": "The document says how long data are kept."})
    );
    let file = folder.path().join("set.jsonl");
    fs::write(&file, &set).unwrap();
    let out = folder.path().join("out");
    let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
    let measured = konform(&["eval", file, "--out", out]);
    assert_eq!(measured.status.code(), Some(0), "{}", stderr(&measured));
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(Path::new(out).join("eval.json")).unwrap()).unwrap();
    assert_eq!(json["set"]["labels"], 50);
    assert!((0.0..=1.0).contains(&json["accuracy"].as_f64().unwrap()));
    assert!((0.0..=1.0).contains(&json["macro_f1"].as_f64().unwrap()));
    let majority = json["baselines"][0]["accuracy"].as_f64().unwrap();
    assert!((majority - 0.5).abs() < 1e-9, "{majority}");

    let calibration = Path::new(out).join("calibration.json");
    let calibration = calibration.to_str().unwrap();
    let checked = folder.path().join("checked");
    let args = [
        &ONE_PACK[..],
        &["gdpr-dpa-art28", "--out", checked.to_str().unwrap()],
    ]
    .concat();
    let with = konform(&[&args[..], &["--calibration", calibration]].concat());
    assert_eq!(with.status.code(), Some(0), "{}", stderr(&with));

    fs::write(file, set.replace("[[14,52]]", "[[14,520]]")).unwrap();
    let beyond = konform(&["eval", file, "--out", out]);
    assert_eq!(beyond.status.code(), Some(2));
    assert!(stderr(&beyond).contains("set.jsonl"), "{}", stderr(&beyond));
}

#[test]
fn eval_finds_the_words_that_labels_quote_and_can_ignore_scopes() {
    let folder = tempfile::tempdir().unwrap();
    let letter = "# A letter\n\nFees are due.\nEach **side** keeps what it learns\nto itself.\n";
    fs::write(folder.path().join("letter.md"), letter).unwrap();
    let (file, out) = (folder.path().join("set.jsonl"), folder.path().join("out"));
    let evaluated = |quote: &str, more: &[&str]| {
        let lines = [
            serde_json::json!({"document": "letter", "file": "letter.md", "language": "en"}),
            serde_json::json!({"document": "letter", "requirement": "mutual-nda/use-restriction",
                "verdict": "missing", "quotes": [quote]}),
        ];
        let lines = lines.map(|line| line.to_string());
        fs::write(&file, lines.join("\n")).unwrap();
        let args = [
            "eval",
            file.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ];
        konform(&[&args[..], more].concat())
    };
    let found = |run: &Output| {
        assert_eq!(run.status.code(), Some(0), "{}", stderr(run));
        let trace = fs::read_to_string(out.join("trace.jsonl")).unwrap();
        trace.contains(r#""verdict":"not-applicable""#)
    };
    let words = "Each side keeps what it learns to itself.";
    assert!(found(&evaluated(words, &[])), "a letter is no agreement");
    assert!(!found(&evaluated(words, &["--ignore-scope"])));
    let absent = evaluated("Each side tells everybody.", &[]);
    assert_eq!(absent.status.code(), Some(2));
    let said = stderr(&absent);
    assert!(
        said.contains("set.jsonl") && said.contains("Each side tells everybody."),
        "{said}"
    );
}

#[test]
fn a_commentary_ends_each_sentence_in_ids_and_moves_no_verdict() {
    let out = tempfile::tempdir().unwrap();
    let findings = |name: &str, more: &[&str]| -> Vec<serde_json::Value> {
        let out = out.path().join(name);
        let own = [
            "mutual-nda",
            "--model",
            "models/builtin.gguf",
            "--out",
            out.to_str().unwrap(),
        ];
        let document = ["check", "fixtures/documents/nda-gaps.en.pdf", "--rules"];
        let run = konform(&[&document[..], &own[..], more].concat());
        assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
        let json = fs::read(out.join("findings.json")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        json["findings"].as_array().unwrap().clone()
    };
    let refused = konform(&[&ONE_PACK[..], &["mutual-nda", "--commentary"]].concat());
    assert_eq!(refused.status.code(), Some(2));
    let plain = findings("plain", &[]);
    let mut commented = findings("commented", &["--commentary"]);
    let mut said = 0;
    for finding in &mut commented {
        let words = finding.as_object_mut().unwrap().remove("commentary");
        let Some(words) = words else {
            continue;
        };
        said += 1;
        let known: Vec<&str> = ["evidence", "also_read"]
            .iter()
            .flat_map(|list| finding[*list].as_array().unwrap())
            .map(|piece| piece["id"].as_str().unwrap())
            .collect();
        for sentence in words.as_str().unwrap().split_inclusive("].") {
            let (_, ids) = sentence
                .strip_suffix("].")
                .unwrap()
                .rsplit_once('[')
                .unwrap();
            assert!(ids.split(", ").all(|id| known.contains(&id)), "{sentence}");
        }
    }
    assert!(said > 0);
    assert_eq!(commented, plain);
}
