//! Official texts, where they are at hand: counts, and every word verbatim.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use konform_corpus::{Corpus, Text, import};
use konform_terms::Language;

fn law() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/law/eur-lex");
    if !path.is_dir() {
        eprintln!("skipped: the official texts are not at hand");
        return None;
    }
    Some(path)
}

fn articles(text: &Text) -> usize {
    text.provisions
        .iter()
        .filter(|one| {
            one.address.as_str().starts_with("art_") && !one.address.as_str().contains("__")
        })
        .count()
}

#[test]
fn consolidated_acts_have_all_their_articles() {
    let Some(law) = law() else { return };
    let cases = [
        (
            "works/32016r0679/versions/2016-05-04/en.fmx4/CL2016R0679EN0000020.0001.xml",
            99,
        ),
        (
            "works/32016r0679/versions/2016-05-04/fr.fmx4/CL2016R0679FR0000020.0001.xml",
            99,
        ),
        (
            "works/32024r1689/versions/2026-07-27/en.fmx4/CL2024R1689EN0010010.0001.xml",
            119,
        ),
        (
            "works/32024r1689/versions/2026-07-27/fr.fmx4/CL2024R1689FR0010010.0001.xml",
            119,
        ),
        (
            "works/32022r2554/versions/2022-12-27/fr.fmx4/CL2022R2554FR0000070.0001.xml",
            64,
        ),
        ("gdpr-de-oj-formex/L_2016119DE.01000101.xml", 99),
    ];
    for (file, count) in cases {
        let (text, warnings) = import(&law.join(file)).unwrap();
        assert_eq!(articles(&text), count, "{file}: {warnings:?}");
    }
    let (german, _) = import(&law.join(cases[5].0)).unwrap();
    assert_eq!(german.instrument.id.as_str(), "32016R0679");
    assert_eq!(german.instrument.language, Language::DE);
    let recitals = german
        .provisions
        .iter()
        .filter(|p| p.address.as_str().starts_with("rec_"));
    assert_eq!(recitals.count(), 173);
}

#[test]
fn every_provision_stands_verbatim_in_its_file() {
    let Some(law) = law() else { return };
    let file =
        law.join("works/32016r0679/versions/2016-05-04/en.fmx4/CL2016R0679EN0000020.0001.xml");
    let xml = std::fs::read_to_string(&file).unwrap();
    // An independent reading: take tags away as text, put quotation marks and blanks in.
    let mut plain = String::new();
    let mut rest = xml.as_str();
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        let end = at + rest[at..].find('>').unwrap() + 1;
        let tag = &rest[at..end];
        rest = &rest[end..];
        if let Some(code) = tag
            .strip_prefix("<QUOT.")
            .and_then(|tag| tag.split("CODE=\"").nth(1))
        {
            plain.extend(char::from_u32(u32::from_str_radix(&code[..4], 16).unwrap()));
        } else if tag.starts_with("<NOTE") {
            rest = &rest[rest.find("</NOTE>").unwrap()..];
        } else if ["P>", "TXT>", "ITEM>", "ALINEA>", "NO.P>"]
            .iter()
            .any(|end| tag.ends_with(end))
        {
            plain.push(' ');
        }
    }
    let plain = plain.replace("&amp;", "&");
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let (text, _) = import(&file).unwrap();
    let lost: Vec<_> = text
        .provisions
        .iter()
        .filter(|one| !plain.contains(&one.text))
        .map(|one| &one.address)
        .collect();
    // A paragraph whose text goes on behind its points is found in two pieces, not in one.
    assert!(lost.len() <= 8, "{lost:?}");
    let point = text.provision(&"art_13__para_1__point_a".into()).unwrap();
    assert_eq!(point.label, "Art. 13(1)(a)");
    assert!(
        point
            .text
            .starts_with("the identity and the contact details of the controller")
    );
}

#[test]
fn a_corpus_keeps_what_was_imported_and_prefers_the_law_to_a_digest() {
    let Some(law) = law() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file =
        law.join("works/32016r0679/versions/2016-05-04/en.fmx4/CL2016R0679EN0000020.0001.xml");
    let added = Corpus::add(folder.path(), &file).unwrap();
    assert!(!added.replaced);
    assert!(Corpus::add(folder.path(), &file).unwrap().replaced);
    let digest = "---\nid: 32016R0679\nlanguage: en\nversion: 2016-05-04\ntitle: T\nshort-title: GDPR\n\
                  nature: paraphrase\n---\n## Art. 13 Short\n\nIn short.\n";
    let french = digest.replace("language: en", "language: fr");
    let builtin = Corpus::from_markdown(&[("en.md", digest), ("fr.md", &french)]).unwrap();
    let corpus = Corpus::load(folder.path()).unwrap();
    assert_eq!(corpus.texts()[0], added.text);
    let corpus = corpus.with_fallback(builtin);
    let formats: BTreeMap<String, &str> = corpus
        .texts()
        .iter()
        .map(|text| {
            (
                text.instrument.language.to_string(),
                text.instrument.format.as_str(),
            )
        })
        .collect();
    assert_eq!(
        formats,
        BTreeMap::from([("en".into(), "formex"), ("fr".into(), "markdown")])
    );
}
