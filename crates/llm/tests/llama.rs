//! llama.cpp through the trait: bits, control tokens, grammars, and what does not fit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{path::Path, sync::OnceLock};

use konform_llm::{
    Block, Engine as _, LlamaCpp, LlmError, Mode, Model, Part, PrefixCache, Prompt, Scores,
    Settings,
};
use proptest::prelude::*;

const CHOICES: [&str; 4] = ["A", "B", "C", "D"];

fn settings(threads: u16) -> Settings {
    Settings {
        threads: Some(threads),
        context: 1024,
        ubatch: 64,
        ..Settings::default()
    }
}

fn prompt(shared: &str, own: &str) -> Prompt {
    Prompt::new([
        vec![Part::Bos, Part::InstOpen, Part::Text(shared.into())],
        vec![Part::Text(own.into()), Part::InstClose],
    ])
}

fn score(engine: &mut LlamaCpp<'_>, prompt: &Prompt, choices: &[&str]) -> Result<Scores, LlmError> {
    Ok(engine
        .score(std::slice::from_ref(prompt), choices)?
        .remove(0))
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
            let scores = score(&mut engine, prompt, &choices).unwrap();
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
        let mut reused = 0;
        let orders = [[0, 2, 4, 1, 3, 5], [0, 0, 2, 2, 1, 1], [5, 4, 3, 2, 1, 0]];
        // Threads wait for each other without sleeping, which takes long on a busy machine.
        let most = if threads == 1 { 3 } else { 1 };
        for order in orders.into_iter().take(most) {
            // Answers are remembered, so each order is asked afresh.
            let mut engine = engine(threads);
            for index in order {
                let scores = score(&mut engine, &prompts[index], &choices).unwrap();
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
        .count(&Prompt::new(one.blocks[..1].to_vec()))
        .unwrap();
    let usage = |usage: konform_llm::Usage| (usage.evaluated, usage.reused);
    let first = score(&mut engine, &one, &CHOICES).unwrap();
    assert_eq!(usage(first.usage), (tokens, 0));
    let again = score(&mut engine, &one, &CHOICES).unwrap();
    assert_eq!(usage(again.usage), (0, tokens));
    assert_eq!(
        bits(&again.log_probabilities),
        bits(&first.log_probabilities)
    );
    let other = score(&mut engine, &two, &CHOICES).unwrap();
    assert_eq!(usage(other.usage), (tokens - shared, shared));
}

/// Prompts as judging asks them: a few first blocks, under each of them evidence in several blocks.
fn tree() -> Vec<Prompt> {
    let mut prompts = Vec::new();
    for question in [
        "one question that many share",
        "another",
        "a third one, longer than both",
    ] {
        for evidence in ["first", "second piece", "third piece of it"] {
            let begin = vec![Part::Bos, Part::InstOpen, Part::Text(question.into())];
            let middle = vec![Part::Text(format!("[E1] {evidence} "))];
            for end in ["[E2] more", "[E2] less", "nothing else"] {
                let end = vec![Part::Text(end.into()), Part::InstClose];
                prompts.push(Prompt::new([begin.clone(), middle.clone(), end]));
            }
        }
    }
    prompts
}

fn all_bits(engine: &mut LlamaCpp<'_>, prompts: &[Prompt]) -> Vec<Vec<u64>> {
    let scores = engine.score(prompts, &CHOICES).unwrap();
    scores
        .iter()
        .map(|one| bits(&one.log_probabilities))
        .collect()
}

#[test]
fn each_block_of_a_tree_is_evaluated_once_and_the_bits_are_those_of_each_prompt_alone() {
    let prompts = tree();
    let alone: Vec<Vec<u64>> = prompts
        .iter()
        .map(|prompt| all_bits(&mut engine(1), std::slice::from_ref(prompt)).remove(0))
        .collect();
    let mut engine = engine(1);
    let scores = engine.score(&prompts, &CHOICES).unwrap();
    let got: Vec<Vec<u64>> = scores
        .iter()
        .map(|one| bits(&one.log_probabilities))
        .collect();
    assert_eq!(got, alone);
    let counter = model().engine(&settings(1)).unwrap();
    let count = |blocks: &[Block]| counter.count(&Prompt::new(blocks.to_vec())).unwrap();
    let mut distinct = std::collections::BTreeMap::new();
    for prompt in &prompts {
        for end in 1..=prompt.blocks.len() {
            let blocks = &prompt.blocks[..end];
            let own = count(blocks) - count(&blocks[..end - 1]);
            distinct.insert(serde_json::to_string(blocks).unwrap(), own);
        }
    }
    let evaluated: usize = scores.iter().map(|one| one.usage.evaluated).sum();
    assert_eq!(evaluated, distinct.values().sum::<usize>());
    // Asked again: remembered.
    let again = engine.score(&prompts, &CHOICES).unwrap();
    assert!(again.iter().all(|one| one.usage.evaluated == 0));
    // Back and forth between first blocks, afresh: their states are restored, with the same bits.
    let mut apart: Vec<usize> = (0..prompts.len()).collect();
    apart.sort_by_key(|at| at % 9);
    let order: Vec<Prompt> = apart.iter().map(|&at| prompts[at].clone()).collect();
    let scores = model()
        .engine(&settings(1))
        .unwrap()
        .score(&order, &CHOICES)
        .unwrap();
    for (at, one) in apart.iter().zip(&scores) {
        assert_eq!(bits(&one.log_probabilities), alone[*at]);
    }
    for (one, &at) in scores.iter().zip(&apart).skip(3) {
        assert!(one.usage.reused >= count(&prompts[at].blocks[..1]));
    }
}

#[test]
fn a_piece_of_another_prompts_block_is_taken_from_it_with_the_same_bits() {
    let text = |words: &str| Part::Text(words.to_owned());
    let lines = [
        "one line",
        "another line of it",
        "a third, the longest line of them all",
    ];
    let question = |own: Vec<Block>| {
        let task = vec![Part::Bos, Part::InstOpen, text("a task")];
        let mut blocks: Vec<Block> = vec![task.into(), vec![text("a statement")].into()];
        blocks.extend(own);
        Prompt { blocks, shared: 2 }
    };
    let mut all: Vec<Part> = lines.iter().map(|line| text(line)).collect();
    all.push(Part::InstClose);
    let mut prompts = vec![question(vec![all.clone().into()])];
    for kept in [2, 1] {
        let piece = Block {
            parts: all[..kept].to_vec(),
            behind: all[kept..].to_vec(),
        };
        let rest = vec![text("the rest"), Part::InstClose];
        prompts.push(question(vec![piece, rest.into()]));
    }
    let alone: Vec<Vec<u64>> = prompts
        .iter()
        .map(|prompt| all_bits(&mut engine(1), std::slice::from_ref(prompt)).remove(0))
        .collect();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let asked: Vec<Prompt> = order.iter().map(|&at| prompts[at].clone()).collect();
        let got = all_bits(&mut engine(2), &asked);
        for (&at, got) in order.iter().zip(&got) {
            assert_eq!(got, &alone[at], "{order:?} {at}");
        }
    }
    // Behind the whole one, only what is their own is evaluated.
    let mut engine = engine(1);
    let scores = engine.score(&prompts, &CHOICES).unwrap();
    let rest = engine.count(&Prompt::new([vec![text("the rest"), Part::InstClose]]));
    for one in &scores[1..] {
        assert_eq!(one.usage.evaluated, *rest.as_ref().unwrap());
    }
    assert_ne!(alone[1], alone[2]);
}

#[test]
fn first_blocks_are_kept_on_disk_with_their_bits_and_within_their_bound() {
    let folder = tempfile::tempdir().unwrap();
    let cached = |bytes| Settings {
        prefix_cache: Some(PrefixCache {
            folder: folder.path().join("cache"),
            bytes,
        }),
        ..settings(1)
    };
    let prompts = tree();
    let expected = all_bits(&mut engine(1), &prompts);
    let files = || -> Vec<std::path::PathBuf> {
        let all = std::fs::read_dir(folder.path().join("cache")).unwrap();
        let all = all.map(|entry| entry.unwrap().path());
        all.filter(|path| path.extension().unwrap() == "state")
            .collect()
    };
    let mut first = model().engine(&cached(1 << 30)).unwrap();
    assert_eq!(all_bits(&mut first, &prompts), expected);
    assert_eq!(files().len(), 3);
    // Another run finds them all.
    let mut second = model().engine(&cached(1 << 30)).unwrap();
    let scores = second.score(&prompts, &CHOICES).unwrap();
    for (one, (expected, prompt)) in scores.iter().zip(expected.iter().zip(&prompts)) {
        assert_eq!(&bits(&one.log_probabilities), expected);
        assert!(
            one.usage.reused
                >= second
                    .count(&Prompt::new(prompt.blocks[..1].to_vec()))
                    .unwrap()
        );
    }
    // A damaged file is not used.
    for file in files() {
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).unwrap();
    }
    let mut third = model().engine(&cached(1 << 30)).unwrap();
    let scores = third.score(&prompts, &CHOICES).unwrap();
    assert_eq!(scores[0].usage.reused, 0);
    let got: Vec<Vec<u64>> = scores
        .iter()
        .map(|one| bits(&one.log_probabilities))
        .collect();
    assert_eq!(got, expected);
    // No more is kept than may be; what was just written stays.
    let mut fourth = model().engine(&cached(1)).unwrap();
    let other = prompt("a question never asked before", "own");
    all_bits(&mut fourth, &[other]);
    assert_eq!(files().len(), 1);
}

