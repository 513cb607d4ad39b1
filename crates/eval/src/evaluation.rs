mod probabilities;

use std::collections::BTreeMap;

use konform_terms::{Digest, Span, Verdict};
use serde::Serialize;

use crate::{
    baseline::{self, Texts},
    calibration::{Calibrated, Choice, Fit},
    metrics::{
        Agreement, Pair, Ranking, Shown, agreement, float, ranking, share, shown, weighted_kappa,
    },
    page,
    set::{Label, LabelledSet},
};
use probabilities::{Probabilities, pack_of, probabilities};

/// Places of a document with a score each, best first.
pub type Ranked = Vec<(Span, f64)>;

/// What the pipeline made of a labelled pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The document.
    pub document: String,
    /// The requirement.
    pub requirement: String,
    /// The verdict as `check` gives it, which may be `undetermined`.
    pub verdict: Verdict,
    /// What the model could have said; empty where no model was asked.
    pub choices: Vec<Choice>,
    /// The evidence shown.
    pub shown: Vec<Span>,
    /// The segments by how far the judge found that they bear the requirement.
    pub judged: Ranked,
    /// The segments by the search alone.
    pub searched: Ranked,
}

/// What was run, and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// The version of konform.
    pub konform: String,
    /// The name of the model.
    pub model: String,
    /// The digest of its file.
    pub model_digest: Digest,
    /// How many parameters it has.
    pub parameters: u64,
    /// The settings of judging.
    pub settings: serde_json::Value,
    /// The calibration that `check` uses with this model, by requirement; nothing is changed for
    /// those that are not here.
    #[serde(skip)]
    pub calibrations: BTreeMap<String, Fit>,
    /// Tokens that were evaluated.
    pub tokens_evaluated: usize,
    /// Tokens that were taken over from prompts before.
    pub tokens_reused: usize,
    /// Seconds of judging, on this machine as busy as it was.
    pub seconds: f64,
}

/// The figures of a model on a labelled set: `eval.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    format: &'static str,
    run: Run,
    set: About,
    /// The share of labels whose verdict is the likeliest one.
    pub accuracy: f64,
    /// The mean F1 of the verdicts that are right somewhere, for the likeliest verdict.
    pub macro_f1: f64,
    pub(crate) likeliest: Agreement,
    pub(crate) decided: Decided,
    pub(crate) baselines: Vec<Baseline>,
    pub(crate) requirements: Vec<OfRequirement>,
    pub(crate) languages: BTreeMap<String, Agreement>,
    pub(crate) evidence: Option<EvidenceFigures>,
    pub(crate) probabilities: Option<Probabilities>,
    /// Cohen's kappa with quadratic weights against grades, where the set has some.
    pub(crate) weighted_kappa: Option<f64>,
    /// What a calibration file of the model would say of packs that it has no labels of; absent where
    /// it was asked for too few.
    pub calibrated: Option<Calibrated>,
    /// What it would say of packs with at least 100 labels here.
    pub calibrated_packs: BTreeMap<String, Calibrated>,
}

/// What was measured on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) digest: Digest,
    pub(crate) documents: usize,
    pub(crate) requirements: usize,
    pub(crate) labels: usize,
}

/// The verdicts as `check` gives them, with its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Decided {
    /// The share of labels that were decided.
    pub(crate) coverage: f64,
    /// The share of the decided that is right.
    pub(crate) accuracy: f64,
}

