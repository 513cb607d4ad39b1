//! What the model's probabilities are worth, and the calibrations that follow, each measured on
//! documents that it was not found on.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Case;
use crate::{
    calibration::{self, Calibrated, Fit, Known, PackFit, fit, fit_pack},
    folds,
    metrics::{Reliability, Risk, reliability, risk_coverage, share},
};

/// Fewer labels give no calibration.
const FEWEST_LABELS: usize = 20;
/// A pack with fewer labels gets no calibration of its own.
const FEWEST_OF_PACK: usize = 100;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Probabilities {
    /// How many verdicts the model gave.
    pub(crate) labels: usize,
    /// As `check` gives them, with the calibration in use.
    pub(crate) in_use: Reliability,
    /// With the fit found on the documents of the other folds.
    pub(crate) calibrated: Reliability,
    /// The accuracy of the likeliest verdict under that fit.
    pub(crate) calibrated_accuracy: f64,
    /// Risk against coverage under that fit.
    pub(crate) risk_coverage: Vec<Risk>,
    /// The point of that curve that decides most with at most 5 % wrong; absent where none does.
    pub(crate) at_five_percent: Option<Risk>,
}

/// What the model said of a pair, with the fold of its document.
struct Asked<'a> {
    fold: usize,
    document: &'a str,
    known: Known<'a>,
    fit: Fit,
}

/// The calibration of a whole set: a fit of all, and fits of the packs with enough labels.
struct Fits<'a> {
    all: Fit,
    packs: BTreeMap<&'a str, PackFit>,
}

impl<'a> Fits<'a> {
    /// Finds it on some of the set's verdicts; `large` are the packs with enough labels.
    fn on(asked: &[&Asked<'a>], large: &[&'a str]) -> Self {
        let known: Vec<Known<'a>> = asked.iter().map(|one| one.known).collect();
        let packs = large.iter().map(|&pack| {
            let own: Vec<Known<'a>> = known
                .iter()
                .copied()
                .filter(|known| pack_of(known.requirement) == pack)
                .collect();
            (pack, fit_pack(&own))
        });
        Self {
            packs: packs.collect(),
            all: fit(&known),
        }
    }

    fn of(&self, requirement: &str) -> Fit {
        let pack = self.packs.get(pack_of(requirement));
        pack.map_or(self.all, |pack| pack.of(requirement))
    }
}

/// The pack of a requirement.
pub(super) fn pack_of(requirement: &str) -> &str {
    requirement
        .split_once('/')
        .map_or(requirement, |(pack, _)| pack)
}

/// A verdict's probability and whether it is right.
fn said(fit: Fit, known: &Known<'_>) -> Option<(f64, bool)> {
    let (verdict, probability) = fit.likeliest(known.choices)?;
    Some((probability, verdict == known.right))
}

type Found = (
    Option<Probabilities>,
    Option<Calibrated>,
    BTreeMap<String, Calibrated>,
);

pub(super) fn probabilities(cases: &[Case<'_>]) -> Found {
    let folds = folds::folds(cases.iter().map(|case| case.label.document.as_str()));
    let asked: Vec<Asked<'_>> = cases
        .iter()
        .filter_map(|case| {
            let choices = &case.outcome?.choices;
            (!choices.is_empty()).then(|| Asked {
                fold: folds[case.label.document.as_str()],
                document: case.label.document.as_str(),
                known: Known {
                    requirement: case.label.requirement.as_str(),
                    right: case.label.verdict,
                    choices,
                },
                fit: case.fit,
            })
        })
        .collect();
    if asked.is_empty() {
        return (None, None, BTreeMap::new());
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in &asked {
        *counts.entry(pack_of(one.known.requirement)).or_default() += 1;
    }
    let large: Vec<&str> = counts
        .into_iter()
        .filter(|&(_, count)| count >= FEWEST_OF_PACK)
        .map(|(pack, _)| pack)
        .collect();
    // What each verdict is worth under fits that were not found on its document.
    let mut outside: Vec<(&Asked<'_>, (f64, bool))> = Vec::new();
    let mut outside_plain: Vec<(f64, bool)> = Vec::new();
    for fold in folds::all() {
        let (judged, others): (Vec<&Asked<'_>>, Vec<&Asked<'_>>) =
            asked.iter().partition(|one| one.fold == fold);
        let fits = Fits::on(&others, &large);
        for one in judged {
            let own = said(fits.of(one.known.requirement), &one.known);
            outside.extend(own.map(|own| (one, own)));
            outside_plain.extend(said(fits.all, &one.known));
        }
    }
    let all: Vec<&Asked<'_>> = asked.iter().collect();
    let fits = Fits::on(&all, &large);
    let plain = PackFit {
        fit: fits.all,
        requirements: BTreeMap::new(),
    };
    let calibrated = measured(&plain, &outside_plain, &all);
    let packs = fits.packs.iter().filter_map(|(&pack, fit)| {
        let own = |one: &Asked<'_>| pack_of(one.known.requirement) == pack;
        let judged: Vec<(f64, bool)> = outside
            .iter()
            .filter(|(one, _)| own(one))
            .map(|&(_, said)| said)
            .collect();
        let asked: Vec<&Asked<'_>> = all.iter().copied().filter(|one| own(one)).collect();
        Some((pack.to_owned(), measured(fit, &judged, &asked)?))
    });
    let packs = packs.collect();
    let outside: Vec<(f64, bool)> = outside.into_iter().map(|(_, said)| said).collect();
    let in_use: Vec<(f64, bool)> = all
        .iter()
        .filter_map(|one| said(one.fit, &one.known))
        .collect();
    let figures = Probabilities {
        labels: asked.len(),
        in_use: reliability(&in_use),
        calibrated: reliability(&outside),
        calibrated_accuracy: right(&outside),
        at_five_percent: calibration::threshold(&outside),
        risk_coverage: thin(&risk_coverage(&outside)),
    };
    (Some(figures), calibrated, packs)
}

fn right(said: &[(f64, bool)]) -> f64 {
    share(said.iter().filter(|one| one.1).count(), said.len())
}

/// A fit with its threshold and figures, from what was said outside the documents it was found on.
fn measured(fit: &PackFit, outside: &[(f64, bool)], asked: &[&Asked<'_>]) -> Option<Calibrated> {
    if asked.len() < FEWEST_LABELS {
        return None;
    }
    let chosen = calibration::threshold(outside);
    // Where no threshold keeps the error, a person decides everything.
    let (threshold, decided, decided_right) = chosen.map_or((1.0, 0.0, 0.0), |risk| {
        let least = (risk.threshold * 1e4).ceil() / 1e4;
        (least, risk.coverage, 1.0 - risk.risk)
    });
    let documents: BTreeSet<&str> = asked.iter().map(|one| one.document).collect();
    Some(Calibrated {
        labels: asked.len(),
        documents: documents.len(),
        fit: fit.clone(),
        threshold,
        keeps_the_error: chosen.is_some(),
        accuracy: right(outside),
        calibration_error: reliability(outside).ece,
        decided,
        decided_right,
    })
}

/// A curve with at most a point for every hundredth of coverage.
fn thin(curve: &[Risk]) -> Vec<Risk> {
    let mut kept: Vec<Risk> = Vec::new();
    for (at, &risk) in curve.iter().enumerate() {
        let is_far = kept
            .last()
            .is_none_or(|last| risk.coverage - last.coverage >= 0.01);
        if is_far || at + 1 == curve.len() {
            kept.push(risk);
        }
    }
    kept
}
