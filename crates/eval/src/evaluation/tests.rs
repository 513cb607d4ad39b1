use super::*;
use crate::calibration::Prior;
use crate::set::{LabelledDocument, LabelledRequirement, Words};

/// Ten documents and one requirement; the model is right about most.
fn small() -> (LabelledSet, Texts, Vec<Outcome>) {
    let mut set = LabelledSet {
        name: "small.jsonl".into(),
        digest: Digest::of("small"),
        documents: vec![],
        requirements: vec![LabelledRequirement {
            id: "p/keep".into(),
            statement: "It keeps <data>.".into(),
            title: None,
            kind: konform_terms::Kind::Must,
            queries: vec![],
            language: None,
        }],
        labels: vec![],
    };
    let (mut texts, mut outcomes) = (Texts::new(), vec![]);
    for number in 0..10 {
        let id = format!("d{number}");
        let text = "Fees are due. We keep data.".to_owned();
        let keeps = number % 2 == 0;
        set.documents.push(LabelledDocument {
            id: id.clone(),
            words: Words::Text(text.clone()),
            language: Some(konform_terms::Language::EN),
            units: vec![Span::new(0, 13), Span::new(14, 27)],
        });
        set.labels.push(Label {
            document: id.clone(),
            requirement: "p/keep".into(),
            verdict: if keeps {
                Verdict::Satisfied
            } else {
                Verdict::Missing
            },
            evidence: if keeps {
                vec![Span::new(14, 27)]
            } else {
                vec![]
            },
            grade: Some(if keeps { 5 } else { 1 }),
            quotes: vec![],
        });
        let score = if keeps || number == 1 { 1.5 } else { -1.5 };
        let choice = |verdict, score, prior| Choice {
            verdict,
            score,
            prior,
        };
        outcomes.push(Outcome {
            document: id.clone(),
            requirement: "p/keep".into(),
            verdict: if score > 0.0 {
                Verdict::Satisfied
            } else {
                Verdict::Undetermined
            },
            choices: vec![
                choice(Verdict::Satisfied, score, Prior::None),
                choice(Verdict::Missing, 0.0, Prior::Silence),
            ],
            shown: if keeps {
                vec![Span::new(14, 27)]
            } else {
                vec![]
            },
            judged: vec![(Span::new(14, 27), 2.0), (Span::new(0, 13), -2.0)],
            searched: vec![(Span::new(0, 13), 3.0), (Span::new(14, 27), 1.0)],
        });
        texts.insert(id, text);
    }
    (set, texts, outcomes)
}

fn evaluation() -> Evaluation {
    let (set, texts, outcomes) = small();
    let run = Run {
        konform: "0.1.0".into(),
        model: "a <model>".into(),
        model_digest: Digest::of("model"),
        parameters: 1,
        settings: serde_json::json!({"threshold": 0.6}),
        calibrations: BTreeMap::new(),
        tokens_evaluated: 100,
        tokens_reused: 50,
        seconds: 1.25,
    };
    evaluate(&set, &texts, &outcomes, None, run)
}

#[test]
fn the_figures_of_a_small_set_by_hand() {
    let found = evaluation();
    assert!((found.accuracy - 0.9).abs() < 1e-9);
    assert!((found.decided.coverage - 0.6).abs() < 1e-9);
    assert!((found.decided.accuracy - 5.0 / 6.0).abs() < 1e-9);
    let evidence = found.evidence.as_ref().unwrap();
    assert!((evidence.judged.mean_average_precision - 1.0).abs() < 1e-9);
    assert!((evidence.search_alone.mean_average_precision - 0.5).abs() < 1e-9);
    assert!((evidence.shown.f1 - 1.0).abs() < 1e-9);
    assert!((found.weighted_kappa.unwrap() - 0.6).abs() < 0.2);
    // Ten verdicts are too few for a threshold.
    assert_eq!(found.calibrated, None);
    insta::assert_snapshot!(found.summary(), @r"
    a <model>                                                  accuracy 0.900  macro-F1 0.899
    each requirement's most frequent verdict                   accuracy 0.500  macro-F1 0.333
    tf-idf of words and a linear support vector machine        accuracy 0.500  macro-F1 0.333
    decided with this threshold: 60.0 % of 10 labels, 83.3 % of them right
    evidence: mean average precision 1.000, by the search alone 0.500
    calibration error: 0.082, calibrated anew on other documents 0.180
    no threshold keeps the error at 5 %
    weighted kappa against the grades: 0.640
    ");
}

#[test]
fn the_page_shows_text_as_text_and_loads_nothing() {
    let page = evaluation().html();
    assert!(page.contains("a &lt;model&gt;") && page.contains("It keeps &lt;data&gt;."));
    assert!(
        !page.contains("://") && !page.contains("src="),
        "a page that loads nothing names no address"
    );
    assert_eq!(page.matches("<svg").count(), 3);
}

#[test]
fn the_json_has_the_chief_figures_on_top() {
    let json: serde_json::Value = serde_json::from_str(&evaluation().json()).unwrap();
    assert_eq!(json["format"], "konform-eval/1");
    assert!((json["accuracy"].as_f64().unwrap() - 0.9).abs() < 1e-9);
    assert!(json["macro_f1"].is_number());
}
