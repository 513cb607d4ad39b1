//! Reads the header of a GGUF file, version 2 and 3, after the format's specification in the ggml
//! project: enough to tell what a file is, and whether all of it is there, before it is loaded.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use konform_terms::Digest;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Longer metadata texts than this are skipped, in bytes.
const LONGEST_TEXT: u64 = 64 << 10;
/// More entries than this in a header are taken for damage.
const MOST_ENTRIES: u64 = 1 << 20;

/// Says why a file is not a model that konform runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GgufError {
    /// The file cannot be opened or read.
    #[error("{path}: the model cannot be read")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is a folder, or has no bytes.
    #[error("{path}: {what}; a GGUF file is expected")]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It does not begin as GGUF does.
    #[error("{path}: this is not a GGUF file (it begins with {begin})")]
    NotGguf {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        begin: String,
    },
    /// The header contradicts itself or the file.
    #[error("{path}: the header of this GGUF file is damaged at byte {at}: {what}. Fetch it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: u64,
        /// What is wrong.
        what: String,
    },
    /// Bytes are missing at the end.
    #[error(
        "{path}: this GGUF file is truncated: it has {size} bytes, its header promises {expected}. \
         Fetch it again"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The size that the header promises, in bytes.
        expected: u64,
    },
    /// It is a model of another kind.
    #[error(
        "{path}: this is a model of architecture `{architecture}`; konform runs Mistral models \
         (`llama`, `mistral…`). `konform model list` names some"
    )]
    Architecture {
        /// The file.
        path: PathBuf,
        /// What it is.
        architecture: String,
    },
    /// Something that a language model needs is not in it.
    #[error("{path}: this GGUF file has no `{key}`, so it is no complete language model")]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What is missing.
        key: String,
    },
}

/// What a header tells of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Header {
    /// The version of the format.
    pub version: u32,
    /// The model's name, where it states one.
    pub name: Option<String>,
    /// The architecture.
    pub architecture: String,
    /// How most weights are stored: `Q4_K`, `Q8_0`, ….
    pub weights: String,
    /// How many parameters the tensors hold.
    pub parameters: u64,
    /// How many tensors there are.
    pub tensors: u64,
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
    /// How many tokens the vocabulary has.
    pub vocabulary: u64,
    /// The size of the file in bytes.
    pub size: u64,
    /// Texts and numbers of the metadata.
    pub metadata: BTreeMap<String, String>,
}

impl Header {
    /// The bytes that the cache of keys and values takes for a token (16 bits each).
    #[must_use]
    pub fn cache_bytes(&self) -> u64 {
        4 * self.layers * self.kv_heads * self.width / self.heads.max(1)
    }

    /// Reads the header of a file and checks that the file holds all it promises and is a model
    /// that konform runs.
    ///
    /// # Errors
    /// Says what is wrong, where, and what to do.
    pub fn read(path: &Path) -> Result<Self, GgufError> {
        let io = |source| GgufError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        let not_a_file = |what| GgufError::NotAFile {
            path: path.to_owned(),
            what,
        };
        if metadata.is_dir() {
            return Err(not_a_file("this is a folder"));
        }
        if metadata.len() == 0 {
            return Err(not_a_file("this file is empty"));
        }
        let mut reader = Reader {
            path,
            inner: BufReader::new(file),
            at: 0,
            size: metadata.len(),
        };
        reader.header()
    }
}

/// Digests a file.
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
        .map_err(|_| io(io::Error::other("no digest")))
}

/// The types of tensors: number, name, weights a block, bytes a block (ggml.h, ggml-common.h).
const TYPES: &[(u32, &str, u64, u64)] = &[
    (0, "F32", 1, 4),
    (1, "F16", 1, 2),
    (2, "Q4_0", 32, 18),
    (3, "Q4_1", 32, 20),
    (6, "Q5_0", 32, 22),
    (7, "Q5_1", 32, 24),
    (8, "Q8_0", 32, 34),
    (9, "Q8_1", 32, 36),
    (10, "Q2_K", 256, 84),
    (11, "Q3_K", 256, 110),
    (12, "Q4_K", 256, 144),
    (13, "Q5_K", 256, 176),
    (14, "Q6_K", 256, 210),
    (15, "Q8_K", 256, 292),
    (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110),
    (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136),
    (29, "IQ1_M", 256, 56),
    (30, "BF16", 1, 2),
];

