use std::{io, path::PathBuf};

/// Says why a text of law or a corpus cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// The file system refused.
    #[error("{path}: the corpus cannot be read or written")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is too large to be a text of law.
    #[error("{path}: {bytes} bytes are too many for one text of law; the limit is {limit}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The file is in no format that konform imports.
    #[error(
        "{path}: this is not a text of law that konform imports ({found}). It reads Formex 4 \
         (CONS.ACT, ACT) and Markdown that begins with `---` and `id:` (docs/corpus-format.md)"
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        found: String,
    },
    /// The file is the envelope of another one that is not beside it.
    #[error(
        "{path}: this is the envelope of a Formex document, without the text. Put {names} beside \
         it, or import that file"
    )]
    Envelope {
        /// The file.
        path: PathBuf,
        /// The file that holds the text.
        names: String,
    },
    /// The file has an error.
    #[error("{path}:{line}: {problem}. {remedy}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
}
