use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use konform_terms::{Address, Digest, Instrument, Passage, Provision};

use crate::{error::CorpusError, formex, markdown};

/// The size of the largest file that is read, in bytes.
const LIMIT: u64 = 256 << 20;

/// One instrument in one language and version.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// What it is.
    pub instrument: Instrument,
    /// Its provisions, in their order; a provision comes before its parts.
    pub provisions: Vec<Provision>,
    by_address: BTreeMap<Address, usize>,
}

impl Text {
    pub(crate) fn new(instrument: Instrument, provisions: Vec<Provision>) -> Self {
        let addresses = provisions.iter().map(|one| one.address.clone());
        let by_address = addresses.zip(0..).collect();
        Self {
            instrument,
            provisions,
            by_address,
        }
    }

    /// The digest of the instrument and all its provisions.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(&(&self.instrument, &self.provisions))
    }

    /// Finds a provision.
    #[must_use]
    pub fn provision(&self, address: &Address) -> Option<&Provision> {
        self.by_address.get(address).map(|&at| &self.provisions[at])
    }

    /// The passage of a provision; `None` where it has no text of its own.
    #[must_use]
    pub fn passage(&self, provision: &Provision) -> Option<Passage> {
        if provision.text.is_empty() {
            return None;
        }
        let above = self.above(provision);
        let own = (!provision.heading.is_empty()).then_some(provision);
        let headed = above
            .iter()
            .copied()
            .filter(|one| !one.heading.is_empty())
            .chain(own);
        let lead_ins = above
            .iter()
            .map(|one| one.text.as_str())
            .filter(|text| !text.is_empty());
        let Instrument {
            id,
            short_title,
            language,
            version,
            nature,
            ..
        } = &self.instrument;
        Some(Passage {
            id: Passage::id_of(&self.instrument, &provision.address),
            instrument: id.clone(),
            short_title: short_title.clone(),
            language: *language,
            version: version.clone(),
            nature: *nature,
            address: provision.address.clone(),
            label: provision.label.clone(),
            heading_path: headed
                .map(|one| format!("{} {}", one.label, one.heading))
                .collect(),
            context: lead_ins.collect::<Vec<_>>().join(" "),
            text: provision.text.clone(),
            digest: provision.digest(),
        })
    }

    /// The passages of a provision and of all that stands below it, in their order. Below a
    /// chapter stand its articles.
    #[must_use]
    pub fn passages_below(&self, address: &Address) -> Vec<Passage> {
        let mut below = BTreeSet::new();
        let mut passages = Vec::new();
        for provision in &self.provisions {
            let inside = provision
                .parent
                .as_ref()
                .is_some_and(|parent| below.contains(parent));
            if inside || provision.address == *address {
                below.insert(&provision.address);
                passages.extend(self.passage(provision));
            }
        }
        passages
    }

    /// The provisions above one, outermost first.
    fn above(&self, provision: &Provision) -> Vec<&Provision> {
        let parent = |one: &Provision| {
            let at = *self.by_address.get(one.parent.as_ref()?)?;
            Some((at, &self.provisions[at]))
        };
        let mut above = Vec::new();
        let mut at = self
            .by_address
            .get(&provision.address)
            .copied()
            .unwrap_or(usize::MAX);
        let mut next = parent(provision);
        // Parents come before their parts; in a damaged file they may not, or form a circle.
        while let Some((place, one)) = next.filter(|(place, _)| *place < at) {
            above.push(one);
            at = place;
            next = parent(one);
        }
        above.reverse();
        above
    }
}

/// Imports a file, in the format that its content shows, with what is doubtful in it.
///
/// The envelope of a Formex document stands for the document that it names.
///
/// # Errors
/// If it cannot be read, is in no known format, or has an error.
pub fn import(path: &Path) -> Result<(Text, Vec<String>), CorpusError> {
    let bytes = bytes(path)?;
    let source = Digest::of(&bytes);
    let unknown = |found: String| CorpusError::UnknownFormat {
        path: path.to_owned(),
        found,
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| unknown("it is not UTF-8".to_owned()))?;
    let text = text.trim_start_matches('\u{feff}');
    if markdown::is_markdown(text) {
        return markdown::read(path, text, source);
    }
    match root_name(text) {
        Some("CONS.ACT" | "ACT") => formex::read(path, text, source),
        Some("DOC") => {
            let names = text
                .split("<REF.PHYS FILE=\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .find(|name| name.ends_with(".xml") && !name.contains(['/', '\\']));
            let beside = names
                .map(|names| path.with_file_name(names))
                .filter(|beside| beside != path && bytes_begin_with_an_act(beside));
            match beside {
                Some(beside) => import(&beside),
                None => Err(CorpusError::Envelope {
                    path: path.to_owned(),
                    names: names.unwrap_or("the file with the text").to_owned(),
                }),
            }
        }
        Some("CORR") => Err(unknown(
            "it is a corrigendum, and no text of its own".to_owned(),
        )),
        Some(name) => Err(unknown(format!("its root element is `{name}`"))),
        None => Err(unknown("it is neither XML nor has front matter".to_owned())),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, CorpusError> {
    let io = |source| CorpusError::Io {
        path: path.to_owned(),
        source,
    };
    let bytes = fs::metadata(path).map_err(io)?.len();
    if bytes > LIMIT {
        return Err(CorpusError::TooLarge {
            path: path.to_owned(),
            bytes,
            limit: LIMIT,
        });
    }
    fs::read(path).map_err(io)
}

fn bytes_begin_with_an_act(path: &Path) -> bool {
    let bytes = bytes(path).unwrap_or_default();
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    matches!(root_name(text), Some("CONS.ACT" | "ACT"))
}

/// The name of the root element: the first tag that is no declaration, comment or instruction.
fn root_name(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(tag) = rest.strip_prefix('<') {
        let end = match tag.get(..1)? {
            "?" => "?>",
            "!" if tag.starts_with("!--") => "-->",
            "!" => ">",
            _ => {
                let end = tag.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?;
                return Some(&tag[..end]).filter(|name| name.is_ascii() && name.len() <= 40);
            }
        };
        rest = tag[tag.find(end)? + end.len()..].trim_start();
    }
    None
}

/// Folds white space to single spaces.
pub(crate) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_element_is_found_behind_declarations() {
        let cases = [
            (
                "<?xml version=\"1.0\"?>\n<!-- <ACT> -->\n<CONS.ACT a=\"1\">",
                Some("CONS.ACT"),
            ),
            ("<!DOCTYPE html><html>", Some("html")),
            ("<ACT/>", Some("ACT")),
            ("no XML <ACT>", None),
            ("<é", None),
            ("<", None),
            ("", None),
        ];
        for (text, name) in cases {
            assert_eq!(root_name(text), name, "{text}");
        }
    }
}
