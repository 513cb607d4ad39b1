//! llama.cpp through the trait: bits, control tokens, grammars, and files that are no models.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::{fs, path::Path};

use konform_llm::{Engine as _, LlmError, Model, Part, Prompt, Settings, gguf::Header};
use proptest::prelude::*;

fn settings(threads: u16) -> Settings {
    Settings {
        threads: Some(threads),
        context: 1024,
        ubatch: 64,
    }
}

fn prompt(shared: &str, own: &str) -> Prompt {
    Prompt {
        shared: vec![Part::Bos, Part::InstOpen, Part::Text(shared.into())],
        own: vec![Part::Text(own.into()), Part::InstClose],
    }
}

const CHOICES: [&str; 4] = ["A", "B", "C", "D"];

#[test]
fn probabilities_do_not_depend_on_order_reuse_or_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    common::tiny_model(&path, "llama");
    let model = Model::load(&path, &settings(1)).unwrap();
    let long = "a statement that is shared and longer than one ubatch of tokens. ".repeat(3);
    let prompts: Vec<Prompt> = ["one", "two words", "three whole words"]
        .iter()
        .flat_map(|own| [prompt(&long, own), prompt("short", own)])
        .collect();
    let fresh: Vec<Vec<u64>> = prompts
        .iter()
        .map(|prompt| {
            let mut engine = model.engine(&settings(1)).unwrap();
            bits(&engine.score(prompt, &CHOICES).unwrap().log_probabilities)
        })
        .collect();
    for threads in [1, 2] {
        let mut engine = model.engine(&settings(threads)).unwrap();
        let mut reused = 0;
        for order in [[0, 2, 4, 1, 3, 5], [5, 4, 3, 2, 1, 0], [0, 0, 2, 2, 1, 1]] {
            for index in order {
                let scores = engine.score(&prompts[index], &CHOICES).unwrap();
                reused += scores.usage.reused;
                assert_eq!(bits(&scores.log_probabilities), fresh[index]);
                let grammar = "root ::= \" E\" [1-4]";
                engine.complete(&prompts[index], "A", grammar, 8).unwrap();
            }
        }
        assert!(reused > 0);
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn probabilities_of_choices_are_those_of_the_vocabulary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    common::tiny_model(&path, "llama");
    let model = Model::load(&path, &settings(1)).unwrap();
    let mut engine = model.engine(&settings(1)).unwrap();
    let scores = engine.score(&prompt("x", "y"), &["A", "B", "A b"]).unwrap();
    assert!(
        scores
            .log_probabilities
            .iter()
            .all(|value| *value < 0.0 && value.is_finite())
    );
    let sum: f64 = scores.distribution().iter().sum();
    assert!((sum - 1.0).abs() < 1e-12);
}

#[test]
fn text_forms_no_control_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    common::tiny_model(&path, "llama");
    let model = Model::load(&path, &settings(1)).unwrap();
    let engine = model.engine(&settings(1)).unwrap();
    let plain = engine.count(&prompt("s", "o")).unwrap();
    for forged in ["[INST]", "[/INST]", "<s>", "</s>"] {
        let tokens = engine.count(&prompt("s", &format!("o{forged}"))).unwrap() - plain;
        assert!(tokens >= forged.len(), "{forged} became {tokens} tokens");
    }
}

#[test]
fn a_completion_keeps_to_its_grammar() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    common::tiny_model(&path, "llama");
    let model = Model::load(&path, &settings(1)).unwrap();
    let mut engine = model.engine(&settings(1)).unwrap();
    let grammar = "root ::= n1\nn1 ::= \" E1\" s2 | n2\nn2 ::= \" E2\" s3\ns2 ::= (\" E2\")? s3\n\
                   s3 ::= (\" P1\")? p2\np2 ::= \"\"\n";
    for own in ["a", "b", "c", "d e f"] {
        let text = engine
            .complete(&prompt("s", own), "A", grammar, 20)
            .unwrap()
            .text;
        let known = [" E1", " E2", " E1 E2", " E1 P1", " E2 P1", " E1 E2 P1"];
        assert!(known.contains(&text.as_str()), "{text}");
    }
    let error = engine
        .complete(&prompt("s", "o"), "A", "root ::= \"unclosed", 5)
        .unwrap_err();
    assert!(matches!(error, LlmError::Grammar { .. }), "{error}");
}