#[test]
fn several_prompts_at_a_time_give_nearly_the_same() {
    let fast = Settings {
        mode: Mode::Throughput,
        ..settings(1)
    };
    let mut prompts = tree();
    // One that shares nothing, one that fills a batch of its own.
    prompts.insert(4, prompt("alone", "x"));
    prompts.insert(9, prompt("long", &"word ".repeat(100)));
    let exact = engine(1).score(&prompts, &CHOICES).unwrap();
    let mut together = model().engine(&fast).unwrap();
    assert_eq!(together.identity().mode, Mode::Throughput);
    for _ in 0..2 {
        let scores = together.score(&prompts, &CHOICES).unwrap();
        assert_eq!(scores.len(), exact.len());
        for (one, exact) in scores.iter().zip(&exact) {
            let pairs = one.log_probabilities.iter().zip(&exact.log_probabilities);
            for (one, exact) in pairs {
                assert!((one - exact).abs() < 0.05, "{one} {exact}");
            }
        }
    }
    // Choices of several tokens, and an answer behind a batch.
    let long = ["A", "not at all"];
    let scores = together.score(&prompts[..2], &long).unwrap();
    let exact = engine(1).score(&prompts[..2], &long).unwrap();
    for (one, exact) in scores.iter().zip(&exact) {
        assert!((one.log_probabilities[1] - exact.log_probabilities[1]).abs() < 0.05);
    }
    together
        .complete(&prompts[0], "A", "root ::= [a-z]*", 9)
        .unwrap();
}

