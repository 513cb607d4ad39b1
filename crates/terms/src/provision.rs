use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, Language, Span};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

name!(
    /// The name of an instrument over all its languages and versions: the CELEX number for law of
    /// the European Union (`32016R0679`), elsewhere the publisher's own identifier.
    InstrumentId
);

name!(
    /// The place of a provision in its instrument, after the eId of Akoma Ntoso:
    /// `art_13__para_1__point_a`, `rec_39`, `anx_I__point_1`.
    Address
);

name!(
    /// The name of a passage: `INSTRUMENT@VERSION/LANGUAGE#ADDRESS`.
    PassageId
);

impl Address {
    /// The address without its last part; `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once("__")
            .map(|(parent, _)| Self(parent.to_owned()))
    }

    /// Whether `other` is this provision or lies below it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other
            .0
            .strip_prefix(&self.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("__"))
    }
}

/// Whether a text is the law or a retelling of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Nature {
    /// The text as the legislator published it.
    Official,
    /// A digest in konform's own words; shown as a paraphrase wherever it is quoted.
    Paraphrase,
}

/// One act, regulation, directive or rulebook, in one language and one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Instrument {
    /// Its name over all languages and versions.
    pub id: InstrumentId,
    /// The language of this text.
    pub language: Language,
    /// The version: for consolidated law the date from which it applies (`YYYY-MM-DD`).
    pub version: String,
    /// The full title.
    pub title: String,
    /// What people call it: `GDPR`, `DSGVO`, `RGPD`.
    pub short_title: String,
    /// Whether this is the law or a retelling of it.
    pub nature: Nature,
    /// The format it was read from: `formex`, `markdown`.
    pub format: String,
    /// The digest of the file it was read from.
    pub source: Digest,
}

/// A numbered unit of an instrument, with its own text only: what stands in its parts is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provision {
    /// Its place.
    pub address: Address,
    /// How lawyers cite it: `Art. 13(1)(a)`.
    pub label: String,
    /// The provision above it, if there is one.
    pub parent: Option<Address>,
    /// Its heading, without the number; empty where it has none.
    pub heading: String,
    /// Its own text; empty where all its text stands in its parts.
    pub text: String,
}

impl Provision {
    /// The digest that pins label, heading and text.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}

/// A provision that a rule pack pins, by instrument and place.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct ProvisionRef {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The place in it.
    pub address: Address,
}

/// The indexed unit: one provision with the context that is needed to read it alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Passage {
    /// Its name.
    pub id: PassageId,
    /// The instrument it stands in.
    pub instrument: InstrumentId,
    /// What people call the instrument.
    pub short_title: String,
    /// The language.
    pub language: Language,
    /// The version of the instrument.
    pub version: String,
    /// Whether it is the law or a retelling of it.
    pub nature: Nature,
    /// The place of the provision.
    pub address: Address,
    /// How lawyers cite it: `Art. 13(1)(a)`.
    pub label: String,
    /// The headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// The lead-in of the provisions above it, outermost first, that its text continues.
    pub context: String,
    /// The provision's own text.
    pub text: String,
    /// The digest of the provision.
    pub digest: Digest,
}

impl Passage {
    /// Names the passage of a provision.
    #[must_use]
    pub fn id_of(instrument: &Instrument, address: &Address) -> PassageId {
        PassageId(format!(
            "{}@{}/{}#{}",
            instrument.id, instrument.version, instrument.language, address
        ))
    }

    /// The span of the whole text.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::new(0, self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_contains_its_parts_and_not_its_namesakes() {
        let article = Address::from("art_1");
        assert!(article.contains(&"art_1".into()));
        assert!(article.contains(&"art_1__para_2".into()));
        assert!(!article.contains(&"art_13".into()));
        assert_eq!(Address::from("art_1__para_2").parent(), Some(article));
        assert_eq!(Address::from("art_1").parent(), None);
    }
}