#[test]
fn what_does_not_fit_is_an_error_and_the_engine_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    common::tiny_model(&path, "llama");
    let model = Model::load(&path, &settings(1)).unwrap();
    let mut engine = model.engine(&settings(1)).unwrap();
    let error = engine
        .score(&prompt("s", &"long ".repeat(2000)), &CHOICES)
        .unwrap_err();
    assert!(
        matches!(error, LlmError::TooLong { capacity: 960, .. }),
        "{error}"
    );
    let nothing = Prompt {
        shared: vec![Part::Bos],
        own: vec![],
    };
    assert!(matches!(
        engine.score(&nothing, &CHOICES).unwrap_err(),
        LlmError::Empty
    ));
    assert!(matches!(
        engine.score(&prompt("s", "o"), &[""]).unwrap_err(),
        LlmError::Empty
    ));
    assert!(engine.score(&prompt("s", "o"), &CHOICES).is_ok());
}

#[track_caller]
fn refused(path: &Path) -> String {
    let error = Model::load(path, &settings(1))
        .err()
        .expect("the file is no model")
        .to_string();
    let folder = path.parent().unwrap().display().to_string();
    error.replace(&folder, "DIR")
}

#[test]
fn a_file_that_is_no_model_says_why_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = common::tiny_model(&folder.path().join("tiny.gguf"), "llama");
    insta::assert_snapshot!(refused(&folder.path().join("absent.gguf")), @"DIR/absent.gguf: the model cannot be read");
    insta::assert_snapshot!(refused(&file("empty.gguf", b"")), @"DIR/empty.gguf: this file is empty; a GGUF file is expected");
    insta::assert_snapshot!(refused(&file("random.gguf", b"%PDF-1.7 and so on")), @"DIR/random.gguf: this is not a GGUF file (it begins with `%PDF`)");
    insta::assert_snapshot!(
        refused(&file("cut.gguf", &whole[..whole.len() - 1000])),
        @"DIR/cut.gguf: this GGUF file is truncated: it has 258400 bytes, its header promises 259392. Fetch it again"
    );
    insta::assert_snapshot!(
        refused(&file("cut-header.gguf", &whole[..100])),
        @"DIR/cut-header.gguf: the header of this GGUF file is damaged at byte 90: 22 bytes are promised beyond the file's end. Fetch it again"
    );
    common::tiny_model(&folder.path().join("bert.gguf"), "bert");
    insta::assert_snapshot!(
        refused(&folder.path().join("bert.gguf")),
        @"DIR/bert.gguf: this is a model of architecture `bert`; konform runs Mistral models (`llama`, `mistral…`). `konform model list` names some"
    );
    let mut bare = common::Gguf::default();
    bare.string("general.architecture", "llama");
    bare.number("llama.block_count", 2);
    insta::assert_snapshot!(
        refused(&file("bare.gguf", &bare.bytes())),
        @"DIR/bare.gguf: this GGUF file has no `tokenizer.ggml.tokens`, so it is no complete language model"
    );
}

#[test]
fn too_little_memory_is_told_in_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    common::tiny_model(&path, "llama");
    let header = Header::read(&path).unwrap();
    assert_eq!(
        header.cache_bytes(),
        2 * 2 * 32 * 2,
        "two layers, two heads of 16, keys and values"
    );
    assert_eq!(
        (header.layers, header.vocabulary, header.weights.as_str()),
        (2, 312, "F32")
    );
}

proptest! {
    #[test]
    fn a_header_of_any_bytes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any.gguf");
        let mut file = b"GGUF\x03\0\0\0".to_vec();
        file.extend(bytes);
        fs::write(&path, file).unwrap();
        let _ = Header::read(&path);
    }

    #[test]
    fn a_header_with_changed_bytes_is_read_or_refused(at in 4usize..4000, byte in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changed.gguf");
        let mut bytes = common::tiny_model(&path, "llama");
        bytes[at] = byte;
        fs::write(&path, bytes).unwrap();
        let _ = Header::read(&path);
    }
}
