use std::{io, path::PathBuf};

use konform_terms::Digest;

use crate::gguf::GgufError;

/// Says why a model could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullError {
    /// The hub cannot be reached, or the connection broke.
    #[error(
        "{url} cannot be fetched. What was fetched so far is kept: the same command goes on; \
         behind a proxy set https_proxy, or name a mirror with --hub"
    )]
    Network {
        /// The address.
        url: String,
        /// What happened.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The hub has no such file, or does not give it to everyone.
    #[error(
        "{url} answers {status}. The model may have moved, or may need an account: fetch it by \
         hand and give its path to --model"
    )]
    Refused {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// The hub sends from one address to the next.
    #[error("{url} leads on and on, from one address to the next. Name another hub with --hub")]
    Redirects {
        /// The address that was asked first.
        url: String,
    },
    /// The hub does not say what would pin the file.
    #[error("{url} gives no `{what}`, so the file cannot be pinned. Is this a model hub?")]
    NoMetadata {
        /// The address.
        url: String,
        /// The missing or unreadable header.
        what: &'static str,
    },
    /// The hub, or the list of models, offers something else than what is pinned.
    #[error(
        "{file}: the {what} is now {offered}, and konform.lock pins {pinned}. If the change is \
         intended, delete the entry from konform.lock"
    )]
    Changed {
        /// The file.
        file: String,
        /// What changed: repository, file, size or digest.
        what: &'static str,
        /// What is offered.
        offered: String,
        /// What is pinned.
        pinned: String,
    },
    /// The file that came is not the file that was promised.
    #[error(
        "{path}: the fetched file has digest {found}, the hub promises {expected}. It was \
         deleted: pull again"
    )]
    WrongDigest {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: Digest,
        /// What it should have.
        expected: Digest,
    },
    /// Another process fetches the same file.
    #[error("{path}: another pull is writing this file. Wait for it, or end it")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// There is no room.
    #[error(
        "{path}: the disk is full; {missing} more are needed. Make room, and the same command goes \
         on where it stopped"
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What is still to come.
        missing: String,
    },
    /// The file system refused.
    #[error("{path} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The lock file is not one.
    #[error("{path} cannot be understood. Correct it, or delete it to pin the models anew")]
    Lock {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The file could not be digested.
    #[error(transparent)]
    Digest(#[from] GgufError),
}
