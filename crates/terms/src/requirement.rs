use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, InstrumentId, Language, Localized, ProvisionRef, Verdict};

/// A set of requirements that belong together, as one YAML file holds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pack {
    /// Its name: `gdpr-privacy-notice`.
    pub id: String,
    /// Its version, as its author counts.
    pub version: String,
    /// What it is for.
    pub title: Localized,
    /// What it covers and what it leaves out.
    pub description: Localized,
    /// The documents that the pack is about; `None`: all.
    pub scope: Option<Scope>,
    /// The instruments by the short names that the pack uses for them.
    pub instruments: BTreeMap<String, InstrumentId>,
    /// The requirements, in the order of the file.
    pub requirements: Vec<Requirement>,
}

impl Pack {
    /// The digest that pins everything that the pack says.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}

/// Which documents a pack or a requirement is about, told by phrases that such documents use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// Phrases, found without regard to case and to line breaks. A language without phrases puts
    /// every document of that language in scope.
    pub any_of: Localized<Vec<String>>,
    /// How many different phrases have to occur, at least.
    pub at_least: usize,
    /// Whether a document in which they do not occur is outside, or may be inside all the same.
    pub otherwise: Otherwise,
}

/// What follows where the phrases of a scope do not occur.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// The requirement does not apply.
    #[default]
    NotApplicable,
    /// The matter may be told in other words: a failure is left to a person.
    Undetermined,
}

/// Whether a requirement applies to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Nothing says so, and nothing says the contrary.
    Unclear,
}

/// One thing that a document must, must not or should do or say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    /// Its name over all packs: `gdpr-privacy-notice/controller-identity`.
    pub id: String,
    /// A few words for headings and tables.
    pub title: Localized,
    /// What the document has to do or say, in one sentence that is true of a document that
    /// satisfies it.
    pub statement: Localized,
    /// Whether it is an obligation, a prohibition or advice.
    pub kind: Kind,
    /// How much a failure weighs.
    pub severity: Severity,
    /// The documents that it is about; `None`: those of the pack.
    pub scope: Option<Scope>,
    /// The provisions that it comes from.
    pub provisions: Vec<ProvisionRef>,
    /// Queries that find the segments that bear on it.
    pub queries: Localized<Vec<String>>,
    /// Checks that need no model; the first that decides, decides.
    pub checks: Vec<Check>,
    /// What a report says for each verdict; where nothing is given it says something general.
    pub wording: BTreeMap<Verdict, Wording>,
}

impl Requirement {
    /// The digest that pins everything that the requirement says.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// The statement in a language, if the pack has one.
    #[must_use]
    pub fn statement(&self, language: Language) -> Option<&str> {
        self.statement.get(&language).map(String::as_str)
    }
}

/// What a report says, per language.
pub type Wording = Localized;

/// Whether a requirement is an obligation, a prohibition or advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The statement has to be true of the document; silence is a failure.
    Must,
    /// The statement must not be true of the document; silence is fine.
    MustNot,
    /// The statement had better be true of the document.
    Should,
}

/// How much a failure weighs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a note.
    Low,
    /// Worth a correction.
    Medium,
    /// Has to be corrected.
    High,
    /// Has to be corrected before anything else.
    Critical,
}

/// A test that needs no model, and what follows from its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What is looked for.
    pub test: Test,
    /// The verdict where the test holds; `None`: what was found is evidence for the model.
    pub holds: Option<Verdict>,
    /// The verdict where something was found and the test fails (a number out of bounds, a wrong
    /// check digit); `None`: what was found is evidence for the model.
    pub fails: Option<Verdict>,
    /// The verdict where nothing was found; `None`: the next check, and at last the model.
    pub absent: Option<Verdict>,
}

/// What a check looks for. Patterns are regular expressions of the `regex` crate; case and line
/// breaks are disregarded in patterns and phrases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// A regular expression; it holds where it matches.
    Pattern(Localized),
    /// One phrase of a list; it holds where one occurs.
    Phrases(Localized<Vec<String>>),
    /// A number, written in digits or as a word up to one hundred, in the group `n` of a pattern; it
    /// holds where all numbers found lie within the bound.
    Number {
        /// The pattern with the group `n`.
        pattern: Localized,
        /// The bound.
        bound: Bound<f64>,
    },
    /// A date in the group `d` of a pattern; it holds where all dates found lie within the bound.
    Date {
        /// The pattern with the group `d`.
        pattern: Localized,
        /// The bound, as `YYYY-MM-DD`.
        bound: Bound<String>,
    },
    /// An identifier with a check digit; it holds where every identifier found is valid.
    Identifier(Identifier),
    /// A heading that contains one of these phrases.
    Section(Localized<Vec<String>>),
}

/// A closed bound, open at an end that is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bound<T> {
    /// The least allowed value.
    pub min: Option<T>,
    /// The greatest allowed value.
    pub max: Option<T>,
}

/// An identifier with a check digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Identifier {
    /// Legal Entity Identifier (ISO 17442, check digits after ISO 7064 mod 97-10).
    Lei,
    /// International Bank Account Number (ISO 13616, mod 97-10).
    Iban,
    /// Value added tax number of a member state of the European Union.
    Vat,
}
