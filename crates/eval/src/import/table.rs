use std::collections::{BTreeMap, BTreeSet};

use konform_terms::{Kind, Span, Verdict};

use crate::set::{Fault, Label, LabelledDocument, LabelledRequirement, Parts, Words};

/// Columns that are no requirements.
const OWN: [&str; 3] = ["document", "sentence", "order"];

/// Reads a CSV table with a sentence a row: the columns `document` and `sentence`, and a column for
/// each requirement, named by its id, that holds `1` (or `true`, `yes`, `x`) where the sentence bears
/// it.
///
/// The sentences of a document, a line each, are its text. A requirement that a sentence bears is
/// satisfied, with all such sentences as evidence; else it is missing. What a requirement states
/// comes from a rule pack, or is the name of its column.
pub(crate) fn table(text: &str) -> Result<Parts, Fault> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(false)
        .from_reader(text.as_bytes());
    let head: Vec<String> = reader
        .headers()
        .map_err(|error| ("line 1".to_owned(), error.to_string()))?
        .iter()
        .map(|name| name.trim().trim_start_matches('\u{feff}').to_owned())
        .collect();
    let column = |name: &str| {
        head.iter().position(|own| own == name).ok_or_else(|| {
            let what = format!("there is no column `{name}`; `document` and `sentence` are needed");
            ("line 1".to_owned(), what)
        })
    };
    let (document_at, sentence_at) = (column("document")?, column("sentence")?);
    let requirements: Vec<(usize, &String)> = head
        .iter()
        .enumerate()
        .filter(|(_, name)| !OWN.contains(&name.as_str()))
        .collect();

    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut borne: BTreeMap<(String, usize), Vec<Span>> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            (format!("line {line}"), error.to_string())
        })?;
        let document = record[document_at].trim().to_owned();
        let text = texts.entry(document.clone()).or_default();
        if !text.is_empty() {
            text.push('\n');
        }
        let start = text.len();
        text.push_str(
            &record[sentence_at]
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        );
        let span = Span::new(start, text.len());
        for &(at, _) in &requirements {
            let bears = match record[at].trim().to_lowercase().as_str() {
                "" | "0" | "false" | "no" => false,
                "1" | "true" | "yes" | "x" => true,
                other => {
                    let line = record.position().map_or(0, csv::Position::line);
                    let what = format!("`{other}` in column `{}`; 1 or 0 is expected", head[at]);
                    return Err((format!("line {line}"), what));
                }
            };
            let spans = borne.entry((document.clone(), at)).or_default();
            if bears && span.start < span.end {
                spans.push(span);
            }
        }
    }
    let mut parts = Parts::default();
    for ((document, at), evidence) in borne {
        let verdict = if evidence.is_empty() {
            Verdict::Missing
        } else {
            Verdict::Satisfied
        };
        let label = Label {
            requirement: id(&head[at]),
            verdict,
            evidence,
            quotes: vec![],
            grade: None,
            document,
        };
        parts
            .labels
            .push((format!("document {}", label.document), label));
    }
    let ids: BTreeSet<&String> = requirements.iter().map(|(_, name)| *name).collect();
    for name in ids {
        parts.requirements.push(LabelledRequirement {
            id: id(name),
            statement: name.clone(),
            title: Some(name.clone()),
            kind: Kind::Must,
            queries: vec![],
            language: None,
        });
    }
    for (id, text) in texts {
        let mut start = 0;
        let mut units = Vec::new();
        for line in text.split('\n') {
            if !line.is_empty() {
                units.push(Span::new(start, start + line.len()));
            }
            start += line.len() + 1;
        }
        parts.documents.push(LabelledDocument {
            id,
            words: Words::Text(text),
            language: None,
            units,
        });
    }
    parts.checked()
}

/// The id of the requirement of a column.
fn id(name: &str) -> String {
    if name.contains('/') {
        name.to_owned()
    } else {
        format!("table/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_become_documents_and_columns_requirements() {
        let parts = table(
            "document,sentence,order,p/keep,The fee\na,We keep data.,1,1,\nb,Hello.,1,0,x\na,For  ever.,2,1,\n",
        )
        .unwrap();
        let said: Vec<String> = parts
            .labels
            .iter()
            .map(|(_, label)| {
                format!(
                    "{} {} {} {:?}",
                    label.document, label.requirement, label.verdict, label.evidence
                )
            })
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        a p/keep satisfied [Span { start: 0, end: 13 }, Span { start: 14, end: 23 }]
        a table/The fee missing []
        b p/keep missing []
        b table/The fee satisfied [Span { start: 0, end: 6 }]
        ");
        assert_eq!(
            parts.documents[0].words,
            Words::Text("We keep data.\nFor ever.".into())
        );
        assert_eq!(
            parts.documents[0].units,
            [Span::new(0, 13), Span::new(14, 23)]
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, said) in [
            (
                "a,b\n1,2\n",
                "line 1: there is no column `document`; `document` and `sentence` are needed",
            ),
            (
                "document,sentence,r\na,b,maybe\n",
                "line 2: `maybe` in column `r`; 1 or 0 is expected",
            ),
            (
                "document,sentence,r\na,b\n",
                "line 2: CSV error: record 1 (line: 2, byte: 20): found record with 2 fields, but the previous record has 3 fields",
            ),
        ] {
            let (place, what) = table(text).unwrap_err();
            assert_eq!(format!("{place}: {what}"), said);
        }
    }
}
