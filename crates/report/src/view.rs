//! What the templates show: plain texts and numbers, in the order in which they are shown.

use std::collections::{BTreeMap, BTreeSet};

use konform_terms::{
    Citation, DecidedBy, Document, Evidence, Finding, Kind, Link, Nature, Passage, Requirement,
    SegmentKind, Verdict,
};
use serde::Serialize;

use crate::{
    html::{meaning, symbol},
    report::{PackFacts, Report, Run, asks_for_work, percent, pick, severity_word},
    units::Units,
};

#[derive(Serialize)]
pub(crate) struct View<'a> {
    title: &'a str,
    run: &'a Run,
    threshold: String,
    /// How the model did on labelled documents, in words.
    measured: Option<String>,
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

/// The overview of one pack: documents downwards, requirements across.
#[derive(Serialize)]
struct Matrix<'a> {
    pack: usize,
    title: String,
    dense: bool,
    columns: Vec<Column>,
    rows: Vec<Row>,
    outside: Vec<Outside<'a>>,
}

/// A document that a pack does not concern.
#[derive(Serialize)]
struct Outside<'a> {
    document: &'a str,
    findings: usize,
    why: &'a str,
}

#[derive(Serialize)]
struct Column {
    title: String,
    statement: String,
}

#[derive(Serialize)]
struct Row {
    document: String,
    /// The finding that says that the document was not assessed.
    whole: Option<Cell>,
    cells: Vec<Option<Cell>>,
}

#[derive(Serialize, Clone, Copy)]
struct Cell {
    finding: usize,
    verdict: &'static str,
    symbol: &'static str,
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
    calibrated: bool,
    distribution: Vec<(&'static str, String)>,
    decided_by: &'static str,
    steps: Vec<StepView<'a>>,
    evidence: Vec<EvidenceView<'a>>,
    also_read: Vec<EvidenceView<'a>>,
    citations: Vec<CitationView<'a>>,
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

/// Above this number of requirements the overview shows symbols without words.
const WIDE: usize = 10;

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
            threshold: percent(report.run.threshold),
            measured: report
                .run
                .model
                .as_ref()
                .and_then(|model| Some(model.measured.as_ref()?.sentences())),
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

/// What findings refer to, by name.
struct Shelf<'a> {
    report: &'a Report<'a>,
    requirements: BTreeMap<&'a str, (usize, &'a Requirement)>,
    documents: BTreeMap<&'a str, (usize, &'a Document, Units<'a>)>,
    indices: BTreeMap<&'a str, usize>,
    passages: BTreeMap<PassageKey<'a>, &'a Passage>,
    cited: Vec<PassageText<'a>>,
    cited_index: BTreeMap<PassageKey<'a>, usize>,
}

type PassageKey<'a> = (&'a str, &'a str, konform_terms::Language, &'a str);

impl<'a> Shelf<'a> {
    fn of(report: &'a Report<'a>) -> Self {
        let mut requirements = BTreeMap::new();
        for (index, pack) in report.packs.iter().enumerate() {
            for requirement in &pack.requirements {
                requirements.insert(requirement.id.as_str(), (index, requirement));
            }
        }
        let indices: BTreeMap<_, _> = paths(report)
            .into_iter()
            .enumerate()
            .map(|(index, path)| (path, index))
            .collect();
        let documents = report
            .documents
            .iter()
            .map(|document| {
                let path = document.path.as_str();
                (path, (indices[path], document, Units::of(&document.text)))
            })
            .collect();
        let passages = report
            .passages
            .iter()
            .map(|passage| {
                let key = (
                    passage.instrument.as_str(),
                    passage.version.as_str(),
                    passage.language,
                    passage.address.as_str(),
                );
                (key, passage)
            })
            .collect();
        Self {
            report,
            requirements,
            documents,
            indices,
            passages,
            cited: Vec::new(),
            cited_index: BTreeMap::new(),
        }
    }

