use std::collections::BTreeMap;

use konform_index::SegmentIndex;
use konform_terms::{
    Digest, Document, Finding, Language, Link, Passage, Requirement, Span, Verdict,
};
use serde::{Deserialize, Serialize};

/// Bounds and thresholds of judging; part of what pins a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How many segments the model reads at most.
    pub max_evidence: usize,
    /// How many passages the model reads at most.
    pub max_passages: usize,
    /// How many characters of a passage the model reads at most.
    pub passage_characters: usize,
    /// The probability below which a person decides.
    pub threshold: f64,
    /// Whether probabilities are calibrated for the model in use.
    pub calibrated: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_evidence: 4,
            max_passages: 2,
            passage_characters: 400,
            threshold: 0.6,
            calibrated: false,
        }
    }
}

/// One document and one requirement, with what other stages found about the two.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The document.
    pub document: &'a Document,
    /// The language it is judged in.
    pub language: Language,
    /// The search over the document's segments.
    pub segments: &'a SegmentIndex,
    /// The requirement.
    pub requirement: &'a Requirement,
    /// Whether the document is one that the requirement is about.
    pub scope: &'a Scoped,
    /// The outcomes of the requirement's checks, in their order.
    pub checks: &'a [Checked],
    /// The passages that the requirement comes from, pinned ones first.
    pub passages: &'a [CitedPassage],
}

/// Whether a document is in the scope of a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scoped {
    /// Whether it is.
    pub in_scope: bool,
    /// Where the words stand that say so.
    pub found: Vec<Span>,
    /// What the decision rests on, for people, in the language of the document.
    pub explanation: String,
}

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What it decides, if it does.
    pub verdict: Option<Verdict>,
    /// Where it found something.
    pub hits: Vec<Span>,
    /// What it found, for people, in the language of the document.
    pub explanation: String,
}

/// A passage and how it came to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct CitedPassage {
    /// The passage.
    pub passage: Passage,
    /// Pinned by the pack or found by search.
    pub link: Link,
}

/// A finding and the work that led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The finding.
    pub finding: Finding,
    /// The work.
    pub work: Work,
}

/// What the model was asked, what it answered and what that cost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Work {
    /// The digest of the prompt's parts; absent where no model was asked.
    pub prompt: Option<Digest>,
    /// Segments that were candidates for evidence, by index, with their score (BM25).
    pub candidates: Vec<(usize, f64)>,
    /// The log-probability of each letter over the whole vocabulary.
    pub log_probabilities: BTreeMap<String, f64>,
    /// The letter and ids as the model gave them.
    pub answer: String,
    /// Tokens that were evaluated.
    pub evaluated: usize,
    /// Tokens that were taken over from the prompt before.
    pub reused: usize,
}