/// What needs no model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Baseline {
    pub(crate) name: &'static str,
    pub(crate) trained_on: String,
    pub(crate) accuracy: f64,
    pub(crate) macro_f1: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct OfRequirement {
    pub(crate) requirement: String,
    pub(crate) statement: Option<String>,
    pub(crate) labels: usize,
    pub(crate) accuracy: f64,
    /// The share of its most frequent verdict.
    pub(crate) majority: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct EvidenceFigures {
    /// Of all findings.
    pub(crate) shown: Shown,
    /// Of those that the threshold decides.
    pub(crate) decided: Shown,
    /// The share of decided findings with evidence whose first piece bears the requirement.
    pub(crate) decided_first: f64,
    pub(crate) judged: Ranking,
    pub(crate) search_alone: Ranking,
}

/// Measures outcomes against the labels of a set.
///
/// `texts` holds the words of every document by name. `train` is another labelled set, with its
/// texts, for the baselines; without one, the most frequent verdicts are those of the set itself,
/// which flatters them, and the classifier is trained on the set's other documents, fold by fold.
/// Labels without an outcome count as undetermined.
#[must_use]
pub fn evaluate(
    set: &LabelledSet,
    texts: &BTreeMap<String, String>,
    outcomes: &[Outcome],
    train: Option<(&LabelledSet, &BTreeMap<String, String>)>,
    run: Run,
) -> Evaluation {
    let by_pair: BTreeMap<(&str, &str), &Outcome> = outcomes
        .iter()
        .map(|outcome| {
            (
                (outcome.document.as_str(), outcome.requirement.as_str()),
                outcome,
            )
        })
        .collect();
    let cases: Vec<Case<'_>> = set
        .labels
        .iter()
        .map(|label| Case {
            label,
            outcome: by_pair
                .get(&(label.document.as_str(), label.requirement.as_str()))
                .copied(),
            fit: run
                .calibrations
                .get(&label.requirement)
                .copied()
                .unwrap_or(Fit::NONE),
        })
        .collect();
    let pairs: Vec<Pair> = cases
        .iter()
        .map(|case| (case.label.verdict, case.likeliest()))
        .collect();
    let likeliest = agreement(&pairs);
    let decided: Vec<Pair> = cases
        .iter()
        .map(|case| {
            (
                case.label.verdict,
                case.outcome.map_or(Verdict::Undetermined, |o| o.verdict),
            )
        })
        .filter(|pair| pair.1 != Verdict::Undetermined)
        .collect();
    let (probabilities, calibrated, calibrated_packs) = probabilities(&cases);
    Evaluation {
        format: "konform-eval/1",
        run,
        set: About {
            name: set.name.clone(),
            digest: set.digest,
            documents: set.documents.len(),
            requirements: set.counts().len(),
            labels: set.labels.len(),
        },
        accuracy: likeliest.accuracy,
        macro_f1: likeliest.macro_f1,
        decided: Decided {
            coverage: share(decided.len(), cases.len()),
            accuracy: share(
                decided.iter().filter(|pair| pair.0 == pair.1).count(),
                decided.len(),
            ),
        },
        likeliest,
        baselines: baselines(set, texts, train),
        requirements: requirements(set, &cases),
        languages: languages(set, &cases),
        evidence: evidence(set, &cases),
        probabilities,
        weighted_kappa: kappa(&cases),
        calibrated,
        calibrated_packs,
    }
}

impl Evaluation {
    pub(crate) fn settings(&self) -> &serde_json::Value {
        &self.run.settings
    }

    /// How often always giving each requirement's most frequent verdict is right, of all requirements
    /// or those of one pack.
    #[must_use]
    pub fn most_frequent(&self, pack: Option<&str>) -> Option<f64> {
        let of_pack =
            |own: &&OfRequirement| pack.is_none_or(|pack| pack_of(&own.requirement) == pack);
        let own: Vec<&OfRequirement> = self.requirements.iter().filter(of_pack).collect();
        let labels: usize = own.iter().map(|own| own.labels).sum();
        let right = |own: &&OfRequirement| own.majority * float(own.labels);
        (labels > 0).then(|| own.iter().map(right).sum::<f64>() / float(labels))
    }

    /// The chief figures in a few lines.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut lines = vec![format!(
            "{:<58} accuracy {:.3}  macro-F1 {:.3}",
            self.run.model, self.accuracy, self.macro_f1
        )];
        for own in &self.baselines {
            lines.push(format!(
                "{:<58} accuracy {:.3}  macro-F1 {:.3}",
                own.name, own.accuracy, own.macro_f1
            ));
        }
        lines.push(format!(
            "decided with this threshold: {:.1} % of {} labels, {:.1} % of them right",
            100.0 * self.decided.coverage,
            self.set.labels,
            100.0 * self.decided.accuracy
        ));
        if let Some(evidence) = &self.evidence {
            lines.push(format!(
                "evidence: mean average precision {:.3}, by the search alone {:.3}",
                evidence.judged.mean_average_precision,
                evidence.search_alone.mean_average_precision
            ));
        }
        if let Some(own) = &self.probabilities {
            lines.push(format!(
                "calibration error: {:.3}, calibrated anew on other documents {:.3}",
                own.in_use.ece, own.calibrated.ece
            ));
            lines.push(own.at_five_percent.map_or_else(
                || "no threshold keeps the error at 5 %".to_owned(),
                |at| {
                    format!(
                        "at most 5 % wrong from {:.3} on, which decides {:.1} %",
                        at.threshold,
                        100.0 * at.coverage
                    )
                },
            ));
        }
        if let Some(kappa) = self.weighted_kappa {
            lines.push(format!("weighted kappa against the grades: {kappa:.3}"));
        }
        lines.join("\n")
    }

    /// The figures as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The figures as a page for people, with plots; it loads nothing.
    #[must_use]
    pub fn html(&self) -> String {
        page::html(self)
    }
}

