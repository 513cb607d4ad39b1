//! Reads texts of law into provisions and keeps them as a corpus.
//!
//! An importer turns a file into a [`Text`]: one instrument in one language and version, with its
//! provisions in their order. Importers exist for Formex 4 (consolidated law of the European Union
//! and the Official Journal) and for a Markdown format of konform's own (`docs/corpus-format.md`).
//! A [`Corpus`] is a set of texts, kept in a folder and pinned by a digest; an official text in it
//! stands before a paraphrase of the same instrument, and a later version before an earlier one.
//!
//! Three things hold for every text, whatever it was imported from:
//!
//! - an address names one provision, and the same one in every language;
//! - a provision's text stands in its source in one piece, apart from white space, which is folded
//!   to single spaces, and notes, which are left out;
//! - nothing numbered or between numbers is lost: headings and texts, one after the other, are the
//!   enacting terms and the annexes.

mod error;
mod formex;
mod labels;
mod markdown;
mod outline;
mod store;
mod text;

pub use error::CorpusError;
pub use store::{Added, Corpus};
pub use text::{Text, import};
