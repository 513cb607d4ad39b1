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
    #[error("{path}: there is no record in this trace")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// A line of a trace, without its hash.
#[derive(Serialize)]
struct Link<'a> {
    seq: u64,
    previous: Digest,
    record: &'a serde_json::Value,
}

/// A line of a trace.
#[derive(Serialize, Deserialize)]
struct Line {
    seq: u64,
    previous: Digest,
    record: serde_json::Value,
    hash: Digest,
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
    /// If the file cannot be read or written, another process writes it, or its chain is broken.
    pub fn resume(path: &Path) -> Result<(Self, Trace), TraceError> {
        let mut writer = Self::open(path, Digest::of(FORMAT), 0)?;
        let mut bytes = Vec::new();
        writer.file.read_to_end(&mut bytes).map_err(|source| writer.io(source))?;
        let trace = Trace::parse(path, &bytes)?;
        let whole = bytes.len() - trace.torn;
        writer.file.set_len(whole as u64).map_err(|source| writer.io(source))?;
        writer.file.seek(SeekFrom::End(0)).map_err(|source| writer.io(source))?;
        writer.seq = trace.records.len() as u64;
        writer.previous = trace.head;
        Ok((writer, trace))
    }

    fn open(path: &Path, previous: Digest, seq: u64) -> Result<Self, TraceError> {
        let io = |source| TraceError::Io { path: path.to_owned(), source };
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
                return Err(TraceError::Locked { path: path.to_owned() });
            }
            // A file system without locks is no reason not to work.
            Err(TryLockError::Error(_)) => {}
        }
        Ok(Self { path: path.to_owned(), file, seq, previous })
    }

    /// Appends a record and hands it to the operating system; an `end` is synced to the disk.
    ///
    /// # Errors
    /// If the file cannot be written, for example because the disk is full. What was appended
    /// before stays whole.
    pub fn append(&mut self, record: &Record) -> Result<(), TraceError> {
        let value = serde_json::to_value(record).map_err(|error| self.io(error.into()))?;
        let link = Link { seq: self.seq, previous: self.previous, record: &value };
        let hash = Digest::of_json(&link);
        let line = Line { seq: self.seq, previous: self.previous, record: value, hash };
        let mut bytes = serde_json::to_vec(&line).map_err(|error| self.io(error.into()))?;
        bytes.push(b'\n');
        self.file.write_all(&bytes).map_err(|source| self.io(source))?;
        if matches!(record, Record::End { .. }) {
            self.file.sync_all().map_err(|source| self.io(source))?;
        }
        self.seq += 1;
        self.previous = hash;
        Ok(())
    }

    fn io(&self, source: io::Error) -> TraceError {
        TraceError::Io { path: self.path.clone(), source }
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
        let bytes = std::fs::read(path)
            .map_err(|source| TraceError::Io { path: path.to_owned(), source })?;
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
            if bytes.last() != Some(&b'\n') {
                torn = bytes.len();
                break;
            }
            let line: Line = serde_json::from_slice(bytes)
                .map_err(|error| broken(format!("not a record ({error})")))?;
            if line.seq != index as u64 {
                return Err(broken(format!(
                    "the record has number {}, expected {index}",
                    line.seq
                )));
            }
            if line.previous != head {
                return Err(broken("it does not follow the record before it".to_owned()));
            }
            let link = Link { seq: line.seq, previous: line.previous, record: &line.record };
            if Digest::of_json(&link) != line.hash {
                return Err(broken("its content does not have the hash it states".to_owned()));
            }
            // The hash covers the values; only konform's own writing of them is a record.
            let mut written = serde_json::to_vec(&line).map_err(|e| broken(e.to_string()))?;
            written.push(b'\n');
            if written != bytes {
                return Err(broken("it is not written the way konform writes it".to_owned()));
            }
            head = line.hash;
            let record = serde_json::from_value(line.record)
                .map_err(|error| broken(format!("not a record of {FORMAT} ({error})")))?;
            records.push(record);
        }
        if records.is_empty() {
            return Err(TraceError::Empty { path: path.to_owned() });
        }
        Ok(Self { records, head, torn })
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
