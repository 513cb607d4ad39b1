//! The bytes of a header, read as far as they make sense.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufReader, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use super::GgufError;

/// Longer metadata texts than this are skipped, in bytes.
const LONGEST_TEXT: u64 = 64 << 10;
/// More entries, tensors or tokens than this are taken for damage.
const MOST_ENTRIES: u64 = 1 << 20;

/// Everything in a header that is of interest here.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub version: u32,
    /// Texts and numbers.
    pub scalars: BTreeMap<String, String>,
    /// The element type and length of arrays.
    pub arrays: BTreeMap<String, (u32, u64)>,
    /// The vocabulary.
    pub tokens: Vec<Vec<u8>>,
    pub tensors: Vec<Tensor>,
    /// Where the last tensor ends.
    pub end: u64,
    /// The size of the file.
    pub size: u64,
}

#[derive(Debug)]
pub(super) struct Tensor {
    pub name: String,
    pub kind: &'static Kind,
    /// The extent of each dimension, the length of a row first.
    pub extents: Vec<u64>,
    pub elements: u64,
}

/// A type of tensor (ggml.h, ggml-common.h).
#[derive(Debug)]
pub(super) struct Kind {
    number: u32,
    pub name: &'static str,
    /// Weights in a block.
    block: u64,
    /// Bytes in a block.
    bytes: u64,
}

/// The types that weights are stored in and that can be multiplied with.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    kind(0, "F32", 1, 4),
    kind(1, "F16", 1, 2),
    kind(2, "Q4_0", 32, 18),
    kind(3, "Q4_1", 32, 20),
    kind(6, "Q5_0", 32, 22),
    kind(7, "Q5_1", 32, 24),
    kind(8, "Q8_0", 32, 34),
    kind(10, "Q2_K", 256, 84),
    kind(11, "Q3_K", 256, 110),
    kind(12, "Q4_K", 256, 144),
    kind(13, "Q5_K", 256, 176),
    kind(14, "Q6_K", 256, 210),
    kind(16, "IQ2_XXS", 256, 66),
    kind(17, "IQ2_XS", 256, 74),
    kind(18, "IQ3_XXS", 256, 98),
    kind(19, "IQ1_S", 256, 50),
    kind(20, "IQ4_NL", 32, 18),
    kind(21, "IQ3_S", 256, 110),
    kind(22, "IQ2_S", 256, 82),
    kind(23, "IQ4_XS", 256, 136),
    kind(29, "IQ1_M", 256, 56),
    kind(30, "BF16", 1, 2),
];

const fn kind(number: u32, name: &'static str, block: u64, bytes: u64) -> Kind {
    Kind {
        number,
        name,
        block,
        bytes,
    }
}

