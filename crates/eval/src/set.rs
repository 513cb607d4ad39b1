use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use konform_terms::{Digest, Kind, Language, Span, Verdict};
use serde::Deserialize;

use crate::{error::SetError, import};

/// Documents, requirements, and what is right about them.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledSet {
    /// Its name: that of the file.
    pub name: String,
    /// The digest of the file's bytes.
    pub digest: Digest,
    /// The documents.
    pub documents: Vec<LabelledDocument>,
    /// The requirements that the set itself defines; others are those of rule packs.
    pub requirements: Vec<LabelledRequirement>,
    /// What is right.
    pub labels: Vec<Label>,
}

/// A document of a labelled set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledDocument {
    /// Its name in the set.
    #[serde(rename = "document")]
    pub id: String,
    /// Where its words are.
    #[serde(flatten)]
    pub words: Words,
    /// Its language; found by its words where absent.
    #[serde(default)]
    pub language: Option<Language>,
    /// The units that evidence is told by, where the set has some: ranges of bytes of the text, in
    /// order.
    #[serde(default, rename = "segments", deserialize_with = "spans")]
    pub units: Vec<Span>,
}

/// Where the words of a document are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Words {
    /// In the set.
    Text(String),
    /// In a file, whose path is relative to that of the set.
    File(PathBuf),
}

/// A requirement that a set defines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledRequirement {
    /// Its id, `pack/name`.
    #[serde(rename = "requirement")]
    pub id: String,
    /// What has to be true of the document.
    pub statement: String,
    /// A few words that name it.
    #[serde(default)]
    pub title: Option<String>,
    /// Whether it must, must not or should be true.
    #[serde(default = "must")]
    pub kind: Kind,
    /// Further searches for its evidence.
    #[serde(default)]
    pub queries: Vec<String>,
    /// The language of statement and queries.
    #[serde(default)]
    pub language: Option<Language>,
}

/// What is right about a document and a requirement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The document.
    pub document: String,
    /// The requirement.
    pub requirement: String,
    /// The verdict: `satisfied`, `violated`, `missing` or `not-applicable`.
    pub verdict: Verdict,
    /// The words that bear it: ranges of bytes of the text.
    #[serde(default, deserialize_with = "spans")]
    pub evidence: Vec<Span>,
    /// The same in words, as they stand in the document but for white space; see
    /// [`LabelledSet::locate`].
    #[serde(default)]
    pub quotes: Vec<String>,
    /// How far the document complies, from 1 (not at all) to 5 (wholly), where people graded it.
    #[serde(default)]
    pub grade: Option<u8>,
}

fn must() -> Kind {
    Kind::Must
}

fn spans<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Span>, D::Error> {
    let pairs: Vec<(usize, usize)> = Deserialize::deserialize(deserializer)?;
    pairs
        .into_iter()
        .map(|(start, end)| {
            if start < end {
                Ok(Span::new(start, end))
            } else {
                Err(serde::de::Error::custom(format!(
                    "the range [{start}, {end}] is empty or backward"
                )))
            }
        })
        .collect()
}

