//! What the templates show: plain texts and numbers, in the order in which they are shown.

use std::collections::{BTreeMap, BTreeSet};

use konform_terms::{Document, Finding, Nature, SegmentKind, Verdict};
use serde::Serialize;

use crate::{
    html::{meaning, symbol},
    report::{PackFacts, Report, Run, asks_for_work, sentences, severity_word, thresholds},
    units::Units,
};
use matrix::{Matrix, matrices};
use shelf::Shelf;

mod matrix;
mod shelf;

#[derive(Serialize)]
pub(crate) struct View<'a> {
    title: &'a str,
    run: &'a Run,
    threshold: String,
    /// How the model did on labelled documents, in words.
    measured: Vec<String>,
    settings: String,
    findings_digest: String,
    findings: usize,
    requirements: usize,
    work: usize,
    verdicts: Vec<VerdictView>,
    paraphrased: bool,
    packs: Vec<PackFacts>,
    severities: Vec<&'static str>,
    matrices: Vec<Matrix<'a>>,
    groups: Vec<Group<'a>>,
    pub(crate) documents: Vec<DocumentView<'a>>,
    #[serde(skip)]
    pub(crate) passages: Vec<PassageText<'a>>,
}

#[derive(Serialize)]
struct VerdictView {
    word: &'static str,
    symbol: &'static str,
    meaning: &'static str,
    count: usize,
    /// Whether some are shown one by one.
    shown: bool,
}

#[derive(Serialize)]
struct Group<'a> {
    verdict: &'static str,
    symbol: &'static str,
    meaning: &'static str,
    findings: Vec<FindingView<'a>>,
}

#[derive(Serialize)]
struct FindingView<'a> {
    number: usize,
    verdict: &'static str,
    symbol: &'static str,
    document: &'a str,
    document_index: Option<usize>,
    language: Option<String>,
    pack_index: Option<usize>,
    requirement: Option<&'a str>,
    title: &'a str,
    statement: Option<&'a str>,
    statement_language: Option<String>,
    translation: Option<&'a str>,
    kind: Option<&'static str>,
    severity: Option<&'static str>,
    probability: Option<String>,
    probability_of: Option<&'static str>,
    sufficient: Option<String>,
    without: Option<String>,
    calibrated: bool,
    distribution: Vec<(&'static str, String)>,
    decided_by: &'static str,
    steps: Vec<StepView<'a>>,
    evidence: Vec<EvidenceView<'a>>,
    also_read: Vec<EvidenceView<'a>>,
    citations: Vec<CitationView<'a>>,
    commentary: Option<&'a str>,
    not_assessed: Option<&'static str>,
    detail: Option<&'a str>,
}

#[derive(Serialize)]
struct StepView<'a> {
    text: &'a str,
    rests_on: &'a [String],
}

#[derive(Serialize)]
struct EvidenceView<'a> {
    id: &'a str,
    page: Option<u32>,
    headings: String,
    quote: &'a str,
    found: String,
    weight: Option<String>,
    from: usize,
    to: usize,
}

#[derive(Serialize)]
struct CitationView<'a> {
    id: &'a str,
    label: &'a str,
    short_title: &'a str,
    instrument: &'a str,
    version: &'a str,
    language: String,
    paraphrase: bool,
    quote: &'a str,
    found: String,
    weight: Option<String>,
    passage: usize,
    from: usize,
    to: usize,
}

#[derive(Serialize)]
pub(crate) struct DocumentView<'a> {
    path: &'a str,
    format: String,
    language: Option<String>,
    pages: usize,
    digest: Option<String>,
    warnings: Vec<&'a str>,
    unreadable: Option<String>,
    /// The text for the side-by-side view, which stands in a data block of its own.
    #[serde(skip)]
    pub(crate) text: Option<DocumentText<'a>>,
}

/// A document's text for the script; offsets are UTF-16 units.
#[derive(Serialize)]
pub(crate) struct DocumentText<'a> {
    path: &'a str,
    language: Option<String>,
    text: &'a str,
    pages: Vec<usize>,
    headings: Vec<(usize, usize)>,
}

/// A passage for the script.
#[derive(Serialize)]
pub(crate) struct PassageText<'a> {
    label: &'a str,
    short_title: &'a str,
    version: &'a str,
    language: String,
    paraphrase: bool,
    headings: String,
    context: &'a str,
    text: &'a str,
}

