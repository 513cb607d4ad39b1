//! From the letters behind prompts to what the document says.
//!
//! For a prompt *i* and a letter *v* other than C, *ℓᵢ(v) = ln pᵢ(v) − ln pᵢ(C)* are the log-odds
//! against silence. Several prompts, each of which shows one segment, are combined as
//! *S(v) = ½ ln Σᵢ exp 2ℓᵢ(v)*: close to the strongest segment, and a little more where several say
//! the same; *S(C) = s*, the calibration's silence, and *S(B)* has its denial added (0 without one). The
//! distribution is the softmax of *S / T*, with the temperature *T* of the calibration (1 without one). One prompt without a
//! calibration gives just the model's own distribution over the letters.
//!
//! How far a segment moves a letter is the letter's log-odds in the distribution with all segments
//! less those with all but this one; it needs no further prompt.

use konform_terms::{Purpose, Work};

use crate::{answer::Letter, case::Calibration};

/// The log-probabilities of the letters behind one prompt, in the order of [`Letter::ALL`].
pub(crate) type Letters = [f64; 4];

/// No letter is less likely than this (a natural logarithm).
const LEAST: f64 = -100.0;
/// B and C, in the order of the letters.
const DENIAL: usize = 1;
const SILENCE: usize = 2;

/// The distribution over the letters that prompts lead to.
pub(crate) fn distribution(prompts: &[Letters], calibration: Option<Calibration>) -> [f64; 4] {
    weigh(prompts.iter(), calibration)
}

/// The letter with the greatest probability; the first of equals.
pub(crate) fn likeliest(letters: &[f64; 4]) -> Letter {
    let mut best = (Letter::A, f64::NEG_INFINITY);
    for (letter, &probability) in Letter::ALL.into_iter().zip(letters) {
        if probability > best.1 {
            best = (letter, probability);
        }
    }
    best.0
}

/// The log-odds of a letter against the three others.
pub(crate) fn against_others(letters: &[f64; 4], letter: Letter) -> f64 {
    let (mut own, mut others) = (0.0, 0.0);
    for (other, probability) in Letter::ALL.into_iter().zip(letters) {
        if other == letter {
            own += probability;
        } else {
            others += probability;
        }
    }
    own.ln().max(LEAST) - others.ln().max(LEAST)
}

/// Whether the evidence that is left out in `without` is the reason of the likeliest letter of
/// `letters`: another letter is likeliest then, or this one has lost half of its lead (in nats).
pub(crate) fn is_founded(letters: &[f64; 4], without: &[f64; 4]) -> bool {
    let letter = likeliest(letters);
    likeliest(without) != letter || lead(without, letter) < 0.5 * lead(letters, letter)
}

/// How far a letter stands before the likeliest other one, in nats.
fn lead(letters: &[f64; 4], letter: Letter) -> f64 {
    let (mut own, mut other) = (0.0_f64, 0.0_f64);
    for (one, &probability) in Letter::ALL.into_iter().zip(letters) {
        if one == letter {
            own = probability;
        } else {
            other = other.max(probability);
        }
    }
    own.ln().max(LEAST) - other.ln().max(LEAST)
}

/// Takes a model's leaning to yes or no out of its letters: *b = ½ (ln p(A) − ln p(B))* behind a
/// prompt that shows an empty document, where neither can be the likelier, is taken from A and
/// given to B. (The idea is contextual calibration, Zhao et al. 2021; silence, which is the right
/// answer to an empty document, is left as it is.)
pub(crate) fn balance(letters: &mut Letters, blank: &Letters) {
    let lean = 0.5 * (blank[0].max(LEAST) - blank[1].max(LEAST));
    letters[0] -= lean;
    letters[1] += lean;
}

/// The uncalibrated log-odds of each letter against C, from what a trace keeps of the work; `None`
/// where no model was asked.
///
/// Adding a prior to that of C and dividing by a temperature gives what a calibrated run gives.
#[must_use]
pub fn log_odds(work: &Work) -> Option<[(Letter, f64); 4]> {
    let said = |purpose| {
        let asked = work.asked.iter();
        asked
            .filter(move |asked| asked.purpose == purpose)
            .map(|asked| {
                Letter::ALL.map(|letter| {
                    let known = asked.log_probabilities.get(letter.text());
                    known.copied().unwrap_or(f64::NEG_INFINITY)
                })
            })
    };
    let mut prompts: Vec<Letters> = said(Purpose::Evidence).collect();
    if prompts.is_empty() {
        return None;
    }
    if let Some(blank) = said(Purpose::Blank).next() {
        for letters in &mut prompts {
            balance(letters, &blank);
        }
    }
    let letters = distribution(&prompts, None);
    let silence = letters[SILENCE].ln().max(LEAST);
    let mut odds = Letter::ALL.map(|letter| (letter, 0.0));
    for (odd, letter) in odds.iter_mut().zip(letters) {
        odd.1 = letter.ln().max(LEAST) - silence;
    }
    Some(odds)
}

