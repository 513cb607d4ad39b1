//! Runs a local language model behind one small trait.
