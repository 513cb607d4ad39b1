//! Fetches a model from a hub; the one part of konform that opens a connection.
//!
//! The hub answers `GET {base}/{repository}/resolve/{revision}/{file}` with the file, as a rule by
//! way of a redirect. The first answer carries what is pinned: `x-repo-commit` (the revision),
//! `x-linked-size` (bytes) and `x-linked-etag` (for large files their SHA-256). A download goes to
//! `FILE.part`, goes on where it was cut off, and gets its name only when its digest is right.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use konform_terms::Digest;
use serde::{Deserialize, Serialize};

use crate::gguf::{GgufError, digest_file};

/// The hub that is asked if no other is named.
pub const HUB: &str = "https://huggingface.co";
/// How often a cut connection is taken up again before the pull gives up.
const TRIES: usize = 5;
const REDIRECTS: usize = 5;

/// A model that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Its name here.
    pub name: String,
    /// The repository on the hub.
    pub repository: String,
    /// The file in the repository.
    pub file: String,
    /// Size, licence and needs, for people.
    pub about: String,
}

/// What a pull pins, as it stands in `konform.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        "{url} answers {status}. The model may have moved, or may need an account: fetch it \
             by hand and give its path to --model"
    )]
    Refused {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// The hub does not say what would pin the file.
    #[error("{url} gives no {what}, so the file cannot be pinned. Is this a model hub?")]
    NoMetadata {
        /// The address.
        url: String,
        /// The missing header.
        what: &'static str,
    },
    /// The hub offers another file than the pinned one.
    #[error(
        "{file}: the hub offers {offered}, konform.lock pins {pinned}. If the change is \
             intended, delete the entry from konform.lock"
    )]
    Changed {
        /// The file.
        file: String,
        /// The digest that the hub names.
        offered: Digest,
        /// The digest in the lock.
        pinned: Digest,
    },
    /// The file that came is not the file that was promised.
    #[error(
        "{path}: the file has digest {found}, the hub promises {expected}. It was deleted: \
             pull again"
    )]
    WrongDigest {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: Digest,
        /// What it should have.
        expected: Digest,
    },
    /// The file system refused, for example because the disk is full.
    #[error("{path} cannot be written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file could not be digested.
    #[error(transparent)]
    Digest(#[from] GgufError),
}

/// The models that konform knows.
#[must_use]
pub fn manifest() -> Vec<Entry> {
    #[derive(Deserialize)]
    struct Manifest {
        model: Vec<Entry>,
    }
    toml::from_str::<Manifest>(include_str!("../manifest.toml"))
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
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        .build()
        .into();
    let revision = pinned.map_or("main", |pinned| pinned.revision.as_str());
    let base = base.trim_end_matches('/');
    let url = format!(
        "{base}/{}/resolve/{revision}/{}",
        entry.repository, entry.file
    );
    let offered = ask(&agent, &url, entry)?;
    if let Some(pinned) = pinned
        && pinned.digest != offered.digest
    {
        return Err(PullError::Changed {
            file: entry.file.clone(),
            offered: offered.digest,
            pinned: pinned.digest,
        });
    }
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| PullError::Io { path, source }
    };
    fs::create_dir_all(folder).map_err(io(folder))?;
    let path = folder.join(&entry.file);
    if path.is_file() && digest_file(&path)? == offered.digest {
        return Ok((path, offered));
    }
    let part = folder.join(format!("{}.part", entry.file));
    for attempt in 1..=TRIES {
        match fetch(&agent, &url, &part, offered.size, &mut progress) {
            Ok(()) => break,
            Err(PullError::Network { .. }) if attempt < TRIES => {
                tracing::warn!(attempt, "the connection broke; going on");
                std::thread::sleep(Duration::from_millis(200 << attempt));
            }
            Err(error) => return Err(error),
        }
    }
    let found = digest_file(&part)?;
    if found != offered.digest {
        fs::remove_file(&part).map_err(io(&part))?;
        return Err(PullError::WrongDigest {
            path: part,
            found,
            expected: offered.digest,
        });
    }
    fs::rename(&part, &path).map_err(io(&path))?;
    Ok((path, offered))
}

