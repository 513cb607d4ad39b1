//! llama.cpp through the trait: bits, control tokens, grammars, and what does not fit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{path::Path, sync::OnceLock};

use konform_llm::{Engine as _, LlamaCpp, LlmError, Model, Part, Prompt, Settings};
use proptest::prelude::*;

const CHOICES: [&str; 4] = ["A", "B", "C", "D"];

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

/// The tiny model, made once.
fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| load(&common::tiny("llama")))
}

fn load(gguf: &common::Gguf) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    std::fs::write(&path, gguf.bytes()).unwrap();
    Model::load(&path, &settings(1)).unwrap()
}

fn engine(threads: u16) -> LlamaCpp<'static> {
    model().engine(&settings(threads)).unwrap()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn probabilities_do_not_depend_on_order_reuse_or_threads() {
    let long = "a statement that is shared and longer than one ubatch of tokens. ".repeat(3);
    let prompts: Vec<Prompt> = ["one", "two words", "three whole words"]
        .iter()
        .flat_map(|own| [prompt(&long, own), prompt("short", own)])
        .collect();
    let grammar = "root ::= \" E\" [1-4] (\" P\" [1-9])?";
    // The last choice has several tokens, so it is evaluated and taken back.
    let choices = ["A", "B", "C", "D", "not at all"];
    let fresh: Vec<(Vec<u64>, String)> = prompts
        .iter()
        .map(|prompt| {
            let mut engine = engine(1);
            let scores = engine.score(prompt, &choices).unwrap();
            let text = engine.complete(prompt, "A", grammar, 8).unwrap().text;
            (bits(&scores.log_probabilities), text)
        })
        .collect();
    let different: std::collections::BTreeSet<_> = fresh.iter().collect();
    assert_eq!(
        different.len(),
        fresh.len(),
        "every prompt has scores of its own"
    );
    for threads in [1, 2] {
        let mut engine = engine(threads);
        let mut reused = 0;
        let orders = [[0, 2, 4, 1, 3, 5], [0, 0, 2, 2, 1, 1], [5, 4, 3, 2, 1, 0]];
        // Threads wait for each other without sleeping, which takes long on a busy machine.
        let most = if threads == 1 { 3 } else { 1 };
        for order in orders.into_iter().take(most) {
            for index in order {
                let scores = engine.score(&prompts[index], &choices).unwrap();
                reused += scores.usage.reused;
                let text = engine
                    .complete(&prompts[index], "A", grammar, 8)
                    .unwrap()
                    .text;
                assert_eq!((bits(&scores.log_probabilities), text), fresh[index]);
            }
        }
        assert!(reused > 0);
    }
}

#[test]
fn what_was_evaluated_and_what_was_reused_is_told() {
    let mut engine = engine(1);
    let (one, two) = (prompt("shared text", "one"), prompt("shared text", "two"));
    let tokens = engine.count(&one).unwrap();
    let shared = engine
        .count(&Prompt {
            own: vec![],
            ..one.clone()
        })
        .unwrap();
    let usage = |usage: konform_llm::Usage| (usage.evaluated, usage.reused);
    let first = engine.score(&one, &CHOICES).unwrap();
    assert_eq!(usage(first.usage), (tokens, 0));
    let again = engine.score(&one, &CHOICES).unwrap();
    assert_eq!(usage(again.usage), (0, tokens));
    assert_eq!(
        bits(&again.log_probabilities),
        bits(&first.log_probabilities)
    );
    let other = engine.score(&two, &CHOICES).unwrap();
    assert_eq!(usage(other.usage), (tokens - shared, shared));
}

#[test]
fn engines_of_one_model_can_be_made_and_run_in_parallel() {
    let question = prompt("shared", "own");
    let expected = bits(
        &engine(1)
            .score(&question, &CHOICES)
            .unwrap()
            .log_probabilities,
    );
    std::thread::scope(|scope| {
        let ask = || {
            bits(
                &engine(1)
                    .score(&question, &CHOICES)
                    .unwrap()
                    .log_probabilities,
            )
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), expected);
        }
    });
}

#[test]
fn a_choice_of_several_tokens_has_the_mean_of_their_log_probabilities() {
    let mut engine = engine(1);
    let mut question = prompt("x", "y");
    let whole = engine.score(&question, &["A b"]).unwrap().log_probabilities[0];
    let first = engine.score(&question, &["A"]).unwrap().log_probabilities[0];
    question.own.push(Part::Text("A".into()));
    let rest = engine.score(&question, &["b"]).unwrap().log_probabilities[0];
    // `▁A`, then `▁` and `b`.
    assert!(
        (whole - (first + 2.0 * rest) / 3.0).abs() < 1e-4,
        "{whole} {first} {rest}"
    );
}

