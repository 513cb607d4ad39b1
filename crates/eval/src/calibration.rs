//! Temperature, priors and threshold from labelled data.
//!
//! A pack with enough labels gets a fit of its own, and within it each requirement may lean towards
//! silence or the contrary more than its pack: by as much as its labels tell, held back by a normal
//! prior with a standard deviation of 1 on the log-odds, so that few labels move little.

use std::collections::BTreeMap;

use konform_terms::Verdict;
use serde::Serialize;

use crate::metrics::{Risk, float, risk_coverage};

/// What the model could have said: a verdict with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The verdict that it means.
    pub verdict: Verdict,
    /// Its log-odds against silence, uncalibrated.
    pub score: f64,
    /// Which prior is added to the score.
    pub prior: Prior,
}

/// What a choice says, as far as priors go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prior {
    /// The document is silent.
    Silence,
    /// It says the contrary.
    Denial,
    /// Anything else: nothing is added.
    None,
}

/// What makes scores probabilities: `softmax((score + prior) / temperature)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fit {
    /// What scores are divided by.
    pub temperature: f64,
    /// What is added to the score of silence before.
    pub silence: f64,
    /// What is added to the score of the contrary before.
    pub denial: f64,
}

/// How far a requirement's priors lie from those of its pack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Shift {
    /// Added to the prior of silence.
    pub silence: f64,
    /// Added to the prior of the contrary.
    pub denial: f64,
}

/// The fit of a pack, with what is different for its requirements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackFit {
    /// What holds for all.
    pub fit: Fit,
    /// The shifts by requirement.
    pub requirements: BTreeMap<String, Shift>,
}

/// A labelled verdict and what the model could have said.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The requirement.
    pub requirement: &'a str,
    /// The verdict that is right.
    pub right: Verdict,
    /// The model's choices.
    pub choices: &'a [Choice],
}

/// A fit and the threshold that goes with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibrated {
    /// How many verdicts it was found on.
    pub labels: usize,
    /// How many documents they are of.
    pub documents: usize,
    /// The fit, found on all these labels.
    #[serde(flatten)]
    pub fit: PackFit,
    /// The least probability that decides; 1 where none keeps the error.
    pub threshold: f64,
    /// Whether at most 5 % of what it decides was wrong, on documents that no fit was found on.
    pub keeps_the_error: bool,
    /// The share of likeliest verdicts that were right, on documents that no fit was found on.
    pub accuracy: f64,
    /// The expected calibration error there.
    pub calibration_error: f64,
    /// The share that the threshold decides there.
    pub decided: f64,
    /// The share of the decided that was right there.
    pub decided_right: f64,
}

/// The share of wrong verdicts that a threshold may let through.
pub(crate) const ERROR: f64 = 0.05;
/// A threshold that decides fewer verdicts than this was not measured: of as few, even without a
/// wrong one, it is likelier than 5 % that more than 5 % are wrong (0.95⁵⁸ > 0.05 > 0.95⁵⁹).
const FEWEST: f64 = 59.0;

impl Fit {
    /// The one that changes nothing.
    pub const NONE: Self = Self {
        temperature: 1.0,
        silence: 0.0,
        denial: 0.0,
    };

    /// The probability of each verdict.
    pub(crate) fn distribution(self, choices: &[Choice]) -> BTreeMap<Verdict, f64> {
        let odds = |choice: &Choice| {
            let prior = match choice.prior {
                Prior::Silence => self.silence,
                Prior::Denial => self.denial,
                Prior::None => 0.0,
            };
            (choice.score + prior) / self.temperature
        };
        let greatest = choices.iter().map(odds).fold(f64::NEG_INFINITY, f64::max);
        let mut sums: BTreeMap<Verdict, f64> = BTreeMap::new();
        let mut all = 0.0;
        for choice in choices {
            let weight = (odds(choice) - greatest).exp();
            *sums.entry(choice.verdict).or_default() += weight;
            all += weight;
        }
        for value in sums.values_mut() {
            *value /= all;
        }
        sums
    }

    /// The likeliest verdict with its probability; the first of equals.
    pub(crate) fn likeliest(self, choices: &[Choice]) -> Option<(Verdict, f64)> {
        self.distribution(choices)
            .into_iter()
            .fold(None, |best, next| match best {
                Some((_, probability)) if probability >= next.1 => best,
                _ => Some(next),
            })
    }
}

impl PackFit {
    /// The fit for one of its requirements.
    pub(crate) fn of(&self, requirement: &str) -> Fit {
        let shift = self.requirements.get(requirement).copied();
        self.fit.shifted(shift.unwrap_or_default())
    }
}

