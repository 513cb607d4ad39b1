//! The official texts, where they are at hand: counts, and every word in its place.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may fail, and says what it skips"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use konform_corpus::{Corpus, Text, import};
use konform_terms::{Address, Language};

fn law() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/law/eur-lex");
    if !path.is_dir() {
        eprintln!("skipped: the official texts are not at hand");
        return None;
    }
    Some(path)
}

/// All Formex files, without their envelopes.
fn files(law: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let mut files = vec![law.join("gdpr-de-oj-formex/L_2016119DE.01000101.xml")];
    for work in below(&law.join("works")) {
        for version in below(&work.join("versions")) {
            for folder in below(&version)
                .iter()
                .filter(|one| one.to_string_lossy().ends_with("fmx4"))
            {
                files.extend(below(folder).into_iter().filter(|one| {
                    let name = one.to_string_lossy();
                    name.ends_with(".xml") && !name.ends_with(".doc.xml")
                }));
            }
        }
    }
    assert!(files.len() > 10, "{files:?}");
    files
}

fn count(text: &Text, kind: &str) -> usize {
    let top =
        |address: &Address| address.as_str().starts_with(kind) && !address.as_str().contains("__");
    text.provisions
        .iter()
        .filter(|one| top(&one.address))
        .count()
}

#[test]
fn every_act_has_all_its_articles_recitals_and_annexes() {
    let Some(law) = law() else { return };
    let expected = BTreeMap::from([
        (("32016R0679", "2016-05-04"), (99, 0)),
        // The Official Journal gives the date of the act.
        (("32016R0679", "2016-04-27"), (99, 0)),
        (("32019R2088", "2020-07-12"), (21, 0)),
        (("32019R2088", "2024-01-09"), (22, 0)),
        (("32019R2088", "2026-07-02"), (22, 0)),
        (("32022L2555", "2022-12-27"), (46, 3)),
        (("32022R2554", "2022-12-27"), (64, 0)),
        (("32024R1689", "2024-07-12"), (113, 13)),
        (("32024R1689", "2026-07-27"), (119, 14)),
    ]);
    let mut seen = BTreeSet::new();
    for file in files(&law) {
        let begin = Instant::now();
        let (text, warnings) = import(&file).unwrap();
        let own = &text.instrument;
        let key = (own.id.as_str(), own.version.as_str());
        eprintln!(
            "{key:?} {} {}: {} provisions, {:?} {warnings:?}",
            own.language,
            own.short_title,
            text.provisions.len(),
            begin.elapsed()
        );
        let counts = (count(&text, "art_"), count(&text, "anx_"));
        assert_eq!(Some(&counts), expected.get(&key), "{}", file.display());
        let recitals = if own.language == Language::DE { 173 } else { 0 };
        assert_eq!(count(&text, "rec_"), recitals);
        assert_eq!(warnings, Vec::<String>::new(), "{}", file.display());
        seen.insert((own.id.to_string(), own.version.clone()));
    }
    assert_eq!(seen.len(), expected.len());
}

#[test]
fn an_address_is_the_same_in_every_language() {
    let Some(law) = law() else { return };
    type ByLanguage = Vec<(Language, BTreeSet<Address>)>;
    let mut addresses: BTreeMap<(String, String), ByLanguage> = BTreeMap::new();
    for file in files(&law) {
        let (text, _) = import(&file).unwrap();
        let own = &text.instrument;
        let key = (own.id.to_string(), own.version.clone());
        let articles = text.provisions.iter().map(|one| one.address.clone());
        let articles = articles.filter(|address| !address.as_str().starts_with("rec_"));
        addresses
            .entry(key)
            .or_default()
            .push((own.language, articles.collect()));
    }
    for (key, languages) in addresses {
        let (first, expected) = &languages[0];
        for (language, found) in &languages[1..] {
            let differ: Vec<_> = expected.symmetric_difference(found).collect();
            assert!(differ.is_empty(), "{key:?} {first} {language}: {differ:?}");
        }
    }
}

/// An independent reading of a file, from its characters: what it says in articles, recitals and
/// annexes, without notes, titles and the numbers that become addresses.
struct Plain {
    articles: String,
    recitals: String,
    annexes: String,
}

