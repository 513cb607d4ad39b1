//! Reads official texts of law into provisions and keeps them as a corpus.
