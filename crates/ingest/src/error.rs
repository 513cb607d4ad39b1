use std::{io, path::PathBuf};

use konform_terms::UnreadableReason;

use crate::FORMATS;

/// Says why the documents to check could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A path that was named does not exist.
    #[error("`{}` does not exist", path.display())]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// A folder that was named holds no file.
    #[error("the folder `{}` holds no file to check", path.display())]
    EmptyFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// A folder cannot be listed.
    #[error("cannot list `{}`", path.display())]
    Unlistable {
        /// The path that could not be listed.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

impl IngestError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Missing { .. } => "check the spelling of the path".to_owned(),
            Self::EmptyFolder { .. } => {
                format!("name a file, or a folder with files: {FORMATS} are read")
            }
            Self::Unlistable { .. } => "check that you may read the folder".to_owned(),
        }
    }
}

/// Why the bytes of a file could not be read, before path and digest are added.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) reason: UnreadableReason,
    pub(crate) detail: String,
}

impl Refusal {
    pub(crate) fn new(reason: UnreadableReason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}
