//! Reads rule packs and runs the checks that need no model.
//!
//! A pack is a YAML file (`docs/rules-format.md`); [`load`] and [`parse`] make a
//! [`konform_terms::Pack`] of it, or a [`RulesError`] that underlines what is wrong in the file.
//! A [`Checker`] holds the compiled scope and checks of one requirement and runs them on documents;
//! it gives verdicts where the pack lets it, and always the exact spans of what it found.

mod checker;
mod error;
mod identifiers;
mod phrases;
mod read;
mod values;
mod wire;

pub use checker::{CheckOutcome, Checker, ScopeOutcome, State};
pub use error::{Problem, RulesError};
pub use read::{Loaded, load, parse};
pub use wire::schema;
