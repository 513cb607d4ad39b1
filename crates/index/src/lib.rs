//! Ranks passages of law and segments of documents with tantivy.
