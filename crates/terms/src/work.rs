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
    /// Tokens that were evaluated.
    pub evaluated: usize,
    /// Tokens that were taken over from prompts before.
    pub reused: usize,
}

/// What a prompt was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The verdict: it shows evidence and law as they are.
    #[default]
    Evidence,
    /// What the model leans to where there is nothing to judge by.
    Blank,
    /// How the verdict stands without one piece of evidence or one passage.
    Without,
    /// How it stands with the shown evidence alone.
    Alone,
}

/// One prompt and the model's answer to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// What it was for.
    #[serde(default)]
    pub purpose: Purpose,
    /// The segments that it showed, by index.
    pub segments: Vec<usize>,
    /// The numbers of the passages that it showed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<usize>,
    /// The digest of its parts.
    pub prompt: Digest,
    /// The natural logarithm of each letter's probability over the whole vocabulary.
    pub log_probabilities: BTreeMap<String, f64>,
}
