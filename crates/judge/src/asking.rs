//! The model's part: prompts, probabilities, what the verdict rests on.

use std::collections::BTreeMap;

use konform_llm::{Engine, LlmError, Prompt};
use konform_terms::{Asked, DecidedBy, Digest, Evidence, Finding, Link, Step, Verdict, Work};

use crate::{
    answer::{self, Letter},
    case::{Case, Judged, Reading, Settings},
    evidence::{self, Candidate},
    judging::{cite, finding, rests_on_silence, without_model},
    justify::Justifier,
    prompt::{Line, Shown, render},
    weigh::{self, Letters},
};

/// Evidence that moves the verdict by less than this (in nats) is not shown as a reason.
const LEAST_MOVE: f64 = 0.1;

/// What the model said of a case.
struct Said {
    /// The probabilities of the letters.
    letters: [f64; 4],
    /// The same where only the evidence that the verdict rests on is read, if there is some.
    alone: Option<[f64; 4]>,
    /// For each candidate: whether the verdict rests on it, and how far it moves it if measured.
    weights: Vec<(bool, Option<f64>)>,
    /// The numbers of the passages that the verdict rests on.
    cited: Vec<usize>,
    work: Work,
}

pub(crate) fn ask<E: Engine + ?Sized>(
    engine: &mut E,
    settings: &Settings,
    case: &Case<'_>,
    mut candidates: Vec<Candidate>,
) -> Result<Judged, LlmError> {
    let say = Justifier(case.language);
    let ranked = ranked(&candidates);
    let mut passages = settings.max_passages.min(case.passages.len());
    loop {
        let tokens = longest(engine, settings, case, &candidates, passages)?;
        if tokens <= engine.capacity() {
            break;
        }
        // Law gives way before evidence: the statement already says what the law asks.
        if passages > 0 {
            passages -= 1;
        } else if settings.reading == Reading::Together && candidates.len() > 1 {
            candidates.pop();
        } else {
            let steps = vec![say.too_long(tokens, engine.capacity())];
            return Ok(without_model(
                case,
                Verdict::Undetermined,
                DecidedBy::Search,
                vec![],
                steps,
            ));
        }
    }
    candidates.sort_by_key(|candidate| candidate.segment);
    let mut said = match settings.reading {
        Reading::Together => together(engine, settings, case, &candidates, passages)?,
        Reading::Each => each(engine, settings, case, &candidates, passages)?,
    };
    said.work.candidates = ranked;
    Ok(conclude(engine, settings, case, &candidates, said))
}

/// The candidates by index with their scores, best first.
fn ranked(candidates: &[Candidate]) -> Vec<(usize, f64)> {
    let score = |link| match link {
        Link::Search(score) => score,
        _ => 0.0,
    };
    candidates
        .iter()
        .map(|candidate| (candidate.segment, score(candidate.link)))
        .collect()
}

/// How many tokens the longest prompt has.
fn longest<E: Engine + ?Sized>(
    engine: &E,
    settings: &Settings,
    case: &Case<'_>,
    candidates: &[Candidate],
    passages: usize,
) -> Result<usize, LlmError> {
    let shown: Vec<&[Candidate]> = match settings.reading {
        Reading::Together => vec![candidates],
        Reading::Each => candidates.chunks(1).collect(),
    };
    let mut most = 0;
    for candidates in shown {
        let prompt = prompt_of(settings, case, candidates, passages);
        most = most.max(engine.count(&prompt)?);
    }
    Ok(most)
}

/// All candidates in one prompt. What the verdict rests on is chosen by number under a grammar;
/// each chosen piece is then left out of a prompt, and what does not move the verdict is not kept.
fn together<E: Engine + ?Sized>(
    engine: &mut E,
    settings: &Settings,
    case: &Case<'_>,
    candidates: &[Candidate],
    passages: usize,
) -> Result<Said, LlmError> {
    let mut work = Work::default();
    let prompt = prompt_of(settings, case, candidates, passages);
    let scores = letters(engine, &prompt, candidates, &mut work)?;
    let said = weigh::distribution(&[scores], settings.calibration);
    let letter = weigh::likeliest(&said);
    let completion = engine.complete(
        &prompt,
        letter.text(),
        &answer::grammar(letter, candidates.len(), passages),
        4 * (candidates.len() + passages) + 1,
    )?;
    let (chosen, cited) = answer::parse_ids(&completion.text);
    work.answer = format!("{}{}", letter.text(), completion.text);
    work.evaluated += completion.usage.evaluated;
    work.reused += completion.usage.reused;

    let mut ask = |shown: &[Candidate]| -> Result<[f64; 4], LlmError> {
        let prompt = prompt_of(settings, case, shown, passages);
        let scores = letters(engine, &prompt, shown, &mut work)?;
        Ok(weigh::distribution(&[scores], settings.calibration))
    };
    let with = weigh::against_others(&said, letter);
    let mut weights = vec![(false, None); candidates.len()];
    for number in chosen {
        let Some(weight) = weights.get_mut(number - 1) else {
            continue;
        };
        let mut others = candidates.to_vec();
        others.remove(number - 1);
        let moves = with - weigh::against_others(&ask(&others)?, letter);
        *weight = (moves >= LEAST_MOVE, Some(moves));
    }
    let shown: Vec<Candidate> = candidates
        .iter()
        .zip(&weights)
        .filter(|(_, weight)| weight.0)
        .map(|(candidate, _)| candidate.clone())
        .collect();
    let alone = match shown.len() {
        0 => None,
        all if all == candidates.len() => Some(said),
        _ => Some(ask(&shown)?),
    };
    Ok(Said {
        letters: said,
        alone,
        weights,
        cited,
        work,
    })
}

