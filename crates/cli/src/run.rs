//! The main job: documents × requirements → findings, recorded as they come.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use indicatif::ProgressBar;
use konform_corpus::Corpus;
use konform_index::{LawIndex, SegmentIndex};
use konform_judge::{Case, Checked, CitedPassage, Judged, Prepared, Scoped, Settings};
use konform_llm::Engine;
use konform_rules::Checker;
use konform_terms::{
    Applies, DecidedBy, Digest, Document, Finding, Language, Link, Pack, Requirement, Step,
    Unreadable, Verdict, Work, findings_digest,
};
use konform_trace::{Pins, Record, Start, Trace, Writer};
use rayon::prelude::*;

use crate::error::CliError;

/// How many passages a finding cites where the pack pins fewer.
const CITED: usize = 2;

/// Everything that judging needs and that does not change in a run.
pub(crate) struct Inputs<'a> {
    pub(crate) packs: &'a [Pack],
    pub(crate) corpus: &'a Corpus,
    pub(crate) index: &'a LawIndex,
    pub(crate) settings: &'a Settings,
    /// The language that is assumed where a document's own is uncertain.
    pub(crate) language: Language,
    /// The pairs of document and requirement that are judged; all where absent.
    pub(crate) only: Option<&'a BTreeSet<(String, String)>>,
}

/// A document with the search over its segments.
struct Ready<'a> {
    document: &'a Document,
    language: Language,
    segments: SegmentIndex,
}

/// The trace of a run that goes on, and what was found before.
pub(crate) struct Ledger {
    writer: Writer,
    known: BTreeMap<(String, String), Finding>,
    recorded: BTreeSet<(String, Digest)>,
}

/// What a run came to.
pub(crate) struct Outcome {
    pub(crate) findings: Vec<Finding>,
    pub(crate) digest: Digest,
    pub(crate) evaluated: usize,
    pub(crate) reused: usize,
    pub(crate) judged: usize,
    pub(crate) taken_over: usize,
}

impl Ledger {
    /// Opens the trace in the output folder: goes on with one that has the same pins and no other
    /// documents, and sets any other aside under a new name.
    pub(crate) fn open(
        path: &Path,
        start: Start,
        pins: Pins,
        documents: &[Result<Document, Unreadable>],
        fresh: bool,
    ) -> Result<Self, CliError> {
        let current: BTreeMap<&str, Option<Digest>> = documents
            .iter()
            .map(|read| match read {
                Ok(document) => (document.path.as_str(), Some(document.digest)),
                Err(unreadable) => (unreadable.path.as_str(), unreadable.digest),
            })
            .collect();
        let mut before = Vec::new();
        if path.exists() {
            match Writer::resume(path) {
                Ok((mut writer, trace))
                    if !fresh && trace.pins().is_some_and(|before| before.agree(&pins)) =>
                {
                    if is_about(&trace, &current) {
                        let known = known(&trace);
                        let recorded = recorded(&trace);
                        let findings = known.len();
                        append(&mut writer, &Record::Resume { start, findings })?;
                        return Ok(Self {
                            writer,
                            known,
                            recorded,
                        });
                    }
                    before = trace.findings().into_iter().cloned().collect();
                }
                Ok(_) => {}
                Err(error @ konform_trace::TraceError::Locked { .. }) => {
                    return Err(CliError::from_input(error));
                }
                // A broken trace is evidence: it is kept, and nothing is taken from it.
                Err(error) => tracing::warn!("{error}; it is set aside and a new one begun"),
            }
            set_aside(path)?;
        }
        let mut writer = Writer::create(path).map_err(CliError::from_input)?;
        append(&mut writer, &Record::Run { start, pins })?;
        // What was found with the same pins about unchanged documents is not done again.
        let mut known = BTreeMap::new();
        for finding in before {
            let unchanged =
                current.get(finding.document.as_str()) == Some(&finding.document_digest);
            if let (true, Some(requirement)) = (unchanged, finding.requirement.clone()) {
                let record = Record::Finding {
                    finding: Box::new(finding.clone()),
                    work: Work::default(),
                };
                append(&mut writer, &record)?;
                known.insert((finding.document.clone(), requirement), finding);
            }
        }
        Ok(Self {
            writer,
            known,
            recorded: BTreeSet::new(),
        })
    }

