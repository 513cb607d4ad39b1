use std::collections::BTreeMap;

use konform_terms::{Digest, Finding, Format, Language, Unreadable, Verdict, Warning, Work};
use serde::{Deserialize, Serialize};

/// What one line of a trace tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// A run begins; always the first record.
    Run {
        /// When, and by which version of konform.
        start: Start,
        /// What pins the run.
        pins: Pins,
    },
    /// An interrupted or finished run goes on.
    Resume {
        /// When, and by which version of konform.
        start: Start,
        /// How many findings stood in the trace already.
        findings: usize,
    },
    /// A document was read.
    Document(DocumentRead),
    /// A document could not be read.
    Unreadable(Unreadable),
    /// A document was judged against a requirement.
    Finding {
        /// The finding.
        finding: Box<Finding>,
        /// The work that led to it.
        work: Work,
    },
    /// The run came to its end.
    End {
        /// The digest of all findings ([`konform_terms::findings_digest`]).
        findings_digest: Digest,
        /// How many findings have each verdict.
        counts: BTreeMap<Verdict, usize>,
    },
}

/// When and by what a run was begun or gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The version of konform.
    pub version: String,
    /// The time, after RFC 3339, as the command line saw it.
    pub at: String,
}

/// What pins a run: with the same pins and the same documents every finding is the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pins {
    /// The model and the engine that runs it, with the digest of the model file.
    pub model: serde_json::Value,
    /// The digest of the corpus.
    pub corpus: Digest,
    /// The digest of each rule pack.
    pub rules: BTreeMap<String, Digest>,
    /// Settings of judging and reading.
    pub settings: serde_json::Value,
    /// The version of the prompt's wording.
    pub prompt: String,
}

impl Pins {
    /// Whether two runs are pinned alike. Pins that were read from a trace can differ in how a
    /// number is written (`1` for `1.0`), which makes no difference.
    #[must_use]
    pub fn agree(&self, other: &Self) -> bool {
        Digest::of_json(self) == Digest::of_json(other)
    }
}

/// A document as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRead {
    /// Its path.
    pub path: String,
    /// Its format.
    pub format: Format,
    /// The digest of its bytes.
    pub digest: Digest,
    /// The digest of its extracted text, which every span of its findings refers to.
    pub text_digest: Digest,
    /// Its language, where certain.
    pub language: Option<Language>,
    /// How many pages it has, for formats with pages.
    pub pages: usize,
    /// How many segments it has.
    pub segments: usize,
    /// How many bytes its text has.
    pub bytes: usize,
    /// What went wrong while reading.
    pub warnings: Vec<Warning>,
}

impl From<&konform_terms::Document> for DocumentRead {
    fn from(document: &konform_terms::Document) -> Self {
        Self {
            path: document.path.clone(),
            format: document.format,
            digest: document.digest,
            text_digest: document.text_digest(),
            language: document.language,
            pages: document.pages.len(),
            segments: document.segments.len(),
            bytes: document.text.len(),
            warnings: document.warnings.clone(),
        }
    }
}