/// A label and what was made of it.
struct Case<'a> {
    label: &'a Label,
    outcome: Option<&'a Outcome>,
    fit: Fit,
}

impl Case<'_> {
    /// The likeliest verdict where a model was asked, else the one given.
    fn likeliest(&self) -> Verdict {
        self.outcome.map_or(Verdict::Undetermined, |outcome| {
            let likeliest = self.fit.likeliest(&outcome.choices);
            likeliest.map_or(outcome.verdict, |(verdict, _)| verdict)
        })
    }
}

fn baselines(
    set: &LabelledSet,
    texts: &Texts,
    train: Option<(&LabelledSet, &Texts)>,
) -> Vec<Baseline> {
    let named = |name, trained_on: String, pairs: &[Pair]| {
        let found = agreement(pairs);
        Baseline {
            name,
            trained_on,
            accuracy: found.accuracy,
            macro_f1: found.macro_f1,
        }
    };
    let on = train.map(|(train, _)| train.name.clone());
    vec![
        named(
            "each requirement's most frequent verdict",
            on.clone().unwrap_or_else(|| "the set itself".to_owned()),
            &baseline::majority(train.map_or(set, |(train, _)| train), set),
        ),
        named(
            "tf-idf of words and a linear support vector machine",
            on.unwrap_or_else(|| "the other four fifths of the documents".to_owned()),
            &baseline::words(train, set, texts),
        ),
    ]
}

