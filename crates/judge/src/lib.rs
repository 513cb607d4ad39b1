//! Judges one document against one requirement.
