use std::collections::BTreeMap;

use konform_index::SegmentIndex;
use konform_terms::{
    Applies, Document, Finding, Language, Link, Passage, Requirement, Span, Verdict, Work,
};
use serde::{Deserialize, Serialize};

/// How the model reads the evidence of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// All segments in one prompt: for models that can follow several sentences at a time.
    Together,
    /// Each segment in a prompt of its own; their log-odds are combined (see `weigh.rs`). Small
    /// models judge better so.
    Each,
}

/// What makes a model's log-odds probabilities, found on labelled data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What all log-odds are divided by; above 1 for a model that is too sure.
    pub temperature: f64,
    /// What is added to the log-odds of silence (the letter C), before that.
    pub silence: f64,
    /// What is added to the log-odds of the contrary (the letter B), before that.
    #[serde(default)]
    pub denial: f64,
}

/// How far one requirement's priors lie from those of its pack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Added to the prior of silence.
    pub silence: f64,
    /// Added to the prior of the contrary.
    pub denial: f64,
}

/// What was found on labelled documents of one rule pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackCalibration {
    /// What makes log-odds probabilities.
    pub calibration: Calibration,
    /// The probability below which a person decides.
    pub threshold: f64,
    /// What is different for single requirements, by their id (`pack/name`).
    pub requirements: BTreeMap<String, Shift>,
}

impl Calibration {
    /// The one that changes nothing.
    pub const NONE: Self = Self {
        temperature: 1.0,
        silence: 0.0,
        denial: 0.0,
    };
}

/// Bounds and thresholds of judging; part of what pins a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How the model reads the evidence.
    pub reading: Reading,
    /// How many segments the model reads at most.
    pub max_evidence: usize,
    /// How many passages the model reads at most.
    pub max_passages: usize,
    /// How many characters of a passage the model reads at most.
    pub passage_characters: usize,
    /// The probability below which a person decides.
    pub threshold: f64,
    /// Whether the model's leaning to yes or no, found on an empty document, is taken out.
    #[serde(default)]
    pub balanced: bool,
    /// Whether the model adds words of its own, which decide nothing.
    #[serde(default)]
    pub commentary: bool,
    /// The calibration of the model in use, if there is one.
    pub calibration: Option<Calibration>,
    /// What holds instead of `calibration` and `threshold` for the requirements of some packs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packs: BTreeMap<String, PackCalibration>,
}

impl Settings {
    /// The calibration and the threshold for a requirement.
    #[must_use]
    pub fn of(&self, requirement: &str) -> (Option<Calibration>, f64) {
        let pack = requirement
            .split_once('/')
            .and_then(|(pack, _)| self.packs.get(pack));
        let Some(pack) = pack else {
            return (self.calibration, self.threshold);
        };
        let shift = pack.requirements.get(requirement).copied();
        let Shift { silence, denial } = shift.unwrap_or_default();
        let own = Calibration {
            temperature: pack.calibration.temperature,
            silence: pack.calibration.silence + silence,
            denial: pack.calibration.denial + denial,
        };
        (Some(own), pack.threshold)
    }

    /// Lets every verdict of at least this probability stand, whatever was found on labelled data.
    pub fn decide_from(&mut self, threshold: f64) {
        self.threshold = threshold;
        for pack in self.packs.values_mut() {
            pack.threshold = threshold;
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reading: Reading::Together,
            max_evidence: 4,
            max_passages: 2,
            passage_characters: 1200,
            threshold: 0.6,
            balanced: true,
            commentary: false,
            calibration: None,
            packs: BTreeMap::new(),
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

/// Whether a requirement applies to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scoped {
    /// Whether it does.
    pub applies: Applies,
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
