//! Appends to, reads and verifies the hash-chained record of a run.
//!
//! # The format `konform-trace/1`
//!
//! A trace is a text file of JSON Lines: one JSON object per line in canonical form (RFC 8785:
//! members in alphabetical order, no white space, UTF-8), each line ended by one line feed. Every
//! object has the members, in this order,
//!
//! | member | holds |
//! |---|---|
//! | `hash` | `sha256:` and the SHA-256, in lower-case hexadecimal, of the line without this member and without the line feed |
//! | `previous` | the `hash` of the record before; for the first record the digest of the text `konform-trace/1` |
//! | `record` | what happened, an object whose member `kind` says what it is ([`Record`]) |
//! | `seq` | the number of the record, counted from 0 |
//!
//! The hash covers bytes, so a stream editor and `sha256sum` are enough to check a line: cut
//! `"hash":"…",` from its beginning and digest the rest.
//!
//! Lines are only ever added. A line that is changed, left out, added or moved breaks the chain at
//! that place. A last line without its line feed is *torn*: the process was killed while it wrote.
//! It is dropped when the run is resumed, and nothing that stands before it is touched. Anything
//! else that does not hold is an error, in the last line too.
//!
//! What a chain cannot show is that someone wrote the whole of it anew, or cut it at the end of an
//! earlier run. Against that, keep the hash of the last line, or the findings digest that
//! `findings.json` and the report state, where the author of the trace cannot change it.
//!
//! Integers beyond 2^53 have no exact canonical form and are to be written as strings; members of
//! [`Record`] stay below.
//!
//! # Durability
//!
//! A record is one write, handed to the operating system before the next case is judged, so a
//! killed process loses at most the finding that it was working on. The file is synced to the disk
//! at the `end` record only; a power failure in the middle of a run may lose the last seconds.
//! While a trace is written, the file is locked.

mod chain;
mod record;
mod verify;

pub use chain::{Trace, TraceError, Writer};
pub use record::{DocumentRead, Pins, Record, Start};
pub use verify::{DocumentText, Problem, Sources, Verification, verify};
