//! The model's part: prompts, probabilities, what the verdict rests on.

use std::collections::BTreeMap;

use konform_llm::{Engine, LlmError, Prompt};
use konform_terms::{
    Asked, DecidedBy, Digest, Evidence, Finding, Link, Purpose, Step, Verdict, Work,
};

use crate::{
    answer::{self, Letter},
    case::{Calibration, Case, Judged, Reading, Settings},
    commentary,
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
    /// The same where all but that evidence is read.
    without: Option<[f64; 4]>,
    /// For each candidate: how far it moves the verdict, if that was measured.
    moves: Vec<Option<f64>>,
    /// The same for each passage that was read.
    passage_moves: Vec<f64>,
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
    let mut asker = Asker {
        engine,
        settings,
        calibration: settings.of(&case.requirement.id).0,
        case,
        passages: (0..passages).collect(),
        work: Work::default(),
        blank: None,
    };
    let mut said = asker.verdict(&candidates)?;
    said.work.candidates = ranked;
    let letter = weigh::likeliest(&said.letters);
    let mut judged = conclude(engine, settings, case, &candidates, said);
    if settings.commentary {
        comment(
            engine,
            settings,
            case,
            &candidates,
            passages,
            letter,
            &mut judged,
        )?;
    }
    Ok(judged)
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
    let passages: Vec<usize> = (0..passages).collect();
    for candidates in shown {
        let prompt = prompt_of(settings, case, candidates, &passages, &[]);
        most = most.max(engine.count(&prompt)?);
    }
    Ok(most)
}

/// Asks for letters, and keeps what was asked.
struct Asker<'a, E: ?Sized> {
    engine: &'a mut E,
    settings: &'a Settings,
    calibration: Option<Calibration>,
    case: &'a Case<'a>,
    /// The passages that the model reads, by index.
    passages: Vec<usize>,
    work: Work,
    /// What the model says of an empty document, where its leaning is taken out.
    blank: Option<Letters>,
}

/// What one prompt shows: candidates, and passages by index.
type View<'a> = (&'a [Candidate], &'a [usize]);

