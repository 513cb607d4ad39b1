use std::{io, path::PathBuf};

use crate::human::bytes;

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
    #[error("{path}: this is not a GGUF file (it begins with `{begin}`)")]
    NotGguf {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        begin: String,
    },
    /// The header contradicts itself or the file.
    #[error(
        "{path}: the header of this GGUF file is damaged at byte {at}: {what}. Download it again"
    )]
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
        "{path}: this GGUF file is truncated: it has {}, its header promises {}. Download it again",
        bytes(*size),
        bytes(*expected)
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
    #[error(
        "{path}: this GGUF file has no `{key}`, so it is no complete language model. Take another \
         conversion of it"
    )]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What is missing.
        key: String,
    },
    /// What the header says cannot be run.
    #[error("{path}: this model cannot be run: {what}. Take another conversion of it")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}
