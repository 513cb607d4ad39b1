//! Reads rule packs and runs the checks that need no model.
