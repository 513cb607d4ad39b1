use std::collections::BTreeMap;

use konform_terms::{Kind, Language, Span, Verdict};
use serde::Deserialize;

use crate::set::{Fault, Label, LabelledDocument, LabelledRequirement, Parts, Words};

/// The format of `ContractNLI` (Koreeda and Manning, 2021): contracts with spans, hypotheses, and
/// for each pair a choice with the spans that bear it. Its offsets count characters.
#[derive(Deserialize)]
struct File {
    documents: Vec<Document>,
    labels: BTreeMap<String, Hypothesis>,
}

#[derive(Deserialize)]
struct Document {
    id: serde_json::Value,
    text: String,
    spans: Vec<(usize, usize)>,
    annotation_sets: Vec<AnnotationSet>,
}

#[derive(Deserialize)]
struct AnnotationSet {
    annotations: BTreeMap<String, Annotation>,
}

#[derive(Deserialize)]
struct Annotation {
    choice: Choice,
    spans: Vec<usize>,
}

#[derive(Deserialize, Clone, Copy)]
enum Choice {
    Entailment,
    Contradiction,
    NotMentioned,
}

#[derive(Deserialize)]
struct Hypothesis {
    short_description: String,
    hypothesis: String,
}

/// Reads a file of `ContractNLI`; `None` if it is none.
pub(crate) fn contract_nli(text: &str) -> Option<Result<Parts, Fault>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    if value.get("labels")?.as_object().is_none() || value.get("documents")?.as_array().is_none() {
        return None;
    }
    let file: Result<File, _> = serde_json::from_value(value);
    Some(
        file.map_err(|error| ("the JSON".to_owned(), format!("{error}")))
            .and_then(convert),
    )
}

fn convert(file: File) -> Result<Parts, Fault> {
    let mut parts = Parts::default();
    for (key, hypothesis) in &file.labels {
        parts.requirements.push(LabelledRequirement {
            id: format!("contract-nli/{key}"),
            statement: hypothesis.hypothesis.clone(),
            title: Some(hypothesis.short_description.clone()),
            kind: Kind::Must,
            queries: vec![],
            language: Some(Language::EN),
        });
    }
    for document in file.documents {
        let id = match &document.id {
            serde_json::Value::String(id) => id.clone(),
            other => other.to_string(),
        };
        let place = format!("document {id}");
        let bytes: Vec<usize> = document
            .text
            .char_indices()
            .map(|(byte, _)| byte)
            .chain([document.text.len()])
            .collect();
        let units: Vec<Option<Span>> = document
            .spans
            .iter()
            .map(|&(start, end)| {
                let (start, end) = (*bytes.get(start)?, *bytes.get(end)?);
                (start < end).then(|| Span::new(start, end))
            })
            .collect();
        for (key, annotation) in document
            .annotation_sets
            .iter()
            .flat_map(|set| &set.annotations)
        {
            let evidence: Option<Vec<Span>> = annotation
                .spans
                .iter()
                .map(|&index| units.get(index).copied().flatten())
                .collect();
            let evidence = evidence.ok_or_else(|| {
                (
                    format!("{place}, {key}"),
                    "a span of the evidence does not lie in the text".to_owned(),
                )
            })?;
            let label = Label {
                document: id.clone(),
                requirement: format!("contract-nli/{key}"),
                verdict: match annotation.choice {
                    Choice::Entailment => Verdict::Satisfied,
                    Choice::Contradiction => Verdict::Violated,
                    Choice::NotMentioned => Verdict::Missing,
                },
                evidence,
                quotes: vec![],
                grade: None,
            };
            parts.labels.push((format!("{place}, {key}"), label));
        }
        parts.documents.push(LabelledDocument {
            id,
            words: Words::Text(document.text),
            language: Some(Language::EN),
            units: units.into_iter().flatten().collect(),
        });
    }
    parts.checked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_characters_become_offsets_of_bytes() {
        let text = r#"{"documents":[{"id":3,"file_name":"a","text":"“Fées” are due.\nIt ends.",
            "spans":[[0,15],[16,24]],"annotation_sets":[{"annotations":{
            "nda-1":{"choice":"Entailment","spans":[1]},"nda-2":{"choice":"NotMentioned","spans":[]}}}]}],
            "labels":{"nda-1":{"short_description":"End","hypothesis":"It ends."},
            "nda-2":{"short_description":"Fee","hypothesis":"It is free."}}}"#;
        let parts = contract_nli(text).unwrap().unwrap();
        let Words::Text(words) = &parts.documents[0].words else {
            panic!("the text is in the set");
        };
        let (_, label) = &parts.labels[0];
        assert_eq!(label.verdict, Verdict::Satisfied);
        assert_eq!(
            &words[label.evidence[0].start..label.evidence[0].end],
            "It ends."
        );
        assert_eq!(parts.requirements[1].statement, "It is free.");
    }

    #[test]
    fn what_is_none_is_left_to_others() {
        assert!(contract_nli("{\"document\":\"a\"}").is_none());
        assert!(contract_nli("a,b").is_none());
    }
}