impl Fit {
    fn shifted(self, by: Shift) -> Self {
        Self {
            silence: self.silence + by.silence,
            denial: self.denial + by.denial,
            ..self
        }
    }

    /// The negative logarithm of what is right.
    fn loss(self, known: &Known<'_>) -> f64 {
        let distribution = self.distribution(known.choices);
        let probability = distribution.get(&known.right).copied().unwrap_or(0.0);
        -probability.max(1e-9).ln()
    }
}

/// Finds the fit under which what is right is likeliest (least negative logarithm in all), by turns
/// along its parameters.
///
/// The same cases give the same fit. Without cases nothing is changed.
#[must_use]
pub fn fit(cases: &[Known<'_>]) -> Fit {
    let loss = |fit: Fit| -> f64 { cases.iter().map(|known| fit.loss(known)).sum() };
    if cases.is_empty() {
        return Fit::NONE;
    }
    let mut best = Fit::NONE;
    for _ in 0..8 {
        best = along(best, loss);
    }
    rounded(best)
}

/// Finds the fit of a pack: that of all its cases, and what is different for each requirement; by
/// turns, each with the others as they stand (the temperature does not see what holds shifts back).
#[must_use]
pub fn fit_pack(cases: &[Known<'_>]) -> PackFit {
    let mut by_requirement: BTreeMap<&str, Vec<Known<'_>>> = BTreeMap::new();
    for known in cases {
        by_requirement
            .entry(known.requirement)
            .or_default()
            .push(*known);
    }
    let mut best = fit(cases);
    let mut shifts: BTreeMap<&str, Shift> = BTreeMap::new();
    // With one requirement the pack says it all.
    for _ in 0..if by_requirement.len() > 1 { 3 } else { 0 } {
        for (&requirement, own) in &by_requirement {
            let cost = |shift: Shift| -> f64 {
                let (silence, denial) = (
                    shift.silence / best.temperature,
                    shift.denial / best.temperature,
                );
                let held_back = 0.5 * (silence * silence + denial * denial);
                let losses = own.iter().map(|known| best.shifted(shift).loss(known));
                held_back + losses.sum::<f64>()
            };
            let shift = shifts.entry(requirement).or_default();
            for _ in 0..2 {
                shift.silence = least(-10.0, 10.0, |silence| cost(Shift { silence, ..*shift }));
                shift.denial = least(-10.0, 10.0, |denial| cost(Shift { denial, ..*shift }));
            }
        }
        best = along(best, |fit| {
            let of = |known: &Known<'_>| {
                fit.shifted(shifts.get(known.requirement).copied().unwrap_or_default())
            };
            cases.iter().map(|known| of(known).loss(known)).sum()
        });
    }
    PackFit {
        fit: rounded(best),
        requirements: shifts
            .into_iter()
            .map(|(requirement, shift)| {
                let shift = Shift {
                    silence: round(shift.silence),
                    denial: round(shift.denial),
                };
                (requirement.to_owned(), shift)
            })
            .collect(),
    }
}

/// One turn along each parameter.
fn along(mut best: Fit, loss: impl Fn(Fit) -> f64) -> Fit {
    let temperature = least(-3.0, 4.0, |log| {
        loss(Fit {
            temperature: f64::exp(log),
            ..best
        })
    });
    best.temperature = temperature.exp();
    best.silence = least(-10.0, 10.0, |silence| loss(Fit { silence, ..best }));
    best.denial = least(-10.0, 10.0, |denial| loss(Fit { denial, ..best }));
    best
}

/// What a file says in four digits is what was measured.
fn rounded(fit: Fit) -> Fit {
    Fit {
        temperature: round(fit.temperature),
        silence: round(fit.silence),
        denial: round(fit.denial),
    }
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// Where a function with one valley is least, by the golden section.
fn least(mut from: f64, mut to: f64, function: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let mut left = to - ratio * (to - from);
    let mut right = from + ratio * (to - from);
    let (mut at_left, mut at_right) = (function(left), function(right));
    for _ in 0..40 {
        if at_left <= at_right {
            to = right;
            right = left;
            at_right = at_left;
            left = to - ratio * (to - from);
            at_left = function(left);
        } else {
            from = left;
            left = right;
            at_left = at_right;
            right = from + ratio * (to - from);
            at_right = function(right);
        }
    }
    f64::midpoint(from, to)
}

/// The threshold that decides most with at most 5 % of it wrong, if there is one.
pub(crate) fn threshold(said: &[(f64, bool)]) -> Option<Risk> {
    let curve = risk_coverage(said);
    let keeps =
        |risk: &&Risk| risk.coverage * float(said.len()) > FEWEST - 0.5 && risk.risk <= ERROR;
    curve.iter().rfind(keeps).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(satisfied: f64, violated: f64) -> [Choice; 3] {
        let choice = |verdict, score, prior| Choice {
            verdict,
            score,
            prior,
        };
        [
            choice(Verdict::Satisfied, satisfied, Prior::None),
            choice(Verdict::Violated, violated, Prior::Denial),
            choice(Verdict::Missing, 0.0, Prior::Silence),
        ]
    }

    fn known(right: Verdict, choices: &[Choice]) -> Known<'_> {
        Known {
            requirement: "p/one",
            right,
            choices,
        }
    }

    #[test]
    fn a_model_that_is_too_sure_is_cooled_down() {
        // It says "satisfied" with e^4 against 1, and is right three times of four.
        let said = choices(4.0, -20.0);
        let right = [
            Verdict::Satisfied,
            Verdict::Satisfied,
            Verdict::Satisfied,
            Verdict::Missing,
        ];
        let cases = right.map(|right| known(right, &said));
        let found = fit(&cases);
        let probability = found.distribution(&said)[&Verdict::Satisfied];
        assert!((probability - 0.75).abs() < 0.01, "{found:?} {probability}");
    }

    #[test]
    fn a_model_that_overlooks_silence_gets_a_prior() {
        let (sure, unsure) = (choices(3.0, -9.0), choices(1.0, -9.0));
        let cases: Vec<Known<'_>> = (0..20)
            .map(|at| match at {
                0..10 => known(Verdict::Satisfied, &sure),
                10 => known(Verdict::Satisfied, &unsure),
                _ => known(Verdict::Missing, &unsure),
            })
            .collect();
        let found = fit(&cases);
        assert!(found.silence > 0.5, "{found:?}");
        assert_eq!(found.likeliest(&unsure).unwrap().0, Verdict::Missing);
        assert_eq!(found.likeliest(&sure).unwrap().0, Verdict::Satisfied);
    }

    #[test]
    fn a_requirement_moves_as_far_from_its_pack_as_its_labels_tell() {
        // Where the model leans the other way, one requirement is silent as often as not, and the
        // other told.
        let (told, silent) = (choices(2.0, -9.0), choices(-2.0, -9.0));
        let cases = |each: usize| -> Vec<Known<'_>> {
            let of = |requirement, usual, by_model| {
                (0..each).map(move |at| match at % 4 {
                    0 | 1 => (requirement, usual, at % 4 == 0),
                    2 => (requirement, usual, by_model == usual),
                    _ => (requirement, by_model, by_model == Verdict::Satisfied),
                })
            };
            let (yes, no) = (Verdict::Satisfied, Verdict::Missing);
            let all = of("p/silent", no, yes).chain(of("p/told", yes, no));
            all.map(|(requirement, right, says_so)| Known {
                requirement,
                right,
                choices: if says_so { &told } else { &silent },
            })
            .collect()
        };
        let (few, many) = (fit_pack(&cases(8)), fit_pack(&cases(200)));
        let neither = choices(0.0, -9.0);
        let silent = |fit: &PackFit, requirement| {
            fit.of(requirement).distribution(&neither)[&Verdict::Missing]
        };
        assert!(
            silent(&many, "p/silent") > 0.6 && silent(&many, "p/told") < 0.4,
            "{many:?}"
        );
        let moved = silent(&few, "p/silent");
        assert!(
            moved > 0.5 && moved < silent(&many, "p/silent"),
            "{few:?} {many:?}"
        );
        assert!((silent(&many, "p/other") - 0.5).abs() < 0.1);
    }

    #[test]
    fn two_choices_of_one_verdict_are_added_up() {
        let mut own = choices(0.0, 0.0);
        own[1].verdict = Verdict::Missing;
        let all = Fit::NONE.distribution(&own);
        assert!((all[&Verdict::Missing] - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_threshold_decides_as_much_as_the_error_allows() {
        let mut said: Vec<(f64, bool)> = (0..60)
            .map(|at| (0.9 + f64::from(at) * 1e-3, true))
            .collect();
        said.extend([0.8, 0.7, 0.6].map(|probability| (probability, false)));
        said.extend((0..20).map(|at| (0.5 + f64::from(at) * 1e-3, at % 2 == 0)));
        let risk = threshold(&said).unwrap();
        assert!((risk.threshold - 0.6).abs() < 1e-12, "{risk:?}");
        let wrong: Vec<(f64, bool)> = (0..60).map(|_| (0.9, false)).collect();
        assert_eq!(threshold(&wrong), None);
        // Too few to tell, though all are right.
        assert_eq!(threshold(&[(0.9, true); 58]), None);
    }
}
