//! How a model did on labelled documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// How a model did on a labelled set, by its calibration file. All shares are of documents that the
/// calibration was not found on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// The name of the labelled set.
    pub set: String,
    /// The digest of its file.
    pub digest: Digest,
    /// How many documents it has.
    pub documents: usize,
    /// How many verdicts are labelled in it.
    pub labels: usize,
    /// The share of likeliest verdicts that were right.
    pub accuracy: f64,
    /// How often always giving each requirement's most frequent verdict is right.
    pub most_frequent: Option<f64>,
    /// The expected calibration error, in 15 bins.
    pub calibration_error: f64,
    /// The share of verdicts that the calibration's own threshold decides.
    pub decided: f64,
    /// The share of the decided that was right.
    pub decided_right: f64,
}
