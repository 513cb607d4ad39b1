//! Files that are no models, and headers that lie.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use konform_llm::{
    Engine as _, Model, Part, Prompt, Settings,
    gguf::{Header, digest_file},
};
use konform_terms::Digest;
use proptest::prelude::*;

fn settings() -> Settings {
    Settings {
        threads: Some(1),
        context: 512,
        ubatch: 64,
        ..Settings::default()
    }
}

#[track_caller]
fn refused(path: &Path) -> String {
    let error = Model::load(path, &settings())
        .err()
        .expect("the file is no model")
        .to_string();
    let folder = path.parent().unwrap().display().to_string();
    error.replace(&folder, "DIR")
}

#[test]
fn a_header_says_what_a_model_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    let bytes = common::tiny_model(&path, "llama");
    let mut header = Header::read(&path).unwrap();
    assert_eq!(header.size, bytes.len() as u64);
    assert_eq!(header.metadata["general.name"], "tiny random");
    assert_eq!(
        header.cache_bytes(),
        2 * 2 * 32 * 2,
        "two layers, two heads of 16, keys and values"
    );
    header.metadata.clear();
    insta::assert_snapshot!(serde_json::to_string_pretty(&header).unwrap(), @r#"
    {
      "version": 3,
      "name": "tiny random",
      "architecture": "llama",
      "weights": "F32",
      "file_type": null,
      "parameters": 113984,
      "tensors": 21,
      "context": 1024,
      "layers": 2,
      "width": 64,
      "heads": 4,
      "kv_heads": 2,
      "head_width": 16,
      "feed_forward": 128,
      "vocabulary": 312,
      "tokenizer": "llama",
      "size": 464576,
      "expected_size": 464576,
      "metadata": {}
    }
    "#);
    assert_eq!(digest_file(&path).unwrap(), Digest::of(&bytes));
}

#[test]
fn a_head_can_be_wider_or_narrower_than_its_share() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nemo.gguf");
    let mut gguf = common::tiny("llama");
    for key in [
        "attention.key_length",
        "attention.value_length",
        "rope.dimension_count",
    ] {
        gguf.number(&format!("llama.{key}"), 8);
    }
    for layer in 0..2 {
        for (name, extents) in [
            ("q", [64, 32]),
            ("k", [64, 16]),
            ("v", [64, 16]),
            ("output", [32, 64]),
        ] {
            gguf.resize(&format!("blk.{layer}.attn_{name}.weight"), &extents);
        }
    }
    fs::write(&path, gguf.bytes()).unwrap();
    let model = Model::load(&path, &settings()).unwrap();
    assert_eq!(model.header().cache_bytes(), 2 * 2 * 16 * 2);
    use_it(&model);
}

#[test]
fn a_file_that_is_no_model_says_why_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = common::tiny("llama").bytes();
    let mut big_endian = whole.clone();
    big_endian[4..8].reverse();
    fs::create_dir(folder.path().join("folder.gguf")).unwrap();
    let mut bare = common::Gguf::default();
    bare.string("general.architecture", "llama");
    bare.number("llama.block_count", 2);
    let said = [
        refused(&folder.path().join("absent.gguf")),
        refused(&folder.path().join("folder.gguf")),
        refused(&file("empty.gguf", b"")),
        refused(&file("short.gguf", b"GG")),
        refused(&file(
            "random.gguf",
            b"%PDF-1.7 and so on, for some more bytes",
        )),
        refused(&file("magic.gguf", b"GGUF\x03\0\0\0")),
        refused(&file("endian.gguf", &big_endian)),
        refused(&file("cut.gguf", &whole[..whole.len() - 1000])),
        refused(&file("cut-header.gguf", &whole[..100])),
        refused(&file("bert.gguf", &common::tiny("bert").bytes())),
        refused(&file("bare.gguf", &bare.bytes())),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    DIR/absent.gguf: the model cannot be read
    DIR/folder.gguf: this is a folder; a GGUF file is expected
    DIR/empty.gguf: this file is empty; a GGUF file is expected
    DIR/short.gguf: this is not a GGUF file (it begins with `GG`)
    DIR/random.gguf: this is not a GGUF file (it begins with `%PDF`)
    DIR/magic.gguf: the header of this GGUF file is damaged at byte 0: the file ends here. Download it again
    DIR/endian.gguf: the header of this GGUF file is damaged at byte 8: it was written for big-endian machines; a little-endian conversion is needed. Download it again
    DIR/cut.gguf: this GGUF file is truncated: it has 463.5 kB, its header promises 464.5 kB. Download it again
    DIR/cut-header.gguf: the header of this GGUF file is damaged at byte 93: 8 bytes are promised beyond the file's end. Download it again
    DIR/bert.gguf: this is a model of architecture `bert`; konform runs Mistral models (`llama`, `mistral…`). `konform model list` names some
    DIR/bare.gguf: this GGUF file has no `token_embd.weight`, so it is no complete language model. Take another conversion of it
    "#);
}

