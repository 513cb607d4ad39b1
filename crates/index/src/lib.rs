//! Ranks passages of law and segments of documents.
//!
//! [`LawIndex`] is a tantivy index, on disk beside the corpus or in memory, that is built anew
//! when the corpus or the analyzers change. [`SegmentIndex`] ranks the segments of one document
//! with the same analyzers and the same formula (BM25, k1 = 1.2, b = 0.75); it is a page of code
//! of its own because an index writer per document costs more than the whole search.
//!
//! Equal scores are ordered by passage and by place in the document, so a search has one answer.

mod analysis;
mod law;
mod segments;

pub use analysis::ANALYZER_VERSION;
pub use law::{Hit, IndexError, LawIndex, Piece};
pub use segments::SegmentIndex;
