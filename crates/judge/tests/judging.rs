//! The stations of judging, with an engine that answers by a script and is no model.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{collections::BTreeMap, fs, path::Path};

use konform_index::SegmentIndex;
use konform_judge::{
    Calibration, Case, Checked, Line, Reading, Scoped, Settings, Shown, judge, render,
};
use konform_llm::{Part, Scripted};
use konform_terms::{
    Applies, DecidedBy, Digest, Document, Finding, Format, Kind, Language, Requirement, Segment,
    SegmentKind, Severity, Span, Verdict, Warning, WarningKind,
};

#[test]
fn the_prompt_is_byte_for_byte_the_one_that_training_uses() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/prompts/golden.json");
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(cases.len() >= 3);
    for case in cases {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let passages: Vec<(String, String)> = case["passages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (text(&pair["label"]), text(&pair["text"])))
            .collect();
        let evidence: Vec<Line<'_>> = case["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| Line {
                heading: line["heading"].as_str().unwrap(),
                words: line["words"].as_str().unwrap(),
            })
            .collect();
        let kind = match case["kind"].as_str().unwrap() {
            "must" => Kind::Must,
            "must-not" => Kind::MustNot,
            _ => Kind::Should,
        };
        let statement = text(&case["statement"]);
        let prompt = render(&Shown {
            whole: &[],
            statement: &statement,
            kind,
            passages: &passages,
            evidence: &evidence,
        });
        assert_eq!(prompt.blocks[0].parts[2], Part::Text(text(&case["task"])));
        assert_eq!(prompt.blocks[1].parts, [Part::Text(text(&case["shared"]))]);
        let own = prompt.blocks[2..].iter().flat_map(|block| &block.parts);
        let own: String = own.filter_map(words).collect();
        assert_eq!(own, text(&case["own"]));
    }
}

fn document(sentences: &[&str], warnings: Vec<Warning>) -> Document {
    let mut text = String::new();
    let mut segments = Vec::new();
    for sentence in sentences {
        let start = text.len();
        text.push_str(sentence);
        segments.push(Segment {
            span: Span::new(start, text.len()),
            kind: SegmentKind::Sentence,
            page: None,
            heading_path: vec![],
        });
        text.push('\n');
    }
    Document {
        path: "a.txt".into(),
        format: Format::Text,
        digest: Digest::of(&text),
        language: Some(Language::EN),
        text,
        pages: vec![],
        segments,
        warnings,
    }
}

fn requirement(kind: Kind) -> Requirement {
    let en = |text: &str| BTreeMap::from([(Language::EN, text.to_owned())]);
    Requirement {
        id: "p/notify".into(),
        title: en("Notice"),
        statement: en("The processor notifies breaches."),
        kind,
        severity: Severity::High,
        scope: None,
        provisions: vec![],
        queries: BTreeMap::from([(Language::EN, vec!["notify breach incident".to_owned()])]),
        checks: vec![],
        wording: BTreeMap::from([(Verdict::Missing, en("Add a notice clause."))]),
    }
}

struct Setting {
    document: Document,
    kind: Kind,
    checks: Vec<Checked>,
    applies: Applies,
    /// The probabilities of the four letters where the decisive sentence is read.
    answer: [f64; 4],
    /// What the model says for itself, where it is asked to.
    words: &'static str,
    settings: Settings,
}

fn found(setting: &Setting) -> Finding {
    let segments = SegmentIndex::new(&setting.document, Language::EN);
    let requirement = requirement(setting.kind);
    let scope = Scoped {
        applies: setting.applies,
        found: vec![],
        explanation: "not a contract".into(),
    };
    let case = Case {
        document: &setting.document,
        language: Language::EN,
        segments: &segments,
        requirement: &requirement,
        scope: &scope,
        checks: &setting.checks,
        passages: &[],
    };
    let (letters, ids) = (setting.answer, setting.words);
    // Without the decisive sentence the model does not know.
    let mut engine = Scripted::new(move |text: &str| {
        let known = text.contains(TEXT[1]);
        let letters = if known { letters } else { [0.25; 4] };
        (letters.to_vec(), ids.to_owned())
    });
    judge(&mut engine, &setting.settings, &case)
        .unwrap()
        .finding
}

fn setting(sentences: &[&str]) -> Setting {
    Setting {
        document: document(sentences, vec![]),
        kind: Kind::Must,
        checks: vec![],
        applies: Applies::Yes,
        answer: [0.9, 0.05, 0.04, 0.01],
        words: "",
        settings: Settings::default(),
    }
}

const TEXT: [&str; 3] = [
    "Fees are due monthly.",
    "Breaches are notified at once.",
    "Incidents are notified by mail.",
];

fn words(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text),
        _ => None,
    }
}

