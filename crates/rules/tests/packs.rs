//! Packs that are right, and packs that are wrong at one place.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{fs, path::Path};

use konform_rules::{Checker, RulesError, State, load, parse, schema};
use konform_terms::{Applies, Digest, Document, Format, Language, Verdict};

const PACK: &str = "id: sample
version: \"1\"
title: {en: Sample}
instruments: {act: X1}
requirements:
  - id: one
    title: {en: One}
    statement: {en: It says one.}
    kind: must
    severity: high
    provisions: [act/art_1__para_2]
    queries: {en: [one]}
    checks:
      - phrases: {en: [one]}
        absent: missing
";

fn rules() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules")
}

#[test]
fn the_shipped_packs_are_right_and_fit_the_schema() {
    let loaded = load(&rules()).unwrap();
    assert_eq!(loaded.len(), 4);
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for one in &loaded {
        assert_eq!(one.warnings, vec![], "{}", one.file);
        let text = fs::read_to_string(&one.file).unwrap();
        let value: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", one.file);
        for requirement in &one.pack.requirements {
            for language in [Language::EN, Language::FR, Language::DE] {
                assert!(
                    requirement.statement(language).is_some(),
                    "{} {language}",
                    requirement.id
                );
                assert!(
                    requirement.queries.contains_key(&language),
                    "{}",
                    requirement.id
                );
            }
        }
    }
}

#[test]
fn the_committed_schema_is_the_one_that_the_types_give() {
    let path = rules().join("schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    #[expect(
        clippy::disallowed_methods,
        reason = "a test may be told to write what it compares"
    )]
    if std::env::var("UPDATE_SCHEMA").is_ok() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        text,
        "UPDATE_SCHEMA=1 cargo test writes it"
    );
}

/// Changes the pack at one place and gives the error as people see it.
fn wrong(from: &str, to: &str) -> String {
    assert!(PACK.contains(from), "{from}");
    let error: RulesError = parse("sample.yaml", &PACK.replacen(from, to, 1)).unwrap_err();
    error.render(false, 80)
}

#[test]
fn errors_underline_the_place() {
    insta::assert_snapshot!(wrong("severity: high", "severty: high"));
    insta::assert_snapshot!(wrong("kind: must", "kind: maybe"));
    insta::assert_snapshot!(wrong("act/art_1__para_2", "gdpr/art_1"));
    insta::assert_snapshot!(wrong("act/art_1__para_2", "Article 1"));
    insta::assert_snapshot!(wrong("phrases: {en: [one]}", "pattern: {en: '(one'}"));
    insta::assert_snapshot!(wrong(
        "phrases: {en: [one]}",
        "number: {pattern: {en: '\\d+ hours'}, max: 72}"
    ));
    insta::assert_snapshot!(wrong(
        "statement: {en: It says one.}",
        "statement: {en: \"\"}"
    ));
    insta::assert_snapshot!(wrong("id: sample", "id: My Pack"));
    insta::assert_snapshot!(wrong("  - id: one", "\t- id: one"));
}

#[test]
fn what_is_no_pack_is_refused() {
    for text in ["", "- a\n- b", "id: [", "a: &a [*a, *a]", "\u{0}"] {
        assert!(parse("x.yaml", text).is_err(), "{text:?}");
    }
    let bomb = format!(
        "a: &a [x,x,x,x,x,x,x,x,x]\n{}",
        (b'b'..=b'j')
            .map(|c| {
                let (one, other) = (c as char, (c - 1) as char);
                format!("{one}: &{one} [*{other},*{other},*{other},*{other},*{other},*{other}]\n")
            })
            .collect::<String>()
    );
    assert!(parse("bomb.yaml", &bomb).is_err());
}

fn document(text: &str) -> Document {
    Document {
        path: "a.txt".into(),
        format: Format::Text,
        digest: Digest::of(text),
        language: Some(Language::EN),
        text: text.into(),
        pages: vec![],
        segments: vec![],
        warnings: vec![],
    }
}

#[test]
fn a_notice_period_over_72_hours_is_found_with_its_span() {
    let loaded = load(&rules().join("gdpr-dpa-art28.yaml")).unwrap();
    let pack = &loaded[0].pack;
    let requirement = pack
        .requirements
        .iter()
        .find(|one| one.id.ends_with("/breach-notice"))
        .unwrap();
    let checker = Checker::new(pack, requirement).unwrap();
    let cases = [
        (
            "It reports each breach within ninety-six hours.",
            State::Fails,
            Some(Verdict::Violated),
        ),
        (
            "It reports each breach within 96 hours.",
            State::Fails,
            Some(Verdict::Violated),
        ),
        (
            "It reports each breach within 48 hours.",
            State::Holds,
            None,
        ),
        ("It reports each breach soon.", State::Absent, None),
    ];
    for (text, state, verdict) in cases {
        let document = document(text);
        let outcome = &checker.run(&document, Language::EN)[0];
        assert_eq!((outcome.state, outcome.verdict), (state, verdict), "{text}");
        for hit in &outcome.hits {
            let words = hit.of(&document.text).unwrap();
            assert!(
                words.starts_with("breach within") && words.ends_with("hours"),
                "{words}"
            );
        }
    }
}

#[test]
fn a_scope_that_other_words_may_meet_leaves_it_open() {
    let loaded = load(&rules().join("gdpr-privacy-notice.yaml")).unwrap();
    let pack = &loaded[0].pack;
    let source = pack
        .requirements
        .iter()
        .find(|one| one.id.ends_with("/data-source"))
        .unwrap();
    let checker = Checker::new(pack, source).unwrap();
    let applies = |text: &str| checker.scope(&document(text), Language::EN).applies;
    let notice = "Privacy notice. Your rights. How we use your personal data.";
    assert_eq!(applies("An invoice."), Applies::No);
    assert_eq!(applies(notice), Applies::Unclear);
    let named = format!("{notice} We take some of it from publicly available registers.");
    assert_eq!(applies(&named), Applies::Yes);
    insta::assert_snapshot!(checker.scope(&document(notice), Language::EN).explanation);
}
