use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use konform_terms::{Digest, Finding};
use serde::{Deserialize, Serialize};

use crate::record::{Pins, Record};

/// The name of the format, whose digest begins every chain.
pub(crate) const FORMAT: &str = "konform-trace/1";

/// Says what is wrong with a trace, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file system refused.
    #[error("{path}: the trace cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process writes it.
    #[error("{path}: another run writes this trace. Wait for it to end, or choose another --out")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A line was changed, left out, added or moved.
    #[error("{path}, line {line}: {problem}. The trace was changed after it was written")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What does not hold.
        problem: String,
    },
    /// There is no record.
    #[error("{path}: there is no record in this trace. Begin a new run")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// A line of a trace without its hash, as it is written.
#[derive(Serialize)]
struct Body<'a> {
    previous: Digest,
    record: &'a Record,
    seq: u64,
}

/// A line of a trace without its hash, as it is read.
#[derive(Deserialize)]
struct ReadBody {
    previous: Digest,
    record: Record,
    seq: u64,
}

/// What every line begins with: in canonical JSON the members stand in alphabetical order, so the
/// hash comes first and a line without it is made by cutting.
const OPENING: &str = r#"{"hash":""#;
const HASH_LENGTH: usize = "sha256:".len() + 64;

/// Writes a line: its hash, and the body that the hash covers.
fn write_line(body: &Body<'_>) -> io::Result<(Vec<u8>, Digest)> {
    let body = serde_json_canonicalizer::to_vec(body)?;
    let hash = Digest::of(&body);
    let mut line = format!("{OPENING}{hash}\",").into_bytes();
    line.extend_from_slice(&body[1..]);
    line.push(b'\n');
    Ok((line, hash))
}

/// Cuts a line into the hash that it states and the body that the hash covers.
fn cut_line(line: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let rest = line.strip_prefix(OPENING.as_bytes())?;
    let (hash, rest) = rest.split_at_checked(HASH_LENGTH)?;
    let rest = rest.strip_prefix(b"\",")?;
    Some((hash, [b"{", rest].concat()))
}

/// Appends records to a trace. It holds a lock on the file as long as it lives.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: File,
    seq: u64,
    previous: Digest,
}

impl Writer {
    /// Begins a trace; what stood in the file is replaced.
    ///
    /// # Errors
    /// If the file cannot be written, or another process writes it.
    pub fn create(path: &Path) -> Result<Self, TraceError> {
        let writer = Self::open(path, Digest::of(FORMAT), 0)?;
        writer.file.set_len(0).map_err(|source| writer.io(source))?;
        Ok(writer)
    }

    /// Goes on with a trace: verifies its chain, drops a torn last line, and gives what it holds.
    ///
    /// # Errors
    /// If the file cannot be read or written, another process writes it, its chain is broken, or it
    /// holds no whole record: then there is nothing to go on with, and [`Writer::create`] begins.
    pub fn resume(path: &Path) -> Result<(Self, Trace), TraceError> {
        let mut writer = Self::open(path, Digest::of(FORMAT), 0)?;
        let mut bytes = Vec::new();
        writer
            .file
            .read_to_end(&mut bytes)
            .map_err(|source| writer.io(source))?;
        let trace = Trace::parse(path, &bytes)?;
        let whole = bytes.len() - trace.torn;
        writer
            .file
            .set_len(whole as u64)
            .map_err(|source| writer.io(source))?;
        writer
            .file
            .seek(SeekFrom::End(0))
            .map_err(|source| writer.io(source))?;
        writer.seq = trace.records.len() as u64;
        writer.previous = trace.head;
        Ok((writer, trace))
    }

    fn open(path: &Path, previous: Digest, seq: u64) -> Result<Self, TraceError> {
        let io = |source| TraceError::Io {
            path: path.to_owned(),
            source,
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(TraceError::Locked {
                    path: path.to_owned(),
                });
            }
            // A file system without locks is no reason not to work.
            Err(TryLockError::Error(_)) => {}
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            seq,
            previous,
        })
    }

    /// Appends a record and hands it to the operating system; an `end` is synced to the disk.
    ///
    /// # Errors
    /// If the file cannot be written, for example because the disk is full. What was appended
    /// before stays whole.
    pub fn append(&mut self, record: &Record) -> Result<(), TraceError> {
        let body = Body {
            previous: self.previous,
            record,
            seq: self.seq,
        };
        let (bytes, hash) = write_line(&body).map_err(|source| self.io(source))?;
        self.file
            .write_all(&bytes)
            .map_err(|source| self.io(source))?;
        if matches!(record, Record::End { .. }) {
            self.file.sync_all().map_err(|source| self.io(source))?;
        }
        self.seq += 1;
        self.previous = hash;
        Ok(())
    }

    fn io(&self, source: io::Error) -> TraceError {
        TraceError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

/// The records of a trace whose chain holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// All records, in their order.
    pub records: Vec<Record>,
    /// The hash of the last record.
    pub head: Digest,
    /// How many bytes of a torn last line follow.
    pub torn: usize,
}

impl Trace {
    /// Reads a trace and verifies its chain.
    ///
    /// # Errors
    /// If the file cannot be read, or the chain is broken; the error names the line.
    pub fn read(path: &Path) -> Result<Self, TraceError> {
        let bytes = std::fs::read(path).map_err(|source| TraceError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &bytes)
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TraceError> {
        let mut records = Vec::new();
        let mut head = Digest::of(FORMAT);
        let mut torn = 0;
        for (index, bytes) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let broken = |problem: String| TraceError::Broken {
                path: path.to_owned(),
                line: index + 1,
                problem,
            };
            let Some(line) = bytes.strip_suffix(b"\n") else {
                torn = bytes.len();
                break;
            };
            let Some((hash, body)) = cut_line(line) else {
                return Err(broken("it does not begin with a hash".to_owned()));
            };
            let digest = Digest::of(&body);
            if digest.to_string().as_bytes() != hash {
                return Err(broken(
                    "its content does not have the hash it states".to_owned(),
                ));
            }
            let body: ReadBody = serde_json::from_slice(&body)
                .map_err(|error| broken(format!("not a record of {FORMAT} ({error})")))?;
            if body.seq != index as u64 {
                return Err(broken(format!(
                    "the record has number {}, expected {index}",
                    body.seq
                )));
            }
            if body.previous != head {
                return Err(broken("it does not follow the record before it".to_owned()));
            }
            if matches!(body.record, Record::Run { .. }) != (index == 0) {
                return Err(broken(
                    "a run begins at the first record, and only there".to_owned(),
                ));
            }
            head = digest;
            records.push(body.record);
        }
        if records.is_empty() {
            return Err(TraceError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            records,
            head,
            torn,
        })
    }

    /// What pins the run.
    #[must_use]
    pub fn pins(&self) -> Option<&Pins> {
        self.records.iter().find_map(|record| match record {
            Record::Run { pins, .. } => Some(pins),
            _ => None,
        })
    }

    /// The findings; for each document and requirement the last one.
    #[must_use]
    pub fn findings(&self) -> Vec<&Finding> {
        let mut last = BTreeMap::new();
        for record in &self.records {
            if let Record::Finding { finding, .. } = record {
                last.insert((&finding.document, &finding.requirement), finding.as_ref());
            }
        }
        last.into_values().collect()
    }

    /// Whether the run came to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.torn == 0 && matches!(self.records.last(), Some(Record::End { .. }))
    }
}