impl LabelledSet {
    /// Reads a set: a file of JSON Lines, a JSON file of `ContractNLI`, or a CSV table of sentences.
    ///
    /// # Errors
    /// Where the file cannot be read, or is not what its format asks for.
    pub fn read(path: &Path) -> Result<Self, SetError> {
        let bytes = std::fs::read(path).map_err(|source| SetError::Io {
            path: path.to_owned(),
            source,
        })?;
        let text = std::str::from_utf8(&bytes).map_err(|error| SetError::Malformed {
            path: path.to_owned(),
            place: format!("byte {}", error.valid_up_to()),
            what: "this is not UTF-8; save the file as UTF-8".to_owned(),
        })?;
        let parts = if path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("csv"))
        {
            import::table(text)
        } else if let Some(parts) = import::contract_nli(text) {
            parts
        } else {
            lines(text)
        };
        let parts = parts.map_err(|(place, what)| SetError::Malformed {
            path: path.to_owned(),
            place,
            what,
        })?;
        let set = Self {
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            digest: Digest::of(&bytes),
            documents: parts.documents,
            requirements: parts.requirements,
            labels: parts.labels.into_iter().map(|(_, label)| label).collect(),
        };
        if set.labels.is_empty() {
            return Err(SetError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(set)
    }

    /// Finds the quotes of labels in the documents' texts, by name, and adds where they stand to the
    /// evidence. Documents without a text (they could not be read) are passed over.
    ///
    /// # Errors
    /// Where a document does not hold the words.
    pub fn locate(
        &mut self,
        path: &Path,
        texts: &BTreeMap<String, String>,
    ) -> Result<(), SetError> {
        for label in &mut self.labels {
            let Some(text) = texts.get(&label.document) else {
                continue;
            };
            for quote in std::mem::take(&mut label.quotes) {
                let found = find(text, &quote).ok_or_else(|| SetError::Malformed {
                    path: path.to_owned(),
                    place: format!("the label of {} on {}", label.document, label.requirement),
                    what: format!(
                        "the document as konform reads it does not hold the words \"{quote}\"; copy them from its report"
                    ),
                })?;
                label.evidence.push(found);
            }
        }
        Ok(())
    }

    /// How often each verdict is right, by requirement.
    pub(crate) fn counts(&self) -> BTreeMap<&str, BTreeMap<Verdict, usize>> {
        let mut counts: BTreeMap<&str, BTreeMap<Verdict, usize>> = BTreeMap::new();
        for label in &self.labels {
            let own = counts.entry(&label.requirement).or_default();
            *own.entry(label.verdict).or_default() += 1;
        }
        counts
    }
}

/// Where words first stand in a text, whatever white space is between them.
fn find(text: &str, words: &str) -> Option<Span> {
    let mut words = words.split_whitespace();
    let first = words.next()?;
    let others: Vec<&str> = words.collect();
    text.match_indices(first).find_map(|(start, _)| {
        let end = others.iter().try_fold(start + first.len(), |at, word| {
            let rest = &text[at..];
            let trimmed = rest.trim_start();
            let is_apart = trimmed.len() < rest.len();
            let at = text.len() - trimmed.len();
            (is_apart && trimmed.starts_with(word)).then_some(at + word.len())
        })?;
        Some(Span::new(start, end))
    })
}

/// A place in a file and what is wrong there.
pub(crate) type Fault = (String, String);

/// What a format reader finds; labels with the place where they stand.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) documents: Vec<LabelledDocument>,
    pub(crate) requirements: Vec<LabelledRequirement>,
    pub(crate) labels: Vec<(String, Label)>,
}

impl Parts {
    /// Checks that names are told once, that labels are about documents that there are, and that
    /// ranges lie in the texts.
    pub(crate) fn checked(self) -> Result<Self, Fault> {
        let mut texts: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for document in &self.documents {
            let place = format!("document {}", document.id);
            let text = match &document.words {
                Words::Text(text) => Some(text.as_str()),
                Words::File(_) => None,
            };
            if texts.insert(&document.id, text).is_some() {
                return Err((place, "it is defined twice".to_owned()));
            }
            ranges(&document.units, text).map_err(|what| (place.clone(), what))?;
            if !document.units.is_sorted_by(|a, b| a.end <= b.start) {
                return Err((place, "its segments overlap or are out of order".to_owned()));
            }
        }
        let mut known = BTreeSet::new();
        for requirement in &self.requirements {
            if !known.insert(&requirement.id) {
                let place = format!("requirement {}", requirement.id);
                return Err((place, "it is defined twice".to_owned()));
            }
        }
        let mut pairs = BTreeSet::new();
        for (place, label) in &self.labels {
            let fault = |what: String| (place.clone(), what);
            let Some(text) = texts.get(label.document.as_str()) else {
                return Err(fault(format!("no document is named `{}`", label.document)));
            };
            if !pairs.insert((&label.document, &label.requirement)) {
                return Err(fault("the pair has a label already".to_owned()));
            }
            if matches!(label.verdict, Verdict::Undetermined | Verdict::NotAssessed) {
                return Err(fault(format!(
                    "`{}` is no verdict to be right about; use satisfied, violated, missing or not-applicable",
                    label.verdict
                )));
            }
            if label.grade.is_some_and(|grade| !(1..=5).contains(&grade)) {
                return Err(fault("a grade is a whole number from 1 to 5".to_owned()));
            }
            ranges(&label.evidence, *text).map_err(fault)?;
        }
        Ok(self)
    }
}

