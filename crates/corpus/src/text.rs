use std::{collections::BTreeMap, fs, path::Path};

use konform_terms::{Address, Digest, Instrument, Passage, Provision};

use crate::{error::CorpusError, formex, markdown};

/// One instrument in one language and version.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// What it is.
    pub instrument: Instrument,
    /// Its provisions, in their order.
    pub provisions: Vec<Provision>,
    by_address: BTreeMap<Address, usize>,
}

impl Text {
    pub(crate) fn new(instrument: Instrument, provisions: Vec<Provision>) -> Self {
        let by_address = provisions
            .iter()
            .enumerate()
            .map(|(at, one)| (one.address.clone(), at))
            .collect();
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
        let mut above = Vec::new();
        let mut next = provision.parent.as_ref();
        while let Some(parent) = next.and_then(|address| self.provision(address)) {
            above.push(parent);
            next = parent.parent.as_ref();
        }
        above.reverse();
        let own = (!provision.heading.is_empty()).then_some(provision);
        let headed = above
            .iter()
            .copied()
            .chain(own)
            .filter(|one| !one.heading.is_empty());
        let lead_in = above
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
            context: lead_in.collect::<Vec<_>>().join(" "),
            text: provision.text.clone(),
            digest: provision.digest(),
        })
    }

    /// The passages of a provision and of all that stands below it, in their order.
    #[must_use]
    pub fn passages_below(&self, address: &Address) -> Vec<Passage> {
        self.provisions
            .iter()
            .filter(|provision| address.contains(&provision.address))
            .filter_map(|provision| self.passage(provision))
            .collect()
    }
}

/// Imports a file, in the format that its content shows, with what is doubtful in it.
///
/// # Errors
/// If it cannot be read, is in no known format, or has an error.
pub fn import(path: &Path) -> Result<(Text, Vec<String>), CorpusError> {
    let bytes = fs::read(path).map_err(|source| CorpusError::Io {
        path: path.to_owned(),
        source,
    })?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(CorpusError::UnknownFormat {
            path: path.to_owned(),
        });
    };
    let text = text.trim_start_matches('\u{feff}');
    let source = Digest::of(&bytes);
    let begin: String = text.chars().take(4000).collect();
    if text.starts_with("---") && begin.contains("\nid:") {
        markdown::read(path, text, source)
    } else if begin.contains("<CONS.ACT") || begin.contains("<ACT") {
        formex::read(path, text, source)
    } else if begin.contains("<DOC ") || begin.contains("<DOC>") || begin.contains("<PUBLICATION") {
        let names = begin
            .split("FILE=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .find(|name| !name.ends_with(".doc.xml"))
            .unwrap_or("the .xml file");
        Err(CorpusError::Envelope {
            path: path.to_owned(),
            names: names.to_owned(),
        })
    } else {
        Err(CorpusError::UnknownFormat {
            path: path.to_owned(),
        })
    }
}

/// Gives a provision an address of its own, where the text uses one twice.
pub(crate) fn unique(
    provisions: &[Provision],
    address: String,
    warnings: &mut Vec<String>,
) -> Address {
    let taken = |wanted: &str| provisions.iter().any(|one| one.address.as_str() == wanted);
    if !taken(&address) {
        return Address(address);
    }
    let mut number = 2;
    while taken(&format!("{address}-{number}")) {
        number += 1;
    }
    let own = format!("{address}-{number}");
    warnings.push(format!(
        "{address} stands twice; the second is called {own}"
    ));
    Address(own)
}

/// Folds white space to single spaces.
pub(crate) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
