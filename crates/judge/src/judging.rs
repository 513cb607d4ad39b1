use std::collections::BTreeMap;

use konform_llm::{Engine, LlmError};
use konform_terms::{
    Applies, Citation, DecidedBy, Evidence, Finding, Kind, Link, Span, Step, Verdict, Work,
};

use crate::{
    answer::Letter,
    asking,
    case::{Case, CitedPassage, Judged, Settings},
    evidence::{self, Candidate},
    justify::Justifier,
};

/// Says why a case could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The model failed.
    #[error("the model failed on requirement {requirement} and document {document}")]
    Model {
        /// The document's path.
        document: String,
        /// The requirement.
        requirement: String,
        /// What the model said.
        #[source]
        source: LlmError,
    },
}

/// What can be said of a case before the model is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Prepared {
    /// It is decided.
    Decided(Box<Judged>),
    /// The model has to read these segments.
    Ask(Candidates),
}

/// The segments that the model has to read, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates(Vec<Candidate>);

/// Judges one case: [`prepare`], and [`ask`] where that does not decide.
///
/// # Errors
/// Where the model fails.
pub fn judge<E: Engine + ?Sized>(
    engine: &mut E,
    settings: &Settings,
    case: &Case<'_>,
) -> Result<Judged, JudgeError> {
    match prepare(settings, case) {
        Prepared::Decided(judged) => Ok(*judged),
        Prepared::Ask(candidates) => ask(engine, settings, case, candidates),
    }
}

/// Decides a case by scope, checks and the search for evidence, as far as they can. Needs no
/// model, so many cases can be prepared at a time.
#[must_use]
pub fn prepare(settings: &Settings, case: &Case<'_>) -> Prepared {
    let say = Justifier(case.language);
    let decided = |judged| Prepared::Decided(Box::new(judged));
    if case.scope.applies == Applies::No {
        let steps = vec![say.plain(case.scope.explanation.clone())];
        return decided(without_model(
            case,
            Verdict::NotApplicable,
            DecidedBy::Scope,
            vec![],
            steps,
        ));
    }
    if let Some(judged) = decide_by_check(case) {
        return decided(if_it_applies(case, judged));
    }
    if case.requirement.statement(case.language).is_none() {
        let steps = vec![say.no_wording(case.requirement)];
        return decided(without_model(
            case,
            Verdict::Undetermined,
            DecidedBy::Search,
            vec![],
            steps,
        ));
    }
    let hits: Vec<Span> = case
        .checks
        .iter()
        .flat_map(|check| check.hits.iter().copied())
        .collect();
    let candidates = evidence::search(
        case.document,
        case.segments,
        case.requirement,
        case.language,
        &hits,
        settings.max_evidence,
    );
    if candidates.is_empty() {
        return decided(if_it_applies(case, decide_by_silence(case)));
    }
    Prepared::Ask(Candidates(candidates))
}

/// Asks the model about a case. The same case, settings and model give the same finding, whatever
/// was judged before.
///
/// # Errors
/// Where the model fails.
pub fn ask<E: Engine + ?Sized>(
    engine: &mut E,
    settings: &Settings,
    case: &Case<'_>,
    candidates: Candidates,
) -> Result<Judged, JudgeError> {
    let judged = asking::ask(engine, settings, case, candidates.0);
    let judged = judged.map(|judged| if_it_applies(case, judged));
    judged.map_err(|source| JudgeError::Model {
        document: case.document.path.clone(),
        requirement: case.requirement.id.clone(),
        source,
    })
}

/// A failure counts only where it is known that the requirement applies; who satisfies it does so
/// whether it applies or not.
fn if_it_applies(case: &Case<'_>, mut judged: Judged) -> Judged {
    let finding = &mut judged.finding;
    let failed = matches!(finding.verdict, Verdict::Violated | Verdict::Missing);
    if failed && case.scope.applies == Applies::Unclear {
        finding.verdict = Verdict::Undetermined;
        let say = Justifier(case.language);
        finding
            .justification
            .push(say.unclear_whether_it_applies(&case.scope.explanation));
    }
    judged
}

/// What silence means for a requirement of a kind.
fn of_silence(kind: Kind) -> Verdict {
    Letter::C.verdict(kind)
}

