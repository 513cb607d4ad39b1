//! Fetches a model from a hub; the one part of konform that opens a connection.
//!
//! The hub answers `GET {base}/{repository}/resolve/{revision}/{file}` with the file, as a rule by
//! way of a redirect. The first answer carries what is pinned: `x-repo-commit` (the revision),
//! `x-linked-size` (bytes) and `x-linked-etag` (for large files their SHA-256). A download goes to
//! `FILE.part`, goes on where it was cut off, and gets its name only when its digest is right.

mod error;
mod hub;
mod lock;

use std::{
    fs::{self, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use self::hub::Hub;
pub use self::{
    error::PullError,
    lock::{Lock, Pinned},
};
use crate::gguf::digest_file;

/// The hub that is asked if no other is named.
pub const HUB: &str = "https://huggingface.co";
/// How often in a row a connection may break without a byte before the pull gives up.
const TRIES: u32 = 5;

/// A model that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name here.
    pub name: String,
    /// The repository on the hub.
    pub repository: String,
    /// The file in the repository.
    pub file: String,
    /// The licence of its weights.
    pub licence: String,
    /// How many parameters it has, about.
    pub parameters: String,
    /// What it is good for and what it needs, for people.
    pub about: String,
}

/// The models that konform knows, smallest first.
#[must_use]
pub fn manifest() -> Vec<Entry> {
    #[derive(Deserialize)]
    struct Manifest {
        model: Vec<Entry>,
    }
    toml::from_str::<Manifest>(include_str!("../../manifest.toml"))
        .map(|manifest| manifest.model)
        .unwrap_or_default()
}

/// Fetches a model into a folder, or goes on with it, and tells where it lies and what pins it.
/// `progress` is told the bytes that are there and those that there will be.
///
/// # Errors
/// If the hub cannot be reached or refuses, offers something else than `pinned`, or the file cannot
/// be written. What was fetched is kept, except where its digest is wrong.
pub fn pull(
    base: &str,
    entry: &Entry,
    folder: &Path,
    pinned: Option<&Pinned>,
    mut progress: impl FnMut(u64, u64),
) -> Result<(PathBuf, Pinned), PullError> {
    let revision = pinned.map_or("main", |pinned| pinned.revision.as_str());
    let url = format!(
        "{}/{}/resolve/{revision}/{}",
        base.trim_end_matches('/'),
        entry.repository,
        entry.file
    );
    let hub = Hub::new(base);
    if let Some(pinned) = pinned {
        same(entry, "repository", &entry.repository, &pinned.repository)?;
        same(entry, "file", &entry.file, &pinned.file)?;
    }
    let offer = hub.ask(&url)?;
    if let Some(pinned) = pinned {
        same(
            entry,
            "digest",
            &offer.digest.to_string(),
            &pinned.digest.to_string(),
        )?;
        same(
            entry,
            "size",
            &offer.size.to_string(),
            &pinned.size.to_string(),
        )?;
    }
    let offered = Pinned {
        repository: entry.repository.clone(),
        file: entry.file.clone(),
        revision: pinned.map_or(offer.revision, |pinned| pinned.revision.clone()),
        size: offer.size,
        digest: offer.digest,
    };
    fs::create_dir_all(folder).map_err(io(folder))?;
    // A file in a folder of the repository has no folder here.
    let name = entry.file.rsplit('/').next().unwrap_or(&entry.file);
    let path = folder.join(name);
    if path.is_file() && digest_file(&path)? == offered.digest {
        return Ok((path, offered));
    }
    let part = folder.join(format!("{name}.part"));
    fetch(&hub, &url, &part, &offered, &mut progress)?;
    fs::rename(&part, &path).map_err(io(&path))?;
    Ok((path, offered))
}

/// Fetches all of a file, over as many connections as it takes, and checks it.
fn fetch(
    hub: &Hub,
    url: &str,
    part: &Path,
    offered: &Pinned,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), PullError> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(part)
        .map_err(io(part))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(PullError::Busy {
                path: part.to_owned(),
            });
        }
        // A file system without locks is no reason to refuse.
        Err(TryLockError::Error(error)) => tracing::debug!(%error, "the file cannot be locked"),
    }
    let mut failures = 0;
    loop {
        let before = file.metadata().map_err(io(part))?.len();
        match hub.fetch(url, part, &mut file, offered.size, progress) {
            Ok(()) => break,
            Err(error @ PullError::Network { .. }) => {
                let after = file.metadata().map_err(io(part))?.len();
                failures = if after > before { 1 } else { failures + 1 };
                if failures == TRIES {
                    return Err(error);
                }
                tracing::warn!(failures, "the connection broke; going on");
                std::thread::sleep(Duration::from_millis(100 << failures));
            }
            Err(error) => return Err(error),
        }
    }
    let found = digest_file(part)?;
    if found != offered.digest {
        fs::remove_file(part).map_err(io(part))?;
        return Err(PullError::WrongDigest {
            path: part.to_owned(),
            found,
            expected: offered.digest,
        });
    }
    Ok(())
}

fn same(entry: &Entry, what: &'static str, offered: &str, pinned: &str) -> Result<(), PullError> {
    if offered == pinned {
        return Ok(());
    }
    Err(PullError::Changed {
        file: entry.file.clone(),
        what,
        offered: offered.to_owned(),
        pinned: pinned.to_owned(),
    })
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> PullError + '_ {
    move |source| PullError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_list_of_models_can_be_read_and_names_each_once() {
        let models = manifest();
        assert!(models.len() >= 3);
        let names: BTreeSet<&str> = models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(names.len(), models.len());
        assert!(models.iter().all(|model| model.file.ends_with(".gguf")));
    }
}
