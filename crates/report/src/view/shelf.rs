//! Findings with what they refer to: requirements, documents, passages.

use std::collections::BTreeMap;

use konform_terms::{
    Citation, DecidedBy, Document, Evidence, Finding, Kind, Link, Nature, Passage, Requirement,
    Verdict,
};

use super::{CitationView, EvidenceView, FindingView, PassageText, StepView, paths};
use crate::{
    html::symbol,
    report::{Report, percent, pick, severity_word},
    units::Units,
};

/// What findings refer to, by name.
pub(super) struct Shelf<'a> {
    report: &'a Report<'a>,
    requirements: BTreeMap<&'a str, (usize, &'a Requirement)>,
    documents: BTreeMap<&'a str, (usize, &'a Document, Units<'a>)>,
    indices: BTreeMap<&'a str, usize>,
    passages: BTreeMap<PassageKey<'a>, &'a Passage>,
    /// The passages that a finding cites, in the order in which they were first met.
    pub(super) cited: Vec<PassageText<'a>>,
    cited_index: BTreeMap<PassageKey<'a>, usize>,
}

type PassageKey<'a> = (&'a str, &'a str, konform_terms::Language, &'a str);

impl<'a> Shelf<'a> {
    pub(super) fn of(report: &'a Report<'a>) -> Self {
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

    pub(super) fn finding(&mut self, number: usize, finding: &'a Finding) -> FindingView<'a> {
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
            without: finding.without.map(percent),
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
            commentary: finding.commentary.as_deref(),
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
            weight: citation.moves.map(|moves| format!("{moves:+.1}")),
            passage: index,
            from,
            to,
        }
    }
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