/// Each candidate in a prompt of its own; the verdict rests on those that move it.
fn each<E: Engine + ?Sized>(
    engine: &mut E,
    settings: &Settings,
    case: &Case<'_>,
    candidates: &[Candidate],
    passages: usize,
) -> Result<Said, LlmError> {
    let mut work = Work::default();
    let mut scores = Vec::with_capacity(candidates.len());
    for candidate in candidates.chunks(1) {
        let prompt = prompt_of(settings, case, candidate, passages);
        scores.push(letters(engine, &prompt, candidate, &mut work)?);
    }
    let said = weigh::distribution(&scores, settings.calibration);
    let letter = weigh::likeliest(&said);
    let weights: Vec<(bool, Option<f64>)> = weigh::moves(&scores, letter, settings.calibration)
        .into_iter()
        .map(|moves| {
            let rests = letter.needs_evidence() && moves >= LEAST_MOVE;
            (rests, Some(moves))
        })
        .collect();
    let shown: Vec<Letters> = scores
        .iter()
        .zip(&weights)
        .filter(|(_, weight)| weight.0)
        .map(|(scores, _)| *scores)
        .collect();
    let alone = (!shown.is_empty()).then(|| weigh::distribution(&shown, settings.calibration));
    Ok(Said {
        letters: said,
        alone,
        weights,
        cited: vec![],
        work,
    })
}

/// Asks for the letters behind one prompt and notes it.
fn letters<E: Engine + ?Sized>(
    engine: &mut E,
    prompt: &Prompt,
    shown: &[Candidate],
    work: &mut Work,
) -> Result<Letters, LlmError> {
    let choices = Letter::ALL.map(Letter::text);
    let scores = engine.score(prompt, &choices)?;
    work.evaluated += scores.usage.evaluated;
    work.reused += scores.usage.reused;
    let mut letters = [f64::NEG_INFINITY; 4];
    for (letter, value) in letters.iter_mut().zip(&scores.log_probabilities) {
        *letter = *value;
    }
    work.asked.push(Asked {
        segments: shown.iter().map(|candidate| candidate.segment).collect(),
        prompt: Digest::of_json(prompt),
        log_probabilities: choices
            .into_iter()
            .map(str::to_owned)
            .zip(letters)
            .collect(),
    });
    Ok(letters)
}

/// Makes the finding of what the model said.
fn conclude<E: Engine + ?Sized>(
    engine: &E,
    settings: &Settings,
    case: &Case<'_>,
    candidates: &[Candidate],
    said: Said,
) -> Judged {
    let say = Justifier(case.language);
    let letter = weigh::likeliest(&said.letters);
    let distribution: BTreeMap<Verdict, f64> =
        answer::by_verdict(&said.letters, case.requirement.kind);
    let likely = letter.verdict(case.requirement.kind);
    let probability = distribution[&likely];
    let sufficient = said
        .alone
        .map(|letters| answer::by_verdict(&letters, case.requirement.kind)[&likely]);

    let mut evidence: Vec<Evidence> = vec![];
    let mut also_read: Vec<Evidence> = vec![];
    for (index, (candidate, (rests, moves))) in candidates.iter().zip(said.weights).enumerate() {
        let piece = Evidence {
            moves,
            ..evidence::quote(case.document, candidate, index + 1)
        };
        if rests {
            evidence.push(piece);
        } else {
            also_read.push(piece);
        }
    }
    let citations = cite(case.passages, |number| said.cited.contains(&number));

    let mut steps: Vec<Step> = say.source(&citations).into_iter().collect();
    steps.push(say.read(case.document.segments.len(), candidates.len()));
    steps.push(say.verdict(likely, probability, &engine.identity().name, &evidence));
    let mut verdict = likely;
    if rests_on_silence(case, likely, &evidence) {
        verdict = Verdict::Undetermined;
        steps.push(say.damaged());
    } else if letter.needs_evidence() && evidence.is_empty() {
        verdict = Verdict::Undetermined;
        steps.push(say.unfounded());
    } else if probability < settings.threshold {
        verdict = Verdict::Undetermined;
        steps.push(say.unsure(probability, settings.threshold));
    } else {
        steps.extend(say.wording(case.requirement, likely, &evidence));
    }
    Judged {
        finding: Finding {
            probability: Some(probability),
            distribution,
            sufficient,
            calibrated: settings.calibration.is_some(),
            also_read,
            citations,
            ..finding(case, verdict, DecidedBy::Model, evidence, steps)
        },
        work: said.work,
    }
}

fn prompt_of(
    settings: &Settings,
    case: &Case<'_>,
    candidates: &[Candidate],
    passages: usize,
) -> Prompt {
    let passages: Vec<(String, String)> = case.passages[..passages]
        .iter()
        .map(|cited| {
            let passage = &cited.passage;
            let words = passage
                .text
                .chars()
                .take(settings.passage_characters)
                .collect();
            (format!("{} {}", passage.label, passage.short_title), words)
        })
        .collect();
    let mut order: Vec<usize> = candidates
        .iter()
        .map(|candidate| candidate.segment)
        .collect();
    order.sort_unstable();
    let evidence: Vec<Line<'_>> = order
        .into_iter()
        .map(|segment| {
            let segment = &case.document.segments[segment];
            Line {
                heading: segment.heading_path.last().map_or("", String::as_str),
                words: case.document.quote(segment),
            }
        })
        .collect();
    render(&Shown {
        statement: case
            .requirement
            .statement(case.language)
            .unwrap_or_default(),
        kind: case.requirement.kind,
        passages: &passages,
        evidence: &evidence,
    })
}