pub(super) struct Reader<'a> {
    path: &'a Path,
    inner: BufReader<File>,
    at: u64,
    size: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, GgufError> {
        let io = |source| GgufError::Io {
            path: path.to_owned(),
            source,
        };
        let not_a_file = |what| GgufError::NotAFile {
            path: path.to_owned(),
            what,
        };
        // Asked before opening: to open a pipe is to wait for its other end.
        let metadata = std::fs::metadata(path).map_err(io)?;
        if metadata.is_dir() {
            return Err(not_a_file("this is a folder"));
        }
        if !metadata.is_file() {
            return Err(not_a_file("this is a device or a pipe"));
        }
        if metadata.len() == 0 {
            return Err(not_a_file("this file is empty"));
        }
        let file = File::open(path).map_err(io)?;
        Ok(Self {
            path,
            inner: BufReader::new(file),
            at: 0,
            size: metadata.len(),
        })
    }

    pub(super) fn read(&mut self) -> Result<Raw, GgufError> {
        let (version, tensors, entries) = self.begin()?;
        let mut raw = Raw {
            version,
            size: self.size,
            ..Raw::default()
        };
        let mut keys = BTreeSet::new();
        for _ in 0..entries {
            let key = self.text()?.unwrap_or_default();
            if !keys.insert(key.clone()) {
                return Err(self.damaged(format!("`{key}` is there twice")));
            }
            let kind = self.u32()?;
            if kind == 9 {
                let (element, count) = (self.u32()?, self.u64()?);
                if key == "tokenizer.ggml.tokens" && element == 8 {
                    raw.tokens = self.tokens(count)?;
                } else {
                    self.skip_array(element, count)?;
                }
                raw.arrays.insert(key, (element, count));
            } else if let Some(value) = self.scalar(kind)? {
                raw.scalars.insert(key, value);
            }
        }
        let mut names = BTreeSet::new();
        for _ in 0..tensors {
            let (tensor, end) = self.tensor()?;
            if !names.insert(tensor.name.clone()) {
                return Err(self.damaged(format!("tensor `{}` is there twice", tensor.name)));
            }
            raw.end = raw.end.max(end);
            raw.tensors.push(tensor);
        }
        let alignment = match raw.scalars.get("general.alignment") {
            None => 32,
            Some(value) => value
                .parse()
                .ok()
                .filter(|&alignment: &u64| alignment.is_power_of_two() && alignment <= 1 << 16)
                .ok_or_else(|| self.damaged(format!("an alignment of {value}")))?,
        };
        let begin = self.at.next_multiple_of(alignment);
        raw.end = begin.saturating_add(raw.end);
        Ok(raw)
    }

    /// Reads version, number of tensors and number of entries.
    fn begin(&mut self) -> Result<(u32, u64, u64), GgufError> {
        if self.size < 24 {
            let mut begin = Vec::new();
            self.inner
                .read_to_end(&mut begin)
                .map_err(|source| self.io(source))?;
            if !begin.starts_with(b"GGUF") {
                return Err(self.not_gguf(&begin));
            }
            return Err(self.damaged("the file ends here".to_owned()));
        }
        let magic = self.bytes::<4>()?;
        if &magic != b"GGUF" {
            return Err(self.not_gguf(&magic));
        }
        let version = self.u32()?;
        if version.swap_bytes() == 3 {
            return Err(self.damaged(
                "it was written for big-endian machines; a little-endian conversion is needed"
                    .to_owned(),
            ));
        }
        if !(2..=3).contains(&version) {
            return Err(self.damaged(format!("version {version}, where 2 or 3 is expected")));
        }
        let (tensors, entries) = (self.u64()?, self.u64()?);
        if tensors > MOST_ENTRIES || entries > MOST_ENTRIES {
            return Err(self.damaged(format!("{tensors} tensors and {entries} entries")));
        }
        Ok((version, tensors, entries))
    }

    /// Reads a row of the table of tensors, and where its data ends.
    fn tensor(&mut self) -> Result<(Tensor, u64), GgufError> {
        let name = self.text()?.unwrap_or_default();
        let dimensions = self.u32()?;
        if !(1..=4).contains(&dimensions) {
            return Err(self.damaged(format!("a tensor with {dimensions} dimensions")));
        }
        let mut elements = 1u64;
        let mut extents = Vec::new();
        for _ in 0..dimensions {
            let extent = self.u64()?;
            extents.push(extent);
            elements = elements
                .checked_mul(extent)
                .filter(|&elements| elements > 0 && elements < 1 << 50)
                .ok_or_else(|| self.damaged("a tensor of impossible size".to_owned()))?;
        }
        let number = self.u32()?;
        let offset = self.u64()?;
        let kind = KINDS
            .iter()
            .find(|kind| kind.number == number)
            .ok_or_else(|| {
                self.damaged(format!(
                    "tensor `{name}` is of type {number}, which konform does not know"
                ))
            })?;
        if !extents[0].is_multiple_of(kind.block) {
            return Err(self.damaged(format!("a row of tensor `{name}` ends within a block")));
        }
        let end = offset
            .checked_add(elements / kind.block * kind.bytes)
            .ok_or_else(|| self.damaged("a tensor beyond all bounds".to_owned()))?;
        let tensor = Tensor {
            name,
            kind,
            extents,
            elements,
        };
        Ok((tensor, end))
    }

    fn tokens(&mut self, count: u64) -> Result<Vec<Vec<u8>>, GgufError> {
        if count > MOST_ENTRIES {
            return Err(self.damaged(format!("a vocabulary of {count} tokens")));
        }
        let mut tokens = Vec::new();
        for _ in 0..count {
            let length = self.u64()?;
            if length > LONGEST_TEXT {
                return Err(self.damaged(format!("a token of {length} bytes")));
            }
            tokens.push(self.take(length)?);
        }
        Ok(tokens)
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
                // Each text takes eight bytes at least, so the end of the file bounds the loop.
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
        let bytes = self.take(length)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Reads a few bytes: [`LONGEST_TEXT`] at most, and no more than the file has.
    fn take(&mut self, length: u64) -> Result<Vec<u8>, GgufError> {
        self.within(length)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.inner
            .read_exact(&mut bytes)
            .map_err(|source| self.io(source))?;
        self.at += length;
        Ok(bytes)
    }

    fn skip(&mut self, length: u64) -> Result<(), GgufError> {
        self.within(length)?;
        let step = i64::try_from(length).unwrap_or(i64::MAX);
        let moved = if length <= 1 << 16 {
            self.inner.seek_relative(step)
        } else {
            self.inner.seek(SeekFrom::Current(step)).map(drop)
        };
        moved.map_err(|source| self.io(source))?;
        self.at += length;
        Ok(())
    }

    fn within(&self, length: u64) -> Result<(), GgufError> {
        if length > self.size.saturating_sub(self.at) {
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
        GgufError::NotGguf {
            path: self.path.to_owned(),
            begin: begin[..begin.len().min(4)].escape_ascii().to_string(),
        }
    }
}