    fn finding(&mut self, number: usize, finding: &'a Finding) -> FindingView<'a> {
        let known = finding
            .requirement
            .as_deref()
            .and_then(|id| self.requirements.get(id));
        let requirement = known.map(|&(_, requirement)| requirement);
        let pack_index = known.map(|&(pack, _)| pack);
        let language = self
            .documents
            .get(finding.document.as_str())
            .and_then(|found| found.1.language);
        let shown = self.report.language;
        let own = requirement.and_then(|requirement| {
            language.and_then(|language| requirement.statement.get_key_value(&language))
        });
        let general = requirement.and_then(|requirement| {
            let text = pick(&requirement.statement, shown)?;
            requirement
                .statement
                .iter()
                .find(|&(_, other)| other == text)
        });
        let statement = own.or(general);
        let translation = general.filter(|&general| Some(general) != statement);
        let unreadable = self
            .report
            .unreadable
            .iter()
            .find(|unreadable| unreadable.path == finding.document);
        let likeliest = finding
            .distribution
            .iter()
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map(|(verdict, _)| verdict.word());
        let mut distribution: Vec<_> = finding.distribution.iter().collect();
        distribution.sort_by(|a, b| b.1.total_cmp(a.1).then(a.0.cmp(b.0)));
        FindingView {
            number,
            verdict: finding.verdict.word(),
            symbol: symbol(finding.verdict),
            document: &finding.document,
            document_index: self.indices.get(finding.document.as_str()).copied(),
            language: language.map(|language| language.to_string()),
            pack_index,
            requirement: finding.requirement.as_deref(),
            title: requirement
                .and_then(|requirement| pick(&requirement.title, shown))
                .map(String::as_str)
                .or(finding.requirement.as_deref())
                .unwrap_or("The document as a whole"),
            statement: statement.map(|(_, text)| text.as_str()),
            statement_language: statement.map(|(language, _)| language.to_string()),
            translation: translation.map(|(_, text)| text.as_str()),
            kind: requirement.map(|requirement| kind(requirement.kind)),
            severity: finding.severity.map(severity_word),
            probability: finding.probability.map(percent),
            probability_of: (finding.verdict == Verdict::Undetermined)
                .then_some(likeliest)
                .flatten(),
            sufficient: finding.sufficient.map(percent),
            calibrated: finding.calibrated,
            distribution: distribution
                .into_iter()
                .map(|(verdict, &probability)| (verdict.word(), percent(probability)))
                .collect(),
            decided_by: decided_by(finding.decided_by),
            steps: finding
                .justification
                .iter()
                .map(|step| StepView {
                    text: &step.text,
                    rests_on: &step.rests_on,
                })
                .collect(),
            evidence: finding
                .evidence
                .iter()
                .map(|e| self.evidence(finding, e))
                .collect(),
            also_read: finding
                .also_read
                .iter()
                .map(|e| self.evidence(finding, e))
                .collect(),
            citations: finding.citations.iter().map(|c| self.citation(c)).collect(),
            not_assessed: finding.not_assessed.map(|reason| reason.word()),
            detail: unreadable.map(|unreadable| unreadable.detail.as_str()),
        }
    }

    fn evidence(&self, finding: &Finding, evidence: &'a Evidence) -> EvidenceView<'a> {
        let units = self
            .documents
            .get(finding.document.as_str())
            .map(|found| &found.2);
        let at = |byte| units.map_or(0, |units| units.at(byte));
        EvidenceView {
            id: &evidence.id,
            page: evidence.page,
            headings: evidence.heading_path.join(" › "),
            quote: &evidence.quote,
            found: found(evidence.link),
            weight: evidence.moves.map(|moves| format!("{moves:+.1}")),
            from: at(evidence.span.start),
            to: at(evidence.span.end),
        }
    }

    fn citation(&mut self, citation: &'a Citation) -> CitationView<'a> {
        let key = (
            citation.instrument.as_str(),
            citation.version.as_str(),
            citation.language,
            citation.address.as_str(),
        );
        let passage = self.passages.get(&key).copied();
        let text = passage.map_or(citation.quote.as_str(), |passage| passage.text.as_str());
        let cited = &mut self.cited;
        let index = *self.cited_index.entry(key).or_insert_with(|| {
            cited.push(PassageText {
                label: &citation.label,
                short_title: &citation.short_title,
                version: &citation.version,
                language: citation.language.to_string(),
                paraphrase: citation.nature == Nature::Paraphrase,
                headings: passage
                    .map(|p| p.heading_path.join(" › "))
                    .unwrap_or_default(),
                context: passage.map_or("", |passage| passage.context.as_str()),
                text,
            });
            cited.len() - 1
        });
        let units = Units::of(text);
        let (from, to) = match passage {
            Some(_) => (units.at(citation.span.start), units.at(citation.span.end)),
            None => (0, units.at(text.len())),
        };
        CitationView {
            id: &citation.id,
            label: &citation.label,
            short_title: &citation.short_title,
            instrument: citation.instrument.as_str(),
            version: &citation.version,
            language: citation.language.to_string(),
            paraphrase: citation.nature == Nature::Paraphrase,
            quote: &citation.quote,
            found: found(citation.link),
            passage: index,
            from,
            to,
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

fn matrices<'a>(report: &'a Report<'a>, shown: &[&Finding]) -> Vec<Matrix<'a>> {
    let mut cells: BTreeMap<(&str, Option<&str>), Cell> = BTreeMap::new();
    for (index, finding) in shown.iter().enumerate() {
        let cell = Cell {
            finding: index + 1,
            verdict: finding.verdict.word(),
            symbol: symbol(finding.verdict),
        };
        cells.insert((&finding.document, finding.requirement.as_deref()), cell);
    }
    let all = paths(report);
    let outside = report.outside();
    let matrix = |(pack, source): (usize, &konform_terms::Pack)| {
        let row = |path: &&str| Row {
            document: (*path).to_owned(),
            whole: cells.get(&(*path, None)).copied(),
            cells: source
                .requirements
                .iter()
                .map(|requirement| cells.get(&(*path, Some(requirement.id.as_str()))).copied())
                .collect(),
        };
        Matrix {
            pack,
            title: pick(&source.title, report.language)
                .unwrap_or(&source.id)
                .clone(),
            dense: source.requirements.len() > WIDE,
            columns: source
                .requirements
                .iter()
                .map(|requirement| Column {
                    title: pick(&requirement.title, report.language)
                        .unwrap_or(&requirement.id)
                        .clone(),
                    statement: pick(&requirement.statement, report.language)
                        .cloned()
                        .unwrap_or_default(),
                })
                .collect(),
            rows: all
                .iter()
                .filter(|path| !outside.contains_key(&(**path, source.id.as_str())))
                .map(row)
                .collect(),
            outside: outside
                .iter()
                .filter(|((_, pack), _)| *pack == source.id)
                .map(|(&(document, _), &(findings, why))| Outside {
                    document,
                    findings,
                    why,
                })
                .collect(),
        }
    };
    report.packs.iter().enumerate().map(matrix).collect()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Must => "must be true",
        Kind::MustNot => "must not be true",
        Kind::Should => "should be true",
    }
}

fn decided_by(decided_by: DecidedBy) -> &'static str {
    match decided_by {
        DecidedBy::Scope => "the scope of the requirement",
        DecidedBy::Check => "a check without a model",
        DecidedBy::Model => "the language model",
        DecidedBy::Search => "the search, which found nothing that bears on it",
        DecidedBy::Reading => "the attempt to read the file",
    }
}

fn found(link: Link) -> String {
    match link {
        Link::Pinned => "named by the rule pack".to_owned(),
        Link::Check => "found by a check".to_owned(),
        Link::Search(score) => format!("found by search, score {score:.1}"),
    }
}

/// The word that a type's JSON form uses.
fn word(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value)
        .ok()?
        .as_str()
        .map(str::to_owned)
}