#[test]
fn engines_of_one_model_can_be_made_and_run_in_parallel() {
    let question = prompt("shared", "own");
    let expected = bits(
        &score(&mut engine(1), &question, &CHOICES)
            .unwrap()
            .log_probabilities,
    );
    std::thread::scope(|scope| {
        let ask = || {
            bits(
                &score(&mut engine(1), &question, &CHOICES)
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
    let whole = score(&mut engine, &question, &["A b"])
        .unwrap()
        .log_probabilities[0];
    let first = score(&mut engine, &question, &["A"])
        .unwrap()
        .log_probabilities[0];
    question.blocks[1].parts.push(Part::Text("A".into()));
    let rest = score(&mut engine, &question, &["b"])
        .unwrap()
        .log_probabilities[0];
    // `▁A`, then `▁` and `b`.
    assert!(
        (whole - (first + 2.0 * rest) / 3.0).abs() < 1e-4,
        "{whole} {first} {rest}"
    );
}

#[test]
fn probabilities_are_over_the_whole_vocabulary() {
    let scores = score(&mut engine(1), &prompt("x", "y"), &CHOICES).unwrap();
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
    let bare = Prompt::new([vec![Part::Bos], vec![Part::InstOpen, Part::InstClose]]);
    let as_text = Prompt::new([
        vec![Part::Bos],
        vec![Part::Text("[INST]".into()), Part::Text("[/INST]".into())],
    ]);
    assert_eq!(
        engine.count(&bare).unwrap(),
        engine.count(&as_text).unwrap()
    );
    assert_eq!(
        bits(
            &score(&mut engine, &bare, &CHOICES)
                .unwrap()
                .log_probabilities
        ),
        bits(
            &score(&mut engine, &as_text, &CHOICES)
                .unwrap()
                .log_probabilities
        )
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
    let error = score(&mut engine, &prompt("s", &"long ".repeat(2000)), &CHOICES).unwrap_err();
    insta::assert_snapshot!(error, @"10006 tokens are too many where 864 fit. Shorten the text, or take a larger context");
    let nothing = Prompt::new([vec![], vec![]]);
    let empty = |error: LlmError| matches!(error, LlmError::Empty);
    assert!(empty(score(&mut engine, &nothing, &CHOICES).unwrap_err()));
    assert!(empty(
        score(&mut engine, &prompt("s", "o"), &[""]).unwrap_err()
    ));
    let long = "long ".repeat(200);
    for error in [
        score(&mut engine, &prompt("s", "o"), &[long.as_str()]).unwrap_err(),
        engine
            .complete(&prompt("s", "o"), &long, "root ::= \"a\"", 5)
            .unwrap_err(),
    ] {
        assert!(
            matches!(error, LlmError::TooLong { capacity: 160, .. }),
            "{error}"
        );
    }
    // The longest prompt that is promised to fit does, with an answer behind it.
    let capacity = engine.capacity();
    let mut full = prompt("s", "o");
    let missing = capacity - engine.count(&full).unwrap();
    full.blocks[1].parts.extend(vec![Part::InstClose; missing]);
    assert_eq!(engine.count(&full).unwrap(), capacity);
    score(&mut engine, &full, &CHOICES).unwrap();
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
      "mode": "replayable",
      "calls": 3,
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

fn block() -> impl Strategy<Value = Block> {
    let parts = || prop::collection::vec(part(), 0..3);
    (parts(), prop_oneof![Just(vec![]), parts()])
        .prop_map(|(parts, behind)| Block { parts, behind })
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
        blocks in prop::collection::vec(block(), 0..4),
        shared in 0..5usize,
        choices in prop::collection::vec(any::<String>(), 0..3),
        chosen in any::<String>(),
        grammar in grammar(),
        mode in prop_oneof![Just(Mode::Replayable), Just(Mode::Throughput)],
        tokens in prop_oneof![0..100usize, Just(usize::MAX)],
    ) {
        let question = Prompt { blocks, shared };
        let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
        let mut engine = model().engine(&Settings { mode, ..settings(1) }).unwrap();
        let count = engine.count(&question).unwrap();
        // Several at a time: the question with one block more, with one less, and again.
        let mut others = vec![question.clone(); 3];
        others[1].blocks.push(vec![Part::Text("more".into())].into());
        others[2].blocks.pop();
        let _ = engine.score(&others, &choices);
        let first = score(&mut engine, &question, &choices);
        let text = engine.complete(&question, &chosen, &grammar, tokens);
        // Another engine, which was asked nothing else.
        let mut fresh = model().engine(&Settings { mode, ..settings(1) }).unwrap();
        let again = score(&mut fresh, &question, &choices);
        match (first, again) {
            (Ok(first), Ok(again)) => {
                prop_assert!(count <= engine.capacity());
                prop_assert!(first.log_probabilities.iter().all(|value| *value < 0.0));
                prop_assert_eq!(bits(&first.log_probabilities), bits(&again.log_probabilities));
            }
            (first, again) => prop_assert_eq!(first.is_err(), again.is_err()),
        }
        if let Ok(text) = text {
            prop_assert!(text.usage.evaluated <= count + 160);
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
