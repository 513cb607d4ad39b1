//! A tiny model with random weights, of Mistral's shape, written to a file.
#![allow(dead_code, reason = "each test uses its share")]

use std::{fs, path::Path};

/// The metadata and tensors of a GGUF file in the making.
#[derive(Default)]
pub(crate) struct Gguf {
    entries: Vec<(String, u32, Vec<u8>)>,
    tensors: Vec<(String, Vec<u64>, Vec<f32>)>,
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

impl Gguf {
    /// Sets an entry; one that is there is replaced.
    fn entry(&mut self, key: &str, kind: u32, value: &[u8]) {
        let entry = (key.to_owned(), kind, value.to_vec());
        match self.entries.iter_mut().find(|(name, ..)| name == key) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.entries.retain(|(name, ..)| name != key);
    }

    pub(crate) fn string(&mut self, key: &str, value: &str) {
        let mut bytes = Vec::new();
        text(&mut bytes, value);
        self.entry(key, 8, &bytes);
    }

    pub(crate) fn number(&mut self, key: &str, value: u32) {
        self.entry(key, 4, &value.to_le_bytes());
    }

    /// Gives a tensor another size; its values begin as they did.
    pub(crate) fn resize(&mut self, name: &str, extents: &[u64]) {
        let tensor = self
            .tensors
            .iter_mut()
            .find(|(tensor, ..)| tensor == name)
            .unwrap();
        tensor.1 = extents.to_vec();
        tensor
            .2
            .resize(extents.iter().product::<u64>() as usize, 0.1);
    }

    /// Renames a token of the vocabulary, to a name of the same length.
    pub(crate) fn rename_token(&mut self, from: &str, to: &str) {
        assert_eq!(from.len(), to.len());
        let tokens = self
            .entries
            .iter_mut()
            .find(|(key, ..)| key == "tokenizer.ggml.tokens");
        let bytes = &mut tokens.unwrap().2;
        let at = bytes
            .windows(from.len())
            .position(|window| window == from.as_bytes())
            .unwrap();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }

    fn array(&mut self, key: &str, kind: u32, count: usize, values: &[u8]) {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend((count as u64).to_le_bytes());
        bytes.extend(values);
        self.entry(key, 9, &bytes);
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3u32.to_le_bytes());
        file.extend((self.tensors.len() as u64).to_le_bytes());
        file.extend((self.entries.len() as u64).to_le_bytes());
        for (key, kind, value) in &self.entries {
            text(&mut file, key);
            file.extend(kind.to_le_bytes());
            file.extend(value);
        }
        let mut offset = 0u64;
        for (name, shape, values) in &self.tensors {
            text(&mut file, name);
            file.extend((shape.len() as u32).to_le_bytes());
            for extent in shape {
                file.extend(extent.to_le_bytes());
            }
            file.extend(0u32.to_le_bytes());
            file.extend(offset.to_le_bytes());
            offset += (4 * values.len() as u64).next_multiple_of(32);
        }
        file.resize(file.len().next_multiple_of(32), 0);
        for (_, _, values) in &self.tensors {
            file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            file.resize(file.len().next_multiple_of(32), 0);
        }
        file
    }
}

/// Writes the model and gives its bytes.
pub(crate) fn tiny_model(path: &Path, architecture: &str) -> Vec<u8> {
    let bytes = tiny(architecture).bytes();
    fs::write(path, &bytes).unwrap();
    bytes
}

/// A Mistral in small: grouped queries, and a `SentencePiece` vocabulary that spells every byte.
pub(crate) fn tiny(architecture: &str) -> Gguf {
    const WIDTH: u64 = 64;
    const HIDDEN: u64 = 128;
    let mut pieces: Vec<(String, u32)> = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]
        .map(|piece| (piece.to_owned(), if piece == "<unk>" { 2 } else { 3 }))
        .to_vec();
    pieces.extend((0..=255u8).map(|byte| (format!("<0x{byte:02X}>"), 6)));
    let letters = "▁ABCDEPabcdefghijklmnopqrstuvwxyz0123456789.,";
    pieces.extend(letters.chars().map(|letter| (letter.to_string(), 1)));
    let joined = ["▁A", "▁B", "▁C", "▁D", "▁E", "▁P"];
    pieces.extend(joined.map(|piece| (piece.to_owned(), 1)));
    let vocabulary = pieces.len() as u64;

    let mut model = Gguf::default();
    model.string("general.architecture", architecture);
    model.string("general.name", "tiny random");
    for (key, value) in [
        ("context_length", 1024),
        ("embedding_length", WIDTH as u32),
        ("block_count", 2),
        ("feed_forward_length", HIDDEN as u32),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 2),
        ("rope.dimension_count", 16),
        ("vocab_size", vocabulary as u32),
    ] {
        model.number(&format!("{architecture}.{key}"), value);
    }
    model.entry(
        &format!("{architecture}.attention.layer_norm_rms_epsilon"),
        6,
        &1e-5f32.to_le_bytes(),
    );
    model.string("tokenizer.ggml.model", "llama");
    let mut tokens = Vec::new();
    pieces
        .iter()
        .for_each(|(piece, _)| text(&mut tokens, piece));
    model.array("tokenizer.ggml.tokens", 8, pieces.len(), &tokens);
    let scores: Vec<u8> = (0..pieces.len())
        .flat_map(|rank| (-(rank as f32)).to_le_bytes())
        .collect();
    model.array("tokenizer.ggml.scores", 6, pieces.len(), &scores);
    let kinds: Vec<u8> = pieces
        .iter()
        .flat_map(|(_, kind)| kind.to_le_bytes())
        .collect();
    model.array("tokenizer.ggml.token_type", 5, pieces.len(), &kinds);
    model.number("tokenizer.ggml.bos_token_id", 1);
    model.number("tokenizer.ggml.eos_token_id", 2);
    model.number("tokenizer.ggml.unknown_token_id", 0);

    let mut seed = 7u64;
    let mut random = |count: u64, scale: f32| -> Vec<f32> {
        (0..count)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                scale * ((seed >> 40) as f32 / (1u32 << 23) as f32 - 1.0)
            })
            .collect()
    };
    let mut tensor = |name: String, shape: &[u64]| {
        let count = shape.iter().product();
        let values = if shape.len() == 1 {
            vec![1.0; count as usize]
        } else {
            random(count, 0.3)
        };
        model.tensors.push((name, shape.to_vec(), values));
    };
    tensor("token_embd.weight".into(), &[WIDTH, vocabulary]);
    for layer in 0..2 {
        for (name, shape) in [
            ("attn_norm", vec![WIDTH]),
            ("attn_q", vec![WIDTH, WIDTH]),
            ("attn_k", vec![WIDTH, WIDTH / 2]),
            ("attn_v", vec![WIDTH, WIDTH / 2]),
            ("attn_output", vec![WIDTH, WIDTH]),
            ("ffn_norm", vec![WIDTH]),
            ("ffn_gate", vec![WIDTH, HIDDEN]),
            ("ffn_up", vec![WIDTH, HIDDEN]),
            ("ffn_down", vec![HIDDEN, WIDTH]),
        ] {
            tensor(format!("blk.{layer}.{name}.weight"), &shape);
        }
    }
    tensor("output_norm.weight".into(), &[WIDTH]);
    tensor("output.weight".into(), &[WIDTH, vocabulary]);
    model
}
