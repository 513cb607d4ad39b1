//! What needs no language model: the most frequent verdict, and a linear classifier over words.

use std::collections::{BTreeMap, BTreeSet};

use konform_terms::Verdict;

use crate::{
    folds,
    metrics::{Pair, float},
    set::{Label, LabelledSet},
};

/// The texts of documents, by name.
pub(crate) type Texts = BTreeMap<String, String>;

/// Always the requirement's most frequent verdict in `train`.
pub(crate) fn majority(train: &LabelledSet, set: &LabelledSet) -> Vec<Pair> {
    let counts = train.counts();
    set.labels
        .iter()
        .map(|label| {
            let own = counts.get(label.requirement.as_str());
            let most = own.and_then(|own| {
                own.iter()
                    .max_by_key(|(verdict, count)| (**count, **verdict))
            });
            let said = most.map_or(Verdict::Undetermined, |(&verdict, _)| verdict);
            (label.verdict, said)
        })
        .collect()
}

/// A linear classifier of whole documents for each requirement, over words and pairs of words
/// weighted by tf-idf: trained on `train`, or where there is none, on the other four fifths of the
/// set's documents.
pub(crate) fn words(
    train: Option<(&LabelledSet, &Texts)>,
    set: &LabelledSet,
    texts: &Texts,
) -> Vec<Pair> {
    if let Some((train, train_texts)) = train {
        let labels: Vec<&Label> = train.labels.iter().collect();
        let judged: Vec<&Label> = set.labels.iter().collect();
        return classify(&labels, train_texts, &judged, texts);
    }
    let folds = folds::folds(set.labels.iter().map(|label| label.document.as_str()));
    let mut pairs = Vec::new();
    for fold in folds::all() {
        let (judged, labels): (Vec<&Label>, Vec<&Label>) = set
            .labels
            .iter()
            .partition(|label| folds[label.document.as_str()] == fold);
        pairs.extend(classify(&labels, texts, &judged, texts));
    }
    pairs
}

fn classify(train: &[&Label], train_texts: &Texts, judged: &[&Label], texts: &Texts) -> Vec<Pair> {
    let documents: BTreeSet<&str> = train.iter().map(|label| label.document.as_str()).collect();
    let counted: BTreeMap<&str, BTreeMap<String, usize>> = documents
        .into_iter()
        .filter_map(|name| Some((name, terms(train_texts.get(name)?))))
        .collect();
    let vocabulary = Vocabulary::of(counted.values());
    let vectors: BTreeMap<&str, Vector> = counted
        .iter()
        .map(|(name, terms)| (*name, vocabulary.vector(terms)))
        .collect();
    let mut by_requirement: BTreeMap<&str, Vec<(&Vector, Verdict)>> = BTreeMap::new();
    for label in train {
        if let Some(vector) = vectors.get(label.document.as_str()) {
            let own = by_requirement.entry(&label.requirement).or_default();
            own.push((vector, label.verdict));
        }
    }
    let models: BTreeMap<&str, Vec<(Verdict, Vec<f64>)>> = by_requirement
        .iter()
        .map(|(requirement, cases)| {
            let verdicts: BTreeSet<Verdict> = cases.iter().map(|case| case.1).collect();
            let models = verdicts
                .into_iter()
                .map(|verdict| {
                    let cases: Vec<(&Vector, bool)> = cases
                        .iter()
                        .map(|case| (case.0, case.1 == verdict))
                        .collect();
                    (verdict, train_one(&cases, vocabulary.size()))
                })
                .collect();
            (*requirement, models)
        })
        .collect();
    let mut known: BTreeMap<&str, Vector> = BTreeMap::new();
    judged
        .iter()
        .map(|label| {
            let vector = known.entry(&label.document).or_insert_with(|| {
                let text = texts.get(&label.document).map_or("", String::as_str);
                vocabulary.vector(&terms(text))
            });
            let best = models.get(label.requirement.as_str()).and_then(|models| {
                models
                    .iter()
                    .max_by(|a, b| dot(&a.1, vector).total_cmp(&dot(&b.1, vector)))
            });
            let said = best.map_or(Verdict::Undetermined, |(verdict, _)| *verdict);
            (label.verdict, said)
        })
        .collect()
}

/// Words and pairs of neighbouring words, with their counts.
fn terms(text: &str) -> BTreeMap<String, usize> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 1)
        .collect();
    let mut counts = BTreeMap::new();
    for word in &words {
        *counts.entry((*word).to_owned()).or_default() += 1;
    }
    for pair in words.windows(2) {
        *counts.entry(pair.join(" ")).or_default() += 1;
    }
    counts
}

/// Weights of terms by number, of length 1; the last number is always there and weighs 1.
type Vector = Vec<(usize, f64)>;

