use std::path::PathBuf;

/// Says why a labelled set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line or record is not what the format asks for.
    #[error("{}, {place}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line or record.
        place: String,
        /// What is wrong, and what is expected.
        what: String,
    },
    /// There is nothing to measure.
    #[error("{} holds no label; each needs a document, a requirement and a verdict", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}
