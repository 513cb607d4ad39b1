use std::{collections::BTreeMap, fmt, path::Path};

use konform_terms::{
    Address, Citation, Digest, Evidence, Finding, InstrumentId, Language, Provision, Verdict,
    findings_digest,
};

use crate::{
    chain::{Trace, TraceError},
    record::{DocumentRead, Record},
};

/// Where the quoted texts are.
pub trait Sources {
    /// Reads a document again.
    ///
    /// # Errors
    /// A sentence that says why it cannot be read.
    fn document(&self, path: &str) -> Result<DocumentText, String>;

    /// Finds a provision of the corpus.
    fn provision(
        &self,
        instrument: &InstrumentId,
        version: &str,
        language: Language,
        address: &Address,
    ) -> Option<Provision>;
}

/// A document as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentText {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its extracted text.
    pub text: String,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// Records whose chain holds.
    pub records: usize,
    /// Findings, one per document and requirement.
    pub findings: usize,
    /// Quotes that were compared with their source.
    pub quotes: usize,
    /// What does not hold.
    pub problems: Vec<Problem>,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line of the trace, counted from 1.
    pub line: usize,
    /// The document, requirement or part that it concerns.
    pub subject: String,
    /// What does not hold.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.subject, self.what)
    }
}

/// Verifies a trace: its chain, that every quote stands verbatim where it says, in the document
/// and in the corpus, that every step rests on something quoted, and that the digest at the end is
/// that of the findings.
///
/// # Errors
/// If the trace cannot be read or its chain is broken.
pub fn verify(path: &Path, sources: &dyn Sources) -> Result<Verification, TraceError> {
    let trace = Trace::read(path)?;
    let mut found = Verification {
        records: trace.records.len(),
        ..Verification::default()
    };
    let mut documents: BTreeMap<&str, (usize, &DocumentRead)> = BTreeMap::new();
    let mut findings: BTreeMap<(&str, Option<&str>), (usize, &Finding)> = BTreeMap::new();
    let mut end: Option<(usize, Digest, &BTreeMap<Verdict, usize>)> = None;
    for (index, record) in trace.records.iter().enumerate() {
        let line = index + 1;
        match record {
            Record::Document(read) => {
                documents.insert(&read.path, (line, read));
            }
            Record::Finding { finding, .. } => {
                let key = (finding.document.as_str(), finding.requirement.as_deref());
                findings.insert(key, (line, finding));
            }
            Record::End {
                findings_digest,
                counts,
            } => end = Some((line, *findings_digest, counts)),
            Record::Resume { .. } => end = None,
            Record::Run { .. } | Record::Unreadable(_) => {}
        }
    }
    found.findings = findings.len();
    let mut problem = |line, subject: &str, what: String| {
        found.problems.push(Problem {
            line,
            subject: subject.to_owned(),
            what,
        });
    };

    let mut texts: BTreeMap<&str, DocumentText> = BTreeMap::new();
    for (&path, &(line, read)) in &documents {
        match sources.document(path) {
            Err(reason) => problem(line, path, reason),
            Ok(now) if now.digest != read.digest => problem(
                line,
                path,
                "the file is not the one that was checked: its bytes have another digest".into(),
            ),
            Ok(now) if Digest::of(&now.text) != read.text_digest => problem(
                line,
                path,
                "the text read from the file is not the one that was checked".into(),
            ),
            Ok(now) => {
                texts.insert(path, now);
            }
        }
    }
    let mut quotes = 0;
    for &(line, finding) in findings.values() {
        let subject = format!(
            "{}, {}",
            finding.document,
            finding.requirement.as_deref().unwrap_or("(not assessed)")
        );
        if let Some(document) = texts.get(finding.document.as_str()) {
            if finding.document_digest != Some(document.digest) {
                problem(
                    line,
                    &subject,
                    "the finding is about another version of the file".into(),
                );
            }
            for evidence in finding.evidence.iter().chain(&finding.also_read) {
                quotes += 1;
                if let Some(what) = wrong_evidence(evidence, &document.text) {
                    problem(line, &subject, what);
                }
            }
        }
        if !documents.contains_key(finding.document.as_str())
            && finding.evidence.len() + finding.also_read.len() > 0
        {
            problem(
                line,
                &subject,
                "it quotes a document that the trace does not record".into(),
            );
        }
        for citation in &finding.citations {
            quotes += 1;
            if let Some(what) = wrong_citation(citation, sources) {
                problem(line, &subject, what);
            }
        }
        for what in baseless_steps(finding) {
            problem(line, &subject, what);
        }
    }
    let all: Vec<Finding> = findings
        .values()
        .map(|(_, finding)| (*finding).clone())
        .collect();
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for finding in &all {
        *counts.entry(finding.verdict).or_default() += 1;
    }
    match end {
        None => problem(
            trace.records.len(),
            "the run",
            "it did not come to its end".into(),
        ),
        Some((line, digest, _)) if digest != findings_digest(&all) => {
            problem(
                line,
                "the end",
                "its digest is not that of the findings".into(),
            );
        }
        Some((line, _, stated)) if !same_counts(stated, &counts) => {
            problem(
                line,
                "the end",
                "its counts are not those of the findings".into(),
            );
        }
        Some(_) => {}
    }
    if trace.torn > 0 {
        problem(
            trace.records.len() + 1,
            "the last line",
            "it is torn: the run was killed".into(),
        );
    }
    found.quotes = quotes;
    Ok(found)
}

/// Compares counts; a verdict that is not counted counts zero.
fn same_counts(one: &BTreeMap<Verdict, usize>, two: &BTreeMap<Verdict, usize>) -> bool {
    Verdict::ALL.iter().all(|verdict| {
        one.get(verdict).copied().unwrap_or_default()
            == two.get(verdict).copied().unwrap_or_default()
    })
}

fn wrong_evidence(evidence: &Evidence, text: &str) -> Option<String> {
    (evidence.span.of(text) != Some(evidence.quote.as_str())).then(|| {
        format!(
            "evidence {} does not stand at bytes {} to {} of the document's text",
            evidence.id, evidence.span.start, evidence.span.end
        )
    })
}

fn wrong_citation(citation: &Citation, sources: &dyn Sources) -> Option<String> {
    let Citation {
        id,
        instrument,
        version,
        language,
        address,
        ..
    } = citation;
    let place = format!("{instrument} of {version} ({language}), {address}");
    let Some(provision) = sources.provision(instrument, version, *language, address) else {
        return Some(format!("citation {id}: the corpus has no {place}"));
    };
    if provision.digest() != citation.digest {
        return Some(format!(
            "citation {id}: {place} has another text than the one cited"
        ));
    }
    (citation.span.of(&provision.text) != Some(citation.quote.as_str()))
        .then(|| format!("citation {id} does not stand in {place}"))
}

fn baseless_steps(finding: &Finding) -> Vec<String> {
    let known = |id: &String| {
        finding.evidence.iter().any(|evidence| evidence.id == *id)
            || finding.citations.iter().any(|citation| citation.id == *id)
    };
    finding
        .justification
        .iter()
        .flat_map(|step| &step.rests_on)
        .filter(|id| !known(id))
        .map(|id| format!("a step of the justification rests on {id}, which is not quoted"))
        .collect()
}
