//! Reads documents of every supported format into segments.
