use std::collections::{BTreeMap, BTreeSet};

use konform_terms::{
    DecidedBy, Digest, Document, Finding, Language, Localized, Measured, Nature, Pack, Passage,
    Severity, Unreadable, Verdict, findings_digest,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything that a report is made of.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// The heading of the report.
    pub title: String,
    /// The language in which titles and statements of rule packs are shown, where they have it.
    pub language: Language,
    /// What was run.
    pub run: Run,
    /// The documents that were read.
    pub documents: &'a [Document],
    /// The files that could not be read.
    pub unreadable: &'a [Unreadable],
    /// The rule packs.
    pub packs: &'a [Pack],
    /// The passages that findings cite; where one is absent, its quote is shown alone.
    pub passages: &'a [Passage],
    /// The findings, in any order.
    pub findings: &'a [Finding],
}

/// What was run: enough to run it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The version of konform.
    pub konform: String,
    /// When the run began, after RFC 3339.
    pub started: String,
    /// The model; absent where only checks without a model were run.
    pub model: Option<ModelFacts>,
    /// The corpora that were cited from.
    pub corpora: Vec<CorpusFacts>,
    /// The probability under which a verdict becomes `undetermined`, by rule pack.
    pub thresholds: BTreeMap<String, f64>,
    /// All settings of judging and reading, as the trace pins them.
    pub settings: serde_json::Value,
}

/// The model of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelFacts {
    /// Its name.
    pub name: String,
    /// Where it came from: `built-in`, the path of a file, or the address of a server.
    pub source: String,
    /// The digest of its file, where there is one.
    pub digest: Option<Digest>,
    /// The engine that ran it, with its version.
    pub engine: String,
    /// Whether its probabilities were calibrated on labelled data.
    pub calibrated: bool,
    /// How it did on that data, for the packs of the run.
    #[serde(default)]
    pub measured: Vec<Measured>,
}

/// What the thresholds say, in words.
pub(crate) fn thresholds(of: &BTreeMap<String, f64>) -> String {
    let mut by_rule: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (pack, &threshold) in of {
        let rule = if threshold < 1.0 {
            format!("a verdict of the model under {}", percent(threshold))
        } else {
            "every verdict of the model".to_owned()
        };
        by_rule.entry(rule).or_default().push(pack);
    }
    let said: Vec<String> = match by_rule.len() {
        1 => by_rule.into_keys().collect(),
        _ => by_rule
            .into_iter()
            .map(|(rule, packs)| format!("{rule} ({})", packs.join(", ")))
            .collect(),
    };
    format!("{} is left to a person", said.join(", "))
}

/// The figures in two sentences.
pub(crate) fn sentences(measured: &Measured) -> String {
    let guess = measured.most_frequent.map_or_else(String::new, |share| {
        format!(
            " (always giving each requirement’s most frequent verdict: {})",
            percent(share)
        )
    });
    let decided = if measured.decided > 0.0 {
        format!(
            "At the threshold found there {} were decided, {} of those right.",
            percent(measured.decided),
            percent(measured.decided_right)
        )
    } else {
        "No threshold keeps the error at 5 % there, so each of its verdicts is left to a person."
            .to_owned()
    };
    format!(
        "Measured on {} ({} documents, {} verdicts): {} of the likeliest verdicts right{guess}, expected calibration \
         error {:.3}. {decided}",
        measured.set,
        measured.documents,
        measured.labels,
        percent(measured.accuracy),
        measured.calibration_error,
    )
}

/// A corpus of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CorpusFacts {
    /// What people call it.
    pub title: String,
    /// Its digest.
    pub digest: Digest,
    /// Whether it is the law or a retelling of it.
    pub nature: Nature,
}

/// A rule pack of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PackFacts {
    /// Its name.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its version, as its author counts.
    pub version: String,
    /// How many requirements it has.
    pub requirements: usize,
    /// Its digest.
    pub digest: Digest,
}

