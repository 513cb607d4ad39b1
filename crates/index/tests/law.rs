//! The index of law finds what was planted, in its language, in one order.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use konform_index::{LawIndex, Piece};
use konform_terms::{Digest, Instrument, InstrumentId, Language, Nature, Passage};

fn passage(instrument: &str, language: Language, address: &str, text: &str) -> Passage {
    let own = Instrument {
        id: instrument.into(),
        language,
        version: "2020-01-01".into(),
        title: String::new(),
        short_title: "Act".into(),
        nature: Nature::Official,
        format: "markdown".into(),
        source: Digest::of(""),
    };
    Passage {
        id: Passage::id_of(&own, &address.into()),
        instrument: own.id,
        short_title: own.short_title,
        language,
        version: own.version,
        nature: own.nature,
        address: address.into(),
        label: address.replace('_', " "),
        heading_path: vec![],
        context: String::new(),
        text: text.into(),
        digest: Digest::of(text),
    }
}

fn law() -> Vec<Passage> {
    vec![
        passage(
            "A",
            Language::EN,
            "art_1",
            "Controllers notify breaches within three days.",
        ),
        passage("A", Language::EN, "art_2", "Fees are published every year."),
        passage(
            "A",
            Language::FR,
            "art_1",
            "Le responsable notifie les violations.",
        ),
        passage(
            "A",
            Language::DE,
            "art_1",
            "Verantwortliche melden Verletzungen.",
        ),
        passage(
            "B",
            Language::EN,
            "art_9",
            "Breaches of secrecy are punished.",
        ),
        passage(
            "B",
            Language::EN,
            "art_8",
            "Breaches of secrecy are punished.",
        ),
    ]
}

fn found(index: &LawIndex, words: &str, language: Language) -> Vec<String> {
    let hits = index.search(words, language, None, 9).unwrap();
    hits.into_iter().map(|hit| hit.passage.0).collect()
}

#[test]
fn a_passage_is_found_in_its_language_despite_inflection() {
    let index = LawIndex::in_memory(&law()).unwrap();
    assert_eq!(
        found(&index, "they notified three breaches", Language::EN)[0],
        "A@2020-01-01/en#art_1"
    );
    assert_eq!(
        found(
            &index,
            "l'obligation de notifier une violation",
            Language::FR
        ),
        ["A@2020-01-01/fr#art_1"]
    );
    assert_eq!(
        found(&index, "die Verletzung", Language::DE),
        ["A@2020-01-01/de#art_1"]
    );
    assert_eq!(
        found(&index, "\"(unbalanced AND", Language::EN),
        Vec::<String>::new()
    );
}

#[test]
fn equal_scores_come_in_the_order_of_ids() {
    let index = LawIndex::in_memory(&law()).unwrap();
    assert_eq!(
        found(&index, "secrecy punished", Language::EN),
        ["B@2020-01-01/en#art_8", "B@2020-01-01/en#art_9"]
    );
}

#[test]
fn instruments_bound_a_search_and_words_found_are_marked() {
    let index = LawIndex::in_memory(&law()).unwrap();
    let only = [InstrumentId::from("A")];
    let hits = index
        .search("breach", Language::EN, Some(&only), 9)
        .unwrap();
    assert_eq!(hits.len(), 1);
    assert!(
        hits[0].snippet.contains(&Piece {
            text: "breaches".into(),
            hit: true
        }),
        "{hits:?}"
    );
}

#[test]
fn a_limit_keeps_the_first_of_equal_scores() {
    let many: Vec<_> = (0..500)
        .rev()
        .map(|n| passage("C", Language::EN, &format!("art_{n:03}"), "The same words."))
        .collect();
    let index = LawIndex::in_memory(&many).unwrap();
    let hits = index.search("same words", Language::EN, None, 3).unwrap();
    let ids: Vec<_> = hits.iter().map(|hit| hit.passage.as_str()).collect();
    let expected = ["art_000", "art_001", "art_002"].map(|one| format!("C@2020-01-01/en#{one}"));
    assert_eq!(ids, expected);
}

#[test]
fn headings_lead_ins_and_labels_are_found_too() {
    let mut one = passage("A", Language::FR, "art_7", "Cela vaut aussi ici.");
    one.heading_path = vec!["art. 7 Sécurité du traitement".into()];
    one.context = "Le chiffrement est exigé lorsque :".into();
    let index = LawIndex::in_memory(&[one]).unwrap();
    for words in ["securite des traitements", "chiffrements", "art 7"] {
        let hits = index.search(words, Language::FR, None, 3).unwrap();
        assert_eq!(hits.len(), 1, "{words}");
        assert_eq!(hits[0].snippet[0].text, "Cela vaut aussi ici.", "{words}");
    }
}

#[test]
fn an_index_on_disk_is_built_again_only_when_it_has_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("index");
    let open = |digest: &str, passages: &[Passage]| {
        LawIndex::open_or_build(&at, Digest::of(digest), passages)
            .unwrap()
            .1
    };
    assert!(open("one", &law()));
    assert!(!open("one", &law()));
    assert!(open("two", &law()[..3]), "another corpus");
    let files = |ending: &str| {
        let files = std::fs::read_dir(&at)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let wanted = |path: &std::path::PathBuf| path.to_string_lossy().ends_with(ending);
        files.filter(wanted).collect::<Vec<_>>()
    };
    for ending in [".store", ".term", ".idx", "meta.json", "konform-index.json"] {
        let file = files(ending).pop().unwrap();
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        assert!(open("two", &law()[..3]), "{ending} cut off");
        assert!(!open("two", &law()[..3]), "{ending} built again");
        let file = files(ending).pop().unwrap();
        let mut flipped = std::fs::read(&file).unwrap();
        flipped[0] ^= 0xff;
        std::fs::write(&file, flipped).unwrap();
        assert!(open("two", &law()[..3]), "{ending} with another byte");
    }
    std::fs::remove_file(
        files(".pos")
            .into_iter()
            .chain(files(".fast"))
            .next()
            .unwrap(),
    )
    .unwrap();
    assert!(open("two", &law()[..3]), "a file is gone");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing is left beside the index: {left:?}");
}

#[test]
fn an_index_never_takes_the_place_of_other_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let error = LawIndex::open_or_build(folder.path(), Digest::of("one"), &law());
    let message = error.err().unwrap().to_string();
    assert!(message.contains("holds other files"), "{message}");
    assert!(folder.path().join("thesis.txt").exists());
}

#[test]
fn an_open_index_outlives_its_successor() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("index");
    assert!(
        LawIndex::open_or_build(&at, Digest::of("one"), &law())
            .unwrap()
            .1
    );
    // An index that is open stays usable when another corpus takes its place.
    let (before, _) = LawIndex::open_or_build(&at, Digest::of("one"), &law()).unwrap();
    assert!(
        LawIndex::open_or_build(&at, Digest::of("two"), &law())
            .unwrap()
            .1
    );
    assert_eq!(found(&before, "die Verletzung", Language::DE).len(), 1);
}