#[test]
fn a_header_that_llama_cpp_would_break_down_over_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let said = |change: &dyn Fn(&mut common::Gguf)| {
        let mut gguf = common::tiny("llama");
        change(&mut gguf);
        let path = folder.path().join("changed.gguf");
        fs::write(&path, gguf.bytes()).unwrap();
        refused(&path)
    };
    let number = |key: &'static str, value: u32| said(&|gguf| gguf.number(key, value));
    let text = |key: &'static str, value: &'static str| said(&|gguf| gguf.string(key, value));
    let all = [
        number("llama.block_count", 0),
        number("llama.block_count", 513),
        number("llama.block_count", 1),
        number("llama.block_count", 3),
        number("llama.attention.head_count", 0),
        number("llama.attention.head_count_kv", 3),
        number("llama.attention.key_length", 20),
        number("llama.embedding_length", 65),
        number("llama.expert_count", 8),
        number("split.count", 2),
        text("llama.rope.scaling.type", "magic"),
        text("tokenizer.ggml.model", "none"),
        said(&|gguf| gguf.remove("tokenizer.ggml.tokens")),
        said(&|gguf| gguf.remove("tokenizer.ggml.scores")),
        said(&|gguf| gguf.rename_token("<0x41>", "<0x42>")),
        said(&|gguf| gguf.rename_token("<0x41>", "<0xZZ>")),
        said(&|gguf| gguf.rename_token("[/INST]", "[/INST\0")),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    DIR/changed.gguf: this GGUF file has no `llama.block_count`, so it is no complete language model. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: it has 513 layers. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: tensor `blk.1.attn_norm.weight` belongs to a layer beyond the 1 it has. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: tensor `blk.2.attn_norm.weight` is missing. Take another conversion of it
    DIR/changed.gguf: this GGUF file has no `llama.attention.head_count`, so it is no complete language model. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: 3 heads of keys serve 4 heads. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: its heads are 20 wide for keys, 16 for values, 16 for positions. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: tensor `token_embd.weight` is 64 × 312, where 65 × 312 is expected. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: it uses 0 of 8 experts. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: it is one part of several; join them with `llama-gguf-split --merge`. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: its positions are scaled in the way `magic`. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: its tokenizer is of kind `none`, where Mistral's are `llama` and `gpt2`. Take another conversion of it
    DIR/changed.gguf: this GGUF file has no `tokenizer.ggml.tokens`, so it is no complete language model. Take another conversion of it
    DIR/changed.gguf: this GGUF file has no `tokenizer.ggml.scores`, so it is no complete language model. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: two tokens of its vocabulary are the same. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: its vocabulary cannot spell the byte <0x41>. Take another conversion of it
    DIR/changed.gguf: this model cannot be run: a token of its vocabulary holds a null byte. Take another conversion of it
    "#);
}

/// How many changed files are loaded.
const CHANGED: u64 = 1000;
/// Where the changes begin; other seeds give other changes.
const SEED: u64 = 11;

/// Loads each file of a folder and uses what loads; run by the test below in a process of its own.
#[test]
#[ignore = "run by changed_headers_never_end_the_process"]
fn load_all() {
    let Some(folder) = std::env::var_os("KONFORM_CHANGED") else {
        return;
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        eprintln!("loading {}", path.display());
        let Ok(model) = Model::load(&path, &settings()) else {
            continue;
        };
        use_it(&model);
    }
    eprintln!("loaded all");
}

/// Asks a model something, whatever it answers.
fn use_it(model: &Model) {
    let Ok(mut engine) = model.engine(&settings()) else {
        return;
    };
    let prompt = Prompt::new([
        vec![Part::Bos, Part::InstOpen],
        vec![Part::Text("Any text, é.".into()), Part::InstClose],
    ]);
    let _ = engine.score(std::slice::from_ref(&prompt), &["A", "B c"]);
    let _ = engine.complete(&prompt, "A", "root ::= \" E\" [1-4]", 8);
}

#[test]
fn changed_headers_never_end_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let whole = common::tiny("llama").bytes();
    // Everything before the first weight, which the writer aligns to 32.
    let header = whole.len() as u64
        - 4 * Header::read(&write(folder.path(), "a.gguf", &whole))
            .unwrap()
            .parameters;
    let mut seed = SEED;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    for index in 0..CHANGED {
        let mut bytes = whole.clone();
        for _ in 0..=random(2) {
            let at = 8 + random(header - 8) as usize;
            bytes[at] = match random(5) {
                0 => 0,
                1 => 255,
                2 => bytes[at].wrapping_add(1),
                3 => bytes[at] ^ (1 << random(8)),
                _ => random(256) as u8,
            };
        }
        write(folder.path(), &format!("{index:05}.gguf"), &bytes);
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "load_all", "--ignored", "--nocapture"])
        .env("KONFORM_CHANGED", folder.path())
        .env("GGML_NO_BACKTRACE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(12).collect();
    assert!(
        output.status.success() && said.contains("loaded all"),
        "{last:#?}"
    );
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

proptest! {
    #[test]
    fn a_header_of_any_bytes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().unwrap();
        let mut file = b"GGUF\x03\0\0\0".to_vec();
        file.extend(&bytes);
        let _ = Header::read(&write(folder.path(), "any.gguf", &file));
        let _ = Header::read(&write(folder.path(), "bytes.gguf", &bytes));
    }

    #[test]
    fn a_header_with_changed_bytes_is_read_or_refused(at in 4usize..8000, byte in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = common::tiny("llama").bytes();
        bytes[at] = byte;
        let _ = Header::read(&write(folder.path(), "changed.gguf", &bytes));
    }
}
