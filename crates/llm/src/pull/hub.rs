//! The conversation with the hub. Redirects are followed here and not by the client: the first
//! answer alone says what the file is.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
    time::Duration,
};

use konform_terms::Digest;
use ureq::http::Response;

use super::PullError;
use crate::human::bytes;

const REDIRECTS: usize = 5;

/// What the hub says of a file.
#[derive(Debug)]
pub(super) struct Offer {
    pub revision: String,
    pub size: u64,
    pub digest: Digest,
}

pub(super) struct Hub {
    agent: ureq::Agent,
}

impl Hub {
    pub(super) fn new(base: &str) -> Self {
        let mut config = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_resolve(Some(Duration::from_secs(30)))
            .timeout_connect(Some(Duration::from_secs(30)))
            // A connection on which nothing comes is dead; a slow one is not.
            .timeout_per_read(Some(Duration::from_secs(60)));
        if is_loopback(base) {
            config = config.proxy(None);
        }
        Self {
            agent: config.build().into(),
        }
    }

    /// Asks what the hub offers, without fetching it.
    pub(super) fn ask(&self, url: &str) -> Result<Offer, PullError> {
        let mut address = url.to_owned();
        for _ in 0..=REDIRECTS {
            let answer = self
                .agent
                .head(&address)
                .call()
                .map_err(network(&address))?;
            let status = answer.status().as_u16();
            if status >= 400 {
                return Err(PullError::Refused {
                    url: address,
                    status,
                });
            }
            // A repository that was renamed leads to its new name on the same hub first.
            if let Some(target) = location(&answer)
                && answer.headers().get("x-linked-etag").is_none()
                && origin(&resolve(&address, target)) == origin(&address)
            {
                address = resolve(&address, target);
                continue;
            }
            return offer(&answer, url);
        }
        Err(PullError::Redirects {
            url: url.to_owned(),
        })
    }

    /// Fetches what is missing of a file and tells of each piece.
    pub(super) fn fetch(
        &self,
        url: &str,
        part: &Path,
        file: &mut File,
        size: u64,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), PullError> {
        let io = |source| PullError::Io {
            path: part.to_owned(),
            source,
        };
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
            let mut request = self
                .agent
                .get(&address)
                .header("accept-encoding", "identity");
            if there > 0 {
                request = request.header("range", format!("bytes={there}-"));
            }
            let answer = request.call().map_err(network(&address))?;
            match answer.status().as_u16() {
                // A server that cannot go on in the middle begins again.
                200 if there > 0 => file.set_len(0).map_err(io)?,
                200 => {}
                206 if begins_at(&answer, there) => {}
                status @ 301..=308 => {
                    let target = location(&answer).ok_or(PullError::Refused {
                        url: address.clone(),
                        status,
                    })?;
                    address = resolve(&address, target);
                    continue;
                }
                status => {
                    return Err(PullError::Refused {
                        url: address,
                        status,
                    });
                }
            }
            return copy(answer, &address, part, file, size, progress);
        }
        Err(PullError::Redirects {
            url: url.to_owned(),
        })
    }
}

fn offer(answer: &Response<ureq::Body>, url: &str) -> Result<Offer, PullError> {
    let header = |name: &'static str| {
        let value = answer
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value
            .map(|value| value.trim_start_matches("W/").trim_matches('"').to_owned())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| no_metadata(url, name))
    };
    Ok(Offer {
        revision: header("x-repo-commit")?,
        size: header("x-linked-size")?
            .parse()
            .map_err(|_| no_metadata(url, "x-linked-size"))?,
        digest: format!("sha256:{}", header("x-linked-etag")?)
            .parse()
            .map_err(|_| no_metadata(url, "x-linked-etag"))?,
    })
}

fn copy(
    answer: Response<ureq::Body>,
    address: &str,
    part: &Path,
    file: &mut File,
    size: u64,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), PullError> {
    let broken = |source: io::Error| PullError::Network {
        url: address.to_owned(),
        source: Box::new(ureq::Error::Io(source)),
    };
    let mut there = file
        .seek(io::SeekFrom::End(0))
        .map_err(|source| PullError::Io {
            path: part.to_owned(),
            source,
        })?;
    let unwritten = |source: io::Error, there: u64| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => PullError::DiskFull {
            path: part.to_owned(),
            missing: bytes(size - there),
        },
        _ => PullError::Io {
            path: part.to_owned(),
            source,
        },
    };
    // Not a byte more than was promised, whatever the server sends.
    let mut reader = answer.into_body().into_reader().take(size - there);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = reader.read(&mut buffer).map_err(broken)?;
        if read == 0 {
            break;
        }
        file.write_all(&buffer[..read])
            .map_err(|source| unwritten(source, there))?;
        there += read as u64;
        progress(there, size);
    }
    file.sync_all().map_err(|source| unwritten(source, there))?;
    if there < size {
        return Err(broken(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(())
}

/// Whether a partial answer is the part that was asked for.
fn begins_at(answer: &Response<ureq::Body>, there: u64) -> bool {
    let range = answer.headers().get("content-range");
    let range = range
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    range.starts_with(&format!("bytes {there}-"))
}

fn location(answer: &Response<ureq::Body>) -> Option<&str> {
    let redirect = (301..=308).contains(&answer.status().as_u16());
    let target = answer.headers().get("location")?.to_str().ok()?;
    redirect.then_some(target)
}

/// Scheme, host and port of an address.
fn origin(address: &str) -> &str {
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..]
        .find('/')
        .map_or(address.len(), |at| host + at);
    &address[..end]
}

fn is_loopback(address: &str) -> bool {
    let host = origin(address).rsplit("://").next().unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| host.starts_with(name))
}

/// The address that a redirect leads to; it may be relative to the host.
fn resolve(address: &str, target: &str) -> String {
    if target.contains("://") {
        return target.to_owned();
    }
    format!("{}/{}", origin(address), target.trim_start_matches('/'))
}

fn network(url: &str) -> impl FnOnce(ureq::Error) -> PullError + '_ {
    move |source| PullError::Network {
        url: url.to_owned(),
        source: Box::new(source),
    }
}

fn no_metadata(url: &str, what: &'static str) -> PullError {
    PullError::NoMetadata {
        url: url.to_owned(),
        what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_absolute_or_relative_to_the_host() {
        let from = "https://hub.example/a/resolve/main/b.gguf";
        assert_eq!(resolve(from, "/c/d"), "https://hub.example/c/d");
        assert_eq!(
            resolve(from, "https://cdn.example/e"),
            "https://cdn.example/e"
        );
        assert_eq!(origin(from), "https://hub.example");
        assert_eq!(origin("http://127.0.0.1:80"), "http://127.0.0.1:80");
        assert!(is_loopback("http://127.0.0.1:80/x") && !is_loopback(from));
    }
}