fn ranges(spans: &[Span], text: Option<&str>) -> Result<(), String> {
    let Some(text) = text else {
        return if spans.is_empty() {
            Ok(())
        } else {
            Err("ranges need the text in the set: use `text` instead of `file`".to_owned())
        };
    };
    for span in spans {
        if text.get(span.start..span.end).is_none() {
            return Err(format!(
                "the range [{}, {}] does not lie in the text of {} bytes, or cuts a character; \
                 offsets count bytes of UTF-8",
                span.start,
                span.end,
                text.len()
            ));
        }
    }
    Ok(())
}

/// Reads JSON Lines: the members of an object tell what it is.
fn lines(text: &str) -> Result<Parts, Fault> {
    let mut parts = Parts::default();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let place = format!("line {}", number + 1);
        let fault = |error: serde_json::Error| (place.clone(), format!("{error}"));
        let value: serde_json::Value = serde_json::from_str(line).map_err(fault)?;
        let has = |name: &str| value.get(name).is_some();
        if has("document") && has("requirement") {
            let label = serde_json::from_value(value).map_err(fault)?;
            parts.labels.push((place.clone(), label));
        } else if has("requirement") {
            parts
                .requirements
                .push(serde_json::from_value(value).map_err(fault)?);
        } else if has("document") {
            parts
                .documents
                .push(serde_json::from_value(value).map_err(fault)?);
        } else {
            return Err((
                place,
                "an object with `document`, with `requirement`, or with both is expected"
                    .to_owned(),
            ));
        }
    }
    parts.checked()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"document":"a","text":"Fées are due. We keep data."}
{"requirement":"p/keep","statement":"It keeps data."}

{"document":"a","requirement":"p/keep","verdict":"satisfied","evidence":[[15,28]]}"#;

    #[test]
    fn documents_requirements_and_labels_are_told_apart_by_their_members() {
        let parts = lines(GOOD).unwrap();
        assert_eq!(
            parts.documents[0].words,
            Words::Text("Fées are due. We keep data.".into())
        );
        assert_eq!(parts.requirements[0].kind, Kind::Must);
        assert_eq!(parts.labels[0].1.evidence, [Span::new(15, 28)]);
    }

    #[test]
    fn quotes_are_found_whatever_white_space_is_between_their_words() {
        let text = "We keep. We keep\n data  for three years.";
        for (quote, found) in [
            ("We keep data for", Some("We keep\n data  for")),
            ("We\tkeep", Some("We keep")),
            ("years.", Some("years.")),
            ("Wekeep", None),
            ("for four", None),
            ("  ", None),
        ] {
            let span = find(text, quote);
            assert_eq!(
                span.map(|span| &text[span.start..span.end]),
                found,
                "{quote}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let cases = [
            GOOD.replace("[15,28]", "[1,2]"),
            GOOD.replace("[15,28]", "[15,99]"),
            GOOD.replace("[15,28]", "[9,9]"),
            GOOD.replace(
                "\"document\":\"a\",\"requirement\"",
                "\"document\":\"b\",\"requirement\"",
            ),
            GOOD.replace("\"satisfied\"", "\"undetermined\""),
            GOOD.replace("\"satisfied\"", "\"yes\""),
            GOOD.replace("\"statement\"", "\"statment\""),
            format!("{GOOD}\n{}", GOOD.lines().next().unwrap()),
            "{}".to_owned(),
            "{".to_owned(),
        ];
        let said: Vec<String> = cases
            .iter()
            .map(|case| {
                let (place, what) = lines(case).unwrap_err();
                format!("{place}: {what}")
            })
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        line 4: the range [1, 2] does not lie in the text of 28 bytes, or cuts a character; offsets count bytes of UTF-8
        line 4: the range [15, 99] does not lie in the text of 28 bytes, or cuts a character; offsets count bytes of UTF-8
        line 4: the range [9, 9] is empty or backward
        line 4: no document is named `b`
        line 4: `undetermined` is no verdict to be right about; use satisfied, violated, missing or not-applicable
        line 4: unknown variant `yes`, expected one of `satisfied`, `violated`, `missing`, `not-applicable`, `undetermined`, `not-assessed`
        line 2: unknown field `statment`, expected one of `requirement`, `statement`, `title`, `kind`, `queries`, `language`
        document a: it is defined twice
        line 1: an object with `document`, with `requirement`, or with both is expected
        line 1: EOF while parsing an object at line 1 column 1
        ");
        for wrong in [
            r#"{"document":"a","txt":"b"}"#,
            r#"{"document":"a","text":"b","lang":"en"}"#,
        ] {
            assert!(lines(wrong).is_err(), "{wrong}");
        }
    }
}
