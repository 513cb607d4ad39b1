//! A corpus on disk and in the binary: which text stands before which, and what damage does.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{fs, path::Path};

use konform_corpus::{Corpus, CorpusError, import};
use konform_terms::{Language, Nature};

fn markdown(language: &str, version: &str, nature: &str, text: &str) -> String {
    format!(
        "---\nid: X1\nlanguage: {language}\nversion: {version}\ntitle: An Act\nshort-title: Act\n\
         nature: {nature}\n---\n\n## Art. 1 Scope\n\n{text}\n"
    )
}

fn add(folder: &Path, name: &str, text: &str) -> konform_corpus::Added {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    Corpus::add(&folder.join("corpus"), &file).unwrap()
}

#[test]
fn the_law_stands_before_a_paraphrase_and_the_latest_version_first() {
    let folder = tempfile::tempdir().unwrap();
    add(
        folder.path(),
        "old.md",
        &markdown("en", "2020-01-01", "official", "Old."),
    );
    add(
        folder.path(),
        "new.md",
        &markdown("en", "2024-01-01", "official", "New."),
    );
    let retold = markdown("en", "2024-01-01", "paraphrase", "Retold.");
    assert!(
        !add(folder.path(), "retold.md", &retold).replaced,
        "the law stays"
    );
    let own = Corpus::load(&folder.path().join("corpus")).unwrap();
    assert_eq!(own.texts().len(), 3);
    let french = markdown("fr", "2025-01-01", "paraphrase", "Raconté.");
    let english = markdown("en", "2026-01-01", "paraphrase", "Later retold.");
    let builtin = Corpus::from_markdown(&[("fr.md", &french), ("en.md", &english)]).unwrap();
    let before = own.digest();
    let corpus = own.with_fallback(builtin);
    let id = "X1".into();
    let article = "art_1".into();
    let words = |language| &corpus.text(&id, language).unwrap().provisions[0].text;
    assert_eq!(words(Language::EN), "New.");
    assert_eq!(words(Language::FR), "Raconté.");
    assert_eq!(corpus.text(&id, Language::DE), None);
    let old = corpus
        .provision(&id, "2020-01-01", Language::EN, &article)
        .unwrap();
    assert_eq!(old.text, "Old.");
    assert_ne!(corpus.digest(), before);
    let passages: Vec<_> = corpus
        .passages()
        .into_iter()
        .map(|one| (one.nature, one.text))
        .collect();
    assert_eq!(
        passages,
        [
            (Nature::Official, "New.".to_owned()),
            (Nature::Paraphrase, "Raconté.".to_owned())
        ]
    );
}

#[test]
fn a_corpus_does_not_depend_on_the_order_of_its_texts() {
    let (one, two) = (
        markdown("en", "2020-01-01", "official", "One."),
        markdown("fr", "2020-01-01", "official", "Un."),
    );
    let forth = Corpus::from_markdown(&[("a", &one), ("b", &two)]).unwrap();
    let back = Corpus::from_markdown(&[("b", &two), ("a", &one)]).unwrap();
    assert_eq!(forth.digest(), back.digest());
    assert_eq!(forth, back);
}

#[test]
fn a_folder_that_is_not_there_is_an_empty_corpus() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        Corpus::load(&folder.path().join("none")).unwrap(),
        Corpus::default()
    );
}

#[test]
fn what_is_no_law_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let says = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let message = import(&file).unwrap_err().to_string();
        message.replace(&folder.path().to_string_lossy().into_owned(), "") + "\n"
    };
    let envelope =
        b"<DOC><PUBLICATION.REF FILE=\"NA\"/><FMX><REF.PHYS FILE=\"a.xml\"/></FMX></DOC>";
    let all = [
        says("empty", b""),
        says("page.html", b"<!DOCTYPE html>\n<html></html>"),
        says("notes.md", b"# Notes\n"),
        says("corr.xml", b"<?xml version=\"1.0\"?><CORR/>"),
        says("act.doc.xml", envelope),
        says("random", b"\xff\xfe\x00"),
    ];
    insta::assert_snapshot!(all.concat(), @"
    /empty: this is not a text of law that konform imports (it is neither XML nor has front matter). It reads Formex 4 (CONS.ACT, ACT) and Markdown that begins with `---` and `id:` (docs/corpus-format.md)
    /page.html: this is not a text of law that konform imports (its root element is `html`). It reads Formex 4 (CONS.ACT, ACT) and Markdown that begins with `---` and `id:` (docs/corpus-format.md)
    /notes.md: this is not a text of law that konform imports (it is neither XML nor has front matter). It reads Formex 4 (CONS.ACT, ACT) and Markdown that begins with `---` and `id:` (docs/corpus-format.md)
    /corr.xml: this is not a text of law that konform imports (it is a corrigendum, and no text of its own). It reads Formex 4 (CONS.ACT, ACT) and Markdown that begins with `---` and `id:` (docs/corpus-format.md)
    /act.doc.xml: this is the envelope of a Formex document, without the text. Put a.xml beside it, or import that file
    /random: this is not a text of law that konform imports (it is not UTF-8). It reads Formex 4 (CONS.ACT, ACT) and Markdown that begins with `---` and `id:` (docs/corpus-format.md)
    ");
    assert!(matches!(
        import(&folder.path().join("gone")),
        Err(CorpusError::Io { .. })
    ));
}

#[test]
fn a_damaged_file_of_the_corpus_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    add(
        folder.path(),
        "act.md",
        &markdown("en", "2020-01-01", "official", "Words."),
    );
    let file = folder
        .path()
        .join("corpus/instruments/X1.en.2020-01-01.jsonl");
    let whole = fs::read_to_string(&file).unwrap();
    for (damaged, line) in [
        (String::new(), 1),
        (whole.replace("\"text\"", "\"txt\""), 2),
    ] {
        fs::write(&file, damaged).unwrap();
        let error = Corpus::load(&folder.path().join("corpus")).unwrap_err();
        assert!(
            error.to_string().contains(&format!("jsonl:{line}: ")),
            "{error}"
        );
        assert!(error.to_string().contains("konform corpus add"), "{error}");
    }
}

#[test]
fn the_digests_of_the_project_are_read_without_doubt() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpora");
    for language in ["en", "fr", "de"] {
        let (text, warnings) = import(&folder.join(format!("gdpr.{language}.md"))).unwrap();
        assert_eq!(warnings, Vec::<String>::new(), "{language}");
        assert_eq!(text.instrument.nature, Nature::Paraphrase);
        assert!(
            text.provision(&"art_28__para_3__point_a".into()).is_some(),
            "{language}"
        );
    }
}