/// How far each prompt moves a letter.
pub(crate) fn moves(
    prompts: &[Letters],
    letter: Letter,
    calibration: Option<Calibration>,
) -> Vec<f64> {
    let with = against_others(&distribution(prompts, calibration), letter);
    (0..prompts.len())
        .map(|left_out| {
            let others = prompts.iter().enumerate();
            let others = others.filter(|&(index, _)| index != left_out);
            let others = others.map(|(_, letters)| letters);
            with - against_others(&weigh(others, calibration), letter)
        })
        .collect()
}

fn weigh<'a>(
    prompts: impl Iterator<Item = &'a Letters>,
    calibration: Option<Calibration>,
) -> [f64; 4] {
    let Calibration {
        temperature,
        silence,
        denial,
    } = calibration.unwrap_or(Calibration::NONE);
    let mut squares = [0.0; 4];
    for letters in prompts {
        let of_silence = letters[SILENCE].max(LEAST);
        for (square, letter) in squares.iter_mut().zip(letters) {
            *square += (2.0 * (letter.max(LEAST) - of_silence)).exp();
        }
    }
    let mut odds = squares.map(|square| 0.5 * square.ln().max(2.0 * LEAST));
    odds[SILENCE] = silence;
    odds[DENIAL] += denial;
    let greatest = odds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights = odds.map(|odds| ((odds - greatest) / temperature).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(letters: [f64; 4]) -> Letters {
        letters.map(f64::ln)
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn one_prompt_gives_the_models_own_distribution() {
        let letters = distribution(&[logs([0.6, 0.1, 0.25, 0.05])], None);
        for (got, want) in letters.into_iter().zip([0.6, 0.1, 0.25, 0.05]) {
            assert!(close(got, want), "{letters:?}");
        }
    }

    #[test]
    fn a_leaning_to_yes_is_taken_out_and_silence_stays() {
        // Behind nothing the model says yes nine times as often as no.
        let blank = logs([0.45, 0.05, 0.49, 0.01]);
        let mut letters = logs([0.45, 0.05, 0.49, 0.01]);
        balance(&mut letters, &blank);
        let letters = distribution(&[letters], None);
        assert!(close(letters[0], letters[1]), "{letters:?}");
        assert_eq!(likeliest(&letters), Letter::C);
    }

    #[test]
    fn nothing_read_is_silence() {
        assert_eq!(likeliest(&distribution(&[], None)), Letter::C);
    }

    #[test]
    fn one_segment_that_says_so_outweighs_many_that_do_not() {
        let silent = logs([0.02, 0.01, 0.96, 0.01]);
        let mut prompts = vec![silent; 11];
        prompts.push(logs([0.9, 0.04, 0.05, 0.01]));
        let letters = distribution(&prompts, None);
        assert_eq!(likeliest(&letters), Letter::A);
        let moves = moves(&prompts, Letter::A, None);
        assert!(moves[11] > 4.0, "{moves:?}");
        assert!(moves[..11].iter().all(|&move_| move_.abs() < 0.01));
    }

    #[test]
    fn what_says_the_contrary_moves_against() {
        let prompts = [logs([0.9, 0.05, 0.04, 0.01]), logs([0.05, 0.8, 0.14, 0.01])];
        let moves = moves(&prompts, Letter::A, None);
        assert!(moves[0] > 0.0 && moves[1] < 0.0, "{moves:?}");
    }

    #[test]
    fn a_verdict_is_founded_on_words_without_which_it_falls_or_wanes() {
        let sure = [0.9, 0.02, 0.07, 0.01];
        // Half of ln (0.9 / 0.07) is ln 3.59.
        for (without, founded) in [
            ([0.3, 0.0, 0.7, 0.0], true),
            ([0.75, 0.03, 0.22, 0.0], true),
            ([0.8, 0.03, 0.17, 0.0], false),
            (sure, false),
        ] {
            assert_eq!(is_founded(&sure, &without), founded, "{without:?}");
        }
    }

    #[test]
    fn temperature_flattens_and_priors_shift() {
        let prompts = [logs([0.6, 0.1, 0.29, 0.01])];
        let flat = Calibration {
            temperature: 4.0,
            ..Calibration::NONE
        };
        let quiet = Calibration {
            silence: 2.0,
            ..Calibration::NONE
        };
        let contrary = Calibration {
            denial: 3.0,
            ..Calibration::NONE
        };
        assert!(distribution(&prompts, Some(flat))[0] < 0.6);
        assert_eq!(likeliest(&distribution(&prompts, Some(quiet))), Letter::C);
        assert_eq!(
            likeliest(&distribution(&prompts, Some(contrary))),
            Letter::B
        );
    }

    #[test]
    fn impossible_letters_make_no_number_undefined() {
        let none = [f64::NEG_INFINITY; 4];
        for prompts in [vec![none], vec![none; 3], vec![logs([0.0, 0.0, 1.0, 0.0])]] {
            let letters = distribution(&prompts, None);
            assert!(close(letters.iter().sum(), 1.0), "{letters:?}");
            assert!(
                moves(&prompts, Letter::A, None)
                    .iter()
                    .all(|m| m.is_finite())
            );
        }
    }
}