struct Reader<'a> {
    path: &'a Path,
    inner: BufReader<File>,
    at: u64,
    size: u64,
}

impl Reader<'_> {
    fn header(&mut self) -> Result<Header, GgufError> {
        let magic = self
            .bytes::<4>()
            .map_err(|_| self.not_gguf(b"fewer than four bytes"))?;
        if &magic != b"GGUF" {
            return Err(self.not_gguf(&magic));
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(self.damaged(format!("version {version}, where 2 or 3 is expected")));
        }
        let tensors = self.u64()?;
        let entries = self.u64()?;
        if tensors > MOST_ENTRIES || entries > MOST_ENTRIES {
            return Err(self.damaged(format!("{tensors} tensors and {entries} entries")));
        }
        let mut metadata = BTreeMap::new();
        let mut vocabulary = 0;
        for _ in 0..entries {
            let key = self.text()?.unwrap_or_default();
            let kind = self.u32()?;
            if kind == 9 {
                let (element, count) = (self.u32()?, self.u64()?);
                self.skip_array(element, count)?;
                if key == "tokenizer.ggml.tokens" {
                    vocabulary = count;
                }
            } else if let Some(value) = self.scalar(kind)? {
                metadata.insert(key, value);
            }
        }
        let (parameters, weights, end) = self.tensors(tensors, &metadata)?;
        if end > self.size {
            return Err(GgufError::Truncated {
                path: self.path.to_owned(),
                size: self.size,
                expected: end,
            });
        }
        self.model(version, metadata, vocabulary, tensors, parameters, weights)
    }

    fn model(
        &self,
        version: u32,
        metadata: BTreeMap<String, String>,
        vocabulary: u64,
        tensors: u64,
        parameters: u64,
        weights: String,
    ) -> Result<Header, GgufError> {
        let incomplete = |key: &str| GgufError::Incomplete {
            path: self.path.to_owned(),
            key: key.to_owned(),
        };
        let architecture = metadata
            .get("general.architecture")
            .ok_or_else(|| incomplete("general.architecture"))?
            .clone();
        if architecture != "llama" && !architecture.starts_with("mistral") {
            return Err(GgufError::Architecture {
                path: self.path.to_owned(),
                architecture,
            });
        }
        if vocabulary == 0 {
            return Err(incomplete("tokenizer.ggml.tokens"));
        }
        let number = |key: &str| {
            let key = format!("{architecture}.{key}");
            metadata
                .get(&key)
                .and_then(|value| value.parse::<u64>().ok())
                .filter(|&value| (1..1 << 32).contains(&value))
                .ok_or_else(|| incomplete(&key))
        };
        let heads = number("attention.head_count")?;
        Ok(Header {
            version,
            name: metadata.get("general.name").cloned(),
            weights,
            parameters,
            tensors,
            context: number("context_length")?,
            layers: number("block_count")?,
            width: number("embedding_length")?,
            heads,
            kv_heads: number("attention.head_count_kv").unwrap_or(heads),
            vocabulary,
            size: self.size,
            architecture,
            metadata,
        })
    }

    /// Reads the table of tensors: parameters, the type of most of them, and where the last ends.
    fn tensors(
        &mut self,
        count: u64,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(u64, String, u64), GgufError> {
        let mut parameters: u64 = 0;
        let mut by_type: BTreeMap<&str, u64> = BTreeMap::new();
        let mut end: u64 = 0;
        for _ in 0..count {
            self.text()?;
            let dimensions = self.u32()?;
            if !(1..=4).contains(&dimensions) {
                return Err(self.damaged(format!("a tensor with {dimensions} dimensions")));
            }
            let mut elements: u64 = 1;
            for _ in 0..dimensions {
                let extent = self.u64()?;
                elements = elements
                    .checked_mul(extent)
                    .filter(|&elements| elements > 0 && elements < 1 << 50)
                    .ok_or_else(|| self.damaged("a tensor of impossible size".to_owned()))?;
            }
            let kind = self.u32()?;
            let offset = self.u64()?;
            let &(_, name, block, bytes) = TYPES
                .iter()
                .find(|(number, ..)| *number == kind)
                .ok_or_else(|| self.damaged(format!("a tensor of unknown type {kind}")))?;
            let stop = offset.checked_add(elements.div_ceil(block) * bytes);
            end = end.max(stop.ok_or_else(|| self.damaged("a tensor beyond all bounds".into()))?);
            parameters += elements;
            *by_type.entry(name).or_default() += elements;
        }
        let alignment = metadata
            .get("general.alignment")
            .and_then(|value| value.parse().ok())
            .filter(|&alignment: &u64| alignment.is_power_of_two() && alignment <= 1 << 16)
            .unwrap_or(32);
        let begin = self.at.next_multiple_of(alignment);
        let most = by_type.into_iter().max_by_key(|(_, elements)| *elements);
        let weights = most.map_or("none", |(name, _)| name).to_owned();
        Ok((parameters, weights, begin.saturating_add(end)))
    }

    fn scalar(&mut self, kind: u32) -> Result<Option<String>, GgufError> {
        Ok(Some(match kind {
            0 => u8::from_le_bytes(self.bytes()?).to_string(),
            1 => i8::from_le_bytes(self.bytes()?).to_string(),
            2 => u16::from_le_bytes(self.bytes()?).to_string(),
            3 => i16::from_le_bytes(self.bytes()?).to_string(),
            4 => self.u32()?.to_string(),
            5 => i32::from_le_bytes(self.bytes()?).to_string(),
            6 => f32::from_le_bytes(self.bytes()?).to_string(),
            7 => (self.bytes::<1>()? != [0]).to_string(),
            8 => return self.text(),
            10 => self.u64()?.to_string(),
            11 => i64::from_le_bytes(self.bytes()?).to_string(),
            12 => f64::from_le_bytes(self.bytes()?).to_string(),
            _ => return Err(self.damaged(format!("a value of unknown type {kind}"))),
        }))
    }

    fn skip_array(&mut self, element: u32, count: u64) -> Result<(), GgufError> {
        let width = match element {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => {
                for _ in 0..count {
                    let length = self.u64()?;
                    self.skip(length)?;
                }
                return Ok(());
            }
            _ => return Err(self.damaged(format!("an array of unknown type {element}"))),
        };
        let bytes = count.checked_mul(width);
        let bytes = bytes.ok_or_else(|| self.damaged(format!("an array of {count}")))?;
        self.skip(bytes)
    }

    /// Reads a text; one that is too long to be of interest is skipped.
    fn text(&mut self) -> Result<Option<String>, GgufError> {
        let length = self.u64()?;
        if length > LONGEST_TEXT {
            self.skip(length)?;
            return Ok(None);
        }
        self.within(length)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.inner
            .read_exact(&mut bytes)
            .map_err(|source| self.io(source))?;
        self.at += length;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn skip(&mut self, length: u64) -> Result<(), GgufError> {
        self.within(length)?;
        let step = i64::try_from(length).unwrap_or(i64::MAX);
        if length <= 1 << 16 {
            self.inner
                .seek_relative(step)
                .map_err(|source| self.io(source))?;
        } else {
            self.inner
                .seek(SeekFrom::Current(step))
                .map_err(|source| self.io(source))?;
        }
        self.at += length;
        Ok(())
    }

    fn within(&self, length: u64) -> Result<(), GgufError> {
        if length > self.size - self.at {
            return Err(self.damaged(format!("{length} bytes are promised beyond the file's end")));
        }
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        self.within(N as u64)?;
        let mut bytes = [0; N];
        self.inner
            .read_exact(&mut bytes)
            .map_err(|source| self.io(source))?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn io(&self, source: io::Error) -> GgufError {
        GgufError::Io {
            path: self.path.to_owned(),
            source,
        }
    }

    fn damaged(&self, what: String) -> GgufError {
        GgufError::Damaged {
            path: self.path.to_owned(),
            at: self.at,
            what,
        }
    }

    fn not_gguf(&self, begin: &[u8]) -> GgufError {
        let begin = begin.escape_ascii().to_string();
        GgufError::NotGguf {
            path: self.path.to_owned(),
            begin: format!("`{begin}`"),
        }
    }
}