impl<'a> View<'a> {
    pub(crate) fn of(report: &'a Report<'a>) -> Self {
        let shown = report.shown();
        let counts = report.counts();
        let verdicts = Verdict::ALL.map(|verdict| VerdictView {
            word: verdict.word(),
            symbol: symbol(verdict),
            meaning: meaning(verdict),
            count: counts.get(&verdict).copied().unwrap_or_default(),
            shown: shown.iter().any(|finding| finding.verdict == verdict),
        });
        let mut shelf = Shelf::of(report);
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut last = None;
        for (index, finding) in shown.iter().copied().enumerate() {
            if last != Some(finding.verdict) {
                last = Some(finding.verdict);
                groups.push(Group {
                    verdict: finding.verdict.word(),
                    symbol: symbol(finding.verdict),
                    meaning: meaning(finding.verdict),
                    findings: Vec::new(),
                });
            }
            if let Some(group) = groups.last_mut() {
                group.findings.push(shelf.finding(index + 1, finding));
            }
        }
        let severities: BTreeSet<_> = shown.iter().filter_map(|f| f.severity).collect();
        Self {
            title: &report.title,
            run: &report.run,
            threshold: thresholds(&report.run.thresholds),
            measured: report
                .run
                .model
                .iter()
                .flat_map(|model| model.measured.iter().map(sentences))
                .collect(),
            settings: serde_json::to_string_pretty(&report.run.settings).unwrap_or_default(),
            findings_digest: report.findings_digest().to_string(),
            findings: report.findings.len(),
            requirements: report
                .packs
                .iter()
                .map(|pack| pack.requirements.len())
                .sum(),
            work: shown
                .iter()
                .filter(|finding| asks_for_work(finding.verdict))
                .count(),
            verdicts: verdicts.into(),
            paraphrased: shown
                .iter()
                .flat_map(|finding| &finding.citations)
                .any(|citation| citation.nature == Nature::Paraphrase),
            packs: report.pack_facts(),
            severities: severities.into_iter().rev().map(severity_word).collect(),
            matrices: matrices(report, &shown),
            groups,
            documents: documents(report, &shown),
            passages: shelf.cited,
        }
    }
}

/// The paths of all documents, read or not, in the order of the alphabet.
fn paths<'a>(report: &'a Report<'a>) -> BTreeSet<&'a str> {
    let read = report
        .documents
        .iter()
        .map(|document| document.path.as_str());
    let unreadable = report
        .unreadable
        .iter()
        .map(|unreadable| unreadable.path.as_str());
    let found = report
        .findings
        .iter()
        .map(|finding| finding.document.as_str());
    read.chain(unreadable).chain(found).collect()
}

/// The documents, with the texts of those that a shown finding is about.
fn documents<'a>(report: &'a Report<'a>, shown: &[&Finding]) -> Vec<DocumentView<'a>> {
    let needed: BTreeSet<&str> = shown.iter().map(|f| f.document.as_str()).collect();
    let read: BTreeMap<_, _> = report
        .documents
        .iter()
        .map(|d| (d.path.as_str(), d))
        .collect();
    let unreadable: BTreeMap<_, _> = report
        .unreadable
        .iter()
        .map(|u| (u.path.as_str(), u))
        .collect();
    let view = |path| {
        let document: Option<&&Document> = read.get(path);
        let failure = unreadable.get(path);
        DocumentView {
            path,
            format: document
                .and_then(|document| word(&document.format))
                .unwrap_or_default(),
            language: document
                .and_then(|document| document.language)
                .map(|l| l.to_string()),
            pages: document.map_or(0, |document| document.pages.len()),
            digest: document
                .map(|document| document.digest)
                .or_else(|| failure.and_then(|failure| failure.digest))
                .map(|digest| digest.to_string()),
            warnings: document
                .map(|document| {
                    document
                        .warnings
                        .iter()
                        .map(|w| w.message.as_str())
                        .collect()
                })
                .unwrap_or_default(),
            unreadable: failure.map(|failure| format!("{}: {}", failure.reason, failure.detail)),
            text: document
                .filter(|_| needed.contains(path))
                .map(|document| text(document)),
        }
    };
    paths(report).into_iter().map(view).collect()
}

fn text(document: &Document) -> DocumentText<'_> {
    let units = Units::of(&document.text);
    DocumentText {
        path: &document.path,
        language: document.language.map(|language| language.to_string()),
        text: &document.text,
        pages: document.pages.iter().map(|&page| units.at(page)).collect(),
        headings: document
            .segments
            .iter()
            .filter(|segment| segment.kind == SegmentKind::Heading)
            .map(|segment| (units.at(segment.span.start), units.at(segment.span.end)))
            .collect(),
    }
}

/// The word that a type's JSON form uses.
fn word(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value)
        .ok()?
        .as_str()
        .map(str::to_owned)
}
