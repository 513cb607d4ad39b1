use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use konform_terms::{
    Address, Digest, Instrument, InstrumentId, Language, Nature, Passage, Provision,
};

use crate::{
    error::CorpusError,
    markdown,
    text::{Text, import},
};

/// A set of texts of law.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Corpus {
    texts: Vec<Text>,
}

/// What an import added.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// The text.
    pub text: Text,
    /// What is doubtful in it.
    pub warnings: Vec<String>,
    /// Whether the same instrument, language and version was there before.
    pub replaced: bool,
}

impl Corpus {
    /// Reads a corpus from its folder; a folder that does not exist is an empty corpus.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn load(folder: &Path) -> Result<Self, CorpusError> {
        let texts = folder.join("instruments");
        if !texts.is_dir() {
            return Ok(Self::default());
        }
        let mut files: Vec<PathBuf> = fs::read_dir(&texts)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| entry.path()))
                    .collect()
            })
            .map_err(io(&texts))?;
        files.retain(|file| {
            file.extension()
                .is_some_and(|extension| extension == "jsonl")
        });
        let texts = files
            .iter()
            .map(|file| read(file))
            .collect::<Result<_, _>>()?;
        Ok(Self::of(texts))
    }

    /// Imports a file into the corpus of a folder.
    ///
    /// # Errors
    /// If the file cannot be imported, or the folder not be written.
    pub fn add(folder: &Path, file: &Path) -> Result<Added, CorpusError> {
        let (text, warnings) = import(file)?;
        let texts = folder.join("instruments");
        fs::create_dir_all(&texts).map_err(io(&texts))?;
        let name = file_name(&text.instrument);
        let path = texts.join(format!("{name}.jsonl"));
        let replaced = path.exists();
        let mut lines = Vec::new();
        write(&mut lines, &text.instrument).map_err(io(&path))?;
        for provision in &text.provisions {
            write(&mut lines, provision).map_err(io(&path))?;
        }
        // A file gets its name when it is whole and on the disk.
        let part = texts.join(format!("{name}.{}.part", std::process::id()));
        fs::File::create(&part)
            .and_then(|mut file| file.write_all(&lines).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&part, &path))
            .map_err(|source| {
                let _ = fs::remove_file(&part);
                CorpusError::Io { path, source }
            })?;
        Ok(Added {
            text,
            warnings,
            replaced,
        })
    }

    /// Reads texts in konform's Markdown format, by the names that errors call them.
    ///
    /// # Errors
    /// If one has an error.
    pub fn from_markdown(texts: &[(&str, &str)]) -> Result<Self, CorpusError> {
        let texts = texts
            .iter()
            .map(|(name, text)| Ok(markdown::read(Path::new(name), text, Digest::of(text))?.0))
            .collect::<Result<_, CorpusError>>()?;
        Ok(Self::of(texts))
    }

    fn of(mut texts: Vec<Text>) -> Self {
        texts.sort_by(|a, b| rank(&a.instrument).cmp(&rank(&b.instrument)));
        Self { texts }
    }

    /// Adds the texts of another corpus, as far as no official text of the same instrument and
    /// language stands before them.
    #[must_use]
    pub fn with_fallback(self, other: Self) -> Self {
        let covered = |text: &Text| {
            self.texts.iter().any(|own| {
                own.instrument.id == text.instrument.id
                    && own.instrument.language == text.instrument.language
                    && own.instrument.nature == Nature::Official
            })
        };
        let kept: Vec<Text> = other
            .texts
            .into_iter()
            .filter(|text| !covered(text))
            .collect();
        Self::of(self.texts.into_iter().chain(kept).collect())
    }

    /// All texts, ordered by instrument and language; of one instrument and language the official
    /// text and the latest version come first.
    #[must_use]
    pub fn texts(&self) -> &[Text] {
        &self.texts
    }

    /// The digest of all texts.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let digests: Vec<Digest> = self.texts.iter().map(Text::digest).collect();
        Digest::of_json(&digests)
    }

    /// The text of an instrument in a language: the official one before a paraphrase, the latest
    /// version before earlier ones.
    #[must_use]
    pub fn text(&self, id: &InstrumentId, language: Language) -> Option<&Text> {
        self.texts
            .iter()
            .find(|text| text.instrument.id == *id && text.instrument.language == language)
    }

    /// Finds a provision of a stated version.
    #[must_use]
    pub fn provision(
        &self,
        id: &InstrumentId,
        version: &str,
        language: Language,
        address: &Address,
    ) -> Option<&Provision> {
        self.texts
            .iter()
            .filter(|text| {
                let own = &text.instrument;
                own.id == *id && own.version == version && own.language == language
            })
            .find_map(|text| text.provision(address))
    }

    /// The passages that are searched: those of the text that [`Corpus::text`] gives for each
    /// instrument and language.
    #[must_use]
    pub fn passages(&self) -> Vec<Passage> {
        self.texts
            .iter()
            .filter(|text| {
                let own = &text.instrument;
                self.text(&own.id, own.language)
                    .is_some_and(|first| std::ptr::eq(first, *text))
            })
            .flat_map(|text| text.provisions.iter().filter_map(|one| text.passage(one)))
            .collect()
    }
}

/// The order of texts: by instrument and language, then official before paraphrase, then the
/// latest version first.
fn rank(instrument: &Instrument) -> (&InstrumentId, Language, bool, std::cmp::Reverse<&str>) {
    let paraphrase = instrument.nature == Nature::Paraphrase;
    (
        &instrument.id,
        instrument.language,
        paraphrase,
        std::cmp::Reverse(&instrument.version),
    )
}

/// The name of a text's file, without its ending. A paraphrase never takes the place of the law.
fn file_name(instrument: &Instrument) -> String {
    let Instrument {
        id,
        language,
        version,
        nature,
        ..
    } = instrument;
    let ending = match nature {
        Nature::Official => "",
        Nature::Paraphrase => ".paraphrase",
    };
    format!("{id}.{language}.{version}{ending}")
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '.' | '-' | '(' | ')') {
                c
            } else {
                '_'
            }
        })
        .collect()
}

fn write(lines: &mut Vec<u8>, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, value)?;
    lines.push(b'\n');
    Ok(())
}

fn read(path: &Path) -> Result<Text, CorpusError> {
    let text = fs::read_to_string(path).map_err(io(path))?;
    let mut lines = text.lines().enumerate();
    let damaged = |line: usize, problem: String| CorpusError::Malformed {
        path: path.to_owned(),
        line: line + 1,
        problem,
        remedy: "Import the text again with `konform corpus add`".to_owned(),
    };
    let (_, first) = lines
        .next()
        .ok_or_else(|| damaged(0, "the file is empty".to_owned()))?;
    let instrument = serde_json::from_str(first)
        .map_err(|error| damaged(0, format!("no instrument ({error})")))?;
    let provisions = lines
        .map(|(line, content)| {
            serde_json::from_str(content)
                .map_err(|error| damaged(line, format!("no provision ({error})")))
        })
        .collect::<Result<_, _>>()?;
    Ok(Text::new(instrument, provisions))
}

fn io(path: &Path) -> impl FnOnce(io::Error) -> CorpusError + '_ {
    move |source| CorpusError::Io {
        path: path.to_owned(),
        source,
    }
}
