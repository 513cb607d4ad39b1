use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use konform_terms::{Digest, InstrumentId, Language, Passage, PassageId};
use serde::{Deserialize, Serialize};
use tantivy::{
    Index, IndexReader, IndexSettings, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term,
    collector::TopDocs,
    directory::{Directory, MmapDirectory, RamDirectory},
    doc,
    query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery, TermSetQuery},
    schema::{
        Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
        Value as _,
    },
    snippet::SnippetGenerator,
};

use crate::analysis::{self, ANALYZER_VERSION, STEMMED};

/// The memory that one index writer may use, in bytes.
const WRITER_MEMORY: usize = 64 << 20;
/// How much a term in label or heading counts, beside one in the text.
const HEADING_BOOST: f32 = 0.5;
/// How long a snippet is, in characters.
const SNIPPET: usize = 200;

/// Says why an index cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The index library failed.
    #[error("the index of law cannot be used")]
    Tantivy(#[from] TantivyError),
    /// The file system refused.
    #[error("{path}: the index of law cannot be written")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The folder is in use for something else.
    #[error("{path}: this folder holds other files; an index of law needs a folder of its own")]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
}

/// A passage that a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The passage.
    pub passage: PassageId,
    /// Its score (BM25).
    pub score: f64,
    /// Its words around what was searched for.
    pub snippet: Vec<Piece>,
}

/// A piece of a snippet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The words.
    pub text: String,
    /// Whether they were searched for.
    pub hit: bool,
}

/// The name of the file that says what an index was built from.
const STAMP: &str = "konform-index.json";

/// What an index on disk was built from; it lies beside it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Stamp {
    corpus: Digest,
    analyzer: String,
    /// The length of each file: the library takes a short file for a whole one, and panics.
    files: BTreeMap<String, u64>,
}

/// The index of the passages of a corpus.
pub struct LawIndex {
    searcher: Searcher,
    fields: Fields,
}

struct Fields {
    id: Field,
    language: Field,
    instrument: Field,
    /// Heading path, label and context, by language.
    head: BTreeMap<&'static str, Field>,
    text: BTreeMap<&'static str, Field>,
}

