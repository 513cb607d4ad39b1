//! Reads the header of a GGUF file, version 2 and 3, after the format's specification in the ggml
//! project: enough to tell what a file is, whether all of it is there, and whether llama.cpp can
//! be trusted with it, before it is loaded.

mod error;
mod reader;
mod shape;

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use konform_terms::Digest;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub use self::error::GgufError;
use self::{
    reader::{Raw, Reader},
    shape::Shape,
};

/// What a header tells of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Header {
    /// The version of the format.
    pub version: u32,
    /// The model's name, where it states one.
    pub name: Option<String>,
    /// The architecture: `llama` for most Mistral models.
    pub architecture: String,
    /// How most weights are stored: `Q4_K`, `Q8_0`, ….
    pub weights: String,
    /// How the file as a whole was quantized, where it says so: `Q4_K_M`, ….
    pub file_type: Option<String>,
    /// How many parameters the tensors hold.
    pub parameters: u64,
    /// How many tensors there are.
    pub tensors: u64,
    /// The numbers of the architecture.
    #[serde(flatten)]
    pub shape: Architecture,
    /// The size of the file in bytes.
    pub size: u64,
    /// The size in bytes that the table of tensors promises.
    pub expected_size: u64,
    /// Texts and numbers of the metadata.
    pub metadata: BTreeMap<String, String>,
}

/// The numbers of an architecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Architecture {
    /// The longest sequence it was trained on, in tokens.
    pub context: u64,
    /// How many layers.
    pub layers: u64,
    /// The width of the embedding.
    pub width: u64,
    /// How many heads.
    pub heads: u64,
    /// How many heads of keys and values.
    pub kv_heads: u64,
    /// How wide a head is.
    pub head_width: u64,
    /// The width between the two halves of a layer.
    pub feed_forward: u64,
    /// How many tokens the vocabulary has.
    pub vocabulary: u64,
    /// The kind of tokenizer: `llama` (`SentencePiece`) or `gpt2` (byte pairs).
    pub tokenizer: String,
}

impl Header {
    /// Reads the header of a file and checks that the file holds all it promises and is a model
    /// that konform runs. No weight is read.
    ///
    /// # Errors
    /// Says what is wrong, where, and what to do.
    pub fn read(path: &Path) -> Result<Self, GgufError> {
        let raw = Reader::open(path)?.read()?;
        let incomplete = |key: &str| GgufError::Incomplete {
            path: path.to_owned(),
            key: key.to_owned(),
        };
        let architecture = raw
            .scalars
            .get("general.architecture")
            .ok_or_else(|| incomplete("general.architecture"))?
            .clone();
        if architecture != "llama" && !architecture.starts_with("mistral") {
            return Err(GgufError::Architecture {
                path: path.to_owned(),
                architecture,
            });
        }
        if raw.end > raw.size {
            return Err(GgufError::Truncated {
                path: path.to_owned(),
                size: raw.size,
                expected: raw.end,
            });
        }
        if raw.tensors.is_empty() {
            return Err(incomplete("token_embd.weight"));
        }
        let shape = Shape {
            path,
            raw: &raw,
            architecture: &architecture,
        }
        .check()?;
        let (parameters, weights) = weigh(&raw);
        Ok(Self {
            version: raw.version,
            name: raw.scalars.get("general.name").cloned(),
            architecture,
            weights,
            file_type: raw
                .scalars
                .get("general.file_type")
                .map(|number| file_type(number)),
            parameters,
            tensors: raw.tensors.len() as u64,
            shape,
            size: raw.size,
            expected_size: raw.end,
            metadata: raw.scalars,
        })
    }

    /// The bytes that the cache of keys and values takes for a token (16 bits each).
    #[must_use]
    pub fn cache_bytes(&self) -> u64 {
        let shape = &self.shape;
        [4, shape.layers, shape.kv_heads, shape.head_width]
            .into_iter()
            .fold(1, u64::saturating_mul)
    }

    /// The bytes that evaluating so many tokens at a time takes, about.
    pub(crate) fn compute_bytes(&self, ubatch: u32) -> u64 {
        let shape = &self.shape;
        let row = shape.vocabulary + 4 * shape.feed_forward + 8 * shape.width;
        row.saturating_mul(4 * u64::from(ubatch))
    }
}

/// Counts the parameters and finds the type that most of them are stored in.
fn weigh(raw: &Raw) -> (u64, String) {
    let mut by_kind: BTreeMap<&str, u64> = BTreeMap::new();
    for tensor in &raw.tensors {
        let elements = by_kind.entry(tensor.kind.name).or_default();
        *elements = elements.saturating_add(tensor.elements);
    }
    let parameters = by_kind
        .values()
        .fold(0, |sum: u64, &elements| sum.saturating_add(elements));
    let most = by_kind.into_iter().max_by_key(|&(_, elements)| elements);
    (parameters, most.map_or("none", |(name, _)| name).to_owned())
}

/// The name of a mixture of types (`llama_ftype` in llama.h).
fn file_type(number: &str) -> String {
    let name = match number {
        "0" => "F32",
        "1" => "F16",
        "2" => "Q4_0",
        "3" => "Q4_1",
        "7" => "Q8_0",
        "8" => "Q5_0",
        "9" => "Q5_1",
        "10" => "Q2_K",
        "11" => "Q3_K_S",
        "12" => "Q3_K_M",
        "13" => "Q3_K_L",
        "14" => "Q4_K_S",
        "15" => "Q4_K_M",
        "16" => "Q5_K_S",
        "17" => "Q5_K_M",
        "18" => "Q6_K",
        "25" => "IQ4_NL",
        "30" => "IQ4_XS",
        "32" => "BF16",
        other => return format!("type {other}"),
    };
    name.to_owned()
}

/// Digests a file, without holding it in memory.
///
/// # Errors
/// If it cannot be read.
pub fn digest_file(path: &Path) -> Result<Digest, GgufError> {
    let io = |source| GgufError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(io)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(io)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    let hex: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
        .parse()
        .map_err(|_| io(std::io::Error::other("no digest")))
}