/// Asks the hub what it offers, without fetching it.
fn ask(agent: &ureq::Agent, url: &str, entry: &Entry) -> Result<Pinned, PullError> {
    let answer = agent.head(url).call().map_err(network(url))?;
    let status = answer.status().as_u16();
    if status >= 400 {
        return Err(PullError::Refused {
            url: url.to_owned(),
            status,
        });
    }
    let header = |name: &'static str| {
        answer
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(|value| value.trim_matches('"').to_owned())
            .ok_or_else(|| PullError::NoMetadata {
                url: url.to_owned(),
                what: name,
            })
    };
    let missing = |what| PullError::NoMetadata {
        url: url.to_owned(),
        what,
    };
    Ok(Pinned {
        repository: entry.repository.clone(),
        file: entry.file.clone(),
        revision: header("x-repo-commit")?,
        size: header("x-linked-size")?
            .parse()
            .map_err(|_| missing("x-linked-size"))?,
        digest: format!("sha256:{}", header("x-linked-etag")?)
            .parse()
            .map_err(|_| missing("x-linked-etag"))?,
    })
}

/// Fetches what is missing of a file.
fn fetch(
    agent: &ureq::Agent,
    url: &str,
    part: &Path,
    size: u64,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), PullError> {
    let io = |source| PullError::Io {
        path: part.to_owned(),
        source,
    };
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(part)
        .map_err(io)?;
    let mut there = file.metadata().map_err(io)?.len();
    if there > size {
        file.set_len(0).map_err(io)?;
        there = 0;
    }
    if there == size {
        return Ok(());
    }
    let mut address = url.to_owned();
    for _ in 0..=REDIRECTS {
        let answer = agent
            .get(&address)
            .header("range", format!("bytes={there}-"))
            .call()
            .map_err(network(&address))?;
        let status = answer.status().as_u16();
        match status {
            200 | 206 => {
                if status == 200 && there > 0 {
                    // The server cannot go on in the middle: begin again.
                    file.set_len(0).map_err(io)?;
                    there = 0;
                }
                return copy(answer, &mut file, &address, part, there, size, progress);
            }
            301..=308 => {
                let target = answer
                    .headers()
                    .get("location")
                    .and_then(|v| v.to_str().ok());
                let target = target.ok_or_else(|| PullError::NoMetadata {
                    url: address.clone(),
                    what: "location",
                })?;
                address = resolve(&address, target);
            }
            _ => {
                return Err(PullError::Refused {
                    url: address,
                    status,
                });
            }
        }
    }
    Err(PullError::Refused {
        url: address,
        status: 310,
    })
}

fn copy(
    answer: ureq::http::Response<ureq::Body>,
    file: &mut File,
    address: &str,
    part: &Path,
    mut there: u64,
    size: u64,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), PullError> {
    let io = |source| PullError::Io {
        path: part.to_owned(),
        source,
    };
    let broken = |source: io::Error| PullError::Network {
        url: address.to_owned(),
        source: Box::new(ureq::Error::Io(source)),
    };
    let mut body = answer.into_body();
    let mut reader = body.as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = reader.read(&mut buffer).map_err(broken)?;
        if read == 0 {
            break;
        }
        file.write_all(&buffer[..read]).map_err(io)?;
        there += read as u64;
        progress(there, size);
    }
    file.sync_all().map_err(io)?;
    if there < size {
        return Err(broken(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(())
}

/// The address that a redirect leads to; it may be relative to the host.
fn resolve(address: &str, target: &str) -> String {
    if target.contains("://") {
        return target.to_owned();
    }
    let host = address.find("://").map_or(0, |at| at + 3);
    let host_end = address[host..]
        .find('/')
        .map_or(address.len(), |at| host + at);
    format!(
        "{}/{}",
        &address[..host_end],
        target.trim_start_matches('/')
    )
}

fn network(url: &str) -> impl FnOnce(ureq::Error) -> PullError + '_ {
    move |source| PullError::Network {
        url: url.to_owned(),
        source: Box::new(source),
    }
}