#[test]
fn the_evidence_that_moves_the_verdict_is_quoted_and_the_rest_is_listed_as_read() {
    let finding = found(&setting(&TEXT));
    assert_eq!(
        (finding.verdict, finding.decided_by),
        (Verdict::Satisfied, DecidedBy::Model)
    );
    assert!((finding.probability.unwrap() - 0.9).abs() < 1e-12);
    assert_eq!(finding.evidence[0].quote, TEXT[1]);
    assert_eq!(finding.also_read[0].quote, TEXT[2]);
    // ln(0.9 / 0.1) with it, ln(0.25 / 0.75) without.
    let moves = finding.evidence[0].moves.unwrap();
    assert!((moves - 27_f64.ln()).abs() < 1e-9, "{moves}");
    assert!((finding.sufficient.unwrap() - 0.9).abs() < 1e-12);
    assert!((finding.without.unwrap() - 0.25).abs() < 1e-12);
    assert!(
        finding
            .justification
            .iter()
            .any(|step| step.rests_on == ["E1"])
    );
}

#[test]
fn what_does_not_move_the_verdict_is_no_reason() {
    // The decisive sentence is not there: what is read says nothing either way.
    let finding = found(&setting(&[TEXT[0], TEXT[2]]));
    assert_eq!(finding.verdict, Verdict::Undetermined);
    assert!(finding.evidence.is_empty(), "{:?}", finding.evidence);
    assert_eq!(finding.sufficient, None);
    assert!(finding.also_read[0].moves.unwrap().abs() < 1e-9);
}

#[test]
fn a_commentary_ends_in_the_ids_of_the_finding_and_is_only_there_where_asked_for() {
    let asked = Setting {
        words: " The notice is immediate [E1]. It is",
        settings: Settings {
            commentary: true,
            ..Settings::default()
        },
        ..setting(&[TEXT[2], TEXT[1]])
    };
    let finding = found(&asked);
    // The decisive sentence is the second that was read, and the first that the model is shown.
    assert_eq!(finding.evidence[0].id, "E2");
    assert_eq!(
        finding.commentary.as_deref(),
        Some("The notice is immediate [E2].")
    );
    assert_eq!(found(&setting(&TEXT)).commentary, None);
}

#[test]
fn letters_mean_what_the_kind_makes_of_them() {
    let cases = [
        ([0.9, 0.1, 0.0, 0.0], Kind::Must, Verdict::Satisfied),
        ([0.1, 0.9, 0.0, 0.0], Kind::Must, Verdict::Violated),
        ([0.0, 0.1, 0.9, 0.0], Kind::Must, Verdict::Missing),
        ([0.0, 0.1, 0.9, 0.0], Kind::MustNot, Verdict::Satisfied),
        ([0.9, 0.1, 0.0, 0.0], Kind::MustNot, Verdict::Violated),
        ([0.0, 0.0, 0.1, 0.9], Kind::Should, Verdict::NotApplicable),
        ([0.5, 0.3, 0.2, 0.0], Kind::Must, Verdict::Undetermined),
    ];
    for (letters, kind, verdict) in cases {
        let case = Setting {
            kind,
            answer: letters,
            ..setting(&TEXT)
        };
        assert_eq!(found(&case).verdict, verdict, "{letters:?} {kind:?}");
    }
}

#[test]
fn scope_and_checks_decide_before_the_model() {
    let out = Setting {
        applies: Applies::No,
        ..setting(&TEXT)
    };
    assert_eq!(found(&out).verdict, Verdict::NotApplicable);
    // What is satisfied is so whether the requirement applies or not; a failure is not.
    for (texts, answer, verdict) in [
        (&TEXT[..], [0.9, 0.04, 0.04, 0.02], Verdict::Satisfied),
        (&TEXT[..], [0.04, 0.9, 0.04, 0.02], Verdict::Undetermined),
        (&["Fees are due."][..], [0.25; 4], Verdict::Undetermined),
    ] {
        let unclear = Setting {
            applies: Applies::Unclear,
            answer,
            ..setting(texts)
        };
        assert_eq!(found(&unclear).verdict, verdict, "{texts:?}");
    }
    let check = Checked {
        verdict: Some(Verdict::Violated),
        hits: vec![Span::new(25, 30)],
        explanation: "a number was out of bounds".into(),
    };
    let finding = found(&Setting {
        checks: vec![check],
        ..setting(&TEXT)
    });
    assert_eq!(
        (finding.verdict, finding.decided_by),
        (Verdict::Violated, DecidedBy::Check)
    );
    assert_eq!(finding.evidence[0].quote, TEXT[1]);
}

