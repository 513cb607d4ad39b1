//! Measures the index of law and the search in documents.
//!
//! ```text
//! cargo run --release -p konform-index --example measure -- FOLDER
//! ```
//!
//! FOLDER holds texts of law, at any depth; what cannot be imported is left out.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use konform_corpus::Corpus;
use konform_index::{LawIndex, SegmentIndex};
use konform_terms::{Digest, Document, Format, Language, Passage, Segment, SegmentKind, Span};

/// Queries as requirements have them.
const QUERIES: [(Language, &str); 6] = [
    (
        Language::EN,
        "identity and contact details of the controller",
    ),
    (
        Language::EN,
        "the processor notifies the controller of a breach without undue delay",
    ),
    (Language::EN, "human oversight of high-risk AI systems"),
    (
        Language::FR,
        "le sous-traitant agit sur instruction documentée du responsable",
    ),
    (
        Language::FR,
        "durée de conservation des données à caractère personnel",
    ),
    (Language::DE, "Recht auf Löschung personenbezogener Daten"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: measure FOLDER")?;
    let scratch = std::env::temp_dir().join(format!("konform-measure-{}", std::process::id()));
    let outcome = measure(Path::new(&folder), &scratch);
    fs::remove_dir_all(&scratch)?;
    outcome
}

fn measure(folder: &Path, scratch: &Path) -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    fs::create_dir_all(scratch)?;
    let (texts, time) = timed(|| {
        files
            .iter()
            .filter(|file| Corpus::add(&scratch.join("corpus"), file).is_ok())
            .count()
    });
    println!("import: {texts} of {} files in {time:?}", files.len());
    let (corpus, time) = timed(|| Corpus::load(&scratch.join("corpus")));
    let corpus = corpus?;
    println!("load: {} texts in {time:?}", corpus.texts().len());
    let (digest, time) = timed(|| corpus.digest());
    println!("digest: {time:?}");
    let (passages, time) = timed(|| corpus.passages());
    println!("passages: {} in {time:?}", passages.len());

    let at = scratch.join("index");
    let (index, time) = timed(|| LawIndex::open_or_build(&at, digest, &passages));
    println!("index, built: {time:?}");
    drop(index?);
    let (index, time) = timed(|| LawIndex::open_or_build(&at, digest, &passages));
    println!("index, opened: {time:?}");
    let (index, _) = index?;
    for (language, words) in QUERIES {
        let (hits, _) = timed(|| index.search(words, language, None, 10));
        let found: Vec<String> = hits?.into_iter().take(3).map(|hit| hit.passage.0).collect();
        let rounds = 100;
        let (_, time) = timed(|| {
            (0..rounds)
                .filter(|_| index.search(words, language, None, 10).is_ok())
                .count()
        });
        println!(
            "search {language} `{words}`: {:?}, {found:?}",
            time / rounds
        );
    }
    for segments in [200, 2_000, 20_000] {
        let document = document(&passages, segments);
        let (index, built) = timed(|| SegmentIndex::new(&document, Language::EN));
        let rounds = 100;
        let (found, time) = timed(|| {
            (0..rounds)
                .map(|_| index.search(&[QUERIES[0].1, QUERIES[1].1], 8).len())
                .sum::<usize>()
        });
        let each = time / rounds;
        println!("document of {segments} segments: built {built:?}, search {each:?} ({found})");
    }
    Ok(())
}

/// A document of English sentences of law, over and over.
fn document(passages: &[Passage], segments: usize) -> Document {
    let english: Vec<&Passage> = passages
        .iter()
        .filter(|passage| passage.language == Language::EN)
        .collect();
    let mut text = String::new();
    let mut all = Vec::new();
    for passage in english.iter().cycle().take(segments) {
        let start = text.len();
        text.push_str(&passage.text);
        all.push(Segment {
            span: Span::new(start, text.len()),
            kind: SegmentKind::Sentence,
            page: None,
            heading_path: passage.heading_path.clone(),
        });
        text.push('\n');
    }
    Document {
        path: "measured.txt".into(),
        format: Format::Text,
        digest: Digest::of(&text),
        language: Some(Language::EN),
        text,
        pages: vec![],
        segments: all,
        warnings: vec![],
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, files)?;
        } else if !path.to_string_lossy().ends_with(".doc.xml") {
            files.push(path);
        }
    }
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let result = work();
    (result, begin.elapsed())
}