fn plain(xml: &str) -> Plain {
    // What was repealed stays in the file, between two marks.
    let mut parts = xml.split("<?CLG.MDFO ");
    let mut xml = parts.next().unwrap_or_default().to_owned();
    let mut until = None;
    for part in parts {
        let id = part.split('"').nth(1).unwrap_or_default();
        if until.is_none() && part.contains("ACTION=\"DELETED\"") {
            until = Some(format!("<?CLG.MDFC ID=\"C{}\" IDREF=\"{id}\"?>", &id[1..]));
        }
        let kept = match &until {
            None => Some(part),
            Some(end) => part.split_once(end.as_str()).map(|(_, rest)| rest),
        };
        if let Some(kept) = kept {
            if until.take().is_none() {
                xml.push_str("<?CLG.MDFO ");
            }
            xml.push_str(kept);
        }
    }
    let xml = xml.as_str();
    const BREAKS: &str = " P TXT ITEM ALINEA NO.P NP CELL LIST PARAG NO.PARAG STI.ART TITLE ROW ";
    let mut plain = Plain {
        articles: String::new(),
        recitals: String::new(),
        annexes: String::new(),
    };
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        let mut words = rest[..at]
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        let end = at + rest[at..].find('>').unwrap();
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let inside = |name: &str| open.contains(&name);
        let number = ["NO.P", "NO.PARAG", "TI.ART"]
            .iter()
            .any(|name| inside(name))
            && !["QUOT.S", "TBL"].iter().any(|name| inside(name));
        let left_out = number
            || ["NOTE", "GR.NOTES", "FAM.COMP", "BIB.INSTANCE"]
                .iter()
                .any(|name| inside(name))
            || (inside("TITLE") && !inside("TBL"));
        let name = tag
            .trim_start_matches('/')
            .split([' ', '\n', '/'])
            .next()
            .unwrap();
        let breaks = BREAKS.contains(&format!(" {name} ")) && !inside("NOTE");
        if left_out {
            words.clear();
        }
        if breaks {
            words.push(' ');
        }
        if let Some(code) = tag
            .strip_prefix("QUOT.")
            .and_then(|tag| tag.split("CODE=\"").nth(1))
            && !left_out
        {
            words.extend(char::from_u32(u32::from_str_radix(&code[..4], 16).unwrap()));
        }
        let part = if inside("ARTICLE") {
            Some(&mut plain.articles)
        } else if inside("CONSID") {
            Some(&mut plain.recitals)
        } else if inside("CONS.ANNEX") || inside("ANNEX") {
            Some(&mut plain.annexes)
        } else {
            None
        };
        if let Some(part) = part {
            part.push_str(&words);
        }
        if tag.starts_with(['?', '!']) || tag.ends_with('/') {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            open.push(name);
        }
    }
    for part in [&mut plain.articles, &mut plain.recitals, &mut plain.annexes] {
        *part = part.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    plain
}

/// Asserts that two texts are equal, and shows where they part.
#[track_caller]
fn same(what: &str, found: &str, expected: &str) {
    if found != expected {
        let pairs = found.char_indices().zip(expected.chars());
        let at = pairs
            .clone()
            .find(|((_, a), b)| a != b)
            .map_or(0, |((at, _), _)| at);
        let show = |text: &str| {
            text.chars()
                .skip(found[..at].chars().count())
                .take(80)
                .collect()
        };
        let (found, expected): (String, String) = (show(found), show(expected));
        panic!("{what}: read `{found}`, the file says `{expected}`");
    }
}

#[test]
fn no_word_is_lost_added_or_glued() {
    let Some(law) = law() else { return };
    for file in files(&law) {
        let plain = plain(&fs::read_to_string(&file).unwrap());
        let (text, _) = import(&file).unwrap();
        let of = |kind: &str, headings: bool| {
            let mut words = Vec::new();
            for one in text
                .provisions
                .iter()
                .filter(|one| one.address.as_str().starts_with(kind))
            {
                words.extend(headings.then_some(one.heading.as_str()));
                words.push(&one.text);
            }
            words.retain(|text| !text.is_empty());
            words.join(" ")
        };
        let name = file.file_name().unwrap().to_string_lossy();
        same(&name, &of("art_", true), &plain.articles);
        same(&name, &of("rec_", true), &plain.recitals);
        same(&name, &of("anx_", false), &plain.annexes);
        // Equal as a whole, so each text stands in one piece as well.
        let whole = format!("{} {} {}", plain.articles, plain.recitals, plain.annexes);
        for provision in &text.provisions {
            assert!(
                whole.contains(&provision.text),
                "{name}: {}",
                provision.address
            );
        }
    }
}

