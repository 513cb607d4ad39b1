use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Address, Digest, InstrumentId, Language, Nature, Severity, Span, UnreadableReason, Verdict,
};

/// What konform found for one document and one requirement, with everything that a reader needs
/// to check it: verdict, probability, evidence, citations and justification.
///
/// This is the unit of `findings.json` and of the trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The path of the document.
    pub document: String,
    /// The digest of the document's bytes; absent where they could not be read.
    pub document_digest: Option<Digest>,
    /// The requirement; absent where the document could not be read.
    pub requirement: Option<String>,
    /// The digest of the requirement.
    pub requirement_digest: Option<Digest>,
    /// How much a failure weighs; absent where there is no requirement.
    pub severity: Option<Severity>,
    /// The verdict.
    pub verdict: Verdict,
    /// What decided: a check, the scope, the model or the reading.
    pub decided_by: DecidedBy,
    /// The probability of the verdict, or for `undetermined` that of the likeliest verdict;
    /// absent where no model was asked.
    pub probability: Option<f64>,
    /// The probability of each verdict the model could choose; empty where no model was asked.
    pub distribution: BTreeMap<Verdict, f64>,
    /// The probability of the same verdict where the model reads the shown evidence alone; absent
    /// where no evidence is shown or it was not measured.
    pub sufficient: Option<f64>,
    /// The probability of the same verdict where the model reads all but the shown evidence; absent
    /// where no evidence is shown or it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<f64>,
    /// Whether the probabilities were calibrated on labelled data for this model.
    pub calibrated: bool,
    /// The segments that the verdict rests on.
    pub evidence: Vec<Evidence>,
    /// The segments that were read as well and that the verdict does not rest on. For `missing`
    /// this is what was looked at.
    pub also_read: Vec<Evidence>,
    /// The passages that the verdict rests on.
    pub citations: Vec<Citation>,
    /// The steps that lead to the verdict.
    pub justification: Vec<Step>,
    /// What the model itself says of it, where it was asked to: its words, which decide nothing and
    /// which nobody checked. Each sentence ends in the numbers of what it claims to rest on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commentary: Option<String>,
    /// Why a document could not be read.
    pub not_assessed: Option<UnreadableReason>,
}

/// What a verdict was decided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecidedBy {
    /// The scope of the pack or requirement.
    Scope,
    /// A check that needs no model.
    Check,
    /// The language model.
    Model,
    /// The search for evidence: nothing in the document shares a word with the requirement.
    Search,
    /// The attempt to read the document.
    Reading,
}

/// A segment of the document, quoted verbatim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Its number in this finding: `E1`.
    pub id: String,
    /// The page, counted from 1, for formats with pages.
    pub page: Option<u32>,
    /// The headings it stands under, outermost first.
    pub heading_path: Vec<String>,
    /// Where it stands in the extracted text.
    pub span: Span,
    /// The words that stand there.
    pub quote: String,
    /// How it was found.
    pub link: Link,
    /// How far it moves the verdict (for `undetermined` the likeliest one): the verdict's log-odds
    /// with it less those without it, in nats, everything else equal. Absent where it was not
    /// measured.
    pub moves: Option<f64>,
}

/// A passage of law, quoted verbatim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    /// Its number in this finding: `P1`.
    pub id: String,
    /// The instrument.
    pub instrument: InstrumentId,
    /// What people call the instrument.
    pub short_title: String,
    /// The version of the instrument.
    pub version: String,
    /// The language of the text.
    pub language: Language,
    /// The place of the provision.
    pub address: Address,
    /// How lawyers cite it.
    pub label: String,
    /// Whether the quote is the law or a retelling of it.
    pub nature: Nature,
    /// The digest of the provision.
    pub digest: Digest,
    /// Where the quote stands in the provision's own text.
    pub span: Span,
    /// The words that stand there.
    pub quote: String,
    /// How it was found.
    pub link: Link,
    /// How far it moves the verdict, as for evidence. Absent where the model did not read it.
    #[serde(default)]
    pub moves: Option<f64>,
}

/// How a piece of evidence or a passage came to be read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// The rule pack names it.
    Pinned,
    /// A check found it.
    Check,
    /// The search found it, with this score (BM25).
    Search(f64),
}

/// One step of a justification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// What the step says.
    pub text: String,
    /// The numbers of the evidence and citations that it rests on.
    pub rests_on: Vec<String>,
}

/// Digests findings in the order of document and requirement, whatever order they came in.
#[must_use]
pub fn findings_digest(findings: &[Finding]) -> Digest {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by(|a, b| (&a.document, &a.requirement).cmp(&(&b.document, &b.requirement)));
    Digest::of_json(&sorted)
}
