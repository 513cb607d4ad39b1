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
    /// The file is in no format that konform imports.
    #[error(
        "{path}: this is not a text of law that konform imports. It reads Formex 4 (CONS.ACT, ACT) \
         and Markdown that begins with `---` and `id:` (docs/corpus-format.md)"
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The file is the envelope of another one.
    #[error("{path}: this is the envelope of a Formex document; import {names} beside it")]
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
