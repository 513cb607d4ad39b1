//! The processor backends of one build: which one is used, and how far they agree.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    path::Path,
    process::{Command, Output},
};

use konform_llm::{Engine as _, Model, Part, Prompt, Settings, use_processor};

const VARIABLE: &str = "KONFORM_ASKED";
const BUILTIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/builtin.gguf");
const STATEMENTS: [&str; 4] = [
    "The processor acts on documented instructions.",
    "The receiving party keeps the information confidential.",
    "The contract ends after thirty days.",
    "Das Personal ist zur Vertraulichkeit verpflichtet.",
];
const EVIDENCE: &str = "[E1] (2. Orders) The Provider processes personal data only on documented \
    instructions of the Customer.\n[E2] (9. Term) Either party may terminate this agreement with \
    ninety days' notice.\n";
/// The backends round at other places. What was seen is in docs/processors.md.
const TOLERANCE: f64 = 0.1;

/// Prints the processor's features and the bits of scores; run by the tests below in a process of
/// its own, as a process has one backend.
#[test]
#[ignore = "run by the tests below"]
fn print_scores() {
    let asked = std::env::var_os(VARIABLE).unwrap_or_default();
    if let Some(name) = asked.to_str().filter(|name| !name.is_empty())
        && let Err(error) = use_processor(name)
    {
        return eprintln!("error: {error}");
    }
    let settings = Settings {
        threads: Some(1),
        ..Settings::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let tiny = folder.path().join("tiny.gguf");
    common::tiny_model(&tiny, "llama");
    for path in [Path::new(BUILTIN), &tiny] {
        let model = Model::load(path, &settings).unwrap();
        let mut engine = model.engine(&settings).unwrap();
        eprintln!("processor: {}", engine.identity().processor);
        for statement in STATEMENTS {
            let scores = engine.score(&[prompt(statement)], &["A", "B", "C", "D"]);
            for score in scores.unwrap().remove(0).log_probabilities {
                eprintln!("score: {}", score.to_bits());
            }
        }
    }
}

fn prompt(statement: &str) -> Prompt {
    let shared = format!(
        "You check one statement against a document. Judge from the evidence alone. Is the \
         statement true of the document? A = yes, B = no, the contrary, C = not addressed, D = not \
         applicable\n\nStatement (must): {statement}\n\nEvidence:\n"
    );
    Prompt::new([
        vec![Part::Bos, Part::InstOpen, Part::Text(shared)],
        vec![Part::Text(EVIDENCE.into()), Part::InstClose],
    ])
}

fn run(variant: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "print_scores", "--ignored", "--nocapture"])
        .env(VARIABLE, variant)
        .output()
        .unwrap()
}

/// What follows a word on the lines that begin with it.
fn lines(output: &Output, word: &str) -> Vec<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines = said.lines().filter_map(|line| line.strip_prefix(word));
    lines.map(|line| line.trim().to_owned()).collect()
}

fn scores(output: &Output) -> Vec<f64> {
    let bits = lines(output, "score:");
    let scores = bits
        .iter()
        .map(|bits| f64::from_bits(bits.parse().unwrap()));
    scores.collect()
}

/// The place of the greatest of each four.
fn letters(scores: &[f64]) -> Vec<usize> {
    let place = |four: &[f64]| (0..four.len()).max_by(|&a, &b| four[a].total_cmp(&four[b]));
    scores.chunks(4).map(|four| place(four).unwrap()).collect()
}

#[test]
fn variants_answer_alike_and_each_repeats_its_bits() {
    let mut runs: Vec<(&str, Vec<f64>)> = Vec::new();
    for (name, has, lacks) in [
        ("avx2", " AVX2 ", " AVX512 "),
        ("avx512", " AVX512_VNNI ", " AMX_INT8 "),
        ("amx", " AMX_INT8 ", " NEON "),
    ] {
        let output = run(name);
        assert!(output.status.success(), "{name}: {output:#?}");
        if let [error] = &lines(&output, "error:")[..] {
            assert!(error.contains("does not have"), "{error}");
            eprintln!("not compared: {error}");
            continue;
        }
        for features in lines(&output, "processor:") {
            assert!(features.contains(has), "{name}: {features}");
            assert!(!features.contains(lacks), "{name}: {features}");
        }
        let first = scores(&output);
        assert_eq!(first.len(), 2 * 4 * STATEMENTS.len());
        assert_eq!(
            lines(&output, "score:"),
            lines(&run(name), "score:"),
            "{name}"
        );
        runs.push((name, first));
    }
    for pair in runs.windows(2) {
        let [(less, a), (more, b)] = pair else {
            continue;
        };
        let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0, f64::max);
        eprintln!("{less} and {more} differ by {largest:.2e} at most");
        assert!(largest < TOLERANCE, "{less} and {more}: {largest}");
        let builtin = 4 * STATEMENTS.len();
        assert_eq!(
            letters(&a[..builtin]),
            letters(&b[..builtin]),
            "{less}, {more}"
        );
    }
    if let Some((best, last)) = runs.last() {
        assert_eq!(
            &scores(&run("")),
            last,
            "without a name the best is used: {best}"
        );
    }
}

#[test]
fn a_processor_that_there_is_not_is_told() {
    let error = use_processor("avx1024").unwrap_err();
    assert_eq!(
        error.to_string(),
        "llama.cpp failed to choose a processor backend: \"avx1024\" is none of avx2, avx512, amx"
    );
}