#[test]
fn provisions_are_where_lawyers_look_for_them() {
    let Some(law) = law() else { return };
    let cases = [
        (
            "32016r0679/versions/2016-05-04/en",
            "art_13__para_1__point_a",
            "Art. 13(1)(a)",
            "the identity and the",
        ),
        (
            "32016r0679/versions/2016-05-04/fr",
            "art_28__para_3",
            "art. 28, par. 3",
            "Le traitement par un sous-traitant",
        ),
        (
            "32016r0679/versions/2016-05-04/en",
            "art_6__para_1__subpara_2",
            "Art. 6(1), subpara. 2",
            "Point (f) of the first",
        ),
        (
            "32024r1689/versions/2026-07-27/fr",
            "art_5__para_1a",
            "art. 5, par. 1 bis",
            "",
        ),
        (
            "32024r1689/versions/2026-07-27/en",
            "anx_III__point_1__point_a",
            "Annex III, point 1(a)",
            "remote biometric",
        ),
        (
            "32022l2555/versions/2022-12-27/en",
            "anx_I__row_1",
            "Annex I, row 1",
            "1.",
        ),
    ];
    for (folder, address, label, begin) in cases {
        let folder = law.join(format!("works/{folder}.fmx4"));
        let mut files = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let envelope = files.find(|path| path.to_string_lossy().ends_with(".doc.xml"));
        // The envelope stands for the document that it names.
        let (text, _) = import(&envelope.unwrap()).unwrap();
        let provision = text.provision(&address.into());
        let provision = provision.unwrap_or_else(|| panic!("{address} is not there"));
        assert_eq!(provision.label, label);
        assert!(
            provision.text.starts_with(begin),
            "{address}: {}",
            provision.text
        );
    }
}

#[test]
fn a_chapter_holds_the_passages_of_its_articles() {
    let Some(law) = law() else { return };
    let (text, _) = import(&files(&law)[0]).unwrap();
    let passages = text.passages_below(&"chp_III".into());
    let first = passages.first().unwrap();
    assert_eq!(first.address.as_str(), "art_12__para_1");
    assert_eq!(first.heading_path.len(), 3, "{:?}", first.heading_path);
    assert!(
        passages
            .iter()
            .all(|passage| passage.instrument.as_str() == "32016R0679")
    );
    let point = text.provision(&"art_13__para_1__point_a".into()).unwrap();
    let point = text.passage(point).unwrap();
    let above = text.provision(&"art_13__para_1".into()).unwrap();
    assert_eq!(point.context, above.text);
    assert_eq!(text.passages_below(&"art_1".into()).len(), 3);
}

#[test]
fn a_corpus_keeps_what_was_imported_and_prefers_the_law() {
    let Some(law) = law() else { return };
    let folder = tempfile::tempdir().unwrap();
    for file in files(&law) {
        assert!(!Corpus::add(folder.path(), &file).unwrap().replaced);
    }
    let files = files(&law);
    let added = Corpus::add(folder.path(), files.last().unwrap()).unwrap();
    assert!(added.replaced);
    let begin = Instant::now();
    let corpus = Corpus::load(folder.path()).unwrap();
    let loaded = begin.elapsed();
    let digest = corpus.digest();
    let digested = begin.elapsed() - loaded;
    let passages = corpus.passages();
    eprintln!(
        "{} texts loaded in {loaded:?}, digest in {digested:?}, {} passages in {:?}",
        corpus.texts().len(),
        passages.len(),
        begin.elapsed() - loaded - digested
    );
    assert_eq!(corpus.texts().len(), files.len());
    assert_eq!(corpus.digest(), digest);
    let own = &added.text.instrument;
    assert_eq!(corpus.text(&own.id, own.language), Some(&added.text));
    let act = corpus.text(&"32024R1689".into(), Language::FR).unwrap();
    assert_eq!(
        act.instrument.version, "2026-07-27",
        "the latest version stands first"
    );
    let old = corpus.provision(
        &act.instrument.id,
        "2024-07-12",
        Language::FR,
        &"art_1".into(),
    );
    assert!(
        old.is_some(),
        "an earlier version is found where it is asked for"
    );
    let ids: BTreeSet<_> = passages.iter().map(|passage| &passage.id).collect();
    assert_eq!(ids.len(), passages.len());
}