    /// Records how the documents were read.
    fn documents(&mut self, documents: &[Result<Document, Unreadable>]) -> Result<(), CliError> {
        for read in documents {
            match read {
                Ok(document) => {
                    if self
                        .recorded
                        .insert((document.path.clone(), document.digest))
                    {
                        append(&mut self.writer, &Record::Document(document.into()))?;
                    }
                }
                Err(unreadable) => {
                    let digest = unreadable.digest.unwrap_or_else(|| Digest::of(""));
                    if self.recorded.insert((unreadable.path.clone(), digest)) {
                        append(&mut self.writer, &Record::Unreadable(unreadable.clone()))?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn append(writer: &mut Writer, record: &Record) -> Result<(), CliError> {
    writer.append(record).map_err(|error| {
        CliError::from_work(error).hint(
            "what was recorded is kept: free some space or choose another --out, and the same \
             command goes on",
        )
    })
}

/// Whether all documents of a trace are there, unchanged.
fn is_about(trace: &Trace, current: &BTreeMap<&str, Option<Digest>>) -> bool {
    recorded(trace).iter().all(|(path, digest)| {
        current
            .get(path.as_str())
            .is_some_and(|now| now.unwrap_or_else(|| Digest::of("")) == *digest)
    })
}

fn recorded(trace: &Trace) -> BTreeSet<(String, Digest)> {
    trace
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Document(read) => Some((read.path.clone(), read.digest)),
            Record::Unreadable(unreadable) => {
                let digest = unreadable.digest.unwrap_or_else(|| Digest::of(""));
                Some((unreadable.path.clone(), digest))
            }
            _ => None,
        })
        .collect()
}

fn known(trace: &Trace) -> BTreeMap<(String, String), Finding> {
    trace
        .findings()
        .into_iter()
        .filter_map(|finding| {
            let requirement = finding.requirement.clone()?;
            Some(((finding.document.clone(), requirement), finding.clone()))
        })
        .collect()
}

/// Gives a trace another name beside it: `trace.1.jsonl`, `trace.2.jsonl`, ….
fn set_aside(path: &Path) -> Result<(), CliError> {
    let free = (1..)
        .map(|number| path.with_extension(format!("{number}.jsonl")))
        .find(|name| !name.exists())
        .unwrap_or_else(|| path.with_extension("old.jsonl"));
    std::fs::rename(path, &free).map_err(|error| {
        CliError::input(format!("{} cannot be set aside", path.display())).because(error)
    })
}

/// Judges every document against every requirement that is not judged yet, requirement by
/// requirement, so that what prompts share is evaluated once for all documents.
pub(crate) fn judge_all(
    inputs: &Inputs<'_>,
    engine: &mut dyn Engine,
    documents: &[Result<Document, Unreadable>],
    mut record: Ledger,
    bar: &ProgressBar,
) -> Result<Outcome, CliError> {
    record.documents(documents)?;
    let prepared: Vec<Ready<'_>> = documents
        .par_iter()
        .filter_map(|read| read.as_ref().ok())
        .map(|document| {
            let language = document.language.unwrap_or(inputs.language);
            Ready {
                document,
                language,
                segments: SegmentIndex::new(document, language),
            }
        })
        .collect();
    let mut outcome = Outcome {
        findings: vec![],
        digest: Digest::of(""),
        evaluated: 0,
        reused: 0,
        judged: 0,
        taken_over: 0,
    };
    for unreadable in documents.iter().filter_map(|read| read.as_ref().err()) {
        outcome.findings.push(not_assessed(unreadable));
    }
    for pack in inputs.packs {
        for requirement in &pack.requirements {
            let checker = Checker::new(pack, requirement).map_err(CliError::input)?;
            requirement_on_all(
                inputs,
                pack,
                requirement,
                &checker,
                engine,
                &prepared,
                &mut record,
                &mut outcome,
                bar,
            )?;
        }
    }
    let findings = &mut outcome.findings;
    findings.sort_by(|a, b| (&a.document, &a.requirement).cmp(&(&b.document, &b.requirement)));
    outcome.digest = findings_digest(findings);
    let mut counts = BTreeMap::new();
    for finding in findings.iter() {
        *counts.entry(finding.verdict).or_default() += 1;
    }
    // Findings on unreadable files are recorded last: they hold no work.
    for finding in findings
        .iter()
        .filter(|finding| finding.requirement.is_none())
    {
        let line = Record::Finding {
            finding: Box::new(finding.clone()),
            work: Work::default(),
        };
        append(&mut record.writer, &line)?;
    }
    append(
        &mut record.writer,
        &Record::End {
            findings_digest: outcome.digest,
            counts,
        },
    )?;
    Ok(outcome)
}

#[expect(
    clippy::too_many_arguments,
    reason = "one loop, cut out of the function above"
)]
fn requirement_on_all(
    inputs: &Inputs<'_>,
    pack: &Pack,
    requirement: &Requirement,
    checker: &Checker,
    engine: &mut dyn Engine,
    prepared: &[Ready<'_>],
    record: &mut Ledger,
    outcome: &mut Outcome,
    bar: &ProgressBar,
) -> Result<(), CliError> {
    let mut passages: BTreeMap<Language, Vec<CitedPassage>> = BTreeMap::new();
    for language in prepared.iter().map(|one| one.language) {
        if let std::collections::btree_map::Entry::Vacant(place) = passages.entry(language) {
            place.insert(passages_of(inputs, pack, requirement, language)?);
        }
    }
    let digest = requirement.digest();
    let key = |one: &Ready<'_>| (one.document.path.clone(), requirement.id.clone());
    let is_known = |one: &Ready<'_>| {
        record.known.get(&key(one)).is_some_and(|finding| {
            finding.document_digest == Some(one.document.digest)
                && finding.requirement_digest == Some(digest)
        })
    };
    // Everything but the model runs on all documents at a time.
    let wanted: Vec<&Ready<'_>> = prepared
        .iter()
        .filter(|one| inputs.only.is_none_or(|only| only.contains(&key(one))))
        .collect();
    let ready: Vec<Option<(Scoped, Vec<Checked>, Prepared)>> = wanted
        .par_iter()
        .map(|one| {
            if is_known(one) {
                return None;
            }
            let (scope, checks) = checks_of(checker, one);
            let case = Case {
                document: one.document,
                language: one.language,
                segments: &one.segments,
                requirement,
                scope: &scope,
                checks: &checks,
                passages: &passages[&one.language],
            };
            let prepared = konform_judge::prepare(inputs.settings, &case);
            Some((scope, checks, prepared))
        })
        .collect();
    for (one, ready) in wanted.into_iter().zip(ready) {
        bar.set_message(one.document.path.clone());
        let Some((scope, checks, ready)) = ready else {
            outcome
                .findings
                .extend(record.known.get(&key(one)).cloned());
            outcome.taken_over += 1;
            bar.inc(1);
            continue;
        };
        let case = Case {
            document: one.document,
            language: one.language,
            segments: &one.segments,
            requirement,
            scope: &scope,
            checks: &checks,
            passages: &passages[&one.language],
        };
        let Judged { finding, work } = match ready {
            Prepared::Decided(judged) => *judged,
            Prepared::Ask(candidates) => {
                konform_judge::ask(engine, inputs.settings, &case, candidates).map_err(|error| {
                    CliError::from_work(error)
                        .hint("finished findings are kept: the same command goes on behind them")
                })?
            }
        };
        outcome.evaluated += work.evaluated;
        outcome.reused += work.reused;
        outcome.judged += 1;
        append(
            &mut record.writer,
            &Record::Finding {
                finding: Box::new(finding.clone()),
                work,
            },
        )?;
        outcome.findings.push(finding);
        bar.inc(1);
    }
    Ok(())
}

fn checks_of(checker: &Checker, one: &Ready<'_>) -> (Scoped, Vec<Checked>) {
    let scope = checker.scope(one.document, one.language);
    let scoped = Scoped {
        applies: scope.applies,
        found: scope.found,
        explanation: scope.explanation,
    };
    if scoped.applies == Applies::No {
        return (scoped, vec![]);
    }
    let checks = checker
        .run(one.document, one.language)
        .into_iter()
        .map(|outcome| Checked {
            verdict: outcome.verdict,
            hits: outcome.hits,
            explanation: outcome.explanation,
        })
        .collect();
    (scoped, checks)
}

/// The passages that a requirement comes from, in the language of the document where the corpus
/// has it, else in English, else in any: pinned ones first, then what the search finds among the
/// instruments of the pack, up to [`CITED`].
pub(crate) fn passages_of(
    inputs: &Inputs<'_>,
    pack: &Pack,
    requirement: &Requirement,
    language: Language,
) -> Result<Vec<CitedPassage>, CliError> {
    let mut found: Vec<CitedPassage> = Vec::new();
    for pin in &requirement.provisions {
        let languages = [language, Language::EN, Language::FR, Language::DE];
        let text = languages.iter().find_map(|&language| {
            inputs
                .corpus
                .text(&pin.instrument, language)
                .filter(|text| text.provision(&pin.address).is_some())
        });
        let Some(text) = text else {
            tracing::warn!(
                "{}: the corpus has no {} {}",
                requirement.id,
                pin.instrument,
                pin.address
            );
            continue;
        };
        let own = text
            .provision(&pin.address)
            .and_then(|provision| text.passage(provision));
        // An article without text of its own stands for its paragraphs.
        let passages = own.map_or_else(
            || {
                text.passages_below(&pin.address)
                    .into_iter()
                    .take(2)
                    .collect()
            },
            |passage| vec![passage],
        );
        for passage in passages {
            if found.iter().all(|other| other.passage.id != passage.id) {
                found.push(CitedPassage {
                    passage,
                    link: Link::Pinned,
                });
            }
        }
    }
    let wanted = CITED.saturating_sub(found.len());
    let instruments: Vec<_> = pack.instruments.values().cloned().collect();
    if let (true, Some(statement)) = (
        wanted > 0 && !instruments.is_empty(),
        requirement.statement(language),
    ) {
        let hits = inputs
            .index
            .search(
                statement,
                language,
                Some(&instruments),
                wanted + found.len(),
            )
            .map_err(CliError::from_work)?;
        for hit in hits {
            if found.len() >= CITED {
                break;
            }
            let passage = instruments.iter().find_map(|id| {
                let text = inputs.corpus.text(id, language)?;
                let address = hit.passage.as_str().split_once('#')?.1;
                text.provision(&address.into())
                    .and_then(|provision| text.passage(provision))
                    .filter(|passage| passage.id == hit.passage)
            });
            if let Some(passage) = passage
                && found.iter().all(|other| other.passage.id != passage.id)
            {
                found.push(CitedPassage {
                    passage,
                    link: Link::Search(hit.score),
                });
            }
        }
    }
    Ok(found)
}

/// The finding on a file that could not be read.
fn not_assessed(unreadable: &Unreadable) -> Finding {
    Finding {
        document: unreadable.path.clone(),
        document_digest: unreadable.digest,
        requirement: None,
        requirement_digest: None,
        severity: None,
        verdict: Verdict::NotAssessed,
        decided_by: DecidedBy::Reading,
        probability: None,
        distribution: BTreeMap::new(),
        sufficient: None,
        without: None,
        calibrated: false,
        evidence: vec![],
        also_read: vec![],
        citations: vec![],
        justification: vec![Step {
            text: unreadable.detail.clone(),
            rests_on: vec![],
        }],
        commentary: None,
        not_assessed: Some(unreadable.reason),
    }
}