/// Whether a verdict rests on what is *not* in the document, which a damaged file cannot support.
pub(crate) fn rests_on_silence(case: &Case<'_>, verdict: Verdict, evidence: &[Evidence]) -> bool {
    case.document.is_damaged()
        && (verdict == Verdict::Missing
            || (case.requirement.kind == Kind::MustNot
                && verdict == Verdict::Satisfied
                && evidence.is_empty()))
}

fn decide_by_check(case: &Case<'_>) -> Option<Judged> {
    let say = Justifier(case.language);
    let (check, mut verdict) = case
        .checks
        .iter()
        .find_map(|check| Some((check, check.verdict?)))?;
    let evidence: Vec<Evidence> = evidence::of_hits(case.document, &check.hits)
        .iter()
        .enumerate()
        .map(|(index, candidate)| evidence::quote(case.document, candidate, index + 1))
        .collect();
    let mut steps = vec![say.check(&check.explanation, &evidence)];
    steps.extend(say.wording(case.requirement, verdict, &evidence));
    if rests_on_silence(case, verdict, &evidence) {
        verdict = Verdict::Undetermined;
        steps.push(say.damaged());
    }
    Some(without_model(
        case,
        verdict,
        DecidedBy::Check,
        evidence,
        steps,
    ))
}

fn decide_by_silence(case: &Case<'_>) -> Judged {
    let say = Justifier(case.language);
    let mut verdict = of_silence(case.requirement.kind);
    let mut steps = vec![say.nothing_found(case.document.segments.len())];
    steps.extend(say.wording(case.requirement, verdict, &[]));
    if rests_on_silence(case, verdict, &[]) {
        verdict = Verdict::Undetermined;
        steps.push(say.damaged());
    }
    without_model(case, verdict, DecidedBy::Search, vec![], steps)
}

/// Cites the passages that the pack pins, and of those that the search found the ones that move the
/// verdict by at least `least`. `moves` says how far the model was moved by those that it read.
pub(crate) fn cite(passages: &[CitedPassage], moves: &[f64], least: f64) -> Vec<Citation> {
    passages
        .iter()
        .enumerate()
        .filter(|(index, cited)| {
            cited.link == Link::Pinned || moves.get(*index).is_some_and(|&moves| moves >= least)
        })
        .map(|(index, CitedPassage { passage, link })| Citation {
            id: format!("P{}", index + 1),
            instrument: passage.instrument.clone(),
            short_title: passage.short_title.clone(),
            version: passage.version.clone(),
            language: passage.language,
            address: passage.address.clone(),
            label: passage.label.clone(),
            nature: passage.nature,
            digest: passage.digest,
            span: passage.span(),
            quote: passage.text.clone(),
            link: *link,
            moves: moves.get(index).copied(),
        })
        .collect()
}

pub(crate) fn without_model(
    case: &Case<'_>,
    verdict: Verdict,
    decided_by: DecidedBy,
    evidence: Vec<Evidence>,
    steps: Vec<Step>,
) -> Judged {
    let citations = cite(case.passages, &[], 0.0);
    let mut justification: Vec<Step> = Justifier(case.language)
        .source(&citations)
        .into_iter()
        .collect();
    justification.extend(steps);
    Judged {
        finding: Finding {
            citations,
            ..finding(case, verdict, decided_by, evidence, justification)
        },
        work: Work::default(),
    }
}

pub(crate) fn finding(
    case: &Case<'_>,
    verdict: Verdict,
    decided_by: DecidedBy,
    evidence: Vec<Evidence>,
    justification: Vec<Step>,
) -> Finding {
    Finding {
        document: case.document.path.clone(),
        document_digest: Some(case.document.digest),
        requirement: Some(case.requirement.id.clone()),
        requirement_digest: Some(case.requirement.digest()),
        severity: Some(case.requirement.severity),
        verdict,
        decided_by,
        probability: None,
        distribution: BTreeMap::new(),
        sufficient: None,
        without: None,
        calibrated: false,
        evidence,
        also_read: vec![],
        citations: vec![],
        justification,
        commentary: None,
        not_assessed: None,
    }
}