impl LawIndex {
    /// Opens the index in a folder, and builds it where there is none, where it was built from
    /// another corpus or with other analyzers, or where it is damaged. Says whether it was built.
    ///
    /// A new index is built beside the folder and takes its place when it is whole.
    ///
    /// # Errors
    /// If the folder holds something else, or cannot be written.
    pub fn open_or_build(
        folder: &Path,
        corpus: Digest,
        passages: &[Passage],
    ) -> Result<(Self, bool), IndexError> {
        if let Some(index) = Self::open(folder, corpus, passages.len()) {
            return Ok((index, false));
        }
        let io = |source| IndexError::Io {
            path: folder.to_owned(),
            source,
        };
        if !may_be_replaced(folder).map_err(io)? {
            return Err(IndexError::Occupied {
                path: folder.to_owned(),
            });
        }
        let beside = |ending: &str| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            folder.with_file_name(format!("{name}.{}.{ending}", std::process::id()))
        };
        let (part, old) = (beside("part"), beside("old"));
        let built = (|| {
            remove(&part).map_err(io)?;
            fs::create_dir_all(&part).map_err(io)?;
            let directory = MmapDirectory::open(&part).map_err(TantivyError::from)?;
            drop(Self::build(directory, passages)?);
            let analyzer = ANALYZER_VERSION.to_owned();
            let stamp = Stamp {
                corpus,
                analyzer,
                files: lengths(&part).map_err(io)?,
            };
            let bytes = serde_json::to_vec_pretty(&stamp).map_err(|error| io(error.into()))?;
            fs::write(part.join(STAMP), bytes).map_err(io)?;
            if folder.exists() {
                fs::rename(folder, &old).map_err(io)?;
            }
            fs::rename(&part, folder).map_err(io)
        })();
        // Another process may have built the same index meanwhile; then its own is as good.
        let _ = (remove(&old), remove(&part));
        let index = Self::open(folder, corpus, passages.len());
        match (index, built) {
            (Some(index), _) => Ok((index, true)),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(io(io::Error::other(
                "the index that was written is not whole",
            ))),
        }
    }

    /// Opens an index that was built from this corpus with these analyzers and is whole.
    fn open(folder: &Path, corpus: Digest, passages: usize) -> Option<Self> {
        let stamp: Stamp = serde_json::from_slice(&fs::read(folder.join(STAMP)).ok()?).ok()?;
        let current = stamp.corpus == corpus
            && stamp.analyzer == ANALYZER_VERSION
            && stamp.files == lengths(folder).ok()?;
        if !current {
            return None;
        }
        let index = Index::open(MmapDirectory::open(folder).ok()?).ok()?;
        let whole = index
            .validate_checksum()
            .is_ok_and(|damaged| damaged.is_empty());
        if !whole {
            tracing::warn!(folder = %folder.display(), "the index of law is damaged");
            return None;
        }
        Self::over(index, passages).ok()
    }

    /// Builds an index in memory.
    ///
    /// # Errors
    /// If the index library fails.
    pub fn in_memory(passages: &[Passage]) -> Result<Self, IndexError> {
        Self::build(RamDirectory::create(), passages)
    }

    fn build(
        directory: impl Into<Box<dyn Directory>>,
        passages: &[Passage],
    ) -> Result<Self, IndexError> {
        let (schema, fields) = schema();
        // One segment, written in the order of ids: equal scores then come in that order.
        let mut writer = Index::builder()
            .schema(schema)
            .settings(IndexSettings::default())
            .tokenizers(tokenizers())
            .single_segment_index_writer(directory, WRITER_MEMORY)?;
        let mut sorted: Vec<&Passage> = passages.iter().collect();
        sorted.sort_by(|a, b| a.id.cmp(&b.id));
        for passage in sorted {
            let name = analysis::name(passage.language);
            let head = format!(
                "{} {} {} {}",
                passage.short_title,
                passage.label,
                passage.heading_path.join(" "),
                passage.context
            );
            writer.add_document(doc!(
                fields.id => passage.id.as_str(),
                fields.language => passage.language.code(),
                fields.instrument => passage.instrument.as_str(),
                fields.head[name] => head,
                fields.text[name] => passage.text.as_str(),
            ))?;
        }
        let index = writer.finalize()?;
        Ok(Self::over(index, passages.len())?)
    }

    fn over(index: Index, passages: usize) -> Result<Self, TantivyError> {
        let mut index = index;
        index.set_tokenizers(tokenizers());
        // An index is never changed in place, so nothing has to watch its folder; a watching thread
        // would read files after the index is gone.
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
        let reader: IndexReader = reader.try_into()?;
        let searcher = reader.searcher();
        if searcher.num_docs() != passages as u64 {
            return Err(TantivyError::InternalError("the index is not whole".into()));
        }
        let (_, fields) = schema();
        Ok(Self { searcher, fields })
    }

    /// Ranks the passages of a language for plain words, best first; with `instruments` only
    /// theirs. Words that are nowhere find nothing; there is no query syntax to get wrong.
    ///
    /// # Errors
    /// If the index on disk cannot be read.
    pub fn search(
        &self,
        words: &str,
        language: Language,
        instruments: Option<&[InstrumentId]>,
        limit: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        let name = analysis::name(language);
        let (text, head) = (self.fields.text[name], self.fields.head[name]);
        let terms = analysis::distinct_terms(&mut analysis::analyzer(language), &[words]);
        let wanted: Vec<(Occur, Box<dyn Query>)> = terms
            .iter()
            .flat_map(|term| {
                let query = |field, boost| {
                    let term = Term::from_field_text(field, term);
                    let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
                    let query: Box<dyn Query> = Box::new(BoostQuery::new(Box::new(query), boost));
                    (Occur::Should, query)
                };
                [query(text, 1.0), query(head, HEADING_BOOST)]
            })
            .collect();
        if wanted.is_empty() || limit == 0 {
            return Ok(vec![]);
        }
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = vec![
            (Occur::Must, Box::new(BooleanQuery::new(wanted))),
            (Occur::Must, filter(self.fields.language, [language.code()])),
        ];
        if let Some(instruments) = instruments {
            let ids = instruments.iter().map(InstrumentId::as_str);
            clauses.push((Occur::Must, filter(self.fields.instrument, ids)));
        }
        let query = BooleanQuery::new(clauses);
        let found = self
            .searcher
            .search(&query, &TopDocs::with_limit(limit).order_by_score())?;
        let mut snippets = SnippetGenerator::create(&self.searcher, &query, text)?;
        snippets.set_max_num_chars(SNIPPET);
        found
            .into_iter()
            .map(|(score, address)| {
                let document: TantivyDocument = self.searcher.doc(address)?;
                let value = |field| {
                    document
                        .get_first(field)
                        .and_then(|value| value.as_str())
                        .unwrap_or_default()
                };
                let snippet = snippets.snippet(value(text));
                Ok(Hit {
                    passage: PassageId::from(value(self.fields.id)),
                    score: f64::from(score),
                    snippet: pieces(snippet.fragment(), snippet.highlighted(), value(text)),
                })
            })
            .collect()
    }
}