impl<E: Engine + ?Sized> Asker<'_, E> {
    /// The verdict's letters, and what moves them.
    fn verdict(&mut self, candidates: &[Candidate]) -> Result<Said, LlmError> {
        let passages = self.passages.clone();
        if self.settings.balanced {
            let blank = self.letters(Purpose::Blank, &[(&[], &passages)], &[])?;
            self.blank = blank.first().copied();
        }
        let prompts = self.read(Purpose::Evidence, candidates, &passages)?;
        let letters = self.distribution(&prompts);
        let letter = weigh::likeliest(&letters);
        // What all but one say, for each that is left out; asked for only where it cannot be told.
        let mut all_but_one: Vec<Letters> = vec![];
        let moves = match self.settings.reading {
            // Silence rests on no evidence.
            Reading::Together if !letter.needs_evidence() => vec![None; candidates.len()],
            Reading::Together => {
                all_but_one = self.left_out(candidates)?;
                let with = weigh::against_others(&letters, letter);
                let without = all_but_one
                    .iter()
                    .map(|&prompt| self.distribution(&[prompt]));
                without
                    .map(|without| Some(with - weigh::against_others(&without, letter)))
                    .collect()
            }
            Reading::Each => weigh::moves(&prompts, letter, self.calibration)
                .into_iter()
                .map(Some)
                .collect(),
        };
        let rests: Vec<usize> = (0..candidates.len())
            .filter(|&at| rests(letter, moves[at]))
            .collect();
        let others: Vec<usize> = (0..candidates.len())
            .filter(|at| !rests.contains(at))
            .collect();
        // What all or one say is known already.
        let mut alone = others.is_empty().then_some(letters);
        let mut without = match rests[..] {
            [one] => all_but_one.get(one).map(|&all| self.distribution(&[all])),
            _ => None,
        };
        // The last prompt left out the first candidate: what does so too begins as it does.
        let order = match rests.first() {
            None => &[][..],
            Some(0) => &[Purpose::Without, Purpose::Alone],
            Some(_) => &[Purpose::Alone, Purpose::Without],
        };
        for &purpose in order {
            let (some, said) = match purpose {
                Purpose::Alone => (&rests, &mut alone),
                _ => (&others, &mut without),
            };
            if said.is_none() {
                *said = Some(self.only(purpose, candidates, &prompts, some)?);
            }
        }
        // Other law is another begin, so it comes last.
        let passage_moves = self.passages_left_out(candidates, &letters, letter)?;
        Ok(Said {
            letters,
            alone,
            without,
            moves,
            passage_moves,
            work: std::mem::take(&mut self.work),
        })
    }

    fn distribution(&self, prompts: &[Letters]) -> [f64; 4] {
        weigh::distribution(prompts, self.calibration)
    }

    /// What follows from some candidates only; `prompts` are those of all of them.
    fn only(
        &mut self,
        purpose: Purpose,
        candidates: &[Candidate],
        prompts: &[Letters],
        some: &[usize],
    ) -> Result<[f64; 4], LlmError> {
        let prompts = match self.settings.reading {
            Reading::Each => some.iter().map(|&at| prompts[at]).collect(),
            Reading::Together => {
                let shown: Vec<Candidate> = some.iter().map(|&at| candidates[at].clone()).collect();
                let passages = self.passages.clone();
                let before = candidates.get(1..).unwrap_or_default();
                self.letters(purpose, &[(&shown, &passages)], before)?
            }
        };
        Ok(self.distribution(&prompts))
    }

    /// Reads all candidates with some passages: in one prompt, or each in its own.
    fn read(
        &mut self,
        purpose: Purpose,
        candidates: &[Candidate],
        passages: &[usize],
    ) -> Result<Vec<Letters>, LlmError> {
        let views: Vec<View<'_>> = match self.settings.reading {
            Reading::Together => vec![(candidates, passages)],
            Reading::Each => candidates.chunks(1).map(|one| (one, passages)).collect(),
        };
        self.letters(purpose, &views, &[])
    }

    /// What the others say without each candidate, where all are read together. The last is left
    /// out first: such prompts share most with the whole one.
    fn left_out(&mut self, candidates: &[Candidate]) -> Result<Vec<Letters>, LlmError> {
        let passages = self.passages.clone();
        let others: Vec<Vec<Candidate>> = (0..candidates.len())
            .rev()
            .map(|left_out| {
                let mut others = candidates.to_vec();
                others.remove(left_out);
                others
            })
            .collect();
        let views: Vec<View<'_>> = others
            .iter()
            .map(|shown| (&shown[..], &passages[..]))
            .collect();
        let mut prompts = self.letters(Purpose::Without, &views, candidates)?;
        prompts.reverse();
        Ok(prompts)
    }

    /// How far each passage moves a letter.
    fn passages_left_out(
        &mut self,
        candidates: &[Candidate],
        letters: &[f64; 4],
        letter: Letter,
    ) -> Result<Vec<f64>, LlmError> {
        let with = weigh::against_others(letters, letter);
        let mut moves = Vec::with_capacity(self.passages.len());
        for left_out in self.passages.clone() {
            let mut others = self.passages.clone();
            others.retain(|&other| other != left_out);
            let prompts = self.read(Purpose::Without, candidates, &others)?;
            let without = self.distribution(&prompts);
            moves.push(with - weigh::against_others(&without, letter));
        }
        Ok(moves)
    }

    /// Asks for the letters behind prompts and notes them; a leaning that is known is taken out.
    /// `whole` are the candidates of the prompt before, where these leave some out.
    fn letters(
        &mut self,
        purpose: Purpose,
        views: &[View<'_>],
        whole: &[Candidate],
    ) -> Result<Vec<Letters>, LlmError> {
        let prompts: Vec<Prompt> = views
            .iter()
            .map(|&(shown, passages)| prompt_of(self.settings, self.case, shown, passages, whole))
            .collect();
        let choices = Letter::ALL.map(Letter::text);
        let answers = self.engine.score(&prompts, &choices)?;
        let mut all = Vec::with_capacity(views.len());
        for ((prompt, (shown, passages)), scores) in prompts.iter().zip(views).zip(answers) {
            self.work.evaluated += scores.usage.evaluated;
            self.work.reused += scores.usage.reused;
            let mut letters = [f64::NEG_INFINITY; 4];
            for (letter, value) in letters.iter_mut().zip(&scores.log_probabilities) {
                *letter = *value;
            }
            self.work.asked.push(Asked {
                purpose,
                segments: shown.iter().map(|candidate| candidate.segment).collect(),
                passages: passages.iter().map(|index| index + 1).collect(),
                prompt: Digest::of_json(prompt),
                log_probabilities: choices
                    .into_iter()
                    .map(str::to_owned)
                    .zip(letters)
                    .collect(),
            });
            if let Some(blank) = &self.blank {
                weigh::balance(&mut letters, blank);
            }
            all.push(letters);
        }
        Ok(all)
    }
}

/// Whether a verdict rests on a piece of evidence that moves it so far.
fn rests(letter: Letter, moves: Option<f64>) -> bool {
    letter.needs_evidence() && moves.is_some_and(|moves| moves >= LEAST_MOVE)
}

