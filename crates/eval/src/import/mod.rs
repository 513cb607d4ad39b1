//! Formats of labelled sets that others made.

mod contract_nli;
mod table;

pub(crate) use contract_nli::contract_nli;
pub(crate) use table::table;