/// Whether a folder is absent, empty or an index, so that an index may take its place.
fn may_be_replaced(folder: &Path) -> io::Result<bool> {
    if folder.join(STAMP).exists() || folder.join("meta.json").exists() || !folder.exists() {
        return Ok(true);
    }
    Ok(fs::read_dir(folder)?.next().is_none())
}

fn remove(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
    } else {
        Ok(())
    }
}

/// The length of each file of an index; lock files come and go and do not count.
fn lengths(folder: &Path) -> io::Result<BTreeMap<String, u64>> {
    let mut lengths = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != STAMP && !name.ends_with(".lock") {
            lengths.insert(name, entry.metadata()?.len());
        }
    }
    Ok(lengths)
}

/// Cuts a fragment where highlighted words begin and end; without any, the begin of the text.
fn pieces(fragment: &str, highlighted: &[std::ops::Range<usize>], text: &str) -> Vec<Piece> {
    if fragment.is_empty() {
        let text = text.chars().take(SNIPPET).collect();
        return vec![Piece { text, hit: false }];
    }
    let mut pieces = Vec::new();
    let mut at = 0;
    for range in highlighted.iter().filter(|range| range.start < range.end) {
        if range.start < at {
            continue;
        }
        if at < range.start {
            pieces.push(Piece {
                text: fragment[at..range.start].to_owned(),
                hit: false,
            });
        }
        pieces.push(Piece {
            text: fragment[range.clone()].to_owned(),
            hit: true,
        });
        at = range.end;
    }
    if at < fragment.len() {
        pieces.push(Piece {
            text: fragment[at..].to_owned(),
            hit: false,
        });
    }
    pieces
}

/// A clause that lets through the documents with one of these values and does not score.
fn filter<'a>(field: Field, values: impl IntoIterator<Item = &'a str>) -> Box<dyn Query> {
    let terms = values
        .into_iter()
        .map(|value| Term::from_field_text(field, value));
    Box::new(BoostQuery::new(Box::new(TermSetQuery::new(terms)), 0.0))
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let id = schema.add_text_field("id", STRING | STORED);
    let language = schema.add_text_field("language", STRING);
    let instrument = schema.add_text_field("instrument", STRING);
    let mut head = BTreeMap::new();
    let mut text = BTreeMap::new();
    for name in names() {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(name)
            .set_index_option(IndexRecordOption::WithFreqs);
        let options = TextOptions::default().set_indexing_options(indexing);
        head.insert(
            name,
            schema.add_text_field(&format!("head_{name}"), options.clone()),
        );
        text.insert(
            name,
            schema.add_text_field(&format!("text_{name}"), options.set_stored()),
        );
    }
    (
        schema.build(),
        Fields {
            id,
            language,
            instrument,
            head,
            text,
        },
    )
}

fn names() -> impl Iterator<Item = &'static str> {
    STEMMED
        .iter()
        .map(|(language, _)| analysis::name(*language))
        .chain(["other"])
}

fn tokenizers() -> tantivy::tokenizer::TokenizerManager {
    let manager = tantivy::tokenizer::TokenizerManager::default();
    for (language, _) in STEMMED {
        manager.register(analysis::name(language), analysis::analyzer(language));
    }
    let other = "xx".parse().map_or(Language::EN, |language| language);
    manager.register("other", analysis::analyzer(other));
    manager
}
