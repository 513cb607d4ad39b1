//! Figures of agreement, ranking and probability; every one a plain function of plain numbers.

use std::collections::{BTreeMap, BTreeSet};

use konform_terms::Verdict;
use serde::Serialize;

/// What is right and what was said.
pub(crate) type Pair = (Verdict, Verdict);

/// How well one verdict is told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct PerVerdict {
    /// Of those said, the share that is right.
    pub(crate) precision: f64,
    /// Of those right, the share that was said.
    pub(crate) recall: f64,
    /// The harmonic mean of the two.
    pub(crate) f1: f64,
    /// How many are right.
    pub(crate) right: usize,
    /// How many were said.
    pub(crate) said: usize,
}

/// Agreement of what was said with what is right.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Agreement {
    pub(crate) labels: usize,
    /// The share of pairs where the two are the same.
    pub(crate) accuracy: f64,
    /// The mean F1 of the verdicts that are right somewhere.
    pub(crate) macro_f1: f64,
    pub(crate) verdicts: BTreeMap<Verdict, PerVerdict>,
    /// By what is right, how often each verdict was said.
    pub(crate) confusion: BTreeMap<Verdict, BTreeMap<Verdict, usize>>,
}

pub(crate) fn agreement(pairs: &[Pair]) -> Agreement {
    let mut confusion: BTreeMap<Verdict, BTreeMap<Verdict, usize>> = BTreeMap::new();
    for &(right, said) in pairs {
        *confusion.entry(right).or_default().entry(said).or_default() += 1;
    }
    let present: BTreeSet<Verdict> = pairs.iter().flat_map(|&(a, b)| [a, b]).collect();
    let verdicts: BTreeMap<Verdict, PerVerdict> = present
        .into_iter()
        .map(|verdict| {
            let right = pairs.iter().filter(|pair| pair.0 == verdict).count();
            let said = pairs.iter().filter(|pair| pair.1 == verdict).count();
            let hits = pairs
                .iter()
                .filter(|&&pair| pair == (verdict, verdict))
                .count();
            let own = PerVerdict {
                precision: share(hits, said),
                recall: share(hits, right),
                f1: share(2 * hits, right + said),
                right,
                said,
            };
            (verdict, own)
        })
        .collect();
    let told: Vec<f64> = verdicts
        .values()
        .filter(|own| own.right > 0)
        .map(|own| own.f1)
        .collect();
    Agreement {
        labels: pairs.len(),
        accuracy: share(
            pairs.iter().filter(|pair| pair.0 == pair.1).count(),
            pairs.len(),
        ),
        macro_f1: mean(&told),
        verdicts,
        confusion,
    }
}

/// How well the units of documents are ranked by how far they bear a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Ranking {
    /// Labels with evidence.
    pub(crate) labels: usize,
    /// Mean average precision: over labels, the mean over the label's evidence of the share of
    /// evidence among what is ranked as high or higher; what is not ranked counts zero.
    pub(crate) mean_average_precision: f64,
    /// Of all labels' units sorted by score together, the precision where the recall reaches 80 %;
    /// absent where it does not.
    pub(crate) precision_at_recall_80: Option<f64>,
    /// The share of evidence among the first 5, 10 and 20, over all labels.
    pub(crate) recall_at: BTreeMap<usize, f64>,
}

/// One label's units, best first, each with its score and whether it is evidence, and how much
/// evidence there is.
pub(crate) type RankedLabel = (Vec<(f64, bool)>, usize);

