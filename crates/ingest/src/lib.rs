//! Reads documents of every supported format into segments.
//!
//! ```text
//! paths ─ discover ─▶ files ─ ingest ─▶ one child process per file ─ read ─▶ Document | Unreadable
//!
//! read:  bytes ─ sniff ─▶ pdf │ docx │ html │ markdown │ text ─▶ Draft (blocks) ─ compose ─▶ Document
//! ```
//!
//! A format reader knows its format and nothing of sentences: it gives a `Draft`, which is a list of
//! blocks (heading, paragraph, list item, table cell) in reading order. [`read`] joins the blocks to
//! one text, finds the language, and cuts every block into segments whose spans quote that text.
//!
//! A file is never skipped in silence. What cannot be read is an [`Unreadable`] with a reason and a
//! remedy; what was read with a doubt carries a warning, and a PDF that had to be repaired is marked
//! damaged, for nothing may be concluded from what is not in it.
//!
//! Files come from strangers, so [`ingest`] reads each in a process of its own, with limits for time
//! and memory; the program that calls it provides the process and answers in it with [`worker_main`].
//!
//! [`Unreadable`]: konform_terms::Unreadable

mod compose;
mod decode;
mod discover;
mod docx;
mod draft;
mod error;
mod html;
mod language;
mod limits;
mod markdown;
mod markup;
mod pdf;
mod read;
mod sentences;
mod sniff;
mod text;
mod verbatim;
mod worker;

pub use discover::{Found, discover};
pub use error::IngestError;
pub use limits::Limits;
pub use read::read;
pub use verbatim::verbatim;
pub use worker::{WorkerCommand, ingest, worker_main};

/// The formats that are read, for messages.
pub const FORMATS: &str = "PDF, DOCX, HTML, Markdown and plain text";
