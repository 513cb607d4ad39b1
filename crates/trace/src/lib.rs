//! Appends to, reads and verifies the hash-chained record of a run.
//!
//! # The format `konform-trace/1`
//!
//! A trace is a text file of JSON Lines: one JSON object per line, UTF-8, each line ended by one
//! line feed. Every object has the members
//!
//! | member | holds |
//! |---|---|
//! | `seq` | the number of the record, counted from 0 |
//! | `previous` | the `hash` of the record before; for the first record the digest of `konform-trace/1` |
//! | `record` | what happened, an object whose member `kind` says what it is ([`Record`]) |
//! | `hash` | SHA-256 of the canonical JSON (RFC 8785) of the object without this member |
//!
//! Lines are only ever added. A line that is changed, left out, added or moved breaks the chain at
//! that place. The last line of a run that was killed may be torn; it is dropped when the run is
//! resumed, and nothing that stands before it is touched.
//!
//! A record is handed to the operating system before the next case is judged, so a killed process
//! loses at most the finding that it was working on. The file is synced to the disk at the end.

mod chain;
mod record;
mod verify;

pub use chain::{Trace, TraceError, Writer};
pub use record::{DocumentRead, Pins, Record, Start, Work};
pub use verify::{DocumentText, Problem, Sources, Verification, verify};