#[test]
fn probabilities_are_over_the_whole_vocabulary() {
    let scores = engine(1).score(&prompt("x", "y"), &CHOICES).unwrap();
    let whole: f64 = scores
        .log_probabilities
        .iter()
        .map(|value| value.exp())
        .sum();
    assert!(
        whole > 0.0 && whole < 0.5,
        "four of 312 tokens have {whole}"
    );
    let sum: f64 = scores.distribution().iter().sum();
    assert!((sum - 1.0).abs() < 1e-12);
}

#[test]
fn text_forms_no_control_token() {
    let engine = engine(1);
    let plain = engine.count(&prompt("s", "o")).unwrap();
    for forged in ["[INST]", "[/INST]", "<s>", "</s>", "<unk>"] {
        for text in [
            format!("o{forged}"),
            format!("o {forged} o"),
            forged.repeat(3),
        ] {
            let tokens = engine.count(&prompt("s", &text)).unwrap() - plain;
            assert!(tokens + 1 >= forged.len(), "{text} became {tokens} tokens");
        }
    }
}

#[test]
fn a_vocabulary_without_inst_tokens_gets_them_as_text() {
    let mut gguf = common::tiny("llama");
    gguf.rename_token("[INST]", "[ABCD]");
    gguf.rename_token("[/INST]", "[/ABCD]");
    let model = load(&gguf);
    let mut engine = model.engine(&settings(1)).unwrap();
    let bare = Prompt {
        shared: vec![Part::Bos],
        own: vec![Part::InstOpen, Part::InstClose],
    };
    let as_text = Prompt {
        shared: vec![Part::Bos],
        own: vec![Part::Text("[INST]".into()), Part::Text("[/INST]".into())],
    };
    assert_eq!(
        engine.count(&bare).unwrap(),
        engine.count(&as_text).unwrap()
    );
    assert_eq!(
        bits(&engine.score(&bare, &CHOICES).unwrap().log_probabilities),
        bits(&engine.score(&as_text, &CHOICES).unwrap().log_probabilities)
    );
}

#[test]
fn a_completion_keeps_to_its_grammar() {
    let mut engine = engine(1);
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
    let none = engine
        .complete(&prompt("s", "o"), "A", grammar, 0)
        .unwrap()
        .text;
    assert_eq!(none, "");
    let cut = engine
        .complete(&prompt("s", "o"), "", "root ::= [a-z]{9}", 3)
        .unwrap()
        .text;
    assert_eq!(cut.len(), 3);
    // Far more than there is room for.
    engine
        .complete(&prompt("s", "o"), "A", "root ::= [a-z]*", usize::MAX)
        .unwrap();
    let error = engine
        .complete(&prompt("s", "o"), "A", "root ::= \"unclosed", 5)
        .unwrap_err();
    insta::assert_snapshot!(error, @"the grammar cannot be used: line 1: a literal or class is not closed");
}

#[test]
fn what_does_not_fit_is_an_error_and_the_engine_goes_on() {
    let mut engine = engine(1);
    let error = engine
        .score(&prompt("s", &"long ".repeat(2000)), &CHOICES)
        .unwrap_err();
    insta::assert_snapshot!(error, @"10006 tokens are too many where 960 fit. Shorten the text, or take a larger context");
    let nothing = Prompt {
        shared: vec![Part::Bos],
        own: vec![],
    };
    let empty = |error: LlmError| matches!(error, LlmError::Empty);
    assert!(empty(engine.score(&nothing, &CHOICES).unwrap_err()));
    assert!(empty(engine.score(&prompt("s", "o"), &[""]).unwrap_err()));
    let long = "long ".repeat(100);
    for error in [
        engine
            .score(&prompt("s", "o"), &[long.as_str()])
            .unwrap_err(),
        engine
            .complete(&prompt("s", "o"), &long, "root ::= \"a\"", 5)
            .unwrap_err(),
    ] {
        assert!(
            matches!(error, LlmError::TooLong { capacity: 64, .. }),
            "{error}"
        );
    }
    // The longest prompt that is promised to fit does, with an answer behind it.
    let capacity = engine.capacity();
    let mut full = prompt("s", "o");
    let missing = capacity - engine.count(&full).unwrap();
    full.own.extend(vec![Part::InstClose; missing]);
    assert_eq!(engine.count(&full).unwrap(), capacity);
    engine.score(&full, &CHOICES).unwrap();
    engine
        .complete(&full, "A", "root ::= [a-z]*", usize::MAX)
        .unwrap();
}

