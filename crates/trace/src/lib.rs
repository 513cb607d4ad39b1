//! Appends to, reads and verifies the hash-chained record of a run.
