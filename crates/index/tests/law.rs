//! The index of law finds what was planted, in its language, in one order.

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
    let broken = std::fs::read_dir(&at)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for file in broken.filter(|path| path.extension().is_some_and(|ext| ext == "store")) {
        std::fs::write(file, "broken").unwrap();
    }
    assert!(open("two", &law()[..3]), "a broken file");
}