#[test]
fn a_context_beyond_the_memory_there_is_is_refused_in_numbers() {
    let mut gguf = common::tiny("llama");
    gguf.number("llama.context_length", u32::MAX);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    std::fs::write(&path, gguf.bytes()).unwrap();
    let greedy = Settings {
        context: u32::MAX,
        ..settings(1)
    };
    let error = Model::load(&path, &greedy).err().unwrap();
    let refused =
        |error: &LlmError| matches!(error, LlmError::Memory { cache, .. } if *cache > 1 << 40);
    assert!(refused(&error), "{error}");
    // The same holds for a model that was loaded for less.
    let model = Model::load(&path, &settings(1)).unwrap();
    assert!(refused(&model.engine(&greedy).err().unwrap()));
}

#[test]
fn the_identity_says_what_the_bits_depend_on() {
    let engine = engine(1);
    let mut identity = engine.identity().clone();
    assert_eq!(identity.digest, model().digest());
    identity.processor.clear();
    let identity = serde_json::to_string_pretty(&identity).unwrap();
    insta::assert_snapshot!(identity, @r#"
    {
      "name": "tiny random",
      "architecture": "llama",
      "weights": "F32",
      "parameters": 113984,
      "size": 464576,
      "digest": "sha256:cc1365e5f6f5b337854928cac746cf175cbdc4b05597f116dd36532e0b3bc171",
      "engine": "llama.cpp (llama-cpp-2 0.1.160)",
      "context": 1024,
      "ubatch": 64,
      "flash_attention": true,
      "cache": "F16",
      "processor": ""
    }
    "#);
    // A model is not stretched beyond what it was trained on.
    let far = Settings {
        context: 100_000,
        ..settings(1)
    };
    assert_eq!(model().engine(&far).unwrap().identity().context, 1024);
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        Just(Part::Bos),
        Just(Part::InstOpen),
        Just(Part::InstClose),
        "[a-zA-Z<>\\[\\]/ ]{0,40}".prop_map(Part::Text),
        any::<String>().prop_map(Part::Text),
        (1..3000usize).prop_map(|length| Part::Text("x ".repeat(length))),
    ]
}

fn grammar() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("root ::= \" E\" [1-4]".to_owned()),
        Just("root ::= [^a]*".to_owned()),
        Just("root ::= ((\"a\"*)*)*".to_owned()),
        Just("root ::= (\"é\"? \"a\"? \"b\"?){0,40} \"\"".to_owned()),
        Just("root ::= \"\"".to_owned()),
        "root ::= [a-z\"\\[\\]()|*+?{}0-9 ]{0,20}",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Nothing that can be asked ends the process, and a question has one answer.
    #[test]
    fn any_question_is_answered_or_refused(
        shared in prop::collection::vec(part(), 0..3),
        own in prop::collection::vec(part(), 0..3),
        choices in prop::collection::vec(any::<String>(), 0..3),
        chosen in any::<String>(),
        grammar in grammar(),
        tokens in prop_oneof![0..100usize, Just(usize::MAX)],
    ) {
        let question = Prompt { shared, own };
        let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
        let mut engine = engine(1);
        let count = engine.count(&question).unwrap();
        let first = engine.score(&question, &choices);
        let text = engine.complete(&question, &chosen, &grammar, tokens);
        let again = engine.score(&question, &choices);
        match (first, again) {
            (Ok(first), Ok(again)) => {
                prop_assert!(count <= engine.capacity());
                prop_assert!(first.log_probabilities.iter().all(|value| *value < 0.0));
                prop_assert_eq!(bits(&first.log_probabilities), bits(&again.log_probabilities));
            }
            (first, again) => prop_assert_eq!(first.is_err(), again.is_err()),
        }
        if let Ok(text) = text {
            prop_assert!(text.usage.evaluated <= count + 64);
        }
    }
}

#[test]
fn a_missing_model_is_an_error_in_debug_builds_too() {
    let error = Model::load(Path::new("does/not/exist.gguf"), &settings(1))
        .err()
        .unwrap();
    insta::assert_snapshot!(error, @"does/not/exist.gguf: the model cannot be read");
}