/// Adds what the model itself says, with the evidence that the verdict rests on, or all that was
/// read where it rests on none, before it.
fn comment<E: Engine + ?Sized>(
    engine: &mut E,
    settings: &Settings,
    case: &Case<'_>,
    candidates: &[Candidate],
    passages: usize,
    letter: Letter,
    judged: &mut Judged,
) -> Result<(), LlmError> {
    let finding = &judged.finding;
    let pieces = match finding.evidence.as_slice() {
        [] => &finding.also_read,
        shown => shown,
    };
    // In the order of the document, as the prompt shows them.
    let (ids, shown): (Vec<String>, Vec<Candidate>) = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| (format!("E{}", index + 1), candidate.clone()))
        .filter(|(id, _)| pieces.iter().any(|piece| piece.id == *id))
        .unzip();
    let passages: Vec<usize> = (0..passages).collect();
    let prompt = prompt_of(settings, case, &shown, &passages, &[]);
    if engine.count(&prompt)? > engine.capacity() || shown.is_empty() {
        return Ok(());
    }
    let said = engine.complete(
        &prompt,
        &format!("{}{}", letter.text(), commentary::OPENING),
        &commentary::grammar(shown.len(), passages.len()),
        commentary::TOKENS,
    )?;
    judged.work.evaluated += said.usage.evaluated;
    judged.work.reused += said.usage.reused;
    judged.finding.commentary = commentary::finish(&said.text, &ids);
    Ok(())
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
    let (calibration, threshold) = settings.of(&case.requirement.id);
    let letter = weigh::likeliest(&said.letters);
    let distribution: BTreeMap<Verdict, f64> =
        answer::by_verdict(&said.letters, case.requirement.kind);
    let likely = letter.verdict(case.requirement.kind);
    let probability = distribution[&likely];
    let of_likely =
        |letters: [f64; 4]| answer::by_verdict(&letters, case.requirement.kind)[&likely];
    let sufficient = said.alone.map(of_likely);
    let without = said.without.map(of_likely);
    let founded = said
        .without
        .is_some_and(|without| weigh::is_founded(&said.letters, &without));

    let mut evidence: Vec<Evidence> = vec![];
    let mut also_read: Vec<Evidence> = vec![];
    for (index, (candidate, moves)) in candidates.iter().zip(said.moves).enumerate() {
        let piece = Evidence {
            moves,
            ..evidence::quote(case.document, candidate, index + 1)
        };
        if rests(letter, moves) {
            evidence.push(piece);
        } else {
            also_read.push(piece);
        }
    }
    // What moves the verdict most is read first.
    evidence.sort_by(|a, b| b.moves.unwrap_or(0.0).total_cmp(&a.moves.unwrap_or(0.0)));
    let citations = cite(case.passages, &said.passage_moves, LEAST_MOVE);

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
    } else if probability < threshold || threshold >= 1.0 {
        verdict = Verdict::Undetermined;
        steps.push(say.unsure(probability, threshold));
    } else if let (true, false, Some(without)) = (letter.needs_evidence(), founded, without) {
        verdict = Verdict::Undetermined;
        steps.push(say.stands_without(without));
    } else {
        steps.extend(say.wording(case.requirement, likely, &evidence));
    }
    Judged {
        finding: Finding {
            probability: Some(probability),
            distribution,
            sufficient,
            without,
            calibrated: calibration.is_some(),
            also_read,
            citations,
            ..finding(case, verdict, DecidedBy::Model, evidence, steps)
        },
        work: said.work,
    }
}

/// Candidates as the prompt shows them, in the order of the document.
fn lines<'a>(case: &Case<'a>, candidates: &[Candidate]) -> Vec<Line<'a>> {
    let mut order: Vec<usize> = candidates.iter().map(|one| one.segment).collect();
    order.sort_unstable();
    let line = |segment: usize| {
        let segment = &case.document.segments[segment];
        Line {
            heading: segment.heading_path.last().map_or("", String::as_str),
            words: case.document.quote(segment),
        }
    };
    order.into_iter().map(line).collect()
}

/// Writes the prompt that shows candidates and passages; `whole` are those of the prompt before.
fn prompt_of(
    settings: &Settings,
    case: &Case<'_>,
    candidates: &[Candidate],
    passages: &[usize],
    whole: &[Candidate],
) -> Prompt {
    let passages: Vec<(String, String)> = passages
        .iter()
        .map(|&index| {
            let passage = &case.passages[index].passage;
            let words = passage
                .text
                .chars()
                .take(settings.passage_characters)
                .collect();
            (format!("{} {}", passage.label, passage.short_title), words)
        })
        .collect();
    render(&Shown {
        statement: case
            .requirement
            .statement(case.language)
            .unwrap_or_default(),
        kind: case.requirement.kind,
        passages: &passages,
        evidence: &lines(case, candidates),
        whole: &lines(case, whole),
    })
}
