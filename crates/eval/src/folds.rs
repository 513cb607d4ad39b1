use std::collections::{BTreeMap, BTreeSet};

/// How many parts a set is divided into.
const FOLDS: usize = 5;

/// The fold of each document, by name: folds are as even as can be, and a document is in one alone,
/// so that nothing is measured on a document that it was found on.
pub(crate) fn folds<'a>(documents: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let names: BTreeSet<&str> = documents.into_iter().collect();
    names
        .into_iter()
        .enumerate()
        .map(|(at, name)| (name, at % FOLDS))
        .collect()
}

/// The numbers of the folds.
pub(crate) fn all() -> std::ops::Range<usize> {
    0..FOLDS
}
