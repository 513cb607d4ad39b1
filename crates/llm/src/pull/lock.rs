use std::{collections::BTreeMap, fs, io, path::Path};

use konform_terms::Digest;
use serde::{Deserialize, Serialize};

use super::PullError;

/// What a pull pins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// The repository on the hub.
    pub repository: String,
    /// The file in the repository.
    pub file: String,
    /// The revision of the repository.
    pub revision: String,
    /// The size in bytes.
    pub size: u64,
    /// The digest of the file.
    pub digest: Digest,
}

/// The pinned models by name, as `konform.lock` holds them (TOML, a table `model.NAME` each).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The models.
    #[serde(default)]
    pub model: BTreeMap<String, Pinned>,
}

impl Lock {
    /// Reads a lock file; where there is none, nothing is pinned.
    ///
    /// # Errors
    /// If it cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, PullError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(PullError::Io {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        toml::from_str(&text).map_err(|source| PullError::Lock {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Writes the lock file, all of it or nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), PullError> {
        let io = |source| PullError::Io {
            path: path.to_owned(),
            source,
        };
        let body = toml::to_string(self).map_err(|error| io(io::Error::other(error)))?;
        let text =
            format!("# Written by `konform model pull`: what each model has to be.\n\n{body}");
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        fs::write(&new, text).map_err(io)?;
        fs::rename(&new, path).map_err(io)
    }
}
