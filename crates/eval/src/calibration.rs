//! Temperature, prior of silence and threshold from labelled data.

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
    /// Whether it says that the document is silent; the prior is added to this one.
    pub is_silence: bool,
}

/// What makes scores probabilities: `softmax((score + silence where silent) / temperature)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fit {
    /// What scores are divided by.
    pub temperature: f64,
    /// What is added to the score of silence before.
    pub silence: f64,
}

/// A fit and the threshold that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Calibrated {
    /// The fit, found on all labels.
    pub fit: Fit,
    /// The least probability that decides.
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
/// A threshold that decides fewer than this was not measured.
const FEWEST: f64 = 20.0;

impl Fit {
    /// The one that changes nothing.
    pub const NONE: Self = Self {
        temperature: 1.0,
        silence: 0.0,
    };

    /// The probability of each verdict.
    pub(crate) fn distribution(self, choices: &[Choice]) -> BTreeMap<Verdict, f64> {
        let odds = |choice: &Choice| {
            let silence = if choice.is_silence { self.silence } else { 0.0 };
            (choice.score + silence) / self.temperature
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

/// Finds the fit under which what is right is likeliest (least mean negative logarithm), by turns
/// along both parameters.
///
/// The same cases give the same fit. Without cases nothing is changed.
#[must_use]
pub fn fit(cases: &[(Verdict, &[Choice])]) -> Fit {
    let loss = |fit: Fit| -> f64 {
        let losses = cases.iter().map(|(right, choices)| {
            let probability = fit.distribution(choices).get(right).copied().unwrap_or(0.0);
            -probability.max(1e-9).ln()
        });
        losses.sum::<f64>() / float(cases.len().max(1))
    };
    if cases.is_empty() {
        return Fit::NONE;
    }
    let mut best = Fit::NONE;
    for _ in 0..8 {
        let temperature = least(-3.0, 4.0, |log| {
            loss(Fit {
                temperature: f64::exp(log),
                ..best
            })
        });
        best.temperature = temperature.exp();
        best.silence = least(-10.0, 10.0, |silence| loss(Fit { silence, ..best }));
    }
    // What a file says in four digits is what was measured.
    Fit {
        temperature: round(best.temperature),
        silence: round(best.silence),
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

/// The threshold that decides most with at most 5 % of it wrong; where there is none, the one with
/// the least error.
pub(crate) fn threshold(said: &[(f64, bool)]) -> Option<(Risk, bool)> {
    let curve = risk_coverage(said);
    let measured = |risk: &&Risk| risk.coverage * float(said.len()) >= FEWEST;
    let mut keeping = curve
        .iter()
        .filter(measured)
        .filter(|risk| risk.risk <= ERROR);
    if let Some(&risk) = keeping.next_back() {
        return Some((risk, true));
    }
    let best = curve.iter().filter(measured);
    best.min_by(|a, b| a.risk.total_cmp(&b.risk))
        .map(|&risk| (risk, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(satisfied: f64, violated: f64) -> [Choice; 3] {
        let choice = |verdict, score, is_silence| Choice {
            verdict,
            score,
            is_silence,
        };
        [
            choice(Verdict::Satisfied, satisfied, false),
            choice(Verdict::Violated, violated, false),
            choice(Verdict::Missing, 0.0, true),
        ]
    }

    #[test]
    fn a_model_that_is_too_sure_is_cooled_down() {
        // It says "satisfied" with e^4 against 1, and is right three times of four.
        let said = choices(4.0, -20.0);
        let cases = [
            (Verdict::Satisfied, &said[..]),
            (Verdict::Satisfied, &said),
            (Verdict::Satisfied, &said),
            (Verdict::Missing, &said),
        ];
        let found = fit(&cases);
        let probability = found.distribution(&said)[&Verdict::Satisfied];
        assert!((probability - 0.75).abs() < 0.01, "{found:?} {probability}");
    }

    #[test]
    fn a_model_that_overlooks_silence_gets_a_prior() {
        let (sure, unsure) = (choices(3.0, -9.0), choices(1.0, -9.0));
        let cases: Vec<(Verdict, &[Choice])> = (0..20)
            .map(|at| match at {
                0..10 => (Verdict::Satisfied, &sure[..]),
                10 => (Verdict::Satisfied, &unsure[..]),
                _ => (Verdict::Missing, &unsure[..]),
            })
            .collect();
        let found = fit(&cases);
        assert!(found.silence > 0.5, "{found:?}");
        assert_eq!(found.likeliest(&unsure).unwrap().0, Verdict::Missing);
        assert_eq!(found.likeliest(&sure).unwrap().0, Verdict::Satisfied);
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
        let mut said: Vec<(f64, bool)> = (0..40)
            .map(|at| (0.9 + f64::from(at) * 1e-3, true))
            .collect();
        said.push((0.8, false));
        said.push((0.7, false));
        said.extend((0..20).map(|at| (0.5 + f64::from(at) * 1e-3, at % 2 == 0)));
        let (risk, keeps) = threshold(&said).unwrap();
        assert!(keeps);
        assert!((risk.threshold - 0.7).abs() < 1e-12, "{risk:?}");
        let wrong: Vec<(f64, bool)> = (0..30).map(|_| (0.9, false)).collect();
        assert!(!threshold(&wrong).unwrap().1);
        assert_eq!(threshold(&[(0.9, true)]), None);
    }
}
