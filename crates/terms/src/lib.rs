//! Every noun of konform's vocabulary, as plain data.
//!
//! ```text
//! official texts ─ corpus ─▶ provisions ─ index ─▶ passages ─┐
//! rule packs ───── rules ──▶ requirements ───────────────────┼─ judge ─▶ findings ─ trace ─▶ report
//! documents ────── ingest ─▶ segments ───────────────────────┘
//! ```
//!
//! The stages on the arrows are crates of their own; they know these types and not each other.
//! Nothing here reads a file, a clock or the environment. The serialized form of these types is
//! what stands in corpora, traces and `findings.json`; a change of it is a change of those
//! formats' version.

mod digest;
mod document;
mod finding;
mod language;
mod measured;
mod provision;
mod requirement;
mod span;
mod verdict;
mod work;

pub use digest::{Digest, ParseDigestError};
pub use document::{
    Document, Format, Segment, SegmentKind, Unreadable, UnreadableReason, Warning, WarningKind,
};
pub use finding::{Citation, DecidedBy, Evidence, Finding, Link, Step, findings_digest};
pub use language::{Language, Localized, ParseLanguageError};
pub use measured::Measured;
pub use provision::{
    Address, Instrument, InstrumentId, Nature, Passage, PassageId, Provision, ProvisionRef,
};
pub use requirement::{
    Applies, Bound, Check, Identifier, Kind, Otherwise, Pack, Requirement, Scope, Severity, Test,
    Wording,
};
pub use span::Span;
pub use verdict::Verdict;
pub use work::{Asked, Purpose, Work};