#[test]
fn where_nothing_is_found_silence_decides_and_a_damaged_file_cannot_be_silent() {
    let finding = found(&setting(&["Fees are due."]));
    assert_eq!(
        (finding.verdict, finding.decided_by),
        (Verdict::Missing, DecidedBy::Search)
    );
    assert!(
        finding
            .justification
            .iter()
            .any(|step| step.text == "Add a notice clause.")
    );
    let prohibited = found(&Setting {
        kind: Kind::MustNot,
        ..setting(&["Fees are due."])
    });
    assert_eq!(prohibited.verdict, Verdict::Satisfied);
    let warning = Warning {
        kind: WarningKind::Damaged,
        message: "cut".into(),
    };
    for kind in [Kind::Must, Kind::MustNot] {
        let damaged = Setting {
            document: document(&["Fees are due."], vec![warning.clone()]),
            kind,
            ..setting(&[])
        };
        assert_eq!(found(&damaged).verdict, Verdict::Undetermined, "{kind:?}");
    }
}

/// Judges a document whose segments are read each in a prompt of its own.
fn each(
    sentences: &[&str],
    settings: Settings,
    says: impl Fn(&str) -> Vec<f64> + Send + 'static,
) -> konform_judge::Judged {
    let setting = setting(sentences);
    let segments = SegmentIndex::new(&setting.document, Language::EN);
    let requirement = requirement(Kind::Must);
    let scope = Scoped {
        applies: Applies::Yes,
        found: vec![],
        explanation: String::new(),
    };
    let case = Case {
        document: &setting.document,
        language: Language::EN,
        segments: &segments,
        requirement: &requirement,
        scope: &scope,
        checks: &[],
        passages: &[],
    };
    let settings = Settings {
        reading: Reading::Each,
        balanced: false,
        ..settings
    };
    let mut engine = Scripted::new(move |text: &str| (says(text), String::new()));
    judge(&mut engine, &settings, &case).unwrap()
}

#[test]
fn each_segment_alone_shows_what_the_verdict_rests_on() {
    let judged = each(&TEXT, Settings::default(), |text| {
        if text.contains("at once") {
            vec![0.9, 0.03, 0.06, 0.01]
        } else if text.contains("by mail") {
            vec![0.02, 0.02, 0.95, 0.01]
        } else {
            panic!("a prompt shows one segment: {text}")
        }
    });
    assert_eq!(judged.work.asked.len(), 2);
    let finding = judged.finding;
    assert_eq!(finding.verdict, Verdict::Satisfied);
    let quotes = |some: &[konform_terms::Evidence]| -> Vec<String> {
        some.iter().map(|piece| piece.quote.clone()).collect()
    };
    assert_eq!(quotes(&finding.evidence), [TEXT[1]]);
    assert_eq!(quotes(&finding.also_read), [TEXT[2]]);
    let moves = finding.evidence[0].moves.unwrap();
    // Without it only the other segment is left: ln(0.9/0.1) is about 2.2, that one about -3.9.
    assert!(moves > 5.0, "{moves}");
    assert!(finding.also_read[0].moves.unwrap().abs() < 0.1);
}

#[test]
fn a_verdict_that_stands_without_the_words_it_shows_is_left_to_a_person() {
    let sentences = [
        "Breaches are notified by mail.",
        "Breaches cost fees.",
        TEXT[1],
    ];
    let says = |text: &str| {
        if text.contains("at once") {
            vec![0.3, 0.01, 0.68, 0.01]
        } else {
            vec![0.09, 0.01, 0.89, 0.01]
        }
    };
    let verdict = |silence| {
        let settings = Settings {
            calibration: Some(Calibration {
                silence,
                ..Calibration::NONE
            }),
            ..Settings::default()
        };
        each(&sentences, settings, says).finding
    };
    // Such documents nearly always say so: any word would do.
    let prior = verdict(-8.0);
    assert_eq!(prior.verdict, Verdict::Undetermined);
    assert_eq!(prior.evidence[0].quote, TEXT[1]);
    assert!(prior.probability.unwrap() > 0.9 && prior.without.unwrap() > 0.8);
    // Where silence is as likely, it hangs on the words.
    let words = verdict(-2.0);
    assert_eq!(words.verdict, Verdict::Satisfied, "{words:?}");
}

#[test]
fn a_threshold_of_one_decides_nothing_however_sure_the_model_is() {
    let sure = Setting {
        answer: [1.0, 0.0, 0.0, 0.0],
        settings: Settings {
            threshold: 1.0,
            ..Settings::default()
        },
        ..setting(&TEXT)
    };
    let finding = found(&sure);
    assert_eq!(finding.verdict, Verdict::Undetermined);
    let last = &finding.justification.last().unwrap().text;
    assert!(last.contains("no probability from which"), "{last}");
}