pub(crate) fn ranking(labels: &[RankedLabel]) -> Ranking {
    let precisions: Vec<f64> = labels
        .iter()
        .map(|(units, evidence)| {
            let mut hits = 0;
            let mut sum = 0.0;
            for (at, &(_, is_evidence)) in units.iter().enumerate() {
                if is_evidence {
                    hits += 1;
                    sum += share(hits, at + 1);
                }
            }
            sum / float((*evidence).max(1))
        })
        .collect();
    let total: usize = labels.iter().map(|(_, evidence)| evidence).sum();
    let recall_at = [5, 10, 20].map(|first| {
        let hits: usize = labels
            .iter()
            .map(|(units, _)| units.iter().take(first).filter(|unit| unit.1).count())
            .sum();
        (first, share(hits, total))
    });
    let mut pooled: Vec<(f64, bool)> = labels.iter().flat_map(|(units, _)| units.clone()).collect();
    // Equal scores: what is no evidence first, so that order is never a gift.
    pooled.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut hits = 0;
    let reached = pooled
        .iter()
        .enumerate()
        .find_map(|(at, &(_, is_evidence))| {
            hits += usize::from(is_evidence);
            (hits > 0 && hits * 10 >= total * 8).then(|| share(hits, at + 1))
        });
    Ranking {
        labels: labels.len(),
        mean_average_precision: mean(&precisions),
        precision_at_recall_80: reached,
        recall_at: recall_at.into_iter().collect(),
    }
}

/// Shown evidence against right evidence, counted over all labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Shown {
    /// Of the pieces shown, the share that shares a byte with right evidence.
    pub(crate) precision: f64,
    /// Of the pieces of right evidence, the share that shares a byte with one shown.
    pub(crate) recall: f64,
    /// The harmonic mean of the two.
    pub(crate) f1: f64,
}

pub(crate) fn shown(hits: usize, shown: usize, found: usize, right: usize) -> Shown {
    let (precision, recall) = (share(hits, shown), share(found, right));
    let sum = precision + recall;
    Shown {
        precision,
        recall,
        f1: if sum > 0.0 {
            2.0 * precision * recall / sum
        } else {
            0.0
        },
    }
}

/// How far probabilities are shares of right verdicts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Reliability {
    /// Expected calibration error over 15 bins of equal width (Guo et al., 2017).
    pub(crate) ece: f64,
    /// The mean squared difference of probability and outcome (1 or 0) of the likeliest verdict
    /// (Brier, 1950).
    pub(crate) brier: f64,
    pub(crate) bins: Vec<Bin>,
}

/// The verdicts whose probability lies in a range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Bin {
    /// Where the range begins.
    pub(crate) from: f64,
    pub(crate) count: usize,
    /// Their mean probability.
    pub(crate) probability: f64,
    /// The share that is right.
    pub(crate) accuracy: f64,
}

const BINS: usize = 15;

/// Compares probabilities of what was said with whether it was right.
pub(crate) fn reliability(said: &[(f64, bool)]) -> Reliability {
    let mut bins = Vec::new();
    let mut ece = 0.0;
    for number in 0..BINS {
        let (from, to) = (float(number) / float(BINS), float(number + 1) / float(BINS));
        let is_last = number + 1 == BINS;
        let own: Vec<&(f64, bool)> = said
            .iter()
            .filter(|(p, _)| *p >= from && (*p < to || is_last))
            .collect();
        let probability = mean(&own.iter().map(|(p, _)| *p).collect::<Vec<_>>());
        let accuracy = share(own.iter().filter(|(_, right)| *right).count(), own.len());
        ece += share(own.len(), said.len()) * (probability - accuracy).abs();
        bins.push(Bin {
            from,
            count: own.len(),
            probability,
            accuracy,
        });
    }
    let squares: Vec<f64> = said
        .iter()
        .map(|&(p, right)| (p - f64::from(u8::from(right))).powi(2))
        .collect();
    Reliability {
        ece,
        brier: mean(&squares),
        bins,
    }
}

/// A threshold, and what it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Risk {
    /// The least probability that decides.
    pub(crate) threshold: f64,
    /// The share that is decided.
    pub(crate) coverage: f64,
    /// The share of the decided that is wrong.
    pub(crate) risk: f64,
}

/// Risk against coverage, from the surest verdict to all of them.
pub(crate) fn risk_coverage(said: &[(f64, bool)]) -> Vec<Risk> {
    let mut sorted = said.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut wrong = 0;
    let mut curve: Vec<Risk> = Vec::new();
    for (at, &(probability, right)) in sorted.iter().enumerate() {
        wrong += usize::from(!right);
        // A threshold decides all verdicts of one probability or none.
        if sorted.get(at + 1).is_none_or(|next| next.0 < probability) {
            curve.push(Risk {
                threshold: probability,
                coverage: share(at + 1, sorted.len()),
                risk: share(wrong, at + 1),
            });
        }
    }
    curve
}