struct Vocabulary {
    /// Number and inverse document frequency of each term.
    terms: BTreeMap<String, (usize, f64)>,
}

impl Vocabulary {
    /// Takes up every term that two documents share.
    fn of<'a>(documents: impl ExactSizeIterator<Item = &'a BTreeMap<String, usize>>) -> Self {
        let count = documents.len();
        let mut holding: BTreeMap<&String, usize> = BTreeMap::new();
        for document in documents {
            for term in document.keys() {
                *holding.entry(term).or_default() += 1;
            }
        }
        let terms = holding
            .into_iter()
            .filter(|(_, holding)| *holding > 1)
            .enumerate()
            .map(|(number, (term, holding))| {
                let weight = (float(count + 1) / float(holding + 1)).ln() + 1.0;
                (term.clone(), (number, weight))
            })
            .collect();
        Self { terms }
    }

    fn size(&self) -> usize {
        self.terms.len() + 1
    }

    fn vector(&self, counts: &BTreeMap<String, usize>) -> Vector {
        let mut vector: Vector = counts
            .iter()
            .filter_map(|(term, &count)| {
                let &(number, weight) = self.terms.get(term)?;
                Some((number, (1.0 + float(count).ln()) * weight))
            })
            .collect();
        let length = vector
            .iter()
            .map(|(_, weight)| weight * weight)
            .sum::<f64>()
            .sqrt();
        for (_, weight) in &mut vector {
            *weight /= length;
        }
        vector.push((self.terms.len(), 1.0));
        vector
    }
}

/// Trains a linear support vector machine (hinge loss, C = 1) by dual coordinate descent, after
/// Hsieh et al. (2008), in the given order.
fn train_one(cases: &[(&Vector, bool)], size: usize) -> Vec<f64> {
    const ROUNDS: usize = 60;
    let mut weights = vec![0.0; size];
    let mut duals = vec![0.0_f64; cases.len()];
    for _ in 0..ROUNDS {
        for (dual, &(vector, is_so)) in duals.iter_mut().zip(cases) {
            let sign = if is_so { 1.0 } else { -1.0 };
            let gradient = sign * dot(&weights, vector) - 1.0;
            // A vector has length 1, and 1 for the constant.
            let after = (*dual - gradient / 2.0).clamp(0.0, 1.0);
            let step = (after - *dual) * sign;
            *dual = after;
            for &(number, weight) in vector {
                weights[number] += step * weight;
            }
        }
    }
    weights
}

fn dot(weights: &[f64], vector: &Vector) -> f64 {
    vector
        .iter()
        .map(|&(number, weight)| weights[number] * weight)
        .sum()
}

#[cfg(test)]
mod tests {
    use konform_terms::Digest;

    use super::*;

    fn set(rows: &[(&str, Verdict, &str)]) -> (LabelledSet, Texts) {
        let labels = rows.iter().map(|&(document, verdict, _)| Label {
            document: document.into(),
            requirement: "p/one".into(),
            verdict,
            evidence: vec![],
            quotes: vec![],
            grade: None,
        });
        let set = LabelledSet {
            name: "set".into(),
            digest: Digest::of("set"),
            documents: vec![],
            requirements: vec![],
            labels: labels.collect(),
        };
        let texts = rows
            .iter()
            .map(|&(name, _, text)| (name.to_owned(), text.to_owned()));
        (set, texts.collect())
    }

    const TRAIN: [(&str, Verdict, &str); 5] = [
        (
            "a",
            Verdict::Satisfied,
            "The fee is paid. Data are deleted at the end.",
        ),
        (
            "b",
            Verdict::Satisfied,
            "All data are deleted on request, the fee is due.",
        ),
        (
            "c",
            Verdict::Missing,
            "The fee is paid in May and nothing else is said.",
        ),
        (
            "d",
            Verdict::Missing,
            "The fee is due in June and nothing else is said.",
        ),
        ("e", Verdict::Satisfied, "Data are deleted."),
    ];

    #[test]
    fn words_that_tell_verdicts_apart_are_learnt() {
        let (train, train_texts) = set(&TRAIN);
        let (judged, texts) = set(&[
            (
                "x",
                Verdict::Satisfied,
                "Copies of data are deleted within a month.",
            ),
            (
                "y",
                Verdict::Missing,
                "The fee is paid, and nothing else is said here.",
            ),
        ]);
        let pairs = words(Some((&train, &train_texts)), &judged, &texts);
        assert!(pairs.iter().all(|pair| pair.0 == pair.1), "{pairs:?}");
    }

    #[test]
    fn the_most_frequent_verdict_is_that_of_the_training_set() {
        let (train, _) = set(&TRAIN);
        let (judged, _) = set(&[("x", Verdict::Missing, "")]);
        assert_eq!(
            majority(&train, &judged),
            [(Verdict::Missing, Verdict::Satisfied)]
        );
    }
}