impl Report<'_> {
    /// The facts of the rule packs.
    #[must_use]
    pub fn pack_facts(&self) -> Vec<PackFacts> {
        let facts = |pack: &Pack| PackFacts {
            id: pack.id.clone(),
            title: pick(&pack.title, self.language)
                .unwrap_or(&pack.id)
                .to_owned(),
            version: pack.version.clone(),
            requirements: pack.requirements.len(),
            digest: pack.digest(),
        };
        self.packs.iter().map(facts).collect()
    }

    /// The digest of the findings, as the trace states it.
    #[must_use]
    pub fn findings_digest(&self) -> Digest {
        findings_digest(self.findings)
    }

    /// How many findings have each verdict; all verdicts are counted, those of no finding as zero.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Verdict, usize> {
        let mut counts: BTreeMap<_, _> = Verdict::ALL.into_iter().map(|v| (v, 0)).collect();
        for finding in self.findings {
            *counts.entry(finding.verdict).or_default() += 1;
        }
        counts
    }

    /// The documents that a pack does not concern: path and id of the pack, how many findings say
    /// so, and why.
    pub(crate) fn outside(&self) -> BTreeMap<(&str, &str), (usize, &str)> {
        let mut outside = BTreeMap::new();
        let mut concerned = BTreeSet::new();
        for finding in self.findings {
            let Some((pack, _)) = finding
                .requirement
                .as_deref()
                .and_then(|r| r.split_once('/'))
            else {
                continue;
            };
            let key = (finding.document.as_str(), pack);
            if finding.decided_by == DecidedBy::Scope {
                let why = finding.justification.last().map_or("", |step| &step.text);
                outside.entry(key).or_insert((0, why)).0 += 1;
            } else {
                concerned.insert(key);
            }
        }
        outside.retain(|key, _| !concerned.contains(key));
        outside
    }

    /// The findings to be shown one by one: all but those that only say that a pack does not
    /// concern a document.
    pub(crate) fn shown(&self) -> Vec<&Finding> {
        let outside = self.outside();
        let mut shown = self.worked();
        shown.retain(|finding| {
            let id = finding.requirement.as_deref();
            let pack = id.and_then(|id| id.split_once('/')).map(|(pack, _)| pack);
            pack.is_none_or(|pack| !outside.contains_key(&(finding.document.as_str(), pack)))
        });
        shown
    }

    /// The findings by verdict in the order of reports, then the gravest first, then by document
    /// and requirement.
    pub(crate) fn worked(&self) -> Vec<&Finding> {
        let rank = |verdict| Verdict::ALL.iter().position(|&other| other == verdict);
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by(|a, b| {
            (rank(a.verdict), b.severity, &a.document, &a.requirement).cmp(&(
                rank(b.verdict),
                a.severity,
                &b.document,
                &b.requirement,
            ))
        });
        findings
    }
}

/// The text in a language, else in English, else in the first language there is.
pub(crate) fn pick<T>(texts: &Localized<T>, language: Language) -> Option<&T> {
    texts
        .get(&language)
        .or_else(|| texts.get(&Language::EN))
        .or_else(|| texts.values().next())
}

/// Whether a verdict asks for somebody's work.
pub(crate) fn asks_for_work(verdict: Verdict) -> bool {
    !matches!(verdict, Verdict::Satisfied | Verdict::NotApplicable)
}

/// The word of a severity.
pub(crate) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

/// A probability for people. Nothing but zero and one is shown as 0 % or 100 %.
pub(crate) fn percent(probability: f64) -> String {
    let percent = probability * 100.0;
    if percent > 0.0 && percent < 0.5 {
        "under 1 %".to_owned()
    } else if (99.5..100.0).contains(&percent) {
        "over 99 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_is_never_rounded_to_certainty() {
        let shown = [0.0, 0.001, 0.5, 0.994, 0.9951, 1.0].map(percent);
        assert_eq!(
            shown,
            ["0 %", "under 1 %", "50 %", "99 %", "over 99 %", "100 %"]
        );
    }
}