/// Cohen's kappa with quadratic weights over grades from 1 to 5; 1 for two that always agree, 0 for
/// chance.
pub(crate) fn weighted_kappa(pairs: &[(u8, u8)]) -> Option<f64> {
    let distance = |a: u8, b: u8| (f64::from(a) - f64::from(b)).powi(2);
    let seen: f64 = pairs.iter().map(|&(a, b)| distance(a, b)).sum();
    let mut chance = 0.0;
    for &(a, _) in pairs {
        for &(_, b) in pairs {
            chance += distance(a, b);
        }
    }
    let expected = chance / float(pairs.len().max(1));
    (expected > 0.0).then(|| 1.0 - seen / expected)
}

pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        float(part) / float(whole)
    }
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        0.0
    } else {
        values.iter().sum::<f64>() / float(values.len())
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-9, "{got} is not {want}");
    }

    #[test]
    fn agreement_by_hand() {
        use Verdict::{Missing as M, Satisfied as S, Violated as V};
        let all = agreement(&[(S, S), (S, S), (S, M), (M, M), (M, S), (V, M)]);
        close(all.accuracy, 0.5);
        // S: 2 of 3 said, 2 of 3 right; M: 1 of 3 said, 1 of 2 right; V: never said.
        close(all.verdicts[&S].f1, 2.0 / 3.0);
        close(all.verdicts[&M].f1, 2.0 / 5.0);
        close(all.macro_f1, (2.0 / 3.0 + 2.0 / 5.0) / 3.0);
        assert_eq!(all.confusion[&S][&M], 1);
    }

    #[test]
    fn ranking_by_hand() {
        // Evidence at places 1 and 3 of one label, at 2 of another, which has one more unranked.
        let one = (vec![(0.9, true), (0.8, false), (0.3, true)], 2);
        let two = (vec![(0.7, false), (0.6, true)], 2);
        let got = ranking(&[one, two]);
        close(
            got.mean_average_precision,
            f64::midpoint(f64::midpoint(1.0, 2.0 / 3.0), 0.25),
        );
        close(got.recall_at[&5], 0.75);
        // Three of four is less than 80 %.
        assert_eq!(got.precision_at_recall_80, None);
        let whole = ranking(&[(vec![(0.9, true), (0.8, false), (0.3, true)], 2)]);
        close(whole.precision_at_recall_80.unwrap(), 2.0 / 3.0);
    }

    #[test]
    fn probabilities_by_hand() {
        let said = [(0.95, true), (0.95, false), (0.55, true), (0.55, true)];
        let got = reliability(&said);
        close(got.ece, 0.5 * 0.45 + 0.5 * 0.45);
        close(got.brier, (0.0025 + 0.9025 + 2.0 * 0.2025) / 4.0);
        let curve = risk_coverage(&said);
        assert_eq!(curve.len(), 2);
        close(curve[0].risk, 0.5);
        close(curve[1].coverage, 1.0);
        close(curve[1].risk, 0.25);
    }

    #[test]
    fn kappa_by_hand() {
        close(weighted_kappa(&[(1, 1), (5, 5), (3, 3)]).unwrap(), 1.0);
        // Two grades, always crossed: as far from chance as can be.
        close(weighted_kappa(&[(1, 5), (5, 1)]).unwrap(), -1.0);
        assert_eq!(weighted_kappa(&[(3, 3), (3, 3)]), None);
    }

    proptest! {
        #[test]
        fn figures_stay_in_their_bounds(said in prop::collection::vec((0.0..=1.0, any::<bool>()), 0..60)) {
            let got = reliability(&said);
            prop_assert!((0.0..=1.0).contains(&got.ece) && (0.0..=1.0).contains(&got.brier));
            prop_assert_eq!(got.bins.iter().map(|bin| bin.count).sum::<usize>(), said.len());
            let curve = risk_coverage(&said);
            prop_assert!(curve.is_sorted_by(|a, b| a.coverage < b.coverage));
            prop_assert!(curve.iter().all(|at| (0.0..=1.0).contains(&at.risk)));
        }
    }
}