fn requirements(set: &LabelledSet, cases: &[Case<'_>]) -> Vec<OfRequirement> {
    let counts = set.counts();
    counts
        .into_iter()
        .map(|(requirement, counts)| {
            let own: Vec<&Case<'_>> = cases
                .iter()
                .filter(|case| case.label.requirement == requirement)
                .collect();
            let right = own
                .iter()
                .filter(|case| case.likeliest() == case.label.verdict)
                .count();
            let statement = set
                .requirements
                .iter()
                .find(|known| known.id == requirement);
            OfRequirement {
                requirement: requirement.to_owned(),
                statement: statement.map(|known| known.statement.clone()),
                labels: own.len(),
                accuracy: share(right, own.len()),
                majority: share(
                    counts.values().copied().max().unwrap_or_default(),
                    own.len(),
                ),
            }
        })
        .collect()
}

fn languages(set: &LabelledSet, cases: &[Case<'_>]) -> BTreeMap<String, Agreement> {
    let of: BTreeMap<&str, String> = set
        .documents
        .iter()
        .filter_map(|document| Some((document.id.as_str(), document.language?.to_string())))
        .collect();
    let mut pairs: BTreeMap<String, Vec<Pair>> = BTreeMap::new();
    for case in cases {
        if let Some(language) = of.get(case.label.document.as_str()) {
            let own = pairs.entry(language.clone()).or_default();
            own.push((case.label.verdict, case.likeliest()));
        }
    }
    pairs
        .into_iter()
        .map(|(language, pairs)| (language, agreement(&pairs)))
        .collect()
}

fn evidence(set: &LabelledSet, cases: &[Case<'_>]) -> Option<EvidenceFigures> {
    let units: BTreeMap<&str, &[Span]> = set
        .documents
        .iter()
        .map(|document| (document.id.as_str(), document.units.as_slice()))
        .collect();
    let (mut judged, mut searched) = (Vec::new(), Vec::new());
    let (mut all, mut decided) = (Pieces::default(), Pieces::default());
    let (mut first, mut with_evidence) = (0, 0);
    for case in cases {
        let (Some(outcome), evidence) = (case.outcome, &case.label.evidence) else {
            continue;
        };
        let bears = |span: &Span| evidence.iter().any(|own| own.overlaps(span));
        all.add(&outcome.shown, evidence);
        if outcome.verdict != Verdict::Undetermined {
            decided.add(&outcome.shown, evidence);
            with_evidence += usize::from(!outcome.shown.is_empty());
            first += usize::from(outcome.shown.first().is_some_and(bears));
        }
        if evidence.is_empty() {
            continue;
        }
        let units = units
            .get(case.label.document.as_str())
            .copied()
            .unwrap_or_default();
        for (ranked, into) in [
            (&outcome.judged, &mut judged),
            (&outcome.searched, &mut searched),
        ] {
            let ranked = by_unit(ranked, units);
            let ranked = ranked.iter().map(|(span, score)| (*score, bears(span)));
            into.push((ranked.collect(), evidence.len()));
        }
    }
    (all.right > 0).then(|| EvidenceFigures {
        shown: all.figures(),
        decided: decided.figures(),
        decided_first: share(first, with_evidence),
        judged: ranking(&judged),
        search_alone: ranking(&searched),
    })
}

/// Pieces of evidence, counted.
#[derive(Default)]
struct Pieces {
    shown: usize,
    hits: usize,
    right: usize,
    found: usize,
}

impl Pieces {
    fn add(&mut self, shown: &[Span], right: &[Span]) {
        let overlaps = |one: &&Span, others: &[Span]| others.iter().any(|own| own.overlaps(one));
        self.shown += shown.len();
        self.hits += shown.iter().filter(|span| overlaps(span, right)).count();
        self.right += right.len();
        self.found += right.iter().filter(|span| overlaps(span, shown)).count();
    }

    fn figures(&self) -> Shown {
        shown(self.hits, self.shown, self.found, self.right)
    }
}

/// The units of a document in the order of the best place in each; places themselves where the set
/// has no units.
fn by_unit(ranked: &Ranked, units: &[Span]) -> Ranked {
    if units.is_empty() {
        return ranked.clone();
    }
    let mut taken = vec![false; units.len()];
    let mut found = Vec::new();
    for (span, score) in ranked {
        for (taken, unit) in taken.iter_mut().zip(units) {
            if !*taken && unit.overlaps(span) {
                *taken = true;
                found.push((*unit, *score));
            }
        }
    }
    found
}

/// Grades are compared with the probability that the requirement is satisfied, from 1 to 5.
fn kappa(cases: &[Case<'_>]) -> Option<f64> {
    let graded: Vec<(u8, u8)> = cases
        .iter()
        .filter_map(|case| {
            let grade = case.label.grade?;
            let outcome = case.outcome?;
            let satisfied = if outcome.choices.is_empty() {
                f64::from(u8::from(outcome.verdict == Verdict::Satisfied))
            } else {
                let distribution = case.fit.distribution(&outcome.choices);
                distribution
                    .get(&Verdict::Satisfied)
                    .copied()
                    .unwrap_or(0.0)
            };
            let said = (1..=5).min_by(|&a, &b| {
                let far = |grade: u8| (f64::from(grade) - 1.0 - 4.0 * satisfied).abs();
                far(a).total_cmp(&far(b))
            })?;
            Some((grade, said))
        })
        .collect();
    if graded.is_empty() {
        return None;
    }
    weighted_kappa(&graded)
}

#[cfg(test)]
mod tests;
