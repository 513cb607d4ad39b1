use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// What the model was asked for a finding, what it answered and what that cost; empty where no
/// model was asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Work {
    /// The segments that were candidates for evidence, by index, best first, with their score
    /// (BM25).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<(usize, f64)>,
    /// The prompts, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// The letter and ids as the model gave them, where it was asked for ids.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub answer: String,
    /// Tokens that were evaluated.
    pub evaluated: usize,
    /// Tokens that were taken over from prompts before.
    pub reused: usize,
}

/// One prompt and the model's answer to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The segments that it showed, by index.
    pub segments: Vec<usize>,
    /// The digest of its parts.
    pub prompt: Digest,
    /// The natural logarithm of each letter's probability over the whole vocabulary.
    pub log_probabilities: BTreeMap<String, f64>,
}
